"""Asks the devices that have to be asked, each in its period; what goes wrong with one is that one's silence.

Meters, safety inputs, outlets. One that does not answer is asked less often, and named once until it answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from agent.clock import Clock
from drivers.errors import DeviceError, DriverBug

FAREST_BACKOFF_S = 10.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One device: what asks it once, who hears what it said, how often."""

    kind: str  # meter | safety input | outlet
    id: str
    ask: Callable[[], Awaitable[Any]]  # raises DeviceError
    hear: Callable[[Any], None]
    period_s: float = 2.0


class Asking:
    """Asks them for ever; `close` is awaited at the end."""

    def __init__(self, asked: Sequence[Asked], clock: Clock, close: Callable[[], Awaitable[None]]) -> None:
        self._asked = asked
        self._clock = clock
        self._close = close

    async def run(self) -> None:
        """Ask for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                for one in self._asked:
                    group.create_task(self._keep_asking(one), name=f"{one.kind} {one.id}")
        finally:
            await self._close()

    async def _keep_asking(self, one: Asked) -> None:
        misses, due = 0, self._clock.now().mono
        while True:
            misses = 0 if await _ask(one, named=misses > 0) else misses + 1
            now = self._clock.now().mono
            due = max(due + one.period_s, now) if misses < 2 else now + _backoff_s(one, misses)
            await self._clock.sleep(due - now)


async def _ask(one: Asked, *, named: bool) -> bool:
    """Ask once; returns whether it answered."""
    try:
        said = await one.ask()
    except DeviceError as error:
        if not named:
            trace = error.__cause__ if isinstance(error, DriverBug) else None
            kind = type(error).__name__
            log.warning("a device is not read", device=one.kind, id=one.id, kind=kind, error=str(error), exc_info=trace)
        return False
    if named:
        log.info("a device is read again", device=one.kind, id=one.id)
    one.hear(said)
    return True


def _backoff_s(one: Asked, misses: int) -> float:
    return float(min(one.period_s * 2 ** min(misses - 1, 8), max(one.period_s, FAREST_BACKOFF_S)))
