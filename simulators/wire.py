"""The sockets of the farm: a machine is told by the address and port that were connected to.

A face turns a request into a reply; how a reply goes wrong is the fault's business, and is done here for every face
alike. Peers outside loopback are dropped unless the farm was bound for them on purpose.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

BACKLOG = 4096
SLOW_BYTE_S = 0.2
GARBAGE = bytes(range(1, 256)) * 2


class Face(Protocol):
    """One firmware's way to answer at one port."""

    one_at_a_time: bool

    def complete(self, request: bytes) -> bool:
        """Whether the bytes received so far are a whole request."""

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the reply of machine `index`, None to close without a word."""


class Gate:
    """Lets one connection a machine be served at a time, as cgminer's single API thread does."""

    def __init__(self) -> None:
        self._serving: dict[int, Connection] = {}
        self._waiting: dict[int, deque[Connection]] = {}

    def enter(self, connection: Connection) -> None:
        """Serve a connection now, or when the one before it is gone."""
        if connection.index in self._serving:
            self._waiting.setdefault(connection.index, deque()).append(connection)
        else:
            self._serving[connection.index] = connection
            connection.serve()

    def leave(self, connection: Connection) -> None:
        """Take out a connection that is gone, and serve the next."""
        waiting = self._waiting.get(connection.index)
        if waiting and connection in waiting:
            waiting.remove(connection)
        if self._serving.get(connection.index) is not connection:
            return
        del self._serving[connection.index]
        if waiting:
            following = waiting.popleft()
            self._serving[connection.index] = following
            following.serve()


class Switchboard:
    """Who answers where, what is wrong with them, and every connection that is open."""

    def __init__(self, fault_of: Callable[[int], str | None], *, any_peer: bool = False) -> None:
        self.fault_of = fault_of
        self.gate = Gate()
        self._open: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self._any_peer = any_peer
        self._faces: dict[tuple[str | None, int], tuple[int, Face]] = {}
        self._servers: list[asyncio.Server] = []

    def put(self, host: str | None, port: int, index: int, face: Face) -> None:
        """Let machine `index` answer at a port of one address; host None: of whichever address was bound."""
        self._faces[host, port] = (index, face)

    def face_at(self, own: tuple[str, int], peer: tuple[str, int]) -> tuple[int, Face] | None:
        """Return the machine that a peer has connected to, None where there is none for it."""
        if not (self._any_peer or peer[0].startswith("127.")):
            return None
        return self._faces.get(own) or self._faces.get((None, own[1]))

    async def listen(self, bound: socket.socket) -> None:
        """Accept at a bound socket, which is ours from now on."""
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(lambda: Connection(self), sock=bound, backlog=BACKLOG))

    def opened(self, connection: Connection) -> None:
        """Note a connection that is there."""
        self._open.add(connection)
        self._all_gone.clear()

    def closed(self, connection: Connection) -> None:
        """Note that a connection is gone, and serve who waits for it."""
        self._open.discard(connection)
        self.gate.leave(connection)
        if not self._open:
            self._all_gone.set()

    async def close(self) -> None:
        """Close every listener and drop every connection."""
        for server in self._servers:
            server.close()
        replies = [connection.drop() for connection in tuple(self._open)]
        if replies:
            await self._all_gone.wait()
        await asyncio.gather(*(reply for reply in replies if reply is not None), return_exceptions=True)


class Connection(asyncio.Protocol):
    """One connection to one machine: one request, one reply."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._received = b""
        self._task: asyncio.Task[None] | None = None
        self._served = False
        self._transport: asyncio.Transport | None = None
        self._face: Face | None = None
        self.index = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find the machine that was connected to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._switchboard.opened(self)
        own, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        found = self._switchboard.face_at(own[:2], peer[:2]) if own and peer else None
        if found is None or self._switchboard.fault_of(found[0]) == "dead":
            _reset(transport)
            return
        self.index, self._face = found
        if self._face.one_at_a_time:
            self._switchboard.gate.enter(self)
        else:
            self.serve()

    def serve(self) -> None:
        """Begin to listen to this client."""
        self._served = True
        self._begin()

    def drop(self) -> asyncio.Task[None] | None:
        """End at once, without a word; returns the reply that was under way."""
        if self._transport is not None:
            _reset(self._transport)
        return self._task

    def data_received(self, data: bytes) -> None:
        """Take in bytes; the face says when they are a whole request."""
        self._received += data
        self._begin()

    def _begin(self) -> None:
        if not self._served or self._task is not None or not self._received or self._face is None:
            return
        if self._face.complete(self._received):
            self._task = asyncio.create_task(self._reply(self._face), name=f"simulated miner {self.index}")

    async def _reply(self, face: Face) -> None:
        transport, fault = self._transport, self._switchboard.fault_of(self.index)
        if transport is None or fault == "hang":
            return
        if fault in {"rst", "dead"}:
            _reset(transport)
            return
        try:
            reply = await face.answer(self.index, self._received) or b""
            await self._say(transport, reply, fault)
        finally:
            transport.close()

    async def _say(self, transport: asyncio.Transport, reply: bytes, fault: str | None) -> None:
        match fault:
            case "half":
                transport.write(reply[: len(reply) // 2])
            case "garbage":
                transport.write(GARBAGE)
            case "slow":
                await self._drip(transport, reply)
            case _:
                transport.write(reply)

    async def _drip(self, transport: asyncio.Transport, reply: bytes) -> None:
        for at in range(len(reply)):
            transport.write(reply[at : at + 1])
            await asyncio.sleep(SLOW_BYTE_S)

    def connection_lost(self, _error: Exception | None) -> None:
        """Make room for the next client."""
        if self._task is not None:
            self._task.cancel()
        self._switchboard.closed(self)


def _reset(transport: asyncio.Transport) -> None:
    """Drop a connection with a RST, as a machine that is gone does; abort alone sends a FIN."""
    bound = transport.get_extra_info("socket")
    if bound is not None and bound.fileno() >= 0:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
