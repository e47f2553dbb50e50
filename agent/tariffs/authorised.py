"""Authorised energy: what is drawn within an authorised power has one price, what is drawn above it another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.money import even
from agent.tariffs.periods import Span
from agent.tariffs.power import Window, window_at
from agent.tariffs.shape import SHAPE
from agent.tariffs.standing import Standing

_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A time at which a limit of its own holds, from one instant until another."""

    __pydantic_config__ = SHAPE

    from_: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.from_.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("from and until need an offset, such as 2026-01-31T18:00:00+06:00")
        if self.until <= self.from_:
            raise ValueError("until is not after from")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisedEnergy:
    """Each step's energy up to `kw` at `per_kwh`, above it at `per_kwh_above`; only in `events` where some are named.

    Where events are named, energy outside of them is charged by another component.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["authorised_energy"] = "authorised_energy"
    name: str
    party: str = "energy"
    kw: Dated
    per_kwh: Dated
    per_kwh_above: Dated
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        if any(figure.value is None or figure.value < 0 for figure in self.kw.figures):
            raise ValueError("kw must be known, and not negative")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return both prices."""
        return [("within", self.per_kwh), ("above", self.per_kwh_above)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield each day's energy within the authorised power and above it. Raises NoFigure."""
        days: dict[date, list[Decimal]] = {}
        for span in self._spans(usage):
            day = span.start.astimezone(usage.zone).date()
            kwh = usage.register.kwh(span)
            allowed = even((self.kw.on(day).value or _ZERO) * ((span.end - span.start) // _TICK) / _HOUR_TICKS)
            sums = days.setdefault(day, [_ZERO, _ZERO])
            sums[0] += min(kwh, allowed)
            sums[1] += max(kwh - allowed, _ZERO)
        for day, (within, above) in sorted(days.items()):
            yield from product(day, "within", within, self.per_kwh.on(day))
            yield from product(day, "above", above, self.per_kwh_above.on(day))

    def standing(self, usage: Usage, at: datetime) -> Iterator[Standing]:
        """Yield what may be drawn in the step of an instant, and what each kW above costs in it. Raises NoFigure."""
        window = window_at(usage, at, Window())
        if self.events and not any(event.from_ <= at < event.until for event in self.events):
            return
        day = at.astimezone(usage.zone).date()
        within, above = self.per_kwh.on(day).value or _ZERO, self.per_kwh_above.on(day).value or _ZERO
        allowed = self.kw.on(day).value or _ZERO
        hours = Decimal((window.end - window.start) // _TICK) / _HOUR_TICKS
        yield Standing(
            component=self.name,
            period="",
            window=window,
            since=window.start,
            each=True,
            kw=allowed,
            bands=((allowed, even((above - within) * hours)),),
            left=(window,),
        )

    def _spans(self, usage: Usage) -> Iterator[Span]:
        """Yield the steps of the load, cut at local days and at events, of which those outside fall away."""
        for segment in usage.segments():
            for step in usage.steps(segment.span):
                if not self.events:
                    yield step
                for event in self.events:
                    start, end = max(step.start, event.from_), min(step.end, event.until)
                    if start < end:
                        yield Span(start=start, end=end)
