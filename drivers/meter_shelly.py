"""A Shelly that measures, of every generation: what it is, it says at `/shelly`, without a login.

The first generation tells everything at `/status`: `emeters` count Wh, `meters` of plugs watt-minutes. A 3EM counts
each phase for itself: where one exported, the sum of their registers is no register of the site's, and there is none.
Later ones tell everything at `/rpc/Shelly.GetStatus`: `em:0` three phases, `em1:N` one, `pm1:N` and `switch:N` plugs,
whose `aenergy` counts what was returned too (Shelly's own documentation, evcc's meters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.errors import Garbled, Refused, Unsupported
from drivers.figures import number
from drivers.interface import Conversation, Login
from drivers.meter import MeterReading, plausible
from drivers.pages import get_object

PHASES = 3
MINUTES = 60.0
KINDS = ("em", "em1", "pm1", "switch")


class ShellyMeter:
    """One meter of a Shelly: its first, or the one at `unit`, counted from 1."""

    def __init__(self, unit: int = 1, login: Login | None = None) -> None:
        self._unit = unit
        self._login = login
        self._is_first: bool | None = None  # of the first generation

    def read(self) -> Conversation[MeterReading]:
        """Learn what it measures now. Raises DeviceError; Unsupported where it has no such meter."""
        if self._is_first is None:
            self._is_first = is_first_generation((yield from get_object("/shelly", None)))
        path = "/status" if self._is_first else "/rpc/Shelly.GetStatus"
        try:
            told = yield from get_object(path, self._login)
        except Refused:
            self._is_first = None  # another one may stand there by now
            raise
        return _first(told, self._unit) if self._is_first else _later(told, self._unit)


def is_first_generation(told: Mapping[str, Any]) -> bool:
    """Whether what `/shelly` says is of the first generation, which names none. Raises Garbled for no Shelly."""
    if "gen" not in told and "type" not in told:
        raise Garbled("what answers at /shelly is no Shelly")
    return "gen" not in told


def _first(told: Mapping[str, Any], unit: int) -> MeterReading:
    emeters = _objects(told.get("emeters"))
    if len(emeters) == PHASES and "total_power" in told:
        _only_one(1, unit)
        return _three(emeters, number(told["total_power"]))
    meters = emeters or _objects(told.get("meters"))
    _only_one(len(meters), unit)
    one = meters[unit - 1]
    if one.get("is_valid") is False:
        raise Garbled("it says itself that what it measures is not valid")
    factor = 1.0 if emeters else 1 / MINUTES
    reading = MeterReading(
        power_w=0.0,
        energy_wh=_times(number(one.get("total")), factor),
        export_wh=_times(number(one.get("total_returned")), factor),
        reactive_var=number(one.get("reactive")),
        voltage_v=number(one.get("voltage")),
    )
    return plausible(number(one.get("power")), reading)


def _three(phases: list[Mapping[str, Any]], power_w: float | None) -> MeterReading:
    if any(phase.get("is_valid") is False for phase in phases):
        raise Garbled("it says itself that what it measures is not valid")
    imported = [number(phase.get("total")) for phase in phases]
    known = [one for one in imported if one is not None]
    is_one_way = all(number(phase.get("total_returned")) == 0 for phase in phases)
    reading = MeterReading(
        power_w=0.0,
        energy_wh=sum(known) if is_one_way and len(known) == PHASES else None,
        voltage_v=number(phases[0].get("voltage")),
    )
    return plausible(power_w, reading)


def _later(told: Mapping[str, Any], unit: int) -> MeterReading:
    meters = [*_measuring(told)]
    _only_one(len(meters), unit)
    name, one = meters[unit - 1]
    kind, _, number_ = name.partition(":")
    match kind:
        case "em":
            return _three_phases(one, _table(told, f"emdata:{number_}"))
        case "em1":
            counted = _table(told, f"em1data:{number_}")
            return _one_phase(
                one, "act_power", number(counted.get("total_act_energy")), number(counted.get("total_act_ret_energy"))
            )
        case _:
            total, returned = _counted(one, "aenergy"), _counted(one, "ret_aenergy")
            imported = total if total is None or returned is None else total - returned
            return _one_phase(one, "apower", imported, returned)


def _measuring(told: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what of it measures, in a fixed order; a relay that measures nothing is none of it."""
    for kind in KINDS:
        named = {name: one for name, one in told.items() if name.partition(":")[0] == kind and isinstance(one, dict)}
        for name in sorted(named, key=lambda one: (len(one), one)):
            if kind in {"em", "em1"} or "apower" in named[name]:
                yield name, named[name]


def _three_phases(one: Mapping[str, Any], counted: Mapping[str, Any]) -> MeterReading:
    reading = MeterReading(
        power_w=0.0,
        energy_wh=number(counted.get("total_act")),
        export_wh=number(counted.get("total_act_ret")),
        voltage_v=number(one.get("a_voltage")),
        frequency_hz=number(one.get("a_freq")),
    )
    return plausible(number(one.get("total_act_power")), reading)


def _one_phase(one: Mapping[str, Any], power: str, energy_wh: float | None, export_wh: float | None) -> MeterReading:
    reading = MeterReading(
        power_w=0.0,
        energy_wh=energy_wh,
        export_wh=export_wh,
        voltage_v=number(one.get("voltage")),
        frequency_hz=number(one.get("freq")),
    )
    return plausible(number(one.get(power)), reading)


def _counted(one: Mapping[str, Any], name: str) -> float | None:
    return number(_table(one, name).get("total"))


def _table(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _objects(told: object) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _only_one(count: int, unit: int) -> None:
    if not 1 <= unit <= count:
        raise Unsupported(f"it has {count} meters, and none is unit {unit}")


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
