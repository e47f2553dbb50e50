"""Limits on a mean, over the lives of their orders: revisions, restarts, and what counts into the interval."""

import json
from dataclasses import replace

import pytest
from msgspec import structs

from agent.facts import OrderReceived
from tests.orders.site import ASLEEP, FULL_W, RUNNING, Site, at, capped, document

pytestmark = pytest.mark.pure
OVERLONG = {"over_s": 70_000_000_000, "aligned": True}
ALIGNED = {"measure": {"over_s": 900, "aligned": True}}


def test_a_stop_that_is_judged_by_a_mean_still_wants_everybody_asleep():
    site = Site()
    site.send(document(measure={"over_s": 600}))
    site.observed = replace(ASLEEP, awake_reachable=1, means=lambda _first, _last: 54_000.0)
    assert site.wait(299) == []
    site.observed = replace(site.observed, awake_reachable=0)
    assert site.tick(1) == ["a r1 #4 complied"]


def test_a_mean_over_more_than_a_month_is_refused_where_it_comes_in():
    site = Site()
    assert site.send(capped(300, measure={"over_s": 2_678_401})) == [
        "a r1 #None rejected: bad_value: measure.over_s: must be at most 2678400, which is 31 days"
    ]
    assert "rejected" not in site.send(capped(300, measure={"over_s": 2_678_400, "aligned": True}))[0]


def test_an_order_remembered_with_a_longer_mean_stops_nobody_and_can_be_taken_back():
    site = Site()
    site.send(capped(300, measure={"over_s": 900, "aligned": True}))
    told = json.dumps(capped(300, measure=OVERLONG))
    site.facts = [
        structs.replace(fact, document=told) if isinstance(fact, OrderReceived) else fact for fact in site.facts
    ]
    site = site.restarted()
    site.observed = replace(RUNNING, means=lambda _long_s, _short_s: FULL_W)
    site.send(document(order_id="law"))
    assert site.wait(400, 100)[-1].startswith("law")
    cancel = capped(300, revision=2, status="cancelled", measure=OVERLONG)
    assert "a r2 #5 cancelled" in site.send(cancel)


def test_energy_drawn_in_a_clock_interval_counts_on_after_a_revision_that_asks_for_the_same():
    site = Site()
    drawn_w = 400_000.0
    site.observed = replace(RUNNING, meter_w=drawn_w, means=lambda _first, _last: drawn_w)
    asked = {"measure": {"over_s": 900, "aligned": True}}
    site.send(capped(300, **asked))
    site.tick(300)
    site.send(capped(300, **asked, revision=2, note="by letter too"))
    site.tick(300)
    assert site.book.cap(site.now).cap_w == pytest.approx((300_000 * 900 - drawn_w * 600) / 300)
    site = site.restarted()
    site.tick()
    assert site.book.cap(site.now).cap_w == pytest.approx(100_000)
    site.send(capped(250, **asked, revision=3))
    site.tick(60)
    assert site.book.cap(site.now).cap_w == pytest.approx((250_000 * 300 - drawn_w * 60) / 240)


def free_for_240_s(revision: dict[str, object]) -> Site:
    """Return a site four minutes into an interval: what bound gave way to a revision that waits."""
    site = Site()
    site.observed = replace(RUNNING, meter_w=300_000.0, means=lambda _first, _last: 300_000.0)
    site.send(capped(300, **ALIGNED))
    site.tick(900)
    site.send(capped(300, **ALIGNED, revision=2, **revision))
    assert site.book.cap(site.now).cap_w is None
    site.tick(240)
    site.observed = replace(site.observed, means=lambda first_s, _last_s: 300_000.0 if first_s <= 60 else 900_000.0)
    return site


def keeps_within_60_s(site: Site) -> bool:
    site = site.restarted()
    site.tick()
    site.tick(60)
    return site.book.cap(site.now).cap_w == pytest.approx(300_000)


def test_what_is_drawn_before_a_revisions_start_does_not_count():
    assert keeps_within_60_s(free_for_240_s({"starts_at": at(1140)}))
    site = free_for_240_s({"starts_at": at(1800)})
    site.send(capped(300, **ALIGNED, revision=3))
    assert keeps_within_60_s(site)


def test_what_is_drawn_while_a_revision_waits_as_an_offer_does_not_count():
    site = free_for_240_s({"mandatory": False})
    site.take(site.book.answer("a", accept=True, by="eve", now=site.now, observed=site.observed))
    assert keeps_within_60_s(site)
    site = free_for_240_s({"mandatory": False})
    site.send(capped(300, **ALIGNED, revision=3))
    assert keeps_within_60_s(site)
