"""A demand-response programme: paid for being available and for each kWh not drawn when called, charged for what lacks.

What an event delivered is its baseline less what was drawn, step by step, at most what was called for; each event
names the order whose evidence proves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Literal

from agent.tariffs.authorised import Event
from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.money import even, part_of
from agent.tariffs.periods import Span
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One event: against which baseline, how much was called for (left out: all that is committed), by which order."""

    __pydantic_config__ = SHAPE

    from_: datetime
    until: datetime
    baseline_kw: Decimal
    kw: Decimal | None = None
    order: str = ""
    proof: str = ""  # by which rule of whose evidence the baseline is

    def __post_init__(self) -> None:
        Event(from_=self.from_, until=self.until)
        if self.baseline_kw < 0 or (self.kw is not None and self.kw <= 0):
            raise ValueError("baseline_kw is not negative, and kw is above 0")

    def within(self, span: Span) -> Span | None:
        """Return what of a span it lasts, None for nothing."""
        start, end = max(span.start, self.from_), min(span.end, self.until)
        return Span(start=start, end=end) if start < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What a site that commits `kw` is paid and charged. Times `unavailable` earn no availability.

    Availability is of a month, by the share of its time that the load covers and the site was available. Each call is
    settled by its own steps: of what was called for, what was delivered is paid, what lacked is charged.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = True

    kind: Literal["programme"] = "programme"
    name: str
    party: str = "system operator"
    kw: Decimal
    per_kw_month: Dated | None = None
    per_kwh: Dated | None = None
    penalty_per_kwh: Dated | None = None
    events: tuple[Call, ...] = ()
    unavailable: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        if self.kw <= 0:
            raise ValueError("kw must be above 0")
        if self.per_kw_month is None and self.per_kwh is None and self.penalty_per_kwh is None:
            raise ValueError("needs per_kw_month, per_kwh or penalty_per_kwh")
        for told in (self.events, self.unavailable):
            spans = sorted((one.from_, one.until) for one in told)
            for (_, until), (start, _) in pairwise(spans):
                if start < until:
                    raise ValueError(f"two of its times overlap from {start.isoformat()}")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return each rate that it has."""
        told = (("available", self.per_kw_month), ("delivered", self.per_kwh), ("lacking", self.penalty_per_kwh))
        return [(label, rate) for label, rate in told if rate is not None]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield availability as of the month's last day, and each call's energy as of its first. Raises NoFigure."""
        if self.per_kw_month is not None:
            share = usage.share_of_month("days") * self._available(usage.span)
            for part in product(usage.last, "available", part_of(self.kw, share), self.per_kw_month.on(usage.last)):
                yield replace(part, amount=-part.amount, unit="kW-month")
        for call in self.events:
            if (span := call.within(usage.span)) is not None:
                yield from self._settled(call, span, usage)

    def _available(self, span: Span) -> Fraction:
        away = sum(
            ((min(one.until, span.end) - max(one.from_, span.start)) // _TICK for one in self._away(span)), start=0
        )
        return 1 - Fraction(away, (span.end - span.start) // _TICK)

    def _away(self, span: Span) -> Iterator[Event]:
        return (one for one in self.unavailable if one.from_ < span.end and span.start < one.until)

    def _settled(self, call: Call, span: Span, usage: Usage) -> Iterator[Part]:
        delivered = lacking = _ZERO
        for step in usage.steps(span):
            ticks = (step.end - step.start) // _TICK
            due = even((self.kw if call.kw is None else call.kw) * ticks / _HOUR_TICKS)
            spared = even(call.baseline_kw * ticks / _HOUR_TICKS) - usage.register.kwh(step)
            given = min(max(spared, _ZERO), due)
            delivered, lacking = delivered + given, lacking + due - given
        day = span.start.astimezone(usage.zone).date()
        at = f"{call.from_.astimezone(usage.zone):%Y-%m-%d %H:%M}" + (f", order {call.order}" if call.order else "")
        at += f" ({call.proof})" if call.proof else ""
        if self.per_kwh is not None:
            for part in product(day, f"delivered {at}", delivered, self.per_kwh.on(day)):
                yield replace(part, amount=-part.amount, order=call.order)
        if self.penalty_per_kwh is not None:
            for part in product(day, f"lacking {at}", lacking, self.penalty_per_kwh.on(day)):
                yield replace(part, order=call.order)
