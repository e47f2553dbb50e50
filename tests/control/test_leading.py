"""Ramps that begin before an order does, as early as they must and no earlier."""

from datetime import timedelta

import pytest

from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, Machines, Site

COUNT = 8
CAP_KW = (HOUSE_W + 2 * FULL_W + 6 * STANDBY_W) / 1000 + 0.5
RAMP = 3.0  # kW a minute: one machine each


@pytest.fixture
def machines():
    return Machines(COUNT)


async def ordered(machines, tmp_path, **told):
    site = Site(machines, tmp_path)
    await site.live(60)
    starts_at = site.clock.now().at + timedelta(seconds=900)
    document = {"class": "contract", "limit": {"max_import_kw": CAP_KW}, "ramp_kw_per_min": RAMP, "comply_by_s": 60}
    await site.order(**{**document, "starts_at": starts_at.isoformat(), **told})
    return site


async def test_a_ramp_begins_before_the_start_and_ends_by_it(machines, tmp_path):
    site = await ordered(machines, tmp_path)
    first = None
    await site.live(400, step_s=10.0)
    assert not machines.asleep
    for second in range(400, 900):
        await site.live(1)
        if machines.asleep and first is None:
            first = second
    assert len(machines.asleep) == 6
    assert 900 - 7 * 60 <= first <= 900 - 4 * 60
    await site.live(30)
    assert site.states() == ["received", "accepted", "scheduled", "active", "complied"]
    await site.close()


async def test_nothing_is_shed_before_the_start_where_that_is_forbidden_or_there_is_no_ramp(machines, tmp_path):
    site = await ordered(machines, tmp_path, lead="forbidden")
    starts_at = site.clock.now().at + timedelta(seconds=900)
    await site.order(order_id="o2", limit={"max_import_kw": CAP_KW}, starts_at=starts_at.isoformat())
    await site.live(600, step_s=10.0)
    await site.live(295)
    assert not machines.asleep
    await site.close()


async def test_a_falling_trajectory_is_met_at_each_of_its_points(machines, tmp_path):
    site = Site(machines, tmp_path)
    await site.live(60)
    now = site.clock.now().at
    points = [(0, 40.0), (600, CAP_KW + 2 * FULL_W / 1000), (1200, CAP_KW)]
    trajectory = [{"at": (now + timedelta(seconds=at)).isoformat(), "max_import_kw": kw} for at, kw in points]
    await site.order(**{"class": "contract"}, limit={"trajectory": trajectory}, ramp_kw_per_min=RAMP, comply_by_s=30)
    over = []
    for second in range(0, 1300, 2):
        await site.live(2, step_s=2.0)
        cap_w = site.book.cap(site.clock.now()).cap_w
        over += [second] if machines.draw_w() > cap_w else []
    assert over == []
    assert len(machines.asleep) == 6
    assert "violated" not in site.states()
    await site.close()


async def test_a_slope_is_told_in_steps(machines, tmp_path):
    site = Site(machines, tmp_path)
    await site.live(60)
    now = site.clock.now().at
    trajectory = [
        {"at": (now + timedelta(seconds=at)).isoformat(), "max_import_kw": kw} for at, kw in ((0, 40.0), (600, 20.0))
    ]
    await site.order(**{"class": "contract"}, limit={"trajectory": trajectory, "interpolate": "linear"})
    await site.live(620)
    told = [fact for fact in site.ledger.replay() if type(fact).__name__ == "CapChanged"]
    assert 10 <= len(told) <= 60
    assert abs(told[-1].cap_w - 20_000) < 500
    await site.close()


async def test_a_contracts_stop_keeps_to_its_ramp(machines, tmp_path):
    site = Site(machines, tmp_path)
    await site.live(60)
    await site.order(**{"class": "contract"}, ramp_kw_per_min=RAMP * 4, comply_by_s=0)
    await site.live(30)
    assert 1 <= len(machines.asleep) <= 4
    await site.live(240)
    assert len(machines.asleep) == COUNT
    assert site.states()[-1] == "complied"
    assert site.book.cap(site.clock.now()).stop
    await site.close()


async def test_a_laws_stop_steps(machines, tmp_path):
    site = Site(machines, tmp_path)
    await site.live(60)
    await site.order(ramp_kw_per_min=RAMP)
    await site.live(20)
    assert len(machines.asleep) == COUNT
    await site.close()
