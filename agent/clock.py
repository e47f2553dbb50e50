"""The only door to time. Rooms never ask a clock: they are handed the `Moment` that a shell asked for."""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from agent.trusted_time import Doubt, Standing, TrustedTime
from agent.values import Moment


class Clock(Protocol):
    """Where a shell gets the present moment and waits for a later one."""

    def now(self) -> Moment:
        """Return the present moment."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""


class SystemClock:
    """The host's clocks."""

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment.trusted(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        await asyncio.sleep(seconds)


class TrustedClock:
    """A host's clock, doubted after a step; `told` hands over what is to be written down of that."""

    def __init__(self, host: Clock) -> None:
        self._host = host
        self._time = TrustedTime()

    def begin(self, last_at: datetime | None, *, doubted: bool) -> None:
        """Go on from the last fact that is remembered; `doubted`: a step before it was not confirmed."""
        now = self._host.now()
        self._time.begin(last_at, doubted=doubted, wall=now.at, mono=now.mono)

    def now(self) -> Moment:
        """Return the present moment."""
        now = self._host.now()
        return self._time.look(now.at, now.mono)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        await self._host.sleep(seconds)

    def standing(self) -> Standing:
        """Return how the host's clock stands to the time that is told."""
        now = self._host.now()
        return self._time.standing(now.at, now.mono)

    def trust(self) -> None:
        """Take the host's clock for right, as a hand does that has written it down."""
        self.now()
        self._time.trust()

    def told(self) -> list[Doubt]:
        """Return the steps, and the ends of doubt, since the last call."""
        told, self._time.doubts = self._time.doubts, []
        return told


class ManualClock:
    """A clock that moves only when told: each sleeper wakes at its own moment, in order."""

    def __init__(self, start: datetime) -> None:
        self._at = start
        self._mono = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment.trusted(self._at, self._mono)

    @property
    def sleepers(self) -> int:
        """How many wait for it to be advanced."""
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has been advanced by `seconds`."""
        woken = asyncio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (self._mono + seconds, self._count, woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking each sleeper at its own moment."""
        end = self._mono + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._move(due - self._mono)
            woken.set()
            await asyncio.sleep(0)
        self._move(end - self._mono)

    def step_wall_clock(self, seconds: float) -> None:
        """Jump civil time, as an NTP step does, and leave monotonic time alone."""
        self._at += timedelta(seconds=seconds)

    def _move(self, seconds: float) -> None:
        self._mono += seconds
        self._at += timedelta(seconds=seconds)
