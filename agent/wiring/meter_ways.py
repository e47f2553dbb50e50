"""How each meter that has to be asked is spoken to: its driver, and the way to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from agent.config import Config
from agent.config.schema import Meter
from agent.register_maps import register_map
from agent.settings import login_of
from agent.wiring.device_ways import HTTP_PORT, MODBUS_PORT, Ways, path_of, place_of
from drivers.interface import Conversation
from drivers.meter import MeterConversation, MeterDriver, MeterReading, PageMeter
from drivers.meter_http import HttpMeter
from drivers.meter_modbus import ModbusMeter
from drivers.meter_shelly import ShellyMeter
from drivers.meter_sunspec import SunSpecMeter
from drivers.meter_tasmota import TasmotaMeter

REGISTERS = frozenset({"modbus", "sunspec"})
Ask = Callable[[], Coroutine[Any, Any, MeterReading]]


class Tap(Protocol):
    """Lets a conversation pass through, and may look on."""

    def registers(self, conversation: MeterConversation) -> MeterConversation:
        """Pass a conversation about registers through."""

    def pages(self, conversation: Conversation[MeterReading]) -> Conversation[MeterReading]:
        """Pass a conversation about pages through."""


def ask_of(config: Config, meter: Meter, ways: Ways, tap: Tap | None = None) -> Ask:
    """Return what asks a meter once, which raises DeviceError. Raises ConfigError for a secret."""
    return _registers(config, meter, ways, tap) if meter.kind in REGISTERS else _pages(config, meter, ways, tap)


def meter_place(meter: Meter) -> str:
    """Return HOST:PORT of a meter that is asked."""
    return place_of(meter.address or "", MODBUS_PORT if meter.kind in REGISTERS else HTTP_PORT)


def _registers(config: Config, meter: Meter, ways: Ways, tap: Tap | None) -> Ask:
    line, driver = ways.line(meter_place(meter)), _driver(config, meter)

    async def ask() -> MeterReading:
        conversation = driver.read()
        return await line.run(meter.unit, conversation if tap is None else tap.registers(conversation))

    return ask


def _driver(config: Config, meter: Meter) -> MeterDriver:
    if meter.kind == "sunspec":
        return SunSpecMeter()
    return ModbusMeter(register_map(meter.map or "", config.folder))


def _pages(config: Config, meter: Meter, ways: Ways, tap: Tap | None) -> Ask:
    driver = _page_driver(config, meter)

    async def ask() -> MeterReading:
        conversation = driver.read()
        return await ways.page(meter_place(meter), conversation if tap is None else tap.pages(conversation))

    return ask


def _page_driver(config: Config, meter: Meter) -> PageMeter:
    login = login_of(config, meter.credentials)
    match meter.kind:
        case "shelly":
            return ShellyMeter(meter.unit, login)
        case "tasmota":
            return TasmotaMeter(login)
        case _:
            return HttpMeter(path_of(meter.address or ""), login)
