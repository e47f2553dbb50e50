"""One order's life as the book holds it, and all lives together: rebuilt from facts alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from agent.facts import AnyFact, OrderMoved, OrderReceived, OrderRefused
from agent.facts.orders import OrderHouseLowered
from agent.orders.arbitration import Binding
from agent.orders.averaging import Measured, aligned, rolling
from agent.orders.bound import Bound
from agent.orders.compliance import Observed, Watch
from agent.orders.hands import is_by_hand, is_own_word
from agent.orders.lifecycle import BINDING, FINAL, OrderEvent, OrderState
from agent.orders.limit import Basis, Trajectory, base_of, cap_w
from agent.orders.order import SITE_SCOPE, STEPPING, Order, Rejection, Scope
from agent.orders.taken_back import cancelling, early
from agent.values import Moment, Watts

ON_TIME = frozenset((OrderEvent.START, OrderEvent.COMPLY, OrderEvent.BREACH, OrderEvent.NOTE))
"""Steps of a limit that is in force."""
LONG = timedelta(hours=6)
LONG_S = 3600.0
MOST_MARKS = 64
"""Signed documents of one order that are known again."""
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


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
    basis: Basis = field(default_factory=Basis)
    restore_after_s: float = 0.0  # drawn once: so long after its end nothing is restored yet
    seq: int = 0
    has_bound: bool = False  # so that there is something to restore
    transport: str = ""  # that its document came by
    by_hand: bool = False  # a person here gave it in
    own_word: bool = False  # a person here gave it in, and names nobody who gave it to him
    early: Mapping[tuple[str, bool], int] = field(default_factory=dict)
    """Where an id was cancelled before anybody used it: the latest revision by issuer, and by one hand alone or not."""
    awaiting: bool = False  # its end passed and somebody must release it
    counted_from: datetime | None = None  # of a mean that goes on from a revision before it, since when
    agreed_at: datetime | None = None  # when it was accepted, an offer later than it came
    began_w: Watts | None = None  # what was drawn at its start
    ahead_at: datetime | None = None  # when it began by a clock ahead of the time that is told
    over_at: datetime | None = None  # when it ended or was cancelled
    last_ack: OrderMoved | None = None
    watch: Watch = field(default_factory=Watch)
    allowance_w: Watts | None = None  # of a mean over clock intervals: what may be drawn from now on

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
    def is_way_back(self) -> bool:
        """Whether it bound, is over, and what it lowered is on its way back."""
        return self.has_bound and self.state in {OrderState.ENDED, OrderState.CANCELLED, OrderState.RESTORING}

    @property
    def lasts(self) -> bool:
        """Whether it binds for so long that the farm may well lose its power meanwhile."""
        ends_at = self.order.ends_at
        return self.order.resume != "auto" or ends_at is None or ends_at - self.starts_at >= LONG

    @property
    def begins_at(self) -> datetime:
        """The later of start, first receipt and, of an offer, acceptance: from here on there is time to comply."""
        return max(self.starts_at, self.agreed_at or self.received_at)

    @property
    def is_late(self) -> bool:
        """Whether its end, or its deadline by its own start, had passed when it came."""
        ends_at, starts_at = self.order.ends_at, self.order.starts_at
        is_over = ends_at is not None and ends_at <= self.received_at
        return is_over or (starts_at is not None and later(starts_at, self.order.comply_by_s) < self.received_at)

    @property
    def due_at(self) -> datetime:
        """Its deadline: the drawn shift of a law order's start does not move it."""
        return later(max(self._due_start, self.agreed_at or self.received_at), self.order.comply_by_s)

    @property
    def _due_start(self) -> datetime:
        is_law = self.order.order_class == "law"
        return (self.order.starts_at or self.received_at) if is_law else self.starts_at

    def is_overdue(self, now: Moment) -> bool:
        """Whether its deadline has passed: by either clock since its start, since it came or began by what is told."""
        begun = now.latest >= later(self._due_start, self.order.comply_by_s)
        return begun and now.at >= later(self.ahead_at or self.agreed_at or self.received_at, self.order.comply_by_s)

    def holds_on(self, now: Moment) -> bool:
        """Whether its limit stays although it is over: what is freed waits for the time that was drawn."""
        if not self.restore_after_s or self.over_at is None or not self.has_bound:
            return False  # no time drawn, whatever the time is: of two clocks one may be years before the end
        is_over = self.state in {OrderState.ENDED, OrderState.CANCELLED}
        return is_over and now.earliest < later(self.over_at, self.restore_after_s)

    def frees(self, seen: Observed, others: Sequence[Scope], now: Moment) -> bool:
        """Whether machines wait to be given back after it; not who has waited for long though every ramp let him.

        Power is freed by setpoints; the way back is over when readings say so.
        """
        is_long_over = self.over_at is not None and now.earliest >= later(self.over_at, self.restore_after_s + LONG_S)
        waits = seen.has_to_come_back(others, by_readings=self.state is OrderState.RESTORING)
        return self.has_bound and waits and not (is_long_over and seen.comes_no_further)

    def has_ended(self, now: Moment) -> bool:
        """Whether its end has passed by both clocks."""
        return self.order.ends_at is not None and self.order.ends_at <= now.earliest

    def hangs_on_doubt(self, event: OrderEvent, now: Moment) -> bool:
        """Whether of two clocks only one has it begun, not ended, or overdue, where that bears on this step."""
        if event not in ON_TIME:
            return False
        falls_due = event is OrderEvent.BREACH and self.state is OrderState.ACTIVE
        due = self.due_at if falls_due else None
        return any(
            at is not None and now.earliest < at <= now.latest for at in (self.order.starts_at, self.order.ends_at, due)
        )

    def cap_w(self, margin: float, now: Moment) -> Watts | None:
        """Return this order's own limit at its meter, None where it sets none at this instant."""
        return cap_w(self.order.limit, self.basis, margin=margin, first=now.earliest, last=now.latest)

    def binding(self, margin: float, now: Moment, *, counts: bool = False) -> Binding | None:
        """Return what it binds to now, None for nothing; `counts`: as if it were in force."""
        if not (counts or self.binds or self.holds_on(now)) or self.order.test:
            return None
        limit_w, limit = self.cap_w(margin, now), self.order.limit
        if limit_w is not None and self.allowance_w is not None:
            limit_w = self.allowance_w
        if limit_w is None or limit is None:
            return None
        steps = not self.is_on_its_ramp(limit_w, now)
        return Binding(order=self.order, cap_w=limit_w, limit=limit, steps=steps, lasts=self.lasts)

    def measured(self, observed: Observed, cap_w: Watts | None, now: Moment, *, window_s: float) -> Measured | None:
        """Return the mean that it is judged by, None where that is what is drawn now."""
        measure, told = self.order.measure, observed.told
        over_s = measure.over_s or window_s
        if cap_w is None or told is None or (over_s <= window_s and not measure.aligned):
            return None
        if not measure.aligned:
            return rolling(told, over_s)
        since = self.counted_from or self.begins_at
        return aligned(told, over_s, cap_w=cap_w, draw_w=observed.draw_w, begins_at=since, now=now)

    def tolerated_w(self, margin: float, now: Moment) -> Watts | None:
        """Return what is no breach yet: a limit that falls may be followed within the time to comply."""
        limit = self.order.limit
        if not isinstance(limit, Trajectory):
            return self.cap_w(margin, now)
        return limit.most(later(now.earliest, -self.order.comply_by_s), now.latest)

    def is_new_point(self, now: Moment) -> bool:
        """Whether its limit is another than at its last step, by a point of its trajectory."""
        limit, last = self.order.limit, self.last_ack
        return isinstance(limit, Trajectory) and last is not None and limit.place(last.at) != limit.place(now.earliest)

    def is_on_its_ramp(self, cap_w: Watts, now: Moment) -> bool:
        """Whether the ramp that it asks for, from the draw at its start, is not over yet."""
        ramp_s = 0.0 if self.began_w is None else self.ramp_s(self.began_w - cap_w)
        return ramp_s > 0 and now.earliest < later(self.begins_at, ramp_s)

    def ramp_s(self, excess_w: Watts) -> float:
        """Return how long the order's own ramp needs to shed `excess_w`; 0 where the deadline wins over it."""
        if self.order.ramp_kw_per_min is None or self.order.order_class in STEPPING:
            return 0.0
        return max(0.0, excess_w) / 1000 / self.order.ramp_kw_per_min * 60

    def late_ramp_s(self, excess_w: Watts, respond_s: float, now: Moment) -> float:
        """Return how much of that ramp is left after its start: what may lead begins before it, in time if it can."""
        ramp_s = self.ramp_s(excess_w)
        if not self.order.lead or self.order.test:
            return ramp_s
        in_time_s = max(0.0, self.order.comply_by_s - respond_s)
        ahead_s = max(0.0, (self.begins_at - now.latest).total_seconds())
        return ramp_s - min(ahead_s, max(0.0, ramp_s - in_time_s))


def later(at: datetime, seconds: float) -> datetime:
    """Return the instant `seconds` after `at`, an end of the calendar where it lies beyond."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return LAST if seconds > 0 else FIRST


class Unreadable(Exception):
    """A remembered order can no longer be read: going on without it would let go what it binds."""


class Lives:
    """Every order known, by id. `parse` turns the raw text of a remembered document into an order."""

    def __init__(self, parse: Callable[[str], Order | Rejection]) -> None:
        self._parse = parse
        self._lives: dict[str, Life] = {}
        self.bound = Bound()
        self._taken_in: dict[str, deque[bytes]] = {}  # by order, what its latest signed documents were

    def was_taken_in(self, order: Order) -> bool:
        """Whether this very document, signature and all, was taken in before as one of its order's latest."""
        return order.signed is not None and order.signed.mark in self._taken_in.get(order.order_id, ())

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

    def bindings(self, margin: float, now: Moment) -> list[Binding]:
        """Return what binds now."""
        found = (life.binding(margin, now) for life in self._lives.values())
        return [binding for binding in found if binding is not None]

    def binding_order(
        self, life: Life, *, counts: bool, margin: float, now: Moment, site_w: Watts, here_w: Watts
    ) -> str | None:
        """Return the order that binds where this one is measured, else the one that binds the site.

        `counts`: this one taken as binding, else as no longer. None where nobody's limit binds but the connection's,
        `site_w`, or that of the feeder it is measured at, `here_w`.
        """
        self._gather(margin, now)
        own = life.binding(margin, now, counts=True) if counts else None
        for scope, carried_w in ((life.order.scope, min(here_w, site_w)), (SITE_SCOPE, site_w)):
            least = self.bound.least(scope, beside=life.order.order_id, own=own)
            if least is not None:
                return least.order.order_id if least.cap_w <= carried_w else None
        return None

    def keeping_down(self, next_w: Watts | None, margin: float, now: Moment) -> list[Scope]:
        """Return the scopes of what those wait for who are still down, `next_w` the draw with one of them more."""
        self._gather(margin, now)
        return self.bound.keeping_down(next_w, margin)

    def _gather(self, margin: float, now: Moment) -> None:
        self.bound.at(now, self._lives, lambda order_id: self._lives[order_id].binding(margin, now))

    def bases_w(self, scope: Scope) -> list[Watts]:
        """Return what reductions of a scope that are in force, or on their way back, are reckoned from."""
        return [
            life.basis.base_w
            for life in self._lives.values()
            if base_of(life.order.limit) == "before"
            and life.order.scope == scope
            and not life.order.test
            and (life.binds or (life.has_bound and not life.is_final))
            and life.basis.base_w is not None
        ]

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, new or remembered; those of other rooms are passed over. Raises Unreadable."""
        match fact:
            case OrderReceived():
                self._received(fact)
                self.bound.changed(fact.order_id)
            case OrderMoved():
                life = self._known(fact.order_id)
                if fact.event == OrderEvent.ACCEPT:
                    self._accepted(life, fact)
                _moved(life, fact)
                self.bound.changed(fact.order_id)
            case OrderRefused(order_id=str(order_id), seq=int(seq)):
                self._known(order_id).seq = seq
            case OrderHouseLowered():
                self.bound.changed(fact.order_id)
                life = self._known(fact.order_id)
                base_w = life.basis.base_w if fact.base_w is None else fact.base_w
                life.basis = replace(life.basis, house_w=fact.house_w, base_w=base_w)
            case _:
                return

    def _known(self, order_id: str) -> Life:
        life = self._lives.get(order_id)
        if life is None:
            raise Unreadable(f"{order_id}: the ledger tells what befell it, but not the order itself")
        return life

    def _received(self, fact: OrderReceived) -> None:
        order = self._parse(fact.document)
        if isinstance(order, Rejection):
            raise Unreadable(f"{fact.order_id} revision {fact.revision}: {order.code} {order.reason}")
        if order.signed is not None:
            self._taken_in.setdefault(fact.order_id, deque(maxlen=MOST_MARKS)).append(order.signed.mark)
        before = self._lives.get(fact.order_id)
        if order.is_cancel and before is not None and before.state is not OrderState.CLOSED:
            order = cancelling(before.order, order)
            if before.is_ahead:
                before.order = order
                return
        self._lives[fact.order_id] = Life(
            order=order,
            state=OrderState.RECEIVED,
            received_at=fact.at,
            starts_at=fact.starts_at or fact.at,
            basis=Basis(house_w=fact.house_w, base_w=fact.base_w),
            restore_after_s=fact.restore_after_s,
            seq=before.seq if before is not None else 0,
            has_bound=self._takes_over(order, before),
            transport=fact.transport,
            by_hand=is_by_hand(order, transport=fact.transport, by=fact.by),
            own_word=is_own_word(order, transport=fact.transport, by=fact.by)
            and not self._takes_anothers(order, before),
            early=early(order, None if before is None else before.early, fact),
            counted_from=_counted_from(order, before, fact),
        )

    def _accepted(self, life: Life, fact: OrderMoved) -> None:
        """Let an order take over what gave way at its acceptance, of an offer later than it came."""
        life.has_bound |= self._takes_over(life.order, None)
        life.own_word &= not self._takes_anothers(life.order, None)
        if fact.at != life.received_at:
            life.counted_from = None  # nobody limited what was drawn while it waited
        life.starts_at, life.agreed_at = self.accepted_start(life, fact.at), fact.at

    def accepted_start(self, life: Life, at: datetime) -> datetime:
        """Return its start once accepted: chance shifts nothing where what it takes the place of bound until now."""
        gone = (old for old in self._replaced(life.order, None) if old.last_ack is not None and old.last_ack.at == at)
        lapses = any(old.has_bound and old.over_at is None for old in gone)
        return min(life.starts_at, life.order.starts_at or life.received_at) if lapses else life.starts_at

    def _takes_over(self, order: Order, before: Life | None) -> bool:
        """Whether what it revises or supersedes had bound, so that there is something to restore after it too."""
        return any(life.has_bound for life in self._replaced(order, before))

    def _takes_anothers(self, order: Order, before: Life | None) -> bool:
        """Whether what it revises or supersedes is an issuer's: who tightens that may not lift it for it."""
        return any(not life.own_word for life in self._replaced(order, before))

    def _replaced(self, order: Order, before: Life | None) -> list[Life]:
        named = [before, *(self._lives.get(order_id) for order_id in order.supersedes)]
        return [life for life in named if life is not None and life.state is OrderState.SUPERSEDED]


def _counted_from(order: Order, before: Life | None, fact: OrderReceived) -> datetime | None:
    """Return since when a mean counts that goes on from the revision before it: it bound until now, and asks the same.

    Of a revision whose start lies ahead nothing counts yet: what nobody limits meanwhile is free to be drawn.
    """
    if before is None or before.state is not OrderState.SUPERSEDED or before.over_at is not None:
        return None
    if not before.has_bound or max(before.begins_at, fact.starts_at or fact.at) > fact.at:
        return None
    old = before.order
    same = (old.limit, old.measure, old.scope) == (order.limit, order.measure, order.scope)
    return before.counted_from or before.begins_at if same else None


def _moved(life: Life, fact: OrderMoved) -> None:
    if life.over_at is None and fact.state in {OrderState.ENDED, OrderState.CANCELLED}:
        life.over_at = fact.at
    if fact.event == OrderEvent.START:
        life.began_w = fact.observed_w
        life.ahead_at = fact.at if fact.at < life.begins_at else None
    life.state = OrderState(fact.state)
    life.seq = fact.seq
    life.last_ack = fact
    life.has_bound |= life.binds and not life.order.test
    life.awaiting = life.binds and (life.awaiting or fact.event == OrderEvent.NOTE)
    if life.binds:
        life.watch = replace(life.watch, over_since=None)
