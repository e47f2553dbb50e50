"""The only door to time. Rooms never ask a clock: they are handed the `Moment` that a shell asked for."""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from agent.host_run import HostRun, host_run
from agent.trusted_time import STEP, Doubt, Standing, TrustedTime
from agent.values import Moment


class Clock(Protocol):
    """Where a shell gets the present moment and waits for a later one."""

    def now(self) -> Moment:
        """Return the present moment."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""


class HostClock(Clock, Protocol):
    """A host's own clocks, and what run of the host they belong to."""

    def run(self) -> HostRun | None:
        """Return the run of the host, None where it cannot be told."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the host by the id of its boot, and when it began by a clock that was trusted."""

    boot: str
    began_at: datetime


class SystemClock:
    """The host's clocks."""

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment.trusted(datetime.now(UTC), time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        await asyncio.sleep(seconds)

    def run(self) -> HostRun | None:
        """Return the run of the host, None where it cannot be told."""
        return host_run()


class TrustedClock:
    """A host's clock, doubted after a step; `told` hands over what is to be written down of that, `ran` of its run."""

    def __init__(self, host: HostClock) -> None:
        self._host = host
        self._time = TrustedTime()
        self._ran: Ran | None = None

    def begin(self, last_at: datetime | None, *, doubted: bool, ran: Ran | None = None) -> None:
        """Go on from the last fact that is remembered; `doubted`: a step before it was not confirmed.

        `ran`: the run of the host that was written down last; where none was, a clock that nobody set is believed.
        """
        now, run = self._host.now(), self._host.run()
        self._ran = ran
        goes_on = ran is not None and run is not None and ran.boot == run.boot
        self._time.begin(
            last_at,
            doubted=doubted,
            wall=now.at,
            mono=now.mono,
            expected=ran.began_at + timedelta(seconds=run.up_s) if ran and run and goes_on else None,
            is_set=ran is None or run is None or run.is_set,
        )

    def now(self) -> Moment:
        """Return the present moment."""
        now = self._host.now()
        told = self._time.look(now.at, now.mono)
        if self._time.is_unset and (run := self._host.run()) is not None and run.is_set:
            self._time.was_set()
            told = self._time.look(now.at, now.mono)
        return told

    def ran(self) -> Ran | None:
        """Return this run of the host where it is not what was returned last; None also while the clock is in doubt."""
        now, run = self._host.now(), self._host.run()
        began_at = None if run is None else self._time.began_at(run.up_s, now.mono)
        if run is None or began_at is None:
            return None
        last = self._ran
        if last is not None and last.boot == run.boot and abs(last.began_at - began_at) < STEP / 5:
            return None
        self._ran = Ran(run.boot, began_at)
        return self._ran

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

    def run(self) -> HostRun | None:
        """Return None: it belongs to no host."""
        return None

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
