"""Broken rules of the start after a kill, and the property that catches each."""

import pytest

from agent.control.recovery import Recovery
from agent.orders.order_book import OrderBook
from tests.properties.test_restart import check

COMPLIED = {60}


def test_invariant_4_catches_a_start_that_remembers_nothing(monkeypatch):
    check(COMPLIED)
    monkeypatch.setattr(Recovery, "replay", lambda _recovery, facts: list(facts).clear())
    with pytest.raises(AssertionError):
        check(COMPLIED)


def test_invariant_4_catches_a_start_that_forgets_that_an_order_is_in_force(monkeypatch):
    right = OrderBook._apply_moved

    def forgetful(book, fact):
        right(book, fact)
        if fact.state == "complied":
            del book._lives[fact.order_id]

    monkeypatch.setattr(OrderBook, "_apply_moved", forgetful)
    with pytest.raises(AssertionError):
        check(COMPLIED)
