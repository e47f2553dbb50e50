"""Acknowledgements: the contract's JSON objects, views of facts word for word."""

from __future__ import annotations

from typing import Any

from agent.facts import OrderMoved, OrderRefused
from agent.orders.lifecycle import OrderState
from agent.values import rfc3339


def ack_of_move(fact: OrderMoved) -> dict[str, Any]:
    """Return the ack of one step of an order's life."""
    return {
        "order_id": fact.order_id,
        "revision": fact.revision,
        "seq": fact.seq,
        "state": fact.state,
        "at": rfc3339(fact.at),
        "cap_w": fact.cap_w,
        "observed_w": fact.observed_w,
        "meter": fact.meter,
        "shortfall_w": fact.shortfall_w,
        "expected_at": rfc3339(fact.expected_at) if fact.expected_at is not None else None,
        "binding_order": fact.binding_order,
        "reason": fact.reason,
    }


def ack_of_refusal(fact: OrderRefused) -> dict[str, Any]:
    """Return the ack of a document that changed nothing."""
    told = [fact.reason] if fact.reason else []
    if fact.count > 1:
        told.append(f"{fact.count} refused")
    return {
        "order_id": fact.order_id,
        "revision": fact.revision,
        "seq": fact.seq,
        "state": OrderState.REJECTED.value,
        "at": rfc3339(fact.at),
        "cap_w": None,
        "observed_w": None,
        "meter": None,
        "shortfall_w": None,
        "expected_at": None,
        "binding_order": None,
        "reason": ": ".join([fact.code, "; ".join(told)]) if told else fact.code,
    }


def is_retained(fact: OrderMoved | OrderRefused) -> bool:
    """Whether its ack stays on the topic: a refusal for an order that is known must not displace its last step."""
    return isinstance(fact, OrderMoved) or not fact.known
