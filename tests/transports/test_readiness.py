import asyncio
import socket

import pytest

from drivers.transports import readiness
from drivers.transports.readiness import NestedEpoll


@pytest.fixture
def sockets():
    """Pairs of connected sockets, closed at the end; each watched end has a byte to read."""
    pairs = []

    def pair():
        ours, theirs = socket.socketpair()
        theirs.send(b"x")
        pairs.append((ours, theirs))
        return ours

    yield pair
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


@pytest.mark.parametrize("batch_s", [0.0, 10.0])
async def test_an_event_in_hand_of_a_closed_socket_is_not_told_to_the_next_owner_of_its_number(
    sockets, monkeypatch, batch_s
):
    monkeypatch.setattr(readiness, "BATCH_S", batch_s)
    told, done = [], asyncio.Event()
    watched = {ours.fileno(): ours for ours in (sockets(), sockets(), sockets())}

    def ready(fd, _writable, _readable):
        told.append(fd)
        for other in [other for number, other in watched.items() if number != fd]:
            epoll.forget(other)
            other.close()
        watched.clear()
        done.set()

    epoll = NestedEpoll(asyncio.get_running_loop(), ready)
    for ours in list(watched.values()):
        epoll.watch(ours)
    async with asyncio.timeout(60):
        await done.wait()
        for _ in range(10):
            await asyncio.sleep(0)
    epoll.close()
    assert len(told) == 1


async def test_a_socket_in_error_may_be_both_written_and_read():
    told = asyncio.Queue()
    epoll = NestedEpoll(asyncio.get_running_loop(), lambda *event: told.put_nowait(event))
    with socket.socket() as never_connected:
        epoll.watch(never_connected)
        async with asyncio.timeout(60):
            assert await told.get() == (never_connected.fileno(), True, True)
        epoll.close()


async def test_more_events_than_a_batch_are_all_told(sockets):
    told = set()
    enough = asyncio.Event()

    def ready(fd, _writable, _readable):
        told.add(fd)
        if len(told) == 200:
            enough.set()

    epoll = NestedEpoll(asyncio.get_running_loop(), ready)
    watched = [sockets() for _ in range(200)]
    for ours in watched:
        epoll.watch(ours)
    async with asyncio.timeout(60):
        await enough.wait()
    epoll.close()
    assert told == {ours.fileno() for ours in watched}
