"""Money as Prometheus reads it: prices are gauges, cost, credit and revenue only rise, over restarts too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from agent.outputs.exposition import Text, labels
from agent.outputs.sight import Sight

NOTHING = Decimal(0)
"""Where a sum begins before the first interval ends: what appears later than that has no rise to be read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyShot:
    """The sums and prices of one moment; nothing here changes any more."""

    site: str
    currency: str
    price: Decimal | None
    break_even: Mapping[str, Decimal]  # by model
    costs: Mapping[tuple[str, str], Decimal]  # by currency and component
    credits: Mapping[str, Decimal]  # by currency
    revenue: Mapping[str, Decimal]  # by currency


def money_shot(sight: Sight) -> MoneyShot | None:
    """Copy what is known of money now, None where nobody counts. Call it on the loop."""
    money = sight.money
    if money is None:
        return None
    at, totals, terms = sight.now().at, money.totals, money.terms
    tariff, earning = terms.tariff, terms.earning_at(at)
    costs = {} if tariff is None else {(tariff.currency, part.name): NOTHING for part in tariff.components}
    return MoneyShot(
        site=sight.site,
        currency=terms.currency,
        price=money.price_now(at),
        break_even=money.break_even(at),
        costs={**costs, **totals.costs},
        credits={**({} if tariff is None else {tariff.currency: NOTHING}), **totals.credits},
        revenue={**({} if earning is None else {earning.currency: NOTHING}), **totals.revenue},
    )


def write_money(shot: MoneyShot, text: Text) -> None:
    """Write every family about money; none where nothing is known."""
    site, currency = shot.site, shot.currency
    price = None if shot.price is None else float(shot.price)
    text.gauge(
        "hashwatt_energy_price",
        "What a kWh costs now; marginal: what one more adds to this period's bill.",
        [(labels(site=site, currency=currency, kind=kind), price) for kind in ("all_in", "marginal")],
    )
    text.gauge(
        "hashwatt_break_even_price",
        "The price of a kWh at which a model earns nothing.",
        [(labels(site=site, currency=currency, model=model), float(at)) for model, at in shot.break_even.items()],
    )
    text.counter(
        "hashwatt_energy_cost_total",
        "What energy was charged, by component, since the ledger began.",
        [(labels(site=site, currency=code, component=name), float(sum_)) for (code, name), sum_ in shot.costs.items()],
    )
    text.counter(
        "hashwatt_energy_credit_total",
        "What was paid for taking energy, since the ledger began.",
        [(labels(site=site, currency=code), float(sum_)) for code, sum_ in shot.credits.items()],
    )
    text.counter(
        "hashwatt_revenue_total",
        "What hashing earned, since the ledger began.",
        [(labels(site=site, currency=code), float(sum_)) for code, sum_ in shot.revenue.items()],
    )
