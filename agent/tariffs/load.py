"""What was drawn: energy by steps of one length without gaps, and how much of it lies between any two instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import accumulate

from agent.tariffs.money import DECIMALS
from agent.tariffs.periods import MIDNIGHT, Span, pieces

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
    def span(self) -> Span:
        """From the first step's start to the last one's end."""
        return Span(start=self.start, end=self.start + self.step * len(self.kwh))

    def days(self, zone: tzinfo) -> tuple[date, date]:
        """Return the local days of the first step's start and of the last one's."""
        last = self.span.end - self.step
        return self.start.astimezone(zone).date(), last.astimezone(zone).date()


class Register:
    """The meter's register that a load makes: exact sums between any two instants within it."""

    __slots__ = ("_load", "_sums")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._sums = (_ZERO, *accumulate(load.kwh))

    def kwh(self, span: Span) -> Decimal:
        """Return the kWh of a span; a step that it cuts is taken to be even. What is cut adds up to the whole."""
        return self._at(span.end) - self._at(span.start)

    def peak_kw(self, span: Span) -> Decimal:
        """Return the highest mean kW of a step that lies in the span, even in part; 0 where none does."""
        first = (span.start - self._load.start) // self._load.step
        end = -((self._load.start - span.end) // self._load.step)
        return max(self._load.kwh[max(first, 0) : end], default=_ZERO) * _TICKS_PER_HOUR / (self._load.step // _TICK)

    def _at(self, at: datetime) -> Decimal:
        whole, rest = divmod(at - self._load.start, self._load.step)
        if not rest:
            return self._sums[whole]
        part = self._load.kwh[whole] * (rest // _TICK) / (self._load.step // _TICK)
        return self._sums[whole] + part.quantize(_LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Energy of one local day from one minute of it on."""

    day: date
    minute: int
    kwh: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a component charges for: the energy of one local month, or of the part of it that is billed."""

    span: Span
    zone: tzinfo
    register: Register
    days: Mapping[date, str] = field(default_factory=dict)  # days that are not what their weekday says

    def segments(self, minutes: frozenset[int] = MIDNIGHT) -> Iterator[Segment]:
        """Yield the energy between these minutes of the local days; without any, by days."""
        for piece in pieces(self.span, self.zone, minutes | MIDNIGHT):
            local = piece.start.astimezone(self.zone)
            yield Segment(day=local.date(), minute=local.hour * 60 + local.minute, kwh=self.register.kwh(piece))

    def day_kind(self, day: date) -> str:
        """Return mon … sun or holiday: what a local day is to this tariff."""
        return self.days.get(day, DAYS[day.weekday()])
