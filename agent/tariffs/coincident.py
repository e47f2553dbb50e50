"""Coincident peak: what was drawn in the intervals in which the whole system drew most is billed for months.

Which intervals those were is known afterwards, so that they are data: named here, or as the kW that they came to.
Beforehand each has a chance, published or estimated: so much of what it would cost is what a kWh is expected to cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated, NoFigure
from agent.tariffs.load import Usage
from agent.tariffs.money import PERCENT, even, written
from agent.tariffs.periods import Span
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import MONTHS, Calendar, Times

_ZERO = Decimal(0)
_ALL = Decimal(100)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance(Times):
    """How probable it is that an interval at such times is one of those that are billed.

    What names `from` and `until` is published, and goes before what goes by the calendar alone.
    """

    __pydantic_config__ = SHAPE

    pct: Decimal
    from_: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        Times.__post_init__(self)
        if not 0 <= self.pct <= _ALL:
            raise ValueError("pct must be 0 to 100")
        if (self.from_ is None) != (self.until is None):
            raise ValueError("needs from and until, or neither")
        if self.from_ is None or self.until is None:
            return
        if self.from_.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("from and until need an offset, such as 2026-08-16T16:00:00-05:00")
        if self.until <= self.from_:
            raise ValueError("until is not after from")

    def is_published_for(self, at: datetime, month: int, kind: str, minute: int) -> bool:
        """Whether it is published for this instant, which lies in such a month, day and minute."""
        if self.from_ is None or self.until is None or not self.from_ <= at < self.until:
            return False
        return self.is_open or self.holds(month, kind, minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoincidentPeak:
    """So much a kW and month of the mean of the kW drawn in these intervals, times `factor`.

    Where `kw` is told it is that mean: as the network measured it in the year before. Else the load tells it, and must
    cover every interval.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kW"
    by_month: ClassVar[bool] = True

    kind: Literal["coincident_peak"] = "coincident_peak"
    name: str
    party: str = "network"
    per_kw: Dated
    kw: Decimal | None = None
    intervals: tuple[datetime, ...] = ()  # their starts
    interval_min: int = 15
    factor: Decimal = Decimal(1)
    months: tuple[int, ...] = ()  # that are billed; none: every month
    chance: tuple[Chance, ...] = ()  # that an interval to come is one of those that will be billed
    own_month: bool = False  # each month is billed by those of its own days
    of: int | None = None  # how many intervals will be; None: as many as are named, else one

    def __post_init__(self) -> None:
        if (self.kw is None) == (not self.intervals):
            raise ValueError("needs either kw or intervals")
        if any(start.tzinfo is None for start in self.intervals):
            raise ValueError("intervals need an offset, such as 2026-08-16T16:45:00-05:00")
        if not 1 <= self.interval_min <= 60:
            raise ValueError("interval_min must be 1 to 60")
        if self.own_month and not self.intervals:
            raise ValueError("own_month is for intervals")
        if (self.kw or _ZERO) < 0 or self.factor <= 0:
            raise ValueError("kw is not negative, and factor above 0")
        if any(month not in MONTHS for month in self.months):
            raise ValueError("months are 1 to 12")
        if self.of is not None and not 1 <= self.of <= 1000:
            raise ValueError("of must be 1 to 1000")

    def expected(self, at: datetime, month: int, kind: str, minute: int) -> Decimal:
        """Return what a kWh is expected to cost at an instant that lies in such a month, day and minute.

        A kW drawn throughout one billed interval is billed in each month that is, as one of `of`. Raises NoFigure.
        """
        published = [one for one in self.chance if one.is_published_for(at, month, kind, minute)]
        if not published:
            by_calendar = [one for one in self.chance if one.from_ is None]
            published = [by_calendar[place] for place in Calendar(by_calendar).holding(month, kind, minute)]
        pct = max((one.pct for one in published), default=_ZERO)
        months = 1 if self.own_month else len(self.months) or len(MONTHS)
        billed = self.factor * months / (self.of or len(self.intervals) or 1)
        per_kw = (self.per_kw.on(at.date()).value or _ZERO) * billed
        return even(pct * PERCENT * per_kw * (_HOUR // timedelta(minutes=1)) / self.interval_min)

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.per_kw)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the month's charge as of its last day. Raises NoFigure."""
        if self.months and int(usage.month[5:]) not in self.months:
            return
        kw, count = (self.kw, 0) if self.kw is not None else self._kw(usage)
        words = f"mean of {count} intervals" if count else "as measured"
        scaled = "" if self.factor == 1 else f", times {written(self.factor)}"
        yield from product(usage.last, words + scaled, even(kw * self.factor), self.per_kw.on(usage.last))

    def _kw(self, usage: Usage) -> tuple[Decimal, int]:
        """Return the mean, and of how many intervals it is. Raises NoFigure."""
        whole, length = usage.register.load.span, timedelta(minutes=self.interval_min)
        energy = _ZERO
        named = [one for one in self.intervals if not self.own_month or usage.span.start <= one < usage.span.end]
        if not named:
            raise NoFigure(f"no interval of {usage.month} is named")
        for start in named:
            if not (whole.start <= start and start + length <= whole.end):
                raise NoFigure(f"the load does not cover the interval of {start.isoformat()}")
            energy += usage.register.kwh(Span(start=start, end=start + length))
        return energy * (_HOUR // timedelta(minutes=1)) / self.interval_min / len(named), len(named)
