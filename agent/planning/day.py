"""The day ahead: its terms as values, and what a plan of it comes to. Pure.

Machines that are alike (model, feeder, levels, owner's rule, orders upon them) are one kind, and whole numbers of them
stand at each level, so that a hundred thousand are as few columns as their kinds. What is earned is hashrate x what a
terahash keeps, less energy at its price, less starts (wear, and hashing lost while they warm up), less the day's share
of new peaks. Caps, feeders, orders and least times on and off bound it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agent.fleet.view import Flags, Floats

HOUR_S = 3600.0
ROUNDING_KW = 1e-6
"""So little above a limit is no shortfall."""
Bands = tuple[tuple[float, float], ...]
"""From so many kW on, what one more costs; by rising kW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Machines that are alike; their levels from the most power to the least, in W at the wall and TH/s.

    What is None goes by the day's own. An owner's band lets on and off change only where it pays by more than that
    share of what an hour earns; levels between are free of it.
    """

    name: str
    feeder: str
    count: int
    levels: tuple[str, ...]
    watts: tuple[float, ...]
    ths: tuple[float, ...]
    pays_per_kwh: float | None = None  # what hashing keeps a kWh; None: it goes by the hashrate
    fixed: bool = False  # price never moves it: only what binds does
    band: float = 0.0
    min_on_s: float | None = None
    min_off_s: float | None = None
    start_cost: float | None = None

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
class Bound:
    """A limit on some of the machines: a feeder's own, or an order's upon feeders, tags, machines.

    Who is exempt from an order is counted and not commanded: it counts at what price alone would have it draw.
    """

    name: str
    kinds: frozenset[int]  # whom it may lower, by their places
    caps_w: tuple[float, ...]  # by intervals; inf: none
    exempt: frozenset[int] = frozenset()
    fixed_w: float = 0.0  # what else is measured there
    factor: float = 1.0  # a W of these machines counts so many: their figures have a margin where no meter is


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPeak:
    """A charge on the mean of windows; each window by the places of its intervals within the day. kW at the meter.

    Bands are what a kW costs of this day: its part of the hours in which a new peak may still be used. `later` is the
    same for months to come, where a ratchet has them pay for this one's peak.
    """

    name: str
    windows: tuple[tuple[int, ...], ...]
    kw: float
    bands: Bands
    jump: float = 0.0
    later: Bands = ()

    @property
    def base_kw(self) -> float:
        """Up to where nothing is added, in this month or a later one; what is due at once begins at `kw`."""
        return self.kw if self.jump else min([self.kw, *(start for start, _ in self.later)])

    @property
    def all_bands(self) -> Bands:
        """What one more kW costs from the base on, all in; where that fell, the dearest so far holds on."""
        base, told, dearest = self.base_kw, list[tuple[float, float]](), 0.0
        starts = {base, *(max(start, base) for start, _ in (*self.bands, *self.later))}
        for start in sorted(starts):
            dearest = max(dearest, _at(self.bands, start) + _at(self.later, start))
            told.append((start, dearest))
        return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's terms by intervals of one length; money is the site's."""

    step_s: float
    prices: Floats  # per kWh at the meter
    per_ths_h: float
    kinds: tuple[Kind, ...]
    fixed_w: float  # house, and machines that are not ours to move
    caps_w: Floats  # at the meter; inf: none
    bounds: tuple[Bound, ...] = ()
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
        wear = self.start_cost if kind.start_cost is None else kind.start_cost
        return wear + kind.earns(0, self.per_ths_h) * min(self.wake_s, self.step_s) / HOUR_S

    def least_s(self, kind: Kind) -> tuple[float, float]:
        """Return the least times on and off that price keeps to; whom it never moves has none."""
        if kind.fixed:
            return 0.0, 0.0
        on_s = self.min_on_s if kind.min_on_s is None else kind.min_on_s
        return on_s, self.min_off_s if kind.min_off_s is None else kind.min_off_s

    def nets(self, kind: Kind) -> Floats:
        """Return by level and interval what an hour of one machine earns after its energy."""
        earns = np.array([kind.earns(level, self.per_ths_h) for level in range(len(kind.levels))])
        kw = np.array(kind.watts) / 1000 * self.pue
        nets: Floats = earns[:, None] - kw[:, None] * self.prices[None, :]
        return nets

    def wanted_w(self, kind: Kind) -> Floats:
        """Return by interval the W of one machine at the level that price alone wants."""
        if kind.fixed:
            return np.full(len(self.prices), kind.watts[0])
        wanted: Floats = np.array(kind.watts)[np.argmax(self.nets(kind), axis=0)]
        return wanted

    def room_w(self, bound: Bound) -> Floats:
        """Return by interval the W that the machines which a limit may lower are allowed."""
        others_w = np.full(len(self.prices), bound.fixed_w)
        for place in bound.exempt:
            others_w = others_w + bound.factor * self.kinds[place].count * self.wanted_w(self.kinds[place])
        room_w: Floats = (np.array(bound.caps_w, float) - others_w) / bound.factor
        return room_w

    def is_bound(self) -> list[Flags]:
        """Return by kind the intervals in which not everybody under one of its limits may draw the most."""
        most_w = [kind.count * max(kind.watts) for kind in self.kinds]
        site = sum(most_w) + self.fixed_w > self.caps_w
        found = [site.copy() for _ in self.kinds]
        for bound in self.bounds:
            is_tight = sum(most_w[place] for place in bound.kinds) > self.room_w(bound)
            for place in bound.kinds:
                found[place] |= is_tight
        return found


def _at(bands: Bands, kw: float) -> float:
    return next((per_kw for start, per_kw in reversed(bands) if start <= kw), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A charge's highest mean of a day in kW, and the day's share of what it adds, now and in months to come."""

    name: str
    kw: float
    cost: float
    later_cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """What a day comes to: by kind, level and interval how many machines; by interval what is drawn and made."""

    counts: tuple[tuple[tuple[int, ...], ...], ...]
    kwh: tuple[float, ...]  # at the meter
    revenue: tuple[float, ...]
    energy_cost: tuple[float, ...]
    start_cost: tuple[float, ...]
    shortfall_kw: tuple[float, ...]  # above the site's cap
    shortfalls: tuple[tuple[str, tuple[float, ...]], ...]  # by name, kW above each other limit that cannot be met
    peaks: tuple[Reached, ...]

    @property
    def money(self) -> float:
        """What the day makes."""
        peaks = sum(one.cost + one.later_cost for one in self.peaks)
        return sum(self.revenue) - sum(self.energy_cost) - sum(self.start_cost) - peaks

    @property
    def is_short(self) -> bool:
        """Whether a limit cannot be met."""
        return max(self.shortfall_kw) > 0 or bool(self.shortfalls)


def plan_of(day: Day, counts: Sequence[Sequence[Sequence[int]]]) -> DayPlan:
    """Return what these numbers of machines at each level come to."""
    intervals = len(day.prices)
    power_w, revenue, starts = np.full(intervals, day.fixed_w), np.zeros(intervals), np.zeros(intervals)
    drawn_w = []
    for kind, levels in zip(day.kinds, counts, strict=True):
        drawn_w.append(np.array(kind.watts) @ np.array(levels, float))
        power_w = power_w + drawn_w[-1]
        for level, column in enumerate(levels):
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
        shortfall_kw=tuple(_over_kw((power_w - day.caps_w) / 1000).tolist()),
        shortfalls=tuple(_short(day, drawn_w)),
        peaks=tuple(_reached(peak, power_w) for peak in day.peaks),
    )


def _short(day: Day, drawn_w: Sequence[Floats]) -> list[tuple[str, tuple[float, ...]]]:
    found = []
    for bound in day.bounds:
        below_w = sum((drawn_w[place] for place in sorted(bound.kinds)), np.zeros(len(day.prices)))
        over_kw = _over_kw((below_w - day.room_w(bound)) * bound.factor / 1000)
        if over_kw.any():
            found.append((bound.name, tuple(over_kw.tolist())))
    return found


def _over_kw(more_kw: Floats) -> Floats:
    over: Floats = np.where(more_kw > ROUNDING_KW, more_kw, 0.0)
    return over


def _reached(peak: DayPeak, power_w: Floats) -> Reached:
    means = [float(power_w[list(window)].mean()) / 1000 for window in peak.windows]
    kw = max(means, default=0.0)
    jump = peak.jump if kw > peak.kw + 1e-9 else 0.0
    return Reached(name=peak.name, kw=kw, cost=jump + cost_of(peak.bands, kw), later_cost=cost_of(peak.later, kw))


def cost_of(bands: Bands, kw: float) -> float:
    """Return what so many kW cost by bands."""
    starts = [start for start, _ in bands] + [np.inf]
    return float(
        sum(
            max(0.0, min(kw, high) - low) * per_kw
            for (_, per_kw), (low, high) in zip(bands, pairwise(starts), strict=True)
        )
    )
