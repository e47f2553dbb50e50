"""Contactors of the simulated farm behind Modbus coils: one a feeder; off, its machines are without power.

FC05 switches a coil and echoes the request, any value but 0xFF00 and 0x0000 is exception 3; FC01 and FC15 as the Modbus
specification has them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

UNIT = 30
ON, OFF = 0xFF00, 0x0000
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
Switched = Callable[[int, bool], None]


class Relays:
    """As many coils as there are contactors, from 0; `switched` is told which, and whether it is on now."""

    def __init__(self, count: int, switched: Switched) -> None:
        self.on = [True] * count
        self._switched = switched

    def answer(self, request: bytes) -> bytes:
        """Return the reply to one request, function code first; what is wrong with it is an exception."""
        function = request[0] if request else 0
        if function not in {1, 5} or len(request) != 5:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        address, value = struct.unpack(">HH", request[1:])
        return self._read(address, value) if function == 1 else self._write(address, value, request)

    def _read(self, address: int, count: int) -> bytes:
        if not 1 <= count <= 2000:
            return bytes([0x81, ILLEGAL_VALUE])
        if address + count > len(self.on):
            return bytes([0x81, ILLEGAL_ADDRESS])
        told = self.on[address : address + count]
        packed = [sum(bit << at for at, bit in enumerate(told[low : low + 8])) for low in range(0, count, 8)]
        return bytes([1, len(packed), *packed])

    def _write(self, address: int, value: int, request: bytes) -> bytes:
        if value not in {ON, OFF}:
            return bytes([0x85, ILLEGAL_VALUE])
        if address >= len(self.on):
            return bytes([0x85, ILLEGAL_ADDRESS])
        if self.on[address] != (value == ON):
            self.on[address] = value == ON
            self._switched(address, value == ON)
        return request
