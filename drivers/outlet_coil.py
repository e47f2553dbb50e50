"""A contactor behind a Modbus coil: FC05 switches it, FC01 reads it back (Modbus specification).

Off must be off: the contactor is wired so that its load is without power while the coil is off. A Siemens LOGO! wants a
marker (M1 is coil 8256 on the wire) whose program drives the output.
"""

from __future__ import annotations

from drivers.errors import Garbled
from drivers.modbus import ModbusConversation, ReadBits, WriteCoil
from drivers.outlet import OutletReading


class Coil:
    """One coil, by its address on the wire, counted from 0."""

    def __init__(self, address: int) -> None:
        self._address = address

    def read(self) -> ModbusConversation[OutletReading]:
        """Learn whether it is on. Raises DeviceError."""
        bits = yield ReadBits(function=1, address=self._address, count=1)
        if len(bits) != 1:
            raise Garbled(f"{len(bits)} bits where one was asked for")
        return OutletReading(on=bool(bits[0]))

    def switch(self, *, on: bool) -> ModbusConversation[OutletReading]:
        """Switch it, and read it back. Raises DeviceError."""
        yield WriteCoil(address=self._address, on=on)
        return (yield from self.read())
