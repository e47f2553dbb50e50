"""Time that is watched: how late the event loop runs, and whether civil time stepped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import structlog

from agent.clock import Clock, TrustedClock
from agent.control.controller import Controller
from agent.facts import AnyFact, ClockStepped, ClockTrusted

TICK_S = 0.1
LOOK_S = 1.0
log = structlog.get_logger()
REMEMBERED = 300
"""Ticks, half a minute: a scrape each 15 s misses no lateness."""


async def watch_loop(clock: Clock, report: Callable[[float], None]) -> None:
    """Report, each tenth of a second, by how many seconds the loop was late at the most in the last half minute."""
    late_s: deque[float] = deque(maxlen=REMEMBERED)
    while True:
        began = clock.now().mono
        await clock.sleep(TICK_S)
        late_s.append(max(0.0, clock.now().mono - began - TICK_S))
        report(max(late_s))


async def watch_civil_time(clock: TrustedClock, controller: Controller) -> None:
    """Look each second, and write down what befell civil time, for every order that is open."""
    while True:
        now, doubts = clock.now(), clock.told()
        if doubts:
            orders = controller.parts.book.open_ids()
            facts: Sequence[AnyFact] = [
                ClockTrusted(at=now.at, orders=orders)
                if doubt.step_s is None
                else ClockStepped(at=now.at, step_s=round(doubt.step_s, 3), orders=orders)
                for doubt in doubts
            ]
            for fact in facts:
                log.warning(type(fact).__name__, step_s=getattr(fact, "step_s", None), trusted=now.is_trusted)
            async with controller.turn:
                await controller.parts.journal.record(facts)
            controller.wake()
        await clock.sleep(LOOK_S)
