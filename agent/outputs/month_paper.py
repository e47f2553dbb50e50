"""A month's report as a document: its bill, what it earned and left, levies due, and a statement for each owner.

Made of the JSON of `hashwatt report --month`, or one owner's statement alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent.outputs.bill_paper import bill_month, by_party, money
from agent.outputs.document import Block, Document, Listed, Pairs, Section, Table
from agent.outputs.report_words import Words

Told = Mapping[str, Any]


def month_document(told: Told, words: Words, *, name: str, site: str = "") -> Document:
    """Return the report of a month, statements on pages of their own."""
    report: Told | None = told.get("report")
    months: Sequence[Told] = told["months"]
    statements = [] if report is None else [_statement(one, report, words) for one in report["owners"]]
    return Document(
        title=words("month_title", name),
        language=words.language,
        note=words("bill_note", f"{site}. " if site else "", told["currency"], words.zone),
        sections=(
            Section(name=words("bill_title"), blocks=bill_month(months[0], words) if months else ()),
            Section(name=words("by_party"), blocks=by_party(months, words)),
            *(() if report is None else _sections(report, words)),
            *statements,
            Section(name=words("warnings"), blocks=_doubts(told["warnings"], words)),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def statement_document(told: Told, words: Words, *, name: str, owner: str, site: str = "") -> Document | None:
    """Return one owner's statement, None where the month has none of his."""
    report: Told | None = told.get("report")
    found = [one for one in (report or {}).get("owners", ()) if one["owner"] == owner]
    if report is None or not found:
        return None
    section = _statement(found[0], report, words)
    return Document(
        title=words("statement_title", owner or words("no_owner"), name),
        language=words.language,
        note=words("bill_note", f"{site}. " if site else "", told["currency"], words.zone),
        sections=(
            Section(name=section.name, blocks=section.blocks),
            Section(name=words("warnings"), blocks=_doubts(told["warnings"], words)),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def _doubts(warnings: Sequence[str], words: Words) -> Sequence[Block]:
    return (Listed(title=words("doubts"), items=warnings),) if warnings else ()


def _sections(report: Told, words: Words) -> Iterable[Section]:
    yield Section(name=words("earned"), blocks=(Pairs(pairs=list(_earned(report, words))),))
    yield Section(name=words("levies"), blocks=_levies(report, words))
    yield Section(name=words("shared"), blocks=_shared(report, words))


def _earned(report: Told, words: Words) -> Iterable[tuple[str, str]]:
    for code, amount in report["revenue"].items():
        yield words("revenue"), f"{money(amount, words)} {code}"
    yield words("revenue_exchanged"), _amount(report["revenue_exchanged"], report, words)
    yield words("cost"), _amount(report["cost"], report, words)
    yield words("margin"), _amount(report["margin"], report, words)
    yield words("margin_ph"), _amount(report["margin_per_ph_day"], report, words)
    for one in report["price"]:
        gained = f"{money(one['gained'], words)} {one['currency']}"
        yield words("price_gained" if one["act"] else "price_would"), gained


def _amount(amount: str | None, report: Told, words: Words) -> str:
    return words.unknown if amount is None else words.number(Decimal(amount), str(report["currency"]), 2)


def _levies(report: Told, words: Words) -> Sequence[Block]:
    rows = [
        (one["name"], money(one["amount"], words), one["due"] or words.unknown, one["source"] or "")
        for one in report["levies"]
    ]
    columns = [(words("levy"), False), (words("amount"), True), (words("due"), False), (words("source"), False)]
    return (Table(columns=columns, rows=rows),) if rows else ()


def _shared(report: Told, words: Words) -> Sequence[Block]:
    """Return whose the energy and its cost were; the last row is their sum."""
    rows = [
        (one["owner"] or words("no_owner"), words.number(one["kwh"], "", 3), _cost(one["cost"], words))
        for one in report["owners"]
    ]
    rest = report["rest"]
    rows.append((words("house_and_unexplained"), words.number(rest["kwh"], "", 3), _cost(rest["cost"], words)))
    energy = rest["kwh"] + sum(one["kwh"] for one in report["owners"])
    whole = (words("sum_exact"), words.number(energy, "", 3), _cost(report["cost"], words))
    energy_name = f"{words('energy_col')}, {words('kWh')}"
    columns = [(words("owner"), False), (energy_name, True), (words("cost"), True)]
    return (Table(columns=columns, rows=[*rows, whole], sums=1),)


def _cost(amount: str | None, words: Words) -> str:
    return words.unknown if amount is None else money(amount, words)


def _statement(one: Told, report: Told, words: Words) -> Section:
    pairs = [
        (words("energy_col"), words.number(one["kwh"], "kWh", 3)),
        (words("cost"), _amount(one["cost"], report, words)),
    ]
    title = words("statement_title", one["owner"] or words("no_owner"), report["month"])
    blocks: list[Block] = [Pairs(pairs=pairs), *_curtailed(one, words)]
    return Section(name=title, blocks=blocks, new_page=True)


def _curtailed(one: Told, words: Words) -> Iterable[Block]:
    minutes, energy = f"{words('minutes')}", f"{words('not_drawn_col')}, {words('kWh')}"
    for key, told, heads in (
        ("order_id", one["curtailed"], (words("order"), words("class"))),
        ("class", one["curtailed_by_class"], (words("class"),)),
    ):
        rows = [
            (
                *((of["order_id"],) if key == "order_id" else ()),
                words(of["class"]),
                words.number(of["minutes"], "", 1),
                words.number(of["kwh"], "", 3),
            )
            for of in told
        ]
        if rows:
            columns = [*((head, False) for head in heads), (minutes, True), (energy, True)]
            yield Table(columns=columns, rows=rows)
