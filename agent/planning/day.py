"""The day ahead as a linear programme: which level how many machines of a kind have in each interval. Pure.

Machines that are alike (model, feeder, levels) are one kind, and whole numbers of them stand at each level, so that a
hundred thousand are as few columns as their kinds. What is earned is hashrate x what a terahash keeps, less energy at
its price, less starts (wear, and hashing lost while they warm up), less the day's share of new peaks. Caps, feeders and
least times on and off bound it. Whoever solves it is elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.fleet.view import Floats

HOUR_S = 3600.0
MUCH = 100.0
"""What cannot be met is met as far as possible: a kW above a cap costs so many times what a kWh can ever earn."""
Wholes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Machines that are alike; their levels from the most power to the least, in W at the wall and TH/s."""

    name: str
    feeder: str
    count: int
    levels: tuple[str, ...]
    watts: tuple[float, ...]
    ths: tuple[float, ...]
    pays_per_kwh: float | None = None  # what hashing keeps a kWh; None: it goes by the hashrate

    def earns(self, level: int, per_ths_h: float) -> float:
        """Return what an hour of one machine at a level earns before its energy."""
        if self.pays_per_kwh is None or self.ths[level] <= 0:
            return self.ths[level] * per_ths_h
        return self.watts[level] / 1000 * self.pays_per_kwh

    @property
    def may_stop(self) -> bool:
        """Whether its lowest level hashes nothing."""
        return len(self.ths) > 1 and self.ths[-1] <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A feeder with a cap, and all feeders at or below it."""

    id: str
    max_w: float
    below: frozenset[str]
    caps_w: tuple[float, ...] = ()  # by intervals, of orders upon it; none: no more than its own


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPeak:
    """A charge on the mean of windows; each window by the places of its intervals within the day. kW at the meter.

    Bands are what a kW costs of this day: its part of the hours in which a new peak may still be used.
    """

    name: str
    windows: tuple[tuple[int, ...], ...]
    kw: float
    bands: tuple[tuple[float, float], ...]
    jump: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's terms by intervals of one length; money is the site's."""

    step_s: float
    prices: Floats  # per kWh at the meter
    per_ths_h: float
    kinds: tuple[Kind, ...]
    fixed_w: float  # house, and machines that are not ours to move
    caps_w: Floats  # at the meter; inf: none
    branches: tuple[Branch, ...] = ()
    peaks: tuple[DayPeak, ...] = ()
    pue: float = 1.0
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    start_cost: float = 0.0  # wear of one
    wake_s: float = 600.0

    @property
    def hours(self) -> float:
        """The length of an interval."""
        return self.step_s / HOUR_S

    def cost_of_start(self, kind: Kind) -> float:
        """Return what a start of one machine costs; its hashing is lost as at its highest level."""
        return self.start_cost + kind.earns(0, self.per_ths_h) * min(self.wake_s, self.step_s) / HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Minimise cost x columns, within the bounds of rows and columns; the matrix by columns, compressed."""

    cost: Floats
    upper: Floats  # of columns; all are at least 0
    whole: NDArray[np.bool_]  # which must be whole numbers
    row_lower: Floats
    row_upper: Floats
    start: Wholes
    index: Wholes
    value: Floats


class _Rows:
    """Rows as they come, in coordinates."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: list[Wholes] = []
        self.columns: list[Wholes] = []
        self.values: list[Floats] = []
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []

    def open(self, lower: Floats, upper: Floats) -> Wholes:
        """Add rows of these bounds, and return their numbers."""
        numbers = np.arange(self.count, self.count + len(lower))
        self.count += len(lower)
        self.lower.append(np.asarray(lower, float))
        self.upper.append(np.asarray(upper, float))
        return numbers

    def put(self, rows: Wholes, columns: Wholes, value: float | Floats) -> None:
        """Set values in rows."""
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.asarray(value, float), rows.shape))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each kind's columns are: levels by interval, starts and stops by interval; then the peaks'."""

    levels: tuple[tuple[Wholes, ...], ...]
    starts: tuple[Wholes | None, ...]
    stops: tuple[Wholes | None, ...]
    bands: tuple[Wholes, ...]
    jumps: tuple[int | None, ...]
    short: tuple[Wholes, ...]  # kW above the site's cap, then above each feeder's, by interval
    count: int


def programme(day: Day) -> Programme:
    """Return the day as a linear programme with whole numbers."""
    at, rows = _columns(day), _Rows()
    cost, upper = np.zeros(at.count), np.full(at.count, np.inf)
    whole = np.zeros(at.count, np.bool_)
    for place, kind in enumerate(day.kinds):
        for level, columns in enumerate(at.levels[place]):
            cost[columns] = day.hours * (
                kind.watts[level] / 1000 * day.pue * day.prices - kind.earns(level, day.per_ths_h)
            )
            upper[columns], whole[columns] = kind.count, True
        starts = at.starts[place]
        if starts is not None:
            cost[starts] = day.cost_of_start(kind)
        _kind_rows(day, kind, place, at, rows)
    _power_rows(day, at, rows)
    for short in at.short:
        cost[short] = _dearest(day)
    for place, peak in enumerate(day.peaks):
        _peak(peak, at.bands[place], at.jumps[place], cost, upper)
        jump = at.jumps[place]
        if jump is not None:
            whole[jump] = True
        _peak_rows(day, peak, place, at, rows)
    return _compressed(rows, cost, upper, whole)


def _dearest(day: Day) -> float:
    """Return what a kW above a cap costs, so that none is ever taken where it can be helped."""
    keeps = [
        kind.earns(level, day.per_ths_h) / watts * 1000
        for kind in day.kinds
        for level, watts in enumerate(kind.watts)
        if watts > 0
    ]
    starts = [day.cost_of_start(kind) / kind.watts[0] * 1000 for kind in day.kinds if kind.watts[0] > 0]
    return MUCH * (float(np.abs(day.prices).max()) + max(keeps, default=0.0) + max(starts, default=0.0))


def _columns(day: Day) -> _Columns:
    intervals, count = len(day.prices), 0
    levels: list[tuple[Wholes, ...]] = []
    starts: list[Wholes | None] = []
    stops: list[Wholes | None] = []
    for kind in day.kinds:
        found = []
        for _ in kind.levels:
            found.append(np.arange(count, count + intervals))
            count += intervals
        levels.append(tuple(found))
        for told in starts, stops:
            told.append(np.arange(count, count + intervals) if kind.may_stop else None)
            count += intervals if kind.may_stop else 0
    bands, jumps = list[Wholes](), list[int | None]()
    for peak in day.peaks:
        bands.append(np.arange(count, count + len(peak.bands)))
        count += len(peak.bands)
        jumps.append(count if peak.jump else None)
        count += 1 if peak.jump else 0
    short = []
    for _ in (None, *day.branches):
        short.append(np.arange(count, count + intervals))
        count += intervals
    return _Columns(tuple(levels), tuple(starts), tuple(stops), tuple(bands), tuple(jumps), tuple(short), count)


def _kind_rows(day: Day, kind: Kind, place: int, at: _Columns, rows: _Rows) -> None:
    """Put all machines of a kind at some level; who hashes now did before, or was started."""
    intervals = len(day.prices)
    full = np.full(intervals, float(kind.count))
    every = rows.open(full, full)
    for columns in at.levels[place]:
        rows.put(every, columns, 1.0)
    starts, stops = at.starts[place], at.stops[place]
    if starts is None or stops is None:
        return
    asleep = at.levels[place][-1]
    moves = rows.open(np.zeros(intervals - 1), np.zeros(intervals - 1))  # asleep before - asleep now = starts - stops
    rows.put(moves, asleep[:-1], 1.0)
    rows.put(moves, asleep[1:], -1.0)
    rows.put(moves, starts[1:], -1.0)
    rows.put(moves, stops[1:], 1.0)
    for least_s, told, is_start in ((day.min_on_s, starts, True), (day.min_off_s, stops, False)):
        length = round(np.ceil(least_s / day.step_s))
        if length < 2:
            continue
        # who was started within the least time hashes; who was stopped within it sleeps
        recent = rows.open(np.full(intervals, -np.inf), full if is_start else np.zeros(intervals))
        for back in range(length):
            rows.put(recent[back:], told[: intervals - back], 1.0)
        rows.put(recent, asleep, 1.0 if is_start else -1.0)


def _power_rows(day: Day, at: _Columns, rows: _Rows) -> None:
    intervals = len(day.prices)
    if np.isfinite(day.caps_w).any():
        capped = rows.open(np.full(intervals, -np.inf), (day.caps_w - day.fixed_w) / 1000)
        for place, kind in enumerate(day.kinds):
            for level, columns in enumerate(at.levels[place]):
                rows.put(capped, columns, kind.watts[level] / 1000)
        rows.put(capped, at.short[0], -1.0)
    for branch, short in zip(day.branches, at.short[1:], strict=True):
        below = [place for place, kind in enumerate(day.kinds) if kind.feeder in branch.below]
        most_w = sum(day.kinds[place].count * max(day.kinds[place].watts) for place in below)
        caps_w = np.minimum(branch.max_w, np.array(branch.caps_w or [np.inf] * intervals, float))
        if not below or (most_w <= caps_w).all():
            continue
        capped = rows.open(np.full(intervals, -np.inf), caps_w / 1000)
        for place in below:
            for level, columns in enumerate(at.levels[place]):
                rows.put(capped, columns, day.kinds[place].watts[level] / 1000)
        rows.put(capped, short, -1.0)


def _peak(peak: DayPeak, bands: Wholes, jump: int | None, cost: Floats, upper: Floats) -> None:
    starts = [start for start, _ in peak.bands] + [np.inf]
    dearest = 0.0
    for column, (_, per_kw), (low, high) in zip(bands, peak.bands, pairwise(starts), strict=True):
        dearest = max(dearest, per_kw)  # bands that fall are no linear programme: the dearest so far holds on
        cost[column], upper[column] = dearest, high - low
    if jump is not None:
        cost[jump], upper[jump] = peak.jump, 1.0


def _peak_rows(day: Day, peak: DayPeak, place: int, at: _Columns, rows: _Rows) -> None:
    """Keep the mean of each window at most at what is billed in any case, and what is paid for above it."""
    count = len(peak.windows)
    held = rows.open(np.full(count, -np.inf), np.full(count, peak.kw - day.fixed_w / 1000))
    of = np.concatenate([np.full(len(window), number) for number, window in zip(held, peak.windows, strict=True)])
    when = np.concatenate([np.array(window, np.int64) for window in peak.windows])
    share = np.concatenate([np.full(len(window), 1 / len(window)) for window in peak.windows])
    for kind, levels in zip(day.kinds, at.levels, strict=True):
        for level, columns in enumerate(levels):
            rows.put(of, columns[when], kind.watts[level] / 1000 * share)
    for column in at.bands[place]:
        rows.put(held, np.full(count, column), -1.0)
    jump = at.jumps[place]
    if jump is not None:
        most_kw = (day.fixed_w + sum(kind.count * max(kind.watts) for kind in day.kinds)) / 1000
        bound = rows.open(np.array([-np.inf]), np.array([0.0]))
        for column in at.bands[place]:
            rows.put(bound, np.array([column]), 1.0)
        rows.put(bound, np.array([jump]), -most_kw)


def _compressed(rows: _Rows, cost: Floats, upper: Floats, whole: NDArray[np.bool_]) -> Programme:
    row, column, value = (np.concatenate(told) for told in (rows.rows, rows.columns, rows.values))
    order = np.lexsort((row, column))
    start = np.searchsorted(column[order], np.arange(len(cost) + 1))
    return Programme(
        cost=cost,
        upper=upper,
        whole=whole,
        row_lower=np.concatenate(rows.lower),
        row_upper=np.concatenate(rows.upper),
        start=start.astype(np.int64),
        index=row[order].astype(np.int64),
        value=np.asarray(value[order], np.float64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """What a day comes to: by kind, level and interval how many machines; by interval what is drawn and made."""

    counts: tuple[tuple[tuple[int, ...], ...], ...]
    kwh: tuple[float, ...]  # at the meter
    revenue: tuple[float, ...]
    energy_cost: tuple[float, ...]
    start_cost: tuple[float, ...]
    shortfall_kw: tuple[float, ...]  # above the cap
    peaks: tuple[tuple[str, float, float], ...]  # the mean that is drawn at most, kW, and the day's share of its charge

    @property
    def money(self) -> float:
        """What the day makes."""
        costs = sum(self.energy_cost) + sum(self.start_cost) + sum(cost for _, _, cost in self.peaks)
        return sum(self.revenue) - costs


def plan_of(day: Day, counts: Sequence[Sequence[Sequence[int]]]) -> DayPlan:
    """Return what these numbers of machines at each level come to."""
    intervals = len(day.prices)
    power_w, revenue, starts = np.full(intervals, day.fixed_w), np.zeros(intervals), np.zeros(intervals)
    for kind, levels in zip(day.kinds, counts, strict=True):
        for level, column in enumerate(levels):
            power_w += kind.watts[level] * np.array(column, float)
            revenue += kind.earns(level, day.per_ths_h) * day.hours * np.array(column, float)
        if kind.may_stop:
            asleep = np.array(levels[-1], float)
            starts[1:] += np.maximum(asleep[:-1] - asleep[1:], 0.0) * day.cost_of_start(kind)
    kwh = power_w / 1000 * day.hours
    return DayPlan(
        counts=tuple(tuple(tuple(int(one) for one in column) for column in levels) for levels in counts),
        kwh=tuple(kwh.tolist()),
        revenue=tuple(revenue.tolist()),
        energy_cost=tuple((kwh * day.prices).tolist()),
        start_cost=tuple(starts.tolist()),
        shortfall_kw=tuple(np.maximum((power_w - day.caps_w) / 1000, 0.0).tolist()),
        peaks=tuple(_reached(peak, power_w) for peak in day.peaks),
    )


def _reached(peak: DayPeak, power_w: Floats) -> tuple[str, float, float]:
    means = [float(power_w[list(window)].mean()) / 1000 for window in peak.windows]
    kw = max(means, default=0.0)
    starts, cost = [start for start, _ in peak.bands] + [np.inf], peak.jump if kw > peak.kw + 1e-9 else 0.0
    for (_, per_kw), (low, high) in zip(peak.bands, pairwise(starts), strict=True):
        cost += max(0.0, min(kw, high) - low) * per_kw
    return peak.name, kw, float(cost)


def counts_of(day: Day, solution: Floats) -> list[list[list[int]]]:
    """Return the machines at each level that a solution says; what is no whole number is at a lower level."""
    at, found = _columns(day), list[list[list[int]]]()
    for kind, levels in zip(day.kinds, at.levels, strict=True):
        whole = [np.floor(solution[columns] + 1e-6).astype(int) for columns in levels]
        whole[-1] = kind.count - sum(whole[:-1], np.zeros(len(day.prices), int))
        found.append([column.tolist() for column in whole])
    return found
