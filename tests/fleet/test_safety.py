"""Which safety inputs trip, and what clears one."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.facts.safety import SafetyCleared, SafetyTripped
from agent.fleet.safety import Safety, SafetyPolicy
from agent.values import Moment

pytestmark = pytest.mark.pure
START = datetime(2026, 1, 10, tzinfo=UTC)


def at(mono):
    told = START + timedelta(seconds=mono)
    return Moment(at=told, earliest=told, latest=told, mono=mono)


def made(**policy):
    return Safety([SafetyPolicy(id="smoke", feeder="T1", **policy)], 0.0)


def why(facts):
    return [(fact.input, fact.feeder, fact.why) for fact in facts]


def clear(safety, name="smoke"):
    safety.apply(SafetyCleared(at=START, input=name, by="Aigul"))


def test_what_said_true_for_a_moment_trips_once_and_stays_so():
    safety = made()
    assert safety.heard("smoke", value=True, mono=1.0)
    assert not safety.heard("smoke", value=False, mono=1.1)
    assert why(safety.look([], at(2))) == [("smoke", "T1", "true")]
    assert safety.look([], at(3)) == []
    assert "smoke" in safety.trips


def test_silence_trips_after_its_time_and_not_before_and_a_kept_message_is_no_life():
    safety = made(silence_s=60.0)
    assert safety.look([], at(60)) == []
    safety.heard("smoke", value=False, mono=50.0, kept=True)
    assert safety.is_due(60.5)
    assert why(safety.look(["o1"], at(60.5))) == [("smoke", "T1", "silence")]
    assert not safety.is_due(61)


def test_where_silence_is_allowed_it_never_trips():
    assert made().look([], at(1e9)) == []
    assert not made().may_fall_silent


def test_a_kept_message_that_says_true_trips():
    safety = made()
    assert safety.heard("smoke", value=True, mono=1.0, kept=True)
    assert why(safety.look([], at(1))) == [("smoke", "T1", "true")]


def test_silent_first_and_true_then_is_told_again_and_keeps_its_beginning():
    safety = made(silence_s=60.0)
    safety.look([], at(61))
    safety.heard("smoke", value=True, mono=70.0)
    assert why(safety.look([], at(70))) == [("smoke", "T1", "true")]
    assert (safety.trips["smoke"].why, safety.trips["smoke"].since) == ("true", at(61).at)


def test_it_is_cleared_only_while_it_speaks_and_says_false():
    safety = made(silence_s=60.0)
    assert safety.against_clearing("smoke", 1.0).reason == "smoke has not tripped"
    assert safety.against_clearing("leak", 1.0).reason == "there is no input leak"
    safety.heard("smoke", value=True, mono=10.0)
    safety.look([], at(10))
    assert safety.against_clearing("smoke", 11.0).reason == "smoke still says true"
    safety.heard("smoke", value=False, mono=20.0)
    assert safety.against_clearing("smoke", 81.0).reason == "smoke has been silent for 61 s"
    assert safety.against_clearing("smoke", 30.0) is None
    clear(safety)
    assert not safety.trips
    assert safety.look([], at(31)) == []


def test_what_tripped_in_an_earlier_life_waits_though_the_input_is_configured_no_longer():
    safety = Safety()
    safety.apply(SafetyTripped(at=START, input="smoke", feeder="T1", why="true"))
    assert [(view.id, view.feeder, view.says, view.trip.why) for view in safety.views(0.0)] == [
        ("smoke", "T1", None, "true")
    ]
    assert safety.against_clearing("smoke", 0.0) is None
    clear(safety)
    assert not [*safety.views(0.0)]
