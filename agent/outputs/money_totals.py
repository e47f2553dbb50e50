"""Sums of money and energy from the ledger's intervals, by local months, kept as each interval is heard.

Nothing is billed twice: an interval carries what it was charged when it ended. Sums are exact and only ever added to.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.facts import AnyFact
from agent.facts.energy import Charge, EnergyInterval, MonthCharged, ReadsCorrected
from agent.tariffs.charging import kwh_of, total_of
from agent.tariffs.load import Taken
from agent.tariffs.money import EXACT
from agent.tariffs.periods import CIVIL, ReadTime
from agent.values import Watts

ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Day:
    """One local day."""

    site_wh: int = 0
    billed_kwh: Decimal = ZERO
    cost: Decimal | None = None  # None: nothing of it was charged


@dataclass(slots=True, kw_only=True)
class Month:
    """One billing month; energies in whole Wh, money by currency and component."""

    start: datetime
    end: datetime
    covered_s: float = 0.0
    site_wh: int = 0
    billed_kwh: Decimal = ZERO
    miners_wh: int = 0
    house_wh: int = 0
    unexplained_wh: int = 0
    estimated_wh: int = 0
    unpriced_wh: int = 0
    peak_w: float | None = None  # of whole intervals, as billed
    feeders: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    owners: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    models: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    charges: dict[tuple[str, str], tuple[Charge, Decimal]] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)
    revenue: dict[str, Decimal] = field(default_factory=dict)
    days: dict[date, Day] = field(default_factory=dict)
    starts: array[int] = field(default_factory=lambda: array("q"))  # of its intervals, whole seconds since 1970
    energies: array[int] = field(default_factory=lambda: array("q"))  # Wh
    corrected: dict[int, Decimal] = field(default_factory=dict)  # kWh by starts, where billed is not what was counted
    settled: MonthCharged | None = None

    @property
    def missing_s(self) -> float:
        """The seconds between its first and its last interval that nobody knows of."""
        return max(0.0, (self.end - self.start).total_seconds() - self.covered_s)

    def add(self, fact: EnergyInterval, day: Day) -> None:
        """Take in one interval or a piece of one."""
        seconds, kwh_billed = (fact.end - fact.start).total_seconds(), billed_kwh(fact)
        self.start, self.end = min(self.start, fact.start), max(self.end, fact.end)
        self.covered_s += seconds
        self.starts.append(int(fact.start.timestamp()))
        self.energies.append(fact.site_wh)
        if fact.billed_kwh is not None:
            self.corrected[self.starts[-1]] = kwh_billed
        self.billed_kwh += kwh_billed
        day.billed_kwh += kwh_billed
        self.site_wh += fact.site_wh
        self.miners_wh += fact.miners_wh or 0
        self.house_wh += fact.house_wh or 0
        self.unexplained_wh += fact.unexplained_wh
        day.site_wh += fact.site_wh
        if (
            fact.quality == "estimated"
            or fact.source == "beliefs"
            or (fact.miners_wh is None and fact.source == "meter")
        ):
            self.estimated_wh += fact.site_wh
        if fact.quality != "partial":
            self.peak_w = max(mean_w(fact), self.peak_w or 0.0)
        for mine, theirs in (self.feeders, fact.feeders), (self.owners, fact.owners), (self.models, fact.models):
            for name, energy_wh in theirs.items():
                mine[name] += energy_wh
        self._charge(fact, day)

    def billed(self) -> Iterator[tuple[int, Decimal]]:
        """Yield the starts of its intervals, whole seconds since 1970, and the kWh that are billed for each."""
        for start, energy_wh in zip(self.starts, self.energies, strict=True):
            yield start, self.corrected[start] if start in self.corrected else kwh_of(energy_wh)

    def _charge(self, fact: EnergyInterval, day: Day) -> None:
        if fact.currency is None or fact.cost is None:
            self.unpriced_wh += fact.site_wh
        else:
            for charge in fact.charges:
                _, before = self.charges.get((fact.currency, charge.name), (charge, ZERO))
                self.charges[fact.currency, charge.name] = (charge, before + Decimal(charge.amount))
            self.cost[fact.currency] = self.cost.get(fact.currency, ZERO) + Decimal(fact.cost)
            day.cost = (day.cost or ZERO) + Decimal(fact.cost)
        if fact.revenue is not None and fact.revenue_currency is not None:
            earned = self.revenue.get(fact.revenue_currency, ZERO) + Decimal(fact.revenue)
            self.revenue[fact.revenue_currency] = earned


@dataclass(slots=True, kw_only=True)
class Totals:
    """Everything since the ledger began."""

    zone: tzinfo
    read: ReadTime = CIVIL
    interval: timedelta = timedelta()  # the longest that was heard
    months: dict[str, Month] = field(default_factory=dict)
    costs: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    corrected: list[ReadsCorrected] = field(default_factory=list)
    credits: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    revenue: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def month_of(self, at: datetime) -> str:
        """Return as YYYY-MM the billing month that an instant lies in."""
        return self.read.month_of(at, self.zone)

    def heard(self, fact: AnyFact) -> None:
        """Take in an interval, new or replayed; other facts are passed over."""
        if isinstance(fact, MonthCharged):
            self._settle(fact)
            return
        if isinstance(fact, ReadsCorrected):
            self.corrected.append(fact)
            return
        if not isinstance(fact, EnergyInterval) or fact.end <= fact.start:
            return
        self.interval = max(self.interval, fact.end - fact.start)
        with localcontext(EXACT):
            day = fact.start.astimezone(self.zone).date()
            name = self.month_of(fact.start)
            month = self.months.setdefault(name, Month(start=fact.start, end=fact.end))
            month.add(fact, month.days.setdefault(day, Day()))
            self._count(fact)

    def _settle(self, fact: MonthCharged) -> None:
        month = self.months.get(fact.month)
        if month is not None and month.settled is None:
            month.settled = fact
            with localcontext(EXACT):
                self._add(fact.currency, fact.charges)

    def _add(self, currency: str, charges: Sequence[Charge]) -> None:
        for charge in charges:
            amount = Decimal(charge.amount)
            if amount < 0:
                self.credits[currency] -= amount
            else:
                self.costs[currency, charge.name] += amount

    def _count(self, fact: EnergyInterval) -> None:
        if fact.currency is not None:
            self._add(fact.currency, fact.charges)
        if fact.revenue is not None and fact.revenue_currency is not None:
            self.revenue[fact.revenue_currency] += Decimal(fact.revenue)

    def taken(self, at: datetime, power_w: Watts = 0.0, pending: Sequence[EnergyInterval] = ()) -> Taken:
        """Return what the month and year of an instant had drawn until then; `power_w` is drawn now.

        `pending` are intervals before it that are still to be heard.
        """
        name = self.month_of(at)
        drawn = {one: told.billed_kwh for one, told in self.months.items()}
        for fact in pending:
            of = self.month_of(fact.start)
            drawn[of] = total_of([drawn.get(of, ZERO), billed_kwh(fact)])
        month = self.months.get(name)
        peak_w = max(power_w, 0.0 if month is None else month.peak_w or 0.0)
        return Taken(
            month_kwh=drawn.get(name, ZERO),
            year_kwh=total_of(kwh for one, kwh in drawn.items() if one[:4] == name[:4]),
            peak_kw=kwh_of(round(peak_w)),
        )

    def month_at(self, at: datetime) -> Month | None:
        """Return the billing month that an instant lies in, None before its first interval."""
        return self.months.get(self.month_of(at))

    def day_at(self, at: datetime) -> Day | None:
        """Return the local day that an instant lies in, None before its first interval."""
        date = at.astimezone(self.zone).date()
        parts = [month.days[date] for month in self.months.values() if date in month.days]  # two where it is read in it
        if not parts:
            return None
        costs = [part.cost for part in parts if part.cost is not None]
        return Day(
            site_wh=sum(part.site_wh for part in parts),
            billed_kwh=total_of(part.billed_kwh for part in parts),
            cost=total_of(costs) if costs else None,
        )


def billed_kwh(fact: EnergyInterval) -> Decimal:
    """Return what is billed for an interval: what was counted, where nothing else was said when it ended."""
    return kwh_of(fact.site_wh) if fact.billed_kwh is None else Decimal(fact.billed_kwh)


def mean_w(fact: EnergyInterval) -> Watts:
    """Return the mean power that is billed for an interval."""
    energy_wh = fact.site_wh if fact.billed_kwh is None else float(billed_kwh(fact)) * 1000
    return energy_wh * 3600 / (fact.end - fact.start).total_seconds()


def hours(seconds: float) -> float:
    """Return seconds as hours."""
    return round(timedelta(seconds=seconds) / timedelta(hours=1), 4)


def kwh(energy_wh: int) -> float:
    """Return whole Wh as kWh."""
    return energy_wh / 1000


def kwh_by(energies_wh: Mapping[str, int]) -> dict[str, float]:
    """Return whole Wh by name as kWh."""
    return {name: kwh(energy_wh) for name, energy_wh in sorted(energies_wh.items())}
