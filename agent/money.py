"""Money of one agent, put together: the tariff and what hashing earns from the configuration, the books, their turn.

Interval facts are written behind: a kill loses the interval under way and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.clock import Clock
from agent.config import Config, ConfigError
from agent.config_schema import Revenue
from agent.control.accounting import Accounting
from agent.control.journal import Journal
from agent.control.metering import Metering
from agent.facts import AnyFact, EnergyInterval
from agent.fleet.fleet import Fleet
from agent.inputs.tariff_file import read_pack, read_tariff
from agent.outputs.money_desk import MoneyDesk, Terms
from agent.outputs.snapshot import site_power
from agent.planning.economics import Earning
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat
from agent.values import Moment, Watts

PACKS = ("KG", "KZ")
TURN_S = 5.0
"""How often what is drawn is added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Who counts energy and who counts money, of one agent."""

    accounting: Accounting
    desk: MoneyDesk
    journal: Journal
    clock: Clock

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        self.accounting.replayed(fact)
        self.desk.heard([fact])

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in what happened in this life, intervals of our own among it."""
        self.accounting.heard(facts)
        self.desk.heard(facts)

    async def run(self) -> None:
        """Add up for ever; what ends is charged and written soon."""
        while True:
            self.journal.note(self.priced(self.accounting.tick(self.clock.now())))
            await self.clock.sleep(TURN_S)

    def close(self, now: Moment) -> list[AnyFact]:
        """Return what is left to write when the agent ends."""
        return self.priced(self.accounting.close(now))

    def priced(self, facts: Iterable[EnergyInterval]) -> list[AnyFact]:
        """Return intervals with what they are charged."""
        return [self.desk.priced(fact) for fact in facts]


def open_books(config: Config, fleet: Fleet, metering: Metering, journal: Journal, clock: Clock) -> Books:
    """Build the books of an agent. Raises ConfigError for a tariff that is not sound."""

    def power_w() -> Watts:
        mono = clock.now().mono
        house_w = metering.house.in_force_w(mono)
        return site_power(metering.state(mono), float(fleet.believed_w.sum()), house_w)[0]

    interval_s = config.schema.tariff.metering.interval_min * 60
    return Books(
        accounting=Accounting(fleet, metering, interval_s=interval_s),
        desk=MoneyDesk(terms=terms_of(config), fleet=fleet, power_w=power_w),
        journal=journal,
        clock=clock,
    )


def terms_of(config: Config) -> Terms:
    """Return what energy costs and hashing earns. Raises ConfigError for a tariff's file that is not sound."""
    site, told = config.schema.site, config.schema.tariff
    tariff, doubts = _tariff(config)
    if tariff is not None and told.vat_recoverable:
        parts = (replace(part, recoverable=True) if isinstance(part, Vat) else part for part in tariff.components)
        tariff = replace(tariff, components=tuple(parts))
    currency = site.currency if tariff is None else tariff.currency
    if currency != site.currency:
        doubts.append(f"the tariff is in {currency}, the site's money is {site.currency}: money is told in {currency}")
    earning = earning_of(config.schema.revenue, currency)
    if earning is not None and earning.rate is None:
        doubts.append(f"revenue.fx has no {earning.currency}/{currency}: there is no break-even")
    zone = site.timezone if tariff is None or tariff.zone is None else tariff.zone
    return Terms(
        currency=currency,
        zone=ZoneInfo(zone),
        tariff=tariff,
        earning=earning,
        billing_day=told.metering.billing_day,
        doubts=tuple(doubts),
    )


def _tariff(config: Config) -> tuple[Tariff | None, list[str]]:
    """Return the tariff of the file, else of the pack, and what could not be honoured."""
    site, told = config.schema.site, config.schema.tariff
    if told.file is not None:
        tariff = read_tariff(config.folder / told.file, currency=site.currency)
        return tariff, ["tariff.class goes unread: the file says its own"] if told.class_ is not None else []
    if site.jurisdiction is None:
        return None, ["there is no tariff"] if told.class_ is None else [
            "tariff.class is of a pack: name site.jurisdiction"
        ]
    if site.jurisdiction not in PACKS:
        return None, [f"there is no pack for {site.jurisdiction} yet: [tariff] file"]
    try:
        return read_pack(site.jurisdiction, told.class_), []
    except ConfigError as error:
        reasons = "; ".join(f"{problem.key} {problem.reason}" for problem in error.problems)
        return None, [
            f"the pack {site.jurisdiction} is no tariff by itself: {reasons}; [tariff] file may begin with it"
        ]


def earning_of(revenue: Revenue, currency: str) -> Earning | None:
    """Return what hashing earns; None where no price of hashrate is told."""
    if revenue.source != "fixed" or not revenue.hashprice_per_ph_day:
        return None
    return Earning(
        per_ph_day=revenue.hashprice_per_ph_day,
        currency=revenue.currency,
        pool_fee_pct=_decimal(revenue.pool_fee_pct),
        revenue_tax_pct=_decimal(revenue.revenue_tax_pct),
        pue=_decimal(revenue.pue),
        rate=_rate(revenue, currency),
    )


def _rate(revenue: Revenue, currency: str) -> Decimal | None:
    if revenue.currency == currency:
        return Decimal(1)
    direct = revenue.fx.get(f"{revenue.currency}/{currency}")
    inverse = revenue.fx.get(f"{currency}/{revenue.currency}")
    return direct if direct is not None or inverse is None else 1 / inverse


def _decimal(told: float) -> Decimal:
    """Return a figure as it was written, not as a binary fraction."""
    return Decimal(repr(told))
