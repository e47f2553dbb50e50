"""Energy by the time at which it is taken: months, days of the week, holidays, and local hours to the minute.

At every local minute of every kind of day exactly one period holds; a tariff of which that is not so is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import COLUMNS, Energy, Usage
from agent.tariffs.netting import netted
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import Calendar, Times, cuts, exactly_one, know_holidays


@dataclass(frozen=True, slots=True, kw_only=True)
class Period(Times):
    """A price and when it holds; one that says neither months, days nor hours is the rest."""

    __pydantic_config__ = SHAPE

    name: str
    per_kwh: Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfUse:
    """Energy at the price of the period in which it is taken, by the local clock."""

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = False

    kind: Literal["time_of_use"] = "time_of_use"
    name: str
    party: str = "energy"
    period: tuple[Period, ...]
    net_export: bool = False  # what is exported counts against what is taken, by months and periods
    measure: Energy = "kWh"

    def __post_init__(self) -> None:
        exactly_one(self.period, [period.name for period in self.period])
        if self.net_export and self.measure != "kWh":
            raise ValueError("net_export is for kWh")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return self.measure

    @property
    def knows_holidays(self) -> bool:
        """Whether a period names them; where none does they are Sundays."""
        return know_holidays(self.period)

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return each period's rate."""
        return [(period.name, period.per_kwh) for period in self.period]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the energy of each stretch of a day at the price of the period that holds then. Raises Unmetered."""
        if self.net_export and usage.register.has("export_kwh"):
            for at, kwh in sorted(netted(usage, self.name, self.period).items()):
                period = self.period[at]
                yield from product(usage.last, f"{period.name}, net", kwh, period.per_kwh.on(usage.last))
            return
        calendar = Calendar(self.period)
        for segment in usage.segments(cuts(self.period), COLUMNS[self.measure]):
            [at] = calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
            period = self.period[at]
            yield from product(segment.day, period.name, segment.kwh, period.per_kwh.on(segment.day))
