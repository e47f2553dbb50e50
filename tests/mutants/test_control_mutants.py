"""One broken rule for each invariant of control, and the property that catches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from agent.fleet.fleet import Fleet
from agent.fleet.power import MeterState, RestObserver
from agent.planning import decide, headroom, reconcile, restoring, shedding
from agent.planning.ramp import Ramp
from tests.fleet import test_power
from tests.planning import test_decide
from tests.properties import control, test_control
from tests.properties.control import Event, Scenario, mute_farm

pytestmark = pytest.mark.pure

SIX = {"full_w": (3000.0, 3000.0, 3400.0, 3400.0, 1400.0, 5500.0), "joules": (30.0, 30.0, 21.5, 21.5, 95.0, 17.5)}
POOLS = Scenario(
    **SIX,
    events=(Event(at=25, kind="cap", share=0.6), Event(at=70, kind="pools_die", share=0.6)),
)
STUBBORN = Scenario(**SIX, events=(Event(at=0, kind="disobey", share=0.4), Event(at=100, kind="cap", share=0.4)))
FREED = Scenario(**SIX, events=(Event(at=25, kind="stop", share=0.2), Event(at=70, kind="free", share=0.2)))
HELD = Scenario(
    **SIX,
    events=(
        Event(at=25, kind="stop", share=0.2),
        Event(at=60, kind="hold", share=0.4),
        Event(at=70, kind="free", share=0.2),
    ),
)
IMPOSSIBLE = Scenario(**SIX, events=(Event(at=0, kind="disobey", share=0.9), Event(at=30, kind="cap", share=0.2)))


def caught(check: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        check()


def test_invariant_1_catches_a_reserve_that_forgets_who_waits_for_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    control.raises_only_within_the_cap(POOLS)
    monkeypatch.setattr(headroom, "may_rise", lambda view, _setpoint: np.zeros(len(view), np.bool_))
    caught(lambda: control.raises_only_within_the_cap(POOLS))


def test_invariant_2_catches_ties_broken_by_the_order_of_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    check = test_control.test_the_plan_does_not_depend_on_the_order_in_which_machines_are_listed.hypothesis.inner_test
    check([5, 4, 3, 2, 1, 0], 0)
    right = shedding._descents

    def by_listing(view, setpoint, expected, among, rank):
        return right(view, setpoint, expected, among, np.arange(len(rank)))

    monkeypatch.setattr(shedding, "_descents", by_listing)
    caught(lambda: check([5, 4, 3, 2, 1, 0], 0))


def test_invariant_5_catches_who_returns_above_what_was_intended(monkeypatch: pytest.MonkeyPatch) -> None:
    intended = ["full", "sleep", "full", "sleep", "full", "full"]
    control.returns_to_what_was_intended(FREED, intended)
    right = restoring.candidates

    def everybody(view, setpoint, rank):
        view.intended[:] = 0
        return right(view, setpoint, rank)

    monkeypatch.setattr(restoring, "candidates", everybody)
    caught(lambda: control.returns_to_what_was_intended(FREED, intended))


def test_invariant_6_catches_an_unreachable_machine_that_counts_as_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Scenario(**SIX, events=(Event(at=30, kind="lost", share=0.6),))
    check = test_control.test_the_unreachable_count_at_their_last_power_and_as_able_to_return.hypothesis.inner_test
    check(lost)
    right = headroom.may_rise
    forgetful = lambda view, setpoint: right(view, setpoint) & view.fresh  # noqa: E731 - one line shows the mutant
    monkeypatch.setattr(headroom, "may_rise", forgetful)
    caught(lambda: check(lost))


def test_invariant_7_catches_a_stale_meter_that_is_still_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    check = test_control.test_a_stale_meter_falls_to_the_beliefs_with_their_margin.hypothesis.inner_test
    silent = Scenario(**SIX, events=(Event(at=40, kind="meter_dies", share=0.2),))
    check(silent)
    monkeypatch.setattr("agent.fleet.power.Meter.state", _never_stale)
    caught(lambda: check(silent))


def _never_stale(meter, mono):
    last_w = meter._samples[-1][1] if meter._samples else None
    return MeterState(id=meter.id, fresh=last_w is not None, silent_s=0.0, last_w=last_w, mean_w=last_w)


@pytest.mark.parametrize(
    ("where", "name", "mutant"),
    [
        (decide._Tick, "blind", property(lambda _tick: False)),
        (decide, "UNREAD_SHARE", 1.0),
        (decide._Tick, "blind", property(lambda tick: tick.unread_since is not None)),
    ],
    ids=["what nobody can see is what it was", "nothing is too much unread", "any moment is too long"],
)
def test_invariant_7_catches_a_blind_farm_that_trusts(where, name, mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    check = test_control.test_when_blind_the_unread_count_at_the_most_they_can_draw
    check()
    monkeypatch.setattr(where, name, mutant)
    caught(check)


def test_invariant_8_catches_a_plan_that_refuses_what_it_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    control.sheds_all_it_can(IMPOSSIBLE)
    right = shedding.shed

    def all_or_nothing(view, setpoint, expected, *, among, free_w, rank):
        found = right(view, setpoint, expected, among=among, free_w=free_w, rank=rank)
        return found if found[2] >= free_w else (np.empty(0, np.intp), np.empty(0, np.int8), 0.0)

    monkeypatch.setattr(shedding, "shed", all_or_nothing)
    caught(lambda: control.sheds_all_it_can(IMPOSSIBLE))


def test_invariant_9_catches_a_bucket_without_a_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Scenario(**SIX, events=FREED.events, ramp_w_per_s=50.0)
    control.keeps_to_the_ramp(slow)
    monkeypatch.setattr(Ramp, "filled", lambda _ramp, **_of: Ramp(tokens_w=1e9, mono=0.0))
    caught(lambda: control.keeps_to_the_ramp(slow))


def test_invariant_10_catches_an_ok_that_is_taken_for_its_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    control.others_make_up_for_who_disobeys(STUBBORN)
    right = headroom.expectations

    def trusting(view, setpoint):
        return np.where(setpoint > 0, headroom.at_step(view.step_w, setpoint), right(view, setpoint))

    monkeypatch.setattr(headroom, "expectations", trusting)
    monkeypatch.setattr(decide._Tick, "_site_excess", _by_expectation_alone)
    caught(lambda: control.others_make_up_for_who_disobeys(STUBBORN))


def _by_expectation_alone(tick, setpoint, cap_w):
    forecast_w = tick.weigh(setpoint).forecast_w
    return max(0.0, forecast_w - cap_w * (1 - tick.policy.margin)) if np.isfinite(cap_w) else 0.0


def test_invariant_13_catches_a_hold_that_is_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    control.never_wakes_the_held(HELD)
    right_candidates, right_due = restoring.candidates, reconcile.due

    def unheld(view):
        view.held[:] = False
        return view

    monkeypatch.setattr(restoring, "candidates", lambda view, s, rank: right_candidates(unheld(view), s, rank))
    monkeypatch.setattr(reconcile, "due", lambda view, s, **rest: right_due(unheld(view), s, **rest))
    caught(lambda: control.never_wakes_the_held(HELD))


FULL_DISK = Scenario(
    **SIX,
    events=(
        Event(at=25, kind="stop", share=0.2),
        Event(at=65, kind="disk_full", share=1.0),
        Event(at=70, kind="free", share=0.2),
    ),
)


def test_invariant_14_catches_a_raise_that_is_not_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    control.raises_nothing_unwritten(FULL_DISK)

    def careless(tick) -> bool:
        return tick.situation.proved and not tick.demand.stop

    monkeypatch.setattr(decide._Tick, "may_restore", property(careless))
    caught(lambda: control.raises_nothing_unwritten(FULL_DISK))


def test_invariant_14_catches_shedding_that_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    events = (Event(at=25, kind="disk_full", share=1.0), Event(at=30, kind="cap", share=0.4))
    scenario = Scenario(**SIX, events=events)
    control.raises_nothing_unwritten(scenario)
    shed = decide._Tick._shed

    def waiting(tick, setpoint, among, free_w):
        return shed(tick, setpoint, among, free_w) if tick.situation.may_raise else (setpoint, 0.0)

    monkeypatch.setattr(decide._Tick, "_shed", waiting)
    caught(lambda: control.raises_nothing_unwritten(scenario))


def pools_away(seed: int, *, for_s: int, poll_s: int = 10, delay_s: int = 10) -> Scenario:
    """Machines that say no watts, under a cap; half of them lose their pools for so long."""
    away = (Event(at=120, kind="pools_die", share=0.5), Event(at=120 + for_s, kind="pools_return", share=0.5))
    return replace(mute_farm(Random(seed), away, delay_s=delay_s), poll_s=poll_s)


@pytest.mark.parametrize(
    ("where", "name", "mutant", "scenario"),
    [
        (Fleet, "_has_just_begun", lambda *_of: False, pools_away(8, for_s=60, delay_s=4)),
        (Fleet, "_risen_at", lambda *_of: -np.inf, pools_away(2, for_s=60)),
        (headroom, "belief_error_w", lambda *_of: np.inf, pools_away(0, for_s=30, poll_s=2, delay_s=0)),
    ],
    ids=["averages that are believed at once", "a rise the meter must show", "a draw that follows the meter down"],
)
def test_the_way_back_over_the_cap_is_caught(where, name, mutant, scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    control.once_under_the_cap_it_stays_there(scenario)
    monkeypatch.setattr(where, name, mutant)
    caught(lambda: control.once_under_the_cap_it_stays_there(scenario))


def test_a_rest_that_never_goes_back_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    check = test_power.test_a_rest_that_was_forced_down_for_a_moment_is_what_it_was_once_readings_allow_it
    check()
    monkeypatch.setattr(RestObserver, "_settle", lambda rest, value_w, _mono: setattr(rest, "_settled_w", value_w))
    caught(check)


def test_a_plan_that_forgets_who_cannot_be_read_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    check = test_decide.test_who_answers_nothing_that_can_be_read_is_shed_when_the_others_do_not_suffice
    check()
    monkeypatch.setattr(decide._Tick, "_unread", lambda tick: np.zeros(len(tick.view), np.bool_))
    caught(check)


def test_the_lost_that_count_in_full_against_a_meter_that_shows_less_are_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check = test_decide.test_what_is_lost_and_draws_nothing_at_the_meter_does_not_count_as_excess
    check()
    right = headroom._sums
    certain = lambda gauges, measured_w, sums: right(  # noqa: E731 - one line shows the mutant
        gauges, measured_w, sums._replace(drawing_w=sums.drawing_w + sums.doubtful_w, doubtful_w=0.0)
    )
    monkeypatch.setattr(headroom, "_sums", certain)
    caught(check)
