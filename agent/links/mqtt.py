"""The one connection to the broker: one will, a session that lasts, and an outbox that loses nothing.

A PUBACK proves nothing: a broker acknowledges what it then refuses to pass on. So a row of the outbox is dropped
only when our own subscription has shown it to us again. After a crash the broker's queue for our session is read
first, up to a marker that we send ourselves: what a former life published comes back before the marker, at the
least each topic's last retained message, and is dropped with all that went to that topic before it. Only what nobody
has seen is published (again), in order.
"""

from __future__ import annotations

import asyncio
import math
import random
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.links.outgoing import Outgoing

SESSION_S = 0xFFFFFFFE
"""As long as a broker keeps a session: 136 years."""
MOST_UNSEEN = 64
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0
CONNECT_S = 8.0
log = structlog.get_logger()

Handler = Callable[[str, bytes, bool], None]


class Outbox(Protocol):
    """The lasting rows: a ledger."""

    async def outbox(self) -> list[Outgoing]:
        """Return the messages that nobody has seen arrive, in order."""
        ...

    async def drop(self, numbers: Sequence[int]) -> bool:
        """Forget messages that arrived; False where it could not be written down."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, and who we are to it; secrets resolved."""

    host: str
    port: int
    client_id: str
    prefix: str  # e.g. hashwatt/bishkek-1
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


class MqttLink:
    """Keeps the connection up for ever. Handlers are called on the loop, one message at a time."""

    def __init__(self, broker: Broker, outbox: Outbox, chance: random.Random) -> None:
        self.broker = broker
        self.connected = asyncio.Event()
        self.on_change: Callable[[bool], None] = _unheard
        self.on_kept: Callable[[bool], None] = _unheard  # False: what the broker kept will come; True: it all has
        self._outbox = outbox
        self._chance = chance
        self._handlers: dict[str, Handler] = {}
        self._waiting: deque[Outgoing] = deque()
        self._unseen: dict[tuple[str, bytes], list[int]] = {}
        self._under_way = 0
        self._last = 0
        self._more = asyncio.Event()
        self._marked = asyncio.Event()
        self._seen = asyncio.Event()
        self._gone = asyncio.Event()
        self._arrived: list[int] = []
        self._client: aiomqtt.Client | None = None
        self._version = aiomqtt.ProtocolVersion.V5
        self._marker = b""

    def listen(self, topic: str, handler: Handler) -> None:
        """Pass messages of a topic filter to `handler(topic, payload, retained)`; before `run`."""
        self._handlers[topic] = handler

    def post(self, messages: Sequence[Outgoing]) -> None:
        """Publish what was just written to the outbox, in order; while the broker is away it waits in the ledger."""
        self._queue(messages)
        self._more.set()

    def _queue(self, messages: Sequence[Outgoing]) -> None:
        fresh = [message for message in messages if message.number > self._last]
        if fresh:
            self._last = fresh[-1].number
            self._waiting.extend(fresh)

    async def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish what is worth nothing later: dropped while there is no broker."""
        if self._client is None or not self.connected.is_set():
            return
        try:
            await _publish(self._client, Outgoing(topic=topic, payload=payload, retain=retain))
        except aiomqtt.MqttError:
            return  # the reader of this connection sees the same and connects anew

    async def leave(self, seconds: float) -> None:
        """Say that we go of our own will: what is posted goes out first, for so long at most."""
        if not self.connected.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                while self._waiting or self._unseen:
                    self._gone.clear()
                    await self._gone.wait()
        except TimeoutError:
            log.warning("acknowledgements wait in the outbox", count=len(self._waiting) + len(self._unseen))
        await self.tell(f"{self.broker.prefix}/status", b"offline", retain=True)

    async def run(self) -> None:
        """Connect, and connect again, for ever."""
        retry_s = FIRST_RETRY_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await _alone(self._session())
            except* aiomqtt.MqttError as errors:
                self._down(str(errors.exceptions[0]))
            if asyncio.get_running_loop().time() - began > LAST_RETRY_S:
                retry_s = FIRST_RETRY_S
            await asyncio.sleep(retry_s * self._chance.uniform(0.5, 1.0))
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    def _down(self, error: str) -> None:
        was_up = self.connected.is_set()
        self.connected.clear()
        self._client = None
        if was_up:
            self.on_change(False)
        else:  # a broker that only knows 3.1.1 hangs up on a 5
            v5 = aiomqtt.ProtocolVersion.V5
            self._version = aiomqtt.ProtocolVersion.V311 if self._version == v5 else v5
        log.warning("broker lost" if was_up else "broker not reached", link="mqtt", error=error)

    def _new_client(self) -> aiomqtt.Client:
        broker, v5 = self.broker, self._version == aiomqtt.ProtocolVersion.V5
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
        properties.SessionExpiryInterval = SESSION_S
        return aiomqtt.Client(
            broker.host,
            broker.port,
            identifier=broker.client_id,
            username=broker.username,
            password=broker.password,
            tls_context=broker.tls,
            protocol=self._version,
            clean_session=None if v5 else False,
            clean_start=False if v5 else 3,  # 3: paho's MQTT_CLEAN_START_FIRST_ONLY
            properties=properties if v5 else None,
            will=aiomqtt.Will(f"{broker.prefix}/status", b"offline", qos=1, retain=True),
            timeout=CONNECT_S,
            max_queued_incoming_messages=100_000,
        )

    async def _session(self) -> None:
        async with self._new_client() as client:
            self.on_kept(False)
            self._marked.clear()
            self._marker = f"{self._chance.getrandbits(64):016x}".encode()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(client), name="mqtt-read")
                tasks.create_task(self._write(client), name="mqtt-write")
                tasks.create_task(self._forget(), name="mqtt-forget")

    async def _write(self, client: aiomqtt.Client) -> None:
        await self._catch_up(client)
        await _publish(client, Outgoing(topic=f"{self.broker.prefix}/status", payload=b"online", retain=True))
        self._client = client
        self.connected.set()
        self.on_change(True)
        log.info("broker reached", link="mqtt", version=self._version.name)
        while True:
            while self._waiting and self._under_way < MOST_UNSEEN:
                message = self._waiting.popleft()
                self._expect(message)
                self._under_way = len(self._unseen)
                await _publish(client, message)
            self._more.clear()
            if not self._waiting or self._under_way >= MOST_UNSEEN:
                await self._more.wait()

    async def _catch_up(self, client: aiomqtt.Client) -> None:
        """Read what the broker kept for us up to our own marker; queue what a former life left unpublished."""
        self._unseen.clear()
        for message in await self._outbox.outbox():
            self._expect(message)
        prefix = self.broker.prefix
        for topic in (f"{prefix}/orders/+/ack", f"{prefix}/echo", *self._handlers):
            await _in_time(client.subscribe(topic, qos=1, timeout=math.inf))
        await _publish(client, Outgoing(topic=f"{prefix}/echo", payload=self._marker, retain=False))
        try:
            async with asyncio.timeout(LAST_RETRY_S):
                await self._marked.wait()
        except TimeoutError:
            raise aiomqtt.MqttError("our own messages do not come back: subscribe is refused") from None
        self.on_kept(True)
        await self._drop_arrived()
        self._unseen.clear()
        self._waiting.clear()
        self._last = self._under_way = 0
        self._queue(await self._outbox.outbox())

    def _expect(self, message: Outgoing) -> None:
        self._unseen.setdefault((message.topic, message.payload), []).append(message.number)

    async def _read(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            topic = message.topic.value
            if message.topic.matches(f"{self.broker.prefix}/echo"):
                self._mark(payload)
            elif topic.endswith("/ack"):
                self._echoed(topic, payload)
            else:
                self._hand(message, topic, payload)

    def _mark(self, payload: bytes) -> None:
        if payload == self._marker:
            self._marked.set()

    def _hand(self, message: aiomqtt.Message, topic: str, payload: bytes) -> None:
        for pattern, handler in self._handlers.items():
            if message.topic.matches(pattern):
                handler(topic, payload, message.retain)

    def _echoed(self, topic: str, payload: bytes) -> None:
        """Note that a message of ours came back: it is on the broker, and so is what went to its topic before it."""
        numbers = self._unseen.get((topic, payload))
        if numbers is None:
            return
        last = max(numbers)
        for key in [key for key, sent in self._unseen.items() if key[0] == topic and min(sent) <= last]:
            self._arrived += self._unseen.pop(key)
        self._under_way = len(self._unseen)
        self._seen.set()
        self._more.set()
        self._gone.set()

    async def _forget(self) -> None:
        while True:
            await self._seen.wait()
            if not await self._drop_arrived():
                await asyncio.sleep(FIRST_RETRY_S)

    async def _drop_arrived(self) -> bool:
        self._seen.clear()
        numbers, self._arrived = self._arrived, []
        if numbers and not await self._outbox.drop(numbers):
            self._arrived = numbers + self._arrived
            self._seen.set()
            return False
        return True


async def _alone(session: Coroutine[Any, Any, None]) -> None:
    """Run a session in a task of its own: one that fails while it is cancelled must not swallow our cancellation."""
    task = asyncio.create_task(session, name="mqtt-session")
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    task.result()


async def _publish(client: aiomqtt.Client, message: Outgoing) -> None:
    await _in_time(client.publish(message.topic, message.payload, qos=1, retain=message.retain, timeout=math.inf))


async def _in_time(call: Coroutine[Any, Any, Any]) -> None:
    """Bound a call; aiomqtt's own bound is wait_for, which in Python 3.11 may lose a cancellation."""
    try:
        async with asyncio.timeout(CONNECT_S):
            await call
    except TimeoutError:
        raise aiomqtt.MqttError("the broker does not answer") from None


def _unheard(_up: bool) -> None:  # noqa: FBT001 - the shape of a listener
    """Stand in for a listener."""
