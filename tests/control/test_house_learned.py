"""What is learned to be the house beneath the meter, while machines are on their way down."""

import pytest

from agent.clock import ManualClock
from agent.control.metering import Metering, MeterPolicy
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Miner
from agent.fleet.power import HouseLoad
from agent.planning.ladder import build_ladder
from drivers.interface import Abilities, Identity, Reading, SleepAbility, State
from tests.control.site import START

N, FULL_W, STANDBY_W, HOUSE_W = 40, 3000.0, 40.0, 5000.0
HASHING = Reading(state=State.HASHING, level="full", power_w=FULL_W, hashrate_ths=100.0)
ASLEEP = Reading(state=State.SLEEPING, level="sleep", power_w=STANDBY_W, hashrate_ths=0.0)


class Watched:
    """Forty machines under a meter; what is read of each is said apart from what they draw."""

    def __init__(self):
        self.clock = ManualClock(START)
        miners = [Miner(id=f"m{at}", host=f"127.0.0.{at + 1}") for at in range(N)]
        self.fleet = Fleet(miners, FeederTree.of(()), FleetPolicy(poll_s=2.0, fresh_s=10.0, meter_lag_s=8.0))
        sleep = SleepAbility(standby_w=STANDBY_W, settle_s=6.0, wake_s=60.0)
        found = Identity(driver="x", nominal_w=FULL_W, nominal_ths=100.0, abilities=Abilities(sleep=sleep))
        for row in range(N):
            self.fleet.identified(row, found, build_ladder(found))
        policy = MeterPolicy(id="main", window_s=5.0, stale_s=30.0)
        self.metering = Metering(self.fleet, HouseLoad(), policy, memory_s=13.0, now=self.clock.now())

    async def live(self, seconds, *, read, draw_w):
        for _ in range(seconds):
            await self.clock.advance(1.0)
            now = self.clock.now()
            for row, reading in enumerate(read):
                self.fleet.heard(row, reading, now.mono)
            self.metering.heard(draw_w, None, now)


@pytest.mark.parametrize("late", [1, N])
async def test_machines_told_to_sleep_and_not_yet_read_are_not_missed_in_the_house(late):
    site = Watched()
    await site.live(20, read=[HASHING] * N, draw_w=HOUSE_W + N * FULL_W)
    rows = site.fleet.view(0.0).rank
    site.fleet.set_steps(rows, site.fleet.view(0.0).last_step, site.clock.now().mono)
    asleep_w = HOUSE_W + N * STANDBY_W
    await site.live(12, read=[ASLEEP] * (N - late) + [HASHING] * late, draw_w=asleep_w)
    assert not site.metering.house.sampled
    await site.live(12, read=[ASLEEP] * N, draw_w=asleep_w)
    assert site.metering.house.in_force_w(site.clock.now().mono) == pytest.approx(HOUSE_W, rel=0.02)
