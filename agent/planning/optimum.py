"""The best plan under a cap: a level for each machine so that all give the most hashrate, within every feeder's cap.

A multiple-choice knapsack over a tree. Greedy on each machine's hull gives a plan and a bound that no plan can pass;
`frontier` closes what lies between. The same machines give the same plan, in whatever order they are listed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from agent.planning.frontier import Core, Spot, repair
from agent.values import Watts

ROOT = "site"
MICRO = 1_000_000
"""Watts are counted in whole µW: sums are exact, and equal whatever their order."""
CLOSE = 1e-6
"""A plan this near to the bound, as a share of it, needs no repair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One level of a machine."""

    level: str
    power_w: Watts
    hashrate_ths: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, the feeder that it hangs on and its levels, at least one."""

    id: str
    feeder: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A feeder with its cap; None is no cap. One named `site` is the root itself."""

    id: str
    max_w: Watts | None = None
    parent: str = ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """A level for each machine, and what they come to; a shortfall is W above the site's cap and each feeder's."""

    levels: dict[str, str]
    power_w: Watts
    hashrate_ths: float
    shortfall_w: Watts


@dataclass(frozen=True, slots=True)
class _Tree:
    """The feeders with caps in µW, the root first, each after its parent."""

    parent: tuple[int, ...]
    cap: tuple[int | None, ...]
    paths: tuple[tuple[int, ...], ...]  # of each node, itself first, up to the root
    at: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Relaxed:
    """The best plan where levels may be mixed: its hashrate, which no plan passes, and what a µW is worth where."""

    bound_ths: float
    price: tuple[float, ...]  # of each node that is full, TH/s for a µW below it; 0 elsewhere


class NoTree(Exception):
    """The feeders are no tree, or a machine hangs on none; the message names it."""


def optimum(machines: Sequence[Machine], branches: Sequence[Branch], *, cap_w: Watts) -> Optimum:
    """Return the plan with the most hashrate, within 0.1 % of the best; all at its least where caps can't be held.

    Raises NoTree.
    """
    tree = _tree(branches, cap_w)
    ordered = sorted(machines, key=attrgetter("id"))
    for machine in ordered:
        if machine.feeder not in tree.at:
            raise NoTree(f"{machine.id}.feeder: {machine.feeder} is no feeder")
    spots = [_spot(machine, tree.at[machine.feeder]) for machine in ordered]
    picks = [0] * len(spots)
    shortfall_w = _shortfall_w(spots, tree, branches, cap_w)
    if shortfall_w <= 0:
        picks = _best(spots, tree)
    chosen = [spot.choices[pick] for spot, pick in zip(spots, picks, strict=True)]
    return Optimum(
        levels={machine.id: choice.level for machine, choice in zip(ordered, chosen, strict=True)},
        power_w=math.fsum(choice.power_w for choice in chosen),
        hashrate_ths=math.fsum(choice.hashrate_ths for choice in chosen),
        shortfall_w=shortfall_w,
    )


def _micro(watts: Watts) -> int:
    return round(watts * MICRO)


def _tree(branches: Sequence[Branch], cap_w: Watts) -> _Tree:
    below = {branch.id: branch for branch in sorted(branches, key=attrgetter("id")) if branch.id != ROOT}
    caps: list[int | None] = [min([_micro(cap_w), *(_micro(own) for own in _own_caps(branches, ROOT))])]
    at, parent = {ROOT: 0}, [-1]
    while len(at) <= len(below):
        ready = [branch for name, branch in below.items() if name not in at and branch.parent in at]
        if not ready:
            lost = next(branch for name, branch in below.items() if name not in at)
            raise NoTree(f"{lost.id}.parent: {lost.parent} does not hang on the site")
        for branch in ready:
            at[branch.id] = len(parent)
            parent.append(at[branch.parent])
            caps.append(None if branch.max_w is None else _micro(branch.max_w))
    paths: list[tuple[int, ...]] = []
    for node, above in enumerate(parent):
        paths.append((node, *(paths[above] if above >= 0 else ())))
    return _Tree(tuple(parent), tuple(caps), tuple(paths), at)


def _own_caps(branches: Sequence[Branch], name: str) -> list[Watts]:
    return [branch.max_w for branch in branches if branch.id == name and branch.max_w is not None]


def _spot(machine: Machine, node: int) -> Spot[Choice]:
    """Order a machine's levels by power and leave out each that costs more than another and gives no more."""
    useful: list[Choice] = []
    for choice in sorted(machine.choices, key=lambda choice: (choice.power_w, -choice.hashrate_ths, choice.level)):
        if not useful or choice.hashrate_ths > useful[-1].hashrate_ths:
            useful.append(choice)
    powers = tuple(_micro(choice.power_w) for choice in useful)
    rates = tuple(choice.hashrate_ths for choice in useful)
    return Spot(node=node, choices=tuple(useful), power=powers, ths=rates, hull=_hull(powers, rates))


def _hull(power: tuple[int, ...], ths: tuple[float, ...]) -> tuple[int, ...]:
    """Return the choices that no mix of two others beats."""
    hull: list[int] = []
    for at in range(len(power)):
        while len(hull) > 1 and _gain(power, ths, hull[-1], at) >= _gain(power, ths, hull[-2], hull[-1]):
            hull.pop()
        if not hull or power[at] > power[hull[-1]]:
            hull.append(at)
    return tuple(hull)


def _gain(power: tuple[int, ...], ths: tuple[float, ...], low: int, high: int) -> float:
    return (ths[high] - ths[low]) / max(power[high] - power[low], 1)


def _below(spots: Sequence[Spot[Choice]], tree: _Tree) -> list[int]:
    """Return the least that each node's machines draw together, µW."""
    least = [0] * len(tree.parent)
    for spot in spots:
        for node in tree.paths[spot.node]:
            least[node] += spot.power[0]
    return least


def _shortfall_w(spots: Sequence[Spot[Choice]], tree: _Tree, branches: Sequence[Branch], cap_w: Watts) -> Watts:
    least = _below(spots, tree)
    over = max(0, least[0] - _micro(cap_w))
    for branch in branches:
        if branch.max_w is not None:
            over += max(0, least[tree.at[branch.id]] - _micro(branch.max_w))
    return over / MICRO


def _best(spots: Sequence[Spot[Choice]], tree: _Tree) -> list[int]:
    steps = _steps(spots)
    room = [math.inf if cap is None else cap - least for cap, least in zip(tree.cap, _below(spots, tree), strict=True)]
    picks = _greedy(spots, tree, steps, list(room))
    relaxed = _relax(spots, tree, steps, room)
    reached = math.fsum(spot.ths[pick] for spot, pick in zip(spots, picks, strict=True))
    if relaxed.bound_ths - reached <= CLOSE * relaxed.bound_ths:
        return picks
    core = Core(parent=tree.parent, cap=tree.cap, price=_prices(tree, relaxed), own_price=_own_prices(tree, relaxed))
    return repair(spots, core, picks)


def _steps(spots: Sequence[Spot[Choice]]) -> list[tuple[float, int, int, int]]:
    """List each rise along a hull, best TH/s for a µW first, ties by id: (-gain, machine, from, to)."""
    steps = []
    for row, spot in enumerate(spots):
        for low, high in zip(spot.hull, spot.hull[1:], strict=False):
            steps.append((-_gain(spot.power, spot.ths, low, high), row, low, high))
    return sorted(steps)


def _greedy(
    spots: Sequence[Spot[Choice]], tree: _Tree, steps: Sequence[tuple[float, int, int, int]], room: list[float]
) -> list[int]:
    """Take whole rises while they fit, then for each machine the highest level that still does."""
    picks = [0] * len(spots)
    for _, row, low, high in steps:
        if picks[row] == low:
            _raise(spots[row], tree, room, picks, (row, high))
    for row, spot in enumerate(spots):
        for high in range(len(spot.power) - 1, picks[row], -1):
            if _raise(spot, tree, room, picks, (row, high)):
                break
    return picks


def _raise(spot: Spot[Choice], tree: _Tree, room: list[float], picks: list[int], to: tuple[int, int]) -> bool:
    row, high = to
    path, more = tree.paths[spot.node], spot.power[high] - spot.power[picks[row]]
    if any(more > room[node] for node in path):
        return False
    for node in path:
        room[node] -= more
    picks[row] = high
    return True


def _relax(
    spots: Sequence[Spot[Choice]], tree: _Tree, steps: Sequence[tuple[float, int, int, int]], room: list[float]
) -> _Relaxed:
    """Take rises in part where they do not fit whole. The first that a node stops is what a µW there is worth."""
    bound, price = math.fsum(spot.ths[0] for spot in spots), [0.0] * len(room)
    full = [False] * len(room)
    for loss, row, low, high in steps:
        spot = spots[row]
        path = tree.paths[spot.node]
        if any(full[node] for node in path):
            continue
        more = spot.power[high] - spot.power[low]
        taken = min(more, *(room[node] for node in path)) if path else more
        bound -= loss * taken
        for node in path:
            room[node] -= taken
        if taken < more:
            tight = next(node for node in reversed(path) if room[node] <= 0)
            full[tight], price[tight] = True, -loss
    return _Relaxed(bound, tuple(price))


def _prices(tree: _Tree, relaxed: _Relaxed) -> tuple[float, ...]:
    """Return what a µW is worth to a machine at each node: what the dearest full node above it says."""
    return tuple(max(relaxed.price[node] for node in path) for path in tree.paths)


def _own_prices(tree: _Tree, relaxed: _Relaxed) -> tuple[float, ...]:
    """Return what each full node adds to the price above it."""
    price = _prices(tree, relaxed)
    above = (0.0 if up < 0 else price[up] for up in tree.parent)
    return tuple(here - over for here, over in zip(price, above, strict=True))
