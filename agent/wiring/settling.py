"""When orders are settled: once the interval of the close is written, and again when the hours after it are over.

Sits beside `app`, since it joins the ledger with money. What came due while nobody looked is made up for at the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from agent.facts import AnyFact, OrderMoved
from agent.facts.orders import OrderSettled
from agent.ledger.ledger import Ledger
from agent.orders.lifecycle import OrderEvent, OrderState
from agent.outputs.baselines import PAST
from agent.outputs.money_order import OrderStory
from agent.outputs.settlement import first_due, last_due, settlement
from agent.search import Search
from agent.wiring.money import Books

LOOKS_EACH_S = 30.0
PAGE = 2000
LIVES = ("OrderMoved", "OrderSettled")
DOCUMENTS = ("OrderReceived", "OrderMoved")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """An order that is closed and waits to be settled; `once`: it was already, and the hours after it are not over."""

    order_id: str
    began_at: datetime
    closed_at: datetime
    once: bool = False


class Waiting:
    """Which orders are closed and not settled in full. A value of facts alone."""

    def __init__(self) -> None:
        self._begun: dict[str, datetime] = {}
        self._over: dict[str, Over] = {}

    def take(self, facts: Iterable[AnyFact]) -> None:
        """Take in facts in their order; of orders that were never in force nothing is to be settled."""
        for fact in facts:
            match fact:
                case OrderMoved(event=OrderEvent.START):
                    self._begun.setdefault(fact.order_id, fact.at)
                    self._over.pop(fact.order_id, None)
                case OrderMoved(state=OrderState.CLOSED) if fact.order_id in self._begun:
                    began_at = self._begun.pop(fact.order_id)
                    self._over[fact.order_id] = Over(order_id=fact.order_id, began_at=began_at, closed_at=fact.at)
                case OrderSettled(last=True):
                    self._over.pop(fact.order_id, None)
                case OrderSettled() if fact.order_id in self._over:
                    self._over[fact.order_id] = replace(self._over[fact.order_id], once=True)
                case _:
                    continue

    def all(self) -> list[Over]:
        """Return each order that waits."""
        return list(self._over.values())


class Settling:
    """Settles orders for ever."""

    def __init__(self, ledger: Ledger, books: Books) -> None:
        self._ledger = ledger
        self._books = books
        self._clock = books.clock
        self._waiting = Waiting()
        books.journal.listeners.append(self._waiting.take)

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived task by its name."""
        return {"settling": self.run}

    async def run(self) -> None:
        """Look for what is due for ever."""
        await self.recall()
        while True:
            await self.turn()
            await self._clock.sleep(LOOKS_EACH_S)

    async def recall(self) -> None:
        """Take in what the lives before this one left to be settled."""
        async for page in self._pages(Search(kinds=LIVES)):
            self._waiting.take(page)

    async def turn(self) -> None:
        """Settle once what is due."""
        for over in self._waiting.all():
            await self._settle(over, self._clock.now().at)

    async def _settle(self, over: Over, now: datetime) -> None:
        interval = self._books.accounting.interval
        if now < (last_due if over.once else first_due)(over.closed_at, interval):
            return
        story = OrderStory(order_id=over.order_id, usual=interval)
        for search in (Search(kinds=DOCUMENTS), Search(kinds=("EnergyInterval",), since=over.began_at - PAST)):
            async for page in self._pages(search):
                story.take(page)
        last = now >= last_due(over.closed_at, interval)
        told = await asyncio.to_thread(settlement, story, self._books.desk.terms, now, last=last)
        if told is not None and await self._books.journal.record([told]):
            log.info("settled", order_id=over.order_id, last=last, not_drawn_wh=told.not_drawn_wh)

    async def _pages(self, search: Search) -> AsyncIterator[list[AnyFact]]:
        while page := await self._ledger.find(replace(search, limit=PAGE)):
            yield [fact for _, fact in page]
            search = replace(search, after=page[-1][0])
