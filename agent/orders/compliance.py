"""Whether the site obeys an order that is in force: a small machine of its own, fed by the meter.

An order can be active and unmet. Unknown counts against us; complied implies a shortfall of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.orders.averaging import Means, Measured, Told
from agent.orders.lifecycle import OrderEvent, OrderState
from agent.orders.limit import Limit, Stop
from agent.orders.order import Order, Scope
from agent.values import Moment, Watts

Waiting = Callable[[Sequence[Scope], bool], bool]
"""Whether any machine that an order commands, and none of these does, has still to come back; True: by readings."""
TOLERANCE = 0.01
LEAST_W = 1.0
"""What no meter can tell from nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The site as orders are judged by it. `meter_w` is None unless the billing meter is fresh."""

    meter_w: Watts | None = None
    meter: str = "beliefs"
    believed_w: Watts = 0.0  # beliefs and house, the unknown at the most they were
    house_w: Watts = 0.0
    house_sampled: bool = False  # seen beneath the meter since the start, not a figure that was given
    standby_w: Watts = 0.0  # of all that may hash, sealed or not: the seals come off
    standby_known: bool = True  # each machine has said what it draws asleep
    standby_is_most: bool = True  # nobody behind a seal counts with nothing, having never said what he draws asleep
    hashing: int = 0
    awake_reachable: int = 0
    unproved: tuple[str, ...] = ()
    unproved_w: Watts = 0.0
    smallest_target_w: Watts = 0.0
    restore_pending: bool = False
    lowered_w: Watts = 0.0  # what machines that are below what their owner wants would draw besides, there
    coming_up: bool = False  # who was told up has time to get there, and no reading shows it yet
    comes_no_further: bool = False  # who waits has long waited though ramps would let him
    waiting: Waiting | None = None  # None: whatever binds took all of them over
    next_w: Watts | None = None  # what the site is to draw with one more of those who wait; None: nobody says
    proved: bool = True  # enough was heard since the start to say who is back
    means: Means | None = None  # of the meter where it is measured
    late_s: float = 0.0  # how old that meter's figures are when they come
    of: Mapping[str, Observed] = field(default_factory=dict)  # what orders are judged by that bear upon less, by id
    coming: Observed | None = None  # what one that is coming in and bears upon less than the site is judged by
    before_w: Watts | None = None  # the meter's mean of the last 15 min
    connection_w: Watts = float("inf")
    peak_12m_w: Watts | None = None  # the highest interval mean of twelve months

    def at(self, order_id: str) -> Observed:
        """Return the site as this order is judged by it."""
        return self.of.get(order_id, self)

    def taken_in(self, order: Order) -> Observed:
        """Return the same once an order has come in: a revision may bear upon something else than what it revises."""
        others = {order_id: seen for order_id, seen in self.of.items() if order_id != order.order_id}
        if order.is_of_site:
            return replace(self, of=others)
        return self if self.coming is None else replace(self, of={**others, order.order_id: self.coming})

    @property
    def told(self) -> Told | None:
        """What that meter told of the past, None where it says nothing now."""
        return None if self.means is None else Told(self.means, self.late_s)

    @property
    def draw_w(self) -> Watts:
        """The figure that an ack states."""
        return self.meter_w if self.meter_w is not None else self.believed_w

    def shortfall_w(self, cap_w: Watts) -> Watts:
        """Return the W above the cap; without a meter the unproved count too."""
        over_w = max(0.0, self.draw_w - cap_w)
        return over_w if self.meter_w is not None else over_w + self.unproved_w

    def stated_shortfall_w(self, state: OrderState, cap_w: Watts | None) -> Watts | None:
        """Return what an ack states; what is complied with lacks nothing, though the tolerance may be in use."""
        if cap_w is None:
            return None
        return 0.0 if state is OrderState.COMPLIED else round(self.shortfall_w(cap_w), 1)

    def has_to_come_back(self, others: Sequence[Scope], *, by_readings: bool) -> bool:
        """Whether machines wait to be given back that no other order has taken over; `others` are what binds.

        By readings, who was told up is not back before he is seen there.
        """
        waits = self.restore_pending or (by_readings and self.coming_up)
        if not waits or not others:
            return waits
        return self.waiting is not None and self.waiting(others, by_readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What an order allows at this instant. None: it sets no limit now; `tolerated_w` is what is no breach yet."""

    limit: Limit
    cap_w: Watts | None
    tolerated_w: Watts | None
    tolerance: float = TOLERANCE

    def is_over(self, observed: Observed, draw_w: Watts) -> bool:
        """Whether a draw is more than is tolerated: a stop tolerates less than half a machine."""
        if self.tolerated_w is None:
            return False
        if isinstance(self.limit, Stop):
            return draw_w - self.tolerated_w >= max(observed.smallest_target_w / 2, LEAST_W)
        return draw_w > self.tolerated_w * (1 + self.tolerance)

    def is_under(self, observed: Observed) -> bool:
        """Whether what is drawn now is within the limit."""
        return self.cap_w is None or observed.shortfall_w(self.cap_w) == 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Since when (monotonic) the draw has been within the cap, and since when above what is tolerated."""

    under_since: float | None = None
    over_since: float | None = None

    def seen(self, observed: Observed, allowed: Allowed, now: Moment) -> Watch:
        """Return the watch after one more look."""
        under, over = allowed.is_under(observed), allowed.is_over(observed, observed.draw_w)
        return Watch(
            under_since=(now.mono if self.under_since is None else self.under_since) if under else None,
            over_since=(now.mono if self.over_since is None else self.over_since) if over else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order in force, as compliance sees it. `overdue`: its deadline has passed; `new_point`: so has a step."""

    allowed: Allowed
    state: OrderState
    overdue: bool
    window_s: float
    new_point: bool = False
    measured: Measured | None = None  # where the limit is on a mean

    @property
    def is_stop(self) -> bool:
        """Whether no target may hash."""
        return isinstance(self.allowed.limit, Stop)


def judge(case: Case, watch: Watch, observed: Observed, now: Moment) -> tuple[OrderEvent, str | None] | None:
    """Return the event that is due and its reason, None where nothing is to be said."""
    broken = _broken(case, watch, observed, now) if case.state is OrderState.COMPLIED else None
    if broken is not None:
        return OrderEvent.BREACH, broken or None
    says_so = case.state is not OrderState.COMPLIED or case.new_point
    begins = case.allowed.cap_w is not None or case.state is not OrderState.ACTIVE
    if says_so and begins and _met(case, watch, observed, now):
        return OrderEvent.COMPLY, _unproved(case, observed) or None
    if case.state is OrderState.ACTIVE and case.overdue and _has_failed(case, observed):
        return OrderEvent.BREACH, _unmet(case, observed) or None
    return None


def _has_failed(case: Case, observed: Observed) -> bool:
    """Whether what is overdue is unmet: a mean that has not had its time yet is waited for while the draw obeys."""
    if case.allowed.tolerated_w is None:
        return False
    if case.measured is None or case.allowed.cap_w is None:
        return True
    if not case.allowed.is_under(observed):
        return case.measured.allowance_w is None or case.measured.allowance_w < observed.draw_w
    return case.measured.allowance_w is not None and (case.measured.mean_w or 0.0) > case.allowed.cap_w


def _met(case: Case, watch: Watch, observed: Observed, now: Moment) -> bool:
    if case.is_stop and (observed.awake_reachable or not observed.proved):
        return False  # who was not asked yet since the start need not be asleep
    if case.measured is not None and case.allowed.cap_w is not None:
        within = case.measured.mean_w is not None and case.measured.mean_w <= case.allowed.cap_w
        return within and (case.measured.allowance_w is not None or case.allowed.is_under(observed))
    return watch.under_since is not None and now.mono - watch.under_since >= case.window_s


def _broken(case: Case, watch: Watch, observed: Observed, now: Moment) -> str | None:
    """Return why what was complied with no longer is, None where it is."""
    if case.is_stop and observed.hashing:
        return f"awake: {observed.hashing} hashing"
    if case.measured is not None:
        over = case.measured.mean_w is not None and case.allowed.is_over(observed, case.measured.mean_w)
        return _unmet(case, observed) if over else None
    if watch.over_since is None or now.mono - watch.over_since < case.window_s:
        return None
    if case.is_stop and case.allowed.cap_w is not None:
        return f"unexplained {observed.draw_w - case.allowed.cap_w:.0f} W"
    return _unmet(case, observed)


def _unmet(case: Case, observed: Observed) -> str:
    told = []
    if case.is_stop and observed.awake_reachable:
        told.append(f"awake: {observed.awake_reachable} not asleep")
    if case.allowed.cap_w == 0.0 and observed.draw_w > 0:
        told.append("breakers: only they take the rest off the meter")
    return "; ".join(filter(None, [*told, _unproved(case, observed)]))


def _unproved(case: Case, observed: Observed) -> str:
    return f"unproved {len(observed.unproved)}" if observed.unproved and case.is_stop else ""
