"""A month's report as a document: its bill, what it earned and left, levies due, and a statement for each owner.

Made of the JSON of `hashwatt report --month`, or one owner's statement alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent.outputs.bill_paper import bill_month, by_party, doubted, money, total_of
from agent.outputs.cents import in_cents
from agent.outputs.document import Block, Document, Pairs, Section, Table
from agent.outputs.report_words import Words

Told = Mapping[str, Any]
_A_CENT = Decimal("0.01")


def month_document(told: Told, words: Words, *, name: str, site: str = "") -> Document:
    """Return the report of a month, statements on pages of their own."""
    report = _in_cents(told.get("report"))
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
            Section(name=words("warnings"), blocks=doubted(told["warnings"], words)),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def statement_document(told: Told, words: Words, *, name: str, owner: str, site: str = "") -> Document | None:
    """Return one owner's statement, None where the month has none of his."""
    report = _in_cents(told.get("report"))
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
            Section(name=words("warnings"), blocks=doubted(told["warnings"], words)),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def _in_cents(report: Told | None) -> Told | None:
    return None if report is None else in_cents(report)


def _sections(report: Told, words: Words) -> Iterable[Section]:
    yield Section(name=words("earned"), blocks=(Pairs(pairs=list(_earned(report, words))),))
    yield Section(name=words("levies"), blocks=_levies(report, words))
    yield Section(name=words("orders"), blocks=_orders(report, words))
    named = [(one["owner"] or words("no_owner"), one) for one in report["owners"]]
    yield Section(name=words("shared"), blocks=_shared(named, words("owner"), report, words))
    models = [(one["model"], one) for one in report["models"]]
    yield Section(name=words("by_model"), blocks=_table_of(models, words("model"), words))


def _earned(report: Told, words: Words) -> Iterable[tuple[str, str]]:
    for code, amount in report["revenue"].items():
        yield words("revenue"), f"{money(amount, words)} {code}"
    yield words("revenue_exchanged"), _amount(report["revenue_exchanged"], report, words)
    back = _comes_back(report["exact_cost"], [one["amount"] for one in report["parties"]])
    if back:
        yield words("comes_back"), _amount(str(back), report, words)
    yield words("cost"), _amount(report["cost"], report, words)
    yield words("margin"), _amount(report["margin"], report, words)
    yield words("margin_ph"), _amount(report["margin_per_ph_day"], report, words)
    for one in report["price"]:
        gained = f"{money(one['gained'], words)} {one['currency']}"
        yield words("price_gained" if one["act"] else "price_would"), gained
    for name in ("under_break_even", "below_cost"):
        if report.get(name) is not None:
            yield words(name), words.number(len(report[name]))


def _amount(amount: str | None, report: Told, words: Words) -> str:
    return words.unknown if amount is None else words.number(Decimal(amount), str(report["currency"]), 2)


def _levies(report: Told, words: Words) -> Sequence[Block]:
    rows = [
        (one["name"], money(one["amount"], words), one["due"] or words.unknown, one["source"] or "")
        for one in report["levies"]
    ]
    columns = [(words("levy"), False), (words("amount"), True), (words("due"), False), (words("source"), False)]
    return (Table(columns=columns, rows=rows),) if rows else ()


def _orders(report: Told, words: Words) -> Sequence[Block]:
    rows = [
        (
            one["order_id"],
            words.unknown if one["class"] is None else words(one["class"]),
            words.number(one["hours"], "", 2),
            words.number(one["not_drawn_kwh"], "", 1),
            *(_cents(one[name], words) for name in ("cost_not_incurred", "revenue_not_earned", "saved", "credit")),
        )
        for one in report["orders"]
    ]
    figures = (words("h"), _in_kwh("not_drawn_col", words), words("not_paid_col"), words("not_earned_col"),
               words("saved_col"), words("credit"))  # fmt: skip
    columns = [(words("order"), False), (words("class"), False), *((name, True) for name in figures)]
    return (Table(columns=columns, rows=rows),) if rows else ()


def _in_kwh(name: str, words: Words) -> str:
    return f"{words(name)}, {words('kWh')}"


def _columns(what: str, words: Words) -> Sequence[tuple[str, bool]]:
    names = (_in_kwh("energy_col", words), words("cost"), words("revenue_col"), words("margin_col"), words("a_ph_day"))
    return [(what, False), *((name, True) for name in names)]


def _row(name: str, one: Told, words: Words) -> Sequence[str]:
    money_ = (_cents(one[key], words) for key in ("cost", "revenue_exchanged", "margin", "margin_per_ph_day"))
    return (name, words.number(one["kwh"], "", 3), *money_)


def _table_of(named: Sequence[tuple[str, Told]], what: str, words: Words) -> Sequence[Block]:
    rows = [_row(name, one, words) for name, one in named]
    return (Table(columns=_columns(what, words), rows=rows),) if rows else ()


def _shared(named: Sequence[tuple[str, Told]], what: str, report: Told, words: Words) -> Sequence[Block]:
    """Return whose the energy, its cost and what it earned were; the last row is their sum."""
    rest = {**report["rest"], "margin_per_ph_day": ""}
    energy = rest["kwh"] + sum(one["kwh"] for _, one in named)
    rows = [
        *(_row(name, one, words) for name, one in named),
        _row(words("house_and_unexplained"), rest, words),
        _row(words("sum_exact"), {**report, "kwh": energy}, words),
    ]
    return (Table(columns=_columns(what, words), rows=rows, sums=1),)


def _cents(amount: str | None, words: Words) -> str:
    """Return an amount to the hundredth; "" is none, None unknown."""
    return (
        ""
        if not amount and amount is not None
        else words.unknown
        if amount is None
        else words.number(Decimal(amount), digits=2)
    )


def _statement(one: Told, report: Told, words: Words) -> Section:
    pairs = [
        (words("energy_col"), words.number(one["kwh"], "kWh", 3)),
        (words("cost"), _amount(one["cost"], report, words)),
        (words("revenue_exchanged"), _amount(one["revenue_exchanged"], report, words)),
        (words("margin"), _amount(one["margin"], report, words)),
        (words("margin_ph"), _amount(one["margin_per_ph_day"], report, words)),
        (words("credit_due"), _amount(one["credit_due"], report, words)),
    ]
    title = words("statement_title", one["owner"] or words("no_owner"), report["month"])
    blocks: list[Block] = [Pairs(pairs=pairs), *_charges(one, words), *_curtailed(one, words)]
    return Section(name=title, blocks=blocks, new_page=True)


def _charges(one: Told, words: Words) -> Sequence[Block]:
    rows = [(of["name"], words.party(of["party"]), money(of["amount"], words)) for of in one["components"]]
    amounts = [of["amount"] for of in one["components"]]
    sums = [(words("sum_exact"), "", money(total_of(map(Decimal, amounts)), words))]
    if back := _comes_back(one["exact_cost"], amounts):
        sums.append((words("comes_back"), "", money(-back, words)))
        sums.append((words("cost"), "", money(one["exact_cost"], words)))
    columns = [(words("component"), False), (words("party"), False), (words("amount"), True)]
    return (Table(columns=columns, rows=[*rows, *sums], sums=len(sums)),) if rows else ()


def _comes_back(cost: str | None, amounts: Iterable[str]) -> Decimal | None:
    """Return what of these amounts is no cost, since it comes back; None for none, or where nothing has a price."""
    back = Decimal(0) if cost is None else total_of([*map(Decimal, amounts), -Decimal(cost)])
    return None if abs(back) < _A_CENT else back


def _curtailed(one: Told, words: Words) -> Iterable[Block]:
    figures = ((words("minutes"), True), (_in_kwh("not_drawn_col", words), True), (words("credit"), True))
    for told, heads in (
        (one["curtailed"], ("order_id", "class")),
        (one["curtailed_by_class"], ("class",)),
    ):
        rows = [
            (
                *(of[head] if head == "order_id" else words(of[head]) for head in heads),
                words.number(of["minutes"], "", 1),
                words.number(of["kwh"], "", 3),
                _cents(of["credit"], words),
            )
            for of in told
        ]
        if rows:
            names = {"order_id": words("order"), "class": words("class")}
            yield Table(columns=[*((names[head], False) for head in heads), *figures], rows=rows)
