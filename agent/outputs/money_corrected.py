"""Corrected reads of the agent's own ledger: adjustment lines in the JSON of its bill; nothing else in it changes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from agent.facts.energy import ReadsCorrected
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
NO_PRICE = "reads were corrected, and no tariff says what that costs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was heard until now of intervals and corrected reads: copies, for a thread beside the one that hears."""

    intervals: Sequence[tuple[array[int], array[int]]]  # by months their starts, s since 1970, and energies, Wh
    corrected: Sequence[ReadsCorrected]
    interval: timedelta
    unpriced: frozenset[str]  # months of which nothing was charged


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the ledger's intervals make, and what hands corrected of it."""

    load: Load
    corrections: Sequence[Correction]
    unpriced: frozenset[str] = frozenset()


def told_of(totals: Totals) -> Told | None:
    """Return what was heard where something of it was corrected; None where nothing was."""
    return copied(totals) if totals.corrected else None


def copied(totals: Totals) -> Told | None:
    """Return what was heard; None where nothing was."""
    if not totals.months:
        return None
    return Told(
        intervals=[(month.starts[:], month.energies[:]) for month in totals.months.values()],
        corrected=tuple(totals.corrected),
        interval=totals.interval,
        unpriced=frozenset(name for name, month in totals.months.items() if not month.cost and month.settled is None),
    )


def counted_of(told: Told) -> Counted | None:
    """Return what was counted and what of it was corrected; None where nothing of it was."""
    found = counted(told)
    return found if found.corrections else None


def counted(told: Told) -> Counted:
    """Return what was counted, and what of it was corrected."""
    energies = [
        (datetime.fromtimestamp(start, UTC), kwh_of(energy_wh))
        for starts, month in told.intervals
        for start, energy_wh in zip(starts, month, strict=True)
    ]
    load = load_of(sorted(energies), told.interval)
    return Counted(load=load, corrections=corrections_of(told.corrected, load), unpriced=told.unpriced)


def corrections_of(facts: Iterable[ReadsCorrected], load: Load) -> list[Correction]:
    """Return what hands told of a load's steps."""
    return [
        Correction(learned=fact.at, at=at, figures={"kwh": Decimal(read.kwh)})
        for fact in facts
        for read in fact.reads
        if (at := place_of(read.start, load)) is not None
    ]


def place_of(start: datetime, load: Load) -> int | None:
    """Return which step of a load begins at an instant, None for none."""
    at, rest = divmod(start - load.start, load.step)
    return at if not rest and 0 <= at < len(load.kwh) else None


def adjusted(told: Mapping[str, Any], terms: Terms, tariff: Tariff, counted: Counted) -> dict[str, Any]:
    """Return a bill with what corrections change: in its own month what was learned before its end, else later.

    A month that has no price gets its kWh and no money. Raises Unpriced.
    """
    before = _by_month(corrected_bill(tariff, counted.load, (), terms.zone, terms.metering))
    after = _by_month(corrected_bill(tariff, counted.load, counted.corrections, terms.zone, terms.metering))
    unpriced = counted.unpriced | {month["month"] for month in told["months"] if month["cost"] is None}
    with localcontext(EXACT):
        names = [month["month"] for month in told["months"]]
        told_by = dict(zip(names, told["months"], strict=True))
        months = [_month(told_by[name], before.get(name), after.get(name), tariff, unpriced) for name in names]
        amounts = [Decimal(one["amount"]) for month in months for one in month["components"]]
        total = f"{rounded(sum(amounts, ZERO), tariff.total_digits):f}" if amounts else None
    warnings = [*told["warnings"], *_doubts(after, unpriced)]
    return {**told, "months": months, "total": total, "warnings": warnings}


def _doubts(after: Mapping[str, MonthBill], unpriced: AbstractSet[str]) -> list[str]:
    """Return in words which corrections are in no bill."""
    lines = [line.component for month in after.values() for line in month.lines]
    known = {one.month for one in lines if isinstance(one, Adjustment)} & unpriced
    lost = [f"corrections learned in {name} are in no bill yet: nothing is known of that month" for name in _new(after)]
    return [*lost, *(f"{name}: its corrected reads change no money: it has no price" for name in sorted(known))]


def _new(after: Mapping[str, MonthBill]) -> list[str]:
    """Return the months in which something was learned, and of which the load has nothing."""
    return [month.month for month in after.values() if month.span.start == month.span.end]


def unknown_months(terms: Terms, tariff: Tariff, counted: Counted) -> list[str]:
    """Return the months in which something was learned, and of which the ledger has nothing. Raises Unpriced."""
    return _new(_by_month(corrected_bill(tariff, counted.load, counted.corrections, terms.zone, terms.metering)))


def _by_month(billed: Bill) -> dict[str, MonthBill]:
    return {month.month: month for month in billed.months}


def _month(
    told: Mapping[str, Any],
    before: MonthBill | None,
    after: MonthBill | None,
    tariff: Tariff,
    unpriced: AbstractSet[str],
) -> dict[str, Any]:
    if before is None or after is None or before == after:
        return dict(told)
    kwh = float(Decimal(repr(told["kwh"])) + after.kwh - before.kwh)
    if told["month"] in unpriced:
        return {**told, "kwh": kwh}
    was, now = ({line.component.name: line for line in one.lines} for one in (before, after))
    lines = [(line, _amount(now, name) - _amount(was, name)) for name, line in {**was, **now}.items()]
    changed = [(_adjustment(line, told["month"]), amount) for line, amount in lines if amount]
    changed = [(one, amount) for one, amount in changed if one.month not in unpriced]
    components = [
        *told["components"],
        *(
            {"name": one.name, "kind": one.kind, "party": one.party, "amount": written(amount)}
            for one, amount in changed
        ),
    ]
    back = {one.name for one in tariff.components if isinstance(one, Vat) and one.recoverable}
    cost = Decimal(told["cost"]) + sum((amount for one, amount in changed if one.of not in back), ZERO)
    total = rounded(sum((Decimal(one["amount"]) for one in components), ZERO), tariff.total_digits)
    return {**told, "kwh": kwh, "components": components, "cost": written(cost), "total": f"{total:f}"}


def _amount(lines: Mapping[str, Line], name: str) -> Decimal:
    return lines[name].amount if name in lines else ZERO


def _adjustment(line: Line, month: str) -> Adjustment:
    component = line.component
    if isinstance(component, Adjustment):
        return component
    return Adjustment(of=component.name, month=month, party=component.party)
