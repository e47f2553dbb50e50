"""How late the event loop runs: a ticker that measures its own lateness."""

from __future__ import annotations

from collections.abc import Callable

from agent.clock import Clock

TICK_S = 0.1


async def watch_loop(clock: Clock, report: Callable[[float], None]) -> None:
    """Report, each tenth of a second, by how many seconds the loop was late."""
    while True:
        began = clock.now().mono
        await clock.sleep(TICK_S)
        report(max(0.0, clock.now().mono - began - TICK_S))
