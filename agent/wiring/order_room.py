"""Joins the sources of orders to control: the broker, issuers' silence, signals, the schedule.

Orders from the broker are taken in in their order, those that wait together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from agent.clock import Clock
from agent.config import Config, ConfigError, Problem
from agent.control.controller import Controller
from agent.control.desk import Desk
from agent.control.own_orders import OwnOrders
from agent.control.schedule_keeper import ScheduleKeeper
from agent.control.signal_feeds import Feed, SignalFeeds
from agent.control.silence_watch import SilenceWatch
from agent.facts import AnyFact, OrderReceived
from agent.facts.orders import OrderVanished
from agent.inputs.order_schedule import Schedule, parse_schedule
from agent.inputs.signals import BadSignal, parse_heartbeat, parse_signal
from agent.links.mqtt import MqttLink
from agent.orders.order import CLASSES
from agent.settings import prefix_of
from agent.wiring.kept_orders import KeptOrders

AT_ONCE = 100
"""So many documents that wait are taken in together at the most: each alone would cost a look at the whole farm."""
log = structlog.get_logger()


def schedule_of(config: Config) -> Schedule:
    """Return the schedule of orders, an empty one where there is none. Raises ConfigError."""
    schema = config.schema
    zone = ZoneInfo(schema.site.timezone)
    if schema.orders.schedule is None:
        return Schedule(zone=zone)
    path = config.folder / schema.orders.schedule
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = f"{schema.orders.schedule} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=config.file, key="orders.schedule", reason=reason)]) from None
    schedule = parse_schedule(text, path.name, zone)
    told = [(row.id, _unfounded(config, row.issuer, row.order_class)) for row in schedule.rows]
    problems = [Problem(file=path.name, key=f"order.{name}", reason=reason) for name, reason in told if reason]
    if problems:
        raise ConfigError(problems)
    return schedule


def _unfounded(config: Config, issuer: str, order_class: str) -> str | None:
    known = config.schema.orders.issuers.get(issuer)
    if known is None:
        return f"{issuer} is no issuer of {config.file}"
    return None if order_class in known.classes else f"{issuer} may not issue class {order_class}"


class OrderRoom:
    """Everything that orders come from, but HTTP and the shell."""

    def __init__(self, config: Config, desk: Desk, controller: Controller, clock: Clock) -> None:
        parts = controller.parts
        self._config = config
        self._desk = desk
        self._incoming: asyncio.Queue[tuple[str, bytes] | frozenset[str]] = asyncio.Queue()
        self._kept, self._views = KeptOrders(), parts.book.views
        own = OwnOrders(desk, parts.book, config.schema.site.id, clock)
        self.silence = SilenceWatch(own, parts.journal, parts.book.policy.trust, clock)
        self._signals = SignalFeeds(_feeds(config), own, clock)
        self._schedule = ScheduleKeeper(schedule_of(config), own, clock)

    def listen(self, link: MqttLink) -> None:
        """Hear orders, heartbeats and signals over MQTT."""
        prefix = prefix_of(self._config)
        link.listen(f"{prefix}/orders/+", self._hear)
        link.on_kept = self._caught_up
        link.listen(f"{prefix}/heartbeat/+", self._beat)
        for name, signal in self._config.schema.orders.signals.items():
            link.listen(signal.topic, self._ear(name, signal.format))

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived tasks by name."""
        return {
            "intake": self._intake,
            "silence": self.silence.run,
            "signals": self._signals.run,
            "schedule": self._schedule.run,
        }

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        self.silence.replayed(fact)
        match fact:
            case OrderVanished(order_id=order_id):
                self._kept.told(order_id)
            case OrderReceived(order_id=order_id, transport="mqtt"):
                self._kept.heard(order_id)
            case _:
                return

    async def _intake(self) -> None:
        while True:
            documents: list[tuple[str | None, bytes]] = []
            told = await self._incoming.get()
            while not isinstance(told, frozenset) and told[1]:
                documents.append((_last(told[0]), told[1]))
                if len(documents) == AT_ONCE or self._incoming.empty():
                    break
                told = self._incoming.get_nowait()
            if documents:
                await self._desk.take_in_all(documents, transport="mqtt")
            match told:
                case frozenset() as heard:
                    for order_id in self._kept.lost(heard, self._views()):
                        await self._desk.vanish(order_id)
                case topic, raw if not raw:
                    await self._desk.vanish(_last(topic))
                case _:
                    continue

    def _hear(self, topic: str, raw: bytes, _retained: bool) -> None:  # noqa: FBT001 - the shape of a handler
        (self._kept.heard if raw else self._kept.told)(_last(topic))
        self._incoming.put_nowait((topic, raw))

    def _caught_up(self, all_came: bool) -> None:  # noqa: FBT001 - as the link calls it
        if all_came:
            self._incoming.put_nowait(self._kept.complete())
        else:
            self._kept.begin()

    def _beat(self, topic: str, raw: bytes, retained: bool) -> None:  # noqa: FBT001 - the shape of a handler
        issuer = _last(topic)
        if retained:
            return
        try:
            refused = self.silence.beat(issuer, parse_heartbeat(raw))
        except BadSignal as error:
            refused = str(error)
        if refused is not None:
            log.warning("a heartbeat does not count", issuer=ascii(issuer)[1:65], reason=refused)

    def _ear(self, name: str, kind: str) -> Callable[[str, bytes, bool], None]:
        def hear(_topic: str, raw: bytes, retained: bool) -> None:  # noqa: FBT001 - the shape of a handler
            if retained:
                return
            try:
                told = parse_signal(raw, kind)
                refused = self._signals.heard(name, told.limit, told.at)
            except BadSignal as error:
                refused = str(error)
            if refused is not None:
                log.warning("a signal does not count", signal=name, reason=refused)

        return hear


def _last(topic: str) -> str:
    return topic.rpartition("/")[2]


def _feeds(config: Config) -> list[Feed]:
    orders = config.schema.orders
    return [
        Feed(
            name=name,
            issuer=signal.issuer,
            order_class=min(orders.issuers[signal.issuer].classes, key=CLASSES.index, default="operator"),
            silence_s=signal.silence_s,
        )
        for name, signal in orders.signals.items()
    ]
