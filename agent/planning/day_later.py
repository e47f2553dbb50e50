"""What a day's new peak costs in months to come, where a ratchet has them pay for it. Pure.

Such a month is weighed as the guard weighs it (`guard.Later`): where its machines are worth a peak as high it loses
nothing, above that the charge less what the kilowatts earn that are paid for and may be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from agent.fleet.view import Floats
from agent.planning.day import Bands, Day, Kind
from agent.planning.guard import Later

PIECES = 128
"""The machines' kilowatts are weighed in at least so many pieces."""
NOTHING = 1e-9
"""A kW that costs less than that costs nothing."""


def later_bands(day: Day, months: Sequence[Later], share: float) -> Bands:
    """Return what one more kW of this day's highest mean costs in these months; the day bears so much of it."""
    if not months:
        return ()
    steps_kw, even = _pieces(day)
    if not len(steps_kw):
        return ()
    least_kw = (day.fixed_w + sum(kind.count * min(kind.watts) for kind in day.kinds)) / 1000
    kw = least_kw + np.concatenate([[0.0], np.cumsum(steps_kw)])
    cost = share * sum((month.cost(kw, steps_kw, even, day.pue) for month in months), np.zeros(len(kw)))
    return _told(kw, cost)


def _told(kw: Floats, cost: Floats) -> Bands:
    """Return a rising cost as bands, from where it begins: the greatest convex one that lies nowhere above it."""
    hull: list[int] = []
    for at in range(len(kw)):
        while len(hull) > 1 and _slope(kw, cost, hull[-2], hull[-1]) >= _slope(kw, cost, hull[-1], at):
            hull.pop()
        hull.append(at)
    bands = [(float(kw[one]), _slope(kw, cost, one, other)) for one, other in pairwise(hull)]
    rising = [band for band in bands if band[1] > NOTHING]
    return tuple(rising)


def _slope(kw: Floats, cost: Floats, one: int, other: int) -> float:
    return float((cost[other] - cost[one]) / (kw[other] - kw[one]))


def _pieces(day: Day) -> tuple[Floats, Floats]:
    """Return the kW of each step of each kind, the best first, and the price of a kWh at which it earns nothing."""
    found = [step for kind in day.kinds for step in _hull(kind, day.per_ths_h, day.pue)]
    found.sort(key=lambda step: -step[1])
    total_kw = sum(kw for kw, _ in found)
    kws, evens = list[float](), list[float]()
    for kw, even in found:
        parts = int(np.ceil(kw / total_kw * PIECES))
        kws += [kw / parts] * parts
        evens += [even] * parts
    return np.array(kws), np.array(evens)


def _hull(kind: Kind, per_ths_h: float, pue: float) -> list[tuple[float, float]]:
    """Return the steps down a kind's hull: kW of all its machines, and the price at which the step earns nothing."""
    at, found = 0, list[tuple[float, float]]()
    while True:
        deeper = [
            (
                (kind.earns(at, per_ths_h) - kind.earns(level, per_ths_h)) / (kind.watts[at] - kind.watts[level]),
                kind.watts[level],
                level,
            )
            for level in range(at + 1, len(kind.levels))
            if kind.watts[level] < kind.watts[at]
        ]
        if not deeper:
            return found
        lost, watts, level = min(deeper)
        found.append((kind.count * (kind.watts[at] - watts) / 1000, lost * 1000 / pue))
        at = level
