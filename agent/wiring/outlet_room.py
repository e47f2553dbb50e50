"""Joins outlets to control: from the configuration to what reads them, and what switches them when control says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from agent.clock import Clock
from agent.config import Config, ConfigError, Problem
from agent.config.schema_devices import Outlet
from agent.control.asking import Asked
from agent.control.controller import Controller
from agent.links.mqtt import MqttLink
from agent.settings import login_of, logins_of
from agent.wiring.device_ways import HTTP_PORT, MODBUS_PORT, SNMP_PORT, Ways, place_of
from drivers.errors import DeviceError, Garbled
from drivers.modbus_point import Point
from drivers.outlet import OutletReading, PageOutlet
from drivers.outlet_coil import Coil
from drivers.outlet_http import http_outlet
from drivers.outlet_mqtt import MqttOutlet
from drivers.outlet_shelly import ShellyOutlet
from drivers.outlet_snmp import SnmpOutlet
from drivers.outlet_tasmota import TasmotaOutlet
from drivers.snmp import Access, access_of, unusable

log = structlog.get_logger()


def check_snmp(config: Config) -> None:
    """Look for logins that SNMP outlets cannot be spoken with; a secret that cannot be read here is passed over.

    Raises ConfigError.
    """
    names = {one.credentials for one in config.schema.outlet if one.kind == "snmp" and one.credentials is not None}
    found = []
    for name in sorted(names):
        try:
            wrong = unusable(logins_of(config, name))
        except ConfigError:
            continue
        if wrong is not None:
            key = f"credentials.{name}.logins.{wrong[0]}.password"
            found.append(Problem(file=config.file, key=key, reason=wrong[1]))
    if found:
        raise ConfigError(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one outlet is read and switched; each raises DeviceError."""

    read: Callable[[], Awaitable[OutletReading]]
    switch: Callable[[bool], Awaitable[OutletReading | None]]  # None: what it says comes by itself


class OutletRoom:
    """Takes what outlets say to control, and switches those that it names."""

    def __init__(self, config: Config, controller: Controller, clock: Clock) -> None:
        self._config = config
        self._controller = controller
        self._clock = clock
        self._outlets = {one.id: one for one in config.schema.outlet}
        self._switches: dict[str, Callable[[bool], Awaitable[OutletReading | None]]] = {}
        self._queries: dict[str, Callable[[], Awaitable[None]]] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        controller.cutting.switch = self._switch

    def listen(self, link: MqttLink) -> None:
        """Hear the outlets that speak over MQTT, and be able to tell them."""
        for one in self._outlets.values():
            if one.kind == "mqtt":
                spoken = MqttOutlet.of(one.profile or "plain", one.topic or "", one.output)
                link.listen(spoken.state_topic, self._ear(one.id, spoken))
                self._switches[one.id] = _over_mqtt(link, spoken)
                if spoken.query is not None:
                    self._queries[one.id] = _query(link, spoken.command_topic, spoken.query)

    def asked(self, ways: Ways) -> Iterator[Asked]:
        """Yield the outlets that have to be asked. Raises ConfigError for a secret."""
        check_snmp(self._config)
        for one in self._outlets.values():
            if (query := self._queries.get(one.id)) is not None:
                yield Asked(kind="outlet", id=one.id, ask=query, hear=lambda _: None, period_s=one.period_s)
            if one.kind == "mqtt":
                continue
            way = self._way(one, ways)
            self._switches[one.id] = way.switch
            yield Asked(kind="outlet", id=one.id, ask=way.read, hear=self._hearer(one.id), period_s=one.period_s)

    def _way(self, one: Outlet, ways: Ways) -> _Way:
        match one.kind:
            case "modbus":
                return _coil(one, ways)
            case "snmp":
                return _datagrams(one, ways, access_of(logins_of(self._config, one.credentials)))
            case _:
                return self._page(one, ways)

    def _page(self, one: Outlet, ways: Ways) -> _Way:
        place, driver = place_of(one.address or "", HTTP_PORT), self._page_driver(one)

        async def read() -> OutletReading:
            return await ways.page(place, driver.read())

        async def switch(on: bool) -> OutletReading:  # noqa: FBT001 - the one thing that it is told
            return await ways.page(place, driver.switch(on=on))

        return _Way(read=read, switch=switch)

    def _page_driver(self, one: Outlet) -> PageOutlet:
        login = login_of(self._config, one.credentials)
        match one.kind:
            case "shelly":
                return ShellyOutlet(one.output, login)
            case "tasmota":
                return TasmotaOutlet(one.output, login)
            case _:
                return http_outlet(one.profile or "", one.output, login)

    def _switch(self, name: str, on: bool) -> None:  # noqa: FBT001 - as control calls it
        """Begin to switch one; one that is being told is told again later."""
        if name not in self._switches or name in self._under_way:
            return
        task = asyncio.get_running_loop().create_task(self._tell(name, on=on), name=f"switch {name}")
        self._under_way[name] = task
        task.add_done_callback(lambda _task: self._under_way.pop(name, None))

    async def _tell(self, name: str, *, on: bool) -> None:
        try:
            reading = await self._switches[name](on)
        except DeviceError as error:
            log.error("an outlet was not switched", outlet=name, on=on, kind=type(error).__name__, error=str(error))
            return
        log.warning("an outlet was told", outlet=name, on=on, says=None if reading is None else reading.on)
        if reading is not None:
            self._hear(name, reading)

    def _hearer(self, name: str) -> Callable[[OutletReading], None]:
        return lambda reading: self._hear(name, reading)

    def _ear(self, name: str, spoken: MqttOutlet) -> Callable[[str, bytes, bool], None]:
        def hear(_topic: str, raw: bytes, retained: bool) -> None:  # noqa: FBT001 - as the link calls it
            try:
                reading = spoken.reading(raw)
            except Garbled as error:
                log.warning("what the outlet says cannot be read", outlet=name, error=str(error))
                return
            if not retained:  # what the broker had kept may be of any age
                self._hear(name, reading)

        return hear

    def _hear(self, name: str, reading: OutletReading) -> None:
        now = self._clock.now()
        outlets = self._controller.parts.outlets
        was = outlets.is_on(name, now.mono)
        outlets.heard(name, on=reading.on, power_w=reading.power_w, mono=now.mono)
        if outlets.is_on(name, now.mono) != was:
            self._controller.cutting.show(now.mono)
            self._controller.wake()


def _coil(one: Outlet, ways: Ways) -> _Way:
    line, coil = ways.line(place_of(one.address or "", MODBUS_PORT)), Coil(Point.of(one.point or "").address)

    async def read() -> OutletReading:
        return await line.run(one.unit, coil.read())

    async def switch(on: bool) -> OutletReading:  # noqa: FBT001 - the one thing that it is told
        return await line.run(one.unit, coil.switch(on=on))

    return _Way(read=read, switch=switch)


def _datagrams(one: Outlet, ways: Ways, access: Access) -> _Way:
    way = ways.datagrams(place_of(one.address or "", SNMP_PORT), access)
    outlet = SnmpOutlet(one.profile or "", one.output, one.unit)

    async def read() -> OutletReading:
        return await way.run(outlet.read())

    async def switch(on: bool) -> OutletReading:  # noqa: FBT001 - the one thing that it is told
        return await way.run(outlet.switch(on=on))

    return _Way(read=read, switch=switch)


def _over_mqtt(link: MqttLink, spoken: MqttOutlet) -> Callable[[bool], Awaitable[OutletReading | None]]:
    async def switch(on: bool) -> None:  # noqa: FBT001 - the one thing that it is told
        await link.tell(spoken.command_topic, spoken.word(on=on))

    return switch


def _query(link: MqttLink, topic: str, payload: bytes) -> Callable[[], Awaitable[None]]:
    async def ask() -> None:
        await link.tell(topic, payload)

    return ask
