"""The local calendar as UTC intervals: months, days and times of day where clocks jump, in either direction.

Everything is cut at instants; what lies between two cuts has one date and one time-of-use period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MINUTES_OF_DAY = 1440
MIDNIGHT = frozenset({0})
_DAY = timedelta(days=1)
_MONTH = timedelta(days=31)
_LOOK = timedelta(hours=6)
"""No zone's clock ever jumped twice within so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one UTC instant until another, half-open."""

    start: datetime
    end: datetime


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a local day, in UTC, also where midnight itself is jumped over."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def interval_start(at: datetime, interval: timedelta) -> datetime:
    """Return the start of the metering interval that an instant lies in: intervals are of UTC."""
    seconds = int(at.timestamp() // interval.total_seconds() * interval.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class ReadTime:
    """When meters are read, and a month's bill begins: a day of each month, and an hour of that day."""

    day: int = 1
    hour: int = 0

    def starts(self, day: date, zone: tzinfo) -> datetime:
        """Return when a day of the bill begins, in UTC; an hour that the clock jumps over is where it jumps."""
        return datetime.combine(day, time(self.hour), tzinfo=zone).astimezone(UTC)

    def day_of(self, at: datetime, zone: tzinfo) -> date:
        """Return the day of the bill that an instant lies in: by the local date, until that hour the day before."""
        day = at.astimezone(zone).date()
        return day - _DAY if self.hour and at < self.starts(day, zone) else day

    def month_of(self, at: datetime, zone: tzinfo) -> str:
        """Return as YYYY-MM the month on whose bill an instant stands."""
        day = self.day_of(at, zone)
        if day.day < self.day:
            day = day.replace(day=1) - _DAY
        return f"{day:%Y-%m}"

    def month(self, at: datetime, zone: tzinfo) -> Span:
        """Return the whole billing month that an instant lies in."""
        first = date.fromisoformat(f"{self.month_of(at, zone)}-01")
        ends = (first + _MONTH).replace(day=self.day)
        return Span(start=self.starts(first.replace(day=self.day), zone), end=self.starts(ends, zone))

    def in_words(self) -> str:
        """Return it in words."""
        return f"day {self.day}" + (f" at {self.hour:02}:00" if self.hour else "")


CIVIL = ReadTime()
"""Bills of civil months."""


def days_of_month(day: date) -> int:
    """Return how many days the month of a local day has."""
    return ((day.replace(day=1) + timedelta(days=31)).replace(day=1) - day.replace(day=1)).days


def year_of(day: date, ends: int) -> int:
    """Return the year in which the year of a local day ends, where years end with that month."""
    return day.year + (day.month > ends)


def months_before(day: date, count: int) -> Iterator[str]:
    """Yield as YYYY-MM so many months before that of a local day, the nearest first."""
    for _ in range(count):
        day = day.replace(day=1) - timedelta(days=1)
        yield f"{day:%Y-%m}"


def months_after(name: str, count: int) -> Iterator[tuple[str, date]]:
    """Yield as YYYY-MM so many months after one, the nearest first, each with its last day."""
    first = date.fromisoformat(f"{name}-01")
    for _ in range(count):
        first = (first + _MONTH).replace(day=1)
        yield f"{first:%Y-%m}", first.replace(day=days_of_month(first))


def months(span: Span, zone: tzinfo, read: ReadTime = CIVIL) -> Iterator[Span]:
    """Cut a span where meters are read, and bills begin."""
    start = span.start
    while start < span.end:
        end = min(read.month(start, zone).end, span.end)
        yield Span(start=start, end=end)
        start = end


def pieces(span: Span, zone: tzinfo, minutes: Iterable[int]) -> Iterator[Span]:
    """Cut a span wherever the local clock comes to one of these minutes of the day, or jumps."""
    found = set(_jumps(span, zone))
    day = span.start.astimezone(zone).date()
    last = span.end.astimezone(zone).date()
    while day <= last:
        for minute in minutes:
            for fold in (0, 1):
                civil = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), tzinfo=zone)
                found.add(civil.astimezone(UTC))
        day += timedelta(days=1)
    start = span.start
    for cut in sorted(at for at in found if span.start < at < span.end):
        yield Span(start=start, end=cut)
        start = cut
    yield Span(start=start, end=span.end)


def _jumps(span: Span, zone: tzinfo) -> Iterator[datetime]:
    """Yield the instants at which the local clock jumps."""
    at = span.start
    while at < span.end:
        later = min(at + _LOOK, span.end)
        if _offset(at, zone) != _offset(later, zone):
            yield _jump_between(at, later, zone)
        at = later


def _jump_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(at: datetime, zone: tzinfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
