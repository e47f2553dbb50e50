"""Runs conversations: the socket lane for most of it, the HTTP lane for HTTP, the wheel for pauses, the workshop.

A conversation sees replies and the transports' errors, nothing else; what it raises by a mistake of its own comes out
as a DriverBug, so that one machine's driver cannot stop another's poll.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any, TypeVar, assert_never

from drivers.errors import DeviceError, DriverBug, Unreachable
from drivers.interface import Ask, Conversation, Exchange, Http, Pause, Reply, Target, Work
from drivers.transports.http_lane import MOST_AT_ONCE, HttpLane
from drivers.transports.socket_lane import SocketLane
from drivers.transports.workshop import Workshop

API_PORT, HTTP_PORT = 4028, 80

Result = TypeVar("Result")
Done = Callable[[Any], None]


class Lanes:
    """Both lanes of one event loop; made inside it, closed by `close`. `most` HTTP exchanges are under way at once."""

    def __init__(self, source_address: str | None = None, timeout_s: float = 3.0, most: int = MOST_AT_ONCE) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._timeout_s = timeout_s
        self._sockets = SocketLane(loop, source_address)
        self._http = HttpLane(self._sockets, loop, most)
        self._workshop = Workshop(loop)
        self._addresses: dict[str, str] = {}
        self._lookups: set[asyncio.Task[None]] = set()

    def start(self, target: Target, conversation: Conversation[Any], done: Done) -> None:
        """Begin a conversation; `done` is called once, on the loop, with its result or a DeviceError."""
        host = self._address(target.host)
        if host is not None:
            _Talk(self, host, target, conversation, done).begin()
            return
        lookup = self._loop.create_task(self._look_up(target, conversation, done), name=f"look up {target.host}")
        self._lookups.add(lookup)
        lookup.add_done_callback(self._lookups.discard)

    async def run(self, target: Target, conversation: Conversation[Result]) -> Result:
        """Hold a conversation and return its result; raises the DeviceError that it ends with.

        Whoever is cancelled no longer waits; the conversation goes on to its end, since half a command is worse.
        """
        future: asyncio.Future[Result] = self._loop.create_future()

        def done(found: Result | DeviceError) -> None:
            if future.done():
                return
            if isinstance(found, DeviceError):
                future.set_exception(found)
            else:
                future.set_result(found)

        self.start(target, conversation, done)
        return await future

    async def close(self) -> None:
        """End every conversation without calling anybody, and free every socket."""
        lookups = list(self._lookups)
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)
        self._http.close()
        self._sockets.close()
        self._workshop.close()

    def carry_out(self, exchange: Exchange, talk: _Talk) -> None:
        """Run one exchange of a conversation."""
        match exchange:
            case Ask():
                address = (talk.host, exchange.port or talk.target.port or API_PORT)
                self._sockets.ask(address, exchange, exchange.deadline_s or self._timeout_s, talk.answered)
            case Http():
                port = exchange.port or talk.target.http_port or HTTP_PORT
                self._http.request((talk.host, port), exchange, exchange.deadline_s or self._timeout_s, talk.answered)
            case Pause(seconds=seconds):
                self._sockets.pause(seconds, talk.answered)
            case Work():
                self._workshop.do(exchange, talk.answered)
            case _:
                assert_never(exchange)

    def _address(self, host: str) -> str | None:
        """Return the numeric address of a host, None while it has not been looked up."""
        if host in self._addresses:
            return self._addresses[host]
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return None
        self._addresses[host] = host
        return host

    async def _look_up(self, target: Target, conversation: Conversation[Any], done: Done) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._loop.getaddrinfo(target.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            conversation.close()
            done(Unreachable(f"{target.host}: {error!r}"))
            return
        _Talk(self, str(found[0][4][0]), target, conversation, done).begin()


class _Talk:
    """One conversation under way."""

    __slots__ = ("_conversation", "_done", "_lanes", "host", "target")

    def __init__(self, lanes: Lanes, host: str, target: Target, conversation: Conversation[Any], done: Done) -> None:
        self._lanes = lanes
        self._conversation = conversation
        self._done = done
        self.host = host
        self.target = target

    def begin(self) -> None:
        """Take the first step."""
        self.answered(None)

    def answered(self, reply: Reply | Exception) -> None:
        """Hand an answer to the conversation and carry out what it asks for next, or report its end."""
        try:
            if isinstance(reply, Exception):
                exchange = self._conversation.throw(reply)
            else:
                exchange = self._conversation.send(reply)
            self._lanes.carry_out(exchange, self)
        except StopIteration as end:
            self._done(end.value)
        except DeviceError as error:
            self._done(error)
        except Exception as error:  # noqa: BLE001 - the guard around foreign code: a driver's mistake is made visible
            self._done(_bug(error))


def _bug(error: Exception) -> DriverBug:
    bug = DriverBug(f"{type(error).__name__}: {error}")
    bug.__cause__ = error
    return bug
