"""Black start: the farm loses its power under an order and has it back, the agent's host a minute and a half later."""

import numpy as np
import pytest

from tests.winter.judge import GRACE_S
from tests.winter.plan import power_cut
from tests.winter.season import DAY, HOUR, MINUTE, Season
from tests.winter.world import BOOT_S, FALL_S, STANDBY_W

MACHINES, BACK_S = 40, 90.0
CUT_S, DARK_S = 2 * HOUR, 20 * MINUTE
BACK_AT_S = CUT_S + DARK_S


class BlackStart(Season):
    """Forty machines that are all alike, three of five of which sleep on after a power cut; what was drawn, by time."""

    def __init__(self, folder):
        super().__init__(folder, seed=1, days=2.8 * HOUR / DAY, machines=MACHINES)
        self.close_s, self.each_second_s = 300.0, 100.0
        world = self.world
        world.nominal_w[:] = world.full_w[:] = world.start_w[:] = world.goal_w[:] = 3250.0
        world.nominal_ths[:], world.persists[:] = 110.0, np.arange(MACHINES) % 5 < 3
        self.full_kw = world.full_w.sum() / 1000
        self.drawn_w = []
        power_cut(self, CUT_S / (self.days * DAY), minutes=DARK_S / MINUTE, host_back_s=BACK_S)

    async def _step(self, seconds):
        await super()._step(seconds)
        self.drawn_w.append((self.world.t, self.world.draw_w()))

    def bind(self, limit, **told):
        """Have an order given at the first half hour that holds to the end, and look closely till then."""
        self.on(0.4 * HOUR, "ordered", lambda: self.order("held", told.pop("order_class"), limit, hours=24, **told))
        self.on(0.5 * HOUR, "begins", lambda: None)

    def over_s(self, cap_w, since_s):
        """Return for how long after an instant it was over a cap."""
        times = [t for t, _ in self.drawn_w]
        lengths = np.diff([*times, times[-1]])
        return sum(s for (t, w), s in zip(self.drawn_w, lengths, strict=True) if t > since_s and w > cap_w)


@pytest.fixture
def farm(tmp_path):
    return BlackStart(tmp_path)


async def test_a_farm_under_a_long_cap_comes_back_below_it_before_its_host_does(farm):
    cap_w = 0.6 * farm.full_kw * 1000
    farm.bind({"max_import_kw": cap_w / 1000}, order_class="contract", starts_s=0.5 * HOUR)
    slept = []
    farm.on(CUT_S - MINUTE, "asleep now", lambda: slept.extend(np.flatnonzero(farm.world.asleep)))
    await farm.run()
    assert farm.world.persists[slept].all()
    assert len(slept) == pytest.approx(0.4 * MACHINES, abs=2)
    assert farm.over_s(cap_w, 0.6 * HOUR) == 0.0
    assert not farm.world.wrong.wakes
    assert farm.world.draw_w() > 0.8 * cap_w
    assert [ack["state"] for ack in farm.broker.acks["held"]][:5] == [
        "received", "accepted", "scheduled", "active", "complied",
    ]  # fmt: skip


async def test_a_farm_under_a_stop_is_asleep_again_soon_and_nobody_is_woken(farm):
    farm.bind({"stop": True}, order_class="law", starts_s=0.5 * HOUR, by_issuer=True)
    await farm.run()
    stop_w = (farm.world.house_w + MACHINES * STANDBY_W) * 1.01
    assert farm.over_s(stop_w, 0.6 * HOUR) <= BACK_S + GRACE_S - BOOT_S + FALL_S
    assert farm.over_s(stop_w, BACK_AT_S + BACK_S + GRACE_S) == 0.0
    assert not farm.world.wrong.wakes
    assert farm.world.asleep.all()
    assert [ack["state"] for ack in farm.broker.acks["held"]][-1] == "complied"
