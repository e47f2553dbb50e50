"""Energy by metering intervals: the parts add up to the meter, over starts, stops and absences."""

from datetime import timedelta

import pytest

from agent.facts import EnergyInterval, MeterInterval
from tests.control.site import FULL_W, HOUSE_W, START, Machines, Site

QUARTER_S = 900
FULL_WH = (5 * FULL_W + HOUSE_W) / 4


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(5), tmp_path)
    yield made
    await made.close()


async def intervals(site):
    await site.ledger.since(0)  # what was noted is written before
    return [fact for fact in site.ledger.replay() if isinstance(fact, EnergyInterval)]


async def test_a_whole_interval_is_what_the_meter_says_and_its_parts_add_up(site):
    await site.live(2 * QUARTER_S + 10, step_s=5)
    first, whole = await intervals(site)
    assert first.quality == "partial"
    assert (whole.start, whole.end) == (START + timedelta(minutes=15), START + timedelta(minutes=30))
    assert (whole.quality, whole.source) == ("measured", "meter")
    assert whole.site_wh == round(FULL_WH)
    assert whole.site_wh == whole.miners_wh + whole.house_wh + whole.unexplained_wh
    assert whole.feeders == {"site": whole.miners_wh} == {"site": round(5 * FULL_W / 4)}
    assert whole.hashed_th == 5 * 100.0 * QUARTER_S
    [told] = [f for f in site.ledger.replay() if isinstance(f, MeterInterval) and f.start == whole.start]
    assert whole.site_wh == round(told.mean_w / 4)
