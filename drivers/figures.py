"""Numbers and words as firmware writes them: text where a number is meant, units inside, empty for none.

Every function returns None for what says nothing; none of them raises.
"""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*[A-Za-z°%/]*\s*")
_WATTS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[Ww]?\s*")
_TEMPERATURE = re.compile(r"(?:^|-)(-?\d+(?:\.\d+)?)")


def number(told: object) -> float | None:
    """Read a number, or a text of one with or without its unit: 12.5, "12.5", "18,500.5", "4052.00 RPM"."""
    if isinstance(told, float | int) and not isinstance(told, bool):
        return float(told) if math.isfinite(told) else None
    if isinstance(told, str) and (found := _NUMBER.fullmatch(told.replace(",", ""))) is not None:
        return float(found[1])
    return None


def whole(told: object) -> int | None:
    """Read a whole number."""
    value = number(told)
    return None if value is None else int(value)


def watts(told: object) -> float | None:
    """Read a power that is plainly in watts: 3250, "3250", "3250 W"; not "34.65 (AB)"; zero says nothing."""
    if isinstance(told, str):
        found = _WATTS.fullmatch(told)
        return float(found[1]) or None if found is not None else None
    return number(told) or None


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
