"""The words between outlets and everything else: PDUs, contactors, breakers, plugs. Values only.

Whoever switches one reads it back in the same conversation: an acknowledgement is not an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drivers.interface import Conversation
from drivers.modbus import ModbusConversation


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletReading:
    """What an outlet said once. `on` None: it is on its way, or does not know."""

    on: bool | None
    power_w: float | None = None  # through it, where it measures


class PageOutlet(Protocol):
    """Speaks with one outlet over HTTP. Pure: no clock, no socket."""

    def read(self) -> Conversation[OutletReading]:
        """Learn whether it is on; changes nothing. Raises DeviceError."""

    def switch(self, *, on: bool) -> Conversation[OutletReading]:
        """Switch it, and return what it says afterwards. Raises DeviceError."""


class CoilOutlet(Protocol):
    """Speaks with one outlet over Modbus. Pure: no clock, no socket."""

    def read(self) -> ModbusConversation[OutletReading]:
        """Learn whether it is on; changes nothing. Raises DeviceError."""

    def switch(self, *, on: bool) -> ModbusConversation[OutletReading]:
        """Switch it, and return what it says afterwards. Raises DeviceError."""
