"""Means over clock intervals: what is left of one is never less than what is drawn, where that keeps the mean."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.orders.averaging import Told, aligned, rolling
from agent.values import Moment

pytestmark = pytest.mark.pure
NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
CAP_W = 100_000.0


def allowance_w(second, mean_w, draw_w):
    now = Moment.trusted(NOON + timedelta(seconds=second), 1000.0)
    began = NOON - timedelta(hours=2)
    return aligned(
        Told(lambda _first, _last: mean_w), 900, cap_w=CAP_W, draw_w=draw_w, begins_at=began, now=now
    ).allowance_w


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99, 1.0])
def test_who_keeps_the_mean_is_not_sent_down_at_the_end_of_an_interval(share):
    drawn_w = share * CAP_W
    assert all(allowance_w(second, drawn_w, drawn_w) >= drawn_w for second in range(900))


def test_what_was_left_unused_may_be_drawn_until_the_end_and_calls_nobody_up():
    assert allowance_w(880, 0.5 * CAP_W, 1.5 * CAP_W) == 1.5 * CAP_W
    assert allowance_w(880, 0.5 * CAP_W, 0.5 * CAP_W) == CAP_W


def test_what_was_overdrawn_is_made_up_for_within_the_interval():
    assert allowance_w(450, 1.2 * CAP_W, 1.2 * CAP_W) == pytest.approx(0.8 * CAP_W)
    assert allowance_w(890, 1.2 * CAP_W, 1.2 * CAP_W) == 0.0


@pytest.mark.parametrize(
    ("second", "judged"), [(0, (1800, 900)), (59, (1859, 959)), (60, (960, 60)), (899, (1799, 899))]
)
def test_an_interval_is_judged_once_a_late_meter_has_told_all_of_it(second, judged):
    now, asked = Moment.trusted(NOON + timedelta(seconds=second), 1000.0), []
    told = Told(lambda first, last: asked.append((first, last)), late_s=60.0)
    aligned(told, 900, cap_w=CAP_W, draw_w=0.0, begins_at=NOON - timedelta(hours=2), now=now)
    assert asked[-1] == judged


def test_a_rolling_mean_ends_where_a_late_meter_has_told_all():
    assert rolling(Told(lambda first, last: first * 1000 + last, late_s=60.0), 900).mean_w == 960_060.0


@pytest.mark.parametrize("over", [0.001, 0.005, 0.02])
def test_a_little_too_much_at_the_end_of_an_interval_sheds_a_little(over):
    drawn_w = (1 + over) * CAP_W
    allowed_w = [allowance_w(second, CAP_W, drawn_w) for second in range(899)]
    assert all((1 - 2 * over) * CAP_W - 1 <= each_w <= CAP_W for each_w in allowed_w)
    assert allowed_w == sorted(allowed_w, reverse=True), "the later, the more: machines have less time to follow"
