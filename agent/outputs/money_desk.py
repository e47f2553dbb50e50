"""Money of the running agent: each interval is charged once, when it ends; sums, prices now and break-even follow.

It reads the fleet and changes nothing in it; it has no clock and no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import numpy as np

from agent.facts import AnyFact
from agent.facts.energy import Charge, EnergyInterval, MonthCharged
from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet
from agent.fleet.selector import model_of
from agent.fleet.view import Indices
from agent.outputs.money_month import beside, due
from agent.outputs.money_totals import Totals, billed_kwh, mean_w
from agent.outputs.terms import Terms
from agent.planning.economics import break_even_per_kwh, earned
from agent.planning.price import Acting
from agent.tariffs.bill import Unpriced
from agent.tariffs.charging import charged_kwh, kwh_of
from agent.tariffs.money import written
from agent.tariffs.periods import Span
from agent.tariffs.price_book import PriceBook
from agent.values import Watts

GROUPED_FOR = timedelta(minutes=5)
"""So long after a machine was identified its model counts at the latest."""


@dataclass(slots=True, kw_only=True)
class MoneyDesk:
    """What a site costs and earns. `power_w` is the draw at the meter now."""

    terms: Terms
    fleet: Fleet
    power_w: Callable[[], Watts]
    totals: Totals = field(init=False)
    acting: Callable[[], Acting] | None = None  # what price does, or would do
    unpriced: str | None = None  # why the last interval has no price
    _prices: tuple[datetime, Decimal | None] | None = None  # of a minute: no price changes within one
    _newest: tuple[str, int, MonthCharged | None] | None = None  # of a month and so many of its intervals
    _book: PriceBook | None = None
    _groups: tuple[datetime, dict[str, Indices]] | None = None  # rows by model

    def __post_init__(self) -> None:
        """Begin with empty sums."""
        self.totals = Totals(zone=self.terms.zone, read=self.terms.metering.read)
        if self.terms.tariff is not None:
            self._book = PriceBook(self.terms.tariff, self.terms.zone)

    def heard(self, facts: Iterable[AnyFact]) -> None:
        """Take in facts, new or replayed."""
        for fact in facts:
            self.totals.heard(fact)

    def priced(self, fact: EnergyInterval, pending: Sequence[EnergyInterval] = ()) -> EnergyInterval:
        """Return an interval with what it is charged and earned; `pending` are those before it still to be heard."""
        try:
            told = charge(fact, self.terms, self.totals, pending)
        except Unpriced as error:
            self.unpriced = f"{error.component}: {error}"
            return metered(earn(fact, self.terms), self.terms)
        self.unpriced = None
        return told

    def settled(self, at: datetime) -> list[MonthCharged]:
        """Return what the month that is over is charged as a whole; nothing where it was said, or there is none."""
        name = due(self.totals)
        told = None if name is None else self._beside(name, at)
        return [] if told is None else [told]

    def besides(self, at: datetime) -> dict[str, MonthCharged]:
        """Return by month what it is charged beside its intervals: as it was settled, of the newest until now."""
        found = {name: told.settled for name, told in self.totals.months.items() if told.settled is not None}
        newest = max(self.totals.months, default=None)
        if newest is None or newest in found:
            return found
        count = len(self.totals.months[newest].starts)
        if self._newest is None or self._newest[:2] != (newest, count):
            self._newest = (newest, count, self._beside(newest, at))
        told = self._newest[2]
        return found if told is None else {**found, newest: told}

    def _beside(self, name: str, at: datetime) -> MonthCharged | None:
        try:
            return beside(self.totals, self.terms, name, at)
        except Unpriced as error:
            self.unpriced = f"{error.component}: {error}"
            return None

    # now -----------------------------------------------------------------------------------------------------

    def price_now(self, at: datetime) -> Decimal | None:
        """Return what one more kWh at the meter costs now, all in, without VAT that comes back; None where unknown.

        Of blocks it is the price of the one that the month has come to. What the month as a whole is charged is not in
        it.
        """
        minute = at.replace(second=0, microsecond=0)
        if self._prices is None or self._prices[0] != minute:
            self._prices = (minute, self._price_at(minute))
        return self._prices[1]

    def _price_at(self, at: datetime) -> Decimal | None:
        if self._book is None:
            return None
        try:
            factor = self.terms.metering.factor
            return self._book.at(at, self.totals.taken(at, self.power_w() * float(factor))) * factor
        except Unpriced as error:
            self.unpriced = f"{error.component}: {error}"
            return None

    def price_then(self, at: datetime) -> Decimal | None:
        """Return what a kWh at the meter costs at an instant to come, by the block that this month has come to."""
        if self._book is None:
            return None
        try:
            return self._book.at(at, self.totals.taken(at)) * self.terms.metering.factor
        except Unpriced:
            return None

    def break_even(self, at: datetime) -> dict[str, Decimal]:
        """Return by model the price of a kWh at which it earns nothing: as it hashes now, else by its nameplate."""
        earning = self.terms.earning_at(at)
        if earning is None:
            return {}
        if self._groups is None or abs(at - self._groups[0]) > GROUPED_FOR:
            self._groups = (at, rows_by_model(self.fleet))
        told = {model: efficiency_j_th(self.fleet, rows) for model, rows in self._groups[1].items()}
        found = {model: break_even_per_kwh(earning, Decimal(str(j))) for model, j in told.items() if j is not None}
        return {model: price for model, price in found.items() if price is not None}

    def doubts(self, at: datetime) -> list[str]:
        """Return in words what in these figures is not known or not confirmed."""
        told = list(self.terms.doubts)
        if self.terms.revenue is not None and (doubt := self.terms.revenue.quotes.doubt(at)) is not None:
            told.append(doubt)
        if self.terms.tariff is not None:
            today = at.astimezone(self.terms.zone).date()
            told += self.terms.tariff.doubts(today, today)
        if self.unpriced is not None:
            told.append(f"no price: {self.unpriced}")
        return told


def charge(
    fact: EnergyInterval, terms: Terms, before: Totals, pending: Sequence[EnergyInterval] = ()
) -> EnergyInterval:
    """Return an interval with what it is charged after those before it, and what it earned. Raises Unpriced."""
    fact = metered(earn(fact, terms), terms)
    if terms.tariff is None:
        return fact
    taken = before.taken(fact.start, mean_w(fact), pending)
    told = charged_kwh(terms.tariff, billed_kwh(fact), Span(start=fact.start, end=fact.end), terms.zone, taken)
    return msgspec.structs.replace(
        fact,
        currency=terms.tariff.currency,
        charges=[Charge(name=a.name, kind=a.kind, party=a.party, amount=written(a.amount)) for a in told.amounts],
        cost=written(told.cost),
    )


def metered(fact: EnergyInterval, terms: Terms) -> EnergyInterval:
    """Return an interval with the kWh that are billed for it, where they are not those that were counted."""
    if terms.metering.is_plain:
        return fact if fact.billed_kwh is None else msgspec.structs.replace(fact, billed_kwh=None)
    kwh = terms.metering.kwh(kwh_of(fact.site_wh), Span(start=fact.start, end=fact.end), terms.zone)
    return msgspec.structs.replace(fact, billed_kwh=written(kwh))


def earn(fact: EnergyInterval, terms: Terms) -> EnergyInterval:
    """Return an interval with what its hashes earned."""
    earning = terms.earning_at(fact.start)
    if earning is None or fact.hashed_th is None:
        return fact
    amount = earned(earning, Decimal(str(fact.hashed_th)))
    return msgspec.structs.replace(fact, revenue=written(amount), revenue_currency=earning.currency)


def rows_by_model(fleet: Fleet) -> dict[str, Indices]:
    """Return the rows of each model that is known, in the order of their names."""
    rows: dict[str, list[int]] = {}
    for row in range(len(fleet)):
        if (model := model_of(fleet, row)) is not None:
            rows.setdefault(model, []).append(row)
    return {model: np.array(found, np.intp) for model, found in sorted(rows.items())}


def efficiency_j_th(fleet: Fleet, rows: Indices) -> float | None:
    """Return the J/TH of machines of one model: of those that hash now, else of the highest step of their ladder."""
    hashing = rows[(fleet.state[rows] == Code.HASHING) & (fleet.hashrate_ths[rows] > 0)]
    if len(hashing):
        return round(float(fleet.believed_w[hashing].sum() / fleet.hashrate_ths[hashing].sum()), 3)
    full = fleet.ladders[int(rows[0])].steps[0]
    return round(full.power_w / full.hashrate_ths, 3) if full.hashrate_ths > 0 else None
