"""A schedule: energy that was bought by the interval beforehand, and what is drawn beside it.

What was bought is paid, drawn or not. What is drawn above it costs the imbalance price; what is not drawn is given back
at that price's other side. Within a dead band, and where an order excuses it, both are at the price that was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.authorised import Event
from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Dated, Figure, NoFigure
from agent.tariffs.load import Usage
from agent.tariffs.money import PERCENT, even
from agent.tariffs.periods import Span
from agent.tariffs.series import PER_UNIT
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """One interval: kWh bought, their price, and the prices of what is drawn above them and of what is not drawn."""

    __pydantic_config__ = SHAPE

    kwh: Decimal
    price: Decimal
    above: Decimal | None = None  # None: by the component's factor
    below: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """What was bought by intervals of one length, without a gap."""

    __pydantic_config__ = SHAPE

    start: datetime  # UTC
    step: timedelta
    intervals: tuple[Bought, ...]

    @property
    def end(self) -> datetime:
        """The end of the last interval."""
        return self.start + self.step * len(self.intervals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Energy bought by the interval, and imbalances; an interval without a purchase has none, and no price."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["schedule"] = "schedule"
    name: str
    party: str = "energy"
    file: Purchases  # what the file beside the tariff holds
    per: Literal["kWh", "MWh"] = "kWh"
    above_factor: Decimal | None = None  # of the price, where the file has no price of its own for it
    below_factor: Decimal | None = None
    dead_band_pct: Decimal = _ZERO  # of what was bought
    excused: tuple[Event, ...] = ()  # what was not drawn in an interval that they touch is given back at the price paid

    def __post_init__(self) -> None:
        if self.dead_band_pct < 0:
            raise ValueError("dead_band_pct is not negative")
        for factor, side in (self.above_factor, "above"), (self.below_factor, "below"):
            if factor is None and any(getattr(one, side) is None for one in self.file.intervals):
                raise ValueError(f"needs {side}_factor, since the file has no column {side}")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return nothing: prices are too many to name."""
        return []

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield what each day bought, drew above it and did not draw. Raises NoFigure."""
        sums: dict[tuple[date, str], tuple[Decimal, Decimal]] = {}
        for span, bought in self._intervals(usage.span):
            day = span.start.astimezone(usage.zone).date()
            for label, kwh, price in self._priced(usage, span, bought):
                taken, amount = sums.get((day, label), (_ZERO, _ZERO))
                sums[day, label] = (taken + kwh, amount + kwh * price)
        for (day, label), (kwh, amount) in sums.items():
            if kwh:
                figure = Figure(value=even(amount / kwh))
                yield Part(day=day, label=f"{day}, {label}", quantity=kwh, figure=figure, amount=amount)

    def _priced(self, usage: Usage, span: Span, bought: Bought) -> Iterator[tuple[str, Decimal, Decimal]]:
        per = PER_UNIT[self.per]
        due = even(bought.kwh * ((span.end - span.start) // _TICK) / (self.file.step // _TICK))
        drawn = usage.register.kwh(span)
        band = due * self.dead_band_pct * PERCENT
        price = bought.price * per
        yield "bought", due, price
        over, under = max(drawn - due, _ZERO), max(due - drawn, _ZERO)
        above = price * (self.above_factor or _ZERO) if bought.above is None else bought.above * per
        below = price * (self.below_factor or _ZERO) if bought.below is None else bought.below * per
        yield "above within the band", min(over, band), price
        yield "above", max(over - band, _ZERO), above
        if any(event.from_ < span.end and span.start < event.until for event in self.excused):
            yield "excused", -under, price
            return
        yield "not drawn within the band", -min(under, band), price
        yield "not drawn", -max(under - band, _ZERO), below

    def _intervals(self, span: Span) -> Iterator[tuple[Span, Bought]]:
        known = self.file
        if span.start < known.start or known.end < span.end:
            missing = span.start if span.start < known.start else max(known.end, span.start)
            raise NoFigure(f"nothing was bought for {missing.astimezone(UTC):%Y-%m-%dT%H:%MZ}, and no price is known")
        at = (span.start - known.start) // known.step
        while known.start + at * known.step < span.end:
            start = known.start + at * known.step
            yield Span(start=max(start, span.start), end=min(start + known.step, span.end)), known.intervals[at]
            at += 1
