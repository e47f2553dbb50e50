"""What an order's document asks for beside its limit, as rows of its report: of whom, measured how, till when. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agent.outputs.report_words import Words
from agent.proof.jws import content

COMPLY_BY_S = 300
"""What a document that says none asks for (contract 4)."""


def demanded(document: str, words: Words) -> Iterable[tuple[str, str]]:
    """Yield each thing that a document, plain or signed, asks for, in words; nothing for a cancel."""
    told = json.loads(content(document))
    if told.get("status") == "cancelled":
        return
    rows = (
        ("targets", _chosen(told.get("targets"), words) or words("whole_site")),
        ("exempt", _chosen(told.get("exempt"), words)),
        ("measured", _measured(told.get("measure") or {}, words)),
        ("asked_from", _when(told, "starts", words) or words("at_receipt")),
        ("asked_until", _when(told, "ends", words) or words("until_lifted")),
        ("comply_by", words.seconds(told.get("comply_by_s", COMPLY_BY_S))),
        *_rarely(told, words),
    )
    yield from ((words(name), said) for name, said in rows if said)


def _rarely(told: Mapping[str, Any], words: Words) -> Iterable[tuple[str, str]]:
    """Yield what few documents say."""
    for name in ("ramp_kw_per_min", "restore_kw_per_min"):
        yield name, "" if told.get(name) is None else words.number(told[name], "kW/min", 1)
    yield "randomized", words.seconds(told["randomize_s"]) if told.get("randomize_s") else ""
    yield "supersedes", ", ".join(told.get("supersedes") or ())
    price = told.get("excess_price")
    yield "excess_price", f"{price['amount']} {price['currency']}" if price else ""
    yield "program", told.get("program") or ""
    yield "note", told.get("note") or ""
    yield "offer", words("it_was") if told.get("mandatory") is False else ""
    yield "rehearsal", words("nothing_sent") if told.get("test") else ""


def _chosen(chosen: Mapping[str, Any] | None, words: Words) -> str:
    """Return who is named, feeders first; nothing for nobody."""
    named = ((kind, (chosen or {}).get(kind)) for kind in ("feeders", "tags", "miners", "sources"))
    return "; ".join(f"{words(f'of_{kind}')} {', '.join(names)}" for kind, names in named if names)


def _measured(measure: Mapping[str, Any], words: Words) -> str:
    told = []
    if measure.get("quantity") == "consumption":
        told.append(words("consumption"))
    if measure.get("at", "site") != "site":
        told.append(words("measured_at", measure["at"]))
    if measure.get("over_s") is not None or measure.get("aligned"):
        over = words.seconds(measure["over_s"]) if measure.get("over_s") is not None else words("window")
        told.append(words("aligned_mean" if measure.get("aligned") else "rolling_mean", over))
    if measure.get("tolerance_pct") is not None:
        told.append(words("tolerance", words.number(measure["tolerance_pct"], "%", 1)))
    return "; ".join(told)


def _when(told: Mapping[str, Any], which: str, words: Words) -> str:
    """Return an instant as it was asked for, the civil time that it states beside it."""
    instant, civil = told.get(f"{which}_at"), (told.get("local") or {}).get(which)
    said = [] if instant is None else [words.instant(datetime.fromisoformat(instant))]
    return "; ".join([*said, *([] if civil is None else [f"{civil} {told.get('tz')}"])])
