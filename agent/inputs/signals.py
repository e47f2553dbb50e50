"""Simple feeds that become orders: bytes to what is demanded, strictly. The formats are those of the configuration.

`target`: `{"target": 0 | 100, "timestamp": unix seconds}`, as Block's Proto Fleet takes it: 0 stops, 100 lets go.
`kw`: a number, or `{"kw": number | null, "at"?}`: at most so much at the meter, null lets go. `boolean`: true stops.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.inputs.strict_json import decode

MOST_KW = 1e9
MOST_BYTES = 1024


class BadSignal(Exception):
    """A message that is none of its feed; it names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """What a feed demands: a limit as an order's document has it, None to let go; `at` is the feed's own word."""

    limit: Mapping[str, Any] | None
    at: datetime | None = None


STOP: Mapping[str, Any] = {"stop": True}


def parse_signal(payload: bytes, kind: str) -> Demanded:
    """Return what a payload demands. Raises BadSignal."""
    if len(payload) > MOST_BYTES:
        raise BadSignal(f"payload: more than {MOST_BYTES} bytes")
    try:
        told = decode(b'{"told":' + payload + b"}")["told"]
    except (ValueError, KeyError) as error:
        raise BadSignal(f"payload: {error}") from None
    match kind:
        case "target":
            return _target(told)
        case "kw":
            return _kw(told)
        case _:
            return _boolean(told)


def _target(told: Any) -> Demanded:
    if not isinstance(told, dict) or set(told) - {"target", "timestamp"}:
        raise BadSignal("payload: must be an object of target and timestamp")
    target = told.get("target")
    if isinstance(target, bool) or target not in (0, 100):
        raise BadSignal("target: must be 0 or 100")
    stamp = told.get("timestamp")
    if not isinstance(stamp, int | float) or isinstance(stamp, bool):
        raise BadSignal("timestamp: must be seconds since 1970")
    try:
        at = datetime.fromtimestamp(float(stamp), UTC)
    except (OverflowError, ValueError, OSError):
        raise BadSignal("timestamp: lies beyond the calendar") from None
    return Demanded(limit=STOP if target == 0 else None, at=at)


def _kw(told: Any) -> Demanded:
    at = None
    if isinstance(told, dict):
        if set(told) - {"kw", "at"} or "kw" not in told:
            raise BadSignal("payload: must be a number, or an object of kw and at")
        at, told = _instant(told.get("at")), told["kw"]
    if told is None:
        return Demanded(limit=None, at=at)
    if not _is_number(told) or not 0 <= told <= MOST_KW:
        raise BadSignal(f"kw: must be a number from 0 to {MOST_KW:.0f}, or null")
    return Demanded(limit={"max_import_kw": told}, at=at)


def _boolean(told: Any) -> Demanded:
    if told not in (True, False, 0, 1) or isinstance(told, float):
        raise BadSignal("payload: must be true or false")
    return Demanded(limit=STOP if told else None)


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool)


def _instant(told: Any) -> datetime | None:
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadSignal("at: must be an RFC 3339 instant with offset") from None
    if at.tzinfo is None:
        raise BadSignal("at: must have an offset")
    return at.astimezone(UTC)


def parse_heartbeat(payload: bytes) -> datetime | None:
    """Return when a heartbeat says it was sent, None where it is empty. Raises BadSignal."""
    if not payload:
        return None
    try:
        told = decode(payload) if len(payload) <= MOST_BYTES else None
    except (ValueError, json.JSONDecodeError) as error:
        raise BadSignal(f"payload: {error}") from None
    if told is None or set(told) - {"at"}:
        raise BadSignal("payload: must be empty, or an object of at")
    return _instant(told.get("at"))
