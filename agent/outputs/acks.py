"""Which acknowledgements leave for the broker: each step of an order's life, and each refusal with a usable id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from agent.facts import AnyFact, OrderMoved, OrderRefused
from agent.links.outgoing import Outgoing
from agent.orders.acks import ack_of_move, ack_of_refusal, is_retained

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def acks_of(facts: Sequence[AnyFact], prefix: str) -> list[Outgoing]:
    """Return the messages below `prefix` (e.g. hashwatt/bishkek-1) that follow from facts, in order."""
    return [
        Outgoing(topic=f"{prefix}/orders/{order_id}/ack", payload=msgspec.json.encode(ack), retain=is_retained(fact))
        for order_id, ack, fact in _acks(facts)
    ]


def _acks(facts: Sequence[AnyFact]) -> Iterator[tuple[str, dict[str, Any], OrderMoved | OrderRefused]]:
    for fact in facts:
        match fact:
            case OrderMoved():
                yield fact.order_id, ack_of_move(fact), fact
            case OrderRefused(order_id=str(order_id)) if _ID.fullmatch(order_id):
                yield order_id, ack_of_refusal(fact), fact
            case _:
                continue
