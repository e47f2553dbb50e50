"""Two persons for whatever loosens a law order by hand; its issuer's own word, signed or over his transport, is one."""

import json
from dataclasses import replace

import pytest
from msgspec import structs

from agent.facts import OrderRefused
from agent.inputs.order_document import parse_order
from agent.orders.hands import ALONE
from agent.orders.trust import Issuer, TrustPolicy, is_grave
from tests.orders.site import TRUST, Site, at, document

pytestmark = pytest.mark.pure

WIDE = Issuer(name="energo", classes=("law", "contract"), unsigned=True, transports=("mqtt", "http", "shell"))
SILENCE = {"timeout_s": 120, "failsafe_kw": 100, "min_s": 7200}
CAP = {"limit": {"max_import_kw": 500}, "on_silence": SILENCE, "restore_kw_per_min": 100}
TWO = {"source_ref": {"issued_by": "Aigul", "taken_by": "Bek"}}
CANCEL = document(revision=2, status="cancelled", limit=None)
LOOSER = {
    "cancel": {"status": "cancelled", "limit": None},
    "upwards": {"limit": {"max_import_kw": 501}},
    "shorter": {**CAP, "ends_at": at(3600)},
    "later": {**CAP, "starts_at": at(600)},
    "weaker": {**CAP, "order_class": "contract"},
    "a test": {**CAP, "test": True},
    "fewer": {**CAP, "targets": {"feeders": ["T1"]}},
    "spared": {**CAP, "exempt": {"tags": ["heat"]}},
    "elsewhere": {**CAP, "measure": {"at": "T1"}},
    "a mean": {**CAP, "measure": {"over_s": 900, "aligned": True}},
    "tolerated": {**CAP, "measure": {"tolerance_pct": 5}},
    "unheard": {**CAP, "on_silence": None},
    "heard later": {**CAP, "on_silence": SILENCE | {"timeout_s": 86_400}},
    "held higher": {**CAP, "on_silence": SILENCE | {"failsafe_kw": 400}},
    "back sooner": {**CAP, "restore_kw_per_min": 101},
    "back at once": {**CAP, "restore_kw_per_min": None},
    "held for less": {**CAP, "on_silence": SILENCE | {"min_s": 60}},
}


def bound(transport: str = "mqtt", **told: object) -> Site:
    """Return a site with a law's cap in force that came over a transport."""
    site = Site(trust=TrustPolicy(site="here", issuers={**TRUST.issuers, "energo": WIDE}))
    site.send(document(**{**CAP, **told}), transport)
    return site


@pytest.mark.parametrize("transport", ["http", "shell"])
@pytest.mark.parametrize("looser", LOOSER.values(), ids=LOOSER)
def test_one_hand_does_not_loosen_a_law_and_two_do(looser, transport):
    site = bound()
    assert site.send(document(revision=2, **looser), transport) == [f"a r2 #4 rejected: not_allowed: {ALONE}"]
    assert site.state() == "active"
    assert "rejected" not in site.send(document(revision=3, **looser, **TWO), transport)[0]
    assert site.book.view("a").order.revision == 3


@pytest.mark.parametrize(
    "source",
    [{"issued_by": "Aigul"}, {"issued_by": "Aigul", "taken_by": " AIGUL "}, {"issued_by": "", "taken_by": "Bek"}],
)
def test_one_person_is_not_two(source):
    said = bound().send(document(revision=2, status="cancelled", limit=None, source_ref=source), "shell")
    assert ALONE in said[0]


def test_what_tightens_and_what_is_no_law_takes_one():
    site = bound()
    assert "active" in site.send(document(revision=2, **CAP | {"limit": {"max_import_kw": 400}}), "shell")[-1]
    site = bound(order_class="contract")
    assert "cancelled" in site.send(document(revision=2, status="cancelled", limit=None, order_class="contract"),
                                    "shell")[0]  # fmt: skip
    site = bound(test=True)
    assert "cancelled" in site.send(document(revision=2, status="cancelled", limit=None), "shell")[0]


def test_the_issuers_own_system_lifts_what_it_ordered():
    assert "cancelled" in bound().send(document(revision=2, status="cancelled", limit=None))[0]
    site = bound()
    raw = json.dumps(document(revision=2, status="cancelled", limit=None))
    told = {"transport": "http", "now": site.now, "observed": site.observed, "by": "energo"}
    facts = site.book.receive(raw, parse_order(raw.encode()), **told)
    assert "cancelled" in site.take(facts)[0], "a token of the issuer's own name is the issuer"


@pytest.mark.parametrize("transport", ["http", "shell", "mqtt"])
def test_what_a_hand_gave_in_as_its_own_word_one_hand_or_the_issuer_takes_back_also_after_a_restart(transport):
    assert "cancelled" in bound("shell").restarted().send(CANCEL, transport)[0]


def test_what_a_hand_gave_in_for_somebody_who_is_named_takes_two():
    phoned = {"source_ref": {"issued_by": "I. Petrov", "taken_by": "Aigul", "received_via": "phone, read back"}}
    site = bound("shell", **phoned).restarted()
    assert ALONE in site.send(CANCEL, "shell")[0]
    assert "cancelled" in site.send(CANCEL | {"revision": 3} | TWO, "shell")[0]


@pytest.mark.parametrize(
    "told", [{"revision": 2}, {"order_id": "b", "supersedes": ["a"]}], ids=["revised", "superseded"]
)
def test_who_tightens_an_issuers_order_has_not_made_it_his_own(told):
    site = bound()
    tighter = document(**told, **CAP | {"limit": {"max_import_kw": 400}})
    site.send(tighter, "shell")
    name = tighter["order_id"]
    assert ALONE in site.send(CANCEL | {"order_id": name, "revision": 3}, "shell")[0]
    assert site.state(name) == "active"


def test_an_order_in_the_place_of_a_law_is_looked_at_alike():
    site = bound()
    other = document(order_id="b", limit={"max_import_kw": 900}, supersedes=["a"])
    assert ALONE in site.send(other, "http")[0]
    assert site.state("b") is None
    assert site.state() == "active"


def test_one_hand_does_not_hasten_the_way_back_from_a_law_that_is_over():
    site = bound()
    site.observed = replace(site.observed, restore_pending=True)
    site.send(CANCEL)
    site.tick(1)
    assert site.state() == "restoring"
    sooner = document(**CAP | {"ends_at": at(60), "restore_kw_per_min": 5000})
    assert ALONE in site.send(sooner | {"revision": 3}, "shell")[0]
    assert site.book.restore_kw_per_min() == 100
    assert "superseded" in site.send(sooner | {"revision": 4} | TWO, "shell")[0]


@pytest.mark.parametrize("restarted", [False, True])
def test_one_hands_cancel_of_an_id_never_seen_locks_no_law_out(restarted):
    site = bound(order_id="other")
    early = document(revision=999, status="cancelled", limit=None)
    assert site.send(early, "http")[-1] == "a r999 #3 closed"
    site = site.restarted() if restarted else site
    assert site.send(document(revision=1), "mqtt")[0] == "a r1 #4 received"
    assert site.state() == "active"
    assert "rejected" in site.send(early | {"issued_at": at(1)}, "http")[0], "it comes again: it is one hand's still"


def test_an_early_cancel_stands_where_it_could_have_taken_the_order_back():
    early = document(revision=9, status="cancelled", limit=None)
    for told, transport, by in ((early, "mqtt", "mqtt"), (early | TWO, "http", "mqtt"), (early, "http", "shell")):
        site = bound(order_id="other")
        site.send(told, transport)
        assert "lower_revision" in site.send(document(revision=8), by)[0]
        assert site.send(document(revision=10), by)[0] == "a r10 #5 received"


def test_an_early_cancel_is_its_issuers_alone():
    site = bound(order_id="other")
    site.send(document(revision=5, status="cancelled", limit=None))
    foreign = document(revision=999, status="cancelled", limit=None, issuer="grid", order_class="contract")
    assert site.send(foreign)[-1] == "a r999 #6 closed"
    assert "lower_revision" in site.send(document(revision=4))[0]
    assert "active" in site.send(document(revision=6))[-1]
    assert "is an order of energo" in site.send(foreign | {"revision": 1000})[0]


def test_who_forgot_the_second_person_is_no_refused_issuer():
    site = bound()
    site.send(document(revision=2, status="cancelled", limit=None), "shell")
    refused = site.facts[-1]
    assert isinstance(refused, OrderRefused)
    assert not is_grave(refused, site.policy.trust)
    assert is_grave(structs.replace(refused, reason="it may not"), site.policy.trust)
