"""What a month is charged as a whole, beside its intervals: its bill under the tariff, less what intervals bear of it.

Once a month is over that is a fact, and no later tariff changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext

import msgspec

from agent.facts.energy import Charge, Credit, MonthCharged
from agent.outputs.money_totals import ZERO, Month, Totals
from agent.outputs.terms import Terms
from agent.tariffs.bill import MonthBill, cost, last_month
from agent.tariffs.charge import Line
from agent.tariffs.charging import load_of
from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, written
from agent.tariffs.periods import months_before

SETTLED_WITHIN = timedelta(days=2)
"""So much of the next month may have passed: a month that ended long ago was settled then, or had no such charges."""


def beside(totals: Totals, terms: Terms, name: str, at: datetime) -> MonthCharged | None:
    """Return what a month is charged beside its intervals, until now where it is not over; None: nothing.

    Raises Unpriced.
    """
    tariff, month = terms.tariff, totals.months.get(name)
    if tariff is None or month is None or not tariff.is_settled_by_month:
        return None
    load = _load(totals, name, tariff.months_back)
    whole = last_month(tariff, load, terms.zone, terms.metering.read)
    if tariff.is_netted:
        charged = [told for (code, _), told in month.charges.items() if code == tariff.currency]
        borne = {one.name: amount for one, amount in charged}
        lines = {line.component.name for line in whole.lines}
        given_back = [
            msgspec.structs.replace(one, amount=written(-amount))
            for one, amount in charged
            if amount and one.name not in lines
        ]
        borne_cost = month.cost.get(tariff.currency, ZERO)
    else:
        given_back = []
        running = last_month(tariff.running(), load, terms.zone, terms.metering.read)
        borne, borne_cost = {line.component.name: line.amount for line in running.lines}, cost(running)
    with localcontext(EXACT):
        charges = [*given_back, *_charges(whole, borne)]
        rest = cost(whole) - borne_cost
    return MonthCharged(
        at=at, month=name, currency=tariff.currency, charges=charges, cost=written(rest), credits=_credits(whole)
    )


def due(totals: Totals) -> str | None:
    """Return the month that is over and not settled yet, None where there is none."""
    names = sorted(totals.months)[-2:]
    if len(names) < 2 or totals.months[names[0]].settled is not None:
        return None
    is_late = totals.months[names[1]].covered_s > SETTLED_WITHIN.total_seconds()
    return None if is_late else names[0]


def _charges(whole: MonthBill, borne: Mapping[str, Decimal]) -> list[Charge]:
    found = []
    for line in whole.lines:
        amount = line.amount - borne.get(line.component.name, ZERO)
        if amount:
            found.append(_charge(line, amount))
    return found


def _charge(line: Line, amount: Decimal) -> Charge:
    component = line.component
    return Charge(name=component.name, kind=component.kind, party=component.party, amount=written(amount))


def _credits(whole: MonthBill) -> list[Credit]:
    """Return what lines say of each order."""
    found: dict[tuple[str, str], Decimal] = {}
    with localcontext(EXACT):
        for line in whole.lines:
            for part in line.parts:
                if part.order:
                    key = (line.component.name, part.order)
                    found[key] = found.get(key, ZERO) + part.amount
    return [Credit(name=name, order=order, amount=written(amount)) for (name, order), amount in found.items()]


def _load(totals: Totals, name: str, months_back: int) -> Load:
    """Return what a month drew, and the months before it that its bill looks back on."""
    first = date.fromisoformat(f"{name}-01")
    names = sorted({name, *months_before(first, months_back)} & totals.months.keys())
    told: list[tuple[datetime, Decimal]] = []
    for one in names:
        told += _steps(totals.months[one])
    return load_of(sorted(told), totals.interval)


def _steps(month: Month) -> list[tuple[datetime, Decimal]]:
    return [(datetime.fromtimestamp(start, UTC), kwh) for start, kwh in month.billed()]
