"""What energy would cost and hashing earn, in words: each component's figure in force, and what of it is in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from agent.outputs.terms import Terms
from agent.planning.economics import Earning, break_even_per_kwh
from agent.planning.hashprice import Revenue
from agent.tariffs.bill import Unpriced, price_at
from agent.tariffs.figures import Dated, NoFigure
from agent.tariffs.kinds import Component
from agent.tariffs.money import rounded, written
from agent.tariffs.peaks import unguarded
from agent.tariffs.periods import CIVIL
from agent.tariffs.settling import AS_IT_IS
from agent.tariffs.tariff import Tariff

EXAMPLES_J_TH = (Decimal("17.5"), Decimal("21.5"), Decimal(30))
"""Efficiencies that break-even is told for, before any machine is known."""


def terms_in_words(terms: Terms, now: datetime) -> Iterator[str]:
    """Yield what would be charged and earned now; then a warning for each doubt."""
    today = now.astimezone(terms.zone).date()
    if said := terms.metering.in_words():
        yield f"  {said}"
    if terms.tariff is not None:
        yield from _tariff(terms.tariff, terms, now, today)
    if terms.revenue is not None:
        yield from _revenue(terms.revenue)
    if (earning := terms.earning_at(now)) is not None:
        yield from _earning(earning, terms.currency)
    yield from (
        f"  known stop, which binds nothing by itself: {stop.in_words()}"
        for stop in terms.stops
        if not stop.is_over(today)
    )
    doubts = [*terms.doubts, *(terms.tariff.doubts(today, today) if terms.tariff is not None else ())]
    yield from (f"  in doubt: {doubt}" for doubt in doubts)


def _tariff(tariff: Tariff, terms: Terms, now: datetime, today: date) -> Iterator[str]:
    since = "" if terms.metering.read == CIVIL else f", months from {terms.metering.read.in_words()}"
    yield f"  tariff {tariff.name or 'without a name'} in {tariff.currency}, by the clock of {terms.zone}{since}"
    for component in tariff.components:
        settling = tariff.settlings.get(component.name, AS_IT_IS)
        currency = settling.currency or tariff.currency
        figures = ", ".join(_figure(component, label, rate, currency, today) for label, rate in component.rates())
        back = ", which comes back and is no cost" if getattr(component, "recoverable", False) else ""
        only = "" if settling.only is None else f", {settling.only.in_words()}"
        yield f"    {component.name} ({component.kind}, on the invoice of: {component.party}): {figures}{back}{only}"
    yield from (f"    {words}" for words in tariff.unborne())
    yield from (f"    no guard keeps the peak of {name}: {why}" for name, why in unguarded(tariff))
    yield from (f"    {rule.in_words(tariff.currency)}" for rule in tariff.owners)
    try:
        price = written(rounded(price_at(tariff, now, terms.zone) * terms.metering.factor, 6))
        where = "" if terms.metering.is_plain else " at the meter"
        yield f"    a kWh{where} now costs {price} {tariff.currency}, all in"
    except Unpriced as error:
        yield f"    a kWh now has NO PRICE: {error.component}: {error}"


def _figure(component: Component, label: str, rate: Dated, currency: str, today: date) -> str:
    try:
        figure = rate.on(today)
    except NoFigure as error:
        return f"{label} NO FIGURE: {error}".lstrip()
    unit = "%" if component.unit == "%" else f"{currency}/{component.unit}"
    doubt = ", not confirmed" if figure.unconfirmed else ""
    said = "not known, nothing is charged" if figure.value is None else f"{written(figure.value)} {unit}{doubt}"
    return f"{label} {said}".lstrip()


def _revenue(revenue: Revenue) -> Iterator[str]:
    quotes = revenue.quotes
    if quotes.stale is not None:
        else_ = "nothing is known" if quotes.by_hand is None else f"{written(quotes.by_hand)} by hand holds"
        hours = quotes.stale.total_seconds() / 3600
        yield f"  revenue comes by {quotes.source}; older than {hours:g} h it counts no more, and {else_}"


def _earning(earning: Earning, currency: str) -> Iterator[str]:
    taken = f"{written(earning.pool_fee_pct)} % to the pool and {written(earning.revenue_tax_pct)} % tax"
    if earning.uptime_pct != 100:
        taken += f", paid for {written(earning.uptime_pct)} % of the hours in which machines draw"
    yield f"  revenue: {written(earning.per_ph_day)} {earning.currency} a PH/s and day, less {taken}"
    prices = ((joules, break_even_per_kwh(earning, joules)) for joules in EXAMPLES_J_TH)
    told = [f"{written(rounded(price, 4))} at {joules} J/TH" for joules, price in prices if price is not None]
    if told:
        yield f"    break-even, {currency}/kWh at the meter: {', '.join(told)}"
