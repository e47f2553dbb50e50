"""Full-load hours: which price holds is told by a year's energy over its highest power, as network charges have it.

German ordinance StromNEV, section 17: a price pair for a capacity and for energy on either side of 2,500 h a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.load import Usage
from agent.tariffs.money import even, part_of, rounded, written
from agent.tariffs.periods import year_of
from agent.tariffs.power import Window, highest
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursBranch:
    """What holds from so many hours a year on: the price of a kW and year, or of a kWh."""

    __pydantic_config__ = SHAPE

    hours_from: Decimal = _ZERO
    per_kw_year: Dated | None = None
    per_kwh: Dated | None = None

    def __post_init__(self) -> None:
        if (self.per_kw_year is None) == (self.per_kwh is None):
            raise ValueError("needs either per_kw_year or per_kwh")
        if self.hours_from < 0:
            raise ValueError("hours_from is not negative")

    @property
    def rate(self) -> Dated:
        """Its one rate."""
        return self.per_kw_year or self.per_kwh  # type: ignore[return-value]  # one of them is told


@dataclass(frozen=True, slots=True, kw_only=True)
class FullLoadHours:
    """One charge whose price goes by the year's hours; a month is charged what the year has come to, less what it had.

    Until its end a year's hours are those of the months so far, times twelve over their number: a branch that changes
    is settled for the year so far. What a whole year is charged is its own kW and kWh at the branch of its own hours.
    """

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["full_load_hours"] = "full_load_hours"
    name: str
    party: str = "network"
    branch: tuple[HoursBranch, ...]
    window_min: int | None = None  # None: the step of the load
    year_ends: int = 12

    def __post_init__(self) -> None:
        bounds = [one.hours_from for one in self.branch]
        if not bounds or bounds[0] != 0 or bounds != sorted(set(bounds)):
            raise ValueError("branch needs hours_from that rise from 0")
        if len({one.per_kwh is None for one in self.branch}) > 1:
            raise ValueError("branches are all per_kw_year or all per_kwh")
        if self.window_min is not None and not 1 <= self.window_min <= 1440:
            raise ValueError("window_min must be 1 to 1440")
        if not 1 <= self.year_ends <= _MONTHS_OF_YEAR:
            raise ValueError("year_ends must be 1 to 12")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return "kWh" if self.branch[0].per_kwh is not None else "kW-year"

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rate of each branch."""
        return [(f"from {written(one.hours_from)} h", one.rate) for one in self.branch]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield what the year has come to, and what of it earlier months were charged. Raises NoFigure."""
        year = year_of(usage.last, self.year_ends)
        earlier = [one for one in usage.earlier if year_of(one.last, self.year_ends) == year]
        yield from self._so_far([*earlier, usage])
        charged = sum((part.amount for part in self._so_far(earlier)), _ZERO) if earlier else _ZERO
        if charged:
            label = "less what earlier months of the year were charged"
            yield Part(day=usage.last, label=label, quantity=_ZERO, figure=Figure(), amount=-charged, is_rest=True)

    def _so_far(self, months: Sequence[Usage]) -> Iterator[Part]:
        share = sum((month.share_of_month("days") for month in months), Fraction(0)) / _MONTHS_OF_YEAR
        kwh = sum((month.register.kwh(month.span) for month in months), _ZERO)
        kw = max(highest(month, [month.span], Window(minutes=self.window_min)).power for month in months)
        hours = part_of(even(kwh / kw), 1 / share) if kw else _ZERO
        branch = next(one for one in reversed(self.branch) if one.hours_from <= hours)
        day = months[-1].last
        label = f"{written(rounded(hours, 1))} full-load hours a year"
        quantity = kwh if branch.per_kwh is not None else part_of(kw, share)
        yield from product(day, label, quantity, branch.rate.on(day))
