"""One broken rule for each invariant of orders, and the property that catches it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.facts import OrderReceived, OrderRefused
from agent.facts.orders import OrderHouseLowered
from agent.inputs.order_document import parse_known
from agent.orders import admission, life, lifecycle, order_book
from agent.orders.compliance import Observed
from agent.orders.life import Life, Lives
from agent.orders.lifecycle import OrderEvent, OrderState
from agent.orders.order import Rejection
from agent.orders.order_book import OrderBook
from tests.orders.site import at, capped, document
from tests.properties import orders
from tests.properties.orders import Step

pytestmark = pytest.mark.pure

LAW = Step("send", document(order_id="law"))
CANCEL = Step("send", document(order_id="law", revision=2, status="cancelled"))
ENDING = document(order_id="law", revision=3, ends_at=at(60))
LATER = Step("pass", by=301.0)
WINDOW = Step("pass", by=16.0)
ASLEEP = Step("meter", by=1)
RESTORING = Step("meter", by=2)
LIGHTER = Step("meter", by=3)
RESTART = Step("restart")


def foreign(**told: object) -> Step:
    grid = {"issuer": "grid", "order_class": "contract", "revision": 9, "limit": {"max_import_kw": 600}}
    return Step("send", document(**{"order_id": "law", **grid, **told}))


def caught(check: Callable[[], None], error: type[Exception] = AssertionError) -> None:
    with pytest.raises(error):
        check()


def test_invariant_3_catches_an_end_that_lifts_a_law_order_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.law_holds([LATER], ENDING)
    monkeypatch.setattr(OrderBook, "_at_end", lambda book, life, *rest: book._move(life, OrderEvent.END, *rest))
    caught(lambda: orders.law_holds([LATER], ENDING))


def test_invariant_3_catches_a_cleared_message_taken_for_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.law_holds([Step("vanish")])

    def obedient(book, order_id, now):
        return tuple(book._move(book._lives.get(order_id), OrderEvent.CANCEL, now, orders.RUNNING))

    monkeypatch.setattr(OrderBook, "vanish", obedient)
    caught(lambda: orders.law_holds([Step("vanish")]))


def test_invariant_3_catches_a_restart_that_passes_over_what_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.law_holds([RESTART])
    right = Lives.apply

    def readable_once() -> None:
        known = iter([parse_known(json.dumps(orders.STOPPED)), Rejection(code="unknown_field")])
        monkeypatch.setattr("tests.orders.site.parse_known", lambda _raw: next(known))

    def lenient(lives, fact):
        if isinstance(fact, OrderReceived) or lives.get(getattr(fact, "order_id", None)) is not None:
            with contextlib.suppress(life.Unreadable):
                right(lives, fact)

    readable_once()
    caught(lambda: orders.law_holds([RESTART]), life.Unreadable)
    readable_once()
    monkeypatch.setattr(Lives, "apply", lenient)
    caught(lambda: orders.law_holds([RESTART]))


def test_invariant_3_catches_a_hand_that_releases_what_is_left_to_the_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.law_holds([Step("release")])

    def generous(book, order_id, *, by, now, observed, second=None):
        return tuple(book._move(book._lives.get(order_id), OrderEvent.RELEASE, now, observed, reason=by))

    monkeypatch.setattr(OrderBook, "release", generous)
    caught(lambda: orders.law_holds([Step("release")]))


def test_invariant_3_catches_a_stale_cancel_that_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = document(order_id="law", revision=9, status="cancelled", issued_at="1999-01-01T00:00:00Z")
    orders.law_holds([Step("send", old)])
    monkeypatch.setattr(admission, "stale", lambda *_: None)
    caught(lambda: orders.law_holds([Step("send", old)]))


def test_invariant_3_catches_a_house_load_that_may_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = [Step("meter", by=3), Step("meter", by=5), Step("meter", by=0)]
    orders.law_holds(grown)

    def either_way(book, life, now, observed):
        fact = OrderHouseLowered(at=now.at, order_id=life.order.order_id, house_w=observed.house_w)
        book.apply(fact)
        return (fact,)

    monkeypatch.setattr(OrderBook, "_lower_basis", either_way)
    caught(lambda: orders.law_holds(grown))


def test_invariant_4_catches_a_change_that_is_no_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, LIGHTER]
    orders.replay_agrees(lived)

    def unwritten(_book, life, _now, observed):
        life.basis = replace(life.basis, house_w=min(life.basis.house_w or 0.0, observed.house_w))
        return ()

    monkeypatch.setattr(OrderBook, "_lower_basis", unwritten)
    caught(lambda: orders.replay_agrees(lived))


def test_invariant_4_catches_a_sequence_that_begins_anew_with_a_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, Step("send", document(order_id="law", revision=2))]
    orders.replay_agrees(lived)
    right = life.Life
    monkeypatch.setattr(life, "Life", lambda **told: right(**{**told, "seq": 0}))
    caught(lambda: orders.replay_agrees(lived))


def test_invariant_4_catches_refusals_that_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, foreign()]
    orders.replay_agrees(lived)
    right = Lives.apply
    monkeypatch.setattr(Lives, "apply", lambda lives, f: None if isinstance(f, OrderRefused) else right(lives, f))
    caught(lambda: orders.replay_agrees(lived))


def test_invariant_8_catches_a_shortfall_that_is_hushed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, LATER]
    orders.shortfall_is_stated(lived)
    monkeypatch.setattr(Observed, "stated_shortfall_w", lambda *_: 0.0)
    caught(lambda: orders.shortfall_is_stated(lived))


def test_invariant_8_catches_an_order_that_is_complied_with_when_all_sleep_whatever_the_meter_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lived = [Step("meter", by=5), LAW, WINDOW]
    orders.shortfall_is_stated(lived)
    monkeypatch.setattr(order_book, "judge", lambda case, *_: (OrderEvent.COMPLY, None))
    caught(lambda: orders.shortfall_is_stated(lived))


def test_invariant_11_catches_who_cancels_what_is_not_his(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, foreign(status="cancelled")]
    orders.only_the_entitled_are_followed(lived)
    monkeypatch.setattr(admission, "foreign_hand", lambda *_: None)
    caught(lambda: orders.only_the_entitled_are_followed(lived))


@pytest.mark.parametrize(
    "forged",
    [
        foreign(order_id="a", issuer="signer", order_class="law"),
        foreign(order_id="a", order_class="law"),
        foreign(order_id="a", site="there"),
        Step("send", capped(5), transport="http"),
        Step("send", document(issuer="ops", order_class="operator")),
    ],
    ids=["unsigned", "class", "site", "transport", "hand"],
)
def test_invariant_11_catches_trust_in_everybody(monkeypatch: pytest.MonkeyPatch, forged: Step) -> None:
    orders.only_the_entitled_are_followed([forged])
    monkeypatch.setattr(admission, "refuse", lambda *_, **__: None)
    caught(lambda: orders.only_the_entitled_are_followed([forged]))


def test_invariant_11_catches_a_lower_revision_that_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [Step("send", document(order_id="law", revision=5)), LAW]
    orders.only_the_entitled_are_followed(lived)
    monkeypatch.setattr(admission, "_by_revision", lambda *_: None)
    caught(lambda: orders.only_the_entitled_are_followed(lived))


def test_invariant_11_catches_a_refusal_that_leaves_a_trace_in_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    lived = [LAW, foreign()]
    orders.refused_changes_nothing(lived)
    right = OrderBook._refused

    def touching(book, rejection, *rest):
        if (known := book._lives.get(rejection.order_id)) is not None:
            known.state = OrderState.VIOLATED
        return right(book, rejection, *rest)

    monkeypatch.setattr(OrderBook, "_refused", touching)
    caught(lambda: orders.refused_changes_nothing(lived))


def test_invariant_11_catches_age_that_counts_against_what_tightens(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.tightening_is_followed([], "1999-01-01T00:00:00Z")
    monkeypatch.setattr(admission, "loosens", lambda *_, **__: True)
    caught(lambda: orders.tightening_is_followed([], "1999-01-01T00:00:00Z"))


def test_known_states_catch_a_table_that_forgets_revisions_while_restoring(monkeypatch: pytest.MonkeyPatch) -> None:
    revised = Step("send", document(order_id="law", revision=3))
    lived = [LAW, ASLEEP, WINDOW, RESTORING, CANCEL, Step("pass", by=1.0), revised]
    orders.stays_known(lived)
    monkeypatch.delitem(lifecycle.TRANSITIONS[OrderState.RESTORING], OrderEvent.REVISE)
    caught(lambda: orders.stays_known(lived), lifecycle.IllegalTransition)


def test_known_states_catch_an_order_that_stops_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    orders.stays_known([LAW])
    right = OrderBook._move

    def halting(book, life: Life, event: OrderEvent, *rest, **told):
        return [] if event is OrderEvent.START else right(book, life, event, *rest, **told)

    monkeypatch.setattr(OrderBook, "_move", halting)
    caught(lambda: orders.stays_known([LAW]))
