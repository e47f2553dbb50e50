"""What the order book is shown of the site: the meter, the beliefs, and who of those that must sleep does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.control.metering import Metering
from agent.fleet.belief import UNSEEN, Code
from agent.fleet.fleet import Fleet
from agent.fleet.view import Flags, FleetView, Indices
from agent.orders.compliance import Observed
from agent.planning.decide import Decision
from agent.values import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The site beside its machines."""

    metering: Metering
    decision: Decision | None
    connection_w: float
    proved: bool  # enough was heard since the start to say who still sleeps for an order


def observe(fleet: Fleet, view: FleetView, site: Site, now: Moment) -> Observed:
    """Gather what orders are judged by. Unknown machines count as drawing and as not asleep."""
    metering, decision = site.metering, site.decision
    meter, house_w = metering.state(now.mono), metering.house.in_force_w(now.mono)
    fresh = meter is not None and meter.fresh
    believed_w = float(np.where(view.sealed, 0.0, view.believed_w).sum())
    # Not by the decision alone: it may be from before the machines were known.
    decided = decision is not None and decision.restore_pending_w > 0
    seen = Observed(
        meter_w=meter.last_w if meter is not None else None,
        meter=meter.id if fresh and meter is not None else "beliefs",
        believed_w=believed_w + house_w,
        house_w=house_w,
        house_sampled=metering.house.sampled,
        means=metering.means(now.mono),
        late_s=metering.late_s,
        proved=site.proved,
        before_w=metering.before_w(now.mono),
        connection_w=site.connection_w,
        peak_12m_w=metering.peaks.highest_w(now.at),
    )
    seen = among(seen, fleet, view, np.ones(len(view), np.bool_))
    return replace(
        seen, restore_pending=not site.proved or seen.restore_pending or decided, next_w=_next_w(view, decision)
    )


def coming_up(view: FleetView, rows: Indices | slice = slice(None)) -> Flags:
    """Return who was told to come back, has time to get there, and was not read there: asleep, starting or unread."""
    setpoint, seen = view.setpoint[rows], view.seen[rows]
    told = view.trusted[rows] & ~view.held[rows] & (setpoint <= view.intended[rows]) & (setpoint < view.last_step[rows])
    there: Flags = (seen <= setpoint) & (seen != UNSEEN) & (view.state[rows] != Code.STARTING)
    return told & ~there


def _next_w(view: FleetView, decision: Decision | None) -> float | None:
    """Return what the site would draw with the largest of those raised who wait for it."""
    waits = (view.setpoint > view.intended) & ~view.held
    if decision is None or len(decision.power.rise) != len(view) or not waits.any():
        return None
    return decision.power.forecast_w + float(decision.power.rise[waits].max())


def among(observed: Observed, fleet: Fleet, view: FleetView, rows: Flags) -> Observed:
    """Return what is observed with these machines alone counted as those that an order commands."""
    chosen = np.flatnonzero(rows)  # those alone are looked at: many orders upon a few each must not cost the farm each
    seen, last, state, sealed = view.seen[chosen], view.last_step[chosen], view.state[chosen], view.sealed[chosen]
    step_w = view.step_w[chosen]
    asleep = (seen == last) & (last > 0) & (state == Code.SLEEPING)
    unproved = chosen[~sealed & ((state == Code.UNREACHABLE) | (seen == UNSEEN))]
    awake = ~asleep & ~sealed & (seen != UNSEEN)
    hashing = awake & ((state == Code.HASHING) | (state == Code.STARTING))
    asleep_w = step_w[np.arange(len(chosen)), last]
    standby_w = np.where(last > 0, asleep_w, np.where(fleet.sealed[chosen], 0.0, step_w[:, 0]))
    pending = (view.setpoint[chosen] > view.intended[chosen]) & ~view.held[chosen]
    besides_w = step_w[np.arange(len(chosen)), view.intended[chosen]] - view.believed_w[chosen]
    return replace(
        observed,
        standby_w=float(standby_w.sum()),
        standby_known=bool((last > 0).all()),
        standby_is_most=bool(((last > 0) | ~fleet.sealed[chosen]).all()),
        hashing=int(hashing.sum()),
        awake_reachable=int(awake.sum()),
        unproved=tuple(fleet.miners[row].id for row in unproved.tolist()),
        unproved_w=float(view.believed_w[unproved].sum()),
        smallest_target_w=float(step_w[:, 0].min()) if len(chosen) else 0.0,
        restore_pending=bool((pending | (fleet.owed[chosen] & ~view.held[chosen])).any()),
        lowered_w=float(np.where(pending, besides_w, 0.0).clip(0.0).sum()),
        coming_up=bool(coming_up(view, chosen).any()),
    )
