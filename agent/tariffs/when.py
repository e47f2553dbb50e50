"""When something holds: months, days of the week, holidays, and local hours to the minute."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from agent.tariffs.load import DAYS
from agent.tariffs.periods import MIDNIGHT, MINUTES_OF_DAY
from agent.tariffs.shape import SHAPE

Window = tuple[int, int]
"""From one minute of the day until another, half-open."""
MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Months, days and hours; what is left out is every one.

    `days` are mon … sun, holiday or a range such as mon-fri; an hour belongs to the day on which it stands.
    `hours` are such as 08:00-23:30 and may cross midnight.
    """

    __pydantic_config__ = SHAPE

    months: tuple[int, ...] = ()
    days: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [f"month {month} is none of 1 to 12" for month in self.months if month not in MONTHS]
        for read, told in ((_range_of, self.days), (_windows_of, self.hours)):
            for one in told:
                try:
                    read(one)
                except ValueError as error:
                    wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def is_open(self) -> bool:
        """Whether it says neither months, days nor hours."""
        return not (self.months or self.days or self.hours)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of day that it names; none means every one."""
        return _kinds(self.days)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The minutes of the day in which it holds."""
        return _windows(self.hours)

    def names(self, month: int | None, kind: str, minute: int) -> bool:
        """Whether this minute of such a day is in it; without a month, of whatever month."""
        return (
            (month is None or not self.months or month in self.months)
            and (not self.days or kind in self.kinds)
            and any(start <= minute < end for start, end in self.windows)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Times(When):
    """When a period holds: as it says itself, and as each of `also` says; one that says nothing is the rest."""

    __pydantic_config__ = SHAPE

    also: tuple[When, ...] = ()

    def __post_init__(self) -> None:
        When.__post_init__(self)
        if self.also and self.is_open:
            raise ValueError("also adds to months, days or hours, and none is named")

    @property
    def is_rest(self) -> bool:
        """Whether it holds whenever no other does."""
        return self.is_open

    @property
    def said(self) -> tuple[When, ...]:
        """Each of its own sayings."""
        return (self, *self.also)

    def holds(self, month: int | None, kind: str, minute: int) -> bool:
        """Whether it names this minute of such a day; the rest names none."""
        return not self.is_rest and any(when.names(month, kind, minute) for when in self.said)


def cuts(periods: Sequence[Times]) -> frozenset[int]:
    """Return the minutes of the day at which a period may begin."""
    found = {minute for period in periods for when in period.said for window in when.windows for minute in window}
    return frozenset(minute % MINUTES_OF_DAY for minute in found) | MIDNIGHT


def know_holidays(periods: Sequence[Times]) -> bool:
    """Whether a period names holidays; where none does they are Sundays."""
    return any("holiday" in when.kinds for period in periods for when in period.said)


@dataclass(slots=True)
class Calendar:
    """Which of some periods hold at a minute; each is looked for once."""

    periods: Sequence[Times]
    _has_holidays: bool = field(init=False)
    _found: dict[tuple[int | None, str, int], tuple[int, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._has_holidays = know_holidays(self.periods)

    def holding(self, month: int | None, kind: str, minute: int) -> tuple[int, ...]:
        """Return the places of the periods that name this minute; where none does, of the rest.

        Without a month a period counts that names the minute in any.
        """
        key = (month, "sun" if kind == "holiday" and not self._has_holidays else kind, minute)
        if key not in self._found:
            named = tuple(at for at, period in enumerate(self.periods) if period.holds(*key))
            rest = tuple(at for at, period in enumerate(self.periods) if period.is_rest)
            self._found[key] = named or rest
        return self._found[key]


def exactly_one(periods: Sequence[Times], names: Sequence[str]) -> None:
    """Raise ValueError unless exactly one of them holds at every local minute of every kind of day."""
    distinct(names)
    calendar, minutes = Calendar(periods), sorted(cuts(periods))
    for month in MONTHS:
        for kind in DAYS:
            for minute in minutes:
                found = calendar.holding(month, kind, minute)
                if len(found) != 1:
                    who = " and ".join(names[at] for at in found) + " both hold" if found else "no period holds"
                    raise ValueError(f"{who} at {minute // 60:02}:{minute % 60:02} on {kind} in month {month}")


def distinct(names: Sequence[str]) -> None:
    """Raise ValueError where two periods have the same name."""
    if len(set(names)) < len(names):
        raise ValueError("two periods have the same name")


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


ALWAYS = Times()
