"""The devices of a site that are no machines, joined to control: meters, safety inputs, outlets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from agent.clock import Clock
from agent.config import Config
from agent.control.asking import Asking
from agent.control.controller import Controller
from agent.links.mqtt import MqttLink
from agent.wiring.device_ways import Ways
from agent.wiring.meter_room import MeterRoom
from agent.wiring.outlet_room import OutletRoom
from agent.wiring.safety_room import SafetyRoom


class DeviceRoom:
    """Hears those that speak over MQTT, and asks those that have to be asked."""

    def __init__(self, config: Config, controller: Controller, clock: Clock) -> None:
        self._clock = clock
        self._safety = controller.parts.safety
        self._meter_room = MeterRoom(config, controller, clock)
        self._safety_room = SafetyRoom(config, controller, clock)
        self._outlet_room = OutletRoom(config, controller, clock)

    def listen(self, link: MqttLink) -> None:
        """Hear those that speak over MQTT; before the link runs."""
        self._meter_room.listen(link)
        self._safety_room.listen(link)
        self._outlet_room.listen(link)

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived tasks by name. Raises ConfigError for a secret."""
        ways = Ways()
        asked = [*self._meter_room.asked(ways), *self._safety_room.asked(ways), *self._outlet_room.asked(ways)]
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        if asked:
            works["devices"] = Asking(asked, self._clock, ways.close).run
        if self._safety.may_fall_silent:
            works["safety"] = self._safety_room.watch
        return works
