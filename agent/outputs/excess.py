"""What an order's document asks for each kWh above its limit, and what that came to: by metering intervals. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from math import inf
from typing import Any

from agent.orders.limit import Trajectory
from agent.outputs.minutes import IN_FORCE, in_force
from agent.outputs.money_order import OrderStory, Piece
from agent.outputs.money_totals import hours, kwh
from agent.proof.jws import content
from agent.tariffs.charging import kwh_of
from agent.tariffs.money import EXACT, written
from agent.values import Watts

LOOK = timedelta(seconds=5)
"""So much later than its instant a step may be told of: an interval that lacks no more of it is whole."""
NAMED = ("feeders", "tags", "miners", "sources")


def excess(story: OrderStory, pieces: Sequence[Piece]) -> dict[str, Any] | None:
    """Return the energy above the limit and what it costs by the order's own price.

    The price is that of its last document that is no cancel. Above is what the site drew beyond the limit in force at
    an interval's start, as that document's trajectory has it, else as the order's acks state it, in the intervals
    during all of which the order was in force.
    None where no price is named, where none of the intervals is such, and where the limit is not one on the site's
    draw at its billing meter, which the intervals are of.
    """
    told = _told(story)
    price = told.get("excess_price")
    held = _held(story, pieces)
    if price is None or not held or not _is_of_site(told):
        return None
    excess_wh = sum(_above_wh(piece, cap_w) for piece, cap_w in held)
    with localcontext(EXACT):
        amount = kwh_of(excess_wh) * Decimal(price["amount"])
    return {
        "kwh": kwh(excess_wh),
        "price_per_kwh": price["amount"],
        "currency": price["currency"],
        "amount": written(amount),
    }


def excess_doubts(story: OrderStory, pieces: Sequence[Piece]) -> list[str]:
    """Return what of the energy above the limit is not known, where the order has a price for it."""
    told = _told(story)
    if told.get("excess_price") is None or not pieces:
        return []
    if not _is_of_site(told):
        return ["what was drawn above the limit is not known: it is not one on the site's draw at its billing meter"]
    whole = {piece.fact.start for piece, _ in _held(story, pieces)}
    spans = in_force(story.moves)
    left = [piece.fact for piece in pieces if piece.fact.start not in whole]
    left_s = sum(_within_s(fact.start, fact.end, span) for fact in left for span in spans)
    if left_s <= LOOK.total_seconds():
        return []
    return [f"{hours(left_s):g} h of it are in intervals in part outside it; left out of what is above its limit"]


def _told(story: OrderStory) -> Mapping[str, Any]:
    told: Mapping[str, Any] = {} if story.received is None else json.loads(content(story.received.document))
    return told


def _is_of_site(told: Mapping[str, Any]) -> bool:
    """Return whether the limit is one on what the whole site takes in at its billing meter."""
    measure = told.get("measure") or {}
    chosen = (told.get(key) or {} for key in ("targets", "exempt"))
    is_there = (measure.get("at", "site"), measure.get("quantity", "import")) == ("site", "import")
    return is_there and not any(one.get(name) for one in chosen for name in NAMED)


def _held(story: OrderStory, pieces: Sequence[Piece]) -> list[tuple[Piece, Watts]]:
    """Return the pieces during all of which the order was in force, each with the limit at its start."""
    spans = in_force(story.moves)
    steps = [move for move in story.moves if move.state in IN_FORCE]
    trajectory = _trajectory(_told(story).get("limit") or {})
    revision = None if story.received is None or trajectory is None else story.received.revision
    found: list[tuple[Piece, Watts]] = []
    for piece in pieces:
        start, end = piece.fact.start, piece.fact.end
        if not any(since <= start + LOOK and end - LOOK <= until for since, until in spans):
            continue
        before = [step for step in steps if step.at <= start + LOOK]
        if trajectory is not None and before[-1].revision == revision:
            allowed_w = trajectory.allowed(start)
            found.append((piece, inf if allowed_w is None else allowed_w))
            continue
        cap_w = next((step.cap_w for step in reversed(before) if step.cap_w is not None), None)
        if cap_w is not None:
            found.append((piece, cap_w))
    return found


def _trajectory(limit: Mapping[str, Any]) -> Trajectory | None:
    """Return the points that a document's limit has, None where it has none: no ack tells each of them."""
    points = limit.get("trajectory")
    if points is None:
        return None
    kws = [point["max_import_kw"] for point in points]
    return Trajectory(
        times=tuple(datetime.fromisoformat(point["at"]) for point in points),
        powers_w=tuple(None if kw is None else kw * 1000 for kw in kws),
        linear=limit.get("interpolate") == "linear",
    )


def _above_wh(piece: Piece, cap_w: Watts) -> int:
    seconds = (piece.fact.end - piece.fact.start).total_seconds()
    return round(max(0.0, piece.fact.site_wh - cap_w * seconds / 3600))


def _within_s(start: datetime, end: datetime, span: tuple[datetime, datetime]) -> float:
    return max(0.0, (min(span[1], end) - max(span[0], start)).total_seconds())
