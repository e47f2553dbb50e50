"""What a miner is to us, before anything is read of it: its place, its owner's wish, its ladder of levels."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.values import FULL, SLEEP, Watts

UNKNOWN_MODEL_W = 3500.0
"""What a machine counts for until somebody or something says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One level that a miner can be put in: what it then draws (W) and hashes (TH/s)."""

    level: str
    power_w: Watts
    hashrate_ths: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The levels of one miner, from the most power to the least, and how long it takes to climb and descend.

    `most_w` is the most that it can draw, start-up and tuning included.
    """

    steps: tuple[Step, ...]
    most_w: Watts
    settle_s: float = 60.0
    wake_s: float = 600.0

    def index(self, level: str) -> int | None:
        """Return the step of `level`, or None where this miner has no such level."""
        for position, step in enumerate(self.steps):
            if step.level == level:
                return position
        return None

    @property
    def sleeps(self) -> bool:
        """Whether its last step stops the hashing."""
        return self.steps[-1].level == SLEEP


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
