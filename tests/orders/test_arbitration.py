"""The cap over all orders in force."""

import pytest

from agent.orders.arbitration import Binding, Cap, arbitrate
from agent.orders.limit import MaxImport, Stop
from agent.orders.order import Order

pytestmark = pytest.mark.pure


def binding(cap_w: float, order_id: str = "a", **told: object) -> Binding:
    limit = told.pop("limit", MaxImport(power_w=cap_w))
    told = {"revision": 1, "issuer": "x", "order_class": "contract", "status": "issued", **told}
    return Binding(order=Order(order_id=order_id, limit=limit, **told), cap_w=cap_w, limit=limit)


def test_without_an_order_there_is_no_cap_which_is_not_a_cap_of_zero():
    assert arbitrate([]) == Cap(cap_w=None)
    assert arbitrate([binding(0.0)]).cap_w == 0.0


def test_the_least_limit_binds_whatever_its_class():
    cap = arbitrate([binding(500.0, order_class="law"), binding(300.0, "b", order_class="operator")])
    assert (cap.cap_w, cap.binding_order) == (300.0, "b")
    assert cap.law
    assert cap.may_step


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"order_class": "market"}, "z"),
        ({"order_class": "grid_emergency"}, "a"),
        ({"order_class": "contract", "priority": 99}, "a"),
        ({"order_class": "contract", "priority": 101}, "z"),
        ({"order_class": "contract", "priority": 100}, "a"),
    ],
)
def test_among_equal_limits_class_then_priority_then_id_names_the_order(others, named):
    bindings = [binding(300.0, "z"), binding(300.0, "a", **others)]
    assert arbitrate(bindings).binding_order == named
    assert arbitrate(bindings[::-1]).binding_order == named


@pytest.mark.parametrize(
    ("order_class", "law", "may_step"),
    [
        ("law", True, True),
        ("grid_emergency", False, True),
        ("contract", False, False),
        ("market", False, False),
        ("operator", False, False),
    ],
)
def test_only_law_and_grid_emergency_win_against_the_ramp(order_class, law, may_step):
    cap = arbitrate([binding(300.0, order_class=order_class, ramp_kw_per_min=20)])
    assert (cap.law, cap.may_step, cap.shed_kw_per_min, cap.stop) == (law, may_step, 20, False)


def test_a_stop_among_the_orders_is_a_stop_though_another_binds():
    cap = arbitrate([binding(300.0, limit=Stop()), binding(100.0, "b")])
    assert (cap.stop, cap.binding_order) == (True, "b")
