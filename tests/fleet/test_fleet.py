"""What a machine says, does not say, and is told."""

import msgspec
import numpy as np
import pytest

from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Ladder, Miner, Step, unknown_ladder
from drivers.interface import Identity, Pool, Reading, State

pytestmark = pytest.mark.pure

LADDER = Ladder(
    steps=(
        Step(level="full", power_w=3000.0, hashrate_ths=100.0),
        Step(level="low", power_w=2000.0, hashrate_ths=75.0),
        Step(level="sleep", power_w=20.0, hashrate_ths=0.0),
    ),
    most_w=3150.0,
    settle_s=60.0,
)
HASHING = Reading(state=State.HASHING, level="full", power_w=3000.0, hashrate_ths=100.0)
ASLEEP = Reading(state=State.SLEEPING, level="sleep", power_w=20.0, hashrate_ths=0.0)


def fleet(*intended: str, policy: FleetPolicy | None = None) -> Fleet:
    miners = [Miner(id=f"m{at}", host="127.0.0.1", port=at, intended=level) for at, level in enumerate(intended)]
    made = Fleet(miners, FeederTree.of(()), policy or FleetPolicy(meter_lag_s=10.0))
    for row in range(len(miners)):
        made.identified(row, Identity(driver="any"), LADDER)
    return made


def test_a_machine_that_nobody_heard_counts_at_its_nameplate():
    one = fleet("full")
    assert one.believed_w[0] == 3000.0
    assert not one.everyone_known()
    assert not one.fresh(0.0)[0]


def test_a_machine_found_asleep_is_not_woken_outside_headroom_and_ramp():
    one = fleet("full")
    one.heard(0, ASLEEP, 1.0)
    assert one.level_of(0, int(one.setpoint[0])) == "sleep"
    assert one.level_of(0, int(one.intended[0])) == "full"


def test_a_machine_found_hashing_stays_at_its_intended_setpoint():
    one = fleet("low")
    one.heard(0, HASHING, 1.0)
    assert one.level_of(0, int(one.setpoint[0])) == "low"


def test_one_lost_packet_is_not_a_lost_machine_but_two_are():
    one = fleet("full")
    one.heard(0, HASHING, 1.0)
    one.silent(0)
    assert one.state[0] == Code.HASHING
    one.silent(0)
    assert one.state[0] == Code.UNREACHABLE
    assert one.believed_w[0] == 3000.0


def test_an_unreachable_machine_is_not_asleep_though_it_slept():
    one = fleet("full")
    one.heard(0, ASLEEP, 1.0)
    one.silent(0)
    one.silent(0)
    assert one.level_of(0, int(one.seen[0])) is None
    assert not one.fresh(2.0)[0]


def test_garbage_makes_the_state_unknown_and_nothing_more():
    one = fleet("full", "full")
    one.heard(0, HASHING, 1.0)
    one.heard(1, HASHING, 1.0)
    one.garbled(0)
    assert (one.state_name(0), one.reasons[0]) == (State.UNKNOWN, "unknown:garbled")
    assert one.state_name(1) == State.HASHING
    assert one.believed_w[0] == 3000.0


def test_watts_come_from_the_machine_else_from_its_own_rate():
    one = fleet("full")
    one.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0), 1.0)
    assert one.believed_w[0] == pytest.approx(1500.0)
    one.heard(0, Reading(state=State.SLEEPING), 2.0)
    assert one.believed_w[0] == 20.0
    one.heard(0, Reading(state=State.IDLE, reason="idle:pool"), 3.0)
    assert one.believed_w[0] == 200.0
    one.heard(0, Reading(state=State.STARTING), 4.0)
    assert one.believed_w[0] == 3000.0


def test_a_machine_that_just_began_to_hash_counts_in_full_until_its_averages_can_tell():
    one = fleet("full")
    one.heard(0, Reading(state=State.IDLE, reason="idle:pool"), 0.0)
    one.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0), 10.0)
    assert one.believed_w[0] == 3000.0
    one.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0), 5500.0)
    assert one.believed_w[0] == pytest.approx(1500.0)


def test_what_a_machine_that_says_no_watts_may_not_draw_yet_is_not_taken_to_be_in_the_meter():
    one = fleet("full", policy=FleetPolicy(fresh_s=1e9, meter_lag_s=10.0))
    one.heard(0, Reading(state=State.STARTING), 0.0)
    assert one.view(1000.0).metered_least_w[0] == 0.0
    one.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0), 1000.0)
    risen_at = 1000.0 + LADDER.wake_s + 10.0
    assert (one.view(risen_at - 1).metered_least_w[0], one.view(risen_at).metered_least_w[0]) == (0.0, 3000.0)
    one.heard(0, HASHING, 1020.0)
    assert one.view(1031.0).metered_least_w[0] == 3000.0


def test_a_view_keeps_its_ladders_when_a_machine_is_identified_anew():
    one = fleet("full")
    before = one.view(0.0)
    one.identified(0, Identity(driver="any", nominal_w=1234.0), unknown_ladder(1234.0))
    assert (before.step_w[0, 0], one.view(0.0).step_w[0, 0]) == (3000.0, 1234.0)


def test_what_a_machine_was_seen_at_keeps_its_name_on_another_ladder():
    one = fleet("full")
    one.heard(0, ASLEEP, 1.0)
    one.identified(0, Identity(driver="other"), Ladder(steps=(LADDER.steps[0], LADDER.steps[2]), most_w=3150.0))
    assert one.level_of(0, int(one.seen[0])) == "sleep"
    one.identified(0, Identity(driver="mute"), unknown_ladder())
    assert one.level_of(0, int(one.seen[0])) is None
    assert not one.fresh(2.0)[0]


def test_a_machine_that_was_up_for_days_when_first_heard_is_believed_by_its_rate():
    old, young = fleet("full"), fleet("full")
    old.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0, uptime_s=86_400), 1.0)
    young.heard(0, Reading(state=State.HASHING, hashrate_ths=50.0, uptime_s=60), 1.0)
    assert (old.believed_w[0], young.believed_w[0]) == (pytest.approx(1500.0), 3000.0)


def test_a_machine_that_was_woken_and_stands_yet_is_starting_not_faulty():
    one = fleet("full")
    one.heard(0, ASLEEP, 0.0)
    standing = Reading(state=State.FAULT, reason="fault:hashrate", level="full", hashrate_ths=0.0)
    one.set_steps(np.array([0]), np.array([0]), 100.0)
    one.heard(0, standing, 110.0)
    assert (one.state_name(0), one.reasons[0]) == (State.STARTING, "starting:waking")
    one.heard(0, standing, 5000.0)
    assert one.state_name(0) == State.FAULT


def test_what_the_meter_may_still_include_spans_old_and_new_until_its_lag_is_over():
    one = fleet("full")
    one.heard(0, HASHING, 0.0)
    one.heard(0, ASLEEP, 100.0)
    early, late = one.view(105.0), one.view(110.0)
    assert (early.metered_least_w[0], early.metered_most_w[0]) == (20.0, 3000.0)
    assert (late.metered_least_w[0], late.metered_most_w[0]) == (20.0, 20.0)


def test_a_machine_that_was_put_to_sleep_and_hashes_is_named_once():
    one = fleet("full")
    one.heard(0, HASHING, 0.0)
    one.set_steps(np.array([0]), np.array([2]), 1.0)
    one.heard(0, ASLEEP, 20.0)
    assert one.woken == []
    one.heard(0, HASHING, 30.0)
    one.heard(0, HASHING, 40.0)
    assert one.woken == [0]


def test_a_level_is_proved_by_a_reading_after_a_command_not_by_the_command():
    one = fleet("full")
    one.heard(0, HASHING, 0.0)
    one.set_steps(np.array([0]), np.array([2]), 1.0)
    one.attempted(0, 1.0)
    one.heard(0, HASHING, 2.0)
    assert one.proved == []
    one.heard(0, ASLEEP, 12.0)
    assert one.proved == [0]
    assert one.tries(0) == 0


def test_a_command_waits_for_its_effect_then_backs_off_up_to_a_quarter_of_an_hour():
    one = fleet("full")
    one.heard(0, HASHING, 0.0)
    one.set_steps(np.array([0]), np.array([2]), 0.0)
    now, gaps = 0.0, []
    for _ in range(10):
        one.attempted(0, now)
        gaps.append(one._next_try[0] - now)
        now = float(one._next_try[0])
    assert gaps[0] == 80.0
    assert gaps == sorted(gaps)
    assert gaps[-1] == 900.0


def test_a_new_setpoint_need_not_wait_for_the_back_off_of_the_old():
    one = fleet("full")
    one.heard(0, HASHING, 0.0)
    one.set_steps(np.array([0]), np.array([2]), 0.0)
    one.failed(0, 0.0, give_up=True)
    assert not one.view(1.0).due[0]
    one.set_steps(np.array([0]), np.array([1]), 1.0)
    assert one.view(1.0).due[0]


def test_setpoints_and_intended_levels_are_replayed_by_name_before_anybody_is_identified():
    miners = [Miner(id="a", host="h"), Miner(id="b", host="h2")]
    one = Fleet(miners, FeederTree.of(()), FleetPolicy())
    one.restore_names(setpoints={"a": "sleep", "gone": "sleep"}, intended={"b": "low"})
    for row in range(2):
        one.identified(row, Identity(driver="any"), LADDER)
    assert [one.level_of(row, int(one.setpoint[row])) for row in range(2)] == ["sleep", "low"]
    one.heard(0, HASHING, 1.0)
    assert one.level_of(0, int(one.setpoint[0])) == "sleep"


def test_last_powers_are_replayed_until_a_machine_is_heard():
    miners = [Miner(id="a", host="h")]
    one = Fleet(miners, FeederTree.of(()), FleetPolicy())
    one.restore_powers({"a": 25.0, "gone": 1.0})
    one.identified(0, Identity(driver="any"), LADDER)
    assert one.believed_w[0] == 25.0
    one.heard(0, HASHING, 1.0)
    assert one.believed_w[0] == 3000.0


@pytest.mark.parametrize(
    ("level", "step"),
    [("full", 0), ("low", 1), ("sleep", 2), ("off", 2), ("limit:2500", 1), ("limit:10", 2), ("profile:x", 0)],
)
def test_a_level_that_a_machine_lacks_becomes_the_nearest_that_draws_no_more(level: str, step: int):
    assert fleet("full").step_of(0, level) == step


def test_a_machine_is_rested_after_its_time_off_and_while_it_was_not_raised_too_often():
    one = fleet("full", policy=FleetPolicy(min_off_s=60.0, switches_per_hour=2, meter_lag_s=1.0))
    one.heard(0, HASHING, 0.0)
    one.heard(0, ASLEEP, 10.0)
    assert not one.view(60.0).rested[0]
    assert one.view(70.0).rested[0]
    for at in (100.0, 200.0):
        one.set_steps(np.array([0]), np.array([2]), at)
        one.set_steps(np.array([0]), np.array([0]), at + 1)
    assert not one.view(1000.0).rested[0]
    assert one.view(3702.0).rested[0]


def test_a_feeder_tree_puts_parents_first_and_refuses_a_cycle():
    tree = FeederTree.of((Feeder(id="q1", parent="T1"), Feeder(id="T1")))
    assert [f.id for f in tree.feeders] == ["site", "T1", "q1"]
    assert tree.parents() == [-1, 0, 1]
    with pytest.raises(ValueError, match="feeder a"):
        FeederTree.of((Feeder(id="a", parent="b"), Feeder(id="b", parent="a")))


def test_a_quick_read_does_not_forget_what_a_full_one_told():
    one = fleet("full")
    pools = (Pool(url="stratum+tcp://a:1"),)
    one.heard(0, msgspec.structs.replace(HASHING, pools=pools, accepted=7, errors=(), uptime_s=9), 1.0)
    one.heard(0, HASHING, 11.0)
    assert (one.readings[0].pools, one.readings[0].accepted, one.readings[0].uptime_s) == (pools, 7, None)
    assert one.readings[0].errors == ()


def test_a_machine_on_its_way_up_is_in_the_meter_by_the_rate_that_it_showed_a_poll_ago():
    one = fleet("full")
    one.heard(0, ASLEEP, 0.0)
    shown = []
    for at, present_ths in enumerate((30.0, 60.0, 90.0, 130.0, 130.0), 1):
        one.heard(0, Reading(state=State.HASHING, hashrate_ths=1.0, present_ths=present_ths), 10.0 * at)
        shown.append(float(one.view(10.0 * at).metered_least_w[0]))
    assert shown == [0.0, 1950.0, 2400.0, 2850.0, 3000.0]
