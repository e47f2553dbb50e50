"""The words between meters and everything else: what a meter says, and how it is asked.

Values only. `None` always means that the meter did not say; zero means zero. Power is positive where it is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from drivers.errors import Garbled
from drivers.interface import Conversation
from drivers.modbus import ModbusConversation

MOST_W = 2e9
LEAST_HZ, MOST_HZ = 40.0, 70.0
MOST_V = 1e6
DEAD_V = 10.0
"""What a grid can run at: a figure beyond is another register, or its words the wrong way round. Below: no grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """What a meter said once. The registers are those of all that was ever imported and exported."""

    power_w: float
    energy_wh: float | None = None
    export_wh: float | None = None
    reactive_var: float | None = None
    voltage_v: float | None = None
    frequency_hz: float | None = None

    def turned(self, *, sign: int, multiplier: float) -> MeterReading:
        """Return it as the configuration says that the meter is wired: turned round, behind transformers."""
        imported, exported = (self.energy_wh, self.export_wh) if sign > 0 else (self.export_wh, self.energy_wh)
        return replace(
            self,
            power_w=self.power_w * sign * multiplier,
            energy_wh=_times(imported, multiplier),
            export_wh=_times(exported, multiplier),
            reactive_var=_times(self.reactive_var, sign * multiplier),
        )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def plausible(power_w: float | None, reading: MeterReading) -> MeterReading:
    """Return a reading that can be one. Raises Garbled for no power, or figures that no grid has."""
    if power_w is None:
        raise Garbled("the meter says no power")
    if abs(power_w) > MOST_W:
        raise Garbled(f"power {power_w:g} W: is the register map right?")
    hertz, volts = reading.frequency_hz, reading.voltage_v
    if volts is not None and not 0 <= volts <= MOST_V:
        raise Garbled(f"voltage {volts:g} V: is the register map right?")
    is_dead = hertz == 0 and power_w == 0 and (volts is None or volts < DEAD_V)
    if hertz is not None and not is_dead and not LEAST_HZ <= hertz <= MOST_HZ:
        raise Garbled(f"frequency {hertz:g} Hz: is the register map right?")
    return replace(reading, power_w=power_w)


MeterConversation = ModbusConversation[MeterReading]


class MeterDriver(Protocol):
    """Speaks with one meter. Pure: no clock, no socket."""

    def read(self) -> MeterConversation:
        """Learn what it measures now; changes nothing. Raises DeviceError."""


class PageMeter(Protocol):
    """Speaks with one meter over HTTP. Pure: no clock, no socket."""

    def read(self) -> Conversation[MeterReading]:
        """Learn what it measures now; changes nothing. Raises DeviceError."""
