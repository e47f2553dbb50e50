"""Take or pay: energy that was bought and not taken is charged all the same, by the month or the year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.money import even, written
from agent.tariffs.periods import year_of
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrPay:
    """The kWh that a month, or at its end a year, comes short of what was bought.

    Of a month that the load covers in part the share of its days was bought; of a year so many twelfths.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = True

    kind: Literal["take_or_pay"] = "take_or_pay"
    name: str
    party: str = "energy"
    kwh_per_month: Decimal | None = None
    kwh_per_year: Decimal | None = None
    year_ends: int = 12  # the month at whose end a year is settled
    per_kwh: Dated

    def __post_init__(self) -> None:
        if (self.kwh_per_month is None) == (self.kwh_per_year is None):
            raise ValueError("needs either kwh_per_month or kwh_per_year")
        if (self.kwh_per_month or self.kwh_per_year or _ZERO) <= 0:
            raise ValueError("what is bought must be above 0")
        if not 1 <= self.year_ends <= _MONTHS_OF_YEAR:
            raise ValueError("year_ends must be 1 to 12")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.per_kwh)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield what was not taken, as of the month's last day. Raises NoFigure."""
        months = [usage]
        bought = self.kwh_per_month
        if self.kwh_per_year is not None:
            if usage.last.month != self.year_ends:
                return
            year = year_of(usage.last, self.year_ends)
            months += [one for one in usage.earlier if year_of(one.last, self.year_ends) == year]
            bought = self.kwh_per_year / _MONTHS_OF_YEAR
        due = even(sum(((bought or _ZERO) * _share(one) for one in months), _ZERO))
        taken = sum((one.register.kwh(one.span) for one in months), _ZERO)
        if taken < due:
            words = f"{written(due)} kWh bought, {written(taken)} taken"
            yield from product(usage.last, words, due - taken, self.per_kwh.on(usage.last))


def _share(usage: Usage) -> Decimal:
    return Decimal(usage.day_count) / usage.days_of_month
