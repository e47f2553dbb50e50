"""How late the event loop runs: a ticker that measures its own lateness."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agent.clock import Clock

TICK_S = 0.1
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
