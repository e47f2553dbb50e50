"""An order's report for a regulator: one HTML page that needs nothing beside it, in English or Russian."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from agent.evidence import Proven
from agent.outputs.account import Account, limit_of, points
from agent.outputs.report_chart import MOST, chart
from agent.outputs.report_words import Words

LEGEND = ("mean", "peak", "cap", "over", "away")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page is made of: `money` is the report of energy and money, None where there is none."""

    proven: Proven
    last_hash: str
    account: Account
    money: Mapping[str, Any] | None = None


def page(told: Told, words: Words) -> str:
    """Return the page."""
    title = escape(words("title", told.proven.order_id))
    body = "".join(
        (
            f"<h1>{title}</h1>",
            f'<p class="note">{escape(words("where", told.proven.site, words.zone))}</p>',
            _section(words("order"), _pairs(_order(told, words))),
            _section(words("held"), _pairs(_held(told.account, words)) + _observed(told.account, words)),
            _chart(told.account, words),
            _section(words("steps"), _steps(told.account, words)),
            _absences(told.account, words),
            _money(told.money, words),
            _section(words("proof"), f'<p class="wrap">{escape(_proof(told, words))}</p>'),
        )
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{title}</title><style>{_style()}</style></head><body>{body}</body></html>\n"
    )


@cache
def _style() -> str:
    return (files("agent.outputs") / "report.css").read_text(encoding="utf-8")


def _section(name: str, content: str) -> str:
    return f"<section><h2>{escape(name)}</h2>{content}</section>" if content else ""


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    told = (f'<dt>{escape(name)}</dt><dd class="wrap">{escape(value)}</dd>' for name, value in pairs)
    return f"<dl>{''.join(told)}</dl>"


def _table(columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; of a column stands beside its name whether it holds figures."""
    of = [' class="n"' if figures else "" for _, figures in columns]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for (name, _), kind in zip(columns, of, strict=True))
    lines = ("".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, of, strict=True)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="tables"><table><tr>{head}</tr>{body}</table></div>' if body else ""


def _order(told: Told, words: Words) -> Iterable[tuple[str, str]]:
    account, received = told.account, told.account.received
    if received is not None:
        yield words("issuer"), received.issuer
        yield words("class"), words(received.order_class)
        yield words("revision"), str(received.revision)
        yield words("limit"), limit_of(received.document) or words.unknown
        yield words("transport"), received.transport
    yield words("received"), words.instant(account.first_received_at)
    yield words("began"), words.instant(account.began_at)
    in_force = account.began_at is not None and account.ended_at is None
    yield words("ended"), words("still") if in_force else words.instant(account.ended_at)


def _held(account: Account, words: Words) -> Iterable[tuple[str, str]]:
    never = account.complied_after_s is None
    yield words("complied"), words("never") if never else words.seconds(account.complied_after_s)
    yield words("violated"), words.seconds(account.violated_s)
    yield words("over_before"), words.seconds(account.over_before_s)
    yield words("over_after"), words.seconds(account.over_after_s)
    yield words("highest"), words.kw(account.highest_w)
    yield words("base"), words.kw(account.base_w)
    yield words("drawn"), words.kwh(account.drawn_wh)
    yield words("not_drawn"), words.kwh(account.not_drawn_wh)
    yield words("looked"), words.seconds(account.looked_s)
    yield words("metered"), words.seconds(account.metered_s)
    yield words("unseen"), words.number(account.unseen)
    yield words("refusals"), words.number(account.refusals)
    yield words("disobeyed"), words.number(account.disobeyed)


def _observed(account: Account, words: Words) -> str:
    return "" if account.enforced else f'<p class="bad">{escape(words("observed"))}</p>'


def _chart(account: Account, words: Words) -> str:
    drawing = chart(points(account.minutes, MOST), words)
    legend = "".join(f'<span><i class="{name}"></i>{escape(words(name))}</span>' for name in LEGEND)
    return _section(words("chart"), drawing and f'{drawing}<p class="legend note">{legend}</p>')


def _steps(account: Account, words: Words) -> str:
    columns = (
        ("at", False),
        ("state", False),
        ("draw", True),
        ("limit_at", True),
        ("shortfall", True),
        ("reason", False),
    )
    rows = (
        (
            words.instant(step.at),
            words(f"st_{step.state}"),
            words.kw(step.observed_w),
            "" if step.cap_w is None else words.kw(step.cap_w),
            words.kw(step.shortfall_w) if step.shortfall_w else "",
            step.reason or "",
        )
        for step in account.steps
    )
    return _table([(words(name), figures) for name, figures in columns], rows)


def _absences(account: Account, words: Words) -> str:
    rows = []
    for absence in account.absences:
        known = absence.before_wh is not None and absence.after_wh is not None
        counted_wh = (absence.after_wh or 0.0) - (absence.before_wh or 0.0) if known else None
        bounds = f"{words.kwh(absence.over_least_wh)} \N{EN DASH} {words.kwh(absence.over_most_wh)}"
        bounded = bounds if absence.over_most_wh is not None else words.unknown
        rows.append((words.instant(absence.since), words.instant(absence.until), words.kwh(counted_wh), bounded))
    columns = (("from", False), ("until", False), ("counted", True), ("bounds", True))
    return _section(words("absences"), _table([(words(name), figures) for name, figures in columns], rows))


def _money(money: Mapping[str, Any] | None, words: Words) -> str:
    if money is None:
        return ""
    currency = str(money["currency"])

    def amount(name: str) -> str:
        told = money[name]
        return words.unknown if told is None else words.number(Decimal(told), currency, 2)

    def kwh(name: str) -> str:
        return words.number(money[name], "kWh", 1)

    pairs = (
        (words("money_drawn"), f"{kwh('drawn_kwh')}; {amount('cost')}"),
        (words("money_not_drawn"), f"{kwh('not_drawn_kwh')}; {amount('cost_not_incurred')}"),
        *((words(f"base_{one['method']}"), _baseline(one, words)) for one in money["baselines"]),
        (words("not_earned"), amount("revenue_not_earned")),
        (words("saved"), amount("saved")),
    )
    doubts = "".join(f"<li>{escape(doubt)}</li>" for doubt in money["doubts"])
    listed = f'<p class="note">{escape(words("doubts"))}:</p><ul class="note">{doubts}</ul>' if doubts else ""
    return _section(words("money"), _pairs(pairs) + listed)


def _baseline(told: Mapping[str, Any], words: Words) -> str:
    if told["not_drawn_kwh"] is None:
        return f"{words.unknown}: {told['why']}"
    not_drawn, mean = words.number(told["not_drawn_kwh"], "kWh", 1), words.number(told["mean_kw"], "kW", 1)
    return words("against", not_drawn, mean)


def _proof(told: Told, words: Words) -> str:
    proven = told.proven
    signed_by = proven.keys[-1].text if proven.closed else words("unsigned")
    return words("proof_text", proven.links, words.instant(proven.exported_at), signed_by, told.last_hash)
