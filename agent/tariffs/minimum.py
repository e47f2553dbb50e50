"""A least charge: what the components that it names come short of an amount a month or a year, is charged on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Dated
from agent.tariffs.load import Prorate, Usage
from agent.tariffs.money import even, part_of, written
from agent.tariffs.periods import Span, year_of
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """Take or pay in money: the shortfall of a month, or in its last month that of a year, by so many twelfths of it.

    A credit never makes the shortfall larger than the amount itself.
    """

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["minimum"] = "minimum"
    name: str
    party: str = "energy"
    per_month: Dated | None = None
    per_year: Dated | None = None
    year_ends: int = 12  # the month at whose end a year's shortfall is charged
    on: tuple[str, ...] = ()  # none: every component before it
    prorate: Prorate = "days"

    def __post_init__(self) -> None:
        if (self.per_month is None) == (self.per_year is None):
            raise ValueError("needs either per_month or per_year")
        if not 1 <= self.year_ends <= _MONTHS_OF_YEAR:
            raise ValueError("year_ends must be 1 to 12")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return "month" if self.per_month is not None else "year"

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", rate) for rate in (self.per_month, self.per_year) if rate is not None]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:
        """Yield what is missing, as of the month's last day."""
        [(_, rate)] = self.rates()
        self._note(usage, before)
        months = [usage]
        if self.per_year is not None:
            if usage.last.month != self.year_ends:
                return
            year = year_of(usage.last, self.year_ends)
            months += [one for one in usage.earlier if year_of(one.last, self.year_ends) == year]
        figure = rate.on(usage.last)
        charged = sum((usage.register.known[self._key(one)] for one in months), _ZERO)
        share = sum((one.share_of_month(self.prorate) for one in months), Fraction(0))
        share = share if self.per_month is not None else share / _MONTHS_OF_YEAR
        least = part_of(figure.value or _ZERO, share)
        if figure.value and charged < least:
            yield Part(
                day=usage.last,
                label=f"short of {written(least)} by",
                quantity=even((least - charged) / figure.value),
                figure=figure,
                amount=least - charged,
            )

    def _note(self, usage: Usage, before: Sequence[Line]) -> None:
        """Keep what this month was charged, for the end of its year."""
        lines = [line.amount for line in before if not self.on or line.component.name in self.on]
        usage.register.known[self._key(usage)] = max(sum(lines, _ZERO), _ZERO)

    def _key(self, usage: Usage) -> tuple[str, str, Span]:
        return "minimum", self.name, usage.span
