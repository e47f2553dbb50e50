"""The repair of a greedy plan: every mix of levels that may still beat it, feeder by feeder, bounded by number.

Each level is charged its power at the relaxed plan's prices. What it then earns less than the machine's best level is
its loss, and no plan that loses more than the gap between plan and bound can be better: those are never looked at.
Of what is left only mixes remain that no other of the same feeder beats in both power and hashrate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]
Choice = TypeVar("Choice")

MOST_CORE, LEAST_CORE, WIDEST_CORE = 2400, 16, 48
"""Machines looked at again: in all, and at the least and the most of one feeder."""
MOST_MIXES, MOST_CROSSINGS = 2_000_000, 20_000_000
LEAST_WIDTH, MOST_WIDTH = 48, 4096
LEAST_CROSSED, MOST_CROSSED = 4_000, 1_000_000
"""About as many mixes as are made in all; kept of one feeder; and made where one feeder's are joined with another's."""
SAME_THS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot(Generic[Choice]):
    """One machine: where it hangs, its worthwhile levels by rising power in µW, and which of them are on its hull."""

    node: int
    choices: tuple[Choice, ...]
    power: tuple[int, ...]
    ths: tuple[float, ...]
    hull: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The feeders, the root first, each after its parent; what a µW is worth below each, and what of it is its own."""

    parent: tuple[int, ...]
    cap: tuple[int | None, ...]
    price: tuple[float, ...]
    own_price: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class _Front:
    """Mixes by rising power and rate, with what each surely loses; and what each is made of."""

    power: Wholes
    ths: Floats
    loss: Floats
    row: int = -1  # a machine's own levels: which machine
    picks: Wholes = field(default_factory=lambda: np.empty(0, np.int64))
    halves: tuple[tuple[_Front, Wholes], ...] = ()

    def take(self, kept: Wholes) -> _Front:
        """Return some of these mixes."""
        return _Front(
            power=self.power[kept],
            ths=self.ths[kept],
            loss=self.loss[kept],
            row=self.row,
            picks=self.picks[kept] if len(self.picks) else self.picks,
            halves=tuple((front, at[kept]) for front, at in self.halves),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What is looked at: no loss above the gap, so many mixes of one feeder, so many of two."""

    gap: float
    width: int
    crossed: int


def repair(spots: Sequence[Spot[Choice]], core: Core, picks: Sequence[int]) -> list[int]:
    """Return the best picks found; those given where none is better."""
    return _Repair(spots, core, picks).run()


class _Repair(Generic[Choice]):
    """Betters each feeder with all that hangs below it, from the leaves up, within the power that is its or is left."""

    def __init__(self, spots: Sequence[Spot[Choice]], core: Core, picks: Sequence[int]) -> None:
        self.spots = spots
        self.core = core
        self.picks = list(picks)
        self.losses = [_losses(spot, core.price[spot.node]) for spot in spots]
        self.paths = [_path(core, node) for node in range(len(core.parent))]
        self.rows: list[list[int]] = [[] for _ in core.parent]
        self.room = [math.inf if cap is None else float(cap) for cap in core.cap]
        for row, spot in enumerate(spots):
            self.rows[spot.node].append(row)
            self._draw(spot.node, spot.power[picks[row]])
        joins = sum(len(self.paths[spot.node]) for spot in spots) + sum(map(len, self.paths))
        self.width = min(MOST_WIDTH, max(LEAST_WIDTH, MOST_MIXES // joins))
        self.crossed = min(MOST_CROSSED, max(LEAST_CROSSED, MOST_CROSSINGS // sum(map(len, self.paths))))

    def run(self) -> list[int]:
        """Better one feeder after the other, each after those below it."""
        inside: list[list[int]] = [[] for _ in self.paths]
        for node in range(len(self.paths) - 1, -1, -1):
            for above in self.paths[node]:
                inside[above].append(node)
        for top in range(len(self.paths) - 1, -1, -1):
            self._better(top, inside[top])
        return self.picks

    def _draw(self, node: int, more: int) -> None:
        for above in self.paths[node]:
            self.room[above] -= more

    def _better(self, top: int, inside: Sequence[int]) -> None:
        """Better what hangs below one feeder; `inside` are it and the feeders below it, the deepest first."""
        left = min(self.room[above] for above in self.paths[top])
        drawn = sum(self.spots[row].power[self.picks[row]] for node in inside for row in self.rows[node])
        price = {node: self.core.own_price[node] for node in inside} | {top: self.core.price[top]}
        cap = {node: self._cap(node) for node in inside} | {top: drawn + left}
        gap = sum(self.losses[row][self.picks[row]] for node in inside for row in self.rows[node])
        gap += sum(price[node] * self.room[node] for node in inside if node != top and price[node])
        gap += price[top] * left if price[top] else 0.0
        if gap <= SAME_THS:
            return
        bounds = _Bounds(gap=gap * (1 + 1e-9), width=self.width, crossed=self.crossed)
        movable = self._movable(inside, gap)
        fronts = self._fixed(inside, movable)
        for node in inside:
            for row in movable[node]:
                fronts[node] = _join(fronts[node], _levels(self.spots[row], self.losses[row], row), cap[node], bounds)
            fronts[node] = _charged(fronts[node], price[node], cap[node], bounds)
            if node != top:
                up = self.core.parent[node]
                fronts[up] = _cross(fronts[up], fronts[node], cap[up], bounds)
        self._adopt(fronts[top])

    def _cap(self, node: int) -> float:
        cap = self.core.cap[node]
        return math.inf if cap is None else cap

    def _movable(self, inside: Sequence[int], gap: float) -> dict[int, list[int]]:
        """Return the machines to look at again: those that lose the least at another level than theirs."""
        near: dict[int, list[tuple[float, int]]] = {node: [] for node in inside}
        for node in inside:
            for row in self.rows[node]:
                loss, pick = self.losses[row], self.picks[row]
                other = min((lost for at, lost in enumerate(loss) if at != pick), default=math.inf)
                if other <= gap:
                    near[node].append((other, row))
        used = sum(1 for rows in near.values() if rows)
        most = min(WIDEST_CORE, max(LEAST_CORE, MOST_CORE // max(1, used)))
        return {node: sorted(row for _, row in sorted(rows)[:most]) for node, rows in near.items()}

    def _fixed(self, inside: Sequence[int], movable: dict[int, list[int]]) -> dict[int, _Front]:
        """Return for each node the one mix of the machines that stay where they are."""
        fronts = {}
        for node in inside:
            moving = set(movable[node])
            rows = [row for row in self.rows[node] if row not in moving]
            fronts[node] = _Front(
                power=np.array([sum(self.spots[row].power[self.picks[row]] for row in rows)], np.int64),
                ths=np.array([math.fsum(self.spots[row].ths[self.picks[row]] for row in rows)]),
                loss=np.array([math.fsum(self.losses[row][self.picks[row]] for row in rows)]),
            )
        return fronts

    def _adopt(self, front: _Front) -> None:
        """Take the best mix where it is better than what there is."""
        if not len(front.power):
            return
        found: dict[int, int] = {}
        waiting = [(front, int(np.argmax(front.ths)))]
        while waiting:
            here, at = waiting.pop()
            if here.row >= 0:
                found[here.row] = int(here.picks[at])
            waiting += [(half, int(index[at])) for half, index in here.halves]
        gained = math.fsum(self.spots[row].ths[at] - self.spots[row].ths[self.picks[row]] for row, at in found.items())
        if gained > SAME_THS:
            for row, at in found.items():
                spot = self.spots[row]
                self._draw(spot.node, spot.power[at] - spot.power[self.picks[row]])
                self.picks[row] = at


def _path(core: Core, node: int) -> list[int]:
    path = [node]
    while core.parent[path[-1]] >= 0:
        path.append(core.parent[path[-1]])
    return path


def _losses(spot: Spot[Choice], price: float) -> list[float]:
    earned = [ths - price * power for ths, power in zip(spot.ths, spot.power, strict=True)]
    best = max(earned)
    return [best - one for one in earned]


def _levels(spot: Spot[Choice], losses: Sequence[float], row: int) -> _Front:
    picks = np.arange(len(losses))
    return _Front(
        power=np.array(spot.power, np.int64), ths=np.array(spot.ths), loss=np.array(losses), row=row, picks=picks
    )


def _join(one: _Front, other: _Front, cap: float, bounds: _Bounds) -> _Front:
    """Return the mixes of both that are worth keeping."""
    power = np.add.outer(one.power, other.power).ravel()
    loss = np.add.outer(one.loss, other.loss).ravel()
    ths = np.add.outer(one.ths, other.ths).ravel()
    index = np.flatnonzero((loss <= bounds.gap) & (power <= cap))
    index = index[np.lexsort((-ths[index], power[index]))]
    best_before = np.maximum.accumulate(np.append(-np.inf, ths[index]))[:-1]
    index = index[ths[index] > best_before]
    left, right = np.divmod(index, len(other.power))
    halves = ((one, left), (other, right))
    return _thin(_Front(power=power[index], ths=ths[index], loss=loss[index], halves=halves), bounds.width)


def _cross(one: _Front, other: _Front, cap: float, bounds: _Bounds) -> _Front:
    """Join the mixes of a feeder with those of one below it, as many of each as are bearable."""
    few = max(math.isqrt(bounds.crossed), bounds.crossed // max(1, len(one.power)))
    other = _thin(other, few)
    return _join(_thin(one, bounds.crossed // max(1, len(other.power))), other, cap, bounds)


def _thin(front: _Front, width: int) -> _Front:
    if len(front.power) <= width:
        return front
    return front.take(np.sort(np.argsort(front.loss, kind="stable")[:width]))


def _charged(front: _Front, price: float, cap: float, bounds: _Bounds) -> _Front:
    """Charge what a full feeder leaves unused, and leave out what then loses too much."""
    if not price:
        return front
    front.loss = front.loss + price * (cap - front.power)
    return front.take(np.flatnonzero(front.loss <= bounds.gap))
