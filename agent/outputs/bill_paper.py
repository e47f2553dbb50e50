"""A bill as a document: what each month is charged, by component and by invoice, and the whole calculation where told.

Made of the JSON of `hashwatt bill`, of a load or of the agent's ledger. Amounts show to the millionth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from agent.outputs.document import Block, Document, Lines, Listed, Pairs, Section, Table
from agent.outputs.report_reasons import told as in_words
from agent.outputs.report_words import Words
from agent.tariffs.money import EXACT, rounded

MOST_DIGITS, LEAST_DIGITS = 6, 2


def bill_document(
    told: Mapping[str, Any],
    words: Words,
    *,
    of: str = "",
    warnings: Sequence[str] = (),
    calculation: Sequence[str] = (),
) -> Document:
    """Return the bill; `of` says in words whose it is."""
    months: Sequence[Mapping[str, Any]] = told["months"]
    currency = str(told["currency"])
    title = words("bill_of", months[0]["month"]) if len(months) == 1 else words("bill_title")
    return Document(
        title=title,
        language=words.language,
        note=words("bill_note", f"{of}. " if of else "", currency, words.zone),
        sections=(
            *(Section(name=month["month"], blocks=bill_month(month, words)) for month in months),
            Section(name=words("all_months"), blocks=_all(told, words) if len(months) > 1 else ()),
            Section(name=words("by_party"), blocks=by_party(months, words)),
            Section(name=words("warnings"), blocks=doubted(warnings, words)),
            Section(
                name=words("calculation"), blocks=(Lines(lines=calculation),) if calculation else (), new_page=True
            ),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def bill_month(month: Mapping[str, Any], words: Words) -> Sequence[Block]:
    """Return one month: its energy, its charges one beneath the other, and their sum."""
    rows = [(one["name"], words.kind(one["kind"]), words.party(one["party"]), money(one["amount"], words))
            for one in month["components"]]  # fmt: skip
    amounts = [Decimal(one["amount"]) for one in month["components"]]
    total = words.unknown if month["total"] is None else money(month["total"], words)
    sums = [(words("sum_exact"), "", "", money(total_of(amounts), words)), (words("rounded_once"), "", "", total)]
    columns = [(words("component"), False), (words("kind"), False), (words("party"), False), (words("amount"), True)]
    table = (Table(columns=columns, rows=[*rows, *sums], sums=len(sums)),) if rows else ()
    return (Pairs(pairs=list(_energy(month, words))), *table)


def _energy(month: Mapping[str, Any], words: Words) -> Iterable[tuple[str, str]]:
    if "from" in month:
        told = (words.instant(datetime.fromisoformat(month[end])) for end in ("from", "until"))
        yield words("span"), " \N{EN DASH} ".join(told)
    yield words("taken"), words.number(month["kwh"], "kWh", 3)
    energy = month.get("energy", month)
    if energy.get("metered_kwh") not in {None, month["kwh"]}:
        yield words("metered_kwh"), words.number(energy["metered_kwh"], "kWh", 3)
    if energy.get("losses_kwh"):
        yield words("losses"), words.number(energy["losses_kwh"], "kWh", 3)
    if energy.get("estimated_kwh"):
        yield words("estimated"), words.number(energy["estimated_kwh"], "kWh", 3)
    yield words("peak_step"), words.number(month["peak_kw"], "kW", 3)


def doubted(warnings: Sequence[str], words: Words) -> Sequence[Block]:
    """Return what is in doubt, in the language of the document."""
    return (
        (Listed(title=words("doubts"), items=[in_words(one, words.language) for one in warnings]),) if warnings else ()
    )


def _all(told: Mapping[str, Any], words: Words) -> Sequence[Block]:
    rows = [
        (month["month"], words.number(month["kwh"], "", 3), words.unknown if one is None else money(one, words))
        for month in told["months"]
        for one in (month["total"],)
    ]
    whole = words.unknown if told["total"] is None else money(told["total"], words)
    sums = ((words("rounded_once"), words.number(sum(month["kwh"] for month in told["months"]), "", 3), whole),)
    columns = [(words("month"), False), (f"{words('energy_col')}, {words('kWh')}", True), (words("total"), True)]
    return (Table(columns=columns, rows=[*rows, *sums], sums=1),)


def by_party(months: Sequence[Mapping[str, Any]], words: Words) -> Sequence[Block]:
    """Return what is to be paid to each party; one alone is told already."""
    parties: dict[str, list[Decimal]] = {}
    for month in months:
        for one in month["components"]:
            parties.setdefault(one["party"], []).append(Decimal(one["amount"]))
    if len(parties) < 2:
        return ()
    rows = [(words.party(name), money(total_of(amounts), words)) for name, amounts in sorted(parties.items())]
    return (Table(columns=[(words("party"), False), (words("amount"), True)], rows=rows),)


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """Return an exact sum."""
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))


def money(told: str | Decimal, words: Words) -> str:
    """Return an amount with all its decimals, two at least and six at most."""
    amount = rounded(Decimal(told), MOST_DIGITS).normalize()
    exponent = amount.as_tuple().exponent
    digits = max(LEAST_DIGITS, -exponent if isinstance(exponent, int) else 0)
    return words.number(amount, digits=digits)
