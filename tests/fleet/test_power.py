"""The meter's window, the rest beneath it, the house load."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.power import HouseLoad, HouseSample, Meter, RestObserver

pytestmark = pytest.mark.pure


def meter(**changes: float) -> Meter:
    return Meter("main", **{"window_s": 10.0, "stale_s": 30.0, "since": 0.0, **changes})


def test_a_meter_that_never_spoke_is_stale_and_says_nothing():
    state = meter().state(5.0)
    assert (state.fresh, state.last_w, state.mean_w, state.draw_w) == (False, None, None, None)
    assert state.silent_s == 5.0


def test_the_draw_is_the_higher_of_the_latest_figure_and_the_mean():
    m = meter()
    for second, watts in [(0, 1000.0), (5, 3000.0), (10, 2000.0)]:
        m.heard(watts, second)
    assert m.state(10.0).draw_w == 2000.0
    m.heard(500.0, 12.0)
    assert m.state(12.0).last_w == 500.0
    assert m.state(12.0).draw_w == pytest.approx((1000 + 3000 + 2000 + 500) / 4)


def test_a_window_is_covered_only_when_samples_reach_its_start():
    m = meter()
    m.heard(1.0, 100.0)
    m.heard(1.0, 109.0)
    assert not m.state(109.0).covered
    m.heard(1.0, 111.0)
    assert m.state(111.0).covered


def test_a_meter_goes_stale_after_its_time_and_not_before():
    m = meter()
    m.heard(1.0, 100.0)
    assert m.state(130.0).fresh
    assert not m.state(130.1).fresh


def sample(watts: float, error_w: float = 1.0, at: float = 0.0) -> HouseSample:
    return HouseSample(mono=at, power_w=watts, error_w=error_w)


def test_the_highest_sharp_sample_of_a_quarter_of_an_hour_is_in_force():
    house = HouseLoad(given_w=5.0)
    for at, watts in [(0.0, 100.0), (300.0, 300.0), (600.0, 200.0)]:
        house.learn(sample(watts, at=at))
    assert house.in_force_w(600.0) == 300.0
    house.learn(sample(200.0, at=1300.0))
    assert house.in_force_w(1300.0) == 200.0


def test_a_sample_that_is_mostly_error_does_not_displace_what_a_hand_gave():
    house = HouseLoad(given_w=20_000.0)
    house.learn(sample(3_000.0, error_w=50_000.0))
    assert house.in_force_w(0.0) == 20_000.0


def test_without_a_given_figure_even_a_dull_sample_counts():
    house = HouseLoad()
    house.learn(sample(3_000.0, error_w=50_000.0))
    assert house.in_force_w(0.0) == 3_000.0


def test_the_house_is_never_believed_above_what_was_declared():
    house = HouseLoad(most_w=10_000.0)
    house.learn(sample(40_000.0))
    assert house.in_force_w(0.0) == 10_000.0


def test_a_house_below_zero_is_zero():
    house = HouseLoad()
    house.learn(sample(-500.0))
    assert house.in_force_w(0.0) == 0.0


def test_the_rest_stays_while_a_machine_falls_that_the_meter_has_not_seen():
    rest = RestObserver(memory_s=30.0)
    rest.observe(10_000.0, least_w=9_000.0, most_w=9_000.0, mono=0.0)
    rest.observe(10_000.0, least_w=6_000.0, most_w=9_000.0, mono=2.0)
    rest.observe(7_000.0, least_w=6_000.0, most_w=9_000.0, mono=4.0)
    rest.observe(7_000.0, least_w=6_000.0, most_w=6_000.0, mono=20.0)
    state = rest.state()
    assert state is not None
    assert (state.now_w, state.least_w, state.most_w) == (1_000.0, 1_000.0, 1_000.0)


def test_a_meter_that_drops_before_the_polls_leaves_the_old_rest_in_view():
    rest = RestObserver(memory_s=30.0)
    rest.observe(10_000.0, least_w=9_000.0, most_w=9_000.0, mono=0.0)
    rest.observe(7_000.0, least_w=9_000.0, most_w=9_000.0, mono=2.0)
    state = rest.state()
    assert state is not None
    assert (state.least_w, state.most_w) == (-2_000.0, 1_000.0)


def test_a_rest_that_was_forced_down_for_a_moment_is_what_it_was_once_readings_allow_it():
    rest = RestObserver(memory_s=30.0)
    rest.observe(10_000.0, least_w=9_000.0, most_w=9_000.0, mono=0.0)
    rest.observe(7_000.0, least_w=9_000.0, most_w=9_000.0, mono=2.0)
    rest.observe(7_000.0, least_w=6_000.0, most_w=9_000.0, mono=12.0)
    state = rest.state()
    assert state is not None
    assert state.now_w == 1_000.0


def test_a_rest_that_is_forced_for_longer_than_polls_take_is_the_new_rest():
    rest = RestObserver(memory_s=30.0)
    rest.observe(10_000.0, least_w=9_000.0, most_w=9_000.0, mono=0.0)
    for mono in range(2, 40, 2):
        rest.observe(12_000.0, least_w=9_000.0, most_w=9_000.0, mono=float(mono))
    rest.observe(12_000.0, least_w=8_000.0, most_w=12_000.0, mono=42.0)
    state = rest.state()
    assert state is not None
    assert state.now_w == 3_000.0


def test_the_first_look_while_machines_fall_takes_neither_bound_for_the_truth():
    rest = RestObserver(memory_s=30.0)
    rest.observe(10_000.0, least_w=3_000.0, most_w=9_000.0, mono=0.0)
    state = rest.state()
    assert state is not None
    assert (state.least_w, state.most_w) == (1_000.0, 7_000.0)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20))
def test_the_rest_lies_within_its_bounds_and_inside_the_latest_observation(seen: list[tuple[float, ...]]):
    rest = RestObserver(memory_s=10.0)
    for at, (meter_w, one, other) in enumerate(seen):
        rest.observe(meter_w, least_w=min(one, other), most_w=max(one, other), mono=float(at))
    state = rest.state()
    assert state is not None
    assert state.least_w <= state.now_w <= state.most_w
    meter_w, one, other = seen[-1]
    assert meter_w - max(one, other) <= state.now_w <= meter_w - min(one, other)


def test_forgetting_the_rest_leaves_nothing():
    rest = RestObserver(memory_s=10.0)
    rest.observe(1.0, least_w=0.0, most_w=0.0, mono=0.0)
    rest.forget()
    assert rest.state() is None
