"""The invariants of control, tried by drawn scenarios on the plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.belief import Code
from agent.fleet.power import BELIEF_MARGIN
from agent.planning.headroom import reserves
from agent.planning.situation import Policy
from tests.planning.plant import Plant
from tests.properties import control
from tests.properties.control import Scenario, mute_farms, scenarios

pytestmark = pytest.mark.pure
few = settings(max_examples=6, deadline=None)
very_few = settings(max_examples=4, deadline=None)


@few
@given(scenarios("cap", "free", "pools_die", "pools_return", "lost", "found", "disobey", "obey"))
def test_a_raise_never_leaves_unless_all_that_may_rise_still_fits(scenario: Scenario) -> None:
    control.raises_only_within_the_cap(scenario)


@few
@given(scenarios("cap", "pools_die", "pools_return", "no_power", "power"))
def test_the_farm_is_never_over_its_cap_for_longer_than_it_takes_to_come_down(scenario: Scenario) -> None:
    control.stays_under_the_cap(scenario)


@very_few
@given(mute_farms("pools_die", "pools_return", "no_power", "garble", "read"))
def test_machines_that_say_no_watts_never_put_the_farm_back_over_its_cap(scenario: Scenario) -> None:
    control.once_under_the_cap_it_stays_there(scenario)


@very_few
@given(mute_farms("pools_die", "no_power", "power", "lost", "found", "garble", "house_up", "house_down"))
def test_whatever_a_farm_went_through_it_uses_its_cap_and_does_not_hunt(scenario: Scenario) -> None:
    control.uses_its_cap_and_rests(scenario)


@very_few
@given(mute_farms("house_up", "house_down"))
def test_a_step_of_the_house_load_is_made_up_for_within_a_minute(scenario: Scenario) -> None:
    control.once_under_the_cap_it_stays_there(scenario, within_s=60)


@very_few
@given(mute_farms("pools_die", "lost", connection_share=1.1), st.sampled_from([500.0, 1e9]))
def test_after_the_order_everybody_is_back_although_the_connection_is_tight(scenario: Scenario, ramp: float) -> None:
    control.everybody_is_back(replace(scenario, ramp_w_per_s=ramp))


@few
@given(scenarios("cap", "stop", "free", "hold"), st.data())
def test_what_an_order_lowered_returns_to_what_was_intended(scenario: Scenario, data: st.DataObject) -> None:
    intended = data.draw(st.lists(st.sampled_from(["full", "sleep"]), min_size=7, max_size=7))
    control.returns_to_what_was_intended(scenario, intended[: len(scenario.full_w)])


@few
@given(scenarios())
def test_the_held_are_never_woken(scenario: Scenario) -> None:
    control.never_wakes_the_held(scenario)


@few
@given(scenarios("cap", "stop", "free", "pools_die", "pools_return"), st.sampled_from([20.0, 50.0, 120.0]))
def test_going_up_keeps_to_the_ramp(scenario: Scenario, ramp_w_per_s: float) -> None:
    control.keeps_to_the_ramp(
        Scenario(full_w=scenario.full_w, joules=scenario.joules, events=scenario.events, ramp_w_per_s=ramp_w_per_s)
    )


@few
@given(scenarios())
def test_what_cannot_be_met_is_met_as_far_as_possible(scenario: Scenario) -> None:
    control.sheds_all_it_can(scenario)


@few
@given(scenarios("disobey", "lost", "found"))
def test_who_acknowledges_and_does_nothing_is_told_again_and_others_go(scenario: Scenario) -> None:
    cap = control.Event(at=100, kind="cap", share=0.4)
    events = (*scenario.events, control.Event(at=0, kind="disobey", share=0.4), cap)
    found = control.Event(at=100, kind="found", share=1.0)
    control.others_make_up_for_who_disobeys(
        Scenario(full_w=scenario.full_w, joules=scenario.joules, events=(*events, found))
    )


@few
@given(control.scenarios("cap", "stop", "free", "disk_full", "disk_free", "meter_dies", "meter_returns"))
def test_while_intent_cannot_be_written_nobody_is_raised_and_shedding_goes_on(scenario: Scenario) -> None:
    control.raises_nothing_unwritten(scenario)


def levels_by_id(plant: Plant, order: list[int]) -> dict[str, int]:
    """Put a cap on the machines in this order of rows and return each one's setpoint by what it is."""
    plant.run(25)
    befallen = control.Event(at=0, kind="cap", share=0.75)
    control.befall(plant, befallen)
    plant.run(30)
    return {f"was{order[row]}": int(plant.fleet.setpoint[row]) for row in range(plant.n)}


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_plan_does_not_depend_on_the_order_in_which_machines_are_listed(order: list[int], rotation: int) -> None:
    full_w = [3000.0, 3000.0, 3000.0, 3250.0, 3250.0, 1400.0]
    joules = [30.0, 30.0, 30.0, 21.5, 21.5, 95.0]
    policy = Policy(restore_w_per_s=1e9, rotation=rotation)
    straight = Plant(full_w, efficiency=joules, policy=policy)
    shuffled = Plant([full_w[i] for i in order], efficiency=[joules[i] for i in order], policy=policy)
    shuffled.fleet._rank[:] = [order[row] for row in range(6)]
    assert levels_by_id(straight, list(range(6))) == levels_by_id(shuffled, order)


@few
@given(scenarios("lost", "found", "cap", "stop", "no_power"))
def test_the_unreachable_count_at_their_last_power_and_as_able_to_return(scenario: Scenario) -> None:
    plant = scenario.run(lambda _plant, _raised: None)
    view = plant.fleet.view(plant.now)
    gone = (view.state == Code.UNREACHABLE) & ~view.sealed
    reserve = reserves(view, view.setpoint, metered=True, lost_share=1.0)
    assert (reserve[gone] >= view.most_w[gone]).all()
    assert (view.believed_w[gone] > 0).all()


@few
@given(scenarios("meter_dies", "cap", "pools_die", "pools_return"))
def test_a_stale_meter_falls_to_the_beliefs_with_their_margin(scenario: Scenario) -> None:
    plant = scenario.run(lambda _plant, _raised: None)
    plant.meter_on = False
    plant.run(40)
    decision = plant.decisions[-1]
    assert decision.power.source == "beliefs"
    believed_w = float(plant.fleet.believed_w.sum())
    assert decision.power.draw_w == pytest.approx(BELIEF_MARGIN * believed_w + plant.world.house_w)
    if plant.demand.cap_w is not None:
        assert plant.world.draw_w() <= plant.demand.cap_w * 1.001


def test_when_blind_the_unread_count_at_the_most_they_can_draw() -> None:
    plant = Plant([3000.0] * 6, policy=Policy(blind_s=20.0)).run(25)
    plant.set(cap_w=18_500.0, law=True, may_step=True).run(60)
    asleep = plant.fleet.setpoint == 1
    assert asleep.sum() == 2  # the other four are within the cap by their beliefs as well
    plant.world.reachable[asleep] = False
    plant.meter_on = False
    before = len(plant.decisions)
    plant.run(100)
    since = [decision.memory.unread_since for decision in plant.decisions[before:]]
    causes = [decision.cause for decision in plant.decisions[before:]]
    blind_at = since.count(None) + 20
    assert causes[: blind_at + 1] == [""] * blind_at + ["doubt"]
    weighed = plant.decisions[-1].power
    assert (weighed.expected[asleep] == 3150.0).all()
    assert BELIEF_MARGIN * weighed.expected.sum() + plant.world.house_w <= 18_500.0
    assert plant.world.draw_w() < 18_500.0 - 2 * 3150.0  # both could come back by themselves


def test_a_farm_that_is_asleep_and_complied_is_sent_nothing_when_the_agent_starts_again() -> None:
    plant = Plant([3000.0] * 6, asleep=True)
    plant.fleet.restore_names(setpoints={m.id: "sleep" for m in plant.fleet.miners}, intended={})
    for row in range(plant.n):
        plant.fleet.identified(row, plant.fleet.identities[row], plant.fleet.ladders[row])
    plant.set(cap_w=5000.0 + 6 * 30, stop=True, law=True, may_step=True).run(120)
    assert plant.sent == []
    assert np.array_equal(plant.fleet.setpoint, np.ones(6))
