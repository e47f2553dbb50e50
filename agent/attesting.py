"""When the chains' heads are signed: at the start, each hour, when an order closes, at the end. Off the loop.

Sits beside `app`, since it joins the ledger with control's facts. Where the disk refuses it tries again each minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from agent.clock import Clock
from agent.facts import AnyFact, OrderMoved
from agent.ledger.attest import Attest
from agent.ledger.store import CannotWrite

EACH_S, AGAIN_S = 3600.0, 60.0
CLOSES = frozenset({"closed", "rejected"})
log = structlog.get_logger()


class Attesting:
    """Signs when it is time, or an order is over."""

    def __init__(self, attest: Attest, clock: Clock) -> None:
        self._attest = attest
        self._clock = clock
        self._closed = asyncio.Event()
        self._well = True

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in facts that are about to be written: an order that closes is signed for at once."""
        if any(isinstance(fact, OrderMoved) and fact.state in CLOSES for fact in facts):
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
            await self._attest.sign(self._clock.now().at)
        except CannotWrite as error:
            if self._well:
                log.error("no head was signed: it is tried again", error=str(error))
            self._well = False
            return
        if not self._well:
            log.info("heads are signed again")
        self._well = True

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
