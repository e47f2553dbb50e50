"""How much the site draws, will draw, and may still rise to (design 3.3).

draw: the fresh meter, else the sum of beliefs with its margin, and the house.
reserve: what may be added to that without any command from us.
forecast: what the meter will show once what we told has taken effect. Machines that work for want of nothing
count at what they draw; those that wait for a pool or are starting count at what they will draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.fleet.belief import UNSEEN, Code
from agent.fleet.power import BELIEF_MARGIN, MeterState
from agent.fleet.view import Array, Flags, FleetView, Floats
from agent.values import Watts

THROTTLED = 0.9
"""A hashing machine that draws less than this share of its level may rise by itself."""
OVERSHOOT = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The site's power as planning sees it, W; the columns are by miner."""

    draw_w: Watts
    source: str  # the meter's id, or "beliefs"
    reserve_w: Watts
    forecast_w: Watts
    reserve: Floats
    expected: Floats
    rise: Floats  # what raising this miner to its intended level may add to draw


def at_step(columns: Floats, steps: Array) -> Floats:
    """Pick each miner's figure at its step; an unseen step counts as the highest."""
    rows = np.arange(len(columns))
    picked: Floats = columns[rows, np.maximum(steps, 0)]
    return picked


def may_rise(view: FleetView, setpoint: Array) -> Flags:
    """Return which miners can draw more without a further command, by what is known of them."""
    unsteady = np.isin(view.state, (Code.UNKNOWN, Code.IDLE, Code.STARTING, Code.FAULT, Code.UNREACHABLE))
    raised = (view.seen > setpoint) & (view.seen != UNSEEN)
    throttled = (view.state == Code.HASHING) & (view.believed_w < THROTTLED * at_step(view.step_w, view.seen))
    rising: Flags = (~view.fresh | unsteady | raised | throttled) & ~view.sealed
    return rising


def reserves(view: FleetView, setpoint: Array, *, metered: bool, lost_share: float) -> Floats:
    """Return what each miner may add to the draw by itself, W; `lost_share` of it for those out of reach."""
    awake = np.minimum(np.where(view.seen == UNSEEN, setpoint, view.seen), setpoint)
    ceiling = np.where(view.fresh, OVERSHOOT * at_step(view.step_w, awake), view.most_w)
    counted = np.where(view.fresh, view.metered_w, 0.0) if metered else view.believed_w
    rising = may_rise(view, setpoint)
    free = np.where(rising, np.maximum(ceiling, view.believed_w) - counted, view.believed_w - counted)
    free = np.where(view.fresh, free, np.where(rising, free * lost_share, 0.0))
    reserve: Floats = np.where(view.sealed, 0.0, np.maximum(free, 0.0))
    return reserve


def expectations(view: FleetView, setpoint: Array) -> Floats:
    """Return the watts that each miner will draw once its setpoint has taken effect.

    Who was told to go down is trusted to, until its time is over; after that it counts at what it draws.
    """
    target = at_step(view.step_w, setpoint)
    there = view.seen == setpoint
    steady = there & (view.state == Code.HASHING)
    lowered = (setpoint > view.seen) & (view.seen != UNSEEN)
    expected = np.where(steady | ((view.state == Code.SLEEPING) & there), view.believed_w, target)
    expected = np.where(lowered & ~view.trusted, np.maximum(view.believed_w, target), expected)
    expected = np.where(view.fresh, expected, view.believed_w)
    return np.where(view.sealed, 0.0, expected)


def power(
    view: FleetView, setpoint: Array, meter: MeterState | None, house_w: Watts, *, lost_share: float, blind: bool
) -> Power:
    """Weigh draw, reserve and forecast at these setpoints; `blind` counts the unread at the most they can draw."""
    metered_w = meter.draw_w if meter is not None else None
    expected = expectations(view, setpoint)
    if metered_w is not None and meter is not None:
        draw_w, source = metered_w, meter.id
        counted = np.where(view.fresh, view.metered_w, view.believed_w)
        forecast_w = metered_w + float((expected - np.where(view.sealed, 0.0, counted)).sum())
    else:
        if blind:
            expected = np.where(view.fresh | view.sealed, expected, view.most_w)
        believed = np.where(view.sealed, 0.0, view.believed_w)
        draw_w, source = BELIEF_MARGIN * float(believed.sum()) + house_w, "beliefs"
        forecast_w = BELIEF_MARGIN * float(expected.sum()) + house_w
    reserve = reserves(view, setpoint, metered=metered_w is not None, lost_share=lost_share)
    counted_now = view.metered_w if metered_w is not None else view.believed_w
    rise = np.maximum(OVERSHOOT * at_step(view.step_w, view.intended) - counted_now, 0.0)
    return Power(
        draw_w=draw_w,
        source=source,
        reserve_w=float(reserve.sum()),
        forecast_w=forecast_w,
        reserve=reserve,
        expected=expected,
        rise=rise,
    )
