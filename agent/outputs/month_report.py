"""A month beside its bill: what hashing earned, what is left and with whom, levies due, orders, owners' statements.

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
from agent.facts.energy import EnergyInterval, MachinesMonth, MachinesSoFar, PriceActed
from agent.orders.lifecycle import FINAL, OrderEvent, OrderState
from agent.orders.order import CLASSES
from agent.outputs.machine_book import Machines
from agent.outputs.money_totals import kwh
from agent.outputs.month_machines import machines_told
from agent.outputs.month_orders import MonthOrders
from agent.outputs.month_shares import CENTS, PH_DAY_TH, ZERO, Curtailed, Share, Whole, credited, text, told
from agent.outputs.terms import Terms
from agent.tariffs.dues import Due
from agent.tariffs.money import EXACT, rounded, written

KINDS = ("OrderReceived", "OrderMoved", "EnergyInterval", "PriceActed", "MachinesMonth", "MachinesSoFar")
"""The facts that it is made of."""
FELT = 0.02
"""An owner whose draw is less by so much of what it was, is curtailed."""


_Group = tuple[str, str]
"""Whose machines: ("owner", its name) or ("model", its name)."""


@dataclass(slots=True, kw_only=True)
class _Order:
    order_id: str
    order_class: str
    start: datetime
    end: datetime | None
    base_w: Mapping[_Group, float] | None  # before it

    def seconds_in(self, fact: EnergyInterval) -> float:
        end = fact.end if self.end is None else min(self.end, fact.end)
        return max(0.0, (end - max(self.start, fact.start)).total_seconds())


@dataclass(slots=True, kw_only=True)
class MonthReport:
    """One month, gathered fact by fact; `month_of` says in which an instant lies."""

    name: str
    month_of: Callable[[datetime], str]
    site_wh: int = 0
    cost: Decimal = ZERO  # of intervals
    charges: dict[str, Decimal] = field(default_factory=dict)  # of intervals, by component
    hashed_th: float = 0.0
    unknown_hash_s: float = 0.0
    revenue: dict[str, Decimal] = field(default_factory=dict)
    owners: dict[str, Share] = field(default_factory=dict)
    models: dict[str, Share] = field(default_factory=dict)
    orders: MonthOrders = field(default_factory=MonthOrders)
    machines: Machines | None = None
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
                self.orders.received(fact)
            case OrderMoved():
                self._move(fact)
                self.orders.moved(fact)
            case EnergyInterval() if fact.end > fact.start:
                self._hear(fact)
            case PriceActed() if self.month_of(fact.start) == self.name:
                key = (fact.act, fact.currency)
                self.gained[key] = self.gained.get(key, ZERO) + Decimal(fact.gained)
            case MachinesMonth(month=self.name):
                self.machines = Machines.of(fact)
            case MachinesSoFar() if fact.told.month == self.name:
                self.machines = Machines.of(fact.told)
            case _:
                return

    def _hear(self, fact: EnergyInterval) -> None:
        is_of_month = self.month_of(fact.start) == self.name
        if is_of_month:
            with localcontext(EXACT):
                self._count(fact)
        self.orders.interval(fact, is_of_month=is_of_month)
        if fact.quality != "partial" and fact.miners_wh is not None:
            self._whole = fact
        self._orders = [one for one in self._orders if one.end is None or one.end > fact.start]

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

    def _drawn_w(self) -> dict[_Group, float] | None:
        """Return what each owner's machines, and each model's, drew in the last whole interval."""
        if self._whole is None:
            return None
        hours = (self._whole.end - self._whole.start).total_seconds() / 3600
        return {name: energy_wh / hours for name, energy_wh in _groups(self._whole).items()}

    def _count(self, fact: EnergyInterval) -> None:
        self.last = fact
        self.site_wh += fact.site_wh
        self.hashed_th += fact.hashed_th or 0.0
        self.unknown_hash_s += 0.0 if fact.hashed_th is not None else (fact.end - fact.start).total_seconds()
        if fact.revenue is not None and fact.revenue_currency is not None:
            earned = self.revenue.get(fact.revenue_currency, ZERO) + Decimal(fact.revenue)
            self.revenue[fact.revenue_currency] = earned
        self.cost += ZERO if fact.cost is None else Decimal(fact.cost)
        for charge in fact.charges if fact.cost is not None else ():
            self.charges[charge.name] = self.charges.get(charge.name, ZERO) + Decimal(charge.amount)
        for group, energy_wh in _groups(fact).items():
            self._share(group).add(fact, energy_wh, _hashed(fact, group))
        self._curtail(fact)

    def _share(self, group: _Group) -> Share:
        what, name = group
        return (self.owners if what == "owner" else self.models).setdefault(name, Share())

    def _curtail(self, fact: EnergyInterval) -> None:
        """Count what the highest order in force kept each owner and model from drawing."""
        in_force = [one for one in self._orders if one.base_w is not None and one.seconds_in(fact) > 0]
        if not in_force or fact.miners_wh is None:
            return
        order = min(in_force, key=lambda one: (_rank(one.order_class), one.start, one.order_id))
        hours, drawn_wh = (fact.end - fact.start).total_seconds() / 3600, _groups(fact)
        for group, power_w in (order.base_w or {}).items():
            missing_wh = power_w * hours - drawn_wh.get(group, 0)
            if missing_wh > FELT * power_w * hours:
                told = self._share(group).orders.setdefault(order.order_id, Curtailed(order_class=order.order_class))
                told.seconds += order.seconds_in(fact)
                told.energy_wh += missing_wh

    # told --------------------------------------------------------------------------------------------------

    def told(self, terms: Terms, bill: Mapping[str, Any], *, machines: bool = False) -> dict[str, Any] | None:
        """Return the report as JSON, None where the month has no interval; `bill` is the month of the bill.

        Each machine is told only where that is asked for.
        """
        if self.last is None:
            return None
        with localcontext(EXACT):
            whole = self._whole_of(terms, bill)
            revenue, ph_days = self._exchanged(whole.rates), Decimal(str(self.hashed_th)) / PH_DAY_TH
            margin = None if revenue is None or whole.cost is None else revenue - whole.cost
            per_ph_day = None if margin is None or not ph_days else margin / ph_days
            owners = [self._statement(name, whole) for name in sorted(self.owners)]
            models = [{"model": name, **told(self.models[name], whole)} for name in sorted(self.models)]
            parties = _parties(bill)
            paid = _by_order(whole)
        earning = terms.earning_at(self.last.start)
        return {
            "month": self.name,
            "currency": terms.currency,
            "ph_days": float(rounded(ph_days, CENTS)),
            "revenue": {code: written(earned) for code, earned in sorted(self.revenue.items())},
            "revenue_exchanged": text(revenue),
            "rate": None if earning is None or earning.rate is None else written(earning.rate),
            "cost": text(whole.cost),
            "parties": parties,
            "margin": text(margin),
            "margin_per_ph_day": text(per_ph_day),
            "margin_per_ph_year": None if per_ph_day is None else text(per_ph_day * 365),
            "levies": _levies(self.name, terms.dues, bill),
            "price": [
                {"act": act, "currency": code, "gained": written(gained)}
                for (act, code), gained in sorted(self.gained.items())
            ],
            "orders": self.orders.told(terms, paid),
            "owners": owners,
            "rest": self._rest(whole, owners, revenue),
            "models": models,
            **machines_told(self.machines, whole, listed=machines),
        }

    def _whole_of(self, terms: Terms, bill: Mapping[str, Any]) -> Whole:
        cost = None if bill["cost"] is None else Decimal(bill["cost"])
        earning = None if self.last is None else terms.earning_at(self.last.start)
        rates = {terms.currency: Decimal(1)}
        if earning is not None and earning.rate is not None:
            rates[earning.currency] = earning.rate
        curtailed: dict[str, float] = {}
        for share in self.owners.values():
            for order_id, one in share.orders.items():
                curtailed[order_id] = curtailed.get(order_id, 0.0) + one.energy_wh
        components = [{"kind": "", **one} for one in bill["components"]]
        return Whole(
            site_wh=self.site_wh,
            cost=cost,
            beside=ZERO if cost is None else cost - self.cost,
            components=components,
            besides={one["name"]: Decimal(one["amount"]) - self.charges.get(one["name"], ZERO) for one in components},
            credits={(one["name"], one["order_id"]): Decimal(one["amount"]) for one in bill.get("credits", ())},
            curtailed_wh=curtailed,
            rates=rates,
        )

    def _exchanged(self, rates: Mapping[str, Decimal]) -> Decimal | None:
        """Return the revenue in the site's money at the rates of the month's last interval, None where one lacks."""
        if not self.revenue or not self.revenue.keys() <= rates.keys():
            return None
        return sum((earned * rates[code] for code, earned in self.revenue.items()), ZERO)

    def _statement(self, name: str, whole: Whole) -> dict[str, Any]:
        owner = self.owners[name]
        paid: dict[str, Decimal] = {}
        for (_, order), amount in credited(owner, whole).items():
            paid[order] = paid.get(order, ZERO) - amount
        orders = [
            {
                "order_id": order_id,
                "class": one.order_class,
                "minutes": round(one.seconds / 60, 1),
                "kwh": round(one.energy_wh / 1000, 3),
                "credit": text(paid.get(order_id)),
            }
            for order_id, one in owner.orders.items()
        ]
        return {
            "owner": name,
            **told(owner, whole),
            "curtailed": orders,
            "curtailed_by_class": _by_class(owner, paid),
            "credit_due": text(sum(paid.values(), ZERO)),
        }

    def _rest(self, whole: Whole, owners: list[dict[str, Any]], revenue: Decimal | None) -> dict[str, Any]:
        """Return what no owner's machines drew: the house, and what nobody explains. With it all adds up, exactly."""
        energy_wh = self.site_wh - sum(owner.energy_wh for owner in self.owners.values())
        with localcontext(EXACT):
            cost = None if whole.cost is None else whole.cost - sum((Decimal(one["cost"]) for one in owners), ZERO)
            earned = (
                None
                if revenue is None
                else revenue - sum((Decimal(one["revenue_exchanged"] or 0) for one in owners), ZERO)
            )
            amounts = {one["name"]: Decimal(one["amount"]) for one in whole.components}
            for owner in owners:
                for one in owner["components"]:
                    amounts[one["name"]] -= Decimal(one["amount"])
        components = [{**one, "amount": written(amounts[one["name"]])} for one in whole.components]
        return {
            "kwh": kwh(energy_wh),
            "cost": None if cost is None else written(cost),
            "components": components,
            "revenue_exchanged": None if earned is None else written(earned),
            "margin": None if cost is None or earned is None else written(earned - cost),
            "margin_per_ph_day": None,
        }


def _by_class(owner: Share, paid: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    sums: dict[str, tuple[float, float, Decimal]] = {}
    for order_id, one in owner.orders.items():
        minutes, energy_kwh, credit = sums.get(one.order_class, (0.0, 0.0, ZERO))
        more = paid.get(order_id, ZERO)
        sums[one.order_class] = (minutes + one.seconds / 60, energy_kwh + one.energy_wh / 1000, credit + more)
    return [
        {"class": name, "minutes": round(minutes, 1), "kwh": round(energy_kwh, 3), "credit": text(credit)}
        for name, (minutes, energy_kwh, credit) in sorted(sums.items(), key=lambda one: _rank(one[0]))
    ]


def _by_order(whole: Whole) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for (_, order), amount in whole.credits.items():
        found[order] = found.get(order, ZERO) + amount
    return found


def _parties(bill: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what each party's invoice comes to."""
    sums: dict[str, Decimal] = {}
    for one in bill["components"]:
        sums[one["party"]] = sums.get(one["party"], ZERO) + Decimal(one["amount"])
    return [{"party": party, "amount": written(amount)} for party, amount in sorted(sums.items())]


def _groups(fact: EnergyInterval) -> dict[_Group, int]:
    """Return what machines drew by owner, and by model; where none names an owner all of it is nobody's."""
    owners = fact.owners or ({} if fact.miners_wh is None else {"": fact.miners_wh})
    of_owners = {("owner", name): energy_wh for name, energy_wh in owners.items()}
    return of_owners | {("model", name): energy_wh for name, energy_wh in fact.models.items()}


def _hashed(fact: EnergyInterval, group: _Group) -> float:
    what, name = group
    if what == "model":
        return fact.models_th.get(name, 0.0)
    return fact.owners_th.get(name, 0.0) if fact.owners_th or fact.owners else fact.hashed_th or 0.0


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
