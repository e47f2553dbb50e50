"""What a component says of a month: parts, each with its day of supply, so that what is dated meets the right part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from agent.tariffs.figures import Dated, Figure
from agent.tariffs.load import COLUMNS, Energy, Usage
from agent.tariffs.money import PERCENT, part_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One product of a bill: a quantity of one day at one figure."""

    day: date
    label: str
    quantity: Decimal
    figure: Figure
    amount: Decimal
    coefficient: Figure | None = None  # of the customer's class, that its figure was multiplied by
    exchange: Figure | None = None  # at what its figure's currency was exchanged
    unit: str = ""  # of its quantity, where it is not the component's
    is_rest: bool = False  # no product: what a line lacks or has too much
    order: str = ""  # whose evidence proves it, where one is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One component's part of a month's bill."""

    component: Charge
    parts: tuple[Part, ...]
    amount: Decimal
    currency: str | None = None  # of its figures, where it is not the tariff's


class Charge(Protocol):
    """One component of a tariff: a value that is its own configuration."""

    @property
    def kind(self) -> str:
        """What the configuration calls this sort of component."""

    @property
    def name(self) -> str:
        """What this one is called; unlike every other of its tariff."""

    @property
    def party(self) -> str:
        """Whose invoice it stands on."""

    @property
    def unit(self) -> str:
        """What one unit of its quantity is, as printed: kWh, or % of money."""

    @property
    def by_month(self) -> bool:
        """Whether it is charged by the month as a whole, so that no kWh bears a part of it."""

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return every dated figure of it, each with its label."""

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterable[Part]:
        """Return what it charges for a month, given the lines that stand before it. Raises NoFigure, Unmetered."""


def per_kwh(usage: Usage, rate: Dated, measure: Energy = "kWh") -> Iterator[Part]:
    """Yield the energy of each day at the figure of that day."""
    for segment in usage.segments(column=COLUMNS[measure]):
        yield from product(segment.day, "", segment.kwh, rate.on(segment.day))


def percent_of(base: Mapping[date, Decimal], rate: Dated) -> Iterator[Part]:
    """Yield the percentage of what was charged for each day's supply, at the figure of that day."""
    for day, amount in sorted(base.items()):
        yield from product(day, "", amount, rate.on(day), PERCENT)


def product(day: date, label: str, quantity: Decimal, figure: Figure, unit: Decimal = Decimal(1)) -> Iterator[Part]:
    """Yield the one part that a quantity at a figure is; none where the figure is not known."""
    if figure.value is not None:
        amount = quantity * figure.value * unit
        yield Part(day=day, label=label, quantity=quantity, figure=figure, amount=amount)


def share_of(day: date, label: str, quantity: Decimal, figure: Figure, share: Fraction) -> Iterator[Part]:
    """Yield the one part that a share of a quantity at a figure is, its amount rounded once."""
    for part in product(day, label, part_of(quantity, share), figure):
        yield replace(part, amount=part_of(quantity * (figure.value or Decimal(0)), share))


def supplied(lines: Iterable[Line], names: Sequence[str]) -> dict[date, Decimal]:
    """Return what these components charge by day of supply; no names: every line."""
    sums: defaultdict[date, Decimal] = defaultdict(Decimal)
    for line in lines:
        if not names or line.component.name in names:
            for part in line.parts:
                sums[part.day] += part.amount
    return sums
