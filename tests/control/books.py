"""A fleet and a meter that do as they are told, second by second, and the books over them."""

from datetime import UTC, datetime

from agent.clock import ManualClock
from agent.control.accounting import Accounting
from agent.control.metering import Metering, MeterPolicy
from agent.facts.energy import EnergyInterval
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Ladder, Miner, Step
from agent.fleet.power import HouseLoad
from drivers.interface import Identity, Reading, State

NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
LADDER = Ladder(steps=(Step(level="full", power_w=3000.0, hashrate_ths=100.0),), most_w=3150.0)
OWNERS = (("T1", ("owner:acme",)), ("T1", ("owner:beta", "row:1")), ("T2", ()))


class Books:
    """Three machines behind a meter that may have a register; `again` is a start of the agent on the same world."""

    def __init__(self, *, meter=True, register=None, rolls_over_wh=None, clock=None, past=()):
        self.clock = clock or ManualClock(NOON)
        tree = FeederTree.of((Feeder(id="T1"), Feeder(id="T2")))
        miners = [
            Miner(id=f"m{at}", host="127.0.0.1", feeder=feeder, tags=tags) for at, (feeder, tags) in enumerate(OWNERS)
        ]
        self.fleet = Fleet(miners, tree, FleetPolicy(fresh_s=3600.0))
        for row in range(3):
            identity = Identity(driver="any", model=f"S{row // 2}", nominal_w=3000.0, nominal_ths=100.0)
            self.fleet.identified(row, identity, LADDER)
        self.rolls_over_wh = rolls_over_wh
        policy = MeterPolicy(id="main", window_s=5.0, stale_s=30.0, rolls_over_wh=rolls_over_wh) if meter else None
        now = self.clock.now()
        self.metering = Metering(self.fleet, HouseLoad(given_w=500.0), policy, memory_s=30.0, now=now)
        self.accounting = Accounting(self.fleet, self.metering, interval_s=900.0)
        for fact in past:
            self.accounting.replayed(fact)
        self.register, self.speaks = register, True
        self.facts, self.metered = list(past), []

    async def live(self, seconds, *, watts=(3000.0, 3000.0, 3000.0), extra_w=0.0, step_s=5):
        """Let time pass at these watts; the meter shows them, the house and what is extra."""
        for _ in range(int(seconds / step_s)):
            await self.clock.advance(step_s)
            self.tick(watts, extra_w, step_s)

    def tick(self, watts, extra_w, step_s):
        now = self.clock.now()
        for row, power_w in enumerate(watts):
            self.fleet.heard(row, Reading(state=State.HASHING, power_w=power_w, hashrate_ths=power_w / 30.0), now.mono)
        drawn_w = sum(watts) + 500.0 + extra_w
        self.register = None if self.register is None else self.register + drawn_w * step_s / 3600
        if self.speaks:
            self.metering.heard(drawn_w, self._shown(), now)
        told = self.metering.facts(now)
        self.metered += told
        self.accounting.heard(told)
        self.facts += self.accounting.tick(now)

    def _shown(self):
        if self.register is None or self.rolls_over_wh is None:
            return self.register
        return self.register % self.rolls_over_wh

    def close(self):
        self.facts += self.accounting.close(self.clock.now())
        return self.facts

    async def again(self, *, away_s=0, drawn_w=0.0):
        """End this life, stay away, and return the next one."""
        past = self.close()
        await self.clock.advance(away_s)
        register = None if self.register is None else self.register + drawn_w * away_s / 3600
        told = {"register": register, "rolls_over_wh": self.rolls_over_wh, "clock": self.clock, "past": past}
        return Books(meter=self.metering.policy is not None, **told)


def adds_up(fact: EnergyInterval):
    """Whether every part of an interval adds up to the meter's Wh."""
    parts = (fact.miners_wh or 0) + (fact.house_wh or 0) + fact.unexplained_wh
    groups = [sum(group.values()) for group in (fact.feeders, fact.owners, fact.models) if group]
    return parts == fact.site_wh and all(group == fact.miners_wh for group in groups)
