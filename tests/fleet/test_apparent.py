"""What a feeder may carry where its limit is in kVA, and how evenly phases are loaded."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.apparent import carries_w, phases_of
from agent.fleet.miner import Feeder

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("told", [(None, None), (900.0, None), (None, 100.0)])
def test_what_nobody_measures_is_assumed(told):
    assert carries_w(1000.0, *told) == 950.0


@pytest.mark.parametrize(
    ("power_w", "reactive_var", "carries"),
    [
        (800.0, 600.0, 800.0),  # at its limit, by a factor of 0.8
        (800.0, -600.0, 800.0),  # leading current heats as much
        (400.0, 300.0, 800.0),
        (600.0, 60.0, 995.0),  # better than assumed, and measured
        (20.0, 80.0, 950.0),  # supplies that idle: poor, and no measure of full load
        (0.0, 0.0, 1000.0),
        (10.0, 1000.0, 0.0),  # nothing is left
    ],
)
def test_what_a_meter_says_of_reactive_power_counts(power_w, reactive_var, carries):
    assert carries_w(1000.0, power_w, reactive_var) == pytest.approx(carries, abs=0.1)


@given(st.floats(1.0, 1e4), st.floats(-1e4, 1e4))
def test_at_what_it_may_carry_no_feeder_is_above_its_limit_whether_reactive_power_grows_along_or_stays(power_w, var):
    limit_w = carries_w(1000.0, power_w, var)
    assert limit_w == 0.0 or hypot(limit_w, var) <= 1000.0 + 1e-6
    if hypot(power_w, var) >= 500.0:
        assert hypot(limit_w, var * limit_w / power_w) <= 1000.0 + 1e-6


def test_phases_below_a_feeder_are_added_up_and_compared():
    feeders = (
        Feeder(id="hall", parent="site"),
        Feeder(id="a", parent="hall", phase="L1"),
        Feeder(id="b", parent="hall", phase="L2"),
        Feeder(id="c", parent="hall", phase="L3"),
        Feeder(id="d", parent="hall", phase="L1"),
        Feeder(id="e", parent="hall"),
        Feeder(id="lone", parent="site", phase="L2"),
    )
    drawn_w = {"hall": 9e4, "a": 1e4, "b": 2e4, "c": 1e4, "d": 2e4, "e": 5e4, "lone": 0.0}
    hall, site = phases_of(feeders, drawn_w)
    assert (hall.parent, hall.power_w) == ("hall", {"L1": 3e4, "L2": 2e4, "L3": 1e4})
    assert hall.unbalance == pytest.approx(0.5)
    assert (site.parent, site.unbalance) == ("site", 0.0)
