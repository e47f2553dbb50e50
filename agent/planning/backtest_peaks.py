"""A back-test's months and days: the charge on each month's peak, what the guard sees of it, days that are planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.fleet.view import Array, FleetView, Floats, Ints
from agent.planning.day import Day, DayPeak, Kind
from agent.planning.guard import Left, PeakCharge, Watch

HOUR_S = 3600.0
KNOWN_DAYS, PAST_DAYS = 2, 7
"""Prices are known until the end of the day after: with those of the week before they stand for what is left."""
Solve = Callable[[Day], Sequence[Sequence[Sequence[int]]]]
"""Returns by kind, level and interval how many machines, the best that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """So much a kW of each month's highest interval; months and days by interval, as numbers that rise."""

    per_kw: float
    month: Ints
    day: Ints

    def cost(self, power_kw: Floats) -> float:
        """Return what all months are charged for the mean power of each interval."""
        return float(sum(power_kw[self.month == one].max() for one in np.unique(self.month)) * self.per_kw)


class PeakWatcher:
    """What the guard is shown at each interval, from the draw of those before it."""

    def __init__(self, peaks: Peaks, prices: Floats, step_s: float, pue: float) -> None:
        self._peaks = peaks
        self._prices = prices
        self._step_s = step_s
        self._pue = pue
        self._ends = np.searchsorted(peaks.month, peaks.month, side="right")
        self._known = np.searchsorted(peaks.day, peaks.day + KNOWN_DAYS)
        self._past = np.searchsorted(peaks.day, peaks.day - PAST_DAYS)
        self._highest_kw = 0.0
        self._sample: tuple[int, Floats] | None = None

    def watch(self, at: int) -> Watch:
        """Return the month's charge as it stands at an interval's start."""
        month = int(self._peaks.month[at])
        if at and month != self._peaks.month[at - 1]:
            self._highest_kw = 0.0
        kw = self._highest_kw
        hours = float(self._ends[at] - at) * self._step_s / HOUR_S
        charge = PeakCharge(
            name="demand",
            month=str(month),
            start=float(at),
            length_s=self._step_s,
            elapsed_s=0.0,
            drawn_wh=0.0,
            kw=kw,
            bands=((kw, self._peaks.per_kw * self._pue),),
            left=Left(hours=hours, prices=self._sampled(at)),
        )
        return Watch(charges=(charge,), house_w=0.0)

    def drew(self, power_kw: float) -> None:
        """Take in what an interval drew at the machines."""
        self._highest_kw = max(self._highest_kw, power_kw)

    def _sampled(self, at: int) -> Floats:
        end = int(min(self._known[at], self._ends[at]))
        if self._sample is None or self._sample[0] != end:
            first = at if end == self._ends[at] else self._past[at]
            self._sample = (end, np.sort(self._prices[first:end]))
        return self._sample[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every day of a back-test has in common."""

    step_s: float
    per_ths_h: float
    pue: float
    wake_s: float
    min_on_s: float
    min_off_s: float
    start_cost: float


def planned_days(view: FleetView, prices: Floats, peaks: Peaks, terms: Terms, solve: Solve) -> Array:
    """Return the steps of each machine by intervals, each day planned by its own prices and the month's peak so far."""
    steps = np.zeros((len(prices), len(view)), np.int8)
    ends = np.searchsorted(peaks.month, peaks.month, side="right")
    kinds = tuple(_kind(view, row) for row in range(len(view)))
    for one in np.unique(peaks.day):
        places = np.flatnonzero(peaks.day == one)
        first = int(places[0])
        begun = int(np.searchsorted(peaks.month, peaks.month[first]))
        highest_kw = _highest_kw(view, steps[begun:first])
        share = len(places) / (int(ends[first]) - first)
        charge = DayPeak(
            name="demand",
            windows=tuple((place,) for place in range(len(places))),
            kw=highest_kw,
            bands=((highest_kw, peaks.per_kw * terms.pue * share),),
        )
        counts = solve(
            Day(
                step_s=terms.step_s,
                prices=prices[places],
                per_ths_h=terms.per_ths_h,
                kinds=kinds,
                fixed_w=0.0,
                caps_w=np.full(len(places), np.inf),
                peaks=(charge,) if peaks.per_kw else (),
                pue=terms.pue,
                min_on_s=terms.min_on_s,
                min_off_s=terms.min_off_s,
                start_cost=terms.start_cost,
                wake_s=terms.wake_s,
            )
        )
        for row, levels in enumerate(counts):
            steps[places, row] = np.argmax(np.array(levels), axis=0)
    return steps


def _kind(view: FleetView, row: int) -> Kind:
    count = int(view.last_step[row]) + 1
    return Kind(
        name=str(row),
        feeder="site",
        count=1,
        levels=tuple(str(step) for step in range(count)),
        watts=tuple(view.step_w[row, :count].tolist()),
        ths=tuple(view.step_ths[row, :count].tolist()),
    )


def _highest_kw(view: FleetView, steps: Array) -> float:
    rows = np.arange(len(view))
    return float((view.step_w[rows, steps].sum(axis=1) / 1000).max(initial=0.0))
