"""The billing meter at the connection: all machines and the house, with an error of its own, and late.

What it says is what it measured `delay_s` ago. While it is stale it says nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiomqtt

from simulators import broker


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterOptions:
    """How good the meter is: its error in per cent of the figure, how late it is, how often it speaks."""

    error_pct: float = 0.5
    delay_s: float = 1.0
    period_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement; `at_s` on the loop's clock."""

    at_s: float
    power_w: float
    energy_wh: float


class Meter:
    """Measures when it is told to, remembers as long as it is late."""

    def __init__(self, options: MeterOptions, seed: int) -> None:
        self.options = options
        self._chance = random.Random(f"{seed}/meter")  # noqa: S311 - an error that repeats
        #: most of the error stays the same for the meter's life, the rest is noise
        self._gain = 1 + self._chance.uniform(-0.8, 0.8) * options.error_pct / 100
        self._samples: deque[Sample] = deque()
        self._energy_wh = self._chance.uniform(1e6, 1e8)
        self._silent_until_s = 0.0

    def measure(self, power_w: float, now_s: float) -> None:
        """Take in the true draw of this moment."""
        measured_w = power_w * (self._gain + self._chance.uniform(-0.2, 0.2) * self.options.error_pct / 100)
        if self._samples:
            self._energy_wh += measured_w * (now_s - self._samples[-1].at_s) / 3600
        self._samples.append(Sample(at_s=now_s, power_w=measured_w, energy_wh=self._energy_wh))
        while len(self._samples) > 1 and self._samples[1].at_s <= now_s - self.options.delay_s:
            self._samples.popleft()

    def fall_silent(self, until_s: float) -> None:
        """Say nothing until then."""
        self._silent_until_s = until_s

    def said(self, now_s: float) -> Sample | None:
        """Return what it says now, None while it is silent or has nothing old enough."""
        if now_s < self._silent_until_s or not self._samples or self._samples[0].at_s > now_s - self.options.delay_s:
            return None
        return self._samples[0]

    async def publish(self, url: str, topic: str) -> None:
        """Say it at the broker each period, for ever."""

        async def session(connected: aiomqtt.Client) -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(broker.watch(connected), name="meter-watch")
                tasks.create_task(self._speak(connected, topic), name="meter-speak")

        await broker.keep(url, session)

    async def _speak(self, connected: aiomqtt.Client, topic: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now_s = loop.time()
            if (sample := self.said(now_s)) is not None:
                await broker.publish(connected, topic, _payload(sample, now_s))
            await asyncio.sleep(self.options.period_s)


def _payload(sample: Sample, now_s: float) -> bytes:
    at = datetime.now(UTC) - timedelta(seconds=now_s - sample.at_s)
    told = {"power_w": round(sample.power_w, 1), "energy_wh": round(sample.energy_wh, 1), "at": at.isoformat()}
    return json.dumps(told, separators=(",", ":")).encode()
