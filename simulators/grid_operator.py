"""A dispatcher at the grid's end: publishes orders, revises and cancels them, and collects the site's acks."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiomqtt

from simulators import broker


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be published, and whether the broker has it."""

    topic: str
    payload: bytes
    retain: bool
    sent: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """One dispatcher of one site, over a connection that comes back."""

    def __init__(self, url: str, site: str, *, prefix: str = "hashwatt", name: str | None = None) -> None:
        """With a name no ack is missed over a connection that broke; the broker keeps the name's session for good."""
        self._name = name
        self._url = url
        self._root = f"{prefix}/{site}"
        self._orders: dict[str, dict[str, Any]] = {}
        self._unsent: deque[Message] = deque()
        self._more = asyncio.Event()
        self._connected = asyncio.Event()
        #: notified when an ack or the status has come
        self.news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        #: every ack in the order that it came, those retained from before as well
        self.acks: list[dict[str, Any]] = []
        #: the site's last status: online or offline
        self.status: str | None = None

    async def __aenter__(self) -> Self:
        """Connect, and hear what is retained. Raises TimeoutError where no broker answers."""
        self._task = asyncio.create_task(broker.keep(self._url, self._session, name=self._name), name="dispatcher")
        try:
            async with asyncio.timeout(broker.ANSWER_S):
                await self._connected.wait()
        except TimeoutError:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Hang up; what is retained stays."""
        await self._end()

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _session(self, connected: aiomqtt.Client) -> None:
        await broker.subscribe(connected, f"{self._root}/orders/+/ack")
        await broker.subscribe(connected, f"{self._root}/status")
        self._connected.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(connected), name="dispatcher-write")
            async for message in connected.messages:
                await self._hear(message)

    async def _write(self, connected: aiomqtt.Client) -> None:
        while True:
            while self._unsent:
                message = self._unsent[0]
                await broker.publish(connected, message.topic, message.payload, retain=message.retain)
                self._unsent.popleft()
                message.sent.set()
            self._more.clear()
            await self._more.wait()

    async def _hear(self, message: aiomqtt.Message) -> None:
        async with self.news:
            if message.topic.value.endswith("/status"):
                self.status = bytes(message.payload).decode()
            elif message.payload and (ack := json.loads(message.payload)) not in self.acks:
                self.acks.append(ack)
            self.news.notify_all()

    async def order(self, document: dict[str, Any]) -> None:
        """Publish an order, or a revision of one, retained."""
        self._orders[document["order_id"]] = document
        await self.say(f"orders/{document['order_id']}", json.dumps(document).encode(), retain=True)

    async def cancel(self, order_id: str) -> None:
        """Cancel an order of this dispatcher by its next revision."""
        before = self._orders[order_id]
        issued = {"issued_at": datetime.now(UTC).isoformat()} if "issued_at" in before else {}
        await self.order({**before, **issued, "revision": before["revision"] + 1, "status": "cancelled"})

    async def clear(self, order_id: str) -> None:
        """Clear the retained message, which must change nothing."""
        await self.say(f"orders/{order_id}", b"", retain=True)

    async def beat(self, issuer: str) -> None:
        """Send an issuer's heartbeat."""
        await self.say(f"heartbeat/{issuer}", b"")

    async def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything under the site's root; returns when the broker has it, however long it is away."""
        message = Message(topic=f"{self._root}/{topic}", payload=payload, retain=retain)
        self._unsent.append(message)
        self._more.set()
        await message.sent.wait()

    async def ack(self, order_id: str, state: str, within_s: float, *, revision: int | None = None) -> dict[str, Any]:
        """Return the first ack of an order in a state, waiting for it if need be. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self.news:
            while (found := self._find(order_id, state, revision)) is None:
                await self.news.wait()
        return found

    def _find(self, order_id: str, state: str, revision: int | None) -> dict[str, Any] | None:
        wanted = {"order_id": order_id, "state": state} | ({} if revision is None else {"revision": revision})
        return next((ack for ack in self.acks if wanted.items() <= ack.items()), None)

    def states(self, order_id: str) -> list[str]:
        """Return the states that an order was acked in, in order."""
        return [ack["state"] for ack in self.acks if ack["order_id"] == order_id]
