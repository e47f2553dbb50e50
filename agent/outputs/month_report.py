"""A month beside its bill: what hashing earned, what is left a PH/s, levies due, and a statement for each owner.

Made of the ledger's facts in their order, fact by fact. Owners are the machines' `owner:` tags, "" those without one.
What an order curtailed is counted in whole metering intervals against the last one before it; of several orders at
once against the one before the first, for the highest class of them alone, so that it adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from agent.facts import AnyFact, OrderMoved, OrderReceived
from agent.facts_energy import EnergyInterval, PriceActed
from agent.orders.lifecycle import FINAL, OrderEvent, OrderState
from agent.orders.order import CLASSES
from agent.outputs.money_totals import kwh
from agent.outputs.terms import Terms
from agent.tariffs.dues import Due
from agent.tariffs.money import EXACT, rounded, written

KINDS = ("OrderReceived", "OrderMoved", "EnergyInterval", "PriceActed")
"""The facts that it is made of."""
CENTS = 6
PH_DAY_TH = Decimal(1000 * 86_400)
FELT = 0.02
"""An owner whose draw is less by so much of what it was, is curtailed."""
_ZERO = Decimal(0)
_LEAST = Decimal("1e-12")


@dataclass(slots=True, kw_only=True)
class _Order:
    order_id: str
    order_class: str
    start: datetime
    end: datetime | None
    base_w: Mapping[str, float] | None  # by owner, before it

    def seconds_in(self, fact: EnergyInterval) -> float:
        end = fact.end if self.end is None else min(self.end, fact.end)
        return max(0.0, (end - max(self.start, fact.start)).total_seconds())


@dataclass(slots=True, kw_only=True)
class _Curtailed:
    order_class: str
    seconds: float = 0.0
    energy_wh: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Owner:
    energy_wh: int = 0
    cost: Decimal = _ZERO
    orders: dict[str, _Curtailed] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class MonthReport:
    """One month, gathered fact by fact; `month_of` says in which an instant lies."""

    name: str
    month_of: Callable[[datetime], str]
    site_wh: int = 0
    cost: Decimal = _ZERO  # of intervals
    hashed_th: float = 0.0
    unknown_hash_s: float = 0.0
    revenue: dict[str, Decimal] = field(default_factory=dict)
    owners: dict[str, _Owner] = field(default_factory=dict)
    gained: dict[tuple[bool, str], Decimal] = field(default_factory=dict)  # by price, whether it acted, by currency
    last: EnergyInterval | None = None
    _classes: dict[str, str] = field(default_factory=dict)
    _orders: list[_Order] = field(default_factory=list)
    _whole: EnergyInterval | None = None

    def take(self, fact: AnyFact) -> None:
        """Take in one fact; what is not of the month still tells of what was before it."""
        match fact:
            case OrderReceived():
                self._classes[fact.order_id] = fact.order_class
            case OrderMoved():
                self._move(fact)
            case EnergyInterval() if fact.end > fact.start:
                if self.month_of(fact.start) == self.name:
                    with localcontext(EXACT):
                        self._count(fact)
                if fact.quality != "partial" and fact.miners_wh is not None:
                    self._whole = fact
                self._orders = [one for one in self._orders if one.end is None or one.end > fact.start]
            case PriceActed() if self.month_of(fact.start) == self.name:
                key = (fact.act, fact.currency)
                self.gained[key] = self.gained.get(key, _ZERO) + Decimal(fact.gained)
            case _:
                return

    def _move(self, move: OrderMoved) -> None:
        is_open = [one for one in self._orders if one.order_id == move.order_id and one.end is None]
        if move.event == OrderEvent.START and not is_open:
            first = next((one.base_w for one in self._orders if one.end is None and one.base_w is not None), None)
            self._orders.append(
                _Order(
                    order_id=move.order_id,
                    order_class=self._classes.get(move.order_id, ""),
                    start=move.at,
                    end=None,
                    base_w=first if first is not None else self._drawn_w(),
                )
            )
        elif OrderState(move.state) in FINAL:
            for one in is_open:
                one.end = move.at

    def _drawn_w(self) -> dict[str, float] | None:
        """Return what each owner's machines drew in the last whole interval."""
        if self._whole is None:
            return None
        hours = (self._whole.end - self._whole.start).total_seconds() / 3600
        return {name: energy_wh / hours for name, energy_wh in _owners(self._whole).items()}

    def _count(self, fact: EnergyInterval) -> None:
        self.last = fact
        self.site_wh += fact.site_wh
        self.hashed_th += fact.hashed_th or 0.0
        self.unknown_hash_s += 0.0 if fact.hashed_th is not None else (fact.end - fact.start).total_seconds()
        if fact.revenue is not None and fact.revenue_currency is not None:
            earned = self.revenue.get(fact.revenue_currency, _ZERO) + Decimal(fact.revenue)
            self.revenue[fact.revenue_currency] = earned
        cost = None if fact.cost is None else Decimal(fact.cost)
        self.cost += cost or _ZERO
        for name, energy_wh in _owners(fact).items():
            owner = self.owners.setdefault(name, _Owner())
            owner.energy_wh += energy_wh
            if cost is not None and fact.site_wh:
                owner.cost += (cost * energy_wh / fact.site_wh).quantize(_LEAST)
        self._curtail(fact)

    def _curtail(self, fact: EnergyInterval) -> None:
        """Count what the highest order in force kept each owner from drawing."""
        in_force = [one for one in self._orders if one.base_w is not None and one.seconds_in(fact) > 0]
        if not in_force or fact.miners_wh is None:
            return
        order = min(in_force, key=lambda one: (_rank(one.order_class), one.start, one.order_id))
        hours, drawn_wh = (fact.end - fact.start).total_seconds() / 3600, _owners(fact)
        for name, power_w in (order.base_w or {}).items():
            missing_wh = power_w * hours - drawn_wh.get(name, 0)
            if missing_wh > FELT * power_w * hours:
                owner = self.owners.setdefault(name, _Owner())
                told = owner.orders.setdefault(order.order_id, _Curtailed(order_class=order.order_class))
                told.seconds += order.seconds_in(fact)
                told.energy_wh += missing_wh

    # told --------------------------------------------------------------------------------------------------

    def told(self, terms: Terms, bill: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the report as JSON, None where the month has no interval. `bill` is the month of the bill."""
        if self.last is None:
            return None
        whole = None if bill["cost"] is None else Decimal(bill["cost"])
        earning, ph_days = terms.earning_at(self.last.start), Decimal(str(self.hashed_th)) / PH_DAY_TH
        rate = None if earning is None else earning.rate
        with localcontext(EXACT):
            beside = _ZERO if whole is None else whole - self.cost
            revenue = self._exchanged(terms.currency, None if earning is None else earning.currency, rate)
            margin = None if revenue is None or whole is None else revenue - whole
            per_ph_day = None if margin is None or not ph_days else margin / ph_days
        return {
            "month": self.name,
            "currency": terms.currency,
            "ph_days": float(rounded(ph_days, CENTS)),
            "revenue": {code: written(earned) for code, earned in sorted(self.revenue.items())},
            "revenue_exchanged": _text(revenue),
            "rate": None if rate is None else written(rate),
            "cost": _text(whole),
            "margin": _text(margin),
            "margin_per_ph_day": _text(per_ph_day),
            "margin_per_ph_year": None if per_ph_day is None else _text(per_ph_day * 365),
            "levies": _levies(self.name, terms.dues, bill),
            "price": [
                {"act": act, "currency": code, "gained": written(gained)}
                for (act, code), gained in sorted(self.gained.items())
            ],
            "owners": [self._statement(name, beside) for name in sorted(self.owners)],
            "rest": self._rest(whole, beside),
        }

    def _exchanged(self, own: str, foreign: str | None, rate: Decimal | None) -> Decimal | None:
        """Return the revenue in the site's money at the rate of the month's last interval, None where one lacks it."""
        if not self.revenue:
            return None
        rates = {own: Decimal(1), **({} if foreign is None or rate is None else {foreign: rate})}
        if not self.revenue.keys() <= rates.keys():
            return None
        return sum((earned * rates[code] for code, earned in self.revenue.items()), _ZERO)

    def _share(self, energy_wh: int, beside: Decimal) -> Decimal:
        """Return the part of what the month as a whole is charged that so much of its energy bears."""
        return (beside * energy_wh / self.site_wh).quantize(_LEAST) if self.site_wh else _ZERO

    def _statement(self, name: str, beside: Decimal) -> dict[str, Any]:
        owner = self.owners[name]
        with localcontext(EXACT):
            cost = owner.cost + self._share(owner.energy_wh, beside)
        orders = [
            {
                "order_id": order_id,
                "class": told.order_class,
                "minutes": round(told.seconds / 60, 1),
                "kwh": round(told.energy_wh / 1000, 3),
            }
            for order_id, told in owner.orders.items()
        ]
        classes: dict[str, list[float]] = {}
        for one in owner.orders.values():
            sums = classes.setdefault(one.order_class, [0.0, 0.0])
            sums[0] += one.seconds / 60
            sums[1] += one.energy_wh / 1000
        return {
            "owner": name,
            "kwh": kwh(owner.energy_wh),
            "cost": _text(cost),
            "curtailed": orders,
            "curtailed_by_class": [
                {"class": name, "minutes": round(minutes, 1), "kwh": round(energy, 3)}
                for name, (minutes, energy) in sorted(classes.items(), key=lambda one: _rank(one[0]))
            ],
        }

    def _rest(self, whole: Decimal | None, beside: Decimal) -> dict[str, Any]:
        """Return what no owner's machines drew: the house, and what nobody explains. With it all adds up."""
        energy_wh = self.site_wh - sum(owner.energy_wh for owner in self.owners.values())
        with localcontext(EXACT):
            shared = sum((one.cost + self._share(one.energy_wh, beside) for one in self.owners.values()), _ZERO)
        return {"kwh": kwh(energy_wh), "cost": None if whole is None else _text(whole - shared)}


def _owners(fact: EnergyInterval) -> Mapping[str, int]:
    """Return what each owner's machines drew; where no machine names an owner all of it is nobody's."""
    return fact.owners or ({} if fact.miners_wh is None else {"": fact.miners_wh})


def _levies(name: str, dues: Mapping[str, Due], bill: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the state is owed, and until when where the jurisdiction's pack knows a date."""
    found = []
    for component in bill["components"]:
        if component["party"] == "state":
            due = dues.get(component["name"])
            found.append(
                {
                    "name": component["name"],
                    "amount": component["amount"],
                    "due": None if due is None else due.on(name).isoformat(),
                    "source": None if due is None else due.source,
                }
            )
    return found


def _rank(order_class: str) -> int:
    return CLASSES.index(order_class) if order_class in CLASSES else len(CLASSES)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else written(rounded(amount, CENTS))
