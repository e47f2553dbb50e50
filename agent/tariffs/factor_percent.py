"""A surcharge or discount on money by the month's power factor: so much percent by the row that it has come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product, supplied
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.load import Usage
from agent.tariffs.money import PERCENT, even, rounded, written
from agent.tariffs.periods import Span
from agent.tariffs.power import spans_of
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import ALWAYS, Times

_ZERO, _ONE, _POINTS = Decimal(0), Decimal(1), Decimal(100)
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """What is added where the power factor is at least so much; below 0 it is a discount.

    `per_point` is added for each hundredth, and part of one, by which it is below the next row's `factor_from`;
    where the row has a `target`, `share` of target / factor - 1 is, in percent: a discount where the factor is higher.
    """

    __pydantic_config__ = SHAPE

    factor_from: Decimal
    pct: Dated = Dated(figures=(Figure(value=_ZERO),))  # noqa: RUF009 - frozen
    per_point: Decimal = _ZERO
    target: Decimal | None = None
    share: Decimal = _ONE

    def __post_init__(self) -> None:
        if self.target is not None and not 0 < self.target <= 1:
            raise ValueError("target must be above 0 and at most 1")
        if self.target is None and self.share != _ONE:
            raise ValueError("share is of a target, and the row has none")

    def in_words(self) -> str:
        """Return what it adds to its percentage; "" for nothing."""
        points = f", {written(self.per_point)} a hundredth below the next, and" if self.per_point else ""
        if self.target is None:
            return points
        return f", {written(self.share)} x ({written(self.target)} / factor - 1), and"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPercent:
    """A percentage of the components that `on` names by the power factor of the month's energy, or of its `when`."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "%"
    by_month: ClassVar[bool] = True

    kind: Literal["power_factor"] = "power_factor"
    name: str
    party: str = "network"
    row: tuple[FactorRow, ...]
    on: tuple[str, ...] = ()  # none: every component before it
    digits: int | None = None  # decimals to which the power factor is rounded
    pct_digits: int | None = None  # decimals to which the percentage is
    when: Times = ALWAYS

    def __post_init__(self) -> None:
        if not self.row or self.row[0].factor_from != 0:
            raise ValueError("the first row is from 0")
        for lower, upper in pairwise(self.row):
            if upper.factor_from <= lower.factor_from:
                raise ValueError(f"the row from {upper.factor_from} stands after the one from {lower.factor_from}")
        if self.row[-1].factor_from > 1:
            raise ValueError("no power factor is above 1")
        if self.digits is not None and not 1 <= self.digits <= 9:
            raise ValueError("digits must be 1 to 9")
        if self.pct_digits is not None and not 0 <= self.pct_digits <= 9:
            raise ValueError("pct_digits must be 0 to 9")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rate of each row."""
        return [(f"from {written(row.factor_from)}{row.in_words()}", row.pct) for row in self.row]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:
        """Yield the percentage of what each day's supply cost; none in a month in which `when` never holds.

        Raises NoFigure, Unmetered.
        """
        spans = spans_of(usage, self.when)
        if not spans:
            return
        factor = self._factor(usage, spans)
        at = max(place for place, row in enumerate(self.row) if row.factor_from <= factor)
        row, upper = self.row[at], self.row[at + 1].factor_from if at + 1 < len(self.row) else _ONE
        more = row.per_point * (upper - factor) * _POINTS
        if row.target is not None:
            more += row.share * (row.target / factor - 1) * _POINTS if factor else _ZERO
        words = f"power factor {written(rounded(factor, _SHOWN))}"
        for day, amount in sorted(supplied(before, self.on).items()):
            for part in product(day, words, amount, row.pct.on(day), PERCENT):
                pct = (part.figure.value or _ZERO) + more
                pct = even(pct) if self.pct_digits is None else rounded(pct, self.pct_digits)
                yield replace(part, figure=replace(part.figure, value=pct), amount=even(amount * pct * PERCENT))

    def _factor(self, usage: Usage, spans: Sequence[Span]) -> Decimal:
        """Return kWh / kVAh; 1 where nothing was taken. Leading kvarh take from lagging ones."""
        register = usage.register
        active = sum((register.kwh(span) for span in spans), _ZERO)
        reactive = sum((register.kwh(span, "kvarh") for span in spans), _ZERO)
        if register.has("kvarh_lead"):
            reactive -= sum((register.kwh(span, "kvarh_lead") for span in spans), _ZERO)
        factor = active / (active * active + reactive * reactive).sqrt() if active else _ONE
        return factor if self.digits is None else rounded(factor, self.digits)
