"""The day ahead as a linear programme: how many machines of a kind stand at which level in each interval. Pure.

Whoever solves it is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.fleet.view import Flags, Floats
from agent.planning.day import Bound, Day, DayPeak, Kind

MUCH = 100.0
"""What cannot be met is met as far as possible: a kW above a cap costs so many times what a kWh can ever earn."""
Wholes = NDArray[np.int64]


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
    short: tuple[Wholes, ...]  # kW above the site's cap, then above each other limit, by interval
    count: int


@dataclass(frozen=True, slots=True)
class _Made:
    """What columns cost and may be at most."""

    cost: Floats
    upper: Floats


def programme(day: Day) -> Programme:
    """Return the day as a linear programme with whole numbers."""
    at, rows = _columns(day), _Rows()
    cost, upper = np.zeros(at.count), np.full(at.count, np.inf)
    whole = np.zeros(at.count, np.bool_)
    made, is_bound = _Made(cost, upper), day.is_bound()
    for place, kind in enumerate(day.kinds):
        for columns in at.levels[place]:
            upper[columns], whole[columns] = kind.count, True
        _kind_costs(day, kind, at, place, cost)
        _kind_limits(day, place, at, made, is_bound[place])
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


def _kind_costs(day: Day, kind: Kind, at: _Columns, place: int, cost: Floats) -> None:
    for columns, nets in zip(at.levels[place], day.nets(kind), strict=True):
        cost[columns] = -day.hours * nets
    starts = at.starts[place]
    if starts is not None:
        cost[starts] = day.cost_of_start(kind)


def _kind_limits(day: Day, place: int, at: _Columns, made: _Made, bound: Flags) -> None:
    """Keep to what a kind's owner allows of price."""
    kind, starts, stops = day.kinds[place], at.starts[place], at.stops[place]
    if kind.fixed:
        _for_no_price(day, kind, at.levels[place], made, bound)
    elif kind.band and starts is not None and stops is not None:
        free = bound | _sets_peaks(day)
        made.upper[stops[~(_pays_to_stop(day, kind) | free)]] = 0.0
        made.upper[starts[~(_pays_to_start(day, kind) | free | np.concatenate([[False], free[:-1]]))]] = 0.0


def _for_no_price(day: Day, kind: Kind, levels: tuple[Wholes, ...], made: _Made, bound: Flags) -> None:
    """Let machines that price never moves be lowered by what binds alone, whatever a kWh costs then."""
    for level, columns in enumerate(levels):
        made.cost[columns[bound]] = -day.hours * kind.earns(level, day.per_ths_h)
        if level:
            made.upper[columns[~bound]] = 0.0


def _pays_to_stop(day: Day, kind: Kind) -> Flags:
    """Return the intervals in which stopping pays by more than the owner's band; what binds goes by no band."""
    more, band = _more_than_asleep(day, kind)
    return np.asarray(((-more > band) & (band > 0)).any(axis=0))


def _pays_to_start(day: Day, kind: Kind) -> Flags:
    more, band = _more_than_asleep(day, kind)
    return np.asarray((more > band).any(axis=0))


def _more_than_asleep(day: Day, kind: Kind) -> tuple[Floats, Floats]:
    """Return by level that hashes and interval what it earns more than sleep, and the band around that."""
    nets, levels = day.nets(kind), range(len(kind.levels) - 1)
    earns = np.array([kind.earns(level, day.per_ths_h) for level in levels])
    return nets[:-1] - nets[-1], kind.band * earns[:, None]


def _sets_peaks(day: Day) -> Flags:
    """Return the intervals in which a new peak would be set, did everybody draw the most."""
    most_kw = (day.fixed_w + sum(kind.count * max(kind.watts) for kind in day.kinds)) / 1000
    found = np.zeros(len(day.prices), np.bool_)
    for peak in day.peaks:
        if most_kw > peak.base_kw:
            found[[place for window in peak.windows for place in window]] = True
    return found


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
        bands.append(np.arange(count, count + len(peak.all_bands)))
        count += len(peak.all_bands)
        jumps.append(count if peak.jump else None)
        count += 1 if peak.jump else 0
    short = []
    for _ in (None, *day.bounds):
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
    on_s, off_s = day.least_s(kind)
    for least_s, told, is_start in ((on_s, starts, True), (off_s, stops, False)):
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
    for bound, short in zip(day.bounds, at.short[1:], strict=True):
        _bound_rows(day, bound, short, at, rows)


def _bound_rows(day: Day, bound: Bound, short: Wholes, at: _Columns, rows: _Rows) -> None:
    room_w = day.room_w(bound)
    if (
        not bound.kinds
        or (sum(day.kinds[place].count * max(day.kinds[place].watts) for place in bound.kinds) <= room_w).all()
    ):
        return
    capped = rows.open(np.full(len(room_w), -np.inf), room_w / 1000)
    for place in sorted(bound.kinds):
        for level, columns in enumerate(at.levels[place]):
            rows.put(capped, columns, day.kinds[place].watts[level] / 1000)
    rows.put(capped, short, -1.0)


def _peak(peak: DayPeak, bands: Wholes, jump: int | None, cost: Floats, upper: Floats) -> None:
    starts = [start for start, _ in peak.all_bands] + [np.inf]
    for column, (_, per_kw), (low, high) in zip(bands, peak.all_bands, pairwise(starts), strict=True):
        cost[column], upper[column] = per_kw, high - low
    if jump is not None:
        cost[jump], upper[jump] = peak.jump, 1.0


def _peak_rows(day: Day, peak: DayPeak, place: int, at: _Columns, rows: _Rows) -> None:
    """Keep the mean of each window at most at what is billed in any case, and what is paid for above it."""
    count = len(peak.windows)
    held = rows.open(np.full(count, -np.inf), np.full(count, peak.base_kw - day.fixed_w / 1000))
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


def counts_of(day: Day, solution: Floats) -> list[list[list[int]]]:
    """Return the machines at each level that a solution says; what is no whole number is at a lower level."""
    at, found = _columns(day), list[list[list[int]]]()
    for kind, levels in zip(day.kinds, at.levels, strict=True):
        whole = [np.floor(solution[columns] + 1e-6).astype(int) for columns in levels]
        whole[-1] = kind.count - sum(whole[:-1], np.zeros(len(day.prices), int))
        found.append([column.tolist() for column in whole])
    return found
