"""Whether the site obeys an order that is in force: a small machine of its own, fed by the meter.

An order can be active and unmet. Unknown counts against us; complied implies a shortfall of zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.orders.lifecycle import OrderEvent, OrderState
from agent.orders.order import Limit, MaxImport, Stop
from agent.values import Moment, Watts

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
    hashing: int = 0
    awake_reachable: int = 0
    unproved: tuple[str, ...] = ()
    unproved_w: Watts = 0.0
    smallest_target_w: Watts = 0.0
    restore_pending: bool = False

    @property
    def draw_w(self) -> Watts:
        """The figure that an ack states."""
        return self.meter_w if self.meter_w is not None else self.believed_w

    def shortfall_w(self, cap_w: Watts) -> Watts:
        """Return the W above the cap; without a meter the unproved count too."""
        over_w = max(0.0, self.draw_w - cap_w)
        return over_w if self.meter_w is not None else over_w + self.unproved_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Since when (monotonic) the draw has been within the cap, and since when above what is tolerated."""

    under_since: float | None = None
    over_since: float | None = None

    def seen(self, observed: Observed, *, cap_w: Watts, limit: Limit, now: Moment) -> Watch:
        """Return the watch after one more look."""
        under = observed.shortfall_w(cap_w) == 0.0
        over = _is_over(observed, cap_w, limit)
        return Watch(
            under_since=(now.mono if self.under_since is None else self.under_since) if under else None,
            over_since=(now.mono if self.over_since is None else self.over_since) if over else None,
        )


def _is_over(observed: Observed, cap_w: Watts, limit: Limit) -> bool:
    """Whether it is more than is tolerated: a stop tolerates less than half a machine."""
    match limit:
        case Stop():
            return observed.draw_w - cap_w >= max(observed.smallest_target_w / 2, LEAST_W)
        case MaxImport():
            return observed.draw_w > cap_w * (1 + TOLERANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order in force, as compliance sees it. `overdue`: its deadline has passed."""

    limit: Limit
    cap_w: Watts
    state: OrderState
    overdue: bool
    window_s: float


def judge(case: Case, watch: Watch, observed: Observed, now: Moment) -> tuple[OrderEvent, str | None] | None:
    """Return the event that is due and its reason, None where nothing is to be said."""
    match case.state:
        case OrderState.COMPLIED:
            broken = _broken(case, watch, observed, now)
            return None if broken is None else (OrderEvent.BREACH, broken or None)
        case _ if _met(case, watch, observed, now):
            return OrderEvent.COMPLY, _unproved(case, observed) or None
        case OrderState.ACTIVE if case.overdue:
            return OrderEvent.BREACH, _unmet(case, observed) or None
        case _:
            return None


def _met(case: Case, watch: Watch, observed: Observed, now: Moment) -> bool:
    if watch.under_since is None or now.mono - watch.under_since < case.window_s:
        return False
    return not isinstance(case.limit, Stop) or observed.awake_reachable == 0


def _broken(case: Case, watch: Watch, observed: Observed, now: Moment) -> str | None:
    """Return why what was complied with no longer is, None where it is."""
    if isinstance(case.limit, Stop) and observed.hashing:
        return f"awake: {observed.hashing} hashing"
    if watch.over_since is None or now.mono - watch.over_since < case.window_s:
        return None
    if isinstance(case.limit, Stop):
        return f"unexplained {observed.draw_w - case.cap_w:.0f} W"
    return _unmet(case, observed)


def _unmet(case: Case, observed: Observed) -> str:
    told = []
    if isinstance(case.limit, Stop) and observed.awake_reachable:
        told.append(f"awake: {observed.awake_reachable} not asleep")
    if case.cap_w == 0.0 and observed.draw_w > 0:
        told.append("breakers: only they take the rest off the meter")
    return "; ".join(filter(None, [*told, _unproved(case, observed)]))


def _unproved(case: Case, observed: Observed) -> str:
    return f"unproved {len(observed.unproved)}" if observed.unproved and isinstance(case.limit, Stop) else ""
