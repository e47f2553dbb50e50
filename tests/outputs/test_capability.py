"""What the site can give: floors, what is shed in time, what comes back."""

from dataclasses import replace

import numpy as np
import pytest

from agent.outputs.capability import Means, capability
from agent.values import Moment
from tests.outputs.farm import NOW, small_fleet

pytestmark = pytest.mark.pure


def means(fleet, **told):
    plain = Means(
        settle_s=np.full(len(fleet), 45.0), cuttable=np.zeros(len(fleet), np.bool_), restore_w_per_s=500_000 / 60
    )
    return replace(plain, **told)


def told(fleet, **more):
    return capability(fleet.view(NOW.mono), means(fleet, **more), house_w=1000.0, now=NOW)


def test_who_answers_goes_to_its_lowest_level_and_who_does_not_counts_as_it_is_believed():
    fleet = small_fleet()
    found, view = told(fleet), fleet.view(NOW.mono)
    hashing, standby_w = 0, float(view.step_w[0, view.last_step[0]])
    rest_w = float(view.believed_w[1:].sum())
    assert found["floor_kw"] == pytest.approx((1000.0 + standby_w + rest_w) / 1000, abs=0.001)
    freed_kw = (float(view.believed_w[hashing]) - standby_w) / 1000
    assert found["shed_kw"] == dict.fromkeys(("60", "300", "600"), pytest.approx(freed_kw))
    assert (found["restore_kw_per_min"], found["house_kw"]) == (500.0, 1.0)
    assert found["at"].endswith("Z")


def test_who_takes_longer_than_the_time_counts_for_nothing_and_a_ramp_bounds_it():
    fleet = small_fleet()
    slow = told(fleet, settle_s=np.full(len(fleet), 250.0))["shed_kw"]
    assert (slow["60"], slow["300"] > 0) == (0.0, True)
    assert told(fleet, shed_w_per_s=1.0)["shed_kw"] == {"60": 0.06, "300": 0.3, "600": 0.6}


def test_breakers_take_the_rest_below_them():
    fleet = small_fleet()
    found = told(fleet, cuttable=np.ones(len(fleet), np.bool_))
    assert found["floor_with_breakers_kw"] == 1.0
    assert found["floor_kw"] > 1.0


def test_what_is_held_and_asleep_is_not_there_to_come_back():
    fleet = small_fleet()
    fleet.hold({fleet.miners[1].id})
    assert told(fleet)["held_kw"] > 0
    assert capability(fleet.view(NOW.mono), means(fleet), house_w=0.0, now=Moment.trusted(NOW.at, 5.0))["house_kw"] == 0
