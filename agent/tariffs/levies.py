"""Public charges: so much a kilowatt-hour, or a percentage of what the bill says before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, percent_of, product, supplied
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.money import PERCENT, even
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import MONTHS

_ZERO, _ALL = Decimal(0), Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevyPerKwh:
    """A levy on each kilowatt-hour taken; or, `on` components, on each that these bill: what netting left of export.

    `months` are those of the day on which a kWh is taken; what was netted stands on the last day of its bill.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["levy_per_kwh"] = "levy_per_kwh"
    name: str
    party: str = "state"
    per_kwh: Dated
    on: tuple[str, ...] = ()
    months: tuple[int, ...] = ()  # none: every month

    def __post_init__(self) -> None:
        if any(month not in MONTHS for month in self.months):
            raise ValueError("months are 1 to 12")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.per_kwh)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterable[Part]:
        """Return each day's energy at that day's rate."""
        return [
            part
            for day, kwh in self._taken(usage, before)
            if not self.months or day.month in self.months
            for part in product(day, "", kwh, self.per_kwh.on(day))
        ]

    def _taken(self, usage: Usage, before: Sequence[Line]) -> Iterable[tuple[date, Decimal]]:
        if not self.on:
            return [(segment.day, segment.kwh) for segment in usage.segments()]
        billed = [part for line in before if line.component.name in self.on for part in line.parts]
        return [(part.day, part.quantity) for part in billed if not part.is_rest and not part.unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevyPercent:
    """A levy on money: a percentage of the components that it names, or of all before it.

    One that is `inside` is that share of the sum with itself in it, as taxes upon gross receipts are.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "%"
    by_month: ClassVar[bool] = False

    kind: Literal["levy_percent"] = "levy_percent"
    name: str
    party: str = "state"
    pct: Dated
    on: tuple[str, ...] = ()  # none: every component before it
    inside: bool = False

    def __post_init__(self) -> None:
        if self.inside and any(one.value is not None and not 0 <= one.value < _ALL for one in self.pct.figures):
            raise ValueError("pct of what is inside must be 0 to below 100")

    def of(self, amount: Decimal, pct: Decimal) -> Decimal:
        """Return what is charged on an amount."""
        return even(amount * pct / (_ALL - pct)) if self.inside else amount * pct * PERCENT

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.pct)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterable[Part]:  # noqa: ARG002 - it charges money alone
        """Return the percentage of what each day's supply costs before it."""
        parts = percent_of(supplied(before, self.on), self.pct)
        if not self.inside:
            return parts
        return (
            replace(part, label="of the sum with itself", amount=self.of(part.quantity, part.figure.value or _ZERO))
            for part in parts
        )
