"""What a dispatcher would try; the answers stand in docs/orders.md, a row each, and here the site gives them."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.orders.trust import Issuer
from tests.orders.site import ASLEEP, HOUSE_W, ISSUERS, RUNNING, TRUST, Site, at, capped, document

pytestmark = pytest.mark.pure
DOCS = Path(__file__).parents[2] / "docs" / "orders.md"


def sent(*told: dict[str, object]) -> list[str]:
    site = Site()
    return [ack for one in told for ack in site.send(one)]


def test_0_kw_with_machines_on_standby():
    site = Site()
    site.send(capped(0))
    site.observed = ASLEEP
    assert site.wait(301)[-1] == "a r1 #4 violated: breakers: only they take the rest off the meter"
    assert site.last()["shortfall_w"] == ASLEEP.meter_w
    site.observed = replace(ASLEEP, meter_w=0.0)
    assert site.wait(20) == ["a r1 #5 complied"]


def test_a_cap_under_the_house_load():
    site = Site()
    site.send(capped(HOUSE_W / 1000 - 10))
    site.observed = ASLEEP
    assert site.wait(301) == ["a r1 #4 violated"]
    assert site.last()["shortfall_w"] == ASLEEP.meter_w - (HOUSE_W - 10_000)


def test_an_end_before_the_start():
    assert sent(capped(500, starts_at=at(60), ends_at=at(0))) == [
        "a r1 #None rejected: bad_value: ends_at: must be after starts_at"
    ]


def test_two_equal_orders():
    site = Site()
    site.send(capped(500))
    assert site.send(capped(500)) == []
    assert site.send(capped(500, order_id="b"))[-1] == "b r1 #3 active"
    assert site.last()["binding_order"] == "a"


def test_a_revision_while_the_farm_comes_back():
    site = Site()
    site.send(capped(500))
    site.send({**capped(500, revision=2), "status": "cancelled"})
    site.observed = replace(RUNNING, restore_pending=True)
    assert site.tick(1) == ["a r2 #5 restoring"]
    assert site.send(capped(400, revision=3)) == [
        "a r2 #6 superseded",
        "a r3 #7 received",
        "a r3 #8 accepted",
        "a r3 #9 active",
    ]
    assert site.book.cap(site.now).cap_w == 400_000


def test_500_orders_at_once():
    site = Site()
    for number in range(500):
        site.send(capped(1000 - number, order_id=f"o{number}"))
    assert len(site.book.open_ids()) == 500
    assert site.book.cap(site.now).binding_order == "o499"
    assert site.restarted().book.cap(site.now) == site.book.cap(site.now)


def test_a_trajectory_with_a_gap():
    points = [{"at": at(seconds), "max_import_kw": kw} for seconds, kw in ((0, 500), (600, None), (1200, 300))]
    site = Site()
    site.send(capped(0, limit={"trajectory": points}))
    caps = []
    for _ in range(3):
        caps.append(site.book.cap(site.now).cap_w)
        site.now = site.now.later(601)
    assert caps == [500_000, None, 300_000]


def test_an_order_that_arrives_after_its_end():
    assert sent(capped(500, starts_at=at(-7200), ends_at=at(-3600))) == [
        "a r1 #1 received",
        "a r1 #2 accepted: late_receipt",
        "a r1 #3 active: late_receipt",
        "a r1 #4 ended: late_receipt",
        "a r1 #5 closed",
    ]


def test_an_order_by_telephone():
    source = {"number": "14", "issued_by": "I. Petrov", "taken_by": "Aigul", "received_via": "phone, read back"}
    site = Site()
    site.send(document(issuer="ops", order_class="operator", source_ref=source), transport="shell")
    assert site.book.view("a").order.document["source_ref"] == source


def test_an_order_for_another_farm():
    assert sent(document(site="elsewhere")) == ["a r1 #None rejected: foreign_site: it is for elsewhere"]


def test_a_cancel_of_what_was_never_ordered():
    assert sent(document(revision=4, status="cancelled", limit=None)) == [
        "a r4 #1 received",
        "a r4 #2 cancelled",
        "a r4 #3 closed",
    ]


def test_an_order_by_somebody_who_may_not():
    assert sent(document(issuer="grid")) == ["a r1 #None rejected: not_allowed: grid may not issue class law"]
    assert sent(document(issuer="eve")) == ["a r1 #None rejected: unknown_issuer: eve is not configured"]


def test_an_offer_nobody_answers():
    site = Site()
    site.send(capped(500, mandatory=False, ends_at=at(60)))
    assert site.tick(60) == ["a r1 #2 rejected: declined: its end passed without an answer"]


def test_more_than_its_issuer_may_shed():
    issuers = {**ISSUERS, "grid": Issuer(name="grid", classes=("contract",), unsigned=True, max_shed_w=100_000.0)}
    site = Site(trust=replace(TRUST, issuers=issuers))
    assert site.send(capped(500)) == ["a r1 #None rejected: not_allowed: it sheds 500 kW, grid may 100"]


def test_every_answer_stands_in_the_docs():
    told = DOCS.read_text(encoding="utf-8").lower()
    cases = [name.removeprefix("test_").replace("_", " ") for name in globals() if name.startswith("test_")]
    assert [case for case in cases if f"| {case} |" not in told and case != "every answer stands in the docs"] == []
