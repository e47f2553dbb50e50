"""Energy at the price of its interval: a day-ahead or real-time series, with losses and the supplier's margin.

What a kWh costs is the series' price, raised by the losses to the boundary, then by a margin in percent, then by one in
money. Prices below zero pay. An interval without a price has none: nothing is carried on to fill it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Dated, Figure, NoFigure
from agent.tariffs.load import Usage
from agent.tariffs.money import PERCENT, even, written
from agent.tariffs.periods import Span
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_ONE = Decimal(1)
PER_UNIT = {"kWh": _ONE, "MWh": Decimal("0.001")}
"""How many of what a price is per a kWh is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices by intervals of one length, without a gap; what they are per is the component's unit."""

    __pydantic_config__ = SHAPE

    start: datetime  # UTC
    step: timedelta
    values: tuple[Decimal, ...]

    @property
    def end(self) -> datetime:
        """The end of the last interval."""
        return self.start + self.step * len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Energy at the price of the interval in which it is taken."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["series"] = "series"
    name: str
    party: str = "energy"
    file: Prices  # what the file beside the tariff holds
    per: Literal["kWh", "MWh"] = "kWh"
    loss_pct: Decimal = _ZERO
    margin_pct: Decimal = _ZERO
    margin_per_kwh: Dated | None = None

    def __post_init__(self) -> None:
        if self.loss_pct < 0:
            raise ValueError("loss_pct is not negative")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the margin; prices are too many to name."""
        return [] if self.margin_per_kwh is None else [("margin", self.margin_per_kwh)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield each day's energy at what its intervals cost on average. Raises NoFigure."""
        days: dict[date, list[tuple[Decimal, Decimal]]] = {}
        factor = PER_UNIT[self.per] * (_ONE + self.loss_pct * PERCENT) * (_ONE + self.margin_pct * PERCENT)
        for segment in usage.segments():
            margin = _ZERO if self.margin_per_kwh is None else self.margin_per_kwh.on(segment.day).value or _ZERO
            for span, price in self._intervals(segment.span):
                kwh = usage.register.kwh(span)
                days.setdefault(segment.day, []).append((kwh, price * factor + margin))
        for day, priced in days.items():
            kwh = sum((taken for taken, _ in priced), _ZERO)
            amount = sum((taken * price for taken, price in priced), _ZERO)
            costs = [price for _, price in priced]
            yield Part(
                day=day,
                label=f"{day}, {len(priced)} prices from {written(even(min(costs)))} to {written(even(max(costs)))}",
                quantity=kwh,
                figure=Figure(value=even(amount / kwh) if kwh else _ZERO),
                amount=amount,
            )

    def _intervals(self, span: Span) -> Iterator[tuple[Span, Decimal]]:
        known = self.file
        if span.start < known.start or known.end < span.end:
            missing = span.start if span.start < known.start else max(known.end, span.start)
            whole = f"they are known from {_said(known.start)} until {_said(known.end)}"
            raise NoFigure(f"there is no price for {_said(missing)}: {whole}")
        at = (span.start - known.start) // known.step
        while known.start + at * known.step < span.end:
            start = known.start + at * known.step
            yield Span(start=max(start, span.start), end=min(start + known.step, span.end)), known.values[at]
            at += 1


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
