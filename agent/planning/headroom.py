"""How much the site draws, will draw, and may still rise to (design 3.3).

draw: the fresh meter, or what beliefs add up to where that is more (a meter drops before a slow poll tells who
    will be back); without a meter the sum of beliefs with its margin, and the house.
reserve: what may be added to that without any command from us. Meter and beliefs each know the most that may come
    to be drawn (the meter has not seen who is on the way up, the beliefs lag who has stopped); the greater counts.
forecast: what the meter will show once what we told has taken effect: the rest plus what each machine will draw.
    Machines that wait for a pool or are starting count at what they will draw. A meter that is over the cap
    is believed at once, less what is on its way down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from agent.fleet.belief import UNSEEN, Code
from agent.fleet.power import BELIEF_MARGIN, MeterState, Rest, belief_error_w
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
    measured_w: Watts | None  # the fresh meter's own figure
    reserve_w: Watts
    forecast_w: Watts
    metered_forecast_w: Watts | None  # the meter's figure less what is on its way
    expected: Floats
    rise: Floats  # what raising this miner to its intended level may add to draw


def at_step(columns: Floats, steps: Array) -> Floats:
    """Pick each miner's figure at its step; an unseen step counts as the highest."""
    rows = np.arange(len(columns))
    picked: Floats = columns[rows, np.maximum(steps, 0)]
    return picked


def may_rise(view: FleetView, setpoint: Array) -> Flags:
    """Return which miners can draw more without a further command, by what is known of them."""
    unsteady = (view.state != Code.HASHING) & (view.state != Code.SLEEPING)
    raised = (view.seen > setpoint) & (view.seen != UNSEEN)
    throttled = (view.state == Code.HASHING) & (view.believed_w < THROTTLED * at_step(view.step_w, view.seen))
    rising: Flags = (~view.fresh | unsteady | raised | throttled) & ~view.sealed
    return rising


def reserves(view: FleetView, setpoint: Array, *, metered: bool, lost_share: float) -> Floats:
    """Return what each miner may add to the draw by itself, W; `lost_share` of it for those out of reach."""
    awake = np.minimum(np.where(view.seen == UNSEEN, setpoint, view.seen), setpoint)
    ceiling = np.where(view.fresh, OVERSHOOT * at_step(view.step_w, awake), view.most_w)
    counted = view.metered_least_w if metered else view.believed_w
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
    trusted = view.trusted | (setpoint != view.setpoint)
    expected = np.where(steady | ((view.state == Code.SLEEPING) & there), view.believed_w, target)
    expected = np.where(lowered & ~trusted, np.maximum(view.believed_w, target), expected)
    expected = np.where(view.fresh, expected, view.believed_w)
    return np.where(view.sealed, 0.0, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What the site's instruments say at one moment."""

    meter: MeterState | None = None
    rest: Rest | None = None
    house_w: Watts = 0.0
    feeders: Mapping[int, Watts] = field(default_factory=dict)  # measured now, by place in the tree
    follows_w: Watts = 0.0  # cooling that is still to follow machines which have risen
    follow_share: float = 0.0  # W of it that will follow each W of machines which rise


def power(view: FleetView, setpoint: Array, gauges: Gauges, *, lost_share: float, blind: bool) -> Power:
    """Weigh draw, reserve and forecast at these setpoints; `blind` counts the unread at the most they can draw."""
    expected = expectations(view, setpoint)
    measured_w = gauges.meter.draw_w if gauges.meter is not None else None
    if blind and measured_w is None:
        expected = np.where(view.fresh | view.sealed, expected, view.most_w)
    believed_w, forecast_w = _sums(gauges, measured_w, _beliefs(view, expected))
    reserve = reserves(view, setpoint, metered=measured_w is not None, lost_share=lost_share)
    draw_w, reserve_w = believed_w, float(reserve.sum())
    if measured_w is not None:
        reserve_w -= _risen_w(view, gauges, measured_w, reserve)
        by_beliefs_w = believed_w + float(reserves(view, setpoint, metered=False, lost_share=lost_share).sum())
        draw_w = max(measured_w, believed_w)
        reserve_w = max(measured_w + reserve_w, by_beliefs_w) - draw_w
    reserve_w += gauges.follows_w
    counted = view.believed_w if measured_w is None else view.metered_least_w
    return Power(
        draw_w=draw_w,
        source="beliefs" if measured_w is None or gauges.meter is None else gauges.meter.id,
        measured_w=measured_w,
        reserve_w=reserve_w,
        forecast_w=forecast_w,
        metered_forecast_w=None if measured_w is None else measured_w + float(on_its_way(view, expected).sum()),
        expected=expected,
        rise=np.maximum(OVERSHOOT * at_step(view.step_w, view.intended) - counted, 0.0),
    )


def _risen_w(view: FleetView, gauges: Gauges, measured_w: Watts, reserve: Floats) -> Watts:
    """Return what the meter shows of the machines that rise, W: what nobody else can be drawing.

    All others count for the most that the meter may include of them, those out of reach for the most they can draw,
    and the rest may have doubled meanwhile.
    """
    if gauges.rest is None:
        return 0.0
    rising = view.fresh & (reserve > 0)
    included = np.where(rising, view.metered_least_w, np.where(view.fresh, view.metered_most_w, view.most_w))
    included = np.where(view.sealed, 0.0, included)
    error_w = belief_error_w(float(view.believed_w.sum()), float(view.model_w.sum()))
    others_w = float(included.sum()) + 2 * max(gauges.rest.most_w, 0.0) + error_w
    return min(max(0.0, measured_w - others_w), float(reserve[rising].sum()))


class Beliefs(NamedTuple):
    """The beliefs added up, W: now and once setpoints have taken effect; of those in doubt apart from the others."""

    drawing_w: Watts
    expected_w: Watts
    doubtful_w: Watts
    doubtful_expected_w: Watts
    metered_w: Watts  # the most that the meter includes of those that are not in doubt
    error_w: Watts


def _beliefs(view: FleetView, expected: Floats) -> Beliefs:
    drawing = np.where(view.sealed, 0.0, view.believed_w)
    doubtful = ~view.fresh | (view.state == Code.FAULT)
    drawing_w, doubtful_w = float(drawing.sum()), float(drawing[doubtful].sum())
    expected_w, doubtful_expected_w = float(expected.sum()), float(expected[doubtful].sum())
    return Beliefs(
        drawing_w=drawing_w - doubtful_w,
        expected_w=expected_w - doubtful_expected_w,
        doubtful_w=doubtful_w,
        doubtful_expected_w=doubtful_expected_w,
        metered_w=float(np.where(doubtful | view.sealed, 0.0, view.metered_most_w).sum()),
        error_w=belief_error_w(drawing_w, float(view.model_w.sum())),
    )


def _sums(gauges: Gauges, measured_w: Watts | None, sums: Beliefs) -> tuple[Watts, Watts]:
    """Return draw and forecast by the beliefs; the lost and the faulty count for what the meter leaves to them.

    Where the meter shows less than the beliefs by more than their error, machines have stopped or are starting that
    count in full, and may be there at any moment (pools that die): neither figure follows the meter down that far.
    """
    if measured_w is None:
        drawing_w, expected_w = sums.drawing_w + sums.doubtful_w, sums.expected_w + sums.doubtful_expected_w
        return BELIEF_MARGIN * drawing_w + gauges.house_w, BELIEF_MARGIN * expected_w + gauges.house_w
    most_w = least_w = gauges.house_w
    if gauges.rest is not None:
        most_w, least_w = max(gauges.rest.most_w, -sums.error_w), max(gauges.rest.least_w, -sums.error_w)
    drawing_w = sums.drawing_w + min(sums.doubtful_w, max(0.0, measured_w - most_w - sums.metered_w))
    expected_w = sums.expected_w + min(sums.doubtful_expected_w, max(0.0, measured_w - least_w - sums.metered_w))
    return drawing_w + most_w, expected_w + least_w


def on_its_way(view: FleetView, expected: Floats) -> Floats:
    """Return what a meter's figure will change by, W by miner: readings it has not seen, commands not yet obeyed."""
    changes: Floats = expected - included(view)
    return changes


def included(view: FleetView) -> Floats:
    """Return the most that the meter's figure includes of each miner, W."""
    shown: Floats = np.where(view.sealed, 0.0, np.where(view.fresh, view.metered_most_w, view.believed_w))
    return shown
