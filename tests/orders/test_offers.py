"""Offers: by rule or by hand; one that supersedes is held, when it is accepted, against what is open then."""

from dataclasses import replace

import pytest

from agent.orders.hands import ALONE
from agent.orders.order import Rejection
from agent.orders.trust import Issuer, TrustPolicy
from tests.orders.site import RUNNING, TRUST, Site, at, capped, document

pytestmark = pytest.mark.pure

WIDE = Issuer(name="energo", classes=("law", "contract"), unsigned=True, transports=("mqtt", "http", "shell"))
TWO = {"source_ref": {"issued_by": "Aigul", "taken_by": "Bek"}}
STANDS = "it would take the place of L: "


def asking() -> Site:
    return Site(trust=TrustPolicy(site="here", issuers={**TRUST.issuers, "energo": WIDE}))


def accepted(site: Site, order_id: str = "f") -> list[str] | str:
    found = site.book.answer(order_id, accept=True, by="eve", now=site.now, observed=site.observed)
    return found.reason if isinstance(found, Rejection) else site.take(found)


def offered(site: Site, offers: str, **told: object) -> list[str]:
    trust = site.policy.trust
    issuers = {**trust.issuers, "grid": replace(trust.issuers["grid"], offers=offers)}
    site.book.policy = site.policy = replace(site.policy, trust=replace(trust, issuers=issuers))
    return site.send(capped(500, mandatory=False, **told))


def test_an_offer_is_accepted_or_declined_by_its_issuers_rule():
    site = Site()
    assert offered(site, "accept")[-1] == "a r1 #3 active"
    said = offered(Site(), "decline")
    assert said == ["a r1 #None rejected: declined: offers of grid are declined by the configuration"]


def test_an_offer_waits_for_a_hand_and_binds_once_accepted():
    site = Site()
    assert offered(site, "ask") == ["a r1 #1 received: offer: it waits for accept or decline"]
    assert site.book.cap(site.now).cap_w is None
    assert site.wait(1000, step=100) == []
    site = site.restarted()
    answered = site.take(site.book.answer("a", accept=True, by="eve", now=site.now, observed=site.observed))
    assert answered == ["a r1 #2 accepted", "a r1 #3 active"]
    assert site.book.cap(site.now).cap_w == 500_000
    assert site.wait(299) == []
    assert site.tick(1) == ["a r1 #4 violated"]
    again = site.book.answer("a", accept=False, by="eve", now=site.now, observed=site.observed)
    assert again.code == "not_allowed"


@pytest.mark.parametrize("accept", [True, False])
def test_an_offer_takes_anothers_place_once_it_is_accepted(accept):
    site = Site()
    site.send(capped(300, order_id="b"))
    assert offered(site, "ask", supersedes=["b"]) == ["a r1 #1 received: offer: it waits for accept or decline"]
    assert site.book.cap(site.now).cap_w == 300_000
    site = site.restarted()
    said = site.take(site.book.answer("a", accept=accept, by="eve", now=site.now, observed=site.observed))
    if accept:
        assert said == ["b r1 #4 superseded", "a r1 #2 accepted", "a r1 #3 active"]
    else:
        assert said == ["a r1 #2 rejected: declined: by eve"]
    assert site.book.cap(site.now).cap_w == (500_000 if accept else 300_000)


def test_an_offer_that_is_declined_or_outlived_is_rejected():
    site = Site()
    offered(site, "ask")
    declined = site.take(site.book.answer("a", accept=False, by="eve", now=site.now, observed=site.observed))
    assert declined == ["a r1 #2 rejected: declined: by eve"]
    site = Site()
    offered(site, "ask", ends_at=at(60))
    assert site.tick(59) == []
    assert site.tick(1) == ["a r1 #2 rejected: declined: its end passed without an answer"]
    assert site.book.answer("a", accept=True, by="eve", now=site.now, observed=site.observed).code == "unknown_target"


def test_an_offer_that_is_revised_or_taken_back_gives_way():
    site = Site()
    offered(site, "ask")
    assert offered(site, "ask", revision=2) == [
        "a r1 #2 rejected: superseded",
        "a r2 #3 received: offer: it waits for accept or decline",
    ]
    assert site.send({**capped(500, revision=3), "status": "cancelled"}) == [
        "a r2 #4 rejected: superseded",
        "a r3 #5 received",
        "a r3 #6 cancelled",
        "a r3 #7 closed",
    ]


def law_named_before_it_came(site: Site, transport: str, **told: object) -> Site:
    """Return a site whose law `L` came after an offer that names it."""
    said = site.send(document(order_id="f", mandatory=False, supersedes=["L"], **told), transport)
    assert said == ["f r1 #1 received: offer: it waits for accept or decline"]
    assert site.send(document(order_id="L"))[-1] == "L r1 #3 active"
    return site.restarted()


def test_an_offer_does_not_lift_anothers_order_that_came_after_it():
    loose = {"issuer": "grid", "order_class": "market", "limit": {"max_import_kw": 900}}
    site = law_named_before_it_came(asking(), "mqtt", **loose)
    assert accepted(site) == f"{STANDS}L is an order of energo"
    assert (site.state("L"), site.state("f")) == ("active", "received")


@pytest.mark.parametrize("limit", [{"max_import_kw": 900}, {"stop": True}])
def test_one_hands_offer_does_not_lift_a_law_that_came_after_it(limit):
    site = law_named_before_it_came(asking(), "http", limit=limit)
    assert accepted(site) == f"{STANDS}{ALONE}"
    assert site.state("L") == "active"


def test_two_hands_offer_or_its_issuers_own_lifts_a_law_that_came_after_it():
    for transport, told in (("http", TWO), ("mqtt", {})):
        site = law_named_before_it_came(asking(), transport, limit={"max_import_kw": 900}, **told)
        assert accepted(site) == ["L r1 #4 superseded", "f r1 #2 accepted", "f r1 #3 active"]


def test_an_offer_too_old_when_it_is_accepted_loosens_nothing():
    site = law_named_before_it_came(asking(), "mqtt", limit={"max_import_kw": 900}, issued_at=at(0))
    site.now = site.now.later(86_401)
    assert accepted(site) == f"{STANDS}what loosens must be issued within 86400 s"
    assert site.state("L") == "active"


def test_what_took_a_laws_place_by_acceptance_is_lifted_by_one_hand_no_more():
    site = asking()
    site.send(document(order_id="f", mandatory=False, supersedes=["L"]), "http")
    site.send(document(order_id="L", order_class="contract", limit={"max_import_kw": 500}))
    assert accepted(site)[-1] == "f r1 #3 active"
    site = site.restarted()
    assert site.send(document(order_id="f", revision=2, status="cancelled", limit=None), "http") == [
        f"f r2 #4 rejected: not_allowed: {ALONE}"
    ]


def test_what_an_offer_superseded_had_bound_is_given_back_after_it():
    site = Site()
    site.send(capped(300, order_id="b"))
    site.observed = replace(RUNNING, meter_w=300_000.0, believed_w=300_000.0, restore_pending=True, lowered_w=700_000.0)
    offer = capped(500, mandatory=False, supersedes=["b"], starts_at=at(3600))
    site.send(offer)
    assert accepted(site, "a") == ["b r1 #4 superseded", "a r1 #2 accepted", "a r1 #3 scheduled"]
    site = site.restarted()
    assert site.send(offer | {"revision": 2, "status": "cancelled"}) == ["a r2 #4 cancelled"]
    assert site.tick(1) == ["a r2 #5 restoring"]


def test_chance_leaves_no_gap_between_what_came_to_bind_and_the_offer_that_takes_its_place():
    site = Site()
    site.book._chance = lambda: 0.5
    site.send(capped(500, mandatory=False, supersedes=["b"], starts_at=at(600), randomize_s=1200))
    site.tick(300)
    site.send(capped(300, order_id="b"))
    site.tick(400)
    site = site.restarted()
    assert accepted(site, "a") == ["b r1 #5 superseded", "a r1 #2 accepted", "a r1 #3 active"]
    assert site.book.cap(site.now).cap_w == 500_000
    assert site.acks()[-2]["expected_at"] == "2026-03-01T12:16:40.000Z"


def test_chance_still_shifts_an_offer_that_takes_the_place_of_what_did_not_bind():
    site = Site()
    site.book._chance = lambda: 0.5
    site.send(capped(300, order_id="b", starts_at=at(3000)))
    site.send(capped(500, mandatory=False, supersedes=["b"], starts_at=at(600), randomize_s=1200))
    site.tick(700)
    assert accepted(site, "a")[-1] == "a r1 #3 scheduled"
    assert site.book.view("a").starts_at.isoformat() == at(1200)


def test_an_offer_accepted_late_is_expected_by_its_acceptance():
    site = Site()
    site.send(capped(500, mandatory=False))
    site.tick(1000)
    accepted(site, "a")
    assert site.acks()[1]["expected_at"] == "2026-03-01T12:21:40.000Z"
