"""One order's life as the book holds it, and all lives together: rebuilt from facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from agent.facts import AnyFact, OrderHouseLowered, OrderMoved, OrderReceived, OrderRefused
from agent.orders.arbitration import Binding
from agent.orders.compliance import Watch
from agent.orders.lifecycle import BINDING, FINAL, OrderEvent, OrderState
from agent.orders.order import STEPPING, MaxImport, Order, Rejection, Stop
from agent.values import Moment, Watts

ON_TIME = frozenset((OrderEvent.START, OrderEvent.COMPLY, OrderEvent.BREACH, OrderEvent.NOTE))
"""Steps of a limit that is in force."""
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Life:
    """The order as last accepted, and where it stands. Changed only by `Lives.apply`, but for its watch.

    A start that a document leaves open is the first receipt of that revision: a redelivery changes nothing, and
    a revision is a demand of its own, which nobody could meet before it came.
    """

    order: Order
    state: OrderState
    received_at: datetime
    starts_at: datetime
    house_w: Watts | None = None
    standby_w: Watts = 0.0
    seq: int = 0
    has_bound: bool = False  # so that there is something to restore
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
    def is_ahead(self) -> bool:
        """Whether it binds or is going to."""
        return self.binds or self.state is OrderState.SCHEDULED

    @property
    def begins_at(self) -> datetime:
        """The later of start and first receipt: from here on there is time to comply."""
        return max(self.starts_at, self.received_at)

    @property
    def is_late(self) -> bool:
        """Whether its end, or its deadline by its own start, had passed when it came."""
        ends_at, starts_at = self.order.ends_at, self.order.starts_at
        if ends_at is not None and ends_at <= self.received_at:
            return True
        return starts_at is not None and later(starts_at, self.order.comply_by_s) < self.received_at

    def is_overdue(self, now: Moment) -> bool:
        """Whether its deadline has passed by either clock."""
        return now.latest >= later(self.begins_at, self.order.comply_by_s)

    def has_ended(self, now: Moment) -> bool:
        """Whether its end has passed by both clocks."""
        return self.order.ends_at is not None and self.order.ends_at <= now.earliest

    def hangs_on_doubt(self, event: OrderEvent, now: Moment) -> bool:
        """Whether of two clocks only one has it begun, not ended, or overdue, where that bears on this step."""
        if event not in ON_TIME:
            return False
        falls_due = event is OrderEvent.BREACH and self.state is OrderState.ACTIVE
        due = later(self.begins_at, self.order.comply_by_s) if falls_due else None
        return any(
            at is not None and now.earliest < at <= now.latest for at in (self.order.starts_at, self.order.ends_at, due)
        )

    def cap_w(self, margin: float) -> Watts | None:
        """Return this order's own limit at the meter."""
        match self.order.limit:
            case MaxImport(power_w=power_w):
                return power_w
            case Stop():
                return round(((self.house_w or 0.0) + self.standby_w) * (1 + margin), 1)
            case None:
                return None

    def ramp_s(self, excess_w: Watts) -> float:
        """Return how long the order's own ramp needs to shed `excess_w`; 0 where the deadline wins over it."""
        if self.order.ramp_kw_per_min is None or self.order.order_class in STEPPING:
            return 0.0
        return max(0.0, excess_w) / 1000 / self.order.ramp_kw_per_min * 60


def later(at: datetime, seconds: float) -> datetime:
    """Return the instant `seconds` after `at`, the end of the calendar where it lies beyond."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return LAST


class Unreadable(Exception):
    """A remembered order can no longer be read: going on without it would let go what it binds."""


class Lives:
    """Every order known, by id. `parse` turns the raw text of a remembered document into an order."""

    def __init__(self, parse: Callable[[str], Order | Rejection]) -> None:
        self._parse = parse
        self._lives: dict[str, Life] = {}

    def get(self, order_id: str | None) -> Life | None:
        """Return the life of this order, None where it is unknown."""
        return None if order_id is None else self._lives.get(order_id)

    def __getitem__(self, order_id: str) -> Life:
        return self._lives[order_id]

    def __iter__(self) -> Iterator[Life]:
        """Yield every life, by id."""
        return (self._lives[order_id] for order_id in sorted(self._lives))

    def open(self) -> list[Life]:
        """Return the lives that something may still befall, by id."""
        found = (life for life in self._lives.values() if not life.is_final)
        return sorted(found, key=lambda life: life.order.order_id)

    def bindings(self, margin: float, *, counting: Life | None = None, ignoring: Life | None = None) -> list[Binding]:
        """Return what binds now; `counting` as if it did already, `ignoring` as if it no longer did."""
        found = []
        for life in self._lives.values():
            cap_w, limit = life.cap_w(margin), life.order.limit
            binds = (life.binds and life is not ignoring) or life is counting
            if binds and cap_w is not None and limit is not None:
                found.append(Binding(order=life.order, cap_w=cap_w, limit=limit))
        return found

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, new or remembered; those of other rooms are passed over. Raises Unreadable."""
        match fact:
            case OrderReceived():
                self._received(fact)
            case OrderMoved():
                _moved(self._lives[fact.order_id], fact)
            case OrderRefused(order_id=str(order_id), seq=int(seq)):
                self._lives[order_id].seq = seq
            case OrderHouseLowered():
                self._lives[fact.order_id].house_w = fact.house_w
            case _:
                return

    def _received(self, fact: OrderReceived) -> None:
        order = self._parse(fact.document)
        if isinstance(order, Rejection):
            raise Unreadable(f"{fact.order_id} revision {fact.revision}: {order.code} {order.reason}")
        before = self._lives.get(fact.order_id)
        if order.is_cancel and before is not None and before.state is not OrderState.CLOSED:
            order = _cancelling(before.order, order)
            if before.is_ahead:
                before.order = order
                return
        self._lives[fact.order_id] = Life(
            order=order,
            state=OrderState.RECEIVED,
            received_at=fact.at,
            starts_at=fact.starts_at or fact.at,
            house_w=fact.house_w,
            standby_w=fact.base_w or 0.0,
            seq=before.seq if before is not None else 0,
            has_bound=before is not None and before.has_bound and before.state is OrderState.SUPERSEDED,
        )


def _moved(life: Life, fact: OrderMoved) -> None:
    life.state = OrderState(fact.state)
    life.seq = fact.seq
    life.last_ack = fact
    life.has_bound |= life.binds
    life.awaiting = life.binds and (life.awaiting or fact.event == OrderEvent.NOTE)
    if life.binds:
        life.watch = replace(life.watch, over_since=None)


def _cancelling(old: Order, cancel: Order) -> Order:
    """Return the old order taken back: its limit stays what it was, the way back may be told anew."""
    return replace(
        old,
        revision=cancel.revision,
        status=cancel.status,
        document=cancel.document,
        restore_kw_per_min=cancel.restore_kw_per_min or old.restore_kw_per_min,
    )
