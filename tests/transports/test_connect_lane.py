import asyncio
import socket

import pytest_asyncio

from drivers.transports import connect_lane
from drivers.transports.connect_lane import ConnectLane, Door
from drivers.transports.readiness import LoopWatchers, NestedEpoll
from tests.transports.servers import HOST, closed_port

PATIENCE_S = 30


@pytest_asyncio.fixture(params=[NestedEpoll, LoopWatchers])
async def lane(request, monkeypatch):
    monkeypatch.setattr(connect_lane, "readiness", request.param)
    made = ConnectLane(asyncio.get_running_loop())
    yield made
    made.close()


async def knocked(lane, port, timeout_s=10.0):
    answer = asyncio.get_running_loop().create_future()
    lane.knock((HOST, port), timeout_s, answer.set_result)
    async with asyncio.timeout(PATIENCE_S):
        return await answer


def full():
    """Return a listener with no room for anybody else, and who fills it: the next SYN is dropped."""
    listener = socket.socket()
    listener.bind((HOST, 0))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


async def test_a_door_that_takes_connections_is_open(lane):
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        assert await knocked(lane, listener.getsockname()[1]) is Door.OPEN


async def test_a_door_that_turns_down_is_closed(lane):
    assert await knocked(lane, closed_port()) is Door.CLOSED


async def test_a_door_that_nothing_comes_from_is_silent(lane):
    listener, fillers = full()
    try:
        assert await knocked(lane, listener.getsockname()[1], 0.3) is Door.SILENT
    finally:
        for one in (listener, *fillers):
            one.close()


async def test_quiet_is_when_every_knock_is_answered(lane):
    seen = []
    listener, fillers = full()
    try:
        lane.knock((HOST, listener.getsockname()[1]), 0.3, seen.append)
        assert lane.under_way == 1
        async with asyncio.timeout(PATIENCE_S):
            await lane.quiet()
        assert seen == [Door.SILENT]
        assert lane.under_way == 0
    finally:
        for one in (listener, *fillers):
            one.close()


async def test_a_closed_lane_answers_nobody_and_leaves_no_descriptor(lane):
    seen = []
    listener, fillers = full()
    try:
        lane.knock((HOST, listener.getsockname()[1]), 0.1, seen.append)
        lane.close()
        await asyncio.sleep(0.3)  # the deadline passes
        assert seen == []
        assert lane.under_way == 0
    finally:
        for one in (listener, *fillers):
            one.close()
