"""A fixed charge: so much a month, a day or a year, whatever is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Dated
from agent.tariffs.load import Prorate, Usage
from agent.tariffs.money import part_of
from agent.tariffs.shape import SHAPE

_ONE = Decimal(1)
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A charge by the calendar. A figure that changes within a month holds for its own days.

    Of a month that a load covers in part `prorate = "days"` charges the share of its days, `none` the whole; with
    `mean_month` every day is charged alike, twelve months to 365.25 of them, with `thirty_days` a month is 30 days. A
    year is twelve such months.
    """

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["fixed"] = "fixed"
    name: str
    party: str = "energy"
    per_month: Dated | None = None
    per_day: Dated | None = None
    per_year: Dated | None = None
    prorate: Prorate = "days"
    months: tuple[int, ...] = ()  # none: every month

    def __post_init__(self) -> None:
        if sum(rate is not None for rate in (self.per_month, self.per_day, self.per_year)) != 1:
            raise ValueError("needs exactly one of per_month, per_day and per_year")
        if any(month not in range(1, _MONTHS_OF_YEAR + 1) for month in self.months):
            raise ValueError("months are 1 to 12")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return "day" if self.per_day is not None else "year" if self.per_year is not None else "month"

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", rate) for rate in (self.per_month, self.per_day, self.per_year) if rate is not None]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield its days in runs of one figure, each as of its last day."""
        [(_, rate)] = self.rates()
        if self.months and int(usage.month[5:]) not in self.months:
            return
        for figure, days in groupby(_days(usage.first, usage.last), key=rate.on):
            run = list(days)
            if figure.value is not None:
                units = self._units(usage) * len(run) / usage.day_count
                yield Part(
                    day=run[-1],
                    label="",
                    quantity=part_of(_ONE, units),
                    figure=figure,
                    amount=part_of(figure.value, units),
                )

    def _units(self, usage: Usage) -> Fraction:
        """Return how many of its units a month is."""
        if self.per_day is not None:
            return Fraction(usage.day_count)
        share = usage.share_of_month(self.prorate)
        return share if self.per_month is not None else share / _MONTHS_OF_YEAR


def _days(first: date, last: date) -> Iterator[date]:
    for at in range((last - first).days + 1):
        yield first + timedelta(days=at)
