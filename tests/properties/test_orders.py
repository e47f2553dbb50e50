"""The invariants of orders, tried by drawn lives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orders.site import at, document
from tests.properties import orders
from tests.properties.orders import Step

pytestmark = pytest.mark.pure
few = settings(max_examples=80, deadline=None)


@few
@given(orders.steps(orders.powerless()), st.sampled_from([None, -60, 60, 4000]))
def test_a_law_stop_holds_until_its_issuer_releases_it(befallen: list[Step], end: int | None) -> None:
    ends_at = None if end is None else at(end)
    orders.law_holds(befallen, document(order_id="law", revision=3, ends_at=ends_at))


@few
@given(orders.steps())
def test_replayed_facts_give_the_same_book_and_acks_count_without_a_gap(befallen: list[Step]) -> None:
    orders.replay_agrees(befallen)


@few
@given(orders.steps())
def test_what_is_lacking_is_stated(befallen: list[Step]) -> None:
    orders.shortfall_is_stated(befallen)


@few
@given(orders.steps())
def test_what_is_refused_or_known_changes_nothing(befallen: list[Step]) -> None:
    orders.refused_changes_nothing(befallen)


@few
@given(orders.steps())
def test_only_the_entitled_are_followed(befallen: list[Step]) -> None:
    orders.only_the_entitled_are_followed(befallen)


@few
@given(st.lists(orders.REST, max_size=8), st.sampled_from([None, "1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]))
def test_what_tightens_is_never_refused_for_its_age_or_our_clock(befallen: list[Step], issued_at: str | None) -> None:
    orders.tightening_is_followed(befallen, issued_at)


@few
@given(orders.steps())
def test_any_sequence_of_events_leaves_each_order_in_a_known_state(befallen: list[Step]) -> None:
    orders.stays_known(befallen)


@few
@given(orders.steps())
def test_the_same_documents_and_looks_give_the_same_acks(befallen: list[Step]) -> None:
    one, other = (orders.run(befallen, lambda _site, _step: None).acks() for _ in range(2))
    assert one == other


@few
@given(told=orders.extremes(), known=st.booleans())
def test_numbers_and_instants_at_their_ends_are_survived(*, told: dict[str, object], known: bool) -> None:
    orders.extremes_are_survived(told, known=known)
