"""Who is known is set apart from Python's collector, and nothing of that outlives the agent."""

import asyncio
import gc
from datetime import UTC, datetime

from agent.clock import ManualClock
from agent.control.garbage import EACH_S, keep_garbage_small


class Known:
    """Something that holds itself."""

    def __init__(self):
        self.me = self


async def test_what_is_there_when_all_are_known_is_no_more_looked_at_and_later_cycles_are_collected():
    clock, known = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), []
    gc.unfreeze()  # what conftest.py froze
    before, kept = gc.get_threshold(), Known()
    collected = []
    gc.callbacks.append(lambda phase, info: collected.append(info["generation"]) if phase == "stop" else None)
    task = asyncio.create_task(keep_garbage_small(clock, lambda: bool(known)))
    try:
        await asyncio.sleep(0)
        await clock.advance(5.0)
        assert gc.get_freeze_count() == 0
        known.append(True)
        await clock.advance(2.0)
        assert gc.get_freeze_count() > 0
        assert not any(found is kept for found in gc.get_objects())
        later = Known()
        assert any(found is later for found in gc.get_objects())
        del collected[:]
        await clock.advance(EACH_S)
        assert 2 in collected
    finally:
        gc.callbacks.pop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
