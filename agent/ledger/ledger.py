"""Facts, written once and in order by one thread, off the event loop; durable when `append` returns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import msgspec
import structlog

from agent.facts import AnyFact, LastPowers
from agent.facts.energy import HashpriceSeen, MachinesSoFar, MinutesSoFar, RegisterSeen
from agent.ledger.retention import Chain, Drop, chosen
from agent.ledger.store import CannotWrite, Row, Store
from agent.links.outgoing import Outgoing
from agent.proof import chain
from agent.search import Search, orders_of
from agent.values import rfc3339

T = TypeVar("T")
log = structlog.get_logger()
_decoder = msgspec.json.Decoder(AnyFact)
_encoder = msgspec.json.Encoder()
TURN = 1000
"""Facts that are dropped in one transaction."""


class _Link(msgspec.Struct):
    """What of a link tells when it was made."""

    fact: AnyFact


_link_decoder = msgspec.json.Decoder(_Link)


class Ledger:
    """What the agent remembers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger-reader")
        self._beside: Store | None = None  # the reader's own, once somebody asked
        self._soon: list[Row] = []
        self._gathering = threading.Lock()

    async def close(self) -> None:
        """Write what is waiting, then close."""
        loop = asyncio.get_running_loop()
        if self._beside is not None:
            await loop.run_in_executor(self._reader, self._beside.close)
        if self._store.is_gone:
            log.critical("the ledger is lost with its file: orders in force, holds and evidence", file=self._store.file)
        await loop.run_in_executor(self._writer, self._store.close)
        self._reader.shutdown()
        self._writer.shutdown()

    async def append(self, facts: Sequence[AnyFact], outbox: Sequence[Outgoing] = ()) -> list[int]:
        """Write facts and messages in one transaction; on disk when it returns. Raises CannotWrite."""
        rows = [_row(fact) for fact in facts]
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._store.append, rows, list(outbox))

    def append_soon(self, facts: Sequence[AnyFact]) -> None:
        """Write facts that only inform, in their own order, without waiting; what gathers meanwhile goes together."""
        rows = [_row(fact) for fact in facts]
        with self._gathering:
            idle = not self._soon
            self._soon += rows
        if idle and rows:
            self._writer.submit(self._flush).add_done_callback(_note)

    def _flush(self) -> None:
        with self._gathering:
            rows, self._soon = self._soon, []
        self._store.append(rows, [])

    async def outbox(self) -> list[Outgoing]:
        """Return the messages that nobody has seen arrive."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._store.outbox)

    async def drop(self, numbers: Sequence[int]) -> bool:
        """Forget messages that arrived; False where the disk refuses."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._store.drop, list(numbers))
        except CannotWrite as error:
            log.error("the outbox was not written", error=str(error))
            return False
        return True

    async def since(self, after: int, *, kinds: Sequence[str] = (), limit: int = 1000) -> list[tuple[int, AnyFact]]:
        """Return facts with their numbers after a number, in order."""
        return await self.find(Search(after=after, kinds=tuple(kinds), limit=limit))

    async def find(self, search: Search) -> list[tuple[int, AnyFact]]:
        """Return the facts that are meant, with their numbers; what was to be written before is among them."""
        return await self.reading(lambda store: found(store, search))

    async def writing(self, work: Callable[[Store], T]) -> T:
        """Have work done on the store by who writes, after all that was to be written before."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, self._store)

    async def reading(self, work: Callable[[Store], T]) -> T:
        """Have work done by who reads; what was to be written before is there."""
        await self.writing(_nothing)
        return await asyncio.get_running_loop().run_in_executor(self._reader, lambda: work(self._reading()))

    def _reading(self) -> Store:
        if self._beside is None:
            self._beside = self._store.beside()
        return self._beside

    async def aged(self, until: datetime, open_ids: Collection[str]) -> Drop:
        """Return what is older than `until` and needed by nobody; what orders that are open went through is."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._aged, until, open_ids)

    def _aged(self, until: datetime, open_ids: Collection[str]) -> Drop:
        store = self._reading()
        ends = [(order_id, number, line) for order_id, number, line in store.chain_ends()]
        closed = {
            order_id: Chain(order_id=order_id, links=number, head=chain.hash_of(line) or "")
            for order_id, number, line in ends
            if order_id not in open_ids and _link_decoder.decode(line).fact.at < until
        }
        kept = {order_id for order_id, *_ in ends if order_id not in closed}.union(open_ids)
        old = ((n, _decoder.decode(body)) for n, body in store.search(Search(until=until, newest_first=True)))
        return chosen(old, closed.values(), kept)

    async def forget(self, drop: Drop) -> None:
        """Drop what was chosen, an order at a time and the rest in turns, so that who writes need not wait long.

        Raises CannotWrite; what is left then is dropped another time.
        """
        loop, links = asyncio.get_running_loop(), {gone.order_id: gone.links for gone in drop.chains}
        for order_id in {*links, *drop.lives}:
            told = (order_id, links.get(order_id, 0), drop.lives.get(order_id, ()))
            await loop.run_in_executor(self._writer, self._store.forget_life, *told)
        for start in range(0, len(drop.loose), TURN):
            await loop.run_in_executor(self._writer, self._store.forget, drop.loose[start : start + TURN])

    def replay(self, *kinds: type[AnyFact]) -> Iterator[AnyFact]:
        """Yield every fact, or those of some kinds, in order. Blocking: for the start, before the loop has work."""
        for _, body in self._store.facts(kinds=[kind.__name__ for kind in kinds]):
            yield _decoder.decode(body)


def found(store: Store, search: Search) -> list[tuple[int, AnyFact]]:
    """Return the facts of a store that are meant, with their numbers. Blocking."""
    told: list[tuple[int, AnyFact]] = []
    for number, body in store.search(search):
        fact: AnyFact = _decoder.decode(body)
        if search.means(fact):
            told.append((number, fact))
        if len(told) >= search.limit:
            break
    return told


def _nothing(_store: Store) -> None:
    """Be done when all before it is."""


def _row(fact: AnyFact) -> Row:
    return Row(
        kind=type(fact).__name__,
        at=rfc3339(fact.at),
        body=_encoder.encode(fact),
        orders=orders_of(fact),
        replaces=isinstance(fact, HashpriceSeen | LastPowers | MachinesSoFar | MinutesSoFar | RegisterSeen),
    )


def _note(done: object) -> None:
    error = done.exception()  # type: ignore[attr-defined]  # a Future: the executor's callback is untyped
    if isinstance(error, CannotWrite):
        log.error("a fact was not written", error=str(error))
    elif error is not None:
        raise error
