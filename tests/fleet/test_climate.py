"""Who is too hot, how cold it may be, and which loops must stay pumped: by what machines say."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.climate import Climate
from drivers.interface import Board, Reading, State
from drivers.models import ModelClimate, climate_of

pytestmark = pytest.mark.pure


def climate(*inlets, feeders=None, fresh=None, freeze_c=5.0, made=None):
    """Return a climate of machines that say these inlets, None for one that says none."""
    n = len(inlets)
    made = made or Climate(n)
    for row, inlet_c in enumerate(inlets):
        made.heard(row, Reading(state=State.HASHING, inlet_c=inlet_c), None)
    told = np.ones(n, np.bool_) if fresh is None else np.array(fresh)
    feeder = np.array(feeders or [0] * n)
    made.look(told, feeder, int(feeder.max()) + 1, freeze_c=freeze_c)
    return made


def test_who_breathes_forty_is_hot_until_it_breathes_less_than_thirty_seven():
    made = climate(39.9, 40.0, 25.0)
    assert made.hot.tolist() == [False, True, False]
    assert climate(39.9, 37.5, 25.0, made=made).hot.tolist() == [False, True, False]
    assert climate(39.9, 36.9, 25.0, made=made).hot.tolist() == [False, False, False]


def test_who_says_nothing_of_its_air_breathes_what_its_feeder_does_else_what_the_site_does():
    made = climate(41.0, 42.0, 43.0, None, 20.0, None, feeders=[0, 0, 0, 0, 1, 1])
    assert made.hot.tolist() == [True, True, True, True, False, True]
    assert made.seen.by_feeder_c == (42.0, None)


def test_two_machines_are_no_median():
    assert climate(41.0, 42.0, None).hot.tolist() == [True, True, False]


@pytest.mark.parametrize(("chip_c", "hot"), [(None, False), (104.9, False), (105.0, True)])
def test_a_chip_that_is_too_warm_makes_it_hot_whatever_it_breathes(chip_c, hot):
    made = Climate(1)
    made.heard(0, Reading(boards=(Board(slot=0, chip_temp_c=60.0), Board(slot=1, chip_temp_c=chip_c))), None)
    made.look(np.ones(1, np.bool_), np.zeros(1, np.int64), 1, freeze_c=5.0)
    assert made.hot.tolist() == [hot]


def test_chips_are_remembered_over_polls_that_do_not_tell_of_boards_and_count_only_while_it_is_read():
    made = Climate(1)
    made.heard(0, Reading(boards=(Board(slot=0, chip_temp_c=110.0),)), None)
    assert climate(None, made=made).hot.tolist() == [True]
    assert climate(None, made=made, fresh=[False]).hot.tolist() == [False]


def test_a_model_has_limits_of_its_own():
    made = Climate(2)
    made.cooled_by(0, "air", inlet_c=45.0, chip_c=75.0)
    assert climate(44.9, 44.9, made=made).hot.tolist() == [False, True]
    made.heard(0, Reading(boards=(Board(slot=0, chip_temp_c=75.0),), inlet_c=25.0), None)
    made.look(np.ones(2, np.bool_), np.zeros(2, np.int64), 1, freeze_c=5.0)
    assert made.hot.tolist() == [True, True]
    assert climate_of("Antminer S17 Pro").inlet_max_c == 45
    assert climate_of("Bitaxe Gamma").chip_max_c == 75
    assert climate_of("Antminer S9") == ModelClimate(cooling="air")


def test_one_that_stopped_itself_for_heat_is_hot():
    made = Climate(1)
    made.heard(0, Reading(state=State.IDLE, reason="idle:thermal"), "idle:thermal")
    made.look(np.ones(1, np.bool_), np.zeros(1, np.int64), 1, freeze_c=5.0)
    assert made.hot.tolist() == [True]


def test_water_that_enters_a_loop_is_no_air():
    made = Climate(4)
    made.cooled_by(3, "hydro")
    climate(20.0, 20.0, 20.0, 45.0, made=made)
    assert made.hot.tolist() == [False] * 4
    assert (made.seen.ambient_c, made.seen.liquid) == (20.0, 1)


def test_the_ambient_is_no_warmer_than_the_coolest_air_and_frost_lasts_until_it_is_warmer_by_some():
    made = Climate(2)
    made.cooled_by(1, "immersion")
    assert climate(4.9, None, made=made).seen.frost
    assert climate(7.9, None, made=made).seen.frost
    assert not climate(8.0, None, made=made).seen.frost
    assert not climate(5.0, None, made=made).seen.frost


def test_what_nobody_says_counts_as_cold():
    made = climate(None, 30.0)
    assert not made.seen.frost
    assert climate(None, 30.0, made=made, fresh=[True, False]).seen.frost
    assert made.seen.ambient_c is None


@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.floats(-20, 60)), max_size=30))
def test_a_feeders_air_is_the_median_of_at_least_three(machines):
    made = Climate(len(machines))
    for row, (_, inlet_c) in enumerate(machines):
        made.inlet_c[row] = np.nan if inlet_c is None else inlet_c
    feeder = np.array([at for at, _ in machines], np.int64)
    seen = made.look(np.ones(len(machines), np.bool_), feeder, 4, freeze_c=5.0)
    for at in range(4):
        told = [inlet_c for on, inlet_c in machines if on == at and inlet_c is not None]
        found = seen.by_feeder_c[at]
        assert (found is None) == (len(told) < 3)
        assert found is None or found == pytest.approx(median(told))


def test_what_was_hot_when_it_was_put_to_sleep_is_not_hot_for_ever():
    made = climate(20.0)
    made.heard(0, Reading(state=State.HASHING, boards=(Board(slot=0, chip_temp_c=106.0),)), None)
    made.heard(0, Reading(state=State.HASHING), None)
    assert made.chip_c[0] == 106.0
    made.heard(0, Reading(state=State.SLEEPING), None)
    assert np.isnan(made.chip_c[0])
