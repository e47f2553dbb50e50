"""An order as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent.facts import OrderMoved
from agent.orders.life import Life
from agent.orders.lifecycle import OrderState
from agent.orders.limit import Basis
from agent.orders.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order's document (of the cancel where it was cancelled), where it stands, its last step."""

    order: Order
    state: OrderState
    starts_at: datetime
    awaiting_release: bool
    last_ack: OrderMoved | None
    basis: Basis = field(default_factory=Basis)  # what was fixed when it came
    transport: str = ""  # that it came by


def view_of(life: Life) -> OrderView:
    """Return a life as it is shown."""
    return OrderView(
        order=life.order,
        state=life.state,
        starts_at=life.starts_at,
        awaiting_release=life.awaiting,
        last_ack=life.last_ack,
        basis=life.basis,
        transport=life.transport,
    )
