"""Looks over the configured networks for machines that nobody told us of, gently, and proposes them. Changes nothing.

No address outside these networks is touched, and none that a machine of ours answers at: the poller asks there. Who is
one of ours at another address is no proposal: its row follows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import chain, islice
from typing import Protocol

import structlog

from agent.clock import Clock
from agent.control.discovery import Met, Outcome, Pace, Sighting, look
from agent.control.poller import Poller
from agent.control.recognition import seen_of
from agent.facts import AnyFact
from agent.facts.identity import Found, MinersProposed, ProposalsGone
from agent.fleet.identity import Judgement, Verdict
from agent.fleet.places import Place
from agent.fleet.proposals import Proposals
from drivers.interface import Identity

PIECE = 1024
TURN = 10_000
GENTLE = Pace(rate_per_s=400, most_at_once=512)
"""A quarter hour for a /14 would be a scan; this shares the wire and the loop with the polls."""
SETTLES_S = 45.0
"""So long it takes at most until a machine's own address was asked whether it is still there."""
FIRST_LOOK_S = 5.0
UNSURE = "unknown"
LOGIN = "login needed: it says who it is to nobody without one; adopt it with --credentials GROUP"
"""Note of a machine that is surely one, and of which no more is known than the firmware that turns us away."""
log = structlog.get_logger()

Look = Callable[[Sequence[str], Pace, str | None], Awaitable[Sighting]]


class Takes(Protocol):
    """Where new machines go."""

    async def propose(self, facts: Sequence[AnyFact]) -> None:
        """Write proposals down."""

    async def adopt_all(self, miners: Sequence[str]) -> None:
        """Take them into the farm, where the configuration says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """Where is looked, how often (None: once, after the start), and whether who is found is adopted."""

    networks: tuple[IPv4Network, ...]
    every_s: float | None = None
    adopt: bool = False
    source_address: str | None = None

    def hosts(self) -> Iterator[str]:
        """Yield every address."""
        return chain.from_iterable(map(str, network.hosts()) for network in self.networks)

    def hold(self, host: str) -> bool:
        """Whether an address is within; no name is."""
        try:
            address = IPv4Address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


class Prospector:
    """Goes over the networks for ever."""

    def __init__(self, poller: Poller, proposals: Proposals, where: Networks, clock: Clock, look: Look = look) -> None:
        self._poller = poller
        self._proposals = proposals
        self._where = where
        self._clock = clock
        self._look = look

    async def run(self, takes: Takes) -> None:
        """Look, then again as often as is wanted; a host that has nothing to spare is tried the next time."""
        while self._poller.rounds < 1:
            await self._clock.sleep(FIRST_LOOK_S)
        while True:
            try:
                await self.look_over(takes)
            except OSError as error:
                log.warning("discovery cannot look", error=str(error))
            if self._where.every_s is None:
                await asyncio.Event().wait()  # nobody wants another look
            else:
                await self._clock.sleep(self._where.every_s)

    async def look_over(self, takes: Takes) -> None:
        """Look at every address once."""
        met: dict[str, Met] = {}
        hosts, ours = self._where.hosts(), await self._ours()
        while piece := list(islice(hosts, PIECE)):
            sighting = await self._look(
                [host for host in piece if host not in ours], GENTLE, self._where.source_address
            )
            met |= {one.host: one for one in sighting.met if one.outcome is Outcome.FOUND or one.denied}
            await takes.propose(self._propose(sighting.met))
        await self._ask_again(met, takes)
        await takes.propose(self._gone(met, await self._ours()))
        if self._where.adopt:
            await takes.adopt_all(self._proposals.welcome())

    async def _ask_again(self, met: dict[str, Met], takes: Takes) -> None:
        """Look again at whoever seems to be one of ours, once its own address was asked."""
        asked = {host: self._judge(one.identity).ask for host, one in met.items() if one.identity is not None}
        miners = self._poller.fleet.miners
        waiting = [host for host, row in asked.items() if row is not None and miners[row].host != host]
        if not waiting:
            return
        await self._clock.sleep(SETTLES_S)
        sighting = await self._look(waiting, GENTLE, self._where.source_address)
        await takes.propose(self._propose(sighting.met))

    def _judge(self, identity: Identity) -> Judgement:
        return self._poller.recognition.judge_elsewhere(seen_of(identity))

    def _propose(self, met: Sequence[Met]) -> list[AnyFact]:
        """Return who is new; let rows follow those who are ours."""
        found: list[Found] = []
        for one in met:
            if one.identity is None:
                if one.denied is not None:
                    driver = None if one.denied == UNSURE else one.denied
                    found.append(Found(miner=one.host, host=one.host, driver=driver, note=LOGIN))
                continue
            judgement = self._judge(one.identity)
            if judgement.verdict is Verdict.NEW:
                found.append(_found(one.host, one.identity, self._note(judgement)))
            elif judgement.verdict is Verdict.MOVED and judgement.row is not None:
                self._poller.recognition.follow_elsewhere(judgement.row, Place(host=one.host), judgement.by or "")
            elif judgement.ask is not None:
                self._poller.recognition.ask(judgement.ask)
        news = self._proposals.news(found)
        if not news:
            return []
        log.info("machines found that are nobody's", miners=len(news), first=news[0].miner)
        return [MinersProposed(at=self._clock.now().at, miners=[one.miner for one in news], found=news)]

    def _note(self, judgement: Judgement) -> str | None:
        if not judgement.doubled:
            return None
        kind, mark = judgement.doubled[0]
        owner = self._poller.recognition.bindings.owner((kind, mark))
        whose = "another machine" if owner is None else self._poller.fleet.miners[owner].id
        return f"its {kind} answers at the address of {whose} too"

    async def _ours(self) -> set[str]:
        """Return where our machines answer, gathered a turn at a time."""
        ours, miners = set[str](), self._poller.fleet.miners
        for start in range(0, len(miners), TURN):
            ours.update(miner.host for miner in miners[start : start + TURN])
            await asyncio.sleep(0)
        return ours

    def _gone(self, met: dict[str, Met], ours: set[str]) -> list[AnyFact]:
        """Return the proposals that nobody answers for any more, or that are ours by now."""
        opened = [one for one, _ in self._proposals.open.values()]
        gone = [one.miner for one in opened if one.host in ours or (self._where.hold(one.host) and one.host not in met)]
        return [ProposalsGone(at=self._clock.now().at, miners=gone)] if gone else []


def _found(host: str, identity: Identity, note: str | None) -> Found:
    return Found(
        miner=host,
        host=host,
        driver=identity.driver,
        make=identity.make,
        model=identity.model,
        firmware=identity.firmware,
        firmware_version=identity.firmware_version,
        mac=identity.mac,
        serial=identity.serial,
        note=note,
    )
