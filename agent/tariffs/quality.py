"""How sure the rows of a load are: which of them somebody estimated."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

from agent.tariffs.bill import Bill
from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, written
from agent.tariffs.periods import Span

ESTIMATED = frozenset({"e", "est", "estimate", "estimated", "s", "substituted"})
"""What a row's quality says where nobody read the meter: the words, and the letters of NEM12 for them."""


def estimated_kwh(load: Load, span: Span) -> Decimal | None:
    """Return the kWh of estimated steps that begin in a span; None where no step says of what quality it is."""
    if load.quality is None:
        return None
    first = max(-((load.start - span.start) // load.step), 0)
    end = -((load.start - span.end) // load.step)
    told = zip(load.kwh[first:end], load.quality[first:end], strict=True)
    with localcontext(EXACT):
        return sum((kwh for kwh, word in told if word.lower() in ESTIMATED), Decimal(0))


def estimates(billed: Bill, counted: Load) -> Iterator[str]:
    """Yield a sentence for each month of a bill of which a part was estimated."""
    for month in billed.months:
        if kwh := estimated_kwh(counted, month.span):
            yield f"{month.month}: {written(kwh)} kWh are estimated reads, which may be corrected yet"
