"""Whether the site obeys an order that is in force: a small machine of its own, fed by the meter.

An order can be active and unmet. Unknown counts against us; complied implies a shortfall of zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.orders.lifecycle import OrderEvent, OrderState
from agent.orders.order import Limit, Stop
from agent.values import Moment, Watts

TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The site as orders are judged by it. `meter_w` is None unless the billing meter is fresh."""

    meter_w: Watts | None = None
    mean_w: Watts | None = None
    window_covered: bool = False
    meter: str = "beliefs"
    believed_w: Watts = 0.0  # beliefs and house, the unknown at the most they were
    house_w: Watts = 0.0
    standby_w: Watts = 0.0
    hashing: int = 0
    awake_reachable: int = 0
    unproved: tuple[str, ...] = ()
    unproved_w: Watts = 0.0
    smallest_target_w: Watts = 0.0
    restore_pending: bool = False
    plan_shortfall_w: Watts = 0.0

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
    """Since when (monotonic) the draw has been within the cap, and since when over it with its tolerance."""

    under_since: float | None = None
    over_since: float | None = None

    def seen(self, observed: Observed, cap_w: Watts, now: Moment) -> Watch:
        """Return the watch after one more look."""
        under = observed.shortfall_w(cap_w) == 0.0
        over = observed.draw_w > cap_w * (1 + TOLERANCE)
        return Watch(
            under_since=(now.mono if self.under_since is None else self.under_since) if under else None,
            over_since=(now.mono if self.over_since is None else self.over_since) if over else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order in force, as compliance sees it."""

    limit: Limit
    cap_w: Watts
    deadline: datetime
    state: OrderState
    window_s: float


def judge(case: Case, watch: Watch, observed: Observed, now: Moment) -> tuple[OrderEvent | None, str | None]:
    """Return the event that is due, if any, and its reason."""
    match case.state:
        case OrderState.COMPLIED:
            return _still(case, watch, observed, now)
        case _ if _met(case, watch, observed, now):
            return OrderEvent.COMPLY, _unproved(observed, case.limit)
        case OrderState.ACTIVE if now.latest >= case.deadline:
            return OrderEvent.BREACH, _why(case, observed)
        case _:
            return None, None


def _met(case: Case, watch: Watch, observed: Observed, now: Moment) -> bool:
    if watch.under_since is None or now.mono - watch.under_since < case.window_s:
        return False
    return not isinstance(case.limit, Stop) or observed.awake_reachable == 0


def _still(case: Case, watch: Watch, observed: Observed, now: Moment) -> tuple[OrderEvent | None, str | None]:
    if isinstance(case.limit, Stop):
        if observed.hashing:
            return OrderEvent.BREACH, f"{observed.hashing} hashing"
        over_w = observed.draw_w - case.cap_w
        if over_w >= max(observed.smallest_target_w / 2, 1.0) and _lasted(watch, case, now):
            return OrderEvent.BREACH, f"unexplained {over_w:.0f} W"
        return None, None
    return (OrderEvent.BREACH, _why(case, observed)) if _lasted(watch, case, now) else (None, None)


def _lasted(watch: Watch, case: Case, now: Moment) -> bool:
    return watch.over_since is not None and now.mono - watch.over_since >= case.window_s


def _why(case: Case, observed: Observed) -> str | None:
    if isinstance(case.limit, Stop) and observed.awake_reachable:
        return f"{observed.awake_reachable} not asleep"
    if observed.shortfall_w(case.cap_w) > 0 and case.cap_w == 0:
        return "the rest needs the breakers"
    return _unproved(observed, case.limit)


def _unproved(observed: Observed, limit: Limit) -> str | None:
    return f"unproved {len(observed.unproved)}" if observed.unproved and isinstance(limit, Stop) else None
