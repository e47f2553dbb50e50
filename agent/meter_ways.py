"""How the meters that have to be asked are reached: Modbus lines, one an address, and pages over the HTTP lane.

Whatever needs pymodbus is imported only where a meter needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from agent.config import Config
from agent.config_schema import Meter
from agent.register_maps import register_map
from agent.settings import login_of
from drivers.interface import Conversation, Target
from drivers.meter import MeterConversation, MeterDriver, MeterReading, PageMeter
from drivers.meter_http import HttpMeter
from drivers.meter_modbus import ModbusMeter
from drivers.meter_shelly import ShellyMeter
from drivers.meter_sunspec import SunSpecMeter
from drivers.meter_tasmota import TasmotaMeter
from drivers.transports.lanes import Lanes

REGISTERS = frozenset({"modbus", "sunspec"})
MODBUS_PORT, HTTP_PORT = 502, 80
Ask = Callable[[], Coroutine[Any, Any, MeterReading]]


class Line(Protocol):
    """Where meters with registers are reached: a drivers.transports.modbus_tcp.ModbusLine."""

    async def run(self, unit: int, conversation: MeterConversation) -> MeterReading:
        """Run a conversation with one unit. Raises DeviceError."""

    def close(self) -> None:
        """Drop the connection."""


class Tap(Protocol):
    """Lets a conversation pass through, and may look on."""

    def registers(self, conversation: MeterConversation) -> MeterConversation:
        """Pass a conversation about registers through."""

    def pages(self, conversation: Conversation[MeterReading]) -> Conversation[MeterReading]:
        """Pass a conversation about pages through."""


class MeterWays:
    """The ways to a configuration's meters. `close` drops them; whoever asks again opens them again."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lines: dict[str, Line] = {}
        self._lanes: Lanes | None = None

    def to(self, meter: Meter, tap: Tap | None = None) -> Ask:
        """Return what asks a meter once, which raises DeviceError. Raises ConfigError for a secret."""
        return self._registers(meter, tap) if meter.kind in REGISTERS else self._pages(meter, tap)

    async def close(self) -> None:
        """Drop every connection."""
        for line in self._lines.values():
            line.close()
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            await lanes.close()

    def _registers(self, meter: Meter, tap: Tap | None) -> Ask:
        place, driver = place_of(meter), self._driver(meter)
        line = self._lines.get(place) or self._lines.setdefault(place, _line_to(place))

        async def ask() -> MeterReading:
            conversation = driver.read()
            return await line.run(meter.unit, conversation if tap is None else tap.registers(conversation))

        return ask

    def _driver(self, meter: Meter) -> MeterDriver:
        if meter.kind == "sunspec":
            return SunSpecMeter()
        return ModbusMeter(register_map(meter.map or "", self._config.folder))

    def _pages(self, meter: Meter, tap: Tap | None) -> Ask:
        host, _, port = place_of(meter).rpartition(":")
        target, driver = Target(host=host.strip("[]"), http_port=int(port)), self._page_driver(meter)

        async def ask() -> MeterReading:
            conversation = driver.read()
            self._lanes = self._lanes or Lanes()
            return await self._lanes.run(target, conversation if tap is None else tap.pages(conversation))

        return ask

    def _page_driver(self, meter: Meter) -> PageMeter:
        login = login_of(self._config, meter.credentials)
        match meter.kind:
            case "shelly":
                return ShellyMeter(meter.unit, login)
            case "tasmota":
                return TasmotaMeter(login)
            case _:
                return HttpMeter(f"/{(meter.address or '').partition('/')[2]}", login)


def place_of(meter: Meter) -> str:
    """Return HOST:PORT of a meter that is asked."""
    address = (meter.address or "").partition("/")[0]
    host, colon, port = address.rpartition(":")
    usual = MODBUS_PORT if meter.kind in REGISTERS else HTTP_PORT
    return f"{host}:{port}" if colon and port.isdigit() else f"{address}:{usual}"


def _line_to(place: str) -> Line:
    from drivers.transports.modbus_tcp import ModbusLine  # noqa: PLC0415 - pymodbus, where there is such a meter

    host, _, port = place.rpartition(":")
    return ModbusLine(host.strip("[]"), int(port))
