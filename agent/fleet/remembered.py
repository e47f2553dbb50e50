"""What the ledger remembers of who and where machines are, and what of it holds by today's inventory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from agent.facts import AnyFact, MinerSeen
from agent.facts.identity import BoardExchanged, MarkDoubled, MinerMoved, MinerReplaced, MinersSwapped
from agent.fleet.identity import NOTHING, Bindings, Mark, Seen, bare_mac, bare_serial
from agent.fleet.miner import Miner
from agent.fleet.places import Place, restored


@dataclass(slots=True)
class Remembered:
    """Takes in facts in order; answers for the machines of an inventory."""

    seen: dict[str, MinerSeen] = field(default_factory=dict)  # by miner
    doubled: set[Mark] = field(default_factory=set)
    #: where each answers, and where the inventory said then, by miner
    _places: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: what a machine says since another than the inventory states, by miner
    _rebound: dict[str, MinerReplaced] = field(default_factory=dict)

    def take(self, fact: AnyFact) -> None:
        """Take in a fact; one that tells nothing of identity changes nothing."""
        match fact:
            case MinerSeen(miner=miner):
                self.seen[miner] = fact
            case MinerMoved(miner=miner, place=place, stated=stated):
                self._places[miner] = place, stated
            case MinersSwapped(places=places, stated=stated):
                self._places |= {miner: (place, stated[miner]) for miner, place in places.items()}
            case BoardExchanged(miner=miner, mac=mac, stated_mac=stated):
                was = self._rebound.get(miner, MinerReplaced(at=fact.at, miner=miner, by=""))
                self._rebound[miner] = replace(was, at=fact.at, mac=mac, stated_mac=stated)
            case MinerReplaced(miner=miner):
                self._rebound[miner] = fact
            case MarkDoubled(kind=kind, mark=mark):
                self.doubled.add((kind, mark))
            case _:
                return

    def places(self, miners: Sequence[Miner]) -> dict[int, Place]:
        """Return the rows that answer elsewhere than their inventory says, and where."""
        if not self._places:
            return {}
        learned = {
            row: (Place.parse(told[0]), told[1])
            for row, miner in enumerate(miners)
            if (told := self._places.get(miner.id)) is not None
        }
        return restored([Place.of(miner) for miner in miners], learned)

    def bindings(self, miners: Sequence[Miner]) -> Bindings:
        """Return what binds each row: its inventory's word, but for a board exchanged since, else what it said."""
        stated = [self._stated(miner) for miner in miners]
        seen = self.seen
        known = [
            said if (told := seen.get(miner.id)) is None else _known(told, said)
            for miner, said in zip(miners, stated, strict=True)
        ]
        return Bindings(known, stated, tuple(self.doubled))

    def _stated(self, miner: Miner) -> Seen:
        """Return what the inventory states of a machine, but for what it was seen to say another word of since."""
        if miner.mac is None and miner.serial is None:
            return NOTHING
        mac, serial, since = miner.mac, miner.serial, self._rebound.get(miner.id)
        if since is not None and mac is not None and bare_mac(since.stated_mac) == bare_mac(mac):
            mac = since.mac
        if since is not None and serial is not None and bare_serial(since.stated_serial) == bare_serial(serial):
            serial = since.serial
        return Seen(mac=mac, serial=serial)


def _known(said: MinerSeen, stated: Seen) -> Seen:
    return Seen(
        mac=stated.mac or said.mac,
        serial=stated.serial or said.serial,
        model=said.model,
        driver=said.driver,
        firmware=said.firmware,
        firmware_version=said.firmware_version,
    )
