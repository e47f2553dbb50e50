"""A feeder's limit in kVA, held in a whole control room: by assumption, and by what its meter says."""

import pytest

from agent.control.instrument import MeterPolicy, Said
from agent.fleet.miner import Feeder
from tests.control.site import FULL_W, STANDBY_W, Layout, Machines, Site

FEEDERS = (Feeder(id="site", parent=None), Feeder(id="T1", parent="site", max_va=9500.0))
METER = MeterPolicy(id="t1", role="feeder", feeder="T1", window_s=5.0, stale_s=30.0)


async def awake(site, seconds, *, var=None):
    """Live, the feeder's meter saying so many var, if anything; returns how many machines of it are awake."""
    machines = site.machines
    for _ in range(int(seconds / 2)):
        if var is not None:
            drawn_w = sum(STANDBY_W if host in machines.asleep else FULL_W for host in machines.hosts)
            site.metering.take("t1", Said(power_w=drawn_w, reactive_var=var), site.clock.now())
        await site.live(2, step_s=2)
    return len(machines.hosts) - len(machines.asleep)


@pytest.fixture
async def site(tmp_path):
    layout = Layout(feeders=FEEDERS, where=dict.fromkeys(range(3), "T1"), meters=(METER,))
    made = Site(Machines(3), tmp_path, layout=layout)
    yield made
    await made.close()


async def test_without_a_meter_a_factor_is_assumed_and_the_feeder_sheds(site):
    """Three of 3,000 W are within 9,500 VA at a factor of one, not with a margin at 0.95."""
    assert await awake(site, 90) == 2


async def test_a_meter_that_shows_little_reactive_power_lets_them_run(site):
    assert await awake(site, 90, var=300.0) == 3


async def test_one_that_shows_more_of_it_sheds_and_brings_back_once_it_is_gone(site):
    assert await awake(site, 40, var=300.0) == 3
    assert await awake(site, 60, var=4000.0) == 2
    assert await awake(site, 200, var=300.0) == 3
