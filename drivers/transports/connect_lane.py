"""Connections by the thousand, to see which doors open: connect, note what came of it, close. Nothing is sent."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from enum import StrEnum

from drivers.transports.readiness import readiness
from drivers.transports.timer_wheel import TimerWheel

_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK}


class Door(StrEnum):
    """What came of a connection: taken, turned down, nothing within the time, or no way there."""

    OPEN = "open"
    CLOSED = "closed"
    SILENT = "silent"
    UNREACHABLE = "unreachable"


_MEANT = {0: Door.OPEN, errno.ECONNREFUSED: Door.CLOSED, errno.ECONNRESET: Door.CLOSED, errno.ETIMEDOUT: Door.SILENT}

Seen = Callable[[Door], None]


class _Knock:
    """One connection under way."""

    __slots__ = ("connection", "finished", "lane", "rounds", "seen")

    def __init__(self, lane: ConnectLane, connection: socket.socket, seen: Seen) -> None:
        self.lane = lane
        self.connection = connection
        self.seen = seen
        self.finished = False
        self.rounds = 0

    def expired(self) -> None:
        """Nothing came."""
        self.lane.finish(self, Door.SILENT)


class ConnectLane:
    """Knocks at addresses; each knock is answered exactly once, unless the lane is closed before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source_address: str | None = None) -> None:
        self._source = source_address
        self._under_way: dict[int, _Knock] = {}
        self._wheel = TimerWheel(loop)
        self._idle = asyncio.Event()
        self._readiness = readiness(loop, self._ready)
        self._closed = False

    @property
    def under_way(self) -> int:
        """How many knocks, and so descriptors, are not answered yet."""
        return len(self._under_way)

    async def quiet(self) -> None:
        """Wait until every knock is answered."""
        if self._under_way:
            self._idle.clear()
            await self._idle.wait()

    def knock(self, address: tuple[str, int], timeout_s: float, seen: Seen) -> None:
        """Begin; may answer before it returns. Raises OSError where this host has no descriptor or port to spare."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            code = self._connect(connection, address)
        except BaseException:
            connection.close()
            raise
        if code not in _UNDER_WAY:
            connection.close()
            seen(_meant(code))
            return
        knock = _Knock(self, connection, seen)
        self._under_way[connection.fileno()] = knock
        self._wheel.add(knock, timeout_s)

    def _connect(self, connection: socket.socket, address: tuple[str, int]) -> int:
        connection.setblocking(False)
        if self._source is not None:
            connection.bind((self._source, 0))
        code = connection.connect_ex(address)
        if code in _UNDER_WAY:
            self._readiness.watch(connection)
        elif code in {errno.EADDRNOTAVAIL, errno.EAGAIN, errno.ENOBUFS}:
            raise OSError(code, "this host has no port to spare")
        return code

    def close(self) -> None:
        """End every knock without an answer."""
        if self._closed:
            return
        self._closed = True
        self._wheel.close()
        for knock in self._under_way.values():
            knock.finished = True
            self._readiness.forget(knock.connection)
            knock.connection.close()
        self._under_way.clear()
        self._readiness.close()

    def _ready(self, fd: int, _writable: bool, _readable: bool) -> None:  # noqa: FBT001 - a callback's form
        knock = self._under_way.get(fd)
        if knock is not None:
            self.finish(knock, _meant(knock.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))

    def finish(self, knock: _Knock, door: Door) -> None:
        """Close the connection and answer."""
        knock.finished = True
        self._readiness.forget(knock.connection)
        del self._under_way[knock.connection.fileno()]
        knock.connection.close()
        knock.seen(door)
        if not self._under_way:
            self._idle.set()


def _meant(code: int) -> Door:
    return _MEANT.get(code, Door.UNREACHABLE)
