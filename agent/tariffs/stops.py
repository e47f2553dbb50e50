"""Stops that a jurisdiction is known for: dated, of each year's season, or so many announced hours a year.

They are facts and bind nobody: an order does. What they cost is what `compare` works out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal

from agent.tariffs.money import written
from agent.tariffs.periods import Span, midnight
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_LEAP_YEAR = 2024
_MOST_HOURS = 8784


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop and who says so, by local days; `until` is the first day on which it is no more.

    `season`, such as 11-15/03-16, is of each year between `from` and `until`. One that says neither days nor hours is
    known to happen, and nobody knows for how long.
    """

    __pydantic_config__ = SHAPE

    name: str
    source: str
    from_: date | None = None
    until: date | None = None  # None: nobody knows of an end
    season: str = ""
    hours_per_year: Decimal | None = None  # announced as they come
    leaves_pct: Decimal = _ZERO  # of the power that may be drawn all the same
    unconfirmed: bool = False

    def __post_init__(self) -> None:
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError(f"until {self.until} is not after from {self.from_}")
        if self.season and self.from_ is None:
            raise ValueError("a season needs the day from which it is known")
        if self.season:
            _season(self.season)
        if self.hours_per_year is not None and not 0 < self.hours_per_year <= _MOST_HOURS:
            raise ValueError("hours_per_year must be above 0 and at most a year's")
        if not 0 <= self.leaves_pct < 100:
            raise ValueError("leaves_pct must be at least 0 and below 100")

    @property
    def is_dated(self) -> bool:
        """Whether its days are known."""
        return self.from_ is not None and self.hours_per_year is None

    def spans(self, within: Span, zone: tzinfo) -> Iterator[Span]:
        """Yield when it holds within a span; nothing where its days are not known."""
        if not self.is_dated or self.from_ is None:
            return
        first, last = within.start.astimezone(zone).date(), within.end.astimezone(zone).date()
        for begins, ends in self._days(first, last):
            start = max(within.start, midnight(begins, zone))
            end = within.end if ends is None else min(within.end, midnight(ends, zone))
            if start < end:
                yield Span(start=start, end=end)

    def _days(self, first: date, last: date) -> Iterator[tuple[date, date | None]]:
        assert self.from_ is not None  # a season has one, and what has none is not dated
        if not self.season:
            yield self.from_, self.until
            return
        (month, day), (end_month, end_day) = _season(self.season)
        over_new_year = (end_month, end_day) <= (month, day)
        for year in range(first.year - 1, last.year + 1):
            begins, ends = _day_of(year, month, day), _day_of(year + over_new_year, end_month, end_day)
            begins, ends = max(begins, self.from_), ends if self.until is None else min(ends, self.until)
            if begins < ends:
                yield begins, ends

    def is_over(self, day: date) -> bool:
        """Whether it ended before a day, and does not come again."""
        return self.until is not None and self.until <= day

    def hours(self, within: Span) -> Decimal:
        """Return the announced hours that fall to a span, as a share of those of a year of 8,760 h."""
        if self.hours_per_year is None:
            return _ZERO
        lasts_h = Decimal(round((within.end - within.start).total_seconds())) / 3600
        return self.hours_per_year * lasts_h / 8760

    def in_words(self) -> str:
        """Return it as one phrase."""
        leaves = f", but for {written(self.leaves_pct)} % of the power" if self.leaves_pct else ""
        doubt = ", not confirmed" if self.unconfirmed else ""
        return f"{self.name}: {self._when()}{leaves}{doubt} ({self.source})"

    def _when(self) -> str:
        if self.hours_per_year is not None:
            return f"about {written(self.hours_per_year)} announced hours a year"
        if self.from_ is None:
            return "for hours that nobody knows beforehand"
        until = "until it is lifted" if self.until is None else f"until {self.until}"
        if not self.season:
            return f"from {self.from_} {until}"
        return f"each year {self.season.replace('/', ' until ')}, from {self.from_} {until}"


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in their order, those that touch as one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(start=found[-1].start, end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _season(told: str) -> tuple[tuple[int, int], tuple[int, int]]:
    if re.fullmatch(r"\d\d-\d\d/\d\d-\d\d", told) is None:
        raise ValueError(f"season {told} is none such as 11-15/03-16")
    month, day, end_month, end_day = (int(part) for part in re.split("[-/]", told))
    try:
        _day_of(_LEAP_YEAR, month, day), _day_of(_LEAP_YEAR, end_month, end_day)
    except ValueError as error:
        raise ValueError(f"season {told} is none such as 11-15/03-16: {error}") from None
    if (month, day) == (end_month, end_day):
        raise ValueError(f"season {told} begins on the day on which it ends")
    return (month, day), (end_month, end_day)


def _day_of(year: int, month: int, day: int) -> date:
    """Return a day of a year; of 29 February the day after, where there is none."""
    return date(year, 3, 1) if (month, day) == (2, 29) and year % 4 else date(year, month, day)
