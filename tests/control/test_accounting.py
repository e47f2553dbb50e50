"""Energy by metering intervals: the parts add up to the meter, over starts, stops, absences and a clock that jumps."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.facts.energy import EnergyInterval, MeterInterval
from tests.control.books import NOON, Books, adds_up
from tests.control.site import FULL_W, HOUSE_W, START, Machines, Site

QUARTER_S = 900
FULL_WH = (5 * FULL_W + HOUSE_W) / 4


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(5), tmp_path)
    yield made
    await made.close()


async def intervals(site):
    await site.ledger.since(0)  # what was noted is written before
    return [fact for fact in site.ledger.replay() if isinstance(fact, EnergyInterval)]


def lasted_s(fact):
    return (fact.end - fact.start).total_seconds()


async def test_a_whole_interval_is_what_the_meter_says_and_its_parts_add_up(site):
    await site.live(2 * QUARTER_S + 10, step_s=5)
    first, whole = await intervals(site)
    assert first.quality == "partial"
    assert (whole.start, whole.end) == (START + timedelta(minutes=15), START + timedelta(minutes=30))
    assert (whole.quality, whole.source) == ("measured", "meter")
    assert whole.site_wh == round(FULL_WH)
    assert adds_up(whole)
    assert whole.feeders == {"site": whole.miners_wh} == {"site": round(5 * FULL_W / 4)}
    assert whole.hashed_th == 5 * 100.0 * QUARTER_S
    [told] = [f for f in site.ledger.replay() if isinstance(f, MeterInterval) and f.start == whole.start]
    assert whole.site_wh == round(told.mean_w / 4)


async def test_energy_is_told_by_feeder_owner_and_model():
    books = Books()
    await books.live(2 * QUARTER_S + 5, watts=(3000.0, 2000.0, 1000.0))
    whole = books.facts[-1]
    assert whole.feeders == {"T1": 1250, "T2": 250}
    assert whole.owners == {"acme": 750, "beta": 500, "": 250}
    assert whole.models == {"S0": 1250, "S1": 250}
    assert (whole.miners_wh, whole.house_wh, whole.site_wh) == (1500, 125, 1625)


async def test_what_nobody_explains_is_told_with_its_sign():
    books = Books()
    await books.live(2 * QUARTER_S + 5, watts=(1000.0, 1000.0, 1000.0), extra_w=-300.0)
    whole = books.facts[-1]
    assert (whole.site_wh, whole.miners_wh) == (800, 750)
    assert whole.unexplained_wh == 50 - whole.house_wh
    assert adds_up(whole)


async def test_a_register_that_begins_again_loses_no_wh_neither_in_an_interval_nor_while_the_agent_is_away():
    books = Books(register=990_000.0, rolls_over_wh=1_000_000.0)
    await books.live(5 * QUARTER_S + 60, watts=(12_000.0, 12_000.0, 12_000.0))
    whole = [fact for fact in books.facts if fact.quality != "partial"]
    assert {fact.source for fact in whole} == {"register"}
    assert [fact.site_wh for fact in whole] == [pytest.approx(36_500 / 4, abs=1)] * 4
    again = Books(register=990_000.0, rolls_over_wh=1_000_000.0)
    await again.live(QUARTER_S)
    second = await again.again(away_s=3600, drawn_w=9_500.0)
    await second.live(QUARTER_S)
    away = [fact for fact in second.close() if fact.miners_wh is None]
    assert sum(fact.site_wh for fact in away) == pytest.approx(9_500, abs=45)  # nobody looks at once


async def test_an_interval_that_a_restart_cut_is_joined_by_its_pieces_and_no_wh_of_the_register_is_lost():
    first = Books(register=1_000_000.4)
    await first.live(QUARTER_S + 300)
    begun = first.facts[0].start
    second = await first.again(away_s=60, drawn_w=9_500.0)
    await second.live(QUARTER_S)
    facts = second.close()
    assert all(earlier.end == later.start for earlier, later in pairwise(facts))
    interval = [f for f in facts if f.start >= NOON + timedelta(minutes=15) and f.end <= NOON + timedelta(minutes=30)]
    assert [f.quality for f in interval] == ["partial"] * 3
    assert [f.miners_wh is None for f in interval] == [False, True, False]
    assert sum(f.site_wh for f in interval) == pytest.approx(9_500 / 4, abs=15)  # the register is 5 s old at a cut
    assert all(map(adds_up, facts))
    seen = round(second.register) - 1_000_000
    assert sum(f.site_wh for f in facts) == pytest.approx(seen - 9_500 * (begun - NOON).total_seconds() / 3600, abs=1)


async def test_a_long_absence_is_spread_over_its_intervals_by_the_register():
    first = Books(register=0.0)
    await first.live(2 * QUARTER_S)
    second = await first.again(away_s=3 * 7 * 86_400, drawn_w=1_000.0)
    await second.live(60)
    away = [f for f in second.close() if f.miners_wh is None]
    assert len(away) in {2016, 2017}
    assert {f.source for f in away} == {"register"}
    assert sum(f.site_wh for f in away) == pytest.approx(3 * 7 * 24_000, abs=40)
    assert all(f.unexplained_wh == f.site_wh for f in away)


async def test_a_long_absence_without_a_register_is_not_known():
    first = Books()
    await first.live(QUARTER_S)
    second = await first.again(away_s=2 * QUARTER_S)
    await second.live(60)
    assert all(f.miners_wh is not None for f in second.close())


async def test_a_short_absence_without_a_register_is_estimated_by_the_power_around_it():
    first = Books()
    await first.live(QUARTER_S)
    second = await first.again(away_s=60)
    await second.live(60, watts=(1500.0, 1500.0, 1500.0))
    [away] = [f for f in second.close() if f.miners_wh is None]
    assert 60 < lasted_s(away) < 90
    assert away.site_wh == pytest.approx((9_500 + 5_000) / 2 * lasted_s(away) / 3600, abs=1)


async def test_a_kill_loses_no_more_than_the_interval_under_way():
    first = Books()
    await first.live(3 * QUARTER_S + 600)
    killed = Books(clock=first.clock, past=first.facts)
    await killed.live(60)
    [*_, last] = first.facts
    assert last.end == NOON + timedelta(minutes=45)
    away = [f for f in killed.close() if f.start >= last.end and f.miners_wh is None]
    assert 600 <= sum(map(lasted_s, away)) < 630
    assert sum(f.site_wh for f in away) == pytest.approx(9_500 * sum(map(lasted_s, away)) / 3600, abs=1)


async def test_where_the_meter_falls_silent_what_machines_say_stands_in_and_it_is_estimated():
    books = Books()
    await books.live(QUARTER_S)
    await books.live(450)
    books.speaks = False
    await books.live(450 + 120)
    whole = books.facts[1]
    assert (whole.quality, whole.source) == ("estimated", "meter")
    assert whole.site_wh == pytest.approx(9_500 / 4, abs=2)
    assert adds_up(whole)


async def test_without_a_meter_the_machines_and_the_house_are_all_there_is():
    books = Books(meter=False)
    await books.live(2 * QUARTER_S)
    whole = books.facts[-1]
    assert (whole.quality, whole.source, whole.unexplained_wh) == ("estimated", "beliefs", 0)
    assert whole.site_wh == whole.miners_wh + whole.house_wh == 2250 + 125


async def test_a_clock_that_is_stepped_ends_a_piece():
    books = Books()
    await books.live(QUARTER_S + 100)
    books.clock.step_wall_clock(-40)
    await books.live(QUARTER_S)
    facts = books.close()
    assert [f.quality for f in facts[1:3]] == ["partial", "partial"]
    assert all(map(adds_up, facts))
    assert sum(f.site_wh for f in facts) == pytest.approx(9_500 * sum(map(lasted_s, facts)) / 3600, abs=2)


happenings = st.lists(
    st.tuples(
        st.sampled_from(["live", "restart", "silent", "speak"]),
        st.integers(5, 1500),
        st.tuples(*[st.floats(0, 3500)] * 3),
        st.floats(-400, 900),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(happenings, st.sampled_from([None, 0.0, 123_456.78]))
def test_whatever_happens_the_parts_add_up_to_the_meter(told, register):
    async def run():
        books = Books(register=register)
        for kind, seconds, watts, extra_w in told:
            if kind == "restart":
                books = await books.again(away_s=seconds, drawn_w=sum(watts))
            books.speaks = kind != "silent"
            await books.live(seconds, watts=watts, extra_w=extra_w, step_s=15)
        return books.close(), books.metered

    facts, metered = asyncio.run(run())
    assert all(map(adds_up, facts))
    assert all(earlier.end <= later.start for earlier, later in pairwise(facts))
    means = {fact.start: fact.mean_w for fact in metered if isinstance(fact, MeterInterval)}
    for fact in facts:
        if fact.source == "meter" and fact.quality == "measured" and fact.start in means:
            assert fact.site_wh == round(means[fact.start] / 4)
