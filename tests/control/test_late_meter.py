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

    def __init__(self, count, late_s=LATE_S):
        super().__init__(count)
        self.told_w = deque(maxlen=late_s)
        self.drawn_w = []

    def draw_w(self):
        self.drawn_w.append(super().draw_w())
        self.told_w.append(self.drawn_w[-1])
        return self.told_w[0]


def late_site(machines, tmp_path):
    site, late_s = Site(machines, tmp_path), machines.told_w.maxlen
    site.metering._site.policy = replace(site.metering._site.policy, delay_s=late_s)
    site.fleet.policy = replace(site.fleet.policy, meter_lag_s=late_s + 7.0, meter_rise_s=late_s + 2.0)
    site.metering._rest = RestObserver(memory_s=3 * late_s)
    return site


CAP_KW = (HOUSE_W + 5.5 * FULL_W + 4.5 * STANDBY_W) / 1000
ASKED = {"class": "contract", "limit": {"max_import_kw": CAP_KW}, "measure": {"over_s": 900, "aligned": True}}


def test_figures_of_a_meter_that_is_late_are_of_when_they_were_measured():
    meter, at = Instrument(MeterPolicy(id="m", delay_s=LATE_S), 0.0), Moment.trusted(START, 0.0)
    for second in range(200):
        meter.heard(Said(power_w=40_000.0 if second < 120 else 10_000.0), at.later(second))
    assert meter.trail.mean_w(0.0, 99.0) == pytest.approx(40_000.0)
    assert meter.trail.mean_w(105.0, 179.0) == pytest.approx(10_000.0)


async def test_a_cap_on_a_mean_sheds_no_more_while_a_late_meter_still_shows_what_was_drawn_before(tmp_path):
    machines = Late(10)
    site = late_site(machines, tmp_path)
    await site.live(830)
    await site.order(**ASKED)
    asleep = []
    for _ in range(65):
        await site.live(1)
        asleep.append(len(machines.asleep))
    assert max(asleep) <= 7, asleep
    await site.close()


@pytest.mark.parametrize("silent_s", [0, 25])
async def test_an_interval_is_acked_by_what_a_late_meter_told_of_all_of_it_not_by_beliefs(tmp_path, silent_s):
    machines = Late(10, late_s=60)
    site = late_site(machines, tmp_path)
    await site.live(780, step_s=5)
    await site.live(60)
    await site.order(**ASKED)
    machines.dead.update(machines.hosts if silent_s else ())
    machines.drawn_w.clear()
    await site.live(silent_s)
    machines.dead.clear()
    await site.live(60 - silent_s)
    is_kept = sum(machines.drawn_w) / len(machines.drawn_w) <= CAP_KW * 1000
    assert is_kept is not bool(silent_s)
    await site.live(57)
    assert site.states()[-1] == "active"
    await site.live(5)
    assert site.states()[-1] == ("complied" if is_kept else "active")
    await site.close()


def test_what_nothing_at_the_site_can_give_is_no_figure_however_often_it_is_told():
    meter, at = Instrument(MeterPolicy(id="m", most_w=100_000.0), 0.0), Moment.trusted(START, 0.0)
    assert [meter.heard(Said(power_w=40_000.0), at.later(second)) for second in range(3)][-1] == 40_000.0
    assert {meter.heard(Said(power_w=-1e6), at.later(second)) for second in range(3, 60)} == {None}
    assert not meter.state(60.0).fresh
    assert meter.trail.mean_w(0.0, 60.0) == pytest.approx(40_000.0)
