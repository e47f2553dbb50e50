"""Orders while the host's clock is doubted: two clocks count, and neither takes an order's time or ends it alone."""

from datetime import timedelta

import pytest

from agent.values import Moment
from tests.orders.site import ASLEEP, RUNNING, T0, Site, at, capped, complied, document

pytestmark = pytest.mark.pure


def test_with_an_untrusted_clock_a_limit_starts_by_either_clock_and_ends_by_both():
    site = Site()
    site.send(capped(500, starts_at=at(600), ends_at=at(1200)))
    site.now = Moment(at=T0, mono=200, earliest=T0, latest=T0 + timedelta(seconds=600))
    assert site.tick(0) == ["a r1 #4 active: untrusted_clock"]
    site.now = Moment(at=T0, mono=210, earliest=T0, latest=T0 + timedelta(seconds=1300))
    assert "ended" not in " ".join(site.tick(0))
    site.now = Moment.trusted(T0 + timedelta(seconds=1200), 220)
    assert "a r1 #6 ended" in site.tick(0)


def doubted(*, earliest=-600, latest=600, mono=200):
    """Return T0 as two clocks have it."""
    return Moment(at=T0, mono=mono, earliest=T0 + timedelta(seconds=earliest), latest=T0 + timedelta(seconds=latest))


def test_a_doubted_clock_is_named_only_where_doubt_decides():
    site = Site()
    site.now = doubted()
    assert site.send(document(starts_at=at(-700), comply_by_s=7200, ends_at=at(3600)))[-1] == "a r1 #3 active"
    site.observed = ASLEEP
    site.now = doubted(mono=300)
    site.tick(0)
    site.now = doubted(mono=320)
    assert site.tick(0) == ["a r1 #4 complied"]
    site.send(document(revision=2, status="cancelled"))
    assert not any("untrusted_clock" in (ack["reason"] or "") for ack in site.acks())


def test_a_limit_that_only_one_clock_keeps_or_has_overdue_says_so():
    kept = complied(ends_at=at(300))
    kept.now, kept.observed = doubted(), RUNNING
    assert [line.endswith("untrusted_clock") for line in kept.tick(0)] == [True]
    overdue = Site()
    overdue.send(document(starts_at=at(200), comply_by_s=300))
    overdue.now = Moment(at=at_s(310), mono=410, earliest=at_s(310), latest=at_s(910))
    assert [line.endswith("untrusted_clock") for line in overdue.tick(0)] == [False, True]


def test_an_order_that_begins_by_a_clock_which_may_be_wrong_has_its_time_to_comply_from_then():
    site = Site()
    site.send(document(starts_at=at(1000), comply_by_s=300))
    site.now = Moment(at=at_s(400), mono=400, earliest=at_s(400), latest=at_s(4000))
    assert site.tick(0) == ["a r1 #4 active: untrusted_clock"]
    assert site.wait(299) == []
    assert site.wait(2) == ["a r1 #5 violated: awake: 300 not asleep; untrusted_clock"]


def at_s(seconds):
    return T0 + timedelta(seconds=seconds)


def test_no_clock_takes_the_time_to_comply_from_an_order_that_has_just_come():
    site = Site()
    site.now = Moment(at=T0, mono=200, earliest=T0, latest=at_s(3600))
    assert site.send(document(starts_at=at(60), comply_by_s=300))[-1] == "a r1 #3 active: untrusted_clock"
    site.now = Moment(at=at_s(299), mono=499, earliest=at_s(299), latest=at_s(3899))
    assert site.tick(0) == []
    site.now = Moment(at=at_s(300), mono=500, earliest=at_s(300), latest=at_s(3900))
    assert site.tick(0) == ["a r1 #4 violated: awake: 300 not asleep; untrusted_clock"]


def test_a_clock_that_goes_back_takes_nothing_back():
    site = complied(starts_at=at(0))
    site.now = Moment.trusted(T0 - timedelta(days=30), 1000)
    assert site.tick(0) == []
    assert site.book.cap(site.now).stop


def test_a_cancel_lets_go_though_one_of_two_clocks_is_years_before_it():
    site = complied()
    years_ago = T0 - timedelta(days=20_000)
    site.now = Moment(at=site.now.at, mono=site.now.mono + 1, earliest=years_ago, latest=site.now.at)
    site.send(document(revision=2, status="cancelled"))
    site.tick(0)
    assert site.book.cap(site.now).cap_w is None
    assert site.state() == "closed"
