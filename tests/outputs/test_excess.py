"""What is asked for each kWh above a limit, by the order's own price."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import OrderMoved, OrderReceived
from agent.facts.energy import EnergyInterval
from agent.outputs.excess import excess, excess_doubts
from agent.outputs.money_order import OrderStory, Piece

pytestmark = pytest.mark.pure
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


PRICE = {"amount": "1.25", "currency": "KGS"}


def received(revision=1, **told):
    document = {"order_id": "a", "limit": {"max_import_kw": 1}, **told}
    return OrderReceived(
        at=T0, order_id="a", revision=revision, issuer="g", order_class="contract", transport="mqtt",
        document=json.dumps(document),
    )  # fmt: skip


def moved(at, event, state, cap_w=1000.0):
    return OrderMoved(at=T0 + at * QUARTER, order_id="a", revision=1, seq=1, event=event, state=state, cap_w=cap_w)


def story(*facts):
    told = OrderStory(order_id="a")
    told.take(facts)
    return told


def piece(at, site_wh):
    fact = EnergyInterval(
        at=T0, start=T0 + at * QUARTER, end=T0 + (at + 1) * QUARTER, site_wh=site_wh, unexplained_wh=0, source="meter"
    )
    return Piece(fact=fact, not_drawn_wh=None, not_hashed_th=None)


def test_each_interval_counts_what_is_above_the_limit_in_force_then():
    told = story(received(excess_price=PRICE), moved(0, "start", "active", 4000.0), moved(2, "note", "active"))
    pieces = [piece(0, 900), piece(1, 1400), piece(2, 1400)]
    assert excess(told, pieces) == {"kwh": 1.55, "price_per_kwh": "1.25", "currency": "KGS", "amount": "1.9375"}
    assert excess_doubts(told, pieces) == []


def test_only_intervals_count_that_the_order_held_whole():
    steps = [moved(0.9, "start", "active"), moved(2 + 1 / 900, "end", "ended"), moved(3, "close", "closed")]
    told = story(received(excess_price=PRICE), moved(0, "receive", "received"), *steps)
    pieces = [piece(0, 900), piece(1, 350), piece(2, 800)]
    assert excess(told, pieces)["kwh"] == 0.1
    assert excess_doubts(told, pieces) == [
        "0.0253 h of it are in intervals in part outside it; left out of what is above its limit"
    ]
    assert excess(told, pieces[:1]) is None


def test_a_cancelled_order_keeps_the_price_that_it_had():
    told = story(
        received(excess_price=PRICE), moved(0, "start", "active"),
        received(2, status="cancelled"), moved(1, "cancel", "cancelled"),
    )  # fmt: skip
    assert told.received.revision == 1
    assert excess(told, [piece(0, 350)])["kwh"] == 0.1


def test_a_trajectory_is_held_to_its_points_that_no_ack_tells_of():
    times = [(T0 + n * QUARTER).isoformat() for n in range(3)]
    points = [{"at": at, "max_import_kw": kw} for at, kw in zip(times, (1.6, 0.8, None), strict=True)]
    told = story(received(excess_price=PRICE, limit={"trajectory": points}), moved(0, "start", "active", 1600.0))
    pieces = [piece(0, 500), piece(1, 500), piece(2, 500)]
    assert excess(told, pieces)["kwh"] == 0.4
    assert excess_doubts(told, pieces) == []


@pytest.mark.parametrize(
    "told",
    [
        {"targets": {"feeders": ["T1"]}, "measure": {"at": "T1"}},
        {"exempt": {"sources": ["solar"]}},
        {"measure": {"quantity": "consumption"}},
    ],
)
def test_the_energy_of_the_site_says_nothing_of_a_limit_that_is_not_the_sites(told):
    found = story(received(excess_price=PRICE, **told), moved(0, "start", "active"))
    assert excess(found, [piece(0, 9000)]) is None
    assert excess_doubts(found, [piece(0, 9000)]) == [
        "what was drawn above the limit is not known: it is not one on the site's draw at its billing meter"
    ]


def test_an_order_without_a_price_asks_nothing():
    told = story(received(excess_price=None), moved(0, "start", "active"))
    assert excess(told, [piece(0, 9000)]) is None
    assert excess_doubts(told, [piece(0, 9000)]) == []
