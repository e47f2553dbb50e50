"""Whom the life before told to come back is waited for on its way up; on the way down it is as any other."""

import numpy as np
import pytest

from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Ladder, Miner, Step
from drivers.interface import Identity, Reading, State

pytestmark = pytest.mark.pure

FULL, ASLEEP = 0, 1
LADDER = Ladder(
    steps=(
        Step(level="full", power_w=3000.0, hashrate_ths=100.0),
        Step(level="sleep", power_w=25.0, hashrate_ths=0.0),
    ),
    most_w=3150.0,
    wake_s=600.0,
    settle_s=20.0,
)
AT_WORK = Reading(state=State.HASHING, level="full", power_w=3000.0, hashrate_ths=100.0)
SLEEPING = Reading(state=State.SLEEPING, level="sleep", power_w=25.0, hashrate_ths=0.0)
STARTING = Reading(state=State.STARTING, level="full", power_w=300.0, hashrate_ths=0.0)


def returning():
    """Return a fleet of one, which was told last to come back by the life before, a second ago."""
    made = Fleet([Miner(id="a", host="h")], FeederTree.of(()), FleetPolicy())
    made.restore_names(setpoints={"a": "full"}, intended={})
    made.rising.restore([0], 0.0)
    made.identified(0, Identity(driver="plant"), LADDER)
    return made


def is_trusted(fleet, now):
    return bool(fleet.view(now).trusted[0])


@pytest.mark.parametrize("said", [SLEEPING, STARTING])
def test_who_is_on_its_way_up_is_waited_for_from_the_first_word_on_for_as_long_as_it_takes(said):
    fleet = returning()
    fleet.heard(0, said, 10.0)
    assert is_trusted(fleet, 599.0)
    fleet.attempted(0, 100.0)
    fleet.attempted(0, 650.0)
    assert is_trusted(fleet, 699.0)
    assert not is_trusted(fleet, 700.0)


def test_who_is_there_is_waited_for_no_longer_whatever_befalls_it_then():
    fleet = returning()
    fleet.heard(0, AT_WORK, 10.0)
    assert not is_trusted(fleet, 10.0), "months may lie between"
    fleet.heard(0, SLEEPING, 20.0)
    fleet.attempted(0, 20.0)
    assert not is_trusted(fleet, 20.0)


@pytest.mark.parametrize("heard", [AT_WORK, SLEEPING])
def test_who_is_told_to_go_down_has_the_time_for_that_and_no_more(heard):
    fleet = returning()
    fleet.heard(0, heard, 1.0)
    fleet.set_steps(np.array([0]), np.array([ASLEEP]), 2.0)
    fleet.attempted(0, 3.0)
    fleet.heard(0, AT_WORK, 66.0)
    assert is_trusted(fleet, 66.0)
    assert not is_trusted(fleet, 67.0)


def test_who_does_not_take_its_command_is_not_trusted():
    fleet = returning()
    fleet.heard(0, SLEEPING, 1.0)
    fleet.attempted(0, 2.0)
    fleet.failed(0, 3.0, give_up=True)
    assert not is_trusted(fleet, 4.0)
    fleet.attempted(0, 900.0)
    assert not is_trusted(fleet, 900.0)


def test_who_was_told_down_and_refused_is_not_trusted():
    fleet = returning()
    fleet.heard(0, AT_WORK, 1.0)
    fleet.set_steps(np.array([0]), np.array([ASLEEP]), 2.0)
    fleet.attempted(0, 2.0)
    fleet.failed(0, 3.0, give_up=True)
    assert not is_trusted(fleet, 4.0)
