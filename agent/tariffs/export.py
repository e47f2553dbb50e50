"""Export: what is fed into the grid is paid, by the time at which it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.shape import SHAPE
from agent.tariffs.time_of_use import Period
from agent.tariffs.when import Calendar, cuts, exactly_one


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCredit:
    """A credit for each kWh exported, at the price of its period; a load without exports has none."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["export_credit"] = "export_credit"
    name: str
    party: str = "energy"
    period: tuple[Period, ...]

    def __post_init__(self) -> None:
        exactly_one(self.period, [period.name for period in self.period])

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return each period's rate."""
        return [(period.name, period.per_kwh) for period in self.period]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield what each stretch of a day exported, as an amount below 0."""
        if not usage.register.has("export_kwh"):
            return
        calendar = Calendar(self.period)
        for segment in usage.segments(cuts(self.period), "export_kwh"):
            [at] = calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
            period = self.period[at]
            for part in product(segment.day, period.name, segment.kwh, period.per_kwh.on(segment.day)):
                yield replace(part, amount=-part.amount)
