"""What one stretch of energy costs by components: the bill that its month gets, piece by piece.

Components that charge each kWh by its own time, or by the block that the month has come to, add up to the bill of the
whole, to the last digit. What is charged by the month as a whole (fixed, demand, reactive) is in no piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.bill import Bill, bill, cost
from agent.tariffs.load import NOTHING, Load, Taken
from agent.tariffs.money import EXACT
from agent.tariffs.periods import Span, interval_start
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat

WH_PER_KWH = 3  # decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One component's part, exact. `is_cost` False: VAT that comes back."""

    name: str
    kind: str
    party: str
    amount: Decimal
    is_cost: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What a stretch of energy is charged."""

    amounts: tuple[Amount, ...]
    cost: Decimal


def kwh_of(energy_wh: int) -> Decimal:
    """Return whole Wh as kWh, exactly."""
    return Decimal(energy_wh).scaleb(-WH_PER_KWH)


def load_of(energies: Sequence[tuple[datetime, Decimal]], interval: timedelta) -> Load:
    """Return kWh by their starts as one load of whole intervals; between them is nothing."""
    start = interval_start(energies[0][0], interval)
    steps = [Decimal(0)] * ((energies[-1][0] - start) // interval + 1)
    with localcontext(EXACT):
        for at, kwh in energies:
            steps[(at - start) // interval] += kwh
    return Load(start=start, step=interval, kwh=tuple(steps))


def charged(
    tariff: Tariff, energy_wh: int, start: datetime, end: datetime, zone: tzinfo, taken: Taken = NOTHING
) -> Charged:
    """Return what the energy of one stretch costs; `taken` is what its month drew before it. Raises Unpriced."""
    return charged_kwh(tariff, kwh_of(energy_wh), Span(start=start, end=end), zone, taken)


def charged_kwh(tariff: Tariff, kwh: Decimal, span: Span, zone: tzinfo, taken: Taken = NOTHING) -> Charged:
    """Return what billed kWh of one stretch cost, as `charged` does. Raises Unpriced."""
    load = Load(start=span.start, step=span.end - span.start, kwh=(kwh,))
    return charged_for(bill(tariff.running(), load, zone, taken))


def charged_for(billed: Bill) -> Charged:
    """Return a bill's components over all its months."""
    with localcontext(EXACT):
        amounts: dict[str, Amount] = {}
        for line in (line for month in billed.months for line in month.lines):
            component, before = line.component, amounts.get(line.component.name)
            amounts[component.name] = Amount(
                name=component.name,
                kind=component.kind,
                party=component.party,
                amount=line.amount + (before.amount if before is not None else 0),
                is_cost=not (isinstance(component, Vat) and component.recoverable),
            )
        total = sum((cost(month) for month in billed.months), Decimal(0))
    return Charged(amounts=tuple(amounts.values()), cost=total)


def cost_by_day(billed: Bill) -> dict[date, Decimal]:
    """Return what each local day's supply really costs."""
    sums: dict[date, Decimal] = {}
    with localcontext(EXACT):
        for line in (line for month in billed.months for line in month.lines):
            if isinstance(line.component, Vat) and line.component.recoverable:
                continue
            for part in line.parts:
                sums[part.day] = sums.get(part.day, Decimal(0)) + part.amount
    return sums


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up, exactly."""
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))
