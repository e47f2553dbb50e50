"""A broker in memory, and the grid operator behind it: what he ordered, and what was acknowledged to him.

It keeps what is retained and hands it over again at each connection; what an agent was handed and had not written down
when it died is lost with it, as a PUBACK that came too early.
"""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

ROOT = "hashwatt/winter"


class Broker:
    """Who is connected hears of what is published; `up` says whether anybody is."""

    def __init__(self):
        self.up = True
        self.retained = {}
        self.acks = defaultdict(list)  # as they came, by order
        self.link = None

    def publish(self, order_id, document):
        """Keep an order, and hand it over."""
        self.retained[f"{ROOT}/orders/{order_id}"] = raw = json.dumps(document).encode()
        if self.link is not None and self.link.connected.is_set():
            self.link.hand(f"{ROOT}/orders/{order_id}", raw)

    def beat(self, issuer):
        """Hand over that an issuer is there; returns whether somebody heard it."""
        heard = self.link is not None and self.link.connected.is_set()
        if heard:
            self.link.hand(f"{ROOT}/heartbeat/{issuer}", b"")
        return heard

    def take(self, message):
        """Take in what the agent says."""
        if message.topic.endswith("/ack"):
            ack = json.loads(message.payload)
            if not self.acks[ack["order_id"]] or self.acks[ack["order_id"]][-1] != ack:
                self.acks[ack["order_id"]].append(ack)


class Link:
    """Stands where the connection does; `turn` does what there is to do, once a step."""

    def __init__(self, broker, ledger):
        self.broker = broker
        self.connected = asyncio.Event()
        self.on_change = lambda _up: None
        self._ledger = ledger
        self._handlers = {}
        self._waiting = []
        broker.link = self

    def listen(self, topic, handler):
        """Pass what is published to `handler`."""
        self._handlers[topic] = handler

    def hand(self, topic, raw):
        """Pass one message on."""
        for pattern, handler in self._handlers.items():
            if pattern.rpartition("/")[0] == topic.rpartition("/")[0]:
                handler(topic, raw, False)

    def post(self, messages):
        """Take what was written to the outbox."""
        self._waiting += messages

    async def tell(self, _topic, _payload, *, retain=False):
        """Drop what is worth nothing later."""

    async def leave(self, _seconds):
        """Hand over what waits."""
        await self.turn()

    async def run(self):
        """Wait for ever: turns are taken by the steps."""
        await asyncio.Event().wait()

    async def turn(self):
        """Come and go with the broker, and hand over what waits, in order."""
        if self.broker.up != self.connected.is_set():
            if self.broker.up:
                self.connected.set()
                self._waiting = await self._ledger.outbox()
                for topic, raw in self.broker.retained.items():
                    self.hand(topic, raw)
            else:
                self.connected.clear()
            self.on_change(self.broker.up)
        if not self.broker.up:
            self._waiting.clear()  # the outbox has them
        elif self._waiting:
            messages, self._waiting = self._waiting, []
            for message in messages:
                self.broker.take(message)
            await self._ledger.drop([message.number for message in messages])


@dataclass
class Ordered:
    """An order as its issuer knows it, with what binds by right."""

    order_id: str
    order_class: str
    limit: dict
    starts_at: datetime
    ends_at: datetime | None
    by_issuer: bool = False  # only its issuer ends it
    own: bool = False  # the agent's own: its revisions are its affair
    released: bool = False
    revisions: list = field(default_factory=lambda: [1])

    @property
    def is_stop(self):
        """Whether nobody may hash."""
        return bool(self.limit.get("stop"))

    def binds(self, at):
        """Whether it binds by right at an instant of true time."""
        if self.released or at < self.starts_at:
            return False
        return self.by_issuer or self.ends_at is None or at < self.ends_at

    def changed_at(self, at):
        """Return since when it has asked for what it asks for at an instant."""
        return max([self.starts_at, *(since for since, _ in self._steps() if since <= at)])

    def cap_w(self, world, at):
        """Return what it allows at an instant."""
        if self.is_stop:
            return (world.house_w + world.standby_w.sum()) * 1.01
        if "trajectory" in self.limit:
            return next((kw * 1000.0 for since, kw in reversed(self._steps()) if since <= at), float("inf"))
        return self.limit["max_import_kw"] * 1000.0

    def _steps(self):
        """Return the instants and the kW of a trajectory."""
        points = self.limit.get("trajectory", ())
        return [(datetime.fromisoformat(point["at"]), point["max_import_kw"]) for point in points]
