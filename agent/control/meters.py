"""Asks the meters that have to be asked, each in its period; what goes wrong with one is that one's silence.

A meter that does not answer is asked less often, and named once until it answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from agent.clock import Clock
from drivers.errors import DeviceError, DriverBug
from drivers.meter import MeterReading

FAREST_BACKOFF_S = 10.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMeter:
    """One meter: what asks it once, how it is wired, how often."""

    id: str
    ask: Callable[[], Awaitable[MeterReading]]  # raises DeviceError
    sign: int = 1
    multiplier: float = 1.0
    period_s: float = 2.0


class Meters:
    """The meters of one site that are asked. `hear` takes what each said, turned as it is wired; `close` at the end."""

    def __init__(
        self,
        meters: Sequence[AskedMeter],
        hear: Callable[[str, MeterReading], None],
        clock: Clock,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._meters = meters
        self._close = close
        self._hear = hear
        self._clock = clock

    async def run(self) -> None:
        """Ask for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                for meter in self._meters:
                    group.create_task(self._keep_asking(meter), name=f"meter {meter.id}")
        finally:
            await self._close()

    async def _keep_asking(self, meter: AskedMeter) -> None:
        misses, due = 0, self._clock.now().mono
        while True:
            misses = 0 if await self._ask(meter, named=misses > 0) else misses + 1
            now = self._clock.now().mono
            due = max(due + meter.period_s, now) if misses < 2 else now + _backoff_s(meter, misses)
            await self._clock.sleep(due - now)

    async def _ask(self, meter: AskedMeter, *, named: bool) -> bool:
        """Ask once; returns whether it answered."""
        try:
            reading = await meter.ask()
        except DeviceError as error:
            if not named:
                trace = error.__cause__ if isinstance(error, DriverBug) else None
                kind = type(error).__name__
                log.warning("meter not read", meter_id=meter.id, kind=kind, error=str(error), exc_info=trace)
            return False
        if named:
            log.info("meter read again", meter_id=meter.id)
        self._hear(meter.id, reading.turned(sign=meter.sign, multiplier=meter.multiplier))
        return True


def _backoff_s(meter: AskedMeter, misses: int) -> float:
    return float(min(meter.period_s * 2 ** min(misses - 1, 8), max(meter.period_s, FAREST_BACKOFF_S)))
