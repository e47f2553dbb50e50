"""Facts on their way to the ledger, with the acknowledgements that follow from them.

What must be on disk before anything is sent is awaited; what only informs is written soon. While the disk refuses,
`writable` is false: shedding goes on, raising stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from agent.clock import Clock
from agent.facts import AnyFact, SendingPaused
from agent.facts.energy import MachinesSoFar, MinutesSoFar
from agent.links.outgoing import Outgoing

Acks = Callable[[Sequence[AnyFact]], Sequence[Outgoing]]
"""Which acknowledgements follow from facts."""
Numbers = asyncio.Future[list[int]]
"""The numbers of messages that are being written."""

log = structlog.get_logger()


class Unwritten(Exception):
    """The ledger refused; what tightens is in force all the same, nothing else is."""


class Ledger(Protocol):
    """The part of the ledger that control writes to."""

    async def append(self, facts: Sequence[AnyFact], outbox: Sequence[Outgoing] = ()) -> list[int]:
        """Write; durable when it returns the messages' numbers. Raises what the journal is told it raises."""
        ...

    def append_soon(self, facts: Sequence[AnyFact]) -> None:
        """Write in order, off the loop, without waiting."""


class Link(Protocol):
    """Where acknowledgements leave for the broker."""

    def post(self, messages: Sequence[Outgoing]) -> None:
        """Publish what was just written to the outbox, in order."""


class Journal:
    """Writes facts, and says whether intent can be written."""

    def __init__(self, ledger: Ledger, acks: Acks, refused: type[Exception], clock: Clock) -> None:
        self.writable = True
        self.link: Link | None = None
        self.listeners: list[Callable[[Sequence[AnyFact]], None]] = []
        self._ledger = ledger
        self._acks = acks
        self._refused = refused
        self._clock = clock
        self._unwritten: list[AnyFact] = []

    @property
    def unwritten(self) -> Sequence[AnyFact]:
        """What the disk has not taken yet."""
        return tuple(self._unwritten)

    async def record(self, facts: Sequence[AnyFact]) -> bool:
        """Write facts and their acknowledgements in one transaction; False where the disk refused.

        What could not be written is kept, and written first when the disk takes it again.
        """
        if not facts and not self._unwritten:
            return self.writable
        for listener in self.listeners:
            listener(facts)
        self._unwritten = [*_still_due(self._unwritten, facts), *facts]
        batch = tuple(self._unwritten)
        messages = self._acks(batch) if self.link is not None else ()
        writing = asyncio.ensure_future(self._ledger.append(batch, messages))
        try:
            await asyncio.wait({writing})
        except asyncio.CancelledError:  # it is being written all the same: who leaves now would have it written twice
            await asyncio.wait({writing})
            self._written(writing, batch, messages)
            raise
        return self._written(writing, batch, messages)

    def _written(self, writing: Numbers, batch: Sequence[AnyFact], messages: Sequence[Outgoing]) -> bool:
        """Take in what became of a batch; False where the disk refused it."""
        try:
            numbers = writing.result()
        except self._refused as error:
            self._pause(str(error))
            return False
        del self._unwritten[: len(batch)]
        if not self.writable:
            log.info("intent is written again: raising may go on")
        self.writable = True
        if self.link is not None:
            self.link.post([replace(m, number=number) for m, number in zip(messages, numbers, strict=True)])
        return True

    async def attempt(self, facts: Sequence[AnyFact]) -> bool:
        """Write what loosens, now or never: what the disk refuses is not kept, for its hand is told that it failed."""
        if not await self.record([]):
            return False
        try:
            await self._ledger.append(facts)
        except self._refused as error:
            self._pause(str(error))
            return False
        for listener in self.listeners:
            listener(facts)
        return True

    def note(self, facts: Sequence[AnyFact]) -> None:
        """Write what only informs, soon."""
        for listener in self.listeners:
            listener(facts)
        self._ledger.append_soon(facts)

    def _pause(self, error: str) -> None:
        if self.writable:
            log.error("intent cannot be written: raising stops, shedding goes on", error=error)
            self._unwritten.append(SendingPaused(at=self._clock.now().at, error=error))
        self.writable = False


def _still_due(unwritten: Sequence[AnyFact], facts: Sequence[AnyFact]) -> list[AnyFact]:
    """Return what is to be written before these: of what is kept so far only the last is written, ever."""
    told_anew = {type(fact) for fact in facts} & {MachinesSoFar, MinutesSoFar}
    return [fact for fact in unwritten if type(fact) not in told_anew]
