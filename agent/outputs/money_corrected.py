"""Corrected reads of the agent's own ledger: adjustment lines in the JSON of its bill; nothing else in it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from agent.outputs.money_totals import Totals
from agent.outputs.terms import Terms
from agent.tariffs.bill import Bill, MonthBill
from agent.tariffs.charge import Line
from agent.tariffs.charging import kwh_of, load_of
from agent.tariffs.corrections import Adjustment, Correction, corrected_bill
from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, rounded, written
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the ledger's intervals make, and what hands corrected of it."""

    load: Load
    corrections: Sequence[Correction]


def counted_of(totals: Totals, as_of: datetime | None = None) -> Counted | None:
    """Return what was counted where something of it was corrected by then; None where nothing was."""
    facts = [fact for fact in totals.corrected if as_of is None or fact.at <= as_of]
    if not facts:
        return None
    told = [
        (datetime.fromtimestamp(start, UTC), kwh_of(energy_wh))
        for month in totals.months.values()
        for start, energy_wh in zip(month.starts, month.energies, strict=True)
    ]
    if not told:
        return None
    load = load_of(sorted(told), totals.interval)
    corrections = [
        Correction(learned=fact.at, at=at, figures={"kwh": Decimal(read.kwh)})
        for fact in facts
        for read in fact.reads
        if (at := place_of(read.start, load)) is not None
    ]
    return Counted(load=load, corrections=corrections) if corrections else None


def place_of(start: datetime, load: Load) -> int | None:
    """Return which step of a load begins at an instant, None for none."""
    at, rest = divmod(start - load.start, load.step)
    return at if not rest and 0 <= at < len(load.kwh) else None


def adjusted(
    told: Mapping[str, Any], terms: Terms, tariff: Tariff, counted: Load, corrections: Sequence[Correction]
) -> dict[str, Any]:
    """Return a bill with what corrections change: in its own month what was learned before its end, else later.

    `counted` is what the ledger's intervals make. Raises Unpriced.
    """
    before = _by_month(corrected_bill(tariff, counted, (), terms.zone, terms.metering))
    after = _by_month(corrected_bill(tariff, counted, corrections, terms.zone, terms.metering))
    with localcontext(EXACT):
        names = [month["month"] for month in told["months"]]
        told_by = dict(zip(names, told["months"], strict=True))
        months = [_month(told_by[name], before.get(name), after.get(name), tariff) for name in names]
        amounts = [Decimal(one["amount"]) for month in months for one in month["components"]]
        total = f"{rounded(sum(amounts, ZERO), tariff.total_digits):f}" if amounts else None
    return {**told, "months": months, "total": total}


def unknown_months(terms: Terms, tariff: Tariff, counted: Load, corrections: Sequence[Correction]) -> list[str]:
    """Return the months in which something was learned, and of which the ledger has nothing. Raises Unpriced."""
    after = corrected_bill(tariff, counted, corrections, terms.zone, terms.metering)
    return [month.month for month in after.months if month.span.start == month.span.end]


def _by_month(billed: Bill) -> dict[str, MonthBill]:
    return {month.month: month for month in billed.months}


def _month(
    told: Mapping[str, Any], before: MonthBill | None, after: MonthBill | None, tariff: Tariff
) -> dict[str, Any]:
    if before is None or after is None or before == after:
        return dict(told)
    was = {line.component.name: line.amount for line in before.lines}
    lines = [(line, line.amount - was.get(line.component.name, ZERO)) for line in after.lines]
    changed = [(_adjustment(line, told["month"]), amount) for line, amount in lines if amount]
    components = [
        *told["components"],
        *(
            {"name": one.name, "kind": one.kind, "party": one.party, "amount": written(amount)}
            for one, amount in changed
        ),
    ]
    back = {one.name for one in tariff.components if isinstance(one, Vat) and one.recoverable}
    cost = Decimal(told["cost"] or 0) + sum((amount for one, amount in changed if one.of not in back), ZERO)
    total = rounded(sum((Decimal(one["amount"]) for one in components), ZERO), tariff.total_digits)
    kwh = float(Decimal(repr(told["kwh"])) + after.kwh - before.kwh)
    return {**told, "kwh": kwh, "components": components, "cost": written(cost), "total": f"{total:f}"}


def _adjustment(line: Line, month: str) -> Adjustment:
    component = line.component
    if isinstance(component, Adjustment):
        return component
    return Adjustment(of=component.name, month=month, party=component.party)
