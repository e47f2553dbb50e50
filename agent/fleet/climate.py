"""How warm machines are, and how cold it may be around their loops: by what machines say of their air and their chips.

The air at one is what it says, else the median of what air-cooled machines of its feeder say, else of the site's. The
ambient is no warmer than the coolest air that any machine breathes; where none says it, nobody knows, and it counts as
cold. Loops of hydro and immersion machines must stay pumped then: power behind them is protected as house load.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.fleet.belief import SLEEPING
from agent.fleet.cells import Cells
from agent.fleet.view import Array, Flags, Floats
from drivers.interface import Reading

HOT_INLET_C = 40.0
"""Makers let air-cooled machines breathe up to this: S9 0-40 °C (S17 5-45 °C); nameplates are given for 25 to 35 °C."""
HOT_CHIP_C = 105.0
"""Chips of machines at work in every family were recorded at up to 100 °C: above this is hot in any."""
COOL_BY_C = 3.0
"""One that was hot is so until it is cooler by this; a loop that was in frost likewise, until it is warmer by it."""
LEAST_TOLD = 3
"""A median of fewer is one machine's word."""
MOST_SHORT = 1 << 16
LIQUID = frozenset({"hydro", "immersion"})
THERMAL = "idle:thermal"
NOTHING = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateView:
    """What is known of the climate at one moment; None where nobody says it."""

    ambient_c: float | None  # no warmer than this
    hot: int  # machines
    liquid: int  # machines with a loop
    frost: bool  # loops must stay pumped
    by_feeder_c: tuple[float | None, ...] = ()  # the median air of each feeder, by its place in the tree


class Climate:
    """The columns, one row a machine."""

    def __init__(self, n: int) -> None:
        self.inlet_c = np.full(n, np.nan)
        self.chip_c = np.full(n, np.nan)
        self._hot_inlet_c, self._hot_chip_c = np.full(n, HOT_INLET_C), np.full(n, HOT_CHIP_C)
        self.stopped_hot, self.hot, self.liquid = (np.zeros(n, np.bool_) for _ in range(3))
        self.unasked = set[int]()  # rows whose machine was identified since its cooling was looked up
        self.seen = ClimateView(ambient_c=None, hot=0, liquid=0, frost=True)
        self._cells = Cells(self)

    def heard(self, row: int, reading: Reading, reason: str | None) -> None:
        """Take in what a machine says of its temperatures; one that says none of its boards now said them before."""
        cell = self._cells
        cell.inlet_c[row] = NOTHING if reading.inlet_c is None else reading.inlet_c
        cell.stopped_hot[row] = reason == THERMAL
        if reading.boards is not None:
            chips = [board.chip_temp_c for board in reading.boards if board.chip_temp_c is not None]
            cell.chip_c[row] = max(chips, default=NOTHING)
        elif reading.state is SLEEPING:
            cell.chip_c[row] = NOTHING  # what was hot when it was put to sleep cools

    def cooled_by(
        self, row: int, cooling: str | None, *, inlet_c: float | None = None, chip_c: float | None = None
    ) -> None:
        """Take in how a machine is cooled: air | hydro | immersion; None, where nobody says, counts as air.

        `inlet_c` and `chip_c` are its model's own limits, None where it has none but everybody's.
        """
        self.liquid[row] = cooling in LIQUID
        self._hot_inlet_c[row] = HOT_INLET_C if inlet_c is None else inlet_c
        self._hot_chip_c[row] = HOT_CHIP_C if chip_c is None else chip_c

    def look(self, fresh: Flags, feeder: Array, feeders: int, *, freeze_c: float) -> ClimateView:
        """Judge who is hot, and whether loops may freeze, by the machines that were read lately."""
        air = np.where(fresh & ~self.liquid, self.inlet_c, np.nan)
        by_feeder, known = _medians(air, feeder, feeders), air[~np.isnan(air)]
        of_site = np.median(known) if len(known) >= LEAST_TOLD else np.nan
        near = np.where(np.isnan(by_feeder), of_site, by_feeder)[feeder]
        breathes = np.where(self.liquid, np.nan, np.where(np.isnan(air), near, air))
        slack_c = np.where(self.hot, COOL_BY_C, 0.0)
        warm = (breathes >= self._hot_inlet_c - slack_c) | (self.chip_c >= self._hot_chip_c - slack_c)
        hot = warm | self.stopped_hot
        self.hot = hot & fresh
        least_c = float(known.min()) if len(known) else None
        thaw_c = freeze_c + (COOL_BY_C if self.seen.frost and self.seen.ambient_c is not None else 0.0)
        self.seen = ClimateView(
            ambient_c=least_c,
            hot=int(self.hot.sum()),
            liquid=int(self.liquid.sum()),
            frost=least_c is None or least_c < thaw_c,
            by_feeder_c=tuple(None if np.isnan(c) else c for c in by_feeder.tolist()),
        )
        return self.seen


def _medians(told: Floats, group: Array, groups: int) -> Floats:
    """Return the median of what is told in each group, NaN where too few tell it."""
    known = np.flatnonzero(~np.isnan(told))
    order = known[np.argsort(told[known])]
    few = group[order].astype(np.uint16 if groups < MOST_SHORT else np.int64)  # what is short is sorted by its digits
    order = order[np.argsort(few, kind="stable")]
    counts = np.bincount(group[known], minlength=groups)
    first = np.cumsum(counts) - counts
    found = np.full(groups, np.nan)
    enough = np.flatnonzero(counts >= LEAST_TOLD)
    low, high = first[enough] + (counts[enough] - 1) // 2, first[enough] + counts[enough] // 2
    found[enough] = (told[order[low]] + told[order[high]]) / 2
    return found
