"""An order that a broker lost with all it had is told once, as one that was cleared is."""

from types import SimpleNamespace

import pytest

from agent.orders.lifecycle import OrderState
from agent.wiring.kept_orders import KeptOrders


def view(order_id, state=OrderState.ACTIVE, transport="mqtt", *, is_cancel=False):
    return SimpleNamespace(
        order=SimpleNamespace(order_id=order_id, is_cancel=is_cancel), state=state, transport=transport
    )


def comes(kept, *order_ids):
    kept.begin()
    for order_id in order_ids:
        kept.heard(order_id)
    return kept.complete()


OPEN = [view("a"), view("b", OrderState.SCHEDULED), view("c")]


@pytest.mark.pure
def test_what_is_open_and_did_not_come_again_is_lost_and_told_once():
    kept = KeptOrders()
    assert kept.lost(comes(kept, "a", "b", "c"), OPEN) == []
    assert kept.lost(comes(kept, "c"), OPEN) == ["a", "b"]
    assert kept.lost(comes(kept, "c"), OPEN) == []
    assert kept.lost(comes(kept, "a", "c"), OPEN) == []
    assert kept.lost(comes(kept), OPEN) == ["a", "c"]


@pytest.mark.pure
def test_what_came_another_way_or_is_over_is_not_looked_for():
    kept = KeptOrders()
    others = [
        view("a", transport="http"),
        view("b", OrderState.CLOSED),
        view("c", OrderState.RESTORING),
        view("d", is_cancel=True),
    ]
    assert kept.lost(comes(kept), others) == []


@pytest.mark.pure
def test_what_comes_while_all_is_well_is_not_gathered():
    kept = KeptOrders()
    comes(kept, "a")
    kept.heard("b")
    assert kept.complete() == frozenset()


@pytest.mark.pure
def test_a_clearing_told_when_it_came_is_not_told_again_until_the_order_came_back():
    kept = KeptOrders()
    assert kept.lost(comes(kept, "a", "b", "c"), OPEN) == []
    kept.told("a")
    assert kept.lost(comes(kept, "b", "c"), OPEN) == []
    kept.heard("a")
    assert kept.lost(comes(kept, "b", "c"), OPEN) == ["a"]
