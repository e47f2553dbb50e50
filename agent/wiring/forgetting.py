"""The years of evidence: each day, and at the start, what is older and needed by nobody is dropped. Off the loop.

Sits beside `app`, since it joins the ledger with control. It goes by time that nobody doubts: at the start by the last
fact of the life before, which a host's clock that boots in another century cannot move.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from agent.clock import Clock
from agent.control.controller import Controller
from agent.facts import Dropped
from agent.ledger.ledger import Ledger
from agent.ledger.store import CannotWrite
from agent.values import rfc3339

EACH_S = 86_400.0
YEAR = timedelta(days=365.25)
MOST_YEARS = 1000
log = structlog.get_logger()


class Forgetting:
    """Drops what is older than so many years."""

    def __init__(
        self, ledger: Ledger, controller: Controller, sign: Callable[[], Awaitable[None]], clock: Clock, years: int
    ) -> None:
        self._ledger = ledger
        self._sign = sign
        self._controller = controller
        self._clock = clock
        self._kept_for = YEAR * min(years, MOST_YEARS)

    async def run(self, last_at: datetime | None) -> None:
        """Drop for ever, each day; `last_at` is the last fact of the life before this one, None: there was none."""
        if last_at is not None:
            await self.turn(last_at)
        while True:
            await self._clock.sleep(EACH_S)
            now = self._clock.now()
            if now.is_trusted:
                await self.turn(now.at)

    async def turn(self, now: datetime) -> None:
        """Drop once: a signed head and the fact of it first, with the last hashes of the chains that go."""
        until, parts = now - self._kept_for, self._controller.parts
        drop = await self._ledger.aged(until, parts.book.open_ids())
        if not drop.chains and not drop.facts:
            return
        await self._sign()
        links = sum(chain.links for chain in drop.chains)
        fact = Dropped(at=self._clock.now().at, until=until, facts=drop.facts, links=links, heads=drop.heads)
        async with self._controller.turn:
            if not await parts.journal.record([fact]):
                return
        try:
            await self._ledger.forget(drop)
        except CannotWrite as error:
            log.error("what has aged was not dropped", error=str(error))
            return
        log.info("dropped", until=rfc3339(until), orders=len(drop.chains), facts=drop.facts)
