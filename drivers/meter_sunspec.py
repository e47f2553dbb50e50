"""A meter that describes itself by SunSpec: the list of its models is walked until one of a meter is found.

Models 201 to 204 are whole numbers with scale factors, read in the same request as their figures, since devices change
them as they go; 211 to 214 are 32-bit floats. The list is walked anew when the model is not where it was.
"""

from __future__ import annotations

from collections.abc import Generator

from drivers.errors import Garbled, Refused, Unsupported
from drivers.meter import MeterConversation, MeterReading, plausible
from drivers.meter_words import number
from drivers.modbus import ModbusAsk, ReadRegisters, Registers

STARTS = (40000, 0, 50000)
MARK = (0x5375, 0x6E53)  # "SunS"
WHOLE, FLOAT = range(201, 205), range(211, 215)
END = 0xFFFF
MOST_MODELS = 64
WHOLE_COUNT, FLOAT_COUNT = 55, 70
"""So many registers of a model, its id among them, hold what is wanted; a request brings 125 at the most."""
MOST_EXPONENT = 10

Asking = Generator[ModbusAsk, Registers, Registers]


class SunSpecMeter:
    """One meter that speaks SunSpec."""

    def __init__(self) -> None:
        self._model: tuple[int, int] | None = None  # its id, and where it begins

    def read(self) -> MeterConversation:
        """Learn what it measures now. Raises DeviceError; Unsupported where it lists no model of a meter."""
        if self._model is None:
            self._model = yield from _found()
        model, address = self._model
        count = FLOAT_COUNT if model in FLOAT else WHOLE_COUNT
        words = yield from _ask(address, count)
        if words[0] != model:
            self._model = None
            raise Garbled(f"model {words[0]} stands where model {model} was")
        return _floats(words) if model in FLOAT else _wholes(words)


def _ask(address: int, count: int) -> Asking:
    words = yield ReadRegisters(function=3, address=address, count=count)
    if len(words) != count:
        raise Garbled(f"{len(words)} registers where {count} were asked for")
    return words


def _found() -> Generator[ModbusAsk, Registers, tuple[int, int]]:
    for start in STARTS:
        try:
            marked = yield from _ask(start, len(MARK))
        except Refused:
            continue
        if marked == MARK:
            return (yield from _walked(start + len(MARK)))
    raise Unsupported("no SunSpec marker at 40000, 0 or 50000: is the unit right?")


def _walked(address: int) -> Generator[ModbusAsk, Registers, tuple[int, int]]:
    met: list[int] = []
    for _ in range(MOST_MODELS):
        model, length = yield from _ask(address, 2)
        if model in WHOLE or model in FLOAT:
            return model, address
        if model == END:
            break
        met.append(model)
        address += 2 + length
        if address >= END:
            break
    raise Unsupported(f"no model of a meter (201 to 204, 211 to 214) among {met}")


def _floats(words: Registers) -> MeterReading:
    def at(offset: int) -> float | None:
        return number(words[offset : offset + 2], "f32")

    reading = MeterReading(
        power_w=0.0,
        energy_wh=at(68),
        export_wh=at(60),
        reactive_var=at(44),
        voltage_v=at(12),
        frequency_hz=at(26),
    )
    return plausible(at(28), reading)


def _wholes(words: Registers) -> MeterReading:
    def scaled(offset: int, factor: int) -> float | None:
        return _scaled(number(words[offset : offset + 1], "i16"), words[factor])

    def counted(offset: int) -> float | None:
        return _scaled(number(words[offset : offset + 2], "u32") or None, words[54])

    reading = MeterReading(
        power_w=0.0,
        energy_wh=counted(46),
        export_wh=counted(38),
        reactive_var=scaled(28, 32),
        voltage_v=scaled(8, 15),
        frequency_hz=scaled(16, 17),
    )
    return plausible(scaled(18, 22), reading)


def _scaled(value: float | None, factor: int) -> float | None:
    """Return a value times ten to its scale factor; a counter of 0 may as well be one that is not there."""
    exponent = number((factor,), "i16")
    if value is None or exponent is None:
        return None
    if abs(exponent) > MOST_EXPONENT:
        raise Garbled(f"scale factor {exponent:g}")
    return float(value * 10**exponent)
