"""The bill of the agent's own ledger, and money now, as the API shows them: money as decimal text, None for unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Any

from agent.facts.energy import Charge, Credit, MonthCharged
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.money_machines import under_break_even
from agent.outputs.money_price import acting_json
from agent.outputs.money_totals import Month, Totals, hours, kwh, kwh_by
from agent.outputs.terms import Terms
from agent.planning.hashprice import Revenue
from agent.tariffs.charging import kwh_of
from agent.tariffs.money import EXACT, minor_digits, rounded, written
from agent.values import rfc3339

CENTS = 6
"""Decimals of a price."""


def bill_json(money: MoneyDesk, at: datetime, month: str | None = None) -> dict[str, Any]:
    """Return the bill of one month, or of all that the ledger knows, and money now."""
    currency, tariff = money.terms.currency, money.terms.tariff
    digits = tariff.total_digits if tariff is not None else minor_digits(currency)
    told = billed(money.totals, currency, digits, month, money.besides(at))
    warned = [*told["warnings"], *tariff_doubts(money.totals, money.terms, month)]
    return {**told, "warnings": warned, "now": now_json(money, at)}


def tariff_doubts(totals: Totals, terms: Terms, month: str | None = None) -> list[str]:
    """Return in words what of the tariff is in doubt on the days that were billed."""
    billed_ = [told for name, told in totals.months.items() if month in {None, name}]
    if terms.tariff is None or not billed_:
        return []
    first, end = min(told.start for told in billed_), max(told.end for told in billed_)
    last = end - timedelta.resolution
    return [*terms.tariff.doubts(*(at.astimezone(terms.zone).date() for at in (first, last)))]


def billed(
    totals: Totals,
    currency: str,
    digits: int,
    month: str | None = None,
    besides: Mapping[str, MonthCharged] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the bill of what was heard, with what months are charged beside it; `total` None where nothing was."""
    chosen = {name: told for name, told in sorted(totals.months.items()) if month in {None, name}}
    whole = {name: charged(told, besides.get(name), currency) for name, told in chosen.items()}
    shown = [_month(name, told, whole[name], digits) for name, told in chosen.items()]
    amounts = [amount for told in whole.values() if (amount := _amount(told)) is not None]
    return {
        "currency": currency,
        "total": _money(_sum(amounts), digits) if amounts else None,
        "months": shown,
        "warnings": [warning for name, told in chosen.items() for warning in warnings(name, told, currency)],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What a month is charged in one currency: components with their amounts, and what of it does not come back."""

    components: tuple[tuple[Charge, Decimal], ...]
    cost: Decimal | None
    credits: Sequence[Credit] = ()


def charged(told: Month, beside: MonthCharged | None, currency: str) -> Charged:
    """Return what intervals were charged together with what the month as a whole is."""
    found = {charge.name: (charge, amount) for (code, _), (charge, amount) in told.charges.items() if code == currency}
    cost = told.cost.get(currency)
    if beside is not None and beside.currency == currency:
        with localcontext(EXACT):
            for one in beside.charges:
                _, before = found.get(one.name, (one, Decimal(0)))
                found[one.name] = (one, before + Decimal(one.amount))
            cost = (cost or Decimal(0)) + Decimal(beside.cost)
    credits_ = () if beside is None or beside.currency != currency else tuple(beside.credits)
    return Charged(components=tuple(found.values()), cost=cost, credits=credits_)


def _month(name: str, told: Month, whole: Charged, digits: int) -> dict[str, Any]:
    amount, cost = _amount(whole), whole.cost
    return {
        "month": name,
        "from": rfc3339(told.start),
        "until": rfc3339(told.end),
        "kwh": float(told.billed_kwh),
        "peak_kw": None if told.peak_w is None else round(told.peak_w / 1000, 6),
        "total": None if amount is None else _money(amount, digits),
        "cost": None if cost is None else written(cost),
        "components": components(whole),
        "credits": [{"name": one.name, "order_id": one.order, "amount": one.amount} for one in whole.credits],
        "energy": energy(told),
        "revenue": {code: written(earned) for code, earned in sorted(told.revenue.items())},
        "days": [
            {"day": day.isoformat(), "kwh": float(of.billed_kwh), "cost": None if of.cost is None else written(of.cost)}
            for day, of in sorted(told.days.items())
        ],
    }


def components(whole: Charged) -> list[dict[str, str]]:
    """Return what each component charges, exact."""
    return [
        {"name": charge.name, "kind": charge.kind, "party": charge.party, "amount": written(amount)}
        for charge, amount in whole.components
    ]


def energy(told: Month) -> dict[str, Any]:
    """Return the parts of the energy, kWh: they add up to the meter; what nobody knows of is hours.

    Losses are what is billed beyond the meter.
    """
    metered = kwh_of(told.site_wh)
    return {
        "metered_kwh": float(metered),
        "losses_kwh": float(told.billed_kwh - metered),
        "miners_kwh": kwh(told.miners_wh),
        "house_kwh": kwh(told.house_wh),
        "unexplained_kwh": kwh(told.unexplained_wh),
        "estimated_kwh": kwh(told.estimated_wh),
        "unpriced_kwh": kwh(told.unpriced_wh),
        "missing_h": hours(told.missing_s),
        "feeders": kwh_by(told.feeders),
        "owners": kwh_by(told.owners),
        "models": kwh_by(told.models),
    }


def warnings(name: str, told: Month, currency: str) -> list[str]:
    """Return in words what makes a month's bill less than sure."""
    found = []
    if told.missing_s >= 1:
        found.append(f"{name}: {hours(told.missing_s):g} h are missing: nobody looked, and no register tells")
    if told.estimated_wh:
        found.append(f"{name}: {kwh(told.estimated_wh):,g} kWh are estimated, since the meter did not tell them")
    if told.unpriced_wh and told.charges:
        found.append(f"{name}: {kwh(told.unpriced_wh):,g} kWh are not charged: no price was known when they were taken")
    if others := {code for code, _ in told.charges} - {currency}:
        found.append(f"{name}: charged in {', '.join(sorted(others))} too, which is in no sum here")
    return found


def now_json(money: MoneyDesk, at: datetime) -> dict[str, Any]:
    """Return money now; sums are of the intervals that have ended."""
    price = money.price_now(at)
    month, day = money.totals.month_at(at), money.totals.day_at(at)
    currency = money.terms.currency
    beside = money.besides(at).get(money.totals.month_of(at))
    return {
        "at": rfc3339(at),
        "currency": currency,
        "price_per_kwh": _price(price),
        "marginal_per_kwh": _price(price),
        "month_to_date": None if month is None else _text(charged(month, beside, currency).cost),
        "today": None if day is None else _text(day.cost),
        "cost_per_h": _per_hour(price, money.power_w()),
        "break_even": {model: _price(limit) for model, limit in money.break_even(at).items()},
        "under_break_even": None if (under := under_break_even(money, at)) is None else len(under),
        "acting": acting_json(money),
        "hashprice": _hashprice(money.terms.revenue, at),
        "doubts": money.doubts(at),
    }


def _hashprice(revenue: Revenue | None, at: datetime) -> dict[str, Any] | None:
    """Return what a PH/s earns a day, who says so, and how old that is; by hand it has no age."""
    per_ph_day = None if revenue is None else revenue.quotes.per_ph_day(at)
    if revenue is None or per_ph_day is None:
        return None
    fresh = revenue.quotes.fresh(at)
    return {
        "per_ph_day": written(per_ph_day),
        "currency": revenue.currency,
        "source": "by hand" if fresh is None else fresh.said,
        "at": None if fresh is None else rfc3339(fresh.at),
        "age_s": None if fresh is None else round((at - fresh.at).total_seconds(), 3),
    }


def _per_hour(price: Decimal | None, power_w: float) -> str | None:
    if price is None:
        return None
    with localcontext(EXACT):
        return written(rounded(price * Decimal(round(power_w)) / 1000, CENTS))


def _price(price: Decimal | None) -> str | None:
    return None if price is None else written(rounded(price, CENTS))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else written(amount)


def _money(amount: Decimal, digits: int) -> str:
    return f"{rounded(amount, digits):f}"


def _amount(whole: Charged) -> Decimal | None:
    """Return what a month's bill says, VAT that comes back included; None where nothing was charged."""
    amounts = [amount for _, amount in whole.components]
    return _sum(amounts) if amounts else None


def _sum(amounts: list[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))
