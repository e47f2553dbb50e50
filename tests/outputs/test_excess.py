"""What is asked for each kWh above a limit, by the order's own price."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import OrderMoved, OrderReceived
from agent.facts.energy import EnergyInterval
from agent.outputs.excess import excess
from agent.outputs.money_order import OrderStory, Piece

pytestmark = pytest.mark.pure
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def story(price, caps):
    document = {"order_id": "a", "limit": {"max_import_kw": 1}, "excess_price": price}
    received = OrderReceived(
        at=T0, order_id="a", revision=1, issuer="g", order_class="contract", transport="mqtt",
        document=json.dumps(document),
    )  # fmt: skip
    moves = [
        OrderMoved(at=T0 + at * QUARTER, order_id="a", revision=1, seq=at, event="start", state="active", cap_w=cap_w)
        for at, cap_w in caps
    ]
    return OrderStory(order_id="a", received=received, moves=moves)


def piece(at, site_wh):
    fact = EnergyInterval(
        at=T0, start=T0 + at * QUARTER, end=T0 + (at + 1) * QUARTER, site_wh=site_wh, unexplained_wh=0, source="meter"
    )
    return Piece(fact=fact, not_drawn_wh=None, not_hashed_th=None)


def test_each_interval_counts_what_is_above_the_limit_in_force_then():
    told = story({"amount": "1.25", "currency": "KGS"}, [(0, 4000.0), (2, 1000.0)])
    pieces = [piece(0, 900), piece(1, 1400), piece(2, 1400)]
    assert excess(told, pieces) == {"kwh": 1.55, "price_per_kwh": "1.25", "currency": "KGS", "amount": "1.9375"}


def test_an_order_without_a_price_asks_nothing():
    assert excess(story(None, [(0, 1000.0)]), [piece(0, 9000)]) is None
