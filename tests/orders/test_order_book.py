"""Whole lives of orders, told as a dispatcher sees them: by their acknowledgements."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.facts import CapChanged, OrderReceived
from agent.facts.orders import OrderHouseLowered, OrderReleaseAsked, OrderVanished
from agent.inputs.order_document import parse_known
from agent.orders.admission import MOST_LIVE
from agent.orders.life import Life, Unreadable
from agent.orders.lifecycle import OrderState
from agent.values import Moment
from tests.orders.site import ASLEEP, FULL_W, HOUSE_W, RUNNING, STANDBY_W, T0, Site, at, capped, complied, document

pytestmark = pytest.mark.pure
STOP_CAP_W = round((HOUSE_W + STANDBY_W) * 1.01, 1)
BEGUN = ["a r1 #1 received", "a r1 #2 accepted", "a r1 #3 active"]


def test_a_law_stop_is_acked_step_by_step_until_it_is_lifted_and_the_farm_is_back():
    site = Site()
    assert site.send(document()) == BEGUN
    assert site.wait(30) == []
    site.observed = ASLEEP
    assert site.wait(15) == []
    assert site.tick(1) == ["a r1 #4 complied"]
    assert site.wait(3600, step=10) == []
    assert site.send(document(revision=2, status="cancelled")) == ["a r2 #5 cancelled"]
    site.observed = replace(RUNNING, restore_pending=True)
    assert site.tick(1) == ["a r2 #6 restoring"]
    assert site.wait(60) == []
    site.observed = RUNNING
    assert site.tick(1) == ["a r2 #7 closed"]
    assert site.wait(60) == []


def test_an_ack_says_all_that_the_contract_lists_and_nothing_else():
    site = Site()
    site.send(document())
    assert site.last() == {
        "order_id": "a",
        "revision": 1,
        "seq": 3,
        "state": "active",
        "at": "2026-03-01T12:00:00.000Z",
        "cap_w": STOP_CAP_W,
        "observed_w": FULL_W,
        "meter": "main",
        "shortfall_w": FULL_W - STOP_CAP_W,
        "expected_at": None,
        "binding_order": "a",
        "reason": None,
    }
    assert site.acks()[1]["expected_at"] == "2026-03-01T12:05:00.000Z"
    assert site.acks()[1]["binding_order"] is None


def test_where_the_connection_carries_less_no_order_binds():
    site = Site(connection_w=400_000.0)
    site.send(capped(500))
    assert (site.last()["state"], site.last()["cap_w"], site.last()["binding_order"]) == ("active", 500_000.0, None)
    site.send(capped(400, order_id="b"))
    assert site.last()["binding_order"] == "b"


def test_a_redelivered_document_gives_no_ack_and_does_not_date_the_order_anew():
    site = Site()
    site.send(document())
    site.now = site.now.later(100)
    assert site.send(dict(reversed(document().items()))) == []
    assert site.send(document(revision=1.0)) == []
    assert site.book.view("a").starts_at == T0


def test_the_same_revision_with_another_document_is_a_conflict():
    site = Site()
    site.send(document())
    assert site.send(document(note="b")) == ["a r1 #4 rejected: revision_conflict: another document has this revision"]
    site = Site()
    site.send(document(ext={"x": 1}))
    assert "revision_conflict" in site.send(document(ext={"x": True}))[0]


def test_a_lower_revision_changes_nothing_and_its_refusal_counts_in_the_sequence():
    site = Site()
    site.send(document(revision=5))
    assert site.send(document(revision=4)) == ["a r4 #4 rejected: lower_revision: revision 5 is known"]
    assert site.state() == "active"
    site.observed = ASLEEP
    assert site.wait(16) == ["a r5 #5 complied"]


def test_a_revision_supersedes_without_a_gap_in_the_limit():
    site = Site()
    site.send(capped(500))
    site.now = site.now.later(60)
    assert site.send(capped(300, revision=2)) == [
        "a r1 #4 superseded",
        "a r2 #5 received",
        "a r2 #6 accepted",
        "a r2 #7 active",
    ]
    assert site.acks()[3]["binding_order"] == "a"
    assert site.book.cap(site.now).cap_w == 300_000
    assert site.book.view("a").starts_at == T0 + timedelta(seconds=60)
    assert site.wait(299) == []
    assert site.tick(1) == ["a r2 #8 violated"]


def test_a_revision_without_a_start_is_due_from_its_own_receipt():
    site = Site()
    site.send(capped(500, starts_at=at(3600)))
    assert site.send(capped(500, revision=2))[-1] == "a r2 #7 active"


def test_a_scheduled_order_starts_at_its_time_and_is_due_from_then():
    site = Site()
    assert site.send(capped(500, starts_at=at(600), comply_by_s=60))[-1] == "a r1 #3 scheduled"
    assert site.acks()[1]["expected_at"] == "2026-03-01T12:15:00.000Z"
    assert site.book.cap(site.now).cap_w is None
    assert not site.book.is_open()
    assert site.book.next_change(site.now) == T0 + timedelta(seconds=600)
    assert site.wait(599, step=599) == []
    assert site.tick(1) == ["a r1 #4 active"]
    assert site.book.is_open()
    assert site.wait(59) == []
    assert site.tick(1) == ["a r1 #5 violated"]


def test_a_scheduled_order_that_is_cancelled_frees_nothing_and_is_closed():
    site = Site()
    site.send(capped(500, starts_at=at(600)))
    assert site.send(capped(500, revision=2, status="cancelled", starts_at=at(600))) == ["a r2 #4 cancelled"]
    site.observed = replace(RUNNING, restore_pending=True)
    assert site.tick(1) == ["a r2 #5 closed"]


def test_a_scheduled_order_that_is_revised_is_superseded():
    site = Site()
    site.send(capped(500, starts_at=at(600)))
    assert site.send(capped(500, revision=2, starts_at=at(60)))[0] == "a r1 #4 superseded"
    assert site.book.next_change(site.now) == T0 + timedelta(seconds=60)


def test_an_order_without_an_end_holds_until_it_is_revoked():
    site = complied()
    assert site.wait(90 * 86_400, step=86_400) == []
    assert site.book.cap(site.now).stop
    assert site.book.next_change(site.now) is None


def test_an_order_that_resumes_by_itself_ends_at_its_end():
    site = complied(resume="auto", ends_at=at(3600))
    assert site.book.next_change(site.now) == T0 + timedelta(seconds=3600)
    assert site.tick(3583) == []
    assert site.tick(1) == ["a r1 #5 ended", "a r1 #6 closed"]
    assert site.book.cap(site.now).cap_w is None


def test_a_law_order_waits_for_its_issuer_when_its_end_has_passed():
    site = complied(ends_at=at(3600))
    assert site.tick(3600) == ["a r1 #5 complied: awaiting_release"]
    assert site.book.view("a").awaiting_release
    assert site.book.next_change(site.now) is None
    assert site.wait(86_400, step=3600) == []
    assert site.book.cap(site.now).stop
    refused = site.release("a")
    assert (refused.code, refused.reason) == ("not_allowed", "only its end or its issuer's cancel lifts it")
    site.observed = replace(ASLEEP, hashing=1, awake_reachable=1)
    assert site.tick(1) == ["a r1 #6 violated: awake: 1 hashing; awaiting_release"]
    site.observed = replace(ASLEEP, restore_pending=True)
    site.wait(1)
    assert site.send(document(revision=2, status="cancelled")) == ["a r2 #8 ended"]
    assert not site.book.view("a").awaiting_release
    assert site.tick(1) == ["a r2 #9 restoring"]


def test_an_order_left_to_the_operator_is_released_by_his_hand_once_its_end_has_passed():
    site = complied(resume="operator", ends_at=at(60))
    assert site.release("a").reason == "its end has not passed"
    assert site.release("b").code == "unknown_target"
    assert site.wait(44)[-1:] == ["a r1 #5 complied: awaiting_release"]
    for second in (None, "EVE"):
        assert site.release("a", by="eve", second=second).reason == "what a law bound is released by two persons"
    assert site.release("a", by="eve", second="ann") == ["a r1 #6 ended: released: by eve and ann"]
    assert any(isinstance(fact, OrderReleaseAsked) and fact.by == "eve and ann" for fact in site.facts)
    assert site.tick(1) == ["a r1 #7 closed"]
    assert site.release("a").code == "unknown_target"


def test_a_cancel_of_an_unknown_order_is_closed_at_once_and_its_revision_is_remembered():
    site = Site()
    site.observed = replace(RUNNING, restore_pending=True)
    cancel = document(revision=7, status="cancelled", limit=None)
    assert site.send(cancel) == ["a r7 #1 received", "a r7 #2 cancelled", "a r7 #3 closed"]
    assert site.last()["cap_w"] is None
    assert site.last()["shortfall_w"] is None
    assert site.send(cancel) == []
    site.tick(2)
    assert site.send(document(revision=6)) == ["a r6 #4 rejected: lower_revision: revision 7 is known"]
    site.tick(2)
    assert site.send(document(revision=7)) == [
        "a r7 #5 rejected: revision_conflict: another document has this revision"
    ]
    assert site.book.cap(site.now).cap_w is None
    assert site.send(document(revision=8)) == ["a r8 #6 received", "a r8 #7 accepted", "a r8 #8 active"]


@pytest.mark.parametrize("state", ["ended", "cancelled", "restoring"])
def test_a_higher_revision_supersedes_what_is_over_but_not_closed(state: str):
    site = complied(resume="operator", ends_at=at(60))
    site.observed = replace(ASLEEP, restore_pending=True)
    if state == "cancelled":
        site.send(document(revision=2, status="cancelled"))
    else:
        site.wait(60)
        site.release("a")
        if state == "restoring":
            site.tick(1)
    assert site.state() == state
    seq = site.last()["seq"]
    assert [told.split()[-1] for told in site.send(document(revision=9))] == [
        "superseded",
        "received",
        "accepted",
        "active",
    ]
    assert [ack["seq"] for ack in site.acks()][-4:] == [seq + 1, seq + 2, seq + 3, seq + 4]
    assert site.book.cap(site.now).stop


def test_a_cancel_of_what_is_being_restored_supersedes_it_and_the_way_back_goes_on():
    site = complied(resume="auto", ends_at=at(60), restore_kw_per_min=100)
    site.observed = replace(ASLEEP, restore_pending=True)
    site.wait(60)
    assert site.state() == "restoring"
    cancel = document(revision=2, status="cancelled")
    assert [told.split()[-1] for told in site.send(cancel)] == ["superseded", "received", "cancelled"]
    assert site.tick(1) == ["a r2 #10 restoring"]
    assert site.book.restore_kw_per_min() == 100
    assert site.restarted().state() == "restoring"


def test_a_cancel_may_slow_the_way_back():
    site = complied()
    site.send(document(revision=2, status="cancelled", restore_kw_per_min=50))
    site.observed = replace(ASLEEP, restore_pending=True)
    assert site.book.restore_kw_per_min() is None
    site.tick(1)
    assert site.book.restore_kw_per_min() == 50


def test_after_closing_a_new_life_starts_and_the_sequence_goes_on():
    site = complied()
    site.send(document(revision=2, status="cancelled"))
    assert site.tick(1) == ["a r2 #6 closed"]
    assert site.send(document(revision=3)) == ["a r3 #7 received", "a r3 #8 accepted", "a r3 #9 active"]


def test_another_order_that_binds_takes_over_from_one_that_ends():
    site = complied()
    site.send(capped(200, order_id="b"))
    site.observed = replace(ASLEEP, restore_pending=True)
    site.send(document(revision=2, status="cancelled"))
    assert site.tick(1)[0] == "a r2 #6 closed"
    assert site.book.cap(site.now).binding_order == "b"


@pytest.mark.parametrize(("next_w", "over"), [(190_000.0, False), (199_000.0, True), (None, True)])
def test_a_looser_cap_takes_over_once_it_has_no_room_for_another_machine(next_w, over):
    site = complied()
    site.send(capped(200, order_id="b"))
    site.observed = replace(ASLEEP, restore_pending=True, next_w=150_000.0)
    site.send(document(revision=2, status="cancelled", restore_kw_per_min=7))
    assert site.tick(1)[0] == "a r2 #6 restoring"
    assert site.book.restore_kw_per_min() == 7
    site.observed = replace(site.observed, next_w=next_w)
    assert (site.state() == "closed" or site.tick(1)[:1] == ["a r2 #7 closed"]) is over


def test_a_new_order_takes_over_from_one_that_is_being_restored():
    site = complied()
    site.observed = replace(ASLEEP, restore_pending=True)
    site.send(document(revision=2, status="cancelled"))
    assert site.tick(1) == ["a r2 #6 restoring"]
    site.send(capped(200, order_id="b"))
    assert site.tick(1) == ["a r2 #7 closed"]


def test_an_order_that_comes_after_its_end_starts_and_ends_in_one_tick():
    site = Site()
    assert site.send(capped(500, starts_at=at(-7200), ends_at=at(-3600))) == [
        "a r1 #1 received",
        "a r1 #2 accepted: late_receipt",
        "a r1 #3 active: late_receipt",
        "a r1 #4 ended: late_receipt",
        "a r1 #5 closed",
    ]
    assert site.book.cap(site.now).cap_w is None


def test_a_law_stop_that_comes_after_its_end_binds_until_its_issuer_releases_it():
    site = Site()
    assert site.send(document(ends_at=at(-3600)))[-2:] == [
        "a r1 #3 active: late_receipt",
        "a r1 #4 active: awaiting_release",
    ]
    assert site.book.cap(site.now).stop


def test_an_order_that_comes_after_its_own_deadline_has_its_time_from_receipt_and_says_so():
    site = Site()
    assert site.send(document(starts_at=at(-3600)))[1:] == [
        "a r1 #2 accepted: late_receipt",
        "a r1 #3 active: late_receipt",
    ]
    assert site.wait(299) == []
    assert site.tick(1) == ["a r1 #4 violated: awake: 300 not asleep"]
    site = Site()
    assert site.send(document(starts_at=at(-2))) == BEGUN


def test_an_order_that_was_to_begin_and_end_while_the_agent_was_away_is_told_in_one_tick():
    site = Site()
    site.send(capped(500, starts_at=at(600), ends_at=at(1200)))
    site = site.restarted()
    assert [told.split()[-1] for told in site.tick(86_400)] == ["active", "violated", "ended", "closed"]


def test_a_ramp_that_cannot_keep_the_deadline_wins_over_it_and_says_so_below_grid_emergency():
    site = Site()
    site.send(capped(400, ramp_kw_per_min=60))
    accepted = site.acks()[1]
    assert accepted["reason"] == "conflict: its ramp needs 600 s"
    assert accepted["expected_at"] == "2026-03-01T12:15:00.000Z"
    site.send(capped(400, order_id="b", order_class="grid_emergency", ramp_kw_per_min=60))
    assert site.acks()[4]["reason"] is None
    site.send(capped(400, order_id="c", ramp_kw_per_min=1e-300, starts_at="9999-12-31T23:59:59Z"))
    assert site.acks()[7]["expected_at"].startswith("9999-")


@pytest.mark.parametrize(
    ("starts_in_s", "changes", "reason", "expected"),
    [
        (3600, {}, None, "13:05:00"),  # 600 s of ramp end with its start; then machines have their 300 s
        (3600, {"comply_by_s": 500}, None, "13:08:20"),
        (300, {}, "conflict: its ramp needs 600 s", "12:15:00"),  # half of the ramp is left for after its start
        (3600, {"lead": "forbidden"}, "conflict: its ramp needs 600 s", "13:15:00"),
    ],
)
def test_a_ramp_that_may_begin_before_the_start_is_no_conflict_where_there_is_time(
    starts_in_s, changes, reason, expected
):
    site = Site()
    site.send(capped(400, ramp_kw_per_min=60, starts_at=at(starts_in_s), **{"comply_by_s": 0, **changes}))
    accepted = site.acks()[1]
    assert (accepted["reason"], accepted["expected_at"][11:19]) == (reason, expected)


def test_in_observe_mode_each_ack_says_that_nothing_is_sent():
    site = Site(observe_only=True)
    site.send(document())
    site.observed = replace(ASLEEP, unproved=("m1", "m2"))
    assert site.wait(16) == ["a r1 #4 complied: unproved 2; observe: nothing is sent"]
    assert all("observe: nothing is sent" in ack["reason"] for ack in site.acks())


def test_a_cleared_retained_order_changes_nothing_and_is_remembered():
    site = complied()
    before = site.book.views()
    facts = site.book.vanish("a", site.now)
    assert [type(fact) for fact in facts] == [OrderVanished]
    site.take(facts)
    assert site.restarted().book.cap(site.now) == site.book.cap(site.now)
    assert site.book.views() == before
    assert site.book.vanish("nobody", site.now) == ()
    site.send(document(revision=2, status="cancelled"))
    site.tick(1)
    assert site.book.vanish("a", site.now) == ()


def test_the_house_load_of_a_stop_is_fixed_at_first_receipt_and_only_lowered():
    site = Site()
    site.send(document())
    site.observed = replace(RUNNING, house_w=HOUSE_W + 10_000)
    site.tick(1)
    assert site.book.cap(site.now).cap_w == STOP_CAP_W
    site.send(document(revision=2))
    assert site.book.cap(site.now).cap_w == STOP_CAP_W
    site.observed = replace(RUNNING, house_w=HOUSE_W - 49)
    site.tick(1)
    assert site.book.cap(site.now).cap_w == STOP_CAP_W
    site.observed = replace(RUNNING, house_w=40_000.0, meter_w=None)
    site.tick(1)
    assert site.book.cap(site.now).cap_w == STOP_CAP_W
    site.observed = replace(RUNNING, house_w=40_000.0)
    site.tick(1)
    assert [fact.house_w for fact in site.facts if isinstance(fact, OrderHouseLowered)] == [40_000.0]
    assert site.book.cap(site.now).cap_w == round(44_000 * 1.01, 1)
    assert site.restarted().book.cap(site.now) == site.book.cap(site.now)


def test_a_stop_that_a_first_start_finds_is_built_on_nameplates_until_machines_have_said_their_standby():
    site = Site()
    site.observed = replace(RUNNING, standby_w=900_000.0, standby_known=False)
    site.send(document())
    assert site.book.cap(site.now).cap_w == round((HOUSE_W + 900_000.0) * 1.01, 1)
    some = replace(site.observed, standby_w=30_000.0)  # all but a few that are dead
    site.observed = replace(some, standby_w=10_000.0, standby_is_most=False)  # who is sealed counts with nothing
    site.tick(1)
    assert site.book.cap(site.now).cap_w == round((HOUSE_W + 900_000.0) * 1.01, 1)
    site.observed = some
    site.tick(1)
    assert site.facts[-1].base_w == 30_000.0
    assert site.book.cap(site.now).cap_w == round((HOUSE_W + 30_000.0) * 1.01, 1)
    site.observed = replace(some, standby_w=700_000.0)  # after another start
    site.tick(1)
    assert site.book.cap(site.now) == site.restarted().book.cap(site.now)
    assert site.book.cap(site.now).cap_w == round((HOUSE_W + 30_000.0) * 1.01, 1)


def test_a_house_load_that_nobody_has_sampled_since_the_start_lowers_nothing():
    site = complied().restarted()
    site.observed = replace(ASLEEP, house_w=0.0, house_sampled=False)
    assert site.wait(60) == []
    assert site.book.cap(site.now).cap_w == STOP_CAP_W


def test_a_stop_that_follows_a_closed_one_is_built_on_the_house_load_of_its_own_receipt():
    site = complied()
    site.send(document(revision=2, status="cancelled"))
    site.tick(1)
    site.observed = replace(RUNNING, house_w=80_000.0)
    site.send(document(revision=3))
    assert site.received()[-1].house_w == 80_000.0


def test_a_cap_has_no_house_load():
    site = Site()
    site.send(capped(500))
    assert (site.received()[0].house_w, site.received()[0].base_w) == (None, None)


def test_the_restoring_order_that_is_slowest_sets_the_ramp():
    site = Site()
    site.send(capped(500, restore_kw_per_min=100))
    site.send(capped(500, order_id="b", restore_kw_per_min=40))
    site.send(capped(500, order_id="c"))
    assert site.book.restore_kw_per_min() is None
    site.observed = replace(RUNNING, restore_pending=True)
    for order_id in "abc":
        site.send(capped(500, order_id=order_id, revision=2, status="cancelled"))
    site.tick(1)
    assert site.book.restore_kw_per_min() == 40


def test_orders_of_law_are_never_too_many():
    site = Site()
    for number in range(MOST_LIVE):
        site.send(capped(500, order_id=f"o{number}", starts_at=at(9999)))
    assert site.send(capped(500, order_id="more")) == [f"more r1 #None rejected: too_many: {MOST_LIVE} orders are open"]
    assert site.send(capped(500, order_id="other", status="cancelled"))[-1] == "other r1 #3 closed"
    assert site.send(document())[-1] == "a r1 #3 active"


def test_a_restarted_agent_goes_on_with_the_order_and_its_sequence():
    site = complied().restarted()
    assert site.state() == "complied"
    assert site.book.cap(site.now).stop
    assert site.send(document()) == []
    assert site.wait(3600, step=60) == []
    assert site.send(document(revision=2, status="cancelled")) == ["a r2 #5 cancelled"]


def test_an_order_that_can_no_longer_be_read_is_never_forgotten_in_silence():
    fact = OrderReceived(
        at=T0, order_id="a", revision=1, issuer="energo", order_class="law", transport="mqtt", document="{}"
    )
    with pytest.raises(Unreadable, match="a revision 1: malformed"):
        Site().book.apply(fact)


def test_facts_of_other_rooms_are_passed_over():
    site = complied()
    before = site.book.views()
    site.book.apply(CapChanged(at=T0, cap_w=None, binding_order=None))
    assert site.book.views() == before


def test_an_order_is_seen_with_its_document_and_its_last_step():
    site = complied()
    view = site.book.view("a")
    assert view.order.document == document()
    assert (view.order.issuer, view.order.order_class, view.order.revision) == ("energo", "law", 1)
    assert (view.state, view.last_ack.seq, view.awaiting_release) == ("complied", 4, False)
    assert site.book.views() == (view,)
    assert site.book.view("b") is None


def test_a_cancelled_order_is_seen_with_the_document_that_cancelled_it():
    site = complied()
    cancel = document(revision=2, status="cancelled", limit=None)
    site.send(cancel)
    assert site.book.view("a").order.document == cancel
    assert site.last()["cap_w"] == STOP_CAP_W


def test_machines_that_wait_are_given_their_hour_after_a_late_way_back_too():
    life = Life(
        order=parse_known(json.dumps(document(randomize_s=7200))),
        state=OrderState.RESTORING,
        received_at=T0,
        starts_at=T0,
        has_bound=True,
        over_at=T0,
        restore_after_s=7200.0,
    )
    seen = replace(ASLEEP, restore_pending=True, comes_no_further=True)
    assert life.frees(seen, [], Moment.trusted(T0 + timedelta(seconds=7200 + 3599), 0.0))
    assert not life.frees(seen, [], Moment.trusted(T0 + timedelta(seconds=7200 + 3600), 0.0))


def test_a_step_without_its_order_is_named_in_a_sentence():
    site = Site()
    site.send(document())
    site.facts = [fact for fact in site.facts if not isinstance(fact, OrderReceived)]
    with pytest.raises(Unreadable, match=r"^a: the ledger tells what befell it, but not the order itself$"):
        site.restarted()
