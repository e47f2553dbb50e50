"""A meter or plug with Tasmota: `Status 8` over HTTP (Tasmota's own documentation: Commands, MQTT).

Its own meter is under ENERGY, W and kWh; of three phases each figure is a list, and the site's is their sum. A meter
that it reads over its optical head is under SML. `StatusSNS.ENERGY.Power` is watts; `POWER` elsewhere is the relay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.errors import Unsupported
from drivers.figures import number
from drivers.interface import Conversation, Login
from drivers.meter import MeterReading, plausible
from drivers.tasmota import command

WH = 1000.0


class TasmotaMeter:
    """One device with Tasmota that measures."""

    def __init__(self, login: Login | None = None) -> None:
        self._login = login

    def read(self) -> Conversation[MeterReading]:
        """Learn what it measures now. Raises DeviceError; Unsupported where it measures nothing."""
        told = yield from command("Status 8", self._login)
        sensors = told.get("StatusSNS")
        if not isinstance(sensors, dict):
            raise Unsupported("Status 8 names no sensors")
        if isinstance(sensors.get("ENERGY"), dict):
            return _own(sensors["ENERGY"])
        if isinstance(sensors.get("SML"), dict):
            return _read_by_head(sensors["SML"])
        raise Unsupported(f"it measures no power; it has {', '.join(map(str, sensors)) or 'no sensor'}")


def _own(energy: Mapping[str, Any]) -> MeterReading:
    reading = MeterReading(
        power_w=0.0,
        energy_wh=_times(_sum(energy.get("Total")), WH),
        export_wh=_times(_sum(energy.get("ExportActive")), WH),
        reactive_var=_sum(energy.get("ReactivePower")),
        voltage_v=_first(energy.get("Voltage")),
        frequency_hz=_first(energy.get("Frequency")),
    )
    return plausible(_sum(energy.get("Power")), reading)


def _read_by_head(sml: Mapping[str, Any]) -> MeterReading:
    reading = MeterReading(
        power_w=0.0,
        energy_wh=_times(number(sml.get("total_in")), WH),
        export_wh=_times(number(sml.get("total_out")), WH),
    )
    return plausible(number(sml.get("power_curr")), reading)


def _sum(told: object) -> float | None:
    """Return a figure, of phases their sum; a phase that is not told leaves none."""
    phases = [number(one) for one in told] if isinstance(told, list) else [number(told)]
    known = [one for one in phases if one is not None]
    return sum(known) if phases and len(known) == len(phases) else None


def _first(told: object) -> float | None:
    return number(told[0] if isinstance(told, list) and told else told)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
