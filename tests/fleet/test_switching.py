"""How often machines may be switched, by what was told and seen."""

import pytest

from agent.fleet.fleet import FleetPolicy
from agent.fleet.switching import Switching

pytestmark = pytest.mark.pure


def switching(**told) -> Switching:
    return Switching(1, FleetPolicy(**{"min_on_s": 300.0, "min_off_s": 60.0, "switches_per_hour": 2, **told}))


def test_one_that_was_woken_is_young_for_its_least_time_awake():
    one = switching()
    assert not one.young(0.0)[0]
    one.raised(0, 100.0, woken=True)
    assert one.young(399.0)[0]
    assert not one.young(400.0)[0]


def test_so_is_one_that_woke_by_whatever_cause_but_not_one_that_was_raised_from_a_limit_or_seen_again():
    one = switching()
    one.raised(0, 0.0, woken=False)
    one.seen(0, 0, -1, asleep=2, now=5.0)
    one.seen(0, 1, 0, asleep=2, now=6.0)
    assert not one.young(10.0)[0]
    one.seen(0, 2, 1, asleep=2, now=10.0)
    assert not one.young(20.0)[0]
    one.seen(0, 0, 2, asleep=2, now=30.0)
    assert one.young(40.0)[0]


def test_a_machine_that_cannot_sleep_is_never_young():
    one = switching()
    one.seen(0, 0, 0, asleep=0, now=5.0)
    assert not one.young(6.0)[0]
    assert one.rested(6.0)[0]


def test_a_least_time_of_nothing_binds_nothing():
    one = switching(min_on_s=0.0)
    one.raised(0, 10.0, woken=True)
    assert not one.young(10.0)[0]
