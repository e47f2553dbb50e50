"""Energy by the time at which it is taken: months, days of the week, holidays, and local hours to the minute.

At every local minute of every kind of day exactly one period holds; a tariff of which that is not so is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product as every
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import DAYS, Usage
from agent.tariffs.periods import MIDNIGHT, MINUTES_OF_DAY
from agent.tariffs.shape import SHAPE

Window = tuple[int, int]
"""From one minute of the day until another, half-open."""
_MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A price and when it holds; one that says neither months, days nor hours is the rest.

    `days` are mon … sun, holiday or a range such as mon-fri; an hour belongs to the day on which it stands.
    `hours` are such as 08:00-23:30 and may cross midnight.
    """

    __pydantic_config__ = SHAPE

    name: str
    per_kwh: Dated
    months: tuple[int, ...] = ()
    days: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for month in self.months:
            if month not in _MONTHS:
                raise ValueError(f"month {month} is none of 1 to 12")
        _kinds(self.days)
        _windows(self.hours)

    @property
    def is_rest(self) -> bool:
        """Whether it holds whenever no other does."""
        return not (self.months or self.days or self.hours)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of day that it names; none means every one."""
        return _kinds(self.days)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The minutes of the day in which it holds."""
        return _windows(self.hours)

    def holds(self, month: int, kind: str, minute: int) -> bool:
        """Whether it names this minute of such a day; the rest names none."""
        return (
            not self.is_rest
            and (not self.months or month in self.months)
            and (not self.days or kind in self.kinds)
            and any(start <= minute < end for start, end in self.windows)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfUse:
    """Energy at the price of the period in which it is taken, by the local clock."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"

    kind: Literal["time_of_use"] = "time_of_use"
    name: str
    party: str = "energy"
    period: tuple[Period, ...]

    def __post_init__(self) -> None:
        names = [period.name for period in self.period]
        if len(set(names)) < len(names):
            raise ValueError("two periods have the same name")
        for month, kind, minute in every(_MONTHS, DAYS, sorted(self.cuts)):
            found = self._holding(month, kind, minute)
            if len(found) != 1:
                who = " and ".join(period.name for period in found) + " both hold" if found else "no period holds"
                raise ValueError(f"{who} at {minute // 60:02}:{minute % 60:02} on {kind} in month {month}")

    @property
    def cuts(self) -> frozenset[int]:
        """The minutes of the day at which a period may begin."""
        found = {minute for period in self.period for window in period.windows for minute in window}
        return frozenset(minute % MINUTES_OF_DAY for minute in found) | MIDNIGHT

    @property
    def knows_holidays(self) -> bool:
        """Whether a period names them; where none does they are Sundays."""
        return any("holiday" in period.kinds for period in self.period)

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return each period's rate."""
        return [(period.name, period.per_kwh) for period in self.period]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the energy of each stretch of a day at the price of the period that holds then."""
        for segment in usage.segments(self.cuts):
            [period] = self._holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
            yield from product(segment.day, period.name, segment.kwh, period.per_kwh.on(segment.day))

    def _holding(self, month: int, kind: str, minute: int) -> list[Period]:
        meant = "sun" if kind == "holiday" and not self.knows_holidays else kind
        named = [period for period in self.period if period.holds(month, meant, minute)]
        return named or [period for period in self.period if period.is_rest]


@cache
def _kinds(days: tuple[str, ...]) -> frozenset[str]:
    return frozenset(kind for day in days for kind in _range_of(day))


def _range_of(day: str) -> tuple[str, ...]:
    first, dash, last = day.partition("-")
    if first not in DAYS or (dash and (last not in DAYS[:7] or first not in DAYS[:7])):
        raise ValueError(f"{day} is none of {', '.join(DAYS)} and no range such as mon-fri")
    start = DAYS.index(first)
    end = DAYS.index(last) if dash else start
    if end < start:
        raise ValueError(f"{day} runs backwards")
    return DAYS[start : end + 1]


@cache
def _windows(hours: tuple[str, ...]) -> tuple[Window, ...]:
    return tuple(window for text in hours for window in _windows_of(text)) if hours else ((0, MINUTES_OF_DAY),)


def _windows_of(text: str) -> list[Window]:
    found = re.fullmatch(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", text)
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if start == end or start >= MINUTES_OF_DAY or end > MINUTES_OF_DAY:
        raise ValueError(f"{text} is no time such as 08:00-23:30")
    return [(start, end)] if start < end else [(start, MINUTES_OF_DAY), (0, end)] if end else [(start, MINUTES_OF_DAY)]
