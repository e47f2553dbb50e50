"""A billing meter that is late: its figures are of when they were measured; what was shed since is drawn no more."""

from collections import deque
from dataclasses import replace

import pytest

from agent.control.instrument import Instrument, MeterPolicy, Said
from agent.fleet.power import RestObserver
from agent.values import Moment
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, START, Machines, Site

LATE_S = 20


class Late(Machines):
    """Machines whose draw a meter tells only after a while."""

    def __init__(self, count):
        super().__init__(count)
        self.told_w = deque(maxlen=LATE_S)

    def draw_w(self):
        self.told_w.append(super().draw_w())
        return self.told_w[0]


def test_figures_of_a_meter_that_is_late_are_of_when_they_were_measured():
    meter, at = Instrument(MeterPolicy(id="m", delay_s=LATE_S), 0.0), Moment.trusted(START, 0.0)
    for second in range(200):
        meter.heard(Said(power_w=40_000.0 if second < 120 else 10_000.0), at.later(second))
    assert meter.trail.mean_w(0.0, 99.0) == pytest.approx(40_000.0)
    assert meter.trail.mean_w(105.0, 179.0) == pytest.approx(10_000.0)


async def test_a_cap_on_a_mean_sheds_no_more_while_a_late_meter_still_shows_what_was_drawn_before(tmp_path):
    machines = Late(10)
    site = Site(machines, tmp_path)
    site.metering._site.policy = replace(site.metering._site.policy, delay_s=LATE_S)
    site.fleet.policy = replace(site.fleet.policy, meter_lag_s=LATE_S + 7.0, meter_rise_s=LATE_S + 2.0)
    site.metering._rest = RestObserver(memory_s=3 * LATE_S)
    await site.live(830)
    kw = (HOUSE_W + 5.5 * FULL_W + 4.5 * STANDBY_W) / 1000
    await site.order(**{"class": "contract"}, limit={"max_import_kw": kw}, measure={"over_s": 900, "aligned": True})
    asleep = []
    for _ in range(65):
        await site.live(1)
        asleep.append(len(machines.asleep))
    assert max(asleep) <= 7, asleep
    await site.close()


def test_what_nothing_at_the_site_can_give_is_no_figure_however_often_it_is_told():
    meter, at = Instrument(MeterPolicy(id="m", most_w=100_000.0), 0.0), Moment.trusted(START, 0.0)
    assert [meter.heard(Said(power_w=40_000.0), at.later(second)) for second in range(3)][-1] == 40_000.0
    assert {meter.heard(Said(power_w=-1e6), at.later(second)) for second in range(3, 60)} == {None}
    assert not meter.state(60.0).fresh
    assert meter.trail.mean_w(0.0, 60.0) == pytest.approx(40_000.0)
