"""Where the site stands, in words: what is said of each state of an order, and of none."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.inputs.order_document import parse_order
from agent.orders.compliance import Observed
from agent.orders.lifecycle import OrderState
from agent.outputs.shown import site_json
from agent.outputs.standing import demand, order_lines, standing
from agent.values import rfc3339
from tests.outputs.farm import NOW, MemoryDesk, document, empty_book, sight_of, small_fleet

pytestmark = pytest.mark.pure
HIGH = Observed(meter_w=12_500.0, meter="main")
LOW = Observed(meter_w=500.0, meter="main")


def book_with(*documents):
    book = empty_book()
    for told in documents:
        raw = json.dumps(told)
        book.receive(raw, parse_order(raw.encode()), transport="http", now=NOW, observed=HIGH)
    return book


def site(**changes):
    shown = site_json(sight_of(MemoryDesk(small_fleet(), empty_book())))
    return {**shown, "excess_w": 0.0, **changes}


def passed(book, seconds, observed):
    """Let time pass with the site at one draw."""
    for at in range(0, seconds + 1, 5):
        book.tick(NOW.later(at), observed)
    return book


def test_without_an_order_only_the_connection_binds():
    assert standing(site(), ()).word == "free"
    assert standing(site(), ()).text == "No order is in force. Only the connection binds."


def test_above_the_connection_is_said():
    assert standing(site(excess_w=2000.0), ()).word == "over"


def test_before_the_first_decision_nothing_is_claimed():
    told = standing(site(cap_w=None, excess_w=None), book_with(document()).views())
    assert (told.word, told.reason) == ("starting", None)


def test_an_order_that_is_not_met_yet_says_until_when_it_must_be():
    told = standing(site(excess_w=3500.0), book_with(document(comply_by_s=120)).views())
    assert told.word == "adapting"
    assert told.text == "On the way to what o1 (law, by energo) demands."
    assert told.due_at == rfc3339(NOW.at + timedelta(seconds=120))


def test_an_order_that_is_met_is_obeyed():
    told = standing(site(), passed(book_with(document()), 30, LOW).views())
    assert (told.word, told.text) == ("obeys", "Obeys o1 (law, by energo).")


def test_an_order_that_is_not_met_in_time_is_not_obeyed_and_the_reason_is_said():
    awake = replace(HIGH, awake_reachable=3, hashing=3)
    book = passed(book_with(document(limit={"stop": True}, comply_by_s=60)), 90, awake)
    told = standing(site(excess_w=3500.0), book.views())
    assert told.word == "violates"
    assert told.text.startswith("Does not obey o1 (law, by energo): awake: 3 not asleep")


def test_the_worst_of_several_speaks_and_the_others_are_counted():
    met = document("easy", limit={"max_import_kw": 400})
    hard = document("hard", comply_by_s=60, limit={"max_import_kw": 9})
    book = passed(book_with(met, hard, document("later", starts_at="2027-01-16T00:00:00Z")), 90, HIGH)
    told = standing(site(excess_w=3500.0), book.views())
    assert told.text.startswith("Does not obey hard (law, by energo): ")
    assert told.text.endswith(" 1 more binds.")


def test_after_an_order_the_way_back_is_told():
    book = passed(book_with(document()), 30, LOW)
    raised = replace(LOW, restore_pending=True)
    cancel = document(revision=2, status="cancelled", limit=None)
    raw = json.dumps(cancel)
    book.receive(raw, parse_order(raw.encode()), transport="http", now=NOW.later(40), observed=raised)
    book.tick(NOW.later(41), raised)
    told = standing(site(), book.views())
    assert (told.word, told.text) == (
        "restoring",
        "No order is in force. The farm comes back after o1, along its ramp.",
    )


def test_each_order_says_what_is_next_and_when():
    book = book_with(
        document("begins", starts_at="2027-01-16T00:00:00Z"),
        document("binds", comply_by_s=120),
        document("ends", ends_at="2027-01-15T18:00:00Z", limit={"max_import_kw": 400}),
        document("revoked", limit={"max_import_kw": 400}),
    )
    book = passed(book, 30, replace(HIGH, meter_w=12_500.0))
    lines = {line.order_id: line for line in order_lines(book.views(), NOW.later(30))}
    assert (lines["begins"].next_at, lines["begins"].next_text) == ("2027-01-16T00:00:00.000Z", "begins")
    assert (lines["binds"].next_at, lines["binds"].next_text) == ("2027-01-15T12:02:00.000Z", "must be met by")
    assert lines["ends"].next_at == "2027-01-15T18:00:00.000Z"
    assert (lines["revoked"].next_at, lines["revoked"].next_text) == (None, "until it is revoked")
    assert [line.binds for line in lines.values()] == [True, True, True, False]


def test_an_order_whose_end_has_passed_waits_for_whom_it_names():
    book = book_with(document(ends_at="2027-01-15T12:00:20Z", resume="operator", limit={"max_import_kw": 400}))
    (line,) = order_lines(passed(book, 30, HIGH).views(), NOW.later(30))
    assert (line.next_at, line.next_text) == (None, "waits for release by the operator")


def test_orders_that_bind_come_first_and_of_those_that_are_over_the_latest():
    over = [document(f"old{at}", ends_at="2027-01-15T12:00:01Z", **{"class": "operator"}) for at in range(9)]
    book = passed(book_with(*over, document("binds")), 30, LOW)
    lines = order_lines(book.views(), NOW.later(30))
    assert lines[0].order_id == "binds"
    assert [line.state for line in lines[1:]] == [OrderState.CLOSED.value] * 6


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"stop": True}, "stop: no machine hashes"),
        ({"max_import_kw": 0}, "at most 0 kW at the meter"),
        ({"max_import_kw": 4500}, "at most 4,500 kW at the meter"),
        ({"reduce_kw": 200}, "200 kW less than the draw before"),
    ],
)
def test_what_is_demanded_is_said_in_words(limit, said):
    assert demand({"limit": limit}) == said
