"""Who bears what of a month: energy, charges and revenue of each owner or model, and of nobody. Exact.

What intervals are charged is borne by each interval's energy, what the month as a whole is charged by the month's; what
is paid or charged for an order by what it kept each from drawing. What is left over by rounding to 1e-12 is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from agent.facts.energy import EnergyInterval
from agent.outputs.money_totals import kwh
from agent.tariffs.money import EXACT, rounded, written

CENTS = 6
PH_DAY_TH = Decimal(1000 * 86_400)
ZERO = Decimal(0)
_LEAST = Decimal("1e-12")


@dataclass(slots=True, kw_only=True)
class Curtailed:
    """What one order kept from being drawn."""

    order_class: str
    seconds: float = 0.0
    energy_wh: float = 0.0


@dataclass(slots=True, kw_only=True)
class Share:
    """The part of one owner or model."""

    energy_wh: int = 0
    hashed_th: float = 0.0
    cost: Decimal = ZERO
    charges: dict[str, Decimal] = field(default_factory=dict)
    revenue: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, Curtailed] = field(default_factory=dict)

    def add(self, fact: EnergyInterval, energy_wh: int, hashed_th: float) -> None:
        """Take in its part of one interval."""
        self.energy_wh += energy_wh
        self.hashed_th += hashed_th
        if fact.cost is not None and fact.site_wh:
            self.cost += part(Decimal(fact.cost), energy_wh, fact.site_wh)
            for one in fact.charges:
                more = part(Decimal(one.amount), energy_wh, fact.site_wh)
                self.charges[one.name] = self.charges.get(one.name, ZERO) + more
        if fact.revenue is not None and fact.revenue_currency is not None and fact.hashed_th:
            share = Decimal(str(hashed_th)) / Decimal(str(fact.hashed_th))
            more = (Decimal(fact.revenue) * share).quantize(_LEAST)
            self.revenue[fact.revenue_currency] = self.revenue.get(fact.revenue_currency, ZERO) + more


def part(amount: Decimal, of: float, whole: float) -> Decimal:
    """Return so many of the whole's parts of an amount."""
    return (amount * Decimal(str(of)) / Decimal(str(whole))).quantize(_LEAST) if whole else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What is shared out: what the month was charged beside its intervals, and what of that is for orders."""

    site_wh: int
    cost: Decimal | None  # of the whole month
    beside: Decimal  # of that, no interval's
    components: Sequence[Mapping[str, Any]]  # of the whole month
    besides: Mapping[str, Decimal]  # of each component, no interval's
    credits: Mapping[tuple[str, str], Decimal]  # of that, by component and order
    curtailed_wh: Mapping[str, float]  # by order
    rates: Mapping[str, Decimal]  # of currencies of revenue, in the site's money

    @property
    def for_orders(self) -> Decimal:
        """What orders that somebody obeyed pay, and charge, in all."""
        return sum((amount for (_, order), amount in self.credits.items() if self.curtailed_wh.get(order)), ZERO)


def charged(share: Share, whole: Whole) -> dict[str, Decimal]:
    """Return by component what a share is charged."""
    found: dict[str, Decimal] = {}
    for one in whole.components:
        name = str(one["name"])
        evenly = whole.besides.get(name, ZERO) - sum(
            (amount for (of, order), amount in whole.credits.items() if of == name and whole.curtailed_wh.get(order)),
            ZERO,
        )
        ordered = sum((amount for (of, _), amount in credited(share, whole).items() if of == name), ZERO)
        found[name] = share.charges.get(name, ZERO) + part(evenly, share.energy_wh, whole.site_wh) + ordered
    return found


def credited(share: Share, whole: Whole) -> dict[tuple[str, str], Decimal]:
    """Return by component and order what a share is paid, below 0, or charged, by what it did not draw."""
    return {
        (name, order): part(amount, told.energy_wh, whole.curtailed_wh[order])
        for (name, order), amount in whole.credits.items()
        if (told := share.orders.get(order)) is not None and whole.curtailed_wh.get(order)
    }


def cost_of(share: Share, whole: Whole) -> Decimal:
    """Return what a share costs: without what comes back."""
    evenly = part(whole.beside - whole.for_orders, share.energy_wh, whole.site_wh)
    return share.cost + evenly + sum(credited(share, whole).values(), ZERO)


def earned_of(share: Share, whole: Whole) -> Decimal | None:
    """Return what a share earned in the site's money, None where a rate is not known or nothing was priced."""
    if not share.revenue or not share.revenue.keys() <= whole.rates.keys():
        return None
    return sum((amount * whole.rates[code] for code, amount in share.revenue.items()), ZERO)


def told(share: Share, whole: Whole) -> dict[str, Any]:
    """Return a share as JSON: energy, cost by component, revenue and what is left of it."""
    with localcontext(EXACT):
        cost, revenue = cost_of(share, whole), earned_of(share, whole)
        margin = None if revenue is None or whole.cost is None else revenue - cost
        ph_days = Decimal(str(share.hashed_th)) / PH_DAY_TH
        per_ph_day = None if margin is None or not ph_days else margin / ph_days
        amounts = charged(share, whole)
    return {
        "kwh": kwh(share.energy_wh),
        "ph_days": float(rounded(ph_days, CENTS)),
        "cost": None if whole.cost is None else text(cost),
        "components": lines(amounts, whole),
        "revenue": {code: text(amount) for code, amount in sorted(share.revenue.items())},
        "revenue_exchanged": text(revenue),
        "margin": text(margin),
        "margin_per_ph_day": text(per_ph_day),
    }


def lines(amounts: Mapping[str, Decimal], whole: Whole) -> list[dict[str, Any]]:
    """Return amounts by component as JSON, in the order of the bill."""
    return [{**one, "amount": text(amounts[one["name"]])} for one in whole.components]


def text(amount: Decimal | None) -> str | None:
    """Write an amount to the millionth; None stays None."""
    return None if amount is None else written(rounded(amount, CENTS))
