"""Conversations, whatever they go over: their mistakes, pauses, ends and those who wait for them."""

import asyncio

import pytest

from drivers.errors import DriverBug, NotListening, Unreachable
from drivers.interface import Ask, Pause
from tests.transports.servers import (
    asking,
    closed_port,
    saying,
    serving,
    silent,
    target,
)

pytestmark = pytest.mark.usefixtures("readiness")
REPLY = b'{"STATUS":"S"}'


async def test_a_mistake_in_a_conversation_is_a_driver_bug_with_its_cause(lanes):
    def mistaken():
        yield Ask(request=b"ask")
        raise ValueError("the driver's own")

    async with serving(saying(REPLY)) as port:
        with pytest.raises(DriverBug, match="ValueError: the driver's own") as caught:
            await lanes.run(target(port), mistaken())
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("exchange", ["summary", None, Ask(request=b"x", port=70_000)])
async def test_what_is_no_exchange_is_a_driver_bug(lanes, exchange):
    def mistaken():
        yield exchange

    with pytest.raises(DriverBug):
        await lanes.run(target(closed_port()), mistaken())


async def test_a_conversation_may_go_on_after_an_error(lanes):
    def stubborn():
        try:
            yield Ask(request=b"ask", port=closed_port())
        except NotListening:
            return (yield Ask(request=b"ask"))

    async with serving(saying(REPLY)) as port:
        assert await lanes.run(target(port), stubborn()) == REPLY


async def test_a_conversation_without_an_exchange_is_done_at_once(lanes):
    def told():
        return 7
        yield

    assert await lanes.run(target(1), told()) == 7


async def test_a_pause_is_waited_for_and_answers_none(lanes):
    def paused():
        return (yield Pause(seconds=0.15))

    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await lanes.run(target(1), paused()) is None
    assert 0.15 <= loop.time() - began < 1


async def test_a_pause_of_many_turns_of_the_wheel_is_not_cut_short(lanes, monkeypatch):
    monkeypatch.setattr("drivers.transports.timer_wheel.WIDTH_S", 0.002)

    def paused():
        return (yield Pause(seconds=0.3))

    loop = asyncio.get_running_loop()
    began = loop.time()
    await lanes.run(target(1), paused())
    assert 0.3 <= loop.time() - began < 1


async def test_who_is_cancelled_no_longer_waits_and_the_conversation_ends_by_itself(lanes, reported):
    ended, release, arrived = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def waits(reader, writer):
        await reader.read(100)
        arrived.set()
        await release.wait()
        writer.write(REPLY + b"\0")

    def conversation():
        yield Ask(request=b"ask", deadline_s=5.0)
        ended.set()

    async with serving(waits) as port:
        running = asyncio.create_task(lanes.run(target(port), conversation()))
        await arrived.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        release.set()
        await ended.wait()
    assert reported == []


async def test_a_cancelled_waiter_is_not_told_an_error_either(lanes, reported):
    async with serving(silent) as port:
        running = asyncio.create_task(lanes.run(target(port), asking(b"ask", deadline_s=0.05)))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(Unreachable):
            await lanes.run(target(port), asking(b"ask", deadline_s=0.1))
    assert reported == []
