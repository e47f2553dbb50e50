"""Seals that an authority put on breakers: what is behind one draws nothing, and nobody wakes it.

A seal is known by its number and belongs to one act. Two persons take it off. What is seen to draw behind it counts
again, until it is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.fleet.belief import Code
from agent.fleet.miner import Ladder
from agent.values import Watts, same_person

OVER_STANDBY = 0.05
"""Drawing so much of full power above what it draws asleep, a machine is not without power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The seal on one machine's breaker: its number, the act that was drawn up, by whom, since when."""

    number: str
    act: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why nothing was changed: what was told wrong, and which machine or seal stands against it."""

    field: str
    reason: str


class Seals:
    """Who is sealed, and who draws all the same. Changed by facts alone, so that a replay gives the same."""

    def __init__(self) -> None:
        self.broken: set[str] = set()  # machines
        self.broken_feeders: set[str] = set()
        self._by_miner: dict[str, Seal] = {}

    def place(self, miners: Iterable[str], seal: Seal) -> None:
        """Seal machines."""
        for miner in miners:
            self._by_miner[miner] = seal

    def lift(self, miners: Iterable[str]) -> None:
        """Take the seals off machines; those not sealed are passed over."""
        for miner in miners:
            self._by_miner.pop(miner, None)
            self.broken.discard(miner)
        self.broken_feeders.clear()  # those that are still sealed as a whole are found anew

    def broke(self, miners: Iterable[str], feeders: Iterable[str]) -> None:
        """Note who is seen to draw behind a seal."""
        self.broken.update(miners)
        self.broken_feeders.update(feeders)

    def calmed(self, miners: Iterable[str], feeders: Iterable[str]) -> None:
        """Note who draws there no longer."""
        self.broken.difference_update(miners)
        self.broken_feeders.difference_update(feeders)

    def by_miner(self) -> Mapping[str, Seal]:
        """Return every seal by its machine's id."""
        return self._by_miner

    def numbers(self, miners: Iterable[str]) -> list[str]:
        """Return the numbers of the seals on these machines."""
        return sorted({self._by_miner[miner].number for miner in miners if miner in self._by_miner})

    def behind(self, number: str) -> list[str]:
        """Return whose seal has this number, in order of ids."""
        return sorted(miner for miner, seal in self._by_miner.items() if seal.number == number)


def against_sealing(seals: Mapping[str, Seal], miners: Sequence[str], *, number: str, act: str) -> Objection | None:
    """Return why these machines cannot be sealed so: another seal is on one, or the number is another act's."""
    for miner in miners:
        seal = seals.get(miner)
        if seal is not None and seal.number != number:
            return Objection(field="number", reason=f"{miner} is behind seal {seal.number} (act {seal.act}) already")
    for miner, seal in seals.items():
        if seal.number == number and seal.act != act:
            return Objection(field="act", reason=f"seal {number} is on {miner} by act {seal.act}")
    return None


def against_lifting(seals: Mapping[str, Seal], miners: Sequence[str], by: str, second: str) -> Objection | None:
    """Return why seals cannot be taken off so: it is one person, or a machine is not sealed."""
    if same_person(by, second):
        return Objection(field="and", reason=f"{second} is the same person as {by}: two take a seal off")
    bare = [miner for miner in miners if miner not in seals]
    if bare:
        more = f" and {len(bare) - 1} more are" if len(bare) > 1 else " is"
        return Objection(field="select", reason=f"{bare[0]}{more} not sealed")
    return None


def is_broken_by(code: int, power_w: Watts, ladder: Ladder) -> bool:
    """Whether a machine that was read so cannot be without power: it hashes, or draws more than asleep."""
    full_w = ladder.steps[0].power_w
    asleep_w = ladder.steps[-1].power_w if ladder.sleeps else 0.0
    return code == Code.HASHING or power_w > asleep_w + OVER_STANDBY * full_w
