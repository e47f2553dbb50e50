"""Work away from the loop: answered on it, in order, and a mistake in it is the conversation's own."""

import asyncio
import threading

import pytest

from drivers.errors import DriverBug
from drivers.interface import Target, Work
from drivers.transports.lanes import Lanes

HERE = Target(host="127.0.0.1")


@pytest.fixture
async def lanes():
    made = Lanes()
    yield made
    await made.close()


def computing(*jobs):
    first = yield Work(run=jobs[0])
    return [first] if len(jobs) == 1 else [first, *(yield from computing(*jobs[1:]))]


async def test_work_is_done_on_another_thread_and_its_text_comes_back(lanes):
    async with asyncio.timeout(60):
        names = await lanes.run(HERE, computing(lambda: threading.current_thread().name, lambda: "done"))
    assert names[1] == "done"
    assert names[0] != threading.main_thread().name


async def test_many_at_once_are_done_one_after_the_other(lanes):
    inside, most = [], []

    def job():
        inside.append(1)
        most.append(len(inside))
        inside.pop()
        return ""

    async with asyncio.timeout(60):
        await asyncio.gather(*(lanes.run(HERE, computing(job, job)) for _ in range(20)))
    assert (len(most), max(most)) == (40, 1)


async def test_what_fails_in_it_is_a_bug_of_its_driver(lanes):
    def job():
        raise ZeroDivisionError("once")

    async with asyncio.timeout(60):
        with pytest.raises(DriverBug, match="ZeroDivisionError: once"):
            await lanes.run(HERE, computing(job))
        assert await lanes.run(HERE, computing(lambda: "on")) == ["on"]


async def test_who_closes_meanwhile_is_not_answered():
    lanes, answered = Lanes(), []
    begun, release = threading.Event(), threading.Event()

    def job():
        begun.set()
        release.wait(5)
        return ""

    lanes.start(HERE, computing(job), answered.append)
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(begun.wait, 5)
        release.set()
        await lanes.close()
        await asyncio.sleep(0)
    assert answered == []
