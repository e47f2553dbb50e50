"""What a miner is to us, before anything is read of it: its place, its owner's wish, its ladder of levels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent.values import FULL, OFF, SLEEP, Watts

UNKNOWN_MODEL_W = 3500.0
"""What a machine counts for until somebody or something says what it is."""
USUAL_WAKE_S = 600.0
"""How long one counts as rising after a wake where neither its firmware nor its owner says how long it takes."""
LIMITED_RATE = 0.85
"""The rate falls as this power of the watts that a limit leaves: 0.73 where a WhatsMiner's low mode is told, 0.78 by an
S19k Pro's profiles on LuxOS, 1.0 by an S21 Pro's presets on VNish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One level that a miner can be put in: what it then draws (W) and hashes (TH/s)."""

    level: str
    power_w: Watts
    hashrate_ths: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The levels of one miner, from the most power to the least, and how long it takes to climb and descend.

    `most_w` is the most that it can draw, start-up and tuning included; `limits_w` between what its limit may be set.
    """

    steps: tuple[Step, ...]
    most_w: Watts
    settle_s: float = 60.0
    wake_s: float = USUAL_WAKE_S
    limits_w: tuple[Watts, Watts] | None = None
    others: tuple[Step, ...] = ()  # the firmware's profiles, of which only some are steps
    keeps: bool = False  # its last step outlasts a power cut
    owners: str | None = None  # the level among these that is there because its owner wants it
    sleeps: bool = field(init=False)  # its last step stops the hashing

    def __post_init__(self) -> None:
        """Reckon once what each reading asks for."""
        object.__setattr__(self, "sleeps", self.steps[-1].level == SLEEP)

    def index(self, level: str) -> int | None:
        """Return the step of `level`, or None where this miner has no such level."""
        for position, step in enumerate(self.steps):
            if step.level == level:
                return position
        return None

    def nearest(self, level: str) -> int:
        """Return the step of a level, or the nearest that draws no more than it asks."""
        if (exact := self.index(level)) is not None:
            return exact
        if level in {SLEEP, OFF}:
            return len(self.steps) - 1
        if (limit_w := limit_of(level)) is None:
            return 0
        fitting = (at for at, step in enumerate(self.steps) if step.power_w <= limit_w)
        return next(fitting, len(self.steps) - 1)

    def watts_of(self, level: str) -> Watts | None:
        """Return what a limit or profile lets it draw, whether or not that is a step; None for what nobody knows."""
        told = (step.power_w for step in self.others if step.level == level)
        return next(told, limit_of(level))

    def holding(self, level: str) -> Ladder:
        """Return this ladder with the limit or profile that its owner wants as a step of its own, where it has that."""
        steps = tuple(step for step in self.steps if step.level != self.owners)
        wanted = None if any(step.level == level for step in steps) else self._wanted(level, steps[0])
        if wanted is None:
            return replace(self, steps=steps, owners=None)
        return replace(self, steps=descending((*steps, wanted)), owners=level)

    def _wanted(self, level: str, full: Step) -> Step | None:
        limit_w, within = limit_of(level), self.limits_w
        if limit_w is not None and within is not None and within[0] <= limit_w <= within[1]:
            return limited(full, limit_w)
        return next((step for step in self.others if step.level == level), None)


def limit_of(level: str) -> Watts | None:
    """Return the watts of a level `limit:<W>`, None for any other."""
    kind, _, watts = level.partition(":")
    return float(watts) if kind == "limit" else None


def limited(full: Step, limit_w: Watts) -> Step:
    """Return what a machine draws and hashes at a limit: rate = full rate x (limit / full power) ^ LIMITED_RATE."""
    share = min(1.0, limit_w / full.power_w)
    power_w, hashrate_ths = min(limit_w, full.power_w), full.hashrate_ths * share**LIMITED_RATE
    return Step(level=f"limit:{limit_w:.0f}", power_w=power_w, hashrate_ths=hashrate_ths)


def descending(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Order levels from the most power to the least; full is the first and sleep the last, whatever they draw."""
    place = {FULL: 0, SLEEP: 2}
    return tuple(sorted(steps, key=lambda step: (place.get(step.level, 1), -step.power_w)))


def unknown_ladder(nameplate_w: Watts = UNKNOWN_MODEL_W) -> Ladder:
    """Return the ladder of a machine that has not been identified: it draws, and cannot be told anything."""
    return Ladder(steps=(Step(level=FULL, power_w=nameplate_w, hashrate_ths=0.0),), most_w=nameplate_w * 1.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miner:
    """One machine of the inventory. `id` is given once and never changes."""

    id: str
    host: str
    port: int | None = None
    http_port: int | None = None
    feeder: str = "site"
    tags: tuple[str, ...] = ()
    rack: str | None = None
    position: str | None = None
    mac: str | None = None  # as its owner's inventory tells; what the machine says stands in its identity
    serial: str | None = None
    driver: str = "auto"
    credentials: str | None = None
    model: str | None = None
    intended: str = FULL
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeder:
    """A transformer, container or PDU group; `parent` None is the site's own connection."""

    id: str
    parent: str | None = "site"
    max_w: Watts | None = None
    ramp_w_per_s: float | None = None
    max_va: float | None = None
    phase: str | None = None  # L1 | L2 | L3, of a single-phase one


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederTree:
    """The feeders, root first, each after its parent."""

    feeders: tuple[Feeder, ...] = (Feeder(id="site", parent=None),)
    positions: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(feeders: tuple[Feeder, ...]) -> FeederTree:
        """Order `feeders` below the implicit root "site"; raises ValueError for a cycle or an unknown parent."""
        ordered = [next((f for f in feeders if f.id == "site"), Feeder(id="site", parent=None))]
        waiting = [f for f in feeders if f.id != "site"]
        known = {"site"}
        while waiting:
            ready = [f for f in waiting if f.parent in known]
            if not ready:
                raise ValueError(f"feeder {waiting[0].id}: its parent {waiting[0].parent} is unknown or below it")
            ordered += ready
            known |= {f.id for f in ready}
            waiting = [f for f in waiting if f.id not in known]
        return FeederTree(feeders=tuple(ordered), positions={f.id: at for at, f in enumerate(ordered)})

    def parents(self) -> list[int]:
        """Return for each feeder the position of its parent, -1 for the root."""
        return [-1 if f.parent is None else self.positions[f.parent] for f in self.feeders]
