"""The books of one agent, put together: who counts energy, who counts money, and their turn.

Interval facts are written behind: a kill loses the interval under way and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.clock import Clock
from agent.config import Config
from agent.config.money import feed_of
from agent.control.accounting import Accounting
from agent.control.controller import Controller
from agent.control.journal import Journal
from agent.control.metering import Metering
from agent.control.pricing import Pricing
from agent.facts import AnyFact
from agent.facts.energy import EnergyInterval
from agent.fleet.fleet import Fleet
from agent.links.mqtt import MqttLink
from agent.outputs.machine_book import MachineBook
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.snapshot import site_power
from agent.values import Moment, Watts
from agent.wiring.feeds import HashpriceFeed
from agent.wiring.money_terms import terms_of
from agent.wiring.pricing_room import MANY, beside, owners_terms, pricing_of

TURN_S = 5.0
"""How often what is drawn is added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Who counts energy and who counts money, of one agent."""

    accounting: Accounting
    desk: MoneyDesk
    machines: MachineBook
    journal: Journal
    clock: Clock
    feed: HashpriceFeed | None = None
    pricing: Pricing | None = None

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        self.accounting.replayed(fact)
        self.desk.heard([fact])
        self.machines.replayed(fact)
        if self.feed is not None:
            self.feed.replayed(fact)

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in what happened in this life, intervals of our own among it."""
        self.accounting.heard(facts)
        self.desk.heard(facts)

    def join(self, controller: Controller, link: MqttLink | None) -> None:
        """Let price act, or say what it would do, and hear what a PH/s earns where that comes over MQTT."""
        controller.pricing = self.pricing
        tariff = self.desk.terms.tariff
        controller.owners = None if tariff is None else owners_terms(controller.parts.fleet, tariff.owners)
        if self.pricing is not None:
            self.desk.acting = self.pricing.acting
            self.pricing.elsewhere = beside(controller.wake) if len(self.pricing.fleet) >= MANY else None
        if self.feed is not None and link is not None:
            self.feed.listen(link)

    async def run(self) -> None:
        """Add up for ever; what ends is charged and written soon. Look beside that for what a PH/s earns."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._add_up(), name="books-energy")
            if self.feed is not None:
                group.create_task(self.feed.run(), name="books-hashprice")

    async def _add_up(self) -> None:
        while True:
            self.journal.note(self.priced(self.accounting.tick(self.clock.now())))
            await self.clock.sleep(TURN_S)

    def close(self, now: Moment) -> list[AnyFact]:
        """Return what is left to write when the agent ends."""
        return [*self.priced(self.accounting.close(now)), *self.machines.so_far(now.at)]

    def priced(self, facts: Iterable[EnergyInterval]) -> list[AnyFact]:
        """Return intervals with what they are charged."""
        pending: list[EnergyInterval] = []
        machines: list[AnyFact] = []
        for fact in facts:
            pending.append(self.desk.priced(fact, pending))
            machines += self.machines.take(pending[-1], self.accounting.columns.pop(fact.start, None))
        return [*self.desk.settled(self.clock.now().at), *pending, *machines]


def open_books(config: Config, fleet: Fleet, metering: Metering, journal: Journal, clock: Clock) -> Books:
    """Build the books of an agent. Raises ConfigError for a tariff that is not sound."""

    def power_w() -> Watts:
        mono = clock.now().mono
        house_w = metering.house.in_force_w(mono)
        return site_power(metering.state(mono), float(fleet.believed_w.sum()), house_w)[0]

    interval_s = config.schema.tariff.metering.interval_min * 60
    terms, feed = terms_of(config), None
    if terms.revenue is not None and feed_of(config.schema) is not None:
        feed = HashpriceFeed(config, terms.revenue.quotes, clock, lambda fact: journal.note([fact]))
    desk = MoneyDesk(terms=terms, fleet=fleet, power_w=power_w)
    accounting = Accounting(fleet, metering, interval_s=interval_s)
    return Books(
        accounting=accounting,
        desk=desk,
        machines=MachineBook([miner.id for miner in fleet.miners], desk.totals.month_of),
        journal=journal,
        clock=clock,
        feed=feed,
        pricing=pricing_of(config, fleet, desk, accounting, metering),
    )
