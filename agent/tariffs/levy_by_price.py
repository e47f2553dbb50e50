"""A levy on each kilowatt-hour whose rate goes by the average price that was paid for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated, NoFigure
from agent.tariffs.load import Usage
from agent.tariffs.money import even, rounded, written
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """The levy on a kWh whose average price is at least so much."""

    __pydantic_config__ = SHAPE

    price_from: Decimal
    per_kwh: Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class LevyByPrice:
    """A levy by the row that a month's average price has come to; what it averages are the components that `on` names.

    The average is known when the month is over, so that no kWh bears it before.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = True

    kind: Literal["levy_by_price"] = "levy_by_price"
    name: str
    party: str = "state"
    row: tuple[PriceRow, ...]
    on: tuple[str, ...] = ()  # none: every component before it

    def __post_init__(self) -> None:
        if not self.row:
            raise ValueError("needs at least one row")
        for lower, upper in pairwise(self.row):
            if upper.price_from <= lower.price_from:
                raise ValueError(f"the row from {upper.price_from} stands after the one from {lower.price_from}")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rate of each row."""
        return [(f"from a price of {written(row.price_from)}", row.per_kwh) for row in self.row]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:
        """Yield each day's energy at the rate of the row. Raises NoFigure."""
        kwh = usage.register.kwh(usage.span)
        if not kwh:
            return
        paid = sum((line.amount for line in before if not self.on or line.component.name in self.on), _ZERO)
        average = even(paid / kwh)
        rows = [row for row in self.row if row.price_from <= average]
        if not rows:
            raise NoFigure(f"no row is for an average price of {written(rounded(average, _SHOWN))}")
        words = f"average price {written(rounded(average, _SHOWN))}"
        for segment in usage.segments():
            yield from product(segment.day, words, segment.kwh, rows[-1].per_kwh.on(segment.day))
