"""The whole calculation of the agent's own bill in words, as `bill --explain` has it of a load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from agent.outputs.money_corrected import Counted, Told, counted
from agent.outputs.terms import Terms
from agent.tariffs.bill import Bill, MonthBill, Unpriced
from agent.tariffs.corrections import corrected_bill
from agent.tariffs.explain import explain
from agent.tariffs.money import EXACT, rounded
from agent.tariffs.periods import months_before
from agent.tariffs.tariff import Tariff

NO_TARIFF = "nothing is explained: no tariff says what energy costs"
NOTHING = "nothing is explained: no whole interval was counted yet"


def calculation(bill: Mapping[str, Any], terms: Terms, heard: Told | Counted | None) -> list[str]:
    """Return the lines of the months that a bill's JSON has, worked out anew by the tariff that is in use.

    Where the ledger has another sum, for a month that was settled under another tariff, that is said. A month without
    a price keeps no other from being explained.
    """
    if terms.tariff is None or heard is None:
        return [NO_TARIFF if terms.tariff is None else NOTHING]
    told = heard if isinstance(heard, Counted) else counted(heard)
    standing = {str(month["month"]): month["total"] for month in bill["months"]}
    months, silent = _priced(terms, terms.tariff, told, list(standing))
    if silent and not months:
        return [f"nothing is explained: {silent[min(silent)]}"]
    with localcontext(EXACT):
        amount = sum((month.amount for month in months), Decimal(0))
    total = rounded(amount, terms.tariff.total_digits)
    billed = Bill(currency=terms.tariff.currency, months=tuple(months), amount=amount, total=total)
    lines = list(explain(billed, terms.tariff, terms.zone, terms.metering.in_words()))
    for name, reason in sorted(silent.items()):
        lines += ["", f"{name}: nothing is explained: {reason}"]
    for month in months:
        total = standing[month.month]
        if total is None or Decimal(total) != month.total:
            stands = "nothing" if total is None else f"{Decimal(total):,f} {bill['currency']}"
            lines += [
                "",
                f"{month.month}: the ledger has {stands}: what was charged when it was heard or settled stays",
            ]
    return lines


def _priced(
    terms: Terms, tariff: Tariff, told: Counted, names: Sequence[str]
) -> tuple[list[MonthBill], dict[str, str]]:
    """Return the bills of these months; by month why it has none. Months that have no price are sought one by one."""
    try:
        return _bills(terms, tariff, told, names), {}
    except Unpriced as error:
        reason = f"the tariff has no price: {error.component}: {error}"
        if len(names) == 1:
            return [], {names[0]: reason}
    found: list[MonthBill] = []
    silent: dict[str, str] = {}
    for name in names:
        months, reasons = _priced(terms, tariff, told, [name])
        found += months
        silent |= reasons
    return found, silent


def _bills(terms: Terms, tariff: Tariff, told: Counted, names: Sequence[str]) -> list[MonthBill]:
    """Return the bills of these months. Raises Unpriced."""
    cut = _cut(terms, tariff, told, names)
    if not cut.load.kwh:
        return []
    whole = corrected_bill(tariff, cut.load, cut.corrections, terms.zone, terms.metering)
    return [month for month in whole.months if month.month in names]


def _cut(terms: Terms, tariff: Tariff, told: Counted, names: Sequence[str]) -> Counted:
    """Return what was counted in these months, in those that were corrected in them, and in what either looks back on.

    A step that lies in two months is in it whole.
    """
    load, read, zone = told.load, terms.metering.read, terms.zone
    starts = {one.at: load.start + one.at * load.step for one in told.corrections}
    needed = [
        *names,
        *(read.month_of(starts[one.at], zone) for one in told.corrections if read.month_of(one.learned, zone) in names),
    ]
    if not needed:
        return replace(told, load=replace(load, kwh=()), corrections=())
    first, last = (date.fromisoformat(f"{name}-01") for name in (min(needed), max(needed)))
    *_, begins = (min(needed), *months_before(first, tariff.months_back))
    start = read.starts(date.fromisoformat(f"{begins}-01").replace(day=read.day), zone)
    end = read.month(read.starts(last.replace(day=read.day), zone), zone).end
    from_ = max((start - load.start) // load.step, 0)
    until = max(-((load.start - end) // load.step), from_)
    kept = replace(load, start=load.start + from_ * load.step, kwh=load.kwh[from_:until])
    within = [replace(one, at=one.at - from_) for one in told.corrections if from_ <= one.at < until]
    return replace(told, load=kept, corrections=within)
