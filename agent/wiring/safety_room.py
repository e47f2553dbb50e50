"""Joins safety inputs to control: from the configuration to what hears them over MQTT and asks them over Modbus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from agent.clock import Clock
from agent.condition import Condition, NotSaid
from agent.config import Config
from agent.config.schema_devices import SafetyInput
from agent.control.asking import Asked
from agent.control.controller import Controller
from agent.links.mqtt import MqttLink
from agent.wiring.device_ways import MODBUS_PORT, Ways, place_of
from drivers.modbus_point import Point

LOOKS_EACH_S = 1.0
"""So often it is looked whether one has been silent for too long."""
log = structlog.get_logger()


class SafetyRoom:
    """Takes what safety inputs say to control, and wakes it where one trips."""

    def __init__(self, config: Config, controller: Controller, clock: Clock) -> None:
        self._inputs = config.schema.safety_input
        self._controller = controller
        self._clock = clock
        self._unsaid: set[str] = set()

    def listen(self, link: MqttLink) -> None:
        """Hear the inputs that speak over MQTT; several may speak in one message."""
        topics: dict[str, list[SafetyInput]] = {}
        for one in self._inputs:
            if one.kind == "mqtt" and one.topic is not None:
                topics.setdefault(one.topic, []).append(one)
        for topic, inputs in topics.items():
            link.listen(topic, self._ear(inputs))

    def asked(self, ways: Ways) -> Iterator[Asked]:
        """Yield the inputs that have to be asked."""
        for one in self._inputs:
            if one.kind == "modbus":
                yield self._asked(one, ways)

    async def watch(self) -> None:
        """Wake control when one has been silent for too long, for ever."""
        while True:
            await self._clock.sleep(LOOKS_EACH_S)
            if self._controller.parts.safety.is_due(self._clock.now().mono):
                self._controller.wake()

    def _asked(self, one: SafetyInput, ways: Ways) -> Asked:
        point, line = Point.of(one.point or ""), ways.line(place_of(one.address or "", MODBUS_PORT))

        async def ask() -> int:
            return await line.run(one.unit, point.read())

        return Asked(
            kind="safety input",
            id=one.id,
            ask=ask,
            hear=lambda value: self._hear(one, str(value), kept=False),
            period_s=one.period_s,
        )

    def _ear(self, inputs: list[SafetyInput]) -> Callable[[str, bytes, bool], None]:
        def hear(_topic: str, raw: bytes, retained: bool) -> None:  # noqa: FBT001 - as the link calls it
            for one in inputs:
                self._hear(one, raw.decode("utf-8", "replace"), kept=retained)

        return hear

    def _hear(self, one: SafetyInput, told: str, *, kept: bool) -> None:
        """Take in a message; one that says neither yes nor no is no message: silence then says true."""
        try:
            value = Condition.of(one.when).holds(told)
        except NotSaid as error:
            if one.id not in self._unsaid:
                self._unsaid.add(one.id)
                log.error("what the safety input says cannot be read", input=one.id, error=str(error))
            return
        self._unsaid.discard(one.id)
        if self._controller.parts.safety.heard(one.id, value=value, mono=self._clock.now().mono, kept=kept):
            self._controller.wake()
