"""Socket exchanges by the thousand on one thread: connect, one write, read to the NUL, close. No task a machine.

One connection an exchange and one request a connection: many miners serve one client at a time, without a timeout.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from drivers.errors import DeviceError, Garbled, NotListening, Unreachable
from drivers.interface import Ask, Ends
from drivers.transports.readiness import readiness
from drivers.transports.timer_wheel import TimerWheel

Answered = Callable[[bytes | DeviceError], None]
Whole = Callable[[bytearray], bool]
"""Whether what came so far is a whole reply, for protocols that say so in it."""

LENGTH_BYTES = 4
TOO_LATE = "no complete answer in time"
_BUFFER = bytearray(65_536)
_VIEW = memoryview(_BUFFER)
_UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}


class _Exchange:
    """One exchange under way."""

    __slots__ = ("answered", "ask", "connection", "finished", "got", "lane", "rounds", "sent", "whole")

    def __init__(
        self, lane: SocketLane, ask: Ask, connection: socket.socket, answered: Answered, whole: Whole | None
    ) -> None:
        self.lane = lane
        self.whole = whole
        self.ask = ask
        self.connection = connection
        self.answered = answered
        self.got = bytearray()
        self.sent = False
        self.finished = False
        self.rounds = 0

    def expired(self) -> None:
        """End without a whole reply."""
        self.lane.finish(self, Unreachable(TOO_LATE))


class _Rest:
    """A pause under way."""

    __slots__ = ("answered", "finished", "rounds")

    def __init__(self, answered: Callable[[None], None]) -> None:
        self.answered = answered
        self.finished = False
        self.rounds = 0

    def expired(self) -> None:
        """Go on."""
        self.finished = True
        self.answered(None)


class SocketLane:
    """Runs Asks and pauses; each is answered exactly once, unless the lane is closed before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source_address: str | None = None) -> None:
        self._source = source_address
        self._under_way: dict[int, _Exchange] = {}
        self._wheel = TimerWheel(loop)
        self._loop = loop
        self._readiness = readiness(loop, self._ready)
        self._closed = False

    def ask(
        self, address: tuple[str, int], ask: Ask, timeout_s: float, answered: Answered, whole: Whole | None = None
    ) -> None:
        """Begin an exchange with a numeric address; never answers before it returns. `whole` rules out `ask.ends`."""
        if self._closed:
            return
        try:
            connection = self._connecting(address)
        except OSError as error:
            self._loop.call_soon(self._refused, answered, named(error))
            return
        if ask.ends is Ends.LENGTH:
            whole = _is_as_long_as_it_says
        exchange = _Exchange(self, ask, connection, answered, whole)
        self._under_way[connection.fileno()] = exchange
        self._wheel.add(exchange, timeout_s)

    def pause(self, seconds: float, answered: Callable[[None], None]) -> None:
        """Answer None after so many seconds."""
        self._wheel.add(_Rest(answered), seconds)

    def _connecting(self, address: tuple[str, int]) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.settimeout(0)
            if self._source is not None:
                connection.bind((self._source, 0))
            _succeeded(connection.connect_ex(address))
            self._readiness.watch(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refused(self, answered: Answered, error: Unreachable) -> None:
        if not self._closed:
            answered(error)

    def close(self) -> None:
        """End every exchange without an answer."""
        if self._closed:
            return
        self._closed = True
        self._wheel.close()
        for exchange in self._under_way.values():
            exchange.finished = True
            self._readiness.forget(exchange.connection)
            exchange.connection.close()
        self._under_way.clear()
        self._readiness.close()

    def _ready(self, fd: int, writable: bool, readable: bool) -> None:  # noqa: FBT001 - a callback's form
        exchange = self._under_way.get(fd)
        if exchange is None:
            return
        try:
            if writable and not exchange.sent:
                self._send(exchange)
            if readable and not exchange.finished:
                self._receive(exchange)
        except BlockingIOError:
            return
        except OSError as error:
            self._ended(exchange, named(error))

    def _send(self, exchange: _Exchange) -> None:
        _succeeded(exchange.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        size = exchange.connection.send(exchange.ask.request)
        exchange.sent = True
        if size != len(exchange.ask.request):
            self._ended(exchange, Unreachable("the request did not leave in one write"))

    def _receive(self, exchange: _Exchange) -> None:
        """Read until nothing is there, the NUL or the end; stops at the NUL, since the close comes later."""
        receive = exchange.connection.recv_into
        whole = exchange.whole
        till_nul = whole is None and exchange.ask.ends is Ends.NUL
        while not exchange.finished:
            size = receive(_BUFFER)
            if size == 0:
                self._ended(exchange, Unreachable("closed without an answer"))
            elif till_nul and (end := _BUFFER.find(0, 0, size)) >= 0:
                self._keep(exchange, end)
                self.finish(exchange, bytes(exchange.got))
            else:
                self._keep(exchange, size)
                if len(exchange.got) > exchange.ask.most_bytes:
                    self.finish(exchange, Garbled("the reply does not end", bytes(exchange.got[:1024])))
                elif whole is not None and whole(exchange.got):
                    self.finish(exchange, bytes(exchange.got))

    def _keep(self, exchange: _Exchange, size: int) -> None:
        exchange.got += _VIEW[:size]

    def _ended(self, exchange: _Exchange, error: Unreachable) -> None:
        """Take the end of a connection: what came is the reply, since a reset follows many a whole one."""
        self.finish(exchange, bytes(exchange.got) if exchange.got else error)

    def finish(self, exchange: _Exchange, reply: bytes | DeviceError) -> None:
        """Close the connection and answer."""
        exchange.finished = True
        self._readiness.forget(exchange.connection)
        del self._under_way[exchange.connection.fileno()]
        exchange.connection.close()
        exchange.answered(reply)


def _is_as_long_as_it_says(got: bytearray) -> bool:
    return len(got) >= LENGTH_BYTES and len(got) >= LENGTH_BYTES + int.from_bytes(got[:LENGTH_BYTES], "little")


def _succeeded(code: int) -> None:
    if code not in _UNDER_WAY:
        raise OSError(code, os.strerror(code))


def named(error: OSError) -> Unreachable:
    """Return what a socket's error means to a caller."""
    if error.errno == errno.ECONNREFUSED:
        return NotListening("connection refused")
    return Unreachable(error.strerror or str(error))
