"""Which of a meter's words are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.support import Register, Support, near

pytestmark = pytest.mark.pure

POWERS = st.floats(0, 1e7)
FORGET_S = 30.0


def fed(*figures_w, each_s=1.0):
    """Return what was taken of figures that came each `each_s`."""
    support = Support(forget_s=FORGET_S)
    return [support.taken(power_w, at * each_s) for at, power_w in enumerate(figures_w)]


def test_a_first_figure_counts_once_a_second_supports_it():
    assert fed(1000, 1001) == [None, 1001]


def test_one_figure_that_no_neighbour_supports_is_left_out():
    assert fed(1000, 1000, 9e6, 1010) == [None, 1000, None, 1010]
    assert fed(1000, 1000, 0, 1010) == [None, 1000, None, 1010]


def test_a_leap_is_taken_with_the_figure_after_it():
    assert fed(1000, 1000, 5000, 5000) == [None, 1000, None, 5000]


def test_a_steep_way_down_is_followed_one_figure_late():
    assert fed(1000, 1000, 800, 600, 400, 400) == [None, 1000, None, 800, 600, 400]


def test_what_was_taken_long_ago_supports_nothing():
    assert fed(1000, 1000, 1000, each_s=FORGET_S + 1) == [None, 1000, 1000]
    assert fed(1000, 1000, 4000, each_s=FORGET_S + 1) == [None, 1000, None]


@given(st.lists(POWERS, min_size=3, max_size=40))
def test_what_is_taken_lies_between_neighbours_and_never_beyond(figures_w):
    taken = fed(*figures_w)
    for at, value_w in enumerate(taken):
        if value_w is not None:
            assert min(figures_w[: at + 1]) <= value_w <= max(figures_w[: at + 1])


@given(st.lists(st.floats(1e5, 1.02e5), min_size=2, max_size=30), POWERS, st.data())
def test_one_wild_figure_among_steady_ones_changes_nothing_that_is_taken(steady_w, wild_w, data):
    at = data.draw(st.integers(2, len(steady_w)))
    taken = fed(*steady_w[:at], wild_w, *steady_w[at:])
    assert taken[at] is None or near(taken[at], steady_w[at - 1])
    assert taken[:at] + taken[at + 1 :] == fed(*steady_w)


# --- registers ------------------------------------------------------------------------------------------------

MOST_W = 1e6


def shown(*told):
    """Return what a register counts after each of (seconds, Wh), and how often it was set back."""
    register, counted = Register(most_w=MOST_W), []
    for mono, energy_wh in told:
        register.heard(energy_wh, mono)
        counted.append(register.value_wh(mono, within_s=10.0))
    return counted, register.set_back


def test_a_register_that_rises_is_believed():
    assert shown((0, 5e6), (2, 5e6 + 400), (4, 5e6 + 800)) == ([5e6, 5e6 + 400, 5e6 + 800], 0)


@pytest.mark.parametrize("garbled_wh", [0.0, 4e6, 9e9])
def test_one_garbled_word_of_a_register_is_left_out(garbled_wh):
    assert shown((0, 5e6), (2, garbled_wh), (4, 5e6 + 800)) == ([5e6, 5e6, 5e6 + 800], 0)


def test_an_exchanged_meter_counts_from_its_second_word_on_and_is_told_apart():
    assert shown((0, 5e6), (2, 10.0), (4, 20.0)) == ([5e6, 5e6, 20.0], 1)


def test_a_register_that_nobody_heard_lately_shows_nothing():
    register = Register(most_w=MOST_W)
    assert register.value_wh(0, within_s=10.0) is None
    register.heard(5e6, 0)
    assert register.value_wh(10, within_s=10.0) == 5e6
    assert register.value_wh(11, within_s=10.0) is None
