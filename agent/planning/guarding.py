"""The guard at work: whom it lowers so that no window's mean passes what is worth drawing, and whom it lets go. Pure.

What will be drawn is told by the billing meter, where it is fresh: its figure, and what of the machines' changes it
does not show yet. Without it machines' figures and the house load stand in. Who was lowered just now draws on for a
while, which counts where a window is near its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.view import Array, FleetView, Floats, Indices
from agent.planning.guard import GuardMemory, PeakCharge, Running, Watch, allowed_w, ceilings, mean_kw
from agent.planning.headroom import expectations, included
from agent.planning.shedding import shed
from agent.values import Watts

RESPONSE_S = 60.0
"""Machines take so long to obey: nothing is lowered for the sake of a window that ends before."""
LAG_S = 30.0
"""Until then most of them have obeyed."""
LATE_S = 180.0
"""With more time left than that, what they draw until then is made good by the looks after."""
WEIGHS_EACH_S = 60.0
"""What a peak is worth changes by the hour: so long it is not weighed again where nobody's wanted level changes."""
NEAR = 0.9
"""A site that draws less of every peak is not looked at through its meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What will be drawn, and what those that were lowered still draw until they obey.

    `proved_w` counts no fall that the meter does not show yet: by it machines are let go.
    """

    draw_w: Watts
    proved_w: Watts
    falling_ws: float = 0.0


def hold(
    view: FleetView, running: Running, watch: Watch, memory: GuardMemory, *, min_off_s: float | Floats, now: float
) -> GuardMemory:
    """Return how deep the guard holds each machine now."""
    again = now - memory.weighed_at >= WEIGHS_EACH_S or not np.array_equal(running.wanted, memory.weighed_for)
    weighed = {} if again else dict(memory.weighed)
    held = np.where(running.movable & (memory.steps > running.wanted), memory.steps, 0).astype(np.int8)
    steps = np.maximum(running.wanted, held)
    machines_w = float(running.at(steps).sum()) if held.any() else running.wanted_w
    seen = Forecast(draw_w=watch.house_w + machines_w, proved_w=watch.house_w + machines_w)
    if watch.measured_w is not None and (held.any() or _is_near(watch, running, watch.measured_w)):
        seen = _metered(view, running, steps, watch.measured_w, seen, now - memory.since)
    found = ceilings(running, replace(watch, house_w=seen.draw_w - machines_w), weighed)
    room_w, over_w = np.inf, 0.0
    for charge in watch.charges:
        ceiling_kw, may_w = found[charge.name], allowed_w(charge, found[charge.name])
        room_w = min(room_w, ceiling_kw * 1000 - seen.proved_w, may_w - seen.proved_w)
        over_w = max(over_w, _over_w(charge, seen.draw_w - may_w, seen.falling_ws))
    deeper = held
    if over_w > 0:
        deeper = _deeper(view, running, steps, held, over_w)
    elif room_w > 0:
        deeper = _released(running, held, memory.since, room_w, min_off_s=min_off_s, now=now)
    lower = np.flatnonzero(deeper > running.wanted)
    spared_w = running.watts[lower, running.wanted[lower]] - running.watts[lower, deeper[lower]]
    return GuardMemory(
        steps=deeper,
        since=np.where(deeper > memory.steps, now, memory.since),
        ceiling_kw=tuple((name, kw) for name, kw in found.items() if np.isfinite(kw)),
        spared_w=float(spared_w.sum()),
        weighed=weighed,
        weighed_for=running.wanted,
        weighed_at=now if again else memory.weighed_at,
    )


def _over_w(charge: PeakCharge, over_w: Watts, falling_ws: float) -> Watts:
    """Return what must go for a window that would come out so much too high; near its end, in time to be seen there."""
    left_s = charge.length_s - charge.elapsed_s
    if left_s <= RESPONSE_S:
        return 0.0
    return over_w if left_s > LATE_S else (over_w * left_s + falling_ws) / (left_s - LAG_S)


def _is_near(watch: Watch, running: Running, measured_w: Watts) -> bool:
    kw = max(watch.house_w + running.wanted_w, measured_w) / 1000
    return any(max(kw, mean_kw(charge, kw)) > NEAR * charge.kw for charge in watch.charges)


def _metered(
    view: FleetView, running: Running, steps: Array, measured_w: Watts, believed: Forecast, told_s: Floats
) -> Forecast:
    """Return what the meter will show once every machine has come to its step.

    While some are on their way it bounds that from both sides, for it may include little of them or all, and what is
    `believed` counts between the bounds. `told_s` is how long ago each was last lowered.
    """
    rows = _on_their_way(view, steps)
    few, to = _of(view, rows), steps[rows]
    still_w = np.where(few.sealed, 0.0, few.believed_w)
    expected_w = np.where(running.movable[rows], expectations(few, to), still_w)
    rise_w = np.maximum(expected_w - np.where(few.fresh & ~few.sealed, few.metered_least_w, still_w), 0.0)
    change_w = expected_w - included(few)
    fall_w = np.minimum(change_w, 0.0)
    least_w, most_w = (measured_w + float(change.sum()) for change in (change_w, rise_w + fall_w))
    untold_w = float(fall_w[to != few.setpoint].sum())
    lag_s = np.clip(LAG_S - told_s[rows], 0.0, LAG_S)
    return Forecast(
        draw_w=min(max(believed.draw_w, least_w), most_w),
        proved_w=max(believed.proved_w, measured_w + float(rise_w.sum()) + untold_w),
        falling_ws=-float((fall_w * lag_s).sum()),
    )


def _on_their_way(view: FleetView, steps: Array) -> Indices:
    """Return who is not simply at its step, with all that it draws in the meter: of the others nothing will change."""
    there = (view.seen == steps) & view.fresh & ~view.sealed
    there &= (view.state == Code.HASHING) | (view.state == Code.SLEEPING)
    there &= (view.metered_least_w == view.believed_w) & (view.metered_most_w == view.believed_w)
    return np.flatnonzero(~there)


def _of(view: FleetView, rows: Indices) -> FleetView:
    """Return a view of some machines, as far as it is read here."""
    return replace(
        view,
        step_w=view.step_w[rows],
        seen=view.seen[rows],
        state=view.state[rows],
        setpoint=view.setpoint[rows],
        trusted=view.trusted[rows],
        fresh=view.fresh[rows],
        sealed=view.sealed[rows],
        believed_w=view.believed_w[rows],
        metered_least_w=view.metered_least_w[rows],
        metered_most_w=view.metered_most_w[rows],
    )


def _deeper(view: FleetView, running: Running, steps: Array, held: Array, over_w: Watts) -> Array:
    """Lower those that lose least for each watt, until so much is freed."""
    by_money = replace(view.briefly(), step_ths=running.revenue)
    rows, to, _ = shed(by_money, steps, running.at(steps), among=running.movable, free_w=over_w, rank=view.rank)
    deeper = held.copy()
    deeper[rows] = to
    return deeper


def _released(
    running: Running, held: Array, since: Floats, room_w: Watts, *, min_off_s: float | Floats, now: float
) -> Array:
    """Let those go whose watts fit, the best first, once they were lowered for long enough."""
    rows = np.flatnonzero((held > 0) & (now - since >= min_off_s))
    order = rows[np.argsort(-running.break_even(rows), kind="stable")]
    more_w = running.at(running.wanted)[order] - running.at(held)[order]
    released = held.copy()
    released[order[np.cumsum(more_w) <= room_w]] = 0
    return released
