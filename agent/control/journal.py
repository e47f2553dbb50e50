"""Facts on their way to the ledger, with the acknowledgements that follow from them.

What must be on disk before anything is sent is awaited; what only informs is written soon. While the disk refuses,
`writable` is false: shedding goes on, raising stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from agent.clock import Clock
from agent.facts import AnyFact, SendingPaused

log = structlog.get_logger()


class Ledger(Protocol):
    """The part of the ledger that control writes to."""

    async def append(self, facts: Sequence[AnyFact], outbox: Sequence[Any] = ()) -> None:
        """Write; durable when it returns. Raises OSError's kin where it cannot."""

    def append_soon(self, facts: Sequence[AnyFact]) -> None:
        """Write in order, off the loop, without waiting."""


class Journal:
    """Writes facts, and says whether intent can be written."""

    def __init__(
        self,
        ledger: Ledger,
        outgoing: Callable[[Sequence[AnyFact]], Sequence[Any]],
        refused: type[Exception],
        clock: Clock,
    ) -> None:
        self.writable = True
        self.listeners: list[Callable[[Sequence[AnyFact]], None]] = []
        self._ledger = ledger
        self._outgoing = outgoing
        self._refused = refused
        self._clock = clock
        self._unwritten: list[AnyFact] = []

    async def record(self, facts: Sequence[AnyFact]) -> bool:
        """Write facts and their acknowledgements in one transaction; False where the disk refused.

        What could not be written is kept, and written first when the disk takes it again.
        """
        if not facts and not self._unwritten:
            return self.writable
        for listener in self.listeners:
            listener(facts)
        self._unwritten += facts
        batch = tuple(self._unwritten)
        try:
            await self._ledger.append(batch, self._outgoing(batch))
        except self._refused as error:
            self._pause(str(error))
            return False
        del self._unwritten[: len(batch)]
        self.writable = True
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
