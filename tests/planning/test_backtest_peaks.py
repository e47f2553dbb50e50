"""A back-test with a charge on months' peaks: its cost, the guard beside, and days that are planned."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.solve import answer
from agent.planning.backtest import backtest
from agent.planning.backtest_peaks import Peaks
from agent.planning.day_programme import counts_of, programme
from tests.planning.test_backtest import LADDER, policy, year

OLD = (replace(LADDER[0], hashrate_ths=90.0), LADDER[2])  # breaks even at 0.06


def peaks(per_kw, count, months=1, days=1):
    at = np.arange(count)
    return Peaks(per_kw=per_kw, month=at * months // count, day=at * days // count)


def solve(day):
    return counts_of(day, answer(asdict(programme(day)), 10.0)[1])


def ways(prices, per_kw, *, planned=False, months=1, days=1, **told):
    """A plan takes a start to lose the hashing of the highest level, so that it loses none where both are compared."""
    tested = replace(year(*prices, wake_s=0.0 if planned else 600.0), peaks=peaks(per_kw, len(prices), months, days))
    found = backtest([LADDER, OLD], tested, policy(**told), solve if planned else None)
    return {one.name: one for one in found}


@given(st.lists(st.floats(0, 9000), min_size=4, max_size=12), st.floats(0, 9))
def test_each_month_is_charged_its_highest_interval(kw, per_kw):
    half = len(kw) // 2
    told = Peaks(per_kw=per_kw, month=np.array([1] * half + [2] * (len(kw) - half)), day=np.zeros(len(kw), np.int64))
    assert told.cost(np.array(kw)) == pytest.approx(per_kw * (max(kw[:half]) + max(kw[half:])))


def test_the_guard_pays_for_a_peak_that_the_month_repays_and_for_no_other():
    """100 hours at 0.02: the new one's first two kW earn 5.6 each, its third 3, each of the old 4. At 4.3 two run."""
    prices = [0.02] * 400
    found = ways(prices, 4.3)
    assert found["acting on price"].peak_cost == pytest.approx(6 * 4.3)
    assert found["acting, peaks guarded"].peak_cost == pytest.approx(2.02 * 4.3)
    assert found["acting, peaks guarded"].money > found["acting on price"].money
    assert ways(prices, 0.01)["acting, peaks guarded"].peak_cost == pytest.approx(6 * 0.01)
    assert ways(prices, 9.0)["acting, peaks guarded"].on_h == 0


def test_a_new_month_begins_without_a_peak():
    found = ways([0.02] * 400, 1.0, months=2)
    assert found["acting, peaks guarded"].peak_cost == pytest.approx(12.0)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.floats(-0.1, 0.2), min_size=2, max_size=8), st.floats(0, 0.1))
def test_a_planned_day_without_a_charge_is_what_foresight_finds(prices, wear):
    found = ways(prices, 0.0, planned=True, restart_cost=wear)
    best = found["perfect foresight"].money
    assert found["planned day by day"].money == pytest.approx(best, abs=1e-6 + 2e-4 * abs(best))


@settings(max_examples=6, deadline=None)
@given(st.lists(st.floats(-0.1, 0.2), min_size=2, max_size=8), st.floats(0, 0.2))
def test_a_planned_month_of_one_day_is_beaten_by_nobody(prices, per_kw):
    found = ways(prices, per_kw, planned=True)
    best = max(one.money for one in found.values())
    assert found["planned day by day"].money >= best - 1e-6 - 2e-4 * abs(best)
