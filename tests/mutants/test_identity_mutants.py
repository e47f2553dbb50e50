"""Broken rules of who a machine is, and the property that catches each."""

import pytest

from agent.control import recognition
from agent.control.recognition import Recognition
from agent.fleet.identity import Bindings
from agent.fleet.places import Place, put
from tests.properties.identity import check

SWAPPED = [(0, 1, False, 30)]
ROUND = [(0, 1, False, 0), (1, 2, False, 30)]


def test_a_poller_that_reads_whoever_answers_after_a_loss_is_caught(monkeypatch):
    check(SWAPPED)
    monkeypatch.setattr(Recognition, "lost", lambda _recognition, _row: None)
    with pytest.raises(AssertionError):
        check(SWAPPED)


def test_a_row_that_follows_and_leaves_its_address_to_nobody_is_caught(monkeypatch):
    check(ROUND)

    def follow(fleet, targets, row, mover):
        put(fleet, targets, mover, Place.of(fleet.miners[row]))

    monkeypatch.setattr(recognition, "exchange", follow)
    with pytest.raises(AssertionError):
        check(ROUND)


def test_marks_that_nobody_remembers_are_caught(monkeypatch):
    monkeypatch.setattr(Bindings, "bind", lambda _bindings, _row, _seen: None)
    with pytest.raises(AssertionError):
        check(SWAPPED)
