"""What a cancel does to an order that is known, and to an id that nobody has used yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.facts import OrderReceived
from agent.orders.hands import is_by_hand, says_two
from agent.orders.order import Order


def early(
    order: Order, known: Mapping[tuple[str, bool], int] | None, fact: OrderReceived
) -> dict[tuple[str, bool], int]:
    """Return which cancels of an id came before its first order, this one with them; `known` None: it is the first."""
    if not order.is_cancel or (known is not None and not known):
        return {}
    told = dict(known or {})
    alone = is_by_hand(order, transport=fact.transport, by=fact.by) and not says_two(order)
    told[order.issuer, alone] = max(order.revision, told.get((order.issuer, alone), 0))
    return told


def cancelling(old: Order, cancel: Order) -> Order:
    """Return the old order taken back: its limit stays what it was, the way back may be told anew."""
    return replace(
        old,
        revision=cancel.revision,
        status=cancel.status,
        document=cancel.document,
        restore_kw_per_min=cancel.restore_kw_per_min or old.restore_kw_per_min,
    )
