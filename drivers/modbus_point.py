"""One bit or register of a Modbus device, by its kind and address on the wire: `discrete:0`, `coil:5`, `input:100`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.errors import Garbled
from drivers.modbus import ModbusConversation, ReadBits, ReadRegisters

FUNCTIONS: Mapping[str, int] = MappingProxyType({"coil": 1, "discrete": 2, "holding": 3, "input": 4})
MOST_ADDRESS = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bit or register."""

    function: int
    address: int

    @staticmethod
    def of(text: str) -> Point:
        """Read KIND:ADDRESS. Raises ValueError."""
        found = re.fullmatch(r"(\w+):(\d{1,5})", text)
        if found is None or found[1] not in FUNCTIONS or int(found[2]) > MOST_ADDRESS:
            raise ValueError(f"must be one of {', '.join(FUNCTIONS)} and an address, such as discrete:0")
        return Point(function=FUNCTIONS[found[1]], address=int(found[2]))

    def read(self) -> ModbusConversation[int]:
        """Return what it holds. Raises DeviceError."""
        ask = ReadBits if self.function in {1, 2} else ReadRegisters
        words = yield ask(function=self.function, address=self.address, count=1)
        if len(words) != 1:
            raise Garbled(f"{len(words)} values where one was asked for")
        return words[0]
