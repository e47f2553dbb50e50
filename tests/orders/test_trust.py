"""Who may order what, how fresh what loosens must be, and how refusals are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.facts import OrderRefused
from agent.orders.acks import ack_of_move, ack_of_refusal, is_retained
from agent.orders.trust import Issuer, is_grave
from agent.values import Moment
from tests.orders.site import ASLEEP, T0, TRUST, Site, at, capped, document

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("told", "transport", "reason"),
    [
        (document(), "mqtt", None),
        (document(site="here"), "mqtt", None),
        (document(site=None), "mqtt", None),
        (document(issuer="nobody"), "mqtt", "unknown_issuer: nobody is not configured"),
        (document(), "http", "not_allowed: energo may not order over http"),
        (document(issuer="signer"), "mqtt", "unsigned: signer must sign its orders"),
        (document(order_class="market"), "mqtt", "not_allowed: energo may not issue class market"),
        (document(site="there"), "mqtt", "foreign_site: it is for there"),
        (document(issuer="ops", order_class="operator"), "mqtt", "not_allowed: ops may not order over mqtt"),
        (document(issuer="ops", order_class="operator"), "http", None),
        (document(issuer="ops", order_class="operator"), "shell", None),
        (document(issuer="ops"), "shell", "not_allowed: ops may not issue class law"),
        (b"a.b.c", "mqtt", "bad_signature: a part is no base64url"),
        (b"{}", "mqtt", "malformed: order_id: is missing or of the wrong form"),
        (document(colour="red"), "mqtt", "unknown_field: colour"),
        (document(revision=0), "mqtt", "bad_value: revision: Input should be greater than or equal to 1"),
        (document(order_id="b"), "mqtt", "id_mismatch: the topic says a"),
    ],
)
def test_who_may_order_what_over_which_transport(told, transport, reason):
    site = Site()
    site.send(told, transport=transport, topic_id="a")
    if reason is None:
        assert site.last()["state"] == "active"
        return
    revision = told["revision"] if isinstance(told, dict) else None
    assert site.last() == {
        "order_id": "a",
        "revision": revision,
        "seq": None,
        "state": "rejected",
        "at": "2026-03-01T12:00:00.000Z",
        "cap_w": None,
        "observed_w": None,
        "meter": None,
        "shortfall_w": None,
        "expected_at": None,
        "binding_order": None,
        "reason": reason,
    }
    assert site.book.views() == ()


@pytest.mark.parametrize(
    ("transports", "usable"),
    [(("http",), {"http", "shell"}), (("shell",), {"shell"}), (("mqtt", "signal"), {"mqtt", "signal"})],
)
def test_the_shell_of_this_host_comes_over_http_and_is_told_from_it(transports, usable):
    issuer = Issuer(name="desk", transports=transports)
    assert {one for one in ("mqtt", "http", "shell", "signal") if issuer.may_use(one)} == usable


@pytest.mark.parametrize("order_class", ["law", "grid_emergency", "contract", "operator"])
def test_nobody_revises_or_cancels_the_order_of_another_whatever_his_class(order_class):
    issuer = {"law": "energo", "operator": "ops"}.get(order_class, "grid")
    owner = capped(500) if issuer != "grid" else document()
    site = Site()
    site.send(owner)
    for status in ("issued", "cancelled"):
        site.now = site.now.later(2)
        foreign = document(issuer=issuer, order_class=order_class, revision=9, status=status)
        refused = site.send(foreign, transport="shell" if issuer == "ops" else "mqtt")
        assert refused[0].endswith(f"rejected: not_allowed: a is an order of {owner['issuer']}")
    assert site.state() == "active"
    assert site.book.view("a").order.revision == 1


def test_an_id_stays_with_its_issuer_after_the_order_is_closed():
    site = Site()
    site.send(document(starts_at=at(60)))
    site.send(document(revision=2, status="cancelled"))
    assert site.tick(1)[-1].endswith("closed")
    assert site.send(capped(500, revision=3))[0].endswith("not_allowed: a is an order of energo")


def test_an_issuer_may_raise_the_class_of_its_order_at_any_age_and_lower_it_only_freshly():
    site = Site()
    site.send(capped(500, issued_at=at(-1_000_000)))
    assert site.send(capped(500, order_class="grid_emergency", revision=2, issued_at=at(-999_999)))[-1].endswith(
        "active"
    )
    assert "stale" in site.send(capped(500, order_class="market", revision=3, issued_at=at(-999_998)))[0]


OLD = at(-86_401)
SCHEDULED = {"starts_at": at(3600), "ends_at": at(7200)}


@pytest.mark.parametrize(
    ("before", "after", "looser"),
    [
        (document(), document(status="cancelled"), True),
        (document(), document(limit={"max_import_kw": 0}), True),
        (document(), document(resume="operator"), True),
        (document(), document(resume="auto"), True),
        (document(), document(ends_at=at(9999)), True),
        (document(), document(comply_by_s=301), True),
        (document(), document(comply_by_s=299), False),
        (document(), document(starts_at=at(60)), True),
        (document(), document(starts_at=at(-60)), False),
        (document(), document(note="again"), False),
        (document(resume="auto"), document(resume="operator"), False),
        (capped(500), capped(501), True),
        (capped(500), capped(499), False),
        (capped(500), capped(500, limit={"stop": True}), False),
        (capped(500), capped(500, ramp_kw_per_min=9), True),
        (capped(500, ramp_kw_per_min=9), capped(500, ramp_kw_per_min=8), True),
        (capped(500, ramp_kw_per_min=9), capped(500, ramp_kw_per_min=10), False),
        (capped(500, ramp_kw_per_min=9), capped(500), False),
        (capped(500, ends_at=at(60)), capped(500, ends_at=at(59)), True),
        (capped(500, ends_at=at(60)), capped(500, ends_at=at(61)), False),
        (capped(500, ends_at=at(60)), capped(500), False),
        (capped(500, **SCHEDULED), capped(500, status="cancelled", **SCHEDULED), True),
        (capped(500, starts_at=at(3600)), capped(500, starts_at=at(3601)), True),
        (capped(500, starts_at=at(3600)), capped(500, starts_at=at(3599)), False),
        (capped(500, starts_at=at(3600)), capped(500), False),
    ],
)
def test_what_loosens_must_be_fresh_and_what_tightens_may_be_of_any_age(before, after, looser):
    site = Site()
    site.send(before)
    old = {**after, "revision": 2, "issued_at": OLD}
    told = site.send(old)
    if not looser:
        assert "rejected" not in " ".join(told)
        return
    assert told == ["a r2 #4 rejected: stale: what loosens must be issued within 86400 s"]
    site.now = site.now.later(2)
    fresh = {**old, "issued_at": at(-80_000)}
    assert "rejected" not in " ".join(site.send(fresh))


def test_what_loosens_without_an_instant_counts_as_issued_when_it_came():
    site = Site()
    site.send(document())
    assert site.send(document(revision=2, status="cancelled")) == ["a r2 #4 cancelled"]


def test_what_is_issued_far_ahead_of_our_clock_does_not_loosen():
    site = Site()
    site.send(document())
    assert "stale" in site.send(document(revision=2, status="cancelled", issued_at=at(86_401)))[0]


def test_while_the_clock_is_doubted_what_loosens_must_be_fresh_by_both():
    site = Site()
    site.send(document())
    site.now = Moment(at=T0, mono=200, earliest=T0, latest=T0 + timedelta(days=2))
    assert "stale" in site.send(document(revision=2, status="cancelled", issued_at=at(0)))[0]


def test_an_old_document_may_follow_an_order_that_no_longer_binds():
    site = Site()
    site.send(document())
    site.send(document(revision=2, status="cancelled"))
    assert site.send(document(revision=3, issued_at=OLD, limit={"max_import_kw": 9}))[-1] == "a r3 #8 active"


def test_refusals_are_told_once_a_second_for_each_topic_and_issuer_and_the_rest_rolled_up():
    site = Site()
    bad = document(revision=0)
    told = [line for _ in range(50) for line in site.send(bad)]
    assert len(told) == 1
    assert len(site.send(document(revision=0, issuer="grid"))) == 1
    assert len(site.send({**bad, "order_id": "b"})) == 1
    assert site.tick(0.9) == []
    assert site.tick(0.1) == [f"{told[0]}; 49 refused"]
    assert site.tick(5) == []
    site.send(bad)
    site.send(bad)
    site.now = site.now.later(1)
    assert site.send(bad) == [f"{told[0]}; 2 refused"]
    assert site.tick(5) == []
    counts = [fact.count for fact in site.facts if fact.order_id == "a" and fact.issuer == "energo"]
    assert sum(counts) == 53


def test_who_waits_for_an_answer_gets_one_each_time():
    site = Site()
    foreign = document(issuer="ops")
    assert [len(site.send(foreign, transport="http")) for _ in range(3)] == [1, 1, 1]


def test_a_bare_code_takes_what_was_rolled_up_as_its_sentence():
    refused = OrderRefused(
        at=T0, order_id="a", revision=None, issuer=None, code="malformed", reason="", transport="mqtt"
    )
    assert ack_of_refusal(refused)["reason"] == "malformed"
    many = OrderRefused(
        at=T0, order_id="a", revision=None, issuer=None, code="malformed", reason="", transport="mqtt", count=3
    )
    assert ack_of_refusal(many)["reason"] == "malformed: 3 refused"


def test_a_refusal_stays_on_the_topic_only_where_no_order_was_known():
    site = Site()
    site.send(document(revision=0))
    assert is_retained(site.facts[-1])
    site.send(document())
    assert is_retained(site.facts[-1])
    site.send(b"{", topic_id="a")
    assert not is_retained(site.facts[-1])
    assert site.last()["seq"] == 4
    site.send(document(revision=2, status="cancelled"))
    site.tick(1)
    site.send(b"}", topic_id="a")
    assert not is_retained(site.facts[-1])
    assert ack_of_move(site.book.view("a").last_ack)["state"] == "closed"


def test_a_refused_document_under_an_unusable_topic_has_no_id_to_answer():
    site = Site()
    site.send(document(), topic_id="ö")
    assert site.facts[-1].order_id is None
    site.send(b"{", topic_id="b")
    assert site.last()["order_id"] == "b"


def test_the_document_that_was_refused_is_kept_and_cut():
    site = Site()
    site.send(b"x" * 100_000, topic_id="a")
    assert len(site.facts[-1].document) == 65_536


@pytest.mark.parametrize(
    ("issuer", "transport", "grave"),
    [
        ("energo", "mqtt", True),
        ("grid", "mqtt", True),
        ("energo", "http", False),
        ("ops", "http", False),
        ("signer", "mqtt", False),
        ("nobody", "mqtt", False),
        (None, "mqtt", False),
    ],
)
def test_a_refused_document_of_an_authenticated_law_or_grid_issuer_is_grave(issuer, transport, grave):
    refused = OrderRefused(
        at=T0, order_id="a", revision=1, issuer=issuer, code="bad_value", reason="", transport=transport
    )
    assert is_grave(refused, TRUST) is grave


def test_refusals_change_nothing_of_an_order_in_force():
    site = Site()
    site.send(document())
    site.observed = replace(ASLEEP)
    site.wait(16)
    cap, view = site.book.cap(site.now), site.book.view("a")
    for told in (b"", b"null", document(revision=9, issuer="nobody"), document(order_class="market", revision=9)):
        site.now = site.now.later(2)
        site.send(told, topic_id="a")
    assert site.book.cap(site.now) == cap
    assert site.book.view("a") == view
