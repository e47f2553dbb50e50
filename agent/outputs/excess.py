"""What an order's document asks for each kWh above its limit, and what that came to: by metering intervals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from agent.outputs.money_order import OrderStory, Piece
from agent.outputs.money_totals import kwh
from agent.proof.jws import is_compact, opened
from agent.tariffs.charging import kwh_of
from agent.tariffs.money import EXACT, written


def excess(story: OrderStory, pieces: Sequence[Piece]) -> dict[str, Any] | None:
    """Return the energy above the limit and what it costs by the order's own price, None where it names none.

    Above is what the site drew in an interval beyond the limit in force at its start, as the order's acks state it.
    """
    price = _price(story)
    if price is None:
        return None
    excess_wh = sum(_above_wh(story, piece) for piece in pieces)
    with localcontext(EXACT):
        amount = kwh_of(excess_wh) * Decimal(price["amount"])
    return {
        "kwh": kwh(excess_wh),
        "price_per_kwh": price["amount"],
        "currency": price["currency"],
        "amount": written(amount),
    }


def _price(story: OrderStory) -> dict[str, str] | None:
    if story.received is None:
        return None
    raw = story.received.document.encode()
    told = msgspec.json.decode(opened(raw).payload if is_compact(raw) else raw)
    price: dict[str, str] | None = told.get("excess_price")
    return price


def _above_wh(story: OrderStory, piece: Piece) -> int:
    caps = [move.cap_w for move in story.moves if move.at <= piece.fact.start]
    cap_w = next((cap for cap in reversed(caps) if cap is not None), None)
    if cap_w is None:
        cap_w = next((move.cap_w for move in story.moves if move.cap_w is not None), None)
    if cap_w is None:
        return 0
    seconds = (piece.fact.end - piece.fact.start).total_seconds()
    return max(0, round(piece.fact.site_wh - cap_w * seconds / 3600))
