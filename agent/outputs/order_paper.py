"""An order's report for a regulator as a document, in English or Russian."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agent.facts import OrderReceived
from agent.orders.hands import HANDS
from agent.orders.lifecycle import OrderState
from agent.orders.trust import OWN, SIGNAL
from agent.outputs import report_reasons as reasons
from agent.outputs.account import Account, limit_of, origin_of, points
from agent.outputs.document import Block, Document, Listed, Note, Pairs, Section, Table
from agent.outputs.document_html import as_html
from agent.outputs.report_chart import MOST, chart
from agent.outputs.report_demand import demanded, shortened, takes_back
from agent.outputs.report_words import Words
from agent.proof.evidence import Proven
from agent.words.limits import limit_words

AHEAD = frozenset({OrderState.RECEIVED, OrderState.ACCEPTED, OrderState.SCHEDULED})
"""Where an order stands that may begin yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the report is made of: `money` is the report of energy and money, None where there is none."""

    proven: Proven
    last_hash: str
    account: Account
    money: Mapping[str, Any] | None = None


def page(told: Told, words: Words) -> str:
    """Return the report as one HTML page."""
    return as_html(order_document(told, words))


def order_document(told: Told, words: Words) -> Document:
    """Return the report."""
    drawing = chart(points(told.account.minutes, MOST), words)
    return Document(
        title=words("title", told.proven.order_id),
        language=words.language,
        note=words("where", told.proven.site, words.zone),
        sections=(
            Section(name=words("order"), blocks=(Pairs(pairs=list(_order(told, words))),)),
            Section(
                name=words("held"), blocks=(Pairs(pairs=list(_held(told.account, words))), *_observed(told, words))
            ),
            Section(name=words("chart"), blocks=() if drawing is None else (drawing,)),
            Section(name=words("revisions"), blocks=_revisions(told.account, words)),
            Section(name=words("steps"), blocks=_steps(told.account, words)),
            Section(name=words("absences"), blocks=_absences(told.account, words)),
            Section(name=words("money"), blocks=_money(told.money, words)),
            Section(name=words("proof"), blocks=(Note(text=_proof(told, words)),)),
        ),
        page_of=words("page_of", "{0}", "{1}"),
    )


def _order(told: Told, words: Words) -> Iterable[tuple[str, str]]:
    account, received = told.account, told.account.received
    if received is not None:
        yield words("issuer"), received.issuer
        yield words("class"), words(received.order_class)
        yield words("revision"), str(received.revision)
        limit = None if takes_back(received.document) else limit_of(received.document)
        yield words("limit"), words("taken_back") if limit is None else _in_words(limit, words)
        if limit is not None:
            yield words("limit_as_is"), shortened(limit, words)
        yield from demanded(received.document, words)
        yield words("transport"), received.transport
        yield from _origin(received, words)
    yield words("received"), words.instant(account.first_received_at)
    if account.began_at is None:
        yield words("began"), words("not_yet" if account.steps and account.steps[-1].state in AHEAD else "never_began")
        return
    yield words("began"), words.instant(account.began_at)
    yield words("ended"), words("still") if account.ended_at is None else words.instant(account.ended_at)


def _in_words(limit: str, words: Words) -> str:
    return reasons.phrase(limit_words(json.loads(limit)), words.language)


def _origin(received: OrderReceived, words: Words) -> Iterable[tuple[str, str]]:
    origin = origin_of(received.document)
    for name, told in origin.source.items():
        yield words(f"source_{name}"), reasons.phrase(str(told), words.language)
    yield words("signature"), _unsigned(received, words) if origin.kid is None else words("by_key", origin.kid)
    yield words("document"), origin.sha256


def _unsigned(received: OrderReceived, words: Words) -> str:
    """Return who stands for a document that nobody signed."""
    if received.transport == OWN:
        return words("made_here")
    if received.transport == SIGNAL:
        return words("made_of_signal")
    if received.transport in HANDS and received.by != received.issuer:
        return words("entered_here", received.by or words.unknown)
    return words("no_signature")


def _held(account: Account, words: Words) -> Iterable[tuple[str, str]]:
    never = account.complied_after_s is None
    yield words("complied"), words("never") if never else words.seconds(account.complied_after_s)
    yield words("violated"), words.seconds(account.violated_s)
    yield words("most_short"), words.kw(account.most_short_w)
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


def _observed(told: Told, words: Words) -> Iterable[Block]:
    return () if told.account.enforced else (Note(text=words("observed"), bad=True),)


def _revisions(account: Account, words: Words) -> Sequence[Block]:
    """Return what each document asked for, where there was more than one."""
    rows = []
    for received in account.documents if len(account.documents) > 1 else ():
        limit = None if takes_back(received.document) else limit_of(received.document)
        asked = [("", words("taken_back") if limit is None else _in_words(limit, words))]
        asked += demanded(received.document, words)
        said = "; ".join(f"{name}: {told}" if name else told for name, told in asked)
        sha256 = origin_of(received.document).sha256
        rows.append((str(received.revision), words.instant(received.at), received.transport, said, sha256))
    columns = (("revision", True), ("at", False), ("transport", False), ("asked", False), ("document", False))
    return _table(columns, rows, words)


def _steps(account: Account, words: Words) -> Sequence[Block]:
    columns = (
        ("at", False),
        ("revision", True),
        ("state", False),
        ("draw", True),
        ("limit_at", True),
        ("shortfall", True),
        ("reason", False),
    )
    rows = [
        (
            words.instant(step.at),
            str(step.revision),
            words(f"st_{step.state}"),
            words.kw(step.observed_w),
            "" if step.cap_w is None else words.kw(step.cap_w),
            words.kw(step.shortfall_w) if step.shortfall_w else "",
            reasons.told(step.reason or "", words.language),
        )
        for step in account.steps
    ]
    return _table(columns, rows, words)


def _table(columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]], words: Words) -> Sequence[Block]:
    named = [(words(name), figures) for name, figures in columns]
    return (Table(columns=named, rows=rows),) if rows else ()


def _absences(account: Account, words: Words) -> Sequence[Block]:
    rows = []
    for absence in account.absences:
        known = absence.before_wh is not None and absence.after_wh is not None
        counted_wh = (absence.after_wh or 0.0) - (absence.before_wh or 0.0) if known else None
        bounds = f"{words.kwh(absence.over_least_wh)} \N{EN DASH} {words.kwh(absence.over_most_wh)}"
        bounded = bounds if absence.over_most_wh is not None else words.unknown
        rows.append((words.instant(absence.since), words.instant(absence.until), words.kwh(counted_wh), bounded))
    return _table((("from", False), ("until", False), ("counted", True), ("bounds", True)), rows, words)


def _money(money: Mapping[str, Any] | None, words: Words) -> Sequence[Block]:
    if money is None:
        return ()
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
        *_excess(money, words),
        (words("not_earned"), amount("revenue_not_earned")),
        (words("saved"), amount("saved")),
    )
    doubted = [reasons.told(one, words.language) for one in money["doubts"]]
    doubts = (Listed(title=words("doubts"), items=doubted),) if doubted else ()
    return (Pairs(pairs=pairs), *doubts)


def _excess(money: Mapping[str, Any], words: Words) -> Iterable[tuple[str, str]]:
    told = money.get("excess")
    if told is not None:
        amount = words.number(Decimal(told["amount"]), told["currency"], 2)
        yield words("excess"), f"{words.number(told['kwh'], 'kWh', 1)}; {amount}"


def _baseline(told: Mapping[str, Any], words: Words) -> str:
    if told["not_drawn_kwh"] is None:
        return f"{words.unknown}: {reasons.told(told['why'], words.language)}"
    not_drawn, mean = words.number(told["not_drawn_kwh"], "kWh", 1), words.number(told["mean_kw"], "kW", 1)
    said = words("against", not_drawn, mean)
    return said if told.get("doubt") is None else f"{said} ({reasons.told(told['doubt'], words.language)})"


def _proof(told: Told, words: Words) -> str:
    proven = told.proven
    signed_by = proven.keys[-1].text if proven.closed else words("unsigned")
    return words("proof_text", proven.links, words.instant(proven.exported_at), signed_by, told.last_hash)
