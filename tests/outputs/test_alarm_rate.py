"""The same alarm is told once an hour, with how often it was; another is told at once."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import OrderMoved, SealBroken, UnauthorisedWake
from agent.facts.clock import ClockStepped, ClockTrusted
from agent.facts.safety import SafetyTripped
from agent.outputs import alarm_rate
from agent.outputs.alarm_rate import AlarmRate

pytestmark = pytest.mark.pure
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def rate():
    return AlarmRate()


def woken(minutes, *miners):
    return UnauthorisedWake(at=AT + timedelta(minutes=minutes), miners=list(miners))


def broken(minutes, order_id):
    at = AT + timedelta(minutes=minutes)
    return OrderMoved(at=at, order_id=order_id, revision=1, seq=4, event="breach", state="violated")


def test_a_machine_that_is_woken_again_and_again_is_one_alarm_an_hour(rate):
    told = [rate.admit(woken(minute, "m1"), "unauthorised_wake") for minute in range(121)]
    assert [(minute, repeated) for minute, repeated in enumerate(told) if repeated is not None] == [
        (0, 0), (60, 59), (120, 59)
    ]  # fmt: skip


def test_machines_that_are_woken_one_after_the_other_within_a_minute_are_one_alarm(rate):
    told = [rate.admit(woken(seconds / 60, f"m{seconds}"), "unauthorised_wake") for seconds in (0, 1, 8, 59, 61)]
    assert told == [0, None, None, None, 0]
    assert rate.admit(woken(3, "m8", "m59"), "unauthorised_wake") == 0, "who is woken still is told after the wave"


def test_another_machine_or_order_is_told_at_once(rate):
    assert rate.admit(woken(0, "m1"), "unauthorised_wake") == 0
    assert rate.admit(woken(1, "m1", "m2"), "unauthorised_wake") == 0
    assert rate.admit(broken(1, "a"), "order_violated") == 0
    assert rate.admit(broken(2, "b"), "order_violated") == 0
    assert rate.admit(broken(3, "a"), "order_violated") is None


def test_what_hashes_behind_a_seal_is_told_by_the_machine(rate):
    def seal(miner):
        return SealBroken(at=AT, powers_w={miner: 3000.0}, numbers=["1"])

    assert [rate.admit(seal(miner), "seal_broken") for miner in ("m1", "m2", "m1")] == [0, 0, None]


def test_a_safety_input_is_told_each_time(rate):
    tripped = SafetyTripped(at=AT, input="smoke", feeder="site", why="true")
    assert [rate.admit(tripped, "safety") for _ in range(3)] == [0, 0, 0]


def test_it_remembers_no_more_than_so_many(rate, monkeypatch):
    monkeypatch.setattr(alarm_rate, "MOST_KNOWN", 1000)
    for number in range(3000):
        rate.admit(broken(0, f"o{number}"), "order_violated")
        rate.admit(broken(0, f"o{number}"), "order_violated")
    assert len(rate._told_at) == 1000
    assert len(rate._since) <= 1000


def test_a_clock_that_was_set_back_silences_nothing(rate):
    assert rate.admit(woken(0, "m1"), "unauthorised_wake") == 0
    assert rate.admit(woken(-300, "m1"), "unauthorised_wake") == 0
    assert rate.admit(woken(-270, "m1"), "unauthorised_wake") is None


@pytest.mark.parametrize(("steps_s", "told"), [([7200.0], None), ([-7200.0], None), ([], 0)])
def test_a_step_of_the_clock_that_comes_to_be_trusted_is_no_time_that_passed(rate, steps_s, told):
    assert rate.admit(woken(0, "m1"), "unauthorised_wake") == 0
    for step_s in steps_s:
        rate.passes(ClockStepped(at=AT, step_s=step_s))
    ahead_min = max(0.0, sum(steps_s)) / 60 if steps_s else 120.0
    rate.passes(ClockTrusted(at=AT + timedelta(minutes=ahead_min)))
    assert rate.admit(woken(ahead_min + 11, "m1"), "unauthorised_wake") == (None if told is None else 0)
    assert rate.admit(woken(ahead_min + 71, "m1"), "unauthorised_wake") is not None
