"""Decisions on the plant, told as a dispatcher would tell them."""

from dataclasses import replace

import numpy as np
import pytest

from agent.fleet.fleet import FleetPolicy
from agent.fleet.miner import Feeder
from agent.planning.decide import Memory, decide
from agent.planning.headroom import reserves
from agent.planning.ladder import build_ladder
from agent.planning.ramp import Ramp
from agent.planning.situation import Demand, Policy
from drivers.interface import Abilities, Identity, LowAbility, Reading, SleepAbility, State
from tests.planning.plant import STANDBY_W, Nature, Plant

pytestmark = pytest.mark.pure


def asleep(plant: Plant) -> list[int]:
    return np.flatnonzero(plant.fleet.setpoint > 0).tolist()


def mute(n: int = 40, *, spread: float = 1.0, wake_s: float = 180.0, **other) -> Plant:
    """Return machines that say no watts, whose rate is an average of half an hour and that wake slowly."""
    nature = Nature(spread=(spread,) * n, average_s=(1800.0,) * n, wake_s=(wake_s,) * n)
    return Plant([3000.0 + 10 * (row % 7) for row in range(n)], nature=nature, **other)


def capped(plant: Plant, share: float = 0.5) -> float:
    """Put a cap on, let it settle, and return it in W."""
    cap_w = share * plant.run(25).draws[-1]
    plant.set(cap_w=cap_w, law=True, may_step=True).run(75)
    return cap_w


def test_without_an_order_nothing_is_sent():
    plant = Plant([3000.0] * 5).run(100)
    assert plant.sent == []
    assert plant.decisions[-1].cause == ""


def test_a_cap_takes_the_worst_joules_per_terahash_first():
    plant = Plant([3000.0] * 5, efficiency=[20.0, 95.0, 30.0, 34.0, 21.0]).run(25)
    plant.set(cap_w=3 * 3000.0 + 5000.0 + 500.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [1, 3]
    assert max(plant.draws[-20:]) <= 14_500.0


def test_priority_goes_before_efficiency():
    plant = Plant([3000.0] * 3, efficiency=[20.0, 95.0, 30.0])
    plant.fleet._priority[:] = [0, 1, 1]
    plant.run(25).set(cap_w=2 * 3000.0 + 5300.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [0]


def test_no_more_is_shed_than_needed_when_a_smaller_machine_will_do():
    plant = Plant([3000.0, 3000.0, 1400.0], efficiency=[95.0, 90.0, 30.0]).run(25)
    plant.set(cap_w=5000.0 + 7400.0 - 1200.0, law=True, may_step=True).run(60)
    assert len(asleep(plant)) == 1


def test_a_stop_puts_everybody_to_sleep_and_its_end_brings_them_back():
    plant = Plant([3000.0] * 5).run(25)
    plant.set(cap_w=5000.0 + 5 * STANDBY_W, stop=True, law=True, may_step=True).run(40)
    assert plant.draws[-1] == pytest.approx(5000.0 + 5 * STANDBY_W)
    assert plant.decisions[-1].shortfall_w == 0.0
    plant.set().run(120)
    assert plant.draws[-1] == pytest.approx(20_000.0)


def test_a_cap_below_what_software_can_reach_states_the_shortfall():
    plant = Plant([3000.0] * 4).run(25)
    plant.set(cap_w=0.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [0, 1, 2, 3]
    assert plant.decisions[-1].shortfall_w == pytest.approx(5000.0 + 4 * STANDBY_W)


def test_shedding_below_an_emergency_keeps_to_its_ramp():
    plant = Plant([3000.0] * 10, policy=Policy(shed_w_per_s=300.0)).run(25)
    plant.set(cap_w=5000.0).run(60)
    assert 5 <= len(asleep(plant)) <= 7


def test_the_connection_is_always_a_cap():
    plant = Plant([3000.0] * 4, connection_w=12_000.0).run(60)
    assert plant.draws[-1] <= 12_000.0
    assert len(asleep(plant)) == 2


def test_a_feeder_over_its_own_cap_sheds_below_itself_only():
    feeders = (Feeder(id="T1", max_w=4_000.0), Feeder(id="T2"))
    plant = Plant([3000.0] * 4, feeders=feeders, feeder_of=["T1", "T1", "T2", "T2"]).run(60)
    assert asleep(plant) in ([0], [1])


def test_going_up_keeps_to_the_ramp_of_a_feeder():
    feeders = (Feeder(id="T1", ramp_w_per_s=50.0), Feeder(id="T2"))
    plant = Plant([3000.0] * 4, feeders=feeders, feeder_of=["T1", "T1", "T2", "T2"]).run(25)
    plant.set(cap_w=5000.0, stop=True, law=True, may_step=True).run(60)
    plant.set().run(30)
    assert asleep(plant) == [0, 1]
    plant.run(45)
    assert len(asleep(plant)) == 1


def test_half_the_pools_die_and_return_under_a_cap_and_the_draw_stays_below():
    plant = Plant([3000.0 + 10 * (row % 7) for row in range(60)], efficiency=[20.0 + row % 5 for row in range(60)])
    plant.run(25)
    cap_w = 0.4 * plant.draws[-1]
    plant.set(cap_w=cap_w, law=True, may_step=True).run(60)
    sent = len(plant.sent)
    plant.world.pool[::2] = False
    plant.run(60)
    assert not any(sent.up for sent in plant.sent[sent:])
    plant.world.pool[::2] = True
    plant.run(120)
    assert max(plant.draws[-180:]) <= cap_w


def test_machines_whose_pools_return_are_waited_for_though_the_meter_does_not_show_them_yet():
    plant = mute()
    cap_w = capped(plant)
    sent = len(plant.sent)
    plant.world.pool[::2] = False
    plant.run(60)
    plant.world.pool[::2] = True
    plant.run(300)
    assert not any(sent.up for sent in plant.sent[sent:])
    assert max(plant.draws[-360:]) <= cap_w


def test_machines_whose_power_returns_are_made_room_for_before_they_draw_it():
    plant = mute()
    plant.run(40)
    plant.world.energised[:15] = False
    plant.run(80)
    plant.world.energised[:15] = True
    cap_w = 0.3 * plant.draws[20]
    plant.set(cap_w=cap_w, law=True, may_step=True).run(240)
    assert max(plant.draws[-180:]) <= cap_w


def test_what_is_lost_and_draws_nothing_at_the_meter_does_not_count_as_excess():
    plant = mute()
    cap_w = capped(plant, 0.6)
    sent = len(plant.sent)
    plant.world.energised[-10:] = False
    plant.run(120)
    assert plant.decisions[-1].excess_w == 0.0
    assert plant.decisions[-1].power.draw_w == pytest.approx(plant.draws[-1], rel=0.02)
    assert {sent.row for sent in plant.sent[sent:]} <= set(range(30, 40))
    assert plant.draws[-1] <= cap_w


def test_who_answers_nothing_that_can_be_read_is_shed_when_the_others_do_not_suffice():
    plant = mute(10)
    plant.run(25)
    plant.garbled[:5] = True
    plant.run(5)
    cap_w = 0.3 * plant.draws[-1]
    plant.set(cap_w=cap_w, law=True, may_step=True).run(120)
    assert (plant.fleet.setpoint[5:] == 1).all()
    assert plant.draws[-1] <= cap_w


def test_a_house_load_that_falls_lets_machines_come_back_although_nameplates_are_off():
    plant = mute(spread=1.05, house_w=40_000.0)
    cap_w = capped(plant, 0.6)
    plant.world.house_w -= 20_000.0
    plant.run(400)
    assert 0.9 * cap_w <= plant.draws[-1] <= cap_w
    sent = len(plant.sent)
    plant.run(600)
    assert len(plant.sent) == sent


def test_all_come_back_after_the_order_though_the_connection_has_a_tenth_to_spare():
    plant = mute(spread=1.02, connection_w=1.1 * 40 * 3030.0)
    capped(plant)
    plant.set().run(500)
    assert not plant.world.asleep.any()


def test_it_does_not_hunt_once_it_is_under_the_cap():
    plant = Plant([3000.0 + 10 * (row % 7) for row in range(40)]).run(25)
    plant.set(cap_w=0.5 * plant.draws[-1], law=True, may_step=True).run(120)
    sent = len(plant.sent)
    plant.run(600)
    assert len(plant.sent) - sent <= 2


def test_who_comes_up_from_our_own_wake_after_it_was_put_back_was_woken_by_nobody_else():
    plant = Plant([3000.0] * 6).run(25)
    stop = {"cap_w": 5000.0 + 6 * STANDBY_W, "stop": True, "law": True, "may_step": True}
    plant.set(**stop).run(60)
    for seconds in range(1, 30, 3):
        plant.set(cap_w=1e6, stop=False).run(seconds)
        plant.set(**stop).run(30 - seconds)
    plant.run(60)
    assert plant.world.asleep.all()
    assert plant.fleet.woken == []
    plant.set(cap_w=1e6, stop=False).run(60)
    plant.set(**stop).run(60)
    plant.world.asleep[4] = False
    plant.run(15)
    assert plant.fleet.woken == [4]


def test_a_fight_over_a_machine_is_limited_and_every_wake_is_named():
    plant = Plant([3000.0] * 3).run(25)
    plant.set(cap_w=5000.0 + 3 * STANDBY_W, stop=True, law=True, may_step=True).run(60)
    told = len(plant.sent)
    for _ in range(90):  # 45 min
        plant.world.asleep[1] = False
        plant.run(30)
    assert len(plant.sent) - told <= 12 + 45
    assert set(plant.fleet.woken) == {1}
    assert len(plant.fleet.woken) > 30
    plant.run(120)
    assert plant.world.asleep.all()


def test_a_machine_that_wakes_by_itself_is_put_back_to_sleep():
    plant = Plant([3000.0] * 3).run(25)
    plant.set(cap_w=5000.0 + 3 * STANDBY_W, stop=True, law=True, may_step=True).run(60)
    plant.world.asleep[1] = False
    plant.run(30)
    assert plant.fleet.woken == [1]
    plant.run(60)
    assert plant.world.asleep.all()


def test_one_that_never_went_down_is_left_alone_once_nothing_binds():
    plant = Plant([3000.0] * 4)
    plant.world.obeys[0] = False
    plant.run(25).set(cap_w=5000.0 + 4 * STANDBY_W, stop=True, law=True, may_step=True).run(60)
    assert plant.fleet.setpoint.tolist() == [1, 1, 1, 1]
    plant.set().run(60)
    assert plant.fleet.setpoint.tolist() == [0, 0, 0, 0]
    assert plant.decisions[-1].restore_pending_w == 0.0
    assert not [sent for sent in plant.sent if sent.row == 0 and sent.at > 85.0]


def test_nothing_is_shed_by_beliefs_before_the_machines_were_heard():
    plant = Plant([3000.0] * 10, asleep=True, poll_s=10)
    plant.set(cap_w=8_000.0, law=True, may_step=True)
    plant.run(9)
    assert plant.sent == []


def test_when_intent_cannot_be_written_nothing_is_raised(monkeypatch: pytest.MonkeyPatch):
    plant = Plant([3000.0] * 3).run(25)
    plant.set(cap_w=5000.0, stop=True, law=True, may_step=True).run(40)
    right = plant.situation

    def unwritable():
        return type(right())(now=plant.now, gauges=right().gauges, proved=True, may_raise=False)

    monkeypatch.setattr(plant, "situation", unwritable)
    plant.set().run(60)
    assert asleep(plant) == [0, 1, 2]


def test_a_ladder_has_the_levels_that_the_abilities_name():
    abilities = Abilities(
        sleep=SleepAbility(standby_w=15.0, settle_s=30.0, wake_s=300.0),
        low=LowAbility(power_share=0.6, hashrate_share=0.7),
    )
    ladder = build_ladder(Identity(driver="x", nominal_w=3000.0, nominal_ths=100.0, abilities=abilities))
    assert [(s.level, s.power_w, s.hashrate_ths) for s in ladder.steps] == [
        ("full", 3000.0, 100.0),
        ("low", 1800.0, 70.0),
        ("sleep", 15.0, 0.0),
    ]
    assert ladder.most_w == pytest.approx(3150.0)
    assert build_ladder(Identity(driver="x")).steps[0].power_w == 3500.0


def test_low_is_taken_before_sleep_where_it_costs_less_hashrate_a_watt():
    abilities = Abilities(sleep=SleepAbility(standby_w=25.0), low=LowAbility(power_share=0.6, hashrate_share=0.75))
    plant = Plant([3000.0] * 4).run(25)
    for row in range(4):
        identity = Identity(driver="plant", nominal_w=3000.0, nominal_ths=100.0, abilities=abilities)
        plant.fleet.identified(row, identity, build_ladder(identity))
    plant.set(cap_w=5000.0 + 12_000.0 - 1000.0, law=True, may_step=True)
    decision = plant.tick()
    assert decision.steps.tolist() == [1]


def test_a_ramp_starts_empty_and_holds_one_step():
    ramp = Ramp().filled(rate_w_per_s=100.0, mono=10.0, step_w=500.0)
    assert ramp.tokens_w == 0.0
    assert ramp.filled(rate_w_per_s=100.0, mono=12.0, step_w=500.0).tokens_w == 200.0
    assert ramp.filled(rate_w_per_s=1.0, mono=10_000.0, step_w=10.0).tokens_w == 15.0
    for second in range(20, 1000, 10):
        ramp = ramp.filled(rate_w_per_s=100.0, mono=float(second), step_w=1200.0)
    assert ramp.tokens_w == 1200.0


def fresh_from_sleep(min_on_s: float) -> Plant:
    """Return two machines, the worse of which was just woken; a cap then wants one of them asleep."""
    patient = FleetPolicy(fresh_s=35.0, meter_lag_s=11.0, min_on_s=min_on_s, min_off_s=0.0, switches_per_hour=99)
    plant = Plant([3000.0] * 2, efficiency=[95.0, 20.0], fleet_policy=patient, intended=["sleep", "full"]).run(60)
    plant.fleet.intend(0, "full")
    return plant.run(120).set(cap_w=5000.0 + 4000.0, law=True, may_step=True)


@pytest.mark.parametrize(("min_on_s", "sleeps"), [(0.0, 0), (900.0, 1)])
def test_who_was_woken_just_now_is_put_back_after_the_others(min_on_s: float, sleeps: int):
    assert asleep(fresh_from_sleep(min_on_s).run(60)) == [sleeps]


def test_a_cap_that_needs_them_all_takes_who_was_woken_just_now_too():
    plant = fresh_from_sleep(900.0)
    plant.set(cap_w=5000.0 + 100.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [0, 1]
    assert plant.decisions[-1].shortfall_w == 0.0


def test_an_owners_priority_goes_before_the_least_time_awake():
    plant = fresh_from_sleep(900.0)
    plant.fleet._priority[:] = [0, 1]
    assert asleep(plant.run(60)) == [0]


def heat(plant: Plant, *rows: int) -> Plant:
    plant.fleet.climate.hot[:] = np.isin(np.arange(plant.n), rows)
    return plant


def test_of_equals_the_hot_one_steps_down_first_but_a_much_better_one_does_not():
    plant = heat(Plant([3000.0] * 4, efficiency=[30.0, 30.0, 29.5, 20.0]).run(25), 2, 3)
    plant.set(cap_w=5000.0 + 9500.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [2]
    plant = heat(Plant([3000.0] * 4, efficiency=[30.0, 30.0, 29.5, 20.0]).run(25), 3)
    plant.set(cap_w=5000.0 + 9500.0, law=True, may_step=True).run(60)
    assert asleep(plant) == [0]


def test_who_is_hot_is_not_raised_until_it_is_cool():
    plant = Plant([3000.0] * 2).run(25).set(cap_w=5000.0 + 60.0, stop=True, law=True, may_step=True).run(60)
    heat(plant, 0).set().run(120)
    assert asleep(plant) == [0]
    assert not any(sent.up for sent in plant.sent if sent.row == 0)
    heat(plant).run(60)
    assert asleep(plant) == []


def test_one_that_was_set_up_and_became_hot_before_it_was_told_is_told_when_it_is_cool():
    plant = Plant([3000.0] * 2).run(25).set(cap_w=5000.0 + 60.0, stop=True, law=True, may_step=True).run(60)
    plant.world.obeys[0] = False
    plant.set().run(10)
    told = len([sent for sent in plant.sent if sent.up and sent.row == 0])
    assert told
    plant.world.obeys[0] = True
    heat(plant, 0).run(200)
    assert len([sent for sent in plant.sent if sent.up and sent.row == 0]) == told
    heat(plant).run(200)
    assert len([sent for sent in plant.sent if sent.up and sent.row == 0]) == told + 1


def test_a_machine_that_stopped_itself_for_heat_is_reserved_for_in_full():
    plant = Plant([3000.0] * 2).run(25)
    hot = Reading(state=State.IDLE, reason="idle:thermal", level="full", power_w=200.0)
    plant.fleet.heard(0, hot, plant.now)
    assert reserves(plant.fleet.view(plant.now), plant.fleet.setpoint, metered=True, lost_share=1.0)[0] >= 2900.0


def test_who_may_not_run_between_sleeps_and_who_may_is_limited():
    plant = Plant([3000.0] * 4, limits=True).run(25)
    view, demand = plant.fleet.view(plant.now), Demand(cap_w=5000.0 + 10_800.0, may_step=True)
    assert (view.last_step > 1).tolist() == [False, True, False, True]

    def lowered(whole: list[bool] | None) -> list[str | None]:
        seen = replace(view, whole=None if whole is None else np.array(whole))
        found = decide(seen, plant.tree, demand, plant.situation(), plant.policy, Memory())
        return [plant.fleet.level_of(row, step) for row, step in zip(found.rows, found.steps, strict=True)]

    assert {level.partition(":")[0] for level in lowered(None)} == {"limit"}
    assert lowered([True] * 4) == ["sleep"]
