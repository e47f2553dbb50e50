"""The sockets of the farm: one wildcard listener a port, the machine told by the address that was connected to.

Peers outside loopback are dropped unless the farm was bound on purpose. A face turns a request into a reply; how
the reply goes wrong is the fault's business, and is done here for every face alike.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

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


class Connection(asyncio.Protocol):
    """One connection to one machine."""

    def __init__(
        self,
        face_of: Callable[[str, int], tuple[int, Face] | None],
        fault_of: Callable[[int], str | None],
        gate: Gate,
        *,
        any_peer: bool,
    ) -> None:
        self._face_of = face_of
        self._fault_of = fault_of
        self._gate = gate
        self._any_peer = any_peer
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
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        found = self._face_of(own[0], own[1]) if own else None
        if peer is None or found is None or not (self._any_peer or peer[0].startswith("127.")):
            transport.abort()
            return
        self.index, self._face = found
        if self._fault_of(self.index) == "dead":
            transport.abort()
        elif self._face.one_at_a_time:
            self._gate.enter(self)
        else:
            self.serve()

    def serve(self) -> None:
        """Begin to listen to this client."""
        self._served = True
        self._begin()

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
        transport, fault = self._transport, self._fault_of(self.index)
        if transport is None or fault == "hang":
            return
        if fault in {"rst", "dead"}:
            transport.abort()
            return
        reply = await face.answer(self.index, self._received)
        match fault:
            case "half" if reply:
                transport.write(reply[: len(reply) // 2])
            case "garbage":
                transport.write(GARBAGE)
            case "slow" if reply:
                await self._drip(transport, reply)
            case _ if reply:
                transport.write(reply)
        transport.close()

    async def _drip(self, transport: asyncio.Transport, reply: bytes) -> None:
        for at in range(len(reply)):
            transport.write(reply[at : at + 1])
            await asyncio.sleep(SLOW_BYTE_S)

    def connection_lost(self, _error: Exception | None) -> None:
        """Make room for the next client."""
        if self._task is not None:
            self._task.cancel()
        if self.index >= 0:
            self._gate.leave(self)
