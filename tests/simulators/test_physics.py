import numpy as np
import pytest

from simulators.machines import Place
from simulators.mix import DEFAULT_MIX, allot, machine
from simulators.physics import IDLE_W, Level, Phase, Physics

pytestmark = pytest.mark.pure


def physics(count=30, seed=7, *, warm=True, **options):
    place = Place(host="127.10.0.1", port=4028, http_port=80)
    made = [machine(at, row, place, seed) for at, row in enumerate(allot(DEFAULT_MIX, count))]
    farm = Physics(made, seed, **options)
    if warm:
        farm.start_warm()
    return farm


def run(farm, seconds, dt_s=0.5):
    for _ in range(round(seconds / dt_s)):
        farm.step(dt_s)


def every(farm):
    return np.ones(farm.count, np.bool_)


def test_the_same_seed_and_steps_give_the_same_farm():
    one, two = physics(seed=3), physics(seed=3)
    run(one, 60)
    run(two, 60)
    assert np.array_equal(one.power_w, two.power_w)
    assert np.array_equal(one.averages_ths, two.averages_ths)
    assert not np.array_equal(one.power_w, physics(seed=4).power_w)


def test_a_warm_farm_draws_its_nameplate_within_the_bin_spread():
    farm = physics(count=400)
    run(farm, 30)
    off = farm.power_w / farm.nameplate_w
    assert 0.955 < off.min() < 0.985
    assert 1.015 < off.max() < 1.045


def test_the_energy_counter_is_the_sum_of_power_over_time():
    farm = physics()
    total = 0.0
    for _ in range(400):
        farm.step(0.5)
        total += farm.power_w.sum() * 0.5 / 3600
    assert farm.energy_wh.sum() == pytest.approx(total, rel=1e-9)


def test_a_cold_start_boots_warms_tunes_and_hashes_in_that_order():
    farm = physics(warm=False)
    seen = []
    for _ in range(900):
        farm.step(0.5)
        if not seen or seen[-1] != farm.phase[0]:
            seen.append(farm.phase[0])
    assert seen == [Phase.BOOTING, Phase.WARMING, Phase.TUNING, Phase.HASHING]


def test_tuning_draws_more_than_full_power_but_at_most_five_per_cent():
    farm = physics(warm=False)
    peak = np.zeros(farm.count)
    for _ in range(800):
        farm.step(0.5)
        peak = np.maximum(peak, farm.power_w)
    assert (peak > 1.02 * farm.full_w).all()
    assert (peak <= 1.051 * farm.full_w).all()


def test_a_machine_told_to_sleep_hashes_on_until_its_time_and_then_stands_by():
    farm = physics()
    farm.order_level(0, Level.SLEEP, 20)
    run(farm, 19)
    assert farm.power_w[0] > 0.9 * farm.full_w[0]
    run(farm, 20)
    assert farm.power_w[0] == pytest.approx(farm.standby_w[0], rel=0.05)
    assert farm.hashrate_ths[0] == 0


def test_low_mode_draws_its_share_of_power():
    farm = physics()
    farm.order_level(0, Level.LOW, 0)
    run(farm, 400)
    assert farm.power_w[0] / farm.full_w[0] == pytest.approx(0.75, abs=0.02)


def test_every_board_disabled_is_sleep_and_one_enabled_is_a_third():
    farm = physics()
    for board in range(3):
        farm.enable_board(-1, board, on=False)
    run(farm, 30)
    assert farm.phase[-1] == Phase.SLEEPING
    assert farm.power_w[-1] < 60
    farm.enable_board(-1, 1, on=True)
    run(farm, 300)
    assert farm.power_w[-1] / farm.full_w[-1] == pytest.approx(1 / 3, abs=0.03)


def test_without_a_pool_a_machine_idles_and_is_back_within_half_a_minute():
    farm = physics()
    farm.pool_alive[:] = False
    run(farm, 40)
    assert (farm.phase == Phase.IDLE).all()
    assert farm.power_w == pytest.approx(np.full(farm.count, IDLE_W), rel=0.02)
    farm.pool_alive[:] = True
    run(farm, 8)
    assert (farm.phase == Phase.IDLE).all()
    run(farm, 40)
    assert (farm.phase == Phase.HASHING).all()
    assert (farm.power_w > 0.98 * farm.full_w).all()


def test_a_power_cut_wakes_what_forgets_and_not_what_remembers():
    farm = physics()
    for at in (0, farm.count - 1):
        farm.order_level(at, Level.SLEEP, 0)
    run(farm, 10)
    farm.cut_power(every(farm))
    run(farm, 5)
    assert farm.power_w.sum() == 0
    farm.return_power(every(farm))
    run(farm, 400)
    assert farm.phase[0] == Phase.SLEEPING
    assert farm.phase[-1] == Phase.HASHING


def test_a_lost_board_costs_a_third_and_comes_back():
    farm = physics()
    farm.lose_board(every(farm))
    run(farm, 30)
    assert farm.hashrate_ths / farm.full_ths == pytest.approx(np.full(farm.count, 2 / 3), abs=0.03)
    farm.mend_boards(every(farm))
    run(farm, 30)
    assert farm.hashrate_ths / farm.full_ths == pytest.approx(np.ones(farm.count), abs=0.03)


def test_delays_scale_together():
    slow, fast = physics(warm=False), physics(warm=False, delay_scale=0.1)
    run(fast, 40, dt_s=0.1)
    run(slow, 40)
    assert (fast.phase == Phase.HASHING).all()
    assert not (slow.phase == Phase.HASHING).any()


def test_chips_heat_and_cool_with_inertia():
    farm = physics()
    hot = farm.chip_c[0]
    farm.order_level(0, Level.SLEEP, 0)
    run(farm, 5)
    assert hot - 15 > farm.chip_c[0] > farm.ambient_c + 15 or farm.chip_c[0] > farm.ambient_c + 25
    run(farm, 600)
    assert farm.chip_c[0] == pytest.approx(farm.ambient_c, abs=2)


def test_chips_beyond_their_limit_stop_the_machine_until_they_cool():
    farm = physics()
    farm.ambient_c = 85.0
    run(farm, 400)
    assert (farm.phase == Phase.FAULT).any()
    farm.ambient_c = 20.0
    run(farm, 900)
    assert (farm.phase == Phase.HASHING).all()
