"""Civil time after a step: two candidates until the new one is confirmed, and never back behind what was told."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.trusted_time import CONFIRMED_S, Stepped, Trusted, TrustedTime, Unset

pytestmark = pytest.mark.pure

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Host:
    """A host whose civil time can be stepped."""

    def __init__(self, last_at=None, wall=NOON, *, doubted=False, expected=None, is_set=True):
        self.mono, self.wall, self.time = 0.0, wall, TrustedTime()
        known = {"expected": expected, "is_set": is_set}
        self.time.begin(last_at, doubted=doubted, wall=wall, mono=0.0, **known)

    def after(self, seconds, step_s=0.0):
        self.mono += seconds
        self.wall += timedelta(seconds=seconds + step_s)
        return self.time.look(self.wall, self.mono)

    def through(self, seconds):
        for _ in range(int(seconds)):
            now = self.after(1.0)
        return now

    def steps(self):
        return [getattr(doubt, "step_s", None) for doubt in self.time.doubts]


def test_what_drifts_slowly_is_followed_and_never_doubted():
    host = Host()
    for _ in range(100):
        now = host.after(1.0, step_s=0.5)
    assert now.is_trusted
    assert now.at == host.wall
    assert host.steps() == []


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_after_a_step_a_limit_starts_by_either_clock_and_ends_by_both(step_s):
    host = Host(last_at=NOON - HOUR * 24)
    host.after(1.0)
    now = host.after(1.0, step_s=step_s)
    expected = NOON + timedelta(seconds=2)
    assert host.steps() == [step_s]
    assert not now.is_trusted
    assert now.at == expected
    assert now.latest == max(expected, host.wall)
    assert now.earliest == max(min(expected, host.wall), NOON + timedelta(seconds=1))


def test_ten_minutes_of_agreement_confirm_a_step_forward():
    host = Host()
    host.after(1.0, step_s=3600.0)
    assert not host.through(CONFIRMED_S - 1).is_trusted
    now = host.through(1)
    assert now.is_trusted
    assert now.at == host.wall
    assert host.steps() == [3600.0, None]


def test_a_further_step_begins_the_ten_minutes_anew():
    host = Host()
    host.after(1.0, step_s=3600.0)
    host.through(CONFIRMED_S - 5)
    host.after(1.0, step_s=600.0)
    assert not host.through(CONFIRMED_S - 1).is_trusted
    assert host.through(1).is_trusted


def test_a_step_that_goes_back_is_trusted_again_at_once():
    host = Host()
    host.after(1.0, step_s=3600.0)
    now = host.after(1.0, step_s=-3600.0)
    assert now.is_trusted
    assert host.steps() == [3600.0, -3600.0, None]


def test_a_hand_confirms_a_step_at_once():
    host = Host()
    host.after(1.0, step_s=3600.0)
    host.time.trust()
    assert host.after(1.0).at == host.wall


def test_a_confirmed_step_back_lets_time_run_slower_until_it_is_caught_up():
    host = Host()
    host.after(1.0, step_s=-60.0)
    told = host.through(CONFIRMED_S)
    assert told.at > host.wall
    assert told.earliest == host.wall
    now = host.through(100)
    assert timedelta(seconds=89) < now.at - told.at < timedelta(seconds=91)
    assert host.through(600).is_trusted


def test_a_host_that_boots_in_1970_goes_on_from_the_last_fact():
    host = Host(last_at=NOON, wall=datetime(1970, 1, 1, tzinfo=UTC))
    now = host.after(1.0)
    assert now.at == now.latest == NOON + timedelta(seconds=1)
    assert now.earliest == NOON
    assert not now.is_trusted


def test_the_host_that_booted_in_1970_and_learned_the_time_is_believed_after_ten_minutes():
    host = Host(last_at=NOON, wall=datetime(1970, 1, 1, tzinfo=UTC))
    host.wall = NOON + HOUR * 24
    host.after(1.0)
    assert host.after(1.0).earliest < NOON + HOUR
    assert host.through(CONFIRMED_S).at == host.wall


def test_a_step_that_was_not_confirmed_is_doubted_still_after_a_restart():
    host = Host(last_at=NOON, wall=NOON + HOUR, doubted=True)
    now = host.after(1.0)
    assert (now.earliest, now.latest) == (NOON + timedelta(seconds=1), host.wall)


def test_after_an_absence_without_doubt_the_hosts_clock_is_believed():
    assert Host(last_at=NOON, wall=NOON + 500 * HOUR).after(1.0).is_trusted


@given(
    moves=st.lists(st.tuples(st.floats(0.01, 700), st.sampled_from([0.0, 0.0, 2.0, -2.0, 90.0, -90.0, 1e8, -4e8]))),
    ahead_s=st.sampled_from([-1e9, -3600.0, 0.0, 3600.0]),
    doubted=st.booleans(),
)
def test_time_never_goes_back_and_both_clocks_bound_it(moves, ahead_s, doubted):
    host = Host(last_at=NOON, wall=NOON + timedelta(seconds=ahead_s), doubted=doubted)
    before = NOON
    for seconds, step_s in moves:
        now = host.after(seconds, step_s)
        assert before <= now.at
        assert now.earliest <= now.at <= now.latest
        assert now.latest >= host.wall - timedelta(seconds=5)
        assert now.earliest <= max(host.wall, before) + timedelta(seconds=5)
        before = now.at


@pytest.mark.parametrize("step_s", [3600.0, -1800.0])
def test_a_clock_that_stepped_while_nobody_looked_is_doubted_where_the_hosts_run_goes_on(step_s):
    host = Host(last_at=NOON - HOUR, expected=NOON, wall=NOON + timedelta(seconds=step_s))
    now = host.after(1.0)
    assert host.steps() == [step_s]
    assert now.at == NOON + timedelta(seconds=1)
    assert {now.earliest, now.latest} == {now.at, host.wall}
    assert host.after(1.0, step_s=-step_s).is_trusted


def test_a_step_that_was_doubted_before_is_told_once_and_its_end_too():
    assert Host(last_at=NOON, expected=NOON + HOUR, wall=NOON + 2 * HOUR, doubted=True).steps() == []
    set_right = Host(last_at=NOON, expected=NOON + HOUR, wall=NOON + HOUR, doubted=True)
    assert set_right.time.doubts == [Trusted()]
    assert set_right.after(1.0).is_trusted


def test_a_clock_that_nobody_has_set_starts_limits_and_ends_none_that_its_last_fact_did_not():
    host = Host(last_at=NOON - HOUR, is_set=False)
    now = host.after(2.0)
    assert host.time.doubts == [Unset()]
    assert now.latest == host.wall
    assert now.at == now.earliest == NOON - HOUR + timedelta(seconds=2)
    assert not host.through(CONFIRMED_S - 3).is_trusted
    now = host.through(1)
    assert now.is_trusted
    assert now.at == host.wall


def test_a_clock_that_a_time_service_sets_is_trusted_at_once_and_nothing_was_told_by_the_one_ahead():
    host = Host(last_at=NOON - HOUR, wall=NOON + 24 * HOUR, is_set=False)
    host.after(2.0, step_s=-86_400.0)
    host.time.was_set()
    now = host.after(1.0)
    assert now.is_trusted
    assert now.at == host.wall == NOON + timedelta(seconds=3)
    assert host.time.doubts == [Unset(), Stepped(-86_400.0), Trusted()]


def test_who_begins_again_before_the_clock_is_set_doubts_it_still():
    first = Host(last_at=NOON - HOUR, wall=NOON + 24 * HOUR, is_set=False)
    last_at = first.after(30.0).at
    again = Host(last_at=last_at, wall=first.wall + timedelta(seconds=1), is_set=False)
    now = again.after(1.0)
    assert again.time.doubts == [Unset()]
    assert now.at == now.earliest == last_at + timedelta(seconds=1)


def test_when_a_run_of_the_host_began_is_told_by_a_clock_that_is_trusted():
    host = Host(last_at=NOON - HOUR)
    host.after(30.0)
    assert host.time.began_at(100.0, host.mono) == NOON - timedelta(seconds=70)
    host.after(1.0, step_s=3600.0)
    assert host.time.began_at(101.0, host.mono) is None
