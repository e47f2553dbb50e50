"""Which sockets are ready: one epoll inside the loop's own where there is epoll, the loop's watchers elsewhere.

A socket is watched once, for both directions, and never changed; edges come once and are worked off whole.
"""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

Ready = Callable[[int, bool, bool], None]
"""Called with a descriptor and whether it may be written and read; an error or an end counts as both."""

_WRITABLE, _READABLE = (True, False), (False, True)
BATCH = 64
BATCH_S = 0.002


class Readiness(Protocol):
    """Tells which watched sockets are ready."""

    def watch(self, connection: socket.socket) -> None:
        """Begin to watch a socket; it is left alone again by being closed, after `forget`."""

    def forget(self, connection: socket.socket) -> None:
        """Leave a socket alone, before it is closed."""

    def close(self) -> None:
        """Watch nothing any more."""


class NestedEpoll:
    """An epoll of our own, of which the loop sees one descriptor: a few events a callback, then others' turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        self._loop = loop
        self._ready = ready
        self._epoll = select.epoll()
        self._left: list[tuple[int, int]] = []
        self._forgotten: set[int] = set()
        loop.add_reader(self._epoll.fileno(), self._poll)

    def watch(self, connection: socket.socket) -> None:
        """Register a socket, once, for both directions."""
        self._epoll.register(connection.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def forget(self, connection: socket.socket) -> None:
        """Note that events still in hand for this socket are void; closing it ends the registration."""
        if self._left:
            self._forgotten.add(connection.fileno())

    def close(self) -> None:
        """End the epoll."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._left = []

    def _poll(self) -> None:
        if not self._left and not self._epoll.closed:
            self._work(self._epoll.poll(0, BATCH))

    def _work(self, events: list[tuple[int, int]]) -> None:
        """Hand out events until the time is up; an edge is not told twice, so the rest is kept for soon.

        Also when somebody's callback raises: the loop reports that, and the others' events are not lost.
        """
        stop_at = time.monotonic() + BATCH_S
        self._left = events
        self._forgotten.clear()
        try:
            while self._left:
                fd, mask = self._left.pop()
                if fd not in self._forgotten:
                    self._hand_out(fd, mask)
                if time.monotonic() >= stop_at:
                    break
        finally:
            if self._left:
                self._loop.call_soon(self._resume)

    def _hand_out(self, fd: int, mask: int) -> None:
        both = bool(mask & (select.EPOLLERR | select.EPOLLHUP))
        self._ready(fd, both or bool(mask & select.EPOLLOUT), both or bool(mask & select.EPOLLIN))

    def _resume(self) -> None:
        """Go on with what is left; a descriptor that was closed meanwhile may be another's by now."""
        if not self._epoll.closed:
            self._work([event for event in self._left if event[0] not in self._forgotten])


class LoopWatchers:
    """The loop's own watchers: a writer until the socket is connected, a reader from then on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Ready) -> None:
        self._loop = loop
        self._ready = ready
        self._watched: set[int] = set()

    def watch(self, connection: socket.socket) -> None:
        """Watch for the connection first."""
        fd = connection.fileno()
        self._watched.add(fd)
        self._loop.add_writer(fd, self._connected, fd)

    def forget(self, connection: socket.socket) -> None:
        """Take the watchers off."""
        fd = connection.fileno()
        if fd in self._watched:
            self._watched.remove(fd)
            self._loop.remove_writer(fd)
            self._loop.remove_reader(fd)

    def close(self) -> None:
        """Take every watcher off."""
        for fd in self._watched:
            self._loop.remove_writer(fd)
            self._loop.remove_reader(fd)
        self._watched.clear()

    def _connected(self, fd: int) -> None:
        self._loop.remove_writer(fd)
        self._loop.add_reader(fd, self._ready, fd, *_READABLE)
        self._ready(fd, *_WRITABLE)


def readiness(loop: asyncio.AbstractEventLoop, ready: Ready) -> Readiness:
    """Return the cheapest way that this system has."""
    return NestedEpoll(loop, ready) if hasattr(select, "epoll") else LoopWatchers(loop, ready)
