"""Corrected reads of the agent's own ledger: adjustment lines in the JSON of its bill; nothing else in it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from agent.outputs.terms import Terms
from agent.tariffs.bill import Bill, MonthBill
from agent.tariffs.charge import Line
from agent.tariffs.corrections import Adjustment, Correction, corrected_bill
from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, rounded, written
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat

ZERO = Decimal(0)


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
