"""When heads are signed, and told: at the start, each hour, when an order closes, at the end. Off the loop.

Sits beside `app`, since it joins the ledger with control's facts. Where the disk refuses it tries again each minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec
import structlog

from agent.clock import Clock
from agent.facts import AnyFact, OrderMoved
from agent.facts.orders import OrderSettled
from agent.ledger.attest import Attest
from agent.ledger.store import CannotWrite
from agent.proof.heads import Head
from agent.values import rfc3339

EACH_S, AGAIN_S = 3600.0, 60.0
CLOSES = frozenset({"closed", "rejected"})
log = structlog.get_logger()


class Link(Protocol):
    """The connection to the broker."""

    connected: asyncio.Event

    async def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish what is worth nothing later."""


def shown(head: Head) -> dict[str, object]:
    """Return what is told of a head: enough to know it again in a file of evidence."""
    return {"site": head.site, "n": head.n, "at": rfc3339(head.at), "hash": head.hash, "key": head.key}


class Attesting:
    """Signs when it is time, or an order is over."""

    def __init__(self, attest: Attest, clock: Clock) -> None:
        self._attest = attest
        self._clock = clock
        self._closed = asyncio.Event()
        self._well = True
        self._head: Head | None = None
        self._signed = asyncio.Event()

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in facts that are about to be written: an order that closes, or is settled, is signed for at once."""
        if any(
            isinstance(fact, OrderSettled) or (isinstance(fact, OrderMoved) and fact.state in CLOSES) for fact in facts
        ):
            self._closed.set()

    async def run(self) -> None:
        """Sign for ever."""
        while True:
            self._closed.clear()
            await self.sign()
            await self._pause(EACH_S if self._well else AGAIN_S)

    async def sign(self) -> None:
        """Sign once; where the disk refuses, say so once."""
        try:
            self._head = await self._attest.sign(self._clock.now().at)
        except CannotWrite as error:
            if self._well:
                log.error("no head was signed: it is tried again", error=str(error))
            self._well = False
            return
        self._signed.set()
        if not self._well:
            log.info("heads are signed again")
        self._well = True

    async def publish(self, link: Link, topic: str) -> None:
        """Tell each head to the broker for ever: who keeps one holds the site to all that was before it."""
        while True:
            await self._signed.wait()
            await link.connected.wait()
            self._signed.clear()
            if self._head is not None:
                await link.tell(topic, msgspec.json.encode(shown(self._head)), retain=True)

    async def _pause(self, seconds: float) -> None:
        waits = {
            asyncio.create_task(self._clock.sleep(seconds), name="attesting-pause"),
            asyncio.create_task(self._closed.wait(), name="attesting-closed"),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
