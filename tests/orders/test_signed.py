"""Signed orders: whose key, over what; keys that overlap and keys that are gone; what stays of it as it came."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import OrderReceived
from agent.orders.trust import is_grave
from agent.outputs.account import limit_of
from agent.proof.jws import content, opened, sealed
from agent.proof.signature import SigningKey
from tests.orders.site import ISSUERS, TRUST, Site, at, document

pytestmark = pytest.mark.pure

FIRST, SECOND, STRANGER = SigningKey.make(), SigningKey.make(), SigningKey.make()


def trusting(**keys):
    signer = replace(ISSUERS["signer"], keys={kid: key.public for kid, key in keys.items()})
    return replace(TRUST, issuers={**ISSUERS, "signer": signer})


BOTH = trusting(k1=FIRST, k2=SECOND)


def order(**told):
    return document(**{"issuer": "signer", "site": "here", "issued_at": at(0), **told})


def signed(told, *, kid="k1", key=FIRST):
    return sealed(json.dumps(told).encode(), kid=kid, key=key)


def headed(header, key=FIRST):
    part = [base64.urlsafe_b64encode(one).rstrip(b"=") for one in (header, json.dumps(order()).encode())]
    covered = b".".join(part)
    return covered + b"." + base64.urlsafe_b64encode(key.signature(covered)).rstrip(b"=")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (signed(order()), None),
        (signed(order(), kid="k2", key=SECOND), None),
        (signed(order(issued_at=at(-9_999_999))), None),
        (signed(order(), key=SECOND), "bad_signature"),
        (signed(order(), kid="k3", key=STRANGER), "bad_signature"),
        (signed(order(issuer="energo"), kid="k1"), "bad_signature"),
        (json.dumps(order()).encode(), "unsigned"),
        (signed(order(site="there")), "foreign_site"),
        (signed(order(issuer="nobody")), "unknown_issuer"),
        (signed(order(order_class="market")), "not_allowed"),
        (signed(order(site=None)), "bad_value"),
        (signed(order(issued_at=None)), "bad_value"),
        (signed(order(order_id="b")), "id_mismatch"),
        (sealed(b"[]", kid="k1", key=FIRST), "malformed"),
        (headed(b'{"alg":"EdDSA","kid":"k1","typ":"hashwatt-order"}'), None),
        (headed(b'{"alg":"none","kid":"k1","typ":"hashwatt-order"}'), "bad_signature"),
        (headed(b'{"alg":"EdDSA","kid":"k1","typ":"JWT"}'), "bad_signature"),
        (headed(b'{"alg":"EdDSA","kid":1,"typ":"hashwatt-order"}'), "bad_signature"),
        (headed(b'{"alg":"EdDSA","kid":"k1","typ":"hashwatt-order","crit":["b64"]}'), "bad_signature"),
        (headed(b"[" * 300), "bad_signature"),
    ],
)
def test_a_signed_order_is_followed_or_refused_by_its_code(raw, code):
    site = Site(trust=BOTH)
    site.send(raw, topic_id="a")
    said = site.last()
    assert (said["state"], (said["reason"] or "").partition(":")[0]) == (("rejected", code) if code else ("active", ""))


@given(at_=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_changed_bit_of_a_signed_order_makes_another_order(at_, bit):
    raw = bytearray(signed(order()))
    raw[at_ % len(raw)] ^= 1 << bit
    site = Site(trust=BOTH)
    site.send(bytes(raw), topic_id="a")
    assert site.book.views() == ()


def test_a_key_that_is_removed_orders_nothing_more_and_what_it_ordered_stays():
    site = Site(trust=BOTH)
    site.send(signed(order()))
    site.book.policy = replace(site.policy, trust=trusting(k2=SECOND))
    refused = site.send(signed(order(status="cancelled", revision=2)))
    assert "bad_signature" in refused[0]
    assert site.state() == "active"
    after = site.restarted()
    assert after.state() == "active"
    after.send(signed(order(status="cancelled", revision=2), kid="k2", key=SECOND))
    assert after.book.view("a").order.is_cancel


def test_a_signed_document_that_comes_again_or_too_late_loosens_nothing():
    site = Site(trust=BOTH)
    first, second = signed(order()), signed(order(revision=2, note="again"))
    site.send(first)
    site.send(second)
    assert "replayed: it was taken in before, and revision 2 since" in site.send(first)[0]
    assert site.send(second) == []
    stale = signed(order(status="cancelled", revision=3, issued_at=at(-86_401)))
    site.now = site.now.later(2)
    assert "stale" in site.send(stale)[0]
    assert site.state() == "active"


def test_what_was_signed_and_followed_once_is_known_again_after_a_restart_and_after_its_end():
    site = Site(trust=BOTH)
    first, cancel = signed(order()), signed(order(status="cancelled", revision=3, issued_at=at(0)))
    site.send(first)
    site.send(cancel)
    site.now = site.now.later(2)
    site.tick(1)
    assert site.state() == "closed"
    again = site.restarted()
    assert again.send(cancel) == []
    assert "rejected: replayed" in again.send(first)[0]
    again.now = again.now.later(2)
    unknown = signed(order(revision=2))
    assert "rejected: lower_revision: revision 3 is known" in again.send(unknown)[0]
    assert again.state() == "closed"


def test_what_is_kept_is_what_came_signature_and_all():
    site = Site(trust=BOTH)
    raw = signed(order())
    site.send(raw)
    kept = next(fact for fact in site.facts if isinstance(fact, OrderReceived))
    assert kept.document == raw.decode()
    assert json.loads(content(kept.document)) == order()
    assert limit_of(kept.document) == '{"stop": true}'
    assert opened(kept.document.encode()).is_by(FIRST.public)


@pytest.mark.parametrize(("key", "grave"), [(FIRST, True), (STRANGER, False)])
def test_the_highest_alarm_is_for_a_refusal_of_what_is_truly_of_the_issuer(key, grave):
    site = Site(trust=BOTH)
    site.send(signed(order(site="there"), key=key))
    assert is_grave(site.facts[-1], BOTH) is grave
