"""What is held back for machines that rise: all that they may come to draw, less what the meter shows of them."""

import pytest

from agent.planning.situation import Policy
from tests.planning.plant import STANDBY_W, Nature, Plant

pytestmark = pytest.mark.pure

N, FULL_W, HOUSE_W = 40, 3000.0, 5_000.0
ALL_W = N * FULL_W + HOUSE_W


def waking(connection: float, *, house_w: float = HOUSE_W) -> Plant:
    """Return machines that say no watts and wake in two minutes, all asleep, as an order ends; a ramp of a minute."""
    nature = Nature(spread=(1.0,) * N, average_s=(60.0,) * N, wake_s=(120.0,) * N)
    policy = Policy(restore_w_per_s=N * FULL_W / 60)
    plant = Plant(
        [FULL_W] * N, nature=nature, asleep=True, connection_w=connection * ALL_W, policy=policy, house_w=house_w
    )
    return plant.set(cap_w=HOUSE_W + N * STANDBY_W, stop=True, law=True, may_step=True).run(40).set()


def woken_after_s(plant: Plant) -> int:
    """Run until everybody is set to full, and return how long that took."""
    for second in range(400):
        if not (plant.fleet.setpoint > 0).any():
            return second
        plant.run(1)
    return 400


def test_those_that_the_meter_shows_to_have_risen_do_not_keep_the_others_waiting():
    plant = waking(1.12)
    assert woken_after_s(plant) <= 90
    plant.run(200)
    assert max(plant.draws) <= 1.12 * ALL_W


def test_machines_out_of_reach_are_not_taken_for_those_that_the_meter_shows():
    plant = waking(1.05)
    plant.world.reachable[: N // 2] = False
    plant.run(60)
    plant.world.asleep[: N // 2] = False
    plant.run(200)
    assert max(plant.draws) <= 1.05 * ALL_W


def test_a_house_that_grows_while_they_wake_is_seen_before_the_connection_is_passed():
    plant = waking(1.08)
    plant.run(30)
    plant.world.house_w += HOUSE_W
    plant.run(300)
    assert max(plant.draws) <= 1.08 * ALL_W


@pytest.mark.parametrize("knows", [True, False])
def test_fans_that_come_back_after_the_machines_are_left_room_for_where_they_were_seen_to_follow(*, knows: bool):
    """Fans of a tenth of what machines draw come two minutes after them, beneath a limit that leaves out a fifth."""
    limit_w, share, delay_s = 0.8 * 1.1 * ALL_W, 0.1, 120
    plant = waking(0.8 * 1.1)
    if knows:
        for at in range(0, 2000, 100):
            plant.followers.observe(N * FULL_W, HOUSE_W + share * N * FULL_W, at - 9000.0)
        plant.followers.observe(N * STANDBY_W, HOUSE_W, -1.0)
    past = [N * STANDBY_W] * delay_s
    for _ in range(400):
        past.append(float(plant.world.power_w.sum()))
        plant.world.house_w = HOUSE_W + share * past[-delay_s - 1]
        plant.followers.moved(float(plant.fleet.believed_w.sum()), plant.now)
        plant.run(1)
    assert (max(plant.draws) <= limit_w) is knows
