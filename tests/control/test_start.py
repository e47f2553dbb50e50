"""The first two poll rounds of a life: only a meter above the cap sheds, and nothing is woken before it is heard."""

import pytest

from tests.control.site import HOUSE_W, STANDBY_W, Machines, Site

CONNECTION_W = 10_000.0


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(4), tmp_path)
    yield made
    await made.close()


async def lived(site, seconds, meter_w):
    """Let time pass as `live` does, with a meter that says this, or nothing."""
    for _ in range(seconds):
        await site.clock.advance(1.0)
        now = site.clock.now()
        if meter_w is not None:
            site.metering.heard(meter_w, None, now)
        site.poller.poll_due(now.mono)
        await site.controller.tick()


def capped(site):
    """Let the connection be less than what the machines are believed to draw."""
    object.__setattr__(site.controller.limits.tree, "cap_w", (CONNECTION_W,))


async def test_beliefs_alone_shed_nobody_until_two_rounds_are_over(site):
    capped(site)
    await lived(site, 19, None)
    assert site.machines.told == []
    await lived(site, 15, None)
    assert site.machines.told


async def test_a_meter_above_the_cap_sheds_at_once(site):
    capped(site)
    await lived(site, 19, 17_000.0)
    assert site.machines.asleep


async def test_nobody_is_woken_before_the_meter_is_heard_or_two_rounds_are_over(site):
    site.machines.asleep = set(site.machines.hosts)
    await lived(site, 19, None)
    assert site.machines.told == []
    await lived(site, 15, None)
    assert site.machines.asleep == set()


async def test_a_stop_that_was_there_before_anybody_was_known_allows_in_the_end_no_more_than_standby(site):
    site.machines.dead.add(site.machines.hosts[0])  # nobody ever hears what it is
    await site.order()
    unknown_w = site.fleet.view(site.clock.now().mono).step_w[0, 0]
    assert site.book.view("o1").last_ack.cap_w >= 4 * unknown_w
    await site.live(60)
    assert site.book.view("o1").last_ack.cap_w == pytest.approx((HOUSE_W + unknown_w + 3 * STANDBY_W) * 1.01, abs=0.1)
