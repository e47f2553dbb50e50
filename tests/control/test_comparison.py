"""A check meter beside the site's: a difference that lasts is told once, and is in what the check stands in with."""

import pytest

from agent.clock import ManualClock
from agent.control.comparison import WINDOWS, Comparison
from agent.control.metering import Metering, MeterPolicy, Said
from agent.facts.energy import MetersAgree, MetersDiffer
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Miner
from agent.fleet.power import HouseLoad, MeterState
from tests.control.site import START

STEP_S = 10.0
WINDOW_S = 15.0
LASTS_S = WINDOWS * WINDOW_S


def state(power_w, *, fresh=True):
    known = {"last_w": power_w, "mean_w": power_w, "covered": True} if fresh else {}
    return MeterState(id="m", fresh=fresh, silent_s=0.0 if fresh else 99.0, **known)


class Compared:
    def __init__(self):
        self.comparison = Comparison("check", error=0.01, check_error=0.01, window_s=WINDOW_S)
        self.clock = ManualClock(START)

    async def live(self, seconds, meter_w, check_w):
        facts = []
        for _ in range(int(seconds / STEP_S)):
            await self.clock.advance(STEP_S)
            facts += self.comparison.seen(state(meter_w), state(check_w), self.clock.now())
        return facts


async def test_a_difference_within_both_errors_is_none():
    assert await Compared().live(3 * LASTS_S, 100_000, 101_900) == []


async def test_a_difference_is_told_once_when_it_lasted_and_once_when_it_is_over():
    site = Compared()
    assert await site.live(LASTS_S - STEP_S, 100_000, 90_000) == []
    [differ] = await site.live(3 * LASTS_S, 100_000, 90_000)
    assert isinstance(differ, MetersDiffer)
    assert (differ.meter_w, differ.check_w, site.comparison.excess_w) == (100_000, 90_000, 10_000)
    [agree] = await site.live(3 * LASTS_S, 100_000, 100_000)
    assert isinstance(agree, MetersAgree)
    assert site.comparison.excess_w == 0


async def test_a_difference_with_a_break_in_it_is_not_told():
    site = Compared()
    for _ in range(4):
        assert await site.live(LASTS_S - STEP_S, 100_000, 90_000) == []
        assert await site.live(STEP_S, 100_000, 100_000) == []


# --- roles ------------------------------------------------------------------------------------------------------


class Metered:
    """A site of one feeder, with meters in every role."""

    def __init__(self, *others, policy=None):
        self.clock = ManualClock(START)
        tree = FeederTree.of((Feeder(id="site", parent=None, max_w=1e6), Feeder(id="T1", parent="site", max_w=5e5)))
        fleet = Fleet([Miner(id="m", host="127.0.0.1", feeder="T1")], tree, FleetPolicy())
        self.metering = Metering(fleet, HouseLoad(), policy, others=others, memory_s=10.0, now=self.clock.now())

    async def say(self, times=6, **powers_w):
        for _ in range(times):
            await self.clock.advance(4.0)
            for meter, power_w in powers_w.items():
                self.metering.take(meter, Said(power_w=power_w, energy_wh=1e6), self.clock.now())

    @property
    def mono(self):
        return self.clock.now().mono


def meter(name, role, **rest):
    return MeterPolicy(id=name, role=role, window_s=8.0, stale_s=20.0, **rest)


MAIN = meter("main", "billing")


async def test_a_check_stands_in_with_its_error_while_the_billing_meter_is_silent():
    site = Metered(meter("check", "check", error=0.02), policy=MAIN)
    await site.say(main=100_000, check=99_000)
    assert site.metering.state(site.mono).last_w == 100_000
    await site.say(check=99_000)
    stand_in = site.metering.state(site.mono)
    assert (stand_in.id, stand_in.fresh) == ("check", True)
    assert stand_in.last_w == pytest.approx(99_000 * 1.02)
    await site.clock.advance(30.0)
    assert not site.metering.state(site.mono).fresh


async def test_connections_are_the_sum_of_their_meters_and_none_where_one_is_silent():
    parts = (meter("north", "connection", feeder="T1", error=0.01), meter("south", "connection"))
    site = Metered(*parts, policy=meter("north+south", "billing"))
    await site.say(north=60_000, south=30_000)
    assert site.metering.state(site.mono).last_w == 90_000
    assert site.metering.energy_wh == 2e6
    assert site.metering.gauges(site.mono).feeders == {1: pytest.approx(60_600)}
    await site.say(north=60_000)
    assert not site.metering.state(site.mono).fresh


async def test_a_feeders_meter_is_told_by_its_place_with_its_error_and_not_when_silent():
    site = Metered(meter("t1", "feeder", feeder="T1", error=0.02), policy=MAIN)
    await site.say(t1=40_000)
    assert site.metering.gauges(site.mono).feeders == {1: pytest.approx(40_800)}
    await site.clock.advance(30.0)
    assert site.metering.gauges(site.mono).feeders == {}


async def test_a_measured_house_is_the_house():
    site = Metered(meter("house", "house"), policy=MAIN)
    await site.say(house=7_000)
    assert site.metering.house.in_force_w(site.mono) == 7_000


@pytest.mark.parametrize("role", ["generation", "export"])
async def test_what_is_generated_or_exported_is_kept_by_intervals_and_counts_nowhere(role):
    site = Metered(meter("sun", role, interval_s=60.0), policy=MAIN)
    await site.say(times=40, sun=20_000)
    told = [fact for fact in site.metering.facts(site.clock.now()) if getattr(fact, "meter", "") == "sun"]
    assert {fact.role for fact in told if hasattr(fact, "role")} == {role}
    assert not site.metering.state(site.mono).fresh


# --- what is shown ----------------------------------------------------------------------------------------------


async def test_every_meter_is_shown_with_its_role_place_age_and_register():
    site = Metered(meter("t1", "feeder", feeder="T1"), meter("never", "house"), policy=MAIN)
    await site.say(main=100_000, t1=40_000)
    await site.clock.advance(1.0)
    main, t1, never = site.metering.views(site.mono)
    assert (main.id, main.role, main.power_w, main.age_s, main.energy_wh) == ("main", "billing", 100_000, 1.0, 1e6)
    assert (t1.id, t1.role, t1.feeder, t1.measures) == ("t1", "feeder", "T1", "T1")
    assert (never.power_w, never.age_s, never.energy_wh) == (None, None, None)


async def test_who_stands_in_is_shown_for_as_long_as_it_does():
    site = Metered(meter("check", "check"), policy=MAIN)
    await site.say(main=100_000, check=99_000)
    assert [view.standing_in_for for view in site.metering.views(site.mono)] == [None, None]
    await site.say(check=99_000)
    main, check = site.metering.views(site.mono)
    assert (main.power_w, main.age_s, check.standing_in_for) == (None, 24.0, "main")
    await site.say(main=100_000, check=99_000)
    assert [view.standing_in_for for view in site.metering.views(site.mono)] == [None, None]


async def test_the_sum_of_connections_is_shown_silent_where_one_of_them_is():
    site = Metered(meter("north", "connection"), meter("south", "connection"), policy=meter("north+south", "billing"))
    await site.say(north=60_000, south=30_000)
    assert [view.power_w for view in site.metering.views(site.mono)] == [90_000, 60_000, 30_000]
    await site.say(north=60_000)
    assert [view.power_w for view in site.metering.views(site.mono)] == [None, 60_000, None]
