"""Numbers and words as firmware writes them: text where a number is meant, units inside, empty for none.

Every function returns None for what says nothing; none of them raises.
"""

from __future__ import annotations

import re
import sys

_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*[A-Za-z°%/]*")
_WATTS = re.compile(r"(\d+(?:\.\d+)?)\s*[Ww]?")
_MOST = sys.float_info.max
_TEMPERATURE = re.compile(r"(?:^|-)(-?\d+(?:\.\d+)?)")


def number(told: object) -> float | None:
    """Read a number, or a text of one with or without its unit: 12.5, "12.5", "18,500.5", "4052.00 RPM"."""
    if told is None:
        return None
    if isinstance(told, float):
        return told if -_MOST <= told <= _MOST else None
    if isinstance(told, int):
        return float(told) if told is not True and told is not False and -_MOST <= told <= _MOST else None
    if isinstance(told, str) and (found := _NUMBER.fullmatch(told.replace(",", "").strip())) is not None:
        return finite(float(found[1]))
    return None


def finite(value: float) -> float | None:
    """Return a figure, or what was computed of figures; None for what is no number any more."""
    return float(value) if -_MOST <= value <= _MOST else None


def count(told: object, most: int) -> int:
    """Read how many there are of something, 0 for none, `most` for what no machine has."""
    value = whole(told)
    return 0 if value is None else max(0, min(value, most))


def flag(told: object) -> bool:
    """Read a switch: true, 1, "1"."""
    return told is True or bool(whole(told))


def whole(told: object) -> int | None:
    """Read a whole number."""
    if type(told) is int and -_MOST <= told <= _MOST:
        return told
    value = number(told)
    return None if value is None else int(value)


def watts(told: object) -> float | None:
    """Read a power that is plainly in watts: 3250, "3250", "3250 W"; not "34.65 (AB)"; zero says nothing."""
    if told is None:
        return None
    if isinstance(told, str):
        found = _WATTS.fullmatch(told.strip())
        told = None if found is None else found[1]
    power_w = number(told)
    return power_w if power_w is not None and power_w > 0 else None


def words(told: object) -> str | None:
    """Read a text, trimmed; an empty one says nothing."""
    return (told.strip() or None) if isinstance(told, str) else None


def temperatures(told: object) -> tuple[float, ...]:
    """Read sensors as one text, "46-75-43-66", where a dash is also a minus: "2--1-20" is 2, -1, 20."""
    if not isinstance(told, str):
        return ()
    return tuple(float(sensor) for sensor in _TEMPERATURE.findall(told))


def hottest(sensors: tuple[float, ...]) -> float | None:
    """Return the hottest of sensors that work: 0 is absent, and far below freezing is broken."""
    return max((sensor for sensor in sensors if sensor > -40 and sensor != 0), default=None)
