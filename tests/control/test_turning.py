"""Long work within a turn: the loop turns in between, and what comes of it keeps its order."""

import asyncio

from agent.clock import ManualClock
from agent.control.turning import HELD_S, gathered
from tests.control.site import START


async def test_the_loop_turns_while_hundreds_of_orders_are_gone_through():
    clock, between = ManualClock(START), []

    def pieces():
        for number in range(20):
            clock._move(HELD_S / 2)
            yield [number, -number]

    async def beside():
        while True:
            between.append(clock.now())
            await asyncio.sleep(0)

    other = asyncio.create_task(beside())
    found = await gathered(pieces(), clock)
    other.cancel()
    assert found == [told for number in range(20) for told in (number, -number)]
    assert len(between) == 10


async def test_what_is_short_is_not_broken_off():
    other = asyncio.create_task(asyncio.sleep(0))
    assert await gathered([[1], [], [2]], ManualClock(START)) == [1, 2]
    assert not other.done()
    await other
