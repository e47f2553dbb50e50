"""Machines that discovery finds: proposed, and adopted by a hand or where the configuration says so.

Who is adopted is remembered by the ledger and joins the inventory at a new beginning, in the same process; once the
inventory itself names the machine, that holds. Sits beside `app`, since it joins configuration, ledger and control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import structlog

from agent.config import Config
from agent.config.rules import known_feeders
from agent.control.controller import Controller
from agent.control.journal import Unwritten
from agent.control.poller import Poller
from agent.control.prospecting import Networks, Prospector
from agent.control.strangers import replaced, replacements, strangers
from agent.facts import AnyFact
from agent.facts.identity import Found, MinersAdopted, MinersDisowned, MinersProposed, ProposalsGone
from agent.fleet.proposals import Adopted, Proposals
from agent.fleet.seals import Objection
from agent.inventory.inventory import MinerEntry, keys_of
from agent.ledger.ledger import Ledger

log = structlog.get_logger()
BY_CONFIGURATION = "[discovery] adopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """How new machines are taken in: on which feeder, with which credentials and tags, by whom."""

    by: str
    feeder: str = "site"
    credentials: str | None = None
    tags: tuple[str, ...] = ()


def with_adopted(config: Config, ledger: Ledger) -> tuple[Config, Proposals]:
    """Return the configuration with those adopted whom it does not name, and the proposals. Blocking: for the start."""
    proposals = Proposals()
    for fact in ledger.replay(MinersProposed, ProposalsGone, MinersAdopted, MinersDisowned):
        proposals.take(fact)
    if not proposals.adopted:
        return config, proposals
    feeders, taken = known_feeders(config.schema), {key: entry.id for entry in config.miners for key in keys_of(entry)}
    entries: list[MinerEntry] = []
    for one in proposals.adopted.values():
        entry = _entry(one, feeders, config.schema.credentials)
        named = {taken[key] for key in keys_of(entry) if key in taken}
        if not named:
            entries.append(entry)
            taken |= dict.fromkeys(keys_of(entry), entry.id)
        elif named != {entry.id}:
            log.warning("a machine was adopted by another id than the inventory's", adopted=entry.id, now=sorted(named))
    return (replace(config, miners=(*config.miners, *entries)) if entries else config), proposals


def _entry(one: Adopted, feeders: set[str], credentials: Mapping[str, object]) -> MinerEntry:
    return MinerEntry(
        id=one.found.miner,
        host=one.found.host,
        port=None,
        http_port=None,
        feeder=one.feeder if one.feeder in feeders else "site",
        tags=one.tags,
        driver="auto",
        credentials=one.credentials if one.credentials in credentials else None,
        intended="full",
        priority=0,
        model=None,
        mac=one.found.mac,
        serial=one.found.serial,
    )


class Newcomers:
    """What is proposed, and the one way in. `bind` once, when control is built."""

    def __init__(self, config: Config, proposals: Proposals) -> None:
        self.proposals = proposals
        self._config = config
        self._begin_again: Callable[[], None] = lambda: None
        self._controller: Controller | None = None
        self._poller: Poller | None = None

    def bind(self, controller: Controller, poller: Poller, begin_again: Callable[[], None]) -> None:
        """Say where what is written down goes, and how the agent begins again with who was adopted."""
        self._controller, self._poller, self._begin_again = controller, poller, begin_again

    @property
    def control(self) -> Controller:
        """The control room."""
        assert self._controller is not None
        return self._controller

    @property
    def poller(self) -> Poller:
        """Who asks machines."""
        assert self._poller is not None
        return self._poller

    def prospector(self) -> Prospector | None:
        """Return who looks over the networks, None where none is configured."""
        schema = self._config.schema
        if not schema.discovery.networks:
            return None
        where = Networks(
            networks=tuple(map(IPv4Network, schema.discovery.networks)),
            every_s=schema.discovery.every_s,
            adopt=schema.discovery.adopt,
            source_address=schema.polling.source_address,
        )
        return Prospector(self.poller, self.proposals, where, self.control.parts.clock)

    def items(self) -> list[Mapping[str, object]]:
        """Return each proposal, and each machine of ours at whose address somebody else answers."""
        return [*self.proposals.items(), *strangers(self.poller)]

    async def propose(self, facts: Sequence[AnyFact]) -> None:
        """Write proposals down."""
        if facts:
            async with self.control.turn:
                await self.control.parts.journal.record(facts)
                for fact in facts:
                    self.proposals.take(fact)

    async def adopt_all(self, miners: Sequence[str]) -> None:
        """Take these in, as the configuration has it; where the disk refuses, another time."""
        if miners:
            try:
                await self.adopt(miners, Adoption(by=BY_CONFIGURATION))
            except Unwritten as error:
                log.error("new machines are not adopted", error=str(error))

    def objection(self, miners: Sequence[str], how: Adoption) -> Objection | None:
        """Return why these are not adopted so."""
        known = {str(item["id"]) for item in self.items()}
        for miner in miners:
            if miner not in known:
                return Objection(field="miners", reason=f"{miner!r} is not proposed")
        if how.feeder not in known_feeders(self._config.schema):
            return Objection(field="feeder", reason=f"{how.feeder} is no feeder")
        if how.credentials is not None and how.credentials not in self._config.schema.credentials:
            return Objection(field="credentials", reason=f"{how.credentials} is not in [credentials]")
        return None

    async def adopt(self, miners: Sequence[str], how: Adoption) -> Objection | None:
        """Take machines in, by their ids; returns why nothing was changed. Raises Unwritten."""
        if (objection := self.objection(miners, how)) is not None:
            return objection
        found = [self.proposals.open[miner][0] for miner in miners if miner in self.proposals.open]
        own = [miner for miner in miners if miner not in self.proposals.open]
        async with self.control.turn:
            at = self.control.parts.clock.now().at
            facts: list[AnyFact] = [*self._adoption(found, how), *replacements(self.poller, own, how.by, at)]
            if not await self.control.parts.journal.attempt(facts):
                raise Unwritten("the ledger cannot be written: is its disk full?")
            for fact in facts:
                self.proposals.take(fact)
            replaced(self.poller, facts)
        log.info("adopted", miners=len(miners), by=how.by)
        if found:
            self._begin_again()
        return None

    async def disown(self, miners: Sequence[str], *, by: str, dry_run: bool) -> Objection | None:
        """Let go of machines that were adopted; returns why nothing was changed. Raises Unwritten.

        One that an order holds is held to it till it closes, as if it were taken out of the inventory.
        """
        for miner in miners:
            if miner not in self.proposals.adopted:
                return Objection(field="miners", reason=f"{miner!r} was not adopted")
        if dry_run:
            return None
        async with self.control.turn:
            fact = MinersDisowned(at=self.control.parts.clock.now().at, miners=list(miners), by=by)
            if not await self.control.parts.journal.attempt([fact]):
                raise Unwritten("the ledger cannot be written: is its disk full?")
            self.proposals.take(fact)
        log.info("disowned", miners=len(miners), by=by)
        self._begin_again()
        return None

    def _adoption(self, found: Sequence[Found], how: Adoption) -> list[AnyFact]:
        if not found:
            return []
        return [
            MinersAdopted(
                at=self.control.parts.clock.now().at,
                miners=[one.miner for one in found],
                found=list(found),
                by=how.by,
                feeder=how.feeder,
                credentials=how.credentials,
                tags=list(how.tags),
            )
        ]
