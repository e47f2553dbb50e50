"""Where a bill or a report comes from: a running agent, else its store, priced by a configuration where one is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.offline import Remembered, read_config, remembered, running
from agent.cli.options import Reach, present

if TYPE_CHECKING:
    from agent.facts import AnyFact
    from agent.facts.energy import EnergyInterval, MonthCharged
    from agent.outputs.money_totals import Totals
    from agent.outputs.month_report import MonthReport
    from agent.outputs.terms import Terms

NO_CONFIG = (
    "no --config FILE is given: months and days are those of UTC, and nothing is priced that was not when it ended"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose configuration prices what the store holds."""

    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read the store itself, priced by the tariff of this configuration."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """By what was known when, and which reads were corrected."""

    as_of: datetime | None = None
    corrections: Path | None = None


NOW = Known()


def bill_of(
    reach: Reach, source: Source, month: str | None, known: Known = NOW, *, explained: bool = False
) -> dict[str, Any]:
    """Return the bill of the agent's own ledger; what was known another time is read in its store. Raises Failure.

    Explained, it has its `calculation` as lines.
    """
    if known != NOW:
        from agent.cli.money_known import bill_known  # noqa: PLC0415 - quick help needs it not

        return bill_known(remembered(reach, read_config(source.config)), month, known, explained=explained)
    agent = running(reach, source.config)
    if agent is None:
        return bill_in(remembered(reach, read_config(source.config)), month, explained=explained)
    told: dict[str, Any] = agent.get("/api/v1/bill", {"month": month, "explain": "yes" if explained else None})
    return told


def month_of(reach: Reach, source: Source, month: str, *, machines: bool = False) -> dict[str, Any]:
    """Return a month's bill with what is told beside it as `report`: None where nothing is known. Raises Failure."""
    agent = running(reach, source.config)
    if agent is None:
        return bill_in(remembered(reach, read_config(source.config)), month, reported=True, machines=machines)
    told: dict[str, Any] = agent.get("/api/v1/bill", {"month": month})
    return {**told, "report": agent.find(f"/api/v1/bill/report?month={month}{'&machines=yes' if machines else ''}")}


def report_of(reach: Reach, source: Source, order_id: str) -> dict[str, Any]:
    """Return what an order cost and saved. Raises Failure."""
    agent = running(reach, source.config)
    if agent is None:
        return _report_in(remembered(reach, read_config(source.config)), order_id)
    told: dict[str, Any] | None = agent.find(f"/api/v1/orders/{quote(order_id, safe='')}/report")
    if told is None:
        raise Failure(NO, f"there is no order {order_id}")
    return told


def _report_in(store: Remembered, order_id: str) -> dict[str, Any]:
    from agent.outputs.money_order import KINDS, OrderStory  # noqa: PLC0415 - quick help needs it not
    from agent.outputs.report import order_report  # noqa: PLC0415 - likewise

    story = OrderStory(order_id=order_id)
    story.take(store.facts(KINDS))
    if not story.moves:
        raise Failure(NO, f"there is no order {order_id} in {store.folder}")
    now = max([present(), *(fact.end for fact in story.intervals[-1:])])
    return order_report(story, terms_in(store), now)


def bill_in(
    store: Remembered,
    month: str | None,
    *,
    reported: bool = False,
    known: Known = NOW,
    machines: bool = False,
    explained: bool = False,
) -> dict[str, Any]:
    """Return the bill of what a store holds, or held at an instant. Raises Failure.

    Where a file corrects it beside hands, it is as it was counted: whoever reads the file adjusts it by both.
    """
    from agent.facts.energy import EnergyInterval  # noqa: PLC0415 - quick help needs it not
    from agent.outputs.money_bill import billed, tariff_doubts  # noqa: PLC0415 - likewise
    from agent.outputs.money_totals import Totals  # noqa: PLC0415 - likewise
    from agent.outputs.month_report import KINDS, MonthReport  # noqa: PLC0415 - likewise
    from agent.tariffs.money import minor_digits  # noqa: PLC0415 - likewise

    terms = terms_in(store)
    totals, currency = Totals(zone=terms.zone, read=terms.metering.read), terms.currency
    report = MonthReport(name=month, month_of=totals.month_of) if reported and month is not None else None
    for fact in store.facts(["EnergyInterval", "MonthCharged", "ReadsCorrected", *(() if report is None else KINDS)]):
        if known.as_of is not None and fact.at > known.as_of:
            continue
        if not isinstance(fact, EnergyInterval):
            totals.heard(fact)
            _gather(report, fact)
        else:
            priced = _priced(fact, terms, totals) if month in {None, totals.month_of(fact.start)} else fact
            currency = currency or priced.currency or ""
            totals.heard(priced)
            _gather(report, priced)
    digits = minor_digits(currency) if terms.tariff is None else terms.tariff.total_digits
    told = billed(totals, currency, digits, month, _besides(totals, terms, month))
    told = _adjusted(told, totals, terms) if known.corrections is None else told
    found: dict[str, Any] = {}
    if report is not None:
        terms_said = replace(terms, currency=currency)
        found["report"] = report.told(terms_said, told["months"][0], machines=machines) if told["months"] else None
    if explained:
        found["calculation"] = _calculation(told, terms, totals)
    warned = [*told["warnings"], *terms.doubts, *tariff_doubts(totals, terms, month)]
    return {**told, "warnings": warned, "now": None, **found}


def _calculation(told: dict[str, Any], terms: Terms, totals: Totals) -> list[str]:
    from agent.outputs.money_corrected import copied  # noqa: PLC0415 - quick help needs it not
    from agent.outputs.money_explained import calculation  # noqa: PLC0415 - likewise

    return calculation(told, terms, copied(totals))


def _adjusted(told: dict[str, Any], totals: Totals, terms: Terms) -> dict[str, Any]:
    """Return a bill with what hands corrected, where a tariff prices it. Raises Failure."""
    from agent.outputs.money_corrected import (  # noqa: PLC0415 - quick help needs it not
        NO_PRICE,
        adjusted,
        counted_of,
        told_of,
    )
    from agent.tariffs.bill import Unpriced  # noqa: PLC0415 - likewise

    heard = told_of(totals)
    if heard is None:
        return told
    if terms.tariff is None:
        return {**told, "warnings": [*told["warnings"], NO_PRICE]}
    counted = counted_of(heard)
    try:
        return told if counted is None else adjusted(told, terms, terms.tariff, counted)
    except Unpriced as error:
        raise Failure(USAGE, f"the tariff has no price: {error.component}: {error}") from None


def _gather(report: MonthReport | None, fact: AnyFact) -> None:
    if report is not None:
        report.take(fact)


def _besides(totals: Totals, terms: Terms, month: str | None) -> dict[str, MonthCharged]:
    """Return by month what it is charged as a whole: by the configuration where one is told, else as it was settled."""
    from agent.outputs.money_month import beside  # noqa: PLC0415 - quick help needs it not
    from agent.tariffs.bill import Unpriced  # noqa: PLC0415 - likewise

    if terms.tariff is None:
        return {name: told.settled for name, told in totals.months.items() if told.settled is not None}
    names = [name for name in totals.months if month in {None, name}]
    try:
        found = {name: beside(totals, terms, name, totals.months[name].end) for name in names}
    except Unpriced as error:
        raise Failure(USAGE, f"the tariff has no price: {error.component}: {error}") from None
    return {name: told for name, told in found.items() if told is not None}


def _priced(fact: EnergyInterval, terms: Terms, before: Totals) -> EnergyInterval:
    from agent.outputs.money_desk import charge  # noqa: PLC0415 - quick help needs it not
    from agent.tariffs.bill import Unpriced  # noqa: PLC0415 - likewise

    try:
        return charge(fact, terms, before)
    except Unpriced as error:
        raise Failure(USAGE, f"the tariff has no price: {error.component}: {error}") from None


def terms_in(store: Remembered) -> Terms:
    """Return the terms of the store's configuration; without one, none. Raises Failure."""
    from datetime import UTC  # noqa: PLC0415 - quick help needs it not

    from agent.config import ConfigError  # noqa: PLC0415 - likewise
    from agent.outputs.terms import Terms  # noqa: PLC0415 - likewise
    from agent.wiring.money_terms import terms_of  # noqa: PLC0415 - likewise

    if store.config is None:
        return Terms(currency="", zone=UTC, doubts=(NO_CONFIG,))
    try:
        return terms_of(store.config)
    except ConfigError as error:
        raise Failure(USAGE, "; ".join(map(str, error.problems))) from None
