"""The whole calculation of the agent's own bill in words, as `bill --explain` has it of a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

from agent.outputs.money_corrected import Counted, Told, counted
from agent.outputs.terms import Terms
from agent.tariffs.bill import Unpriced
from agent.tariffs.corrections import corrected_bill
from agent.tariffs.explain import explain
from agent.tariffs.money import EXACT, rounded

NO_TARIFF = "nothing is explained: no tariff says what energy costs"
NOTHING = "nothing is explained: no whole interval was counted yet"


def calculation(bill: Mapping[str, Any], terms: Terms, heard: Told | Counted | None) -> list[str]:
    """Return the lines of the months that a bill's JSON has, worked out anew by the tariff that is in use.

    Where the ledger has another sum, for a month that was settled under another tariff, that is said.
    """
    if terms.tariff is None or heard is None:
        return [NO_TARIFF if terms.tariff is None else NOTHING]
    told = heard if isinstance(heard, Counted) else counted(heard)
    try:
        whole = corrected_bill(terms.tariff, told.load, told.corrections, terms.zone, terms.metering)
    except Unpriced as error:
        return [f"nothing is explained: the tariff has no price: {error.component}: {error}"]
    standing = {str(month["month"]): month["total"] for month in bill["months"]}
    months = tuple(month for month in whole.months if month.month in standing)
    with localcontext(EXACT):
        amount = sum((month.amount for month in months), Decimal(0))
    billed = replace(whole, months=months, amount=amount, total=rounded(amount, terms.tariff.total_digits))
    lines = list(explain(billed, terms.tariff, terms.zone, terms.metering.in_words()))
    for month in months:
        total = standing[month.month]
        if total is None or Decimal(total) != month.total:
            stands = "nothing" if total is None else f"{Decimal(total):,f} {bill['currency']}"
            lines += [
                "",
                f"{month.month}: the ledger has {stands}: what was charged when it was heard or settled stays",
            ]
    return lines
