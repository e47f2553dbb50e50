"""Broken rules of the start after a kill, and the property that catches each."""

from types import SimpleNamespace

import pytest

from agent.control.recovery import Recovery
from tests.properties.test_restart import check

COMPLIED = {60}


def test_invariant_4_catches_a_start_that_remembers_nothing(monkeypatch):
    check(COMPLIED)
    monkeypatch.setattr(Recovery, "replay", lambda _recovery, facts: list(facts).clear())
    with pytest.raises(AssertionError):
        check(COMPLIED)


def test_invariant_4_catches_a_start_that_forgets_that_an_order_is_in_force(monkeypatch):
    right = Recovery.replay

    def orderless(recovery, facts):
        recovery._book = SimpleNamespace(apply=lambda _fact: None)
        right(recovery, facts)

    monkeypatch.setattr(Recovery, "replay", orderless)
    with pytest.raises(AssertionError):
        check(COMPLIED)
