"""How devices that are no machines are reached: Modbus lines, one an address, and pages over the HTTP lane.

A gateway to a serial bus wants one connection and one request at a time: all devices of a site share these.
Whatever needs pymodbus is imported only where a device needs it.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from drivers.interface import Conversation, Target
from drivers.modbus import ModbusConversation
from drivers.snmp import Access, SnmpConversation
from drivers.transports.lanes import Lanes

T = TypeVar("T")
MODBUS_PORT, HTTP_PORT, SNMP_PORT = 502, 80, 161


class Line(Protocol):
    """Where devices with registers are reached: a drivers.transports.modbus_tcp.ModbusLine."""

    async def run(self, unit: int, conversation: ModbusConversation[T]) -> T:
        """Run a conversation with one unit. Raises DeviceError."""

    def close(self) -> None:
        """Drop the connection."""


class Datagrams(Protocol):
    """Where a device is reached over SNMP: a drivers.transports.snmp_udp.SnmpLine."""

    async def run(self, conversation: SnmpConversation[T]) -> T:
        """Run a conversation. Raises DeviceError."""

    def close(self) -> None:
        """Close the socket."""


class Ways:
    """The ways to a site's devices. `close` drops them; whoever asks again opens them again."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._datagrams: dict[tuple[str, Access], Datagrams] = {}
        self._engine: Any = None
        self._lanes: Lanes | None = None

    def line(self, place: str) -> Line:
        """Return the line to HOST:PORT."""
        return self._lines.get(place) or self._lines.setdefault(place, _line_to(place))

    def datagrams(self, place: str, access: Access) -> Datagrams:
        """Return the way over SNMP to HOST:PORT."""
        key = place, access
        if key not in self._datagrams:
            self._datagrams[key] = self._datagrams_to(place, access)
        return self._datagrams[key]

    def _datagrams_to(self, place: str, access: Access) -> Datagrams:
        from drivers.transports.snmp_udp import Engine, SnmpLine  # noqa: PLC0415 - pysnmp, where there is such a device

        self._engine = self._engine or Engine()
        host, _, port = place.rpartition(":")
        return SnmpLine(host.strip("[]"), int(port), access, self._engine)

    async def page(self, place: str, conversation: Conversation[T]) -> T:
        """Hold a conversation with what serves pages at HOST:PORT. Raises DeviceError."""
        host, _, port = place.rpartition(":")
        self._lanes = self._lanes or Lanes()
        return await self._lanes.run(Target(host=host.strip("[]"), http_port=int(port)), conversation)

    async def close(self) -> None:
        """Drop every connection."""
        for line in self._lines.values():
            line.close()
        for way in self._datagrams.values():
            way.close()
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            await lanes.close()


def place_of(address: str, usual_port: int) -> str:
    """Return HOST:PORT of an address that may name no port, or a path."""
    told = address.partition("/")[0]
    host, colon, port = told.rpartition(":")
    return f"{host}:{port}" if colon and port.isdigit() else f"{told}:{usual_port}"


def path_of(address: str) -> str:
    """Return the path that an address names, / for none."""
    return f"/{address.partition('/')[2]}"


def _line_to(place: str) -> Line:
    from drivers.transports.modbus_tcp import ModbusLine  # noqa: PLC0415 - pymodbus, where there is such a device

    host, _, port = place.rpartition(":")
    return ModbusLine(host.strip("[]"), int(port))
