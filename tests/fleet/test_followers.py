"""Cooling that follows the machines: it is expected back with them, until it has come or has had its time."""

import pytest

from agent.fleet.followers import FOLLOWS_S, Followers

pytestmark = pytest.mark.pure
FULL_W, ASLEEP_W, FANS_W, REST_W = 1_000_000.0, 10_000.0, 40_000.0, 20_000.0


class Farm:
    """Machines, and fans that follow them after `delay_s`; looked at each ten seconds."""

    def __init__(self, delay_s=300.0):
        self.followers, self.mono, self.delay_s = Followers(), 0.0, delay_s
        self.load_w, self.past = FULL_W, []

    def house_w(self):
        then = [load for at, load in self.past if at <= self.mono - self.delay_s]
        return REST_W + FANS_W * (then[-1] if then else FULL_W) / FULL_W

    def run(self, seconds, *, sharp=True):
        for _ in range(int(seconds / 10)):
            self.mono += 10.0
            self.past.append((self.mono, self.load_w))
            if sharp:
                self.followers.observe(self.load_w, self.house_w(), self.mono)
            else:
                self.followers.moved(self.load_w, self.mono)
        return self

    def expected_w(self):
        return self.followers.expected_w(self.load_w, self.mono)


@pytest.fixture
def restored():
    """Return a farm that ran, slept for an hour, and wakes by halves."""
    farm = Farm().run(1200)
    farm.load_w = ASLEEP_W
    farm.run(3600)
    farm.load_w = FULL_W / 2
    return farm.run(60)


def test_fans_that_fell_with_the_machines_are_expected_back_with_those_that_rose(restored):
    assert restored.followers.share == pytest.approx(FANS_W / FULL_W)
    assert restored.expected_w() == pytest.approx(0.49 * FANS_W)
    restored.load_w = FULL_W
    assert restored.run(60).expected_w() == pytest.approx(0.99 * FANS_W)


def test_nothing_is_expected_any_more_once_they_have_come(restored):
    assert restored.run(400).expected_w() == pytest.approx(0.0, abs=1.0)


def test_nor_once_they_have_had_their_time_whatever_was_seen(restored):
    assert restored.run(FOLLOWS_S + 10, sharp=False).expected_w() == 0.0


def test_a_house_that_follows_nobody_is_expected_nowhere():
    farm = Farm(delay_s=1e9).run(1200)
    farm.load_w = ASLEEP_W
    farm.run(3600)
    farm.load_w = FULL_W
    assert farm.run(60).expected_w() == 0.0
    assert farm.followers.share == 0.0


def test_fans_that_still_run_on_after_a_shed_are_no_cooling_that_must_come_back():
    farm = Farm().run(1200)
    farm.load_w = ASLEEP_W
    assert farm.run(60).expected_w() == 0.0


def test_before_it_was_steady_beside_all_machines_nothing_is_known():
    farm = Farm().run(600)
    farm.load_w = ASLEEP_W
    farm.run(600)
    farm.load_w = FULL_W
    assert farm.run(10).expected_w() == 0.0
