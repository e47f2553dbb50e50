"""A second reading of the order's schema, for the fields that drawn documents have; written from the contract alone."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

KNOWN = {
    "order_id", "revision", "site", "issued_at", "issuer", "class", "program", "source_ref", "priority", "status",
    "starts_at", "ends_at", "tz", "local", "limit", "measure", "targets", "exempt", "comply_by_s", "ramp_kw_per_min",
    "restore_kw_per_min", "lead", "randomize_s", "mandatory", "test", "resume", "on_silence", "excess_price",
    "supersedes", "note", "ext",
}  # fmt: skip


def number(told, least=0.0, most=float("inf")):
    return isinstance(told, int | float) and not isinstance(told, bool) and least <= told <= most


def whole(told, least=0):
    return number(told, least) and float(told).is_integer()


def instant(told):
    if not isinstance(told, str) or not re.fullmatch(r"[\d-]{10}T[\d:.]{8,}(Z|[+-]\d\d:\d\d)", told):
        return None
    try:
        return datetime.fromisoformat(told)
    except ValueError:
        return None


def names(told):
    return (
        isinstance(told, list)
        and all(isinstance(name, str) and 1 <= len(name) <= 128 for name in told)
        and len(set(told)) == len(told)
    )


def of(told, required, optional=()):
    """Whether this is an object with these keys, each content with its check."""
    checks = {**required, **dict(optional)}
    return (
        isinstance(told, dict)
        and set(required) <= set(told) <= set(checks)
        and all(checks[key](value) for key, value in told.items())
    )


def or_null(check):
    return lambda told: told is None or check(told)


def base(told):
    return told in ("before", "connection", "peak_12m") or of(told, {"kw": number})


def rising(points):
    times = [instant(told["at"]) for told in points]
    return all(before < after for before, after in pairwise(times))


def point(told):
    return of(told, {"at": instant, "max_import_kw": or_null(number)})


def limit(told):
    return any(
        (
            of(told, {"stop": lambda stop: stop is True}),
            of(told, {"max_import_kw": number}),
            of(told, {"reduce_kw": number}, {"baseline": base}),
            of(told, {"fraction": lambda share: number(share, 0, 1)}, {"of": base}),
            of(
                told,
                {
                    "trajectory": lambda points: (
                        isinstance(points, list) and points and all(map(point, points)) and rising(points)
                    )
                },
                {"interpolate": lambda kind: kind in ("step", "linear")},
            ),
        )
    )


CHECKS = {
    "revision": lambda told: whole(told, 1),
    "class": lambda told: told in ("law", "grid_emergency", "contract", "market", "operator"),
    "status": lambda told: told in ("issued", "cancelled"),
    "limit": limit,
    "starts_at": or_null(instant),
    "ends_at": or_null(instant),
    "issued_at": or_null(instant),
    "priority": whole,
    "comply_by_s": whole,
    "ramp_kw_per_min": or_null(lambda told: number(told) and told > 0),
    "randomize_s": whole,
    "mandatory": lambda told: isinstance(told, bool),
    "resume": lambda told: told in (None, "auto", "operator", "issuer"),
    "targets": lambda told: of(told, {}, {"feeders": names, "tags": names, "miners": names}),
    "supersedes": names,
    "measure": or_null(
        lambda told: of(
            told, {}, {"over_s": or_null(lambda over: whole(over, 1)), "at": lambda where: isinstance(where, str)}
        )
    ),
    "on_silence": or_null(
        lambda told: of(told, {"failsafe_kw": number, "timeout_s": lambda seconds: whole(seconds, 1)})
    ),
    "note": or_null(lambda told: isinstance(told, str)),
    "ext": lambda told: isinstance(told, dict),
}


def is_valid(told):
    """Whether the schema, and the rule that an end lies after its start, allow this document."""
    if not {"order_id", "revision", "issuer", "class", "status"} <= set(told) <= KNOWN:
        return False
    if told["status"] == "issued" and "limit" not in told:
        return False
    if not all(CHECKS[key](value) for key, value in told.items() if key in CHECKS):
        return False
    starts, ends = instant(told.get("starts_at")), instant(told.get("ends_at"))
    return starts is None or ends is None or ends > starts
