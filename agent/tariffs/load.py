"""What was drawn: energy by steps of one length without gaps, and how much of it lies between any two instants."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal

from agent.tariffs.money import DECIMALS, even
from agent.tariffs.periods import CIVIL, MIDNIGHT, ReadTime, Span, days_of_month, pieces

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
"""What a day can be to a tariff."""
_ZERO = Decimal(0)
_LEAST = Decimal(1).scaleb(-DECIMALS)
"""A part of a step is written to so little of a kWh; a third of one would never end."""
_TICK = timedelta(microseconds=1)
_TICKS_PER_HOUR = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The steps of a meter, in order: kWh taken in each, and what else it said; None means it did not say."""

    start: datetime  # UTC
    step: timedelta
    kwh: tuple[Decimal, ...]
    export_kwh: tuple[Decimal, ...] | None = None
    kvarh: tuple[Decimal, ...] | None = None
    kvarh_lead: tuple[Decimal, ...] | None = None
    quality: tuple[str, ...] | None = None

    @property
    def kvah(self) -> tuple[Decimal, ...] | None:
        """The apparent energy of each step: of active and reactive, leading less lagging; None without kvarh."""
        if self.kvarh is None:
            return None
        lead = self.kvarh_lead or (_ZERO,) * len(self.kvarh)
        told = zip(self.kwh, self.kvarh, lead, strict=True)
        return tuple(even((kwh * kwh + (lag - led) ** 2).sqrt()) for kwh, lag, led in told)

    @property
    def span(self) -> Span:
        """From the first step's start to the last one's end."""
        return Span(start=self.start, end=self.start + self.step * len(self.kwh))

    def hour_of_both(self) -> datetime | None:
        """Return the first hour with steps that took and steps that exported; None where there is none."""
        steps = zip(self.kwh, self.export_kwh or (), strict=False)
        taken: dict[datetime, list[bool]] = {}
        for at, (kwh, export_kwh) in enumerate(steps):
            hour = (self.start + at * self.step).replace(minute=0, second=0, microsecond=0)
            both = taken.setdefault(hour, [False, False])
            both[0] |= kwh > 0
            both[1] |= export_kwh > 0
            if all(both) and self.step < timedelta(hours=1):
                return hour
        return None

    def days(self, zone: tzinfo) -> tuple[date, date]:
        """Return the local days of the first step's start and of the last one's."""
        last = self.span.end - self.step
        return self.start.astimezone(zone).date(), last.astimezone(zone).date()


class Unmetered(Exception):
    """A load lacks what a component charges for; the message names the column."""


Prorate = Literal["days", "mean_month", "thirty_days", "none"]
"""By the days that are covered: of the month, of one of 365.25/12 days or of 30 however long it is; or not at all."""
MEAN_MONTH = Fraction(36525, 1200)
Column = Literal["kwh", "export_kwh", "kvarh", "kvarh_lead", "kvah"]
Energy = Literal["kWh", "kVAh"]
"""What a price of energy is of: active, or apparent as its steps make it."""
COLUMNS: Mapping[Energy, Column] = {"kWh": "kwh", "kVAh": "kvah"}


class Register:
    """The meter's registers that a load makes: exact sums between any two instants within it."""

    __slots__ = ("_columns", "_load", "known")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._columns: dict[Column, tuple[tuple[Decimal, ...], tuple[Decimal, ...]]] = {}
        self.known: dict[Hashable, Any] = {}  # what was worked out of it once

    @property
    def load(self) -> Load:
        """What it registers."""
        return self._load

    def has(self, column: Column) -> bool:
        """Whether the load says it."""
        return getattr(self._load, "kvarh" if column == "kvah" else column) is not None

    def kwh(self, span: Span, column: Column = "kwh") -> Decimal:
        """Return the kWh (or kvarh) of a span; a step that it cuts is taken to be even, and its parts add up.

        Raises Unmetered.
        """
        sums, steps = self._of(column)
        return self._at(span.end, sums, steps) - self._at(span.start, sums, steps)

    def peak_kw(self, span: Span) -> Decimal:
        """Return the highest mean kW of a step that lies in the span, even in part; 0 where none does."""
        first = (span.start - self._load.start) // self._load.step
        end = -((self._load.start - span.end) // self._load.step)
        return max(self._load.kwh[max(first, 0) : end], default=_ZERO) * _TICKS_PER_HOUR / (self._load.step // _TICK)

    def _of(self, column: Column) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
        """Return the sums up to each step, and the steps."""
        found = self._columns.get(column)
        if found is None:
            steps: tuple[Decimal, ...] | None = getattr(self._load, column)
            if steps is None:
                missing = "kvarh" if column == "kvah" else column
                raise Unmetered(f"the load has no column {missing}")
            found = self._columns[column] = ((_ZERO, *accumulate(steps)), steps)
        return found

    def _at(self, at: datetime, sums: tuple[Decimal, ...], steps: tuple[Decimal, ...]) -> Decimal:
        whole, rest = divmod(at - self._load.start, self._load.step)
        if not rest:
            return sums[whole]
        part = steps[whole] * (rest // _TICK) / (self._load.step // _TICK)
        return sums[whole] + part.quantize(_LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Energy of one local day from one minute of it on."""

    day: date
    minute: int
    span: Span
    kwh: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a month and a year had drawn before a load that is only a piece of them."""

    month_kwh: Decimal = _ZERO
    year_kwh: Decimal = _ZERO
    peak_kw: Decimal | None = None  # of the month, where the load cannot tell; None: the load's own


NOTHING = Taken()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a component charges for: the energy of one local month, or of the part of it that is billed."""

    span: Span
    zone: tzinfo
    register: Register
    days: Mapping[date, str] = field(default_factory=dict)  # days that are not what their weekday says
    earlier: tuple[Usage, ...] = ()  # the months of the load before this one, in their order
    taken: Taken = NOTHING
    read: ReadTime = CIVIL  # when its bill begins

    @property
    def month(self) -> str:
        """As YYYY-MM the month whose bill it stands on."""
        return self.read.month_of(self.span.start, self.zone)

    @property
    def days_of_month(self) -> int:
        """How many days the whole of its month has."""
        return days_of_month(date.fromisoformat(f"{self.month}-01"))

    @property
    def day_count(self) -> int:
        """How many days of it there are."""
        return (self.last - self.first).days + 1

    @property
    def first(self) -> date:
        """The day of the bill on which it begins."""
        return self.read.day_of(self.span.start, self.zone)

    @property
    def last(self) -> date:
        """The day of the bill on which its last energy is taken."""
        return self.read.day_of(self.span.end - _TICK, self.zone)

    def share_of_month(self, prorate: Prorate) -> Fraction:
        """Return what of a month's charge falls on it."""
        if prorate == "none":
            return Fraction(1)
        lengths = {"days": Fraction(self.days_of_month), "mean_month": MEAN_MONTH, "thirty_days": Fraction(30)}
        return self.day_count / lengths[prorate]

    def segments(self, minutes: frozenset[int] = MIDNIGHT, column: Column = "kwh") -> Iterator[Segment]:
        """Yield the energy between these minutes of the local days; without any, by days. Raises Unmetered."""
        for piece in pieces(self.span, self.zone, minutes | MIDNIGHT):
            local = piece.start.astimezone(self.zone)
            minute = local.hour * 60 + local.minute
            yield Segment(day=local.date(), minute=minute, span=piece, kwh=self.register.kwh(piece, column))

    def steps(self, span: Span | None = None) -> Iterator[Span]:
        """Yield the load's steps within a span of it, or what of them lies in it; without one, of all of it."""
        load, within = self.register.load, span or self.span
        start = load.start + (within.start - load.start) // load.step * load.step
        while start < within.end:
            yield Span(start=max(start, within.start), end=min(start + load.step, within.end))
            start += load.step

    def day_kind(self, day: date) -> str:
        """Return mon … sun or holiday: what a local day is to this tariff."""
        return self.days.get(day, DAYS[day.weekday()])
