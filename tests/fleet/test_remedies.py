"""Who is stuck, what is done next, and how often at the most."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.facts.remedies import Remedied
from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Ladder, Miner, Step
from agent.fleet.remedies import STUCK_S, Remedies, RemedyPolicy, ailing
from drivers.interface import Identity, Reading, State

pytestmark = pytest.mark.pure
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LADDER = Ladder(
    steps=(
        Step(level="full", power_w=3000.0, hashrate_ths=100.0),
        Step(level="sleep", power_w=20.0, hashrate_ths=0.0),
    ),
    most_w=3150.0,
)
WORKS = Reading(state=State.HASHING, level="full", power_w=3000.0, hashrate_ths=100.0)
BARREN = Reading(state=State.HASHING, level="full", power_w=900.0, hashrate_ths=0.5)
FAILED = Reading(state=State.FAULT, reason="fault:boards", power_w=300.0)
WAITS = Reading(state=State.IDLE, reason="idle:pool", power_w=200.0, hashrate_ths=0.0)
HOT = Reading(state=State.IDLE, reason="idle:thermal", power_w=200.0, hashrate_ths=0.0)
MUTE = Reading(state=State.HASHING, level="full", power_w=3000.0)
ASLEEP = Reading(state=State.SLEEPING, level="sleep", power_w=20.0, hashrate_ths=0.0)


def fleet(*readings, intended="full") -> Fleet:
    """Return a fleet whose machines work, and then say this; None for one that says nothing any more."""
    made = Fleet(
        [Miner(id=f"m{row}", host=f"127.0.0.{row}", intended=intended) for row in range(len(readings))],
        FeederTree.of(()),
        FleetPolicy(),
    )
    for row, reading in enumerate(readings):
        made.identified(row, Identity(driver="x"), LADDER)
        made.heard(row, WORKS, 0.0)
        if reading is None:
            made.silent(row)
            made.silent(row)
        else:
            made.heard(row, reading, 10.0)
    return made


def ails(made: Fleet, *, energised=False, tries=0) -> list[int]:
    n = len(made)
    return ailing(made.view(10.0), made.hashrate_ths, np.full(n, tries), np.full(n, energised)).tolist()


def test_who_works_waits_for_a_pool_or_cooler_air_or_says_no_rate_is_not_stuck():
    assert ails(fleet(WORKS, WAITS, HOT, MUTE)) == [0, 0, 0, 0]


def test_who_hashes_nothing_or_has_failed_is():
    assert ails(fleet(BARREN, FAILED)) == [1, 1]


def test_who_does_not_wake_however_often_it_is_told_is():
    made = fleet(ASLEEP)
    assert ails(made, tries=3) == [0]
    assert ails(made, tries=4) == [2]


def test_who_says_nothing_is_only_where_an_outlet_says_that_it_has_power():
    assert (ails(fleet(None)), ails(fleet(None), energised=True)) == ([0], [3])


def test_who_is_held_sealed_or_lowered_by_whatever_never_is():
    made = fleet(BARREN, BARREN, BARREN, FAILED)
    made.hold({"m0"})
    made.seal({"m1"}, set())
    made.set_steps(np.array([2]), np.array([1]), 10.0)
    made.intend(3, "sleep")
    assert ails(made, tries=9, energised=True) == [0, 0, 0, 0]
    assert made.state[3] == Code.FAULT


def test_stuck_is_who_ails_for_long_without_a_break_the_longest_first():
    found = Remedies(3, RemedyPolicy())
    for mono, told in ((0.0, [0, 1, 1]), (60.0, [1, 1, 1]), (120.0, [1, 1, 0]), (180.0, [1, 1, 1])):
        found.look(np.array(told), mono)
    assert found.look(np.array([1, 1, 1]), STUCK_S - 1).tolist() == []
    assert found.look(np.array([1, 1, 1]), STUCK_S + 60).tolist() == [1, 0]
    found.begun(1, STUCK_S + 60)
    assert found.look(np.array([1, 1, 1]), STUCK_S + 180).tolist() == [0, 2]
    assert found.why(0) == "it hashes nothing"


ALL = ("restart", "reboot", "outlet_cycle")


def treat(remedies: Remedies, at: datetime, *, miner="m0", able=ALL) -> str | None:
    found = remedies.next_for(miner, able, at)
    if found is not None:
        remedies.apply(Remedied(at=at, miner=miner, remedy=found, why=""))
    return found


def test_the_mildest_first_then_the_next_and_no_more_than_so_often_a_day():
    remedies = Remedies(1, RemedyPolicy(remedies=ALL, per_machine_per_day=4))
    told = [treat(remedies, NOW + timedelta(hours=2 * at)) for at in range(6)]
    assert told == ["restart", "reboot", "outlet_cycle", "restart", None, None]
    assert treat(remedies, NOW + timedelta(hours=24)) == "reboot"


def test_what_is_not_allowed_or_cannot_be_done_is_left_out():
    remedies = Remedies(1, RemedyPolicy(remedies=("reboot", "outlet_cycle")))
    assert treat(remedies, NOW, able={"restart"}) is None
    assert treat(remedies, NOW, able={"restart", "reboot"}) == "reboot"
    assert treat(remedies, NOW, able={"restart", "reboot"}) == "reboot"


def test_the_farm_is_treated_no_more_than_so_often_an_hour_over_restarts_too():
    remedies = Remedies(3, RemedyPolicy(remedies=ALL, farm_per_hour=2))
    remedies.apply(Remedied(at=NOW - timedelta(minutes=30), miner="gone", remedy="reboot", why=""))
    assert [treat(remedies, NOW, miner=f"m{at}") for at in range(3)] == ["restart", None, None]
    assert treat(remedies, NOW + timedelta(minutes=31), miner="m1") == "restart"
