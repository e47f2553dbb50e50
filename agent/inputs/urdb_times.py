"""The months and hours of a URDB schedule as times that a tariff's periods go by.

Hours are of the local clock; Monday to Friday have the one grid, Saturday and Sunday the other; there are no holidays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.tariffs.when import When

WEEKDAYS, WEEKENDS = "mon-fri", "sat-sun"
Cell = tuple[int, str, int]
"""A month of 1 to 12, the days of a grid, and an hour."""
ALL_MONTHS = range(1, 13)
ALL_HOURS = range(24)


def whens(cells: Iterable[Cell]) -> list[When]:
    """Return the times that cells are, as few as their months and hours allow."""
    hours: dict[int, dict[str, set[int]]] = {}
    for month, days, hour in cells:
        hours.setdefault(month, {WEEKDAYS: set(), WEEKENDS: set()})[days].add(hour)
    alike: dict[tuple[frozenset[int], frozenset[int]], list[int]] = {}
    for month, of in sorted(hours.items()):
        alike.setdefault((frozenset(of[WEEKDAYS]), frozenset(of[WEEKENDS])), []).append(month)
    found: list[When] = []
    for (weekdays, weekends), months in alike.items():
        named = () if len(months) == len(ALL_MONTHS) else tuple(months)
        if weekdays == weekends:
            found.append(When(months=named, hours=_ranges(weekdays)))
            continue
        for days, of_days in ((WEEKDAYS, weekdays), (WEEKENDS, weekends)):
            if of_days:
                found.append(When(months=named, days=(days,), hours=_ranges(of_days)))
    return found


def said(times: list[When]) -> dict[str, Any]:
    """Return times as the fields of a period."""
    first, *also = times
    return {"months": first.months, "days": first.days, "hours": first.hours, "also": tuple(also)}


def _ranges(hours: frozenset[int]) -> tuple[str, ...]:
    if len(hours) == len(ALL_HOURS):
        return ()
    starts = [hour for hour in sorted(hours) if hour - 1 not in hours]
    ends = [hour + 1 for hour in sorted(hours) if hour + 1 not in hours]
    return tuple(f"{start:02}:00-{end:02}:00" for start, end in zip(starts, ends, strict=True))
