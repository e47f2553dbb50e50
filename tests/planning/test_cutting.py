"""When power may be cut and given back: properties over any farm behind an outlet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.belief import Code
from agent.planning import cutting
from agent.planning.cutting import TRIES, is_due, may_return, must_stop
from agent.planning.part import Part
from agent.planning.situation import Demand, Policy, Situation
from tests.planning.plant import Plant

pytestmark = pytest.mark.pure

N, FULL_W = 6, 3000.0
FLAGS = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda told: np.array(told, np.bool_))


PLANT = Plant([FULL_W] * N).run(65)


def view_of(plant, *, asleep):
    """Return the view with these machines asleep, and everybody set to sleep."""
    view = plant.fleet.view(plant.now)
    view.seen[asleep], view.state[asleep] = view.last_step[asleep], Code.SLEEPING
    view.setpoint[:] = view.last_step
    return view


@settings(max_examples=60, deadline=None)
@given(rows=FLAGS, asleep=FLAGS, tries=st.lists(st.integers(0, 6), min_size=N, max_size=N), waited=st.booleans())
def test_power_is_cut_for_nobody_who_sleeps_or_is_elsewhere_and_waits_for_the_neighbours(rows, asleep, tries, waited):
    due = is_due(view_of(PLANT, asleep=asleep), rows, np.array(tries), waited=waited)
    assert not (due & (asleep | ~rows)).any()
    if due.any() and not waited:
        assert (np.array(tries)[rows & ~asleep] > TRIES).all()


@settings(max_examples=60, deadline=None)
@given(rows=FLAGS, commanded=FLAGS, shortfall_w=st.sampled_from([0.0, 500.0]), lowest=st.booleans())
def test_all_behind_it_must_stop_before_power_is_cut(rows, commanded, shortfall_w, lowest):
    view = view_of(PLANT, asleep=np.zeros(N, np.bool_))
    if not lowest:
        view.setpoint[:] = 0
    demand = Demand(parts=(Part(key="p", commanded=commanded, stop=True),))
    found = must_stop(view, demand, rows, shortfall_w)
    assert found == bool(rows.any() and (commanded[rows].all() or (shortfall_w > 0 and lowest)))


@pytest.mark.parametrize(("room_w", "returns"), [(3 * FULL_W - 100, False), (4 * FULL_W, True)])
def test_it_is_given_back_only_where_all_behind_it_at_its_most_fits(room_w, returns):
    view, rows = view_of(PLANT, asleep=np.ones(N, np.bool_)), np.arange(N) < 3
    view.sealed[rows] = True
    view.believed_w[:] = 0.0
    situation = Situation(now=PLANT.now)
    for demand in (
        Demand(cap_w=room_w),
        Demand(cap_w=1e9, parts=(Part(key="p", commanded=rows, counted=rows, cap_w=room_w),)),
    ):
        assert may_return(view, PLANT.tree, demand, situation, Policy(reserve_unreachable=0.0), rows) is returns


def test_a_cut_that_does_not_wait_for_the_neighbours_is_caught(monkeypatch):
    check = test_power_is_cut_for_nobody_who_sleeps_or_is_elsewhere_and_waits_for_the_neighbours.hypothesis.inner_test
    told = {"rows": np.ones(N, np.bool_), "asleep": np.zeros(N, np.bool_), "tries": [0] * N, "waited": False}
    check(**told)
    monkeypatch.setattr(cutting, "TRIES", -1)
    with pytest.raises(AssertionError):
        check(**told)
