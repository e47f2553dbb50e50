"""That the winter's judge sees what it is there for: what could have been shed, wakes, alarms, who was forgotten."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from agent.facts import OrderMoved
from drivers.interface import LimitPower, Sleep, Wake
from tests.winter.broker import Ordered
from tests.winter.judge import BACK_S, GRACE_S, MOST_ALARMS, Judge
from tests.winter.proof import failures
from tests.winter.season import BEGAN
from tests.winter.world import World


class Told:
    """A season in which nobody acts: the agent is there and knows every order, and does nothing."""

    close_s, closely_until = 1800.0, 0.0

    def __init__(self, *ordered):
        self.world = World(4, BEGAN, np.random.default_rng(1))
        self.ordered = {told.order_id: told for told in ordered}
        self.known = SimpleNamespace(order=SimpleNamespace(revision=1))
        self.life = SimpleNamespace(built=SimpleNamespace(book=SimpleNamespace(view=lambda _order_id: self.known)))
        self.broker = SimpleNamespace(up=True)
        self.judge = Judge(self)
        for told in ordered:
            self.judge.published(told)

    @property
    def at(self):
        return BEGAN + timedelta(seconds=self.world.t)

    def live(self, seconds, step_s=1.0):
        for _ in range(int(seconds / step_s)):
            self.world.pass_by(step_s)
            self.judge.look(step_s)
        return self


def stop():
    return Ordered("law", "law", {"stop": True}, BEGAN, None, by_issuer=True)


def test_who_could_have_been_shed_counts_once_there_was_time():
    season = Told(stop()).live(GRACE_S - 1)
    assert season.judge.avoidable_s == 0
    assert season.live(60).judge.avoidable_s == pytest.approx(60, abs=2)


def test_the_time_to_comply_begins_when_an_order_arrives_and_again_with_what_revises_it():
    season = Told(stop())
    season.broker.up, first, season.known = False, season.known, None
    assert season.live(GRACE_S + 60).judge.avoidable_s == 0
    season.broker.up, season.known = True, first
    assert season.live(GRACE_S - 1).judge.avoidable_s == 0
    assert season.live(60).judge.avoidable_s == pytest.approx(60, abs=2)
    [order] = season.ordered.values()
    order.revisions.append(2)
    season.known = SimpleNamespace(order=SimpleNamespace(revision=2))
    assert season.live(GRACE_S - 1).judge.avoidable_s == pytest.approx(60, abs=2)
    assert not season.world.wrong.others


@pytest.mark.parametrize("why", ["lying", "mute", "fighting"])
def test_who_could_not_be_shed_does_not(why):
    season = Told(stop())
    getattr(season.world, why)[:] = True
    assert season.live(GRACE_S + 60).judge.avoidable_s == 0


def test_a_command_that_wakes_under_a_stop_is_wrong_and_one_that_lowers_is_not():
    season = Told(stop()).live(1)
    for command in (Sleep(), Wake(), LimitPower(limit_w=2000.0)):
        season.world.told(0, command)
    assert [what for _, _, what, _ in season.world.wrong.wakes] == ["Wake"]


def test_whom_a_hand_has_locked_nobody_may_wake_though_nothing_binds():
    season = Told()
    season.world.locked[2] = True
    season.world.told(2, Sleep())
    season.world.told(2, LimitPower(limit_w=2000.0))
    assert [row for _, row, _, _ in season.world.wrong.wakes] == [2]


def test_who_sleeps_long_after_all_trouble_is_missed():
    season = Told()
    season.world.told(0, Sleep())
    season.live(BACK_S + 1800, step_s=30.0)
    assert season.judge.lost_hours == pytest.approx(0.5, abs=0.05)


def test_more_alarms_in_an_hour_than_a_watch_can_bear_are_told():
    season = Told()
    for number in range(MOST_ALARMS + 1):
        fact = OrderMoved(at=season.at, order_id=f"o{number}", revision=1, seq=4, event="breach", state="violated")
        season.judge.heard([fact, fact])
    assert any("7 alarms in an hour" in told for told in failures(season))
