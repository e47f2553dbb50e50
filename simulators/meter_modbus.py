"""The farm's meter on Modbus TCP, as several makes tell the same figures: one make a unit id.

Unit 1 is a three-phase meter of 32-bit floats in W and kWh, unit 2 SunSpec model 203, unit 3 SunSpec model 213, unit 4
scaled whole numbers with the low word first, unit 5 floats in kW and 64-bit Wh. Other meters of the farm are at units
of their own, in the form of unit 1. A silent meter does not answer.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

HEAD = struct.Struct(">HHHB")
MOST_AT_ONCE = 125
GRID_V, GRID_HZ = 231.5, 50.02
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_ANSWER = 1, 2, 3, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the meter says at one moment."""

    power_w: float
    energy_wh: float


Says = Callable[[], Figures | None]
Image = dict[int, int]
"""Registers by their address on the wire."""


def _put(image: Image, address: int, raw: bytes, *, low_first: bool = False) -> None:
    words = list(struct.unpack(f">{len(raw) // 2}H", raw))
    for offset, word in enumerate(reversed(words) if low_first else words):
        image[address + offset] = word


def _floats(image: Image, of: Iterable[tuple[int, float]]) -> Image:
    for address, value in of:
        _put(image, address, struct.pack(">f", value))
    return image


def _eastron(told: Figures) -> Image:
    third_w = told.power_w / 3
    phases = [(0x00 + 2 * at, GRID_V) for at in range(3)] + [(0x06 + 2 * at, third_w / GRID_V) for at in range(3)]
    phases += [(0x0C + 2 * at, third_w) for at in range(3)]
    image = _floats(dict.fromkeys(range(0x50), 0), phases)
    return _floats(
        image, [(0x34, told.power_w), (0x38, told.power_w), (0x46, GRID_HZ), (0x48, told.energy_wh / 1000), (0x4A, 0.0)]
    )


def _chain(model: Image, length: int, number: int) -> Image:
    """Return a SunSpec list: the marker, the common model, the meter's, the end."""
    image = dict.fromkeys(range(40002, 40002 + 68 + 2 + length + 2), 0)
    names = b"Hashwatt".ljust(32, b"\0") + b"Simulated".ljust(32, b"\0")
    _put(image, 40000, b"SunS" + struct.pack(">HH", 1, 66) + names)
    at = 40002 + 68
    image |= {at + offset: word for offset, word in model.items()}
    _put(image, at, struct.pack(">HH", number, length))
    _put(image, at + 2 + length, struct.pack(">HH", 0xFFFF, 0))
    return image


def _scale_of(value: float) -> int:
    """Return the least power of ten by which a figure fits 16 bits."""
    factor = 0
    while abs(value) / 10**factor > 0x7FFF:
        factor += 1
    return factor


def _sunspec_whole(told: Figures) -> Image:
    model = dict.fromkeys(range(2, 107), 0x8000)
    factor = _scale_of(told.power_w)
    wholes = [(8, round(GRID_V * 10)), (15, -1), (16, round(GRID_HZ * 100)), (17, -2)]
    for offset, value in [*wholes, (18, round(told.power_w / 10**factor)), (22, factor), (54, 0)]:
        _put(model, offset, struct.pack(">h", value))
    _put(model, 38, struct.pack(">I", 0))
    _put(model, 46, struct.pack(">I", round(told.energy_wh) % 2**32))
    return _chain(model, 105, 203)


def _sunspec_float(told: Figures) -> Image:
    model: Image = {}
    for offset in range(2, 126, 2):
        _put(model, offset, struct.pack(">I", 0x7FC0_0000))
    _floats(model, [(12, GRID_V), (26, GRID_HZ), (28, told.power_w), (60, 0.0), (68, told.energy_wh)])
    return _chain(model, 124, 213)


def _low_first(told: Figures) -> Image:
    image = dict.fromkeys(range(0x50), 0)
    for address, value in [(0x00, GRID_V * 10), (0x28, told.power_w * 10), (0x34, told.energy_wh / 100)]:
        _put(image, address, struct.pack(">i", round(value)), low_first=True)
    image[0x33] = round(GRID_HZ * 10)
    return image


def _kilowatts(told: Figures) -> Image:
    image = _floats({}, [(0x0BD3, GRID_V), (0x0BF3, told.power_w / 1000), (0x0BFB, 0.0), (0x0C25, GRID_HZ)])
    _put(image, 0x0C83, struct.pack(">qq", round(told.energy_wh), 0))
    return image


UNITS: Mapping[int, tuple[int, Callable[[Figures], Image]]] = {
    1: (4, _eastron),
    2: (3, _sunspec_whole),
    3: (3, _sunspec_float),
    4: (4, _low_first),
    5: (3, _kilowatts),
}
"""Each unit's function code and its registers."""


def answer(unit: int, request: bytes, told: Figures) -> bytes:
    """Return the reply to one request of this unit, function code first; what is wrong with it is an exception."""
    function = request[0] if request else 0
    wanted, image_of = UNITS.get(unit, UNITS[1])
    if function != wanted or len(request) != 5:
        return _exception(function, ILLEGAL_FUNCTION)
    address, count = struct.unpack(">HH", request[1:])
    if not 0 < count <= MOST_AT_ONCE:
        return _exception(function, ILLEGAL_VALUE)
    image = image_of(told)
    words = [image.get(address + offset) for offset in range(count)]
    if None in words:
        return _exception(function, ILLEGAL_ADDRESS)
    return struct.pack(f">BB{count}H", function, 2 * count, *words)


def _exception(function: int, code: int) -> bytes:
    return bytes([function | 0x80, code])


class ModbusFace:
    """The server: `says` tells what the site's meter says now, None while it says nothing; `others` by their units."""

    def __init__(
        self,
        says: Says,
        *,
        others: Mapping[int, Says] | None = None,
        devices: Mapping[int, Callable[[bytes], bytes]] | None = None,
        any_peer: bool = False,
    ) -> None:
        self._says: Mapping[int, Says] = {**(others or {}), **dict.fromkeys(UNITS, says)}
        self._devices = devices or {}  # what is no meter, by its unit
        self._any_peer = any_peer
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes."""
        peer = writer.get_extra_info("peername")
        self._open.add(writer)
        try:
            if self._any_peer or (peer and peer[0].startswith("127.")):
                await self._answer_all(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def drop(self) -> None:
        """Drop every client."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            transaction, protocol, length, unit = HEAD.unpack(await reader.readexactly(HEAD.size))
            if protocol != 0 or not 2 <= length <= 254:
                return
            request = await reader.readexactly(length - 1)
            if (reply := self._reply(unit, request)) is not None:
                writer.write(HEAD.pack(transaction, 0, len(reply) + 1, unit) + reply)
                await writer.drain()

    def _reply(self, unit: int, request: bytes) -> bytes | None:
        """Return the answer, None for silence: as of a gateway where there is no such unit."""
        if unit in self._devices:
            return self._devices[unit](request)
        if unit not in self._says:
            return _exception(request[0], NO_ANSWER)
        told = self._says[unit]()
        return None if told is None else answer(unit, request, told)
