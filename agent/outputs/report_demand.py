"""What an order's document asks for beside its limit, as rows of its report: of whom, measured how, till when. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from agent.outputs.report_words import Words
from agent.proof.jws import content

COMPLY_BY_S, SILENT_AT_LEAST_S = 300, 7200
"""What a document that says none asks for (contract 4)."""
SHOWN, SHOWN_LETTERS = 96, 4000
"""So many points and letters of a limit stand in a paper: a day by quarters; the document has the rest."""


def takes_back(document: str) -> bool:
    """Whether a document, plain or signed, is a cancel, whatever else it repeats."""
    return bool(json.loads(content(document)).get("status") == "cancelled")


def demanded(document: str, words: Words) -> Iterable[tuple[str, str]]:
    """Yield each thing that a document, plain or signed, asks for, in words and by its own digits; a cancel nothing."""
    told = json.loads(content(document), parse_float=Decimal)
    if told.get("status") == "cancelled":
        return
    rows = (
        ("targets", _chosen(told.get("targets"), words) or words("whole_site")),
        ("exempt", _chosen(told.get("exempt"), words)),
        ("measured", _measured(told.get("measure") or {}, words)),
        ("asked_from", _when(told, "starts", words) or words("at_receipt")),
        ("asked_until", _when(told, "ends", words) or words("until_lifted")),
        ("trajectory", _points(told.get("limit") or {}, words)),
        ("comply_by", words.span(told.get("comply_by_s", COMPLY_BY_S))),
        ("resume", words(f"resume_{told.get('resume') or ('issuer' if told.get('class') == 'law' else 'auto')}")),
        *_rarely(told, words),
    )
    yield from ((words(name), said) for name, said in rows if said)


def _rarely(told: Mapping[str, Any], words: Words) -> Iterable[tuple[str, str]]:
    """Yield what few documents say."""
    yield "priority", words.exact(told["priority"]) if "priority" in told else ""
    yield "lead", words(f"lead_{told['lead']}") if "lead" in told else ""
    yield "on_silence", _silence(told.get("on_silence") or {}, words)
    for name in ("ramp_kw_per_min", "restore_kw_per_min"):
        yield name, "" if told.get(name) is None else words.exact(told[name], "kW/min")
    yield "randomized", words.span(told["randomize_s"]) if told.get("randomize_s") else ""
    yield "supersedes", ", ".join(told.get("supersedes") or ())
    price = told.get("excess_price")
    yield "excess_price", words.exact(price["amount"], price["currency"]) if price else ""
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
        over = words.span(measure["over_s"]) if measure.get("over_s") is not None else words("window")
        told.append(words("aligned_mean" if measure.get("aligned") else "rolling_mean", over))
    if measure.get("tolerance_pct") is not None:
        told.append(words("tolerance", words.exact(measure["tolerance_pct"], "%")))
    return "; ".join(told)


def shortened(text: str, words: Words) -> str:
    """Return a text as it is, or where it is too long for a paper its beginning and how much more there is."""
    more = len(text) - SHOWN_LETTERS
    return text if more <= 0 else f"{text[:SHOWN_LETTERS]}{words('letters_more', words.exact(more))}"


def _points(limit: Mapping[str, Any], words: Words) -> str:
    """Return the points of a trajectory; nothing for another limit."""
    points = limit.get("trajectory") or ()
    said = [f"{words.instant(datetime.fromisoformat(point['at']))} {_most(point, words)}" for point in points[:SHOWN]]
    if len(points) > SHOWN:
        said.append(words("points_more", words.exact(len(points) - SHOWN)))
    return ", ".join([*said, *([words("linear")] if limit.get("interpolate") == "linear" else [])])


def _most(point: Mapping[str, Any], words: Words) -> str:
    most_kw = point["max_import_kw"]
    return words("no_limit") if most_kw is None else words.exact(most_kw, "kW")


def _silence(agreed: Mapping[str, Any], words: Words) -> str:
    """Return what holds while the issuer is silent; nothing where nothing was agreed."""
    if not agreed:
        return ""
    timeout, least = words.span(agreed["timeout_s"]), words.span(agreed.get("min_s", SILENT_AT_LEAST_S))
    then = words(f"then_{agreed.get('then', 'hold')}")
    return words("silence", timeout, words.exact(agreed["failsafe_kw"], "kW"), least, then)


def _when(told: Mapping[str, Any], which: str, words: Words) -> str:
    """Return an instant as it was asked for, the civil time that it states beside it."""
    instant, civil = told.get(f"{which}_at"), (told.get("local") or {}).get(which)
    said = [] if instant is None else [words.instant(datetime.fromisoformat(instant))]
    return "; ".join([*said, *([] if civil is None else [f"{civil} {told.get('tz')}"])])
