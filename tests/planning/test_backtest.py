"""The back-test: foresight against every sequence there is, and what nobody can beat; a made year of prices."""

from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inputs.made_prices import made_prices
from agent.planning.backtest import Level, Year, backtest
from agent.planning.price import PricePolicy

pytestmark = pytest.mark.pure
LADDER = (
    Level(power_w=3000, hashrate_ths=100),
    Level(power_w=2000, hashrate_ths=75),
    Level(power_w=20, hashrate_ths=0),
)
PER_THS_H = 0.002  # full breaks even at 0.0667 a kWh


def year(*prices, step_s=900.0, wake_s=600.0):
    return Year(prices=np.array(prices), step_s=step_s, per_ths_h=PER_THS_H, wake_s=wake_s)


def policy(**told):
    return PricePolicy(**{"min_on_s": 0, "min_off_s": 0, "hysteresis": 0, **told})


def made(*told):
    return {one.name: one for one in backtest(*told)}


def worth(steps, prices, wear, hours=0.25, wake_h=1 / 6):
    """What a sequence of levels makes, worked out interval by interval."""
    money, before = 0.0, 0
    for step, price in zip(steps, prices, strict=True):
        level = LADDER[step]
        money += level.hashrate_ths * PER_THS_H * hours - level.power_w / 1000 * price * hours
        if before == 2 and step != 2:
            money -= wear + level.hashrate_ths * PER_THS_H * wake_h
        before = step
    return money


PRICES = st.lists(st.floats(-0.1, 0.3), min_size=1, max_size=5)


@settings(max_examples=40)
@given(PRICES, st.floats(0, 0.2))
def test_foresight_is_the_best_of_all_sequences(prices, wear):
    found = made([LADDER], year(*prices), policy(restart_cost=wear))["perfect foresight"]
    best = max(worth(steps, prices, wear) for steps in product(range(3), repeat=len(prices)))
    assert found.money == pytest.approx(best, abs=1e-9)


@settings(max_examples=40)
@given(st.lists(st.floats(-0.1, 0.3), min_size=1, max_size=40), st.floats(0, 0.2), st.integers(0, 3))
def test_nobody_beats_foresight_and_sums_are_those_of_their_parts(prices, wear, waits):
    told = policy(restart_cost=wear, min_on_s=900 * waits, min_off_s=900 * waits, hysteresis=0.05)
    found = made([LADDER, LADDER[::2]], year(*prices), told)
    for one in found.values():
        assert one.money <= found["perfect foresight"].money + 1e-9
        assert one.money == pytest.approx(one.revenue - one.energy_cost - one.start_cost)
    assert found["always on"].kwh == pytest.approx(6.0 * 0.25 * len(prices))
    assert (found["never on"].revenue, found["always on"].starts) == (0, 0)


def test_acting_keeps_its_least_times_and_pays_for_starts():
    """Off at 0.2 for at least an hour, so that the cheap half hour in between is lost; then one start."""
    prices = (0.01, 0.2, 0.2, 0.01, 0.01, 0.01, 0.01, 0.01)
    found = made([LADDER], year(*prices), policy(min_off_s=3600, restart_cost=0.01))["acting on price"]
    assert (found.on_h, found.starts) == (1.0, 1.0)
    assert found.start_cost == pytest.approx(0.01 + 0.2 / 6)


def test_a_made_year_has_its_days_of_23_and_25_hours_and_is_the_same_each_time():
    zone = ZoneInfo("Europe/Berlin")
    prices = made_prices(2026, zone, 1)
    assert len(prices.values) == 365 * 96
    assert prices.end.astimezone(zone).isoformat() == "2027-01-01T00:00:00+01:00"
    assert prices == made_prices(2026, zone, 1)
    assert prices.values != made_prices(2026, zone, 2).values
    assert sum(price < 0 for price in prices.values) > 200
    assert max(prices.values) > 500
