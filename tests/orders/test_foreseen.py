"""What known orders will allow in stretches to come."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.fleet.selector import at_once
from agent.orders.foreseen import Foreseen, foreseen, of_site
from agent.orders.lifecycle import OrderState
from agent.orders.limit import Basis, MaxImport, Stop, Trajectory
from agent.orders.order import SITE_SCOPE, Chosen, Order
from agent.orders.order_view import OrderView

pytestmark = pytest.mark.pure
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = [(NOON + at * HOUR, NOON + (at + 1) * HOUR) for at in range(4)]


def view(limit, *, state=OrderState.SCHEDULED, starts=1, ends=2, basis=Basis(), **told):  # noqa: B008
    order = Order(
        order_id=told.pop("order_id", "o"), revision=1, issuer="grid", order_class="contract",
        status=told.pop("status", "issued"), limit=limit, starts_at=NOON + starts * HOUR,
        ends_at=None if ends is None else NOON + ends * HOUR, **told,
    )  # fmt: skip
    return OrderView(
        order=order, state=state, starts_at=NOON + starts * HOUR, awaiting_release=False, last_ack=None, basis=basis
    )


def seen(*views):
    return at_once(foreseen(views, HOURS, margin=0.01))


def caps(*views):
    return of_site(seen(*views), len(HOURS))


def test_an_order_binds_from_its_start_to_its_end_and_the_least_of_several_counts():
    assert caps(view(MaxImport(power_w=900.0))) == [None, 900.0, None, None]
    both = seen(view(MaxImport(power_w=900.0), ends=3), view(MaxImport(power_w=500.0), starts=2, ends=4, order_id="p"))
    assert both == [
        Foreseen(scope=SITE_SCOPE, stop=False, caps_w=(None, 900.0, 500.0, 500.0), orders=("o", "p")),
    ]


def test_what_must_be_released_or_has_no_end_holds_on():
    assert caps(view(MaxImport(power_w=900.0), resume="issuer")) == [None, 900.0, 900.0, 900.0]
    assert caps(view(MaxImport(power_w=900.0), ends=None)) == [None, 900.0, 900.0, 900.0]


def test_a_trajectory_is_taken_at_its_least_within_a_stretch_and_a_stop_at_its_house():
    points = Trajectory(
        times=(NOON + HOUR, NOON + 1.5 * HOUR, NOON + 2 * HOUR), powers_w=(900.0, 400.0, None), linear=False
    )
    assert caps(view(points, ends=4)) == [None, 400.0, None, None]
    assert caps(view(Stop(), basis=Basis(house_w=100.0, base_w=20.0)))[1] == 121.2


@pytest.mark.parametrize(
    "told",
    [
        {"state": OrderState.CLOSED},
        {"state": OrderState.RECEIVED},
        {"test": True},
        {"status": "cancelled"},
        {"targets": Chosen(feeders=("T1",))},
    ],
    ids=str,
)
def test_what_is_over_not_accepted_only_a_test_or_upon_some_machines_binds_nothing(told):
    assert caps(view(MaxImport(power_w=900.0), **told)) == [None] * 4


def test_what_bears_on_some_machines_stands_apart_and_a_stop_beside_caps():
    tagged, feeders = Chosen(tags=("row:1",)), Chosen(feeders=("T1", "T2"))
    views = [
        view(MaxImport(power_w=700.0), targets=tagged),
        view(MaxImport(power_w=600.0), targets=tagged, starts=2, ends=3, order_id="p"),
        view(Stop(), targets=tagged, starts=3, ends=4, order_id="q"),
        view(MaxImport(power_w=5.0), targets=feeders, order_id="r"),
    ]
    assert caps(*views) == [None] * 4
    found = {(one.scope.targets, one.stop): (one.caps_w, one.orders) for one in seen(*views)}
    assert found == {
        (tagged, False): ((None, 700.0, 600.0, None), ("o", "p")),
        (tagged, True): ((None, None, None, 0.0), ("q",)),
        (feeders, False): ((None, 5.0, None, None), ("r",)),
    }
