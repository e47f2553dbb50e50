"""Locks on machines: each person's of a kind stands by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.fleet.holds import Hold, Holds

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lock(kind, by, lasts_s=None):
    return Hold(kind=kind, by=by, since=NOW, until=None if lasts_s is None else NOW + timedelta(seconds=lasts_s))


def held(*locks):
    holds = Holds()
    for one in locks:
        holds.place(["m"], one)
    return holds


@pytest.mark.pure
def test_a_lock_that_ends_leaves_the_others_on():
    holds = held(lock("maintenance", "Aida"), lock("lockout", "Bek", 60))
    assert holds.by_miner()["m"].kind == "lockout"
    later = NOW + timedelta(seconds=60)
    assert holds.over(later) == ["m"]
    holds.lift_over(["m"], later)
    assert holds.by_miner()["m"].by == "Aida"
    assert holds.over(later) == []
    holds.lift(["m"])
    assert holds.by_miner() == {}


@pytest.mark.pure
def test_a_persons_own_lock_is_prolonged_or_shortened():
    holds = held(lock("bench", "Aida"), lock("bench", "Aida", 60))
    holds.lift_over(["m"], NOW + timedelta(seconds=60))
    assert holds.by_miner() == {}


@pytest.mark.pure
def test_of_several_locks_the_one_that_forbids_most_is_told_whatever_came_last():
    assert held(lock("lockout", "Bek"), lock("customer", "Aida")).by_miner()["m"].kind == "lockout"
    assert held(lock("bench", "Bek"), lock("customer", "Aida", 60)).by_miner()["m"].kind == "bench"
