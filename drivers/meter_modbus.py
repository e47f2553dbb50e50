"""A meter whose registers a map describes: asked for in as few requests as the map allows.

What the meter refuses, but the power, is left out from then on: not every variant of a family counts everything.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from drivers.errors import Garbled, Refused
from drivers.meter import MeterConversation, MeterReading, plausible
from drivers.meter_map import Register, RegisterMap
from drivers.meter_words import number
from drivers.modbus import ModbusAsk, ReadRegisters, Registers

POWER = "power"
Values = dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Registers that one request brings."""

    ask: ReadRegisters
    registers: tuple[Register, ...]


class ModbusMeter:
    """One meter with a register map."""

    def __init__(self, register_map: RegisterMap) -> None:
        self._map = register_map
        self._blocks = _blocks(register_map)

    def read(self) -> MeterConversation:
        """Learn what it measures now. Raises DeviceError where it does not say its power."""
        values: Values = {}
        kept: list[_Block] = []
        for block in self._blocks:
            kept += yield from self._ask(block, values)
        self._blocks = kept
        reading = MeterReading(
            power_w=0.0,
            energy_wh=values.get("energy_import"),
            export_wh=values.get("energy_export"),
            reactive_var=values.get("reactive_power"),
            voltage_v=values.get("voltage"),
            frequency_hz=values.get("frequency"),
        )
        return plausible(values.get(POWER), reading)

    def _ask(self, block: _Block, values: Values) -> Generator[ModbusAsk, Registers, list[_Block]]:
        """Fill in a block's values; returns what to ask for in its place from now on."""
        try:
            words = yield block.ask
        except Refused:
            if len(block.registers) > 1:
                singles: list[_Block] = []
                for register in block.registers:
                    singles += yield from self._ask(_block(self._map, (register,)), values)
                return singles
            if block.registers[0].quantity == POWER:
                raise
            return []
        if len(words) != block.ask.count:
            raise Garbled(f"{len(words)} registers where {block.ask.count} were asked for")
        for register in block.registers:
            self._take(register, words[register.address - block.ask.address :], values)
        return [block]

    def _take(self, register: Register, words: Registers, values: Values) -> None:
        told = number(
            words[: register.count],
            register.type,
            low_first=self._map.low_first(register),
            absent=register.absent,
        )
        values[register.quantity] = _added(values, register, None if told is None else told * register.factor)


def _added(values: Mapping[str, float | None], register: Register, value: float | None) -> float | None:
    """Return a sum with what stands before it; a part that is not there leaves no sum."""
    if not register.add or register.quantity not in values:
        return value
    before = values[register.quantity]
    return None if before is None or value is None else before + value


def _blocks(register_map: RegisterMap) -> list[_Block]:
    """Group registers that stand near each other. The order of the parts of a sum does not matter."""
    ordered = sorted(register_map.register, key=lambda one: (register_map.function_of(one), one.address))
    groups: list[list[Register]] = []
    for register in ordered:
        if groups and _fits(register_map, groups[-1], register):
            groups[-1].append(register)
        else:
            groups.append([register])
    return [_block(register_map, tuple(group)) for group in groups]


def _fits(register_map: RegisterMap, group: list[Register], register: Register) -> bool:
    first, last = group[0], group[-1]
    if register_map.function_of(first) != register_map.function_of(register):
        return False
    gap = register.address - (last.address + last.count)
    whole = register.address + register.count - first.address
    return 0 <= gap <= register_map.most_gap and whole <= register_map.most_registers


def _block(register_map: RegisterMap, registers: tuple[Register, ...]) -> _Block:
    first, last = registers[0], registers[-1]
    ask = ReadRegisters(
        function=register_map.function_of(first), address=first.address, count=last.address + last.count - first.address
    )
    return _Block(ask=ask, registers=registers)
