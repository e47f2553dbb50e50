"""One order's life as the book holds it: rebuilt from facts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.facts import OrderMoved
from agent.orders.compliance import Watch
from agent.orders.lifecycle import BINDING, FINAL, OrderState
from agent.orders.order import MaxImport, Order, Stop
from agent.values import Watts


@dataclass(slots=True, kw_only=True)
class Life:
    """The order as last accepted, and where it stands. Changed only by the book's `apply`."""

    order: Order
    raw: str
    state: OrderState
    received_at: datetime
    starts_at: datetime
    house_w: Watts | None = None
    standby_w: Watts = 0.0
    seq: int = 0
    awaiting: bool = False  # its end passed and somebody must release it
    last_ack: OrderMoved | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def binds(self) -> bool:
        """Whether its limit is in force."""
        return self.state in BINDING

    @property
    def is_final(self) -> bool:
        """Whether nothing more can befall it."""
        return self.state in FINAL

    @property
    def deadline(self) -> datetime:
        """The later of start and first receipt, and the time to comply."""
        return max(self.starts_at, self.received_at) + timedelta(seconds=self.order.comply_by_s)

    def cap_w(self, margin: float) -> Watts | None:
        """Return this order's own limit at the meter."""
        match self.order.limit:
            case MaxImport(power_w=power_w):
                return power_w
            case Stop():
                return ((self.house_w or 0.0) + self.standby_w) * (1 + margin)
            case None:
                return None
