"""Machines that were found and are nobody's yet, and those adopted that the inventory does not name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from agent.facts import AnyFact
from agent.facts.identity import Found, MinersAdopted, MinersDisowned, MinersProposed, ProposalsGone


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """One machine that was adopted, and what was said of it then."""

    found: Found
    feeder: str
    credentials: str | None
    tags: tuple[str, ...]


@dataclass(slots=True)
class Proposals:
    """Changed by facts alone, so that a replay gives the same."""

    open: dict[str, tuple[Found, datetime]] = field(default_factory=dict)  # and since when, by id
    adopted: dict[str, Adopted] = field(default_factory=dict)
    disowned: set[str] = field(default_factory=set)

    def take(self, fact: AnyFact) -> None:
        """Take in a fact; one that tells nothing of this changes nothing."""
        match fact:
            case MinersProposed(found=found):
                for one in found:
                    since = self.open[one.miner][1] if one.miner in self.open else fact.at
                    self.open[one.miner] = one, since
            case ProposalsGone(miners=miners):
                for miner in miners:
                    self.open.pop(miner, None)
            case MinersAdopted():
                self._adopt(fact)
            case MinersDisowned(miners=miners):
                self.disowned.update(miners)
                for miner in miners:
                    self.adopted.pop(miner, None)
            case _:
                return

    def _adopt(self, fact: MinersAdopted) -> None:
        for one in fact.found:
            self.open.pop(one.miner, None)
            self.disowned.discard(one.miner)
            self.adopted[one.miner] = Adopted(
                found=one, feeder=fact.feeder, credentials=fact.credentials, tags=tuple(fact.tags)
            )

    def welcome(self) -> list[str]:
        """Return whom the configuration may adopt by itself: nothing speaks against them, and no hand disowned them."""
        return [miner for miner, (one, _) in self.open.items() if one.note is None and miner not in self.disowned]

    def news(self, found: Iterable[Found]) -> list[Found]:
        """Return those of whom this is not known already."""
        return [one for one in found if one.miner not in self.open or self.open[one.miner][0] != one]

    def items(self) -> list[Mapping[str, object]]:
        """Return each open proposal as it is shown, in order of ids."""
        return [{"id": miner, **_shown(one), "since": since} for miner, (one, since) in sorted(self.open.items())]


def _shown(one: Found) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(one).items() if name != "miner"}
