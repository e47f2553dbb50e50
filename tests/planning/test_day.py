"""A day as a linear programme, against every plan that there is, on small days; solved as the child solves it."""

import itertools
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.solve import Unsolved, answer, solved
from agent.planning.day import Bound, Day, DayPeak, Kind, plan_of
from agent.planning.day_later import later_bands
from agent.planning.day_programme import counts_of, programme
from agent.planning.guard import Later, Left

LEVELS = {"levels": ("full", "low", "sleep"), "watts": (3000.0, 2000.0, 30.0), "ths": (100.0, 75.0, 0.0)}
OLD = {"levels": ("full", "sleep"), "watts": (3250.0, 20.0), "ths": (90.0, 0.0)}


def kind(count=1, told=LEVELS, feeder="T1", name="new"):
    return Kind(name=name, feeder=feeder, count=count, **told)


def day(prices, *kinds, cap_w=np.inf, **told):
    told = {"step_s": 3600.0, "per_ths_h": 0.002, "fixed_w": 500.0, "start_cost": 0.02, **told}
    return Day(prices=np.array(prices, float), kinds=kinds or (kind(),), caps_w=np.full(len(prices), cap_w), **told)


def best(told):
    return plan_of(told, counts_of(told, answer(asdict(programme(told)), 30.0)[1]))


def every_plan(told):
    """Every way to set the machines of one-machine kinds that keeps caps, feeders and least times."""
    intervals = range(len(told.prices))
    ways = [list(itertools.product(range(len(one.levels)), repeat=len(intervals))) for one in told.kinds]
    for chosen in itertools.product(*ways):
        watts = [
            sum(one.watts[way[at]] for one, way in zip(told.kinds, chosen, strict=True)) + told.fixed_w
            for at in intervals
        ]
        if any(watts[at] > told.caps_w[at] + 1e-6 for at in intervals):
            continue
        if not all(_keeps_times(told, one, way) for one, way in zip(told.kinds, chosen, strict=True)):
            continue
        if any(_above(told, bound, chosen, at) for bound in told.bounds for at in intervals):
            continue
        counts = [
            [[int(way[at] == level) for at in intervals] for level in range(len(one.levels))]
            for one, way in zip(told.kinds, chosen, strict=True)
        ]
        yield plan_of(told, counts)


def _above(told, bound, chosen, at):
    return sum(told.kinds[place].watts[chosen[place][at]] for place in bound.kinds) > bound.caps_w[at]


def _keeps_times(told, one, way):
    """Whoever is started hashes for the least time on, whoever is stopped sleeps for the least time off."""
    on = [level != len(one.levels) - 1 for level in way]
    for at in range(1, len(on)):
        least = told.min_on_s if on[at] else told.min_off_s
        if on[at] != on[at - 1] and any(state != on[at] for state in on[at : at + round(np.ceil(least / told.step_s))]):
            return False
    return True


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_no_other_plan_of_a_small_day_makes_more(data):
    prices = data.draw(st.lists(st.floats(-0.05, 0.2), min_size=3, max_size=4))
    kinds = data.draw(
        st.sampled_from([(kind(),), (kind(told=OLD),), (kind(), kind(told=OLD, name="old", feeder="T2"))])
    )
    prices = prices[:3] if len(kinds) == 2 else prices
    least_s, off_s = (data.draw(st.sampled_from([0.0, 7200.0])) for _ in range(2))
    told = day(prices, *kinds, min_on_s=least_s, min_off_s=off_s, cap_w=data.draw(st.sampled_from([np.inf, 4000.0])))
    if data.draw(st.booleans()):
        told = replace(told, bounds=(Bound(name="T1", caps_w=(2500.0,) * len(prices), kinds=frozenset([0])),))
    if data.draw(st.booleans()):
        windows = data.draw(st.sampled_from([((0,), (1,), (2,)), ((0, 1), (2,)), ((1,),)]))
        bands = data.draw(st.sampled_from([((1.0, 0.02),), ((1.0, 0.01), (3.0, 0.2))]))
        jump = data.draw(st.sampled_from([0.0, 0.05]))
        told = replace(told, peaks=(DayPeak(name="d", windows=windows, kw=1.0, bands=bands, jump=jump),))
    found = best(told)
    others = [plan.money for plan in every_plan(told)]
    if not others:  # the caps cannot be met
        assert found.is_short
        return
    assert max(found.shortfall_kw) == pytest.approx(0.0, abs=1e-6)
    assert found.money >= max(others) - 1e-6 - 1e-4 * abs(max(others))
    assert found.money <= max(others) + 1e-6


def test_many_machines_stop_in_the_dear_hours_and_as_few_as_a_cap_wants():
    """120 of 30 J/TH at 0.002 a TH/s and hour: break-even 0.0667; between low and full 25 TH/s for 1 kW: 0.05."""
    found = best(day([0.02, 0.06, 0.15, 0.02], kind(120), cap_w=300_500.0))
    full, low, asleep = found.counts[0]
    assert (full[1], low[1], asleep[1]) == (0, 120, 0)
    assert asleep[2] == 120
    assert (full[0], low[0]) == (60, 60)
    assert max(found.kwh) <= 300.5 + 1e-9


def test_a_cap_that_cannot_be_met_is_met_as_far_as_possible_and_the_rest_is_said():
    found = best(day([0.02, 0.02], kind(10), cap_w=600.0))
    assert found.counts[0][2] == (10, 10)
    assert found.shortfall_kw == pytest.approx((0.2, 0.2))


def test_a_child_process_solves_it_as_well():
    told = day([0.02, 0.1, 0.02], kind(3))
    found = solved(programme(told))
    assert plan_of(told, counts_of(told, found.columns)) == best(told)


def test_without_the_solver_it_is_named(monkeypatch, tmp_path):
    (tmp_path / "highspy.py").write_text("raise ImportError('none')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Unsolved, match=r"pip install 'hashwatt\[plan\]'"):
        solved(programme(day([0.02])))


def test_an_order_upon_a_feeder_binds_what_hangs_on_it_in_its_hours():
    told = day([0.01] * 4, kind(), kind(name="other", feeder="T2"))
    watts = max(kind().watts)
    limits = (np.inf, watts / 2, np.inf, np.inf)
    limited = replace(told, bounds=(Bound(name="T1", caps_w=limits, kinds=frozenset([0])),))
    free, bound = best(told), best(limited)
    assert free.kwh[1] - bound.kwh[1] >= watts / 2000 - 0.001
    assert bound.kwh[3] == pytest.approx(free.kwh[3])


def test_who_is_exempt_from_an_order_counts_and_is_not_lowered_for_it():
    """A cap of 4 kW over both, with the one that earns least exempt: the other goes to sleep, and it runs on."""
    exempt = replace(kind(told=OLD, name="old"), pays_per_kwh=0.05)
    caps = Bound(name="o", kinds=frozenset([0]), exempt=frozenset([1]), caps_w=(np.inf, 4000.0), fixed_w=500.0)
    found = best(day([0.02, 0.02], kind(), exempt, bounds=(caps,)))
    assert [column[1] for column in found.counts[0]] == [0, 0, 1]
    assert found.counts[1][0] == (1, 1)
    assert found.shortfalls == ()
    dear = best(day([0.02, 0.06], kind(), exempt, bounds=(caps,)))  # price stops it, and leaves room
    assert dear.counts[1][0] == (1, 0)
    assert dear.counts[0][2] == (0, 0)


def test_figures_without_a_meter_count_with_their_margin():
    bound = Bound(name="o", kinds=frozenset([0]), caps_w=(3000.0,), factor=1.05)
    assert best(day([0.02], kind(), bounds=(bound,))).counts[0][0] == (0,)
    assert best(day([0.02], kind(), bounds=(replace(bound, factor=1.0),))).counts[0][0] == (1,)


def test_a_limit_on_some_machines_that_cannot_be_met_is_named_with_what_is_over():
    bound = Bound(name="order o", kinds=frozenset([0]), caps_w=(np.inf, 20.0, 400.0), fixed_w=100.0)
    found = best(day([0.02] * 3, kind(10), kind(), bounds=(bound,)))
    [(name, over_kw)] = found.shortfalls
    assert (name, found.is_short, max(found.shortfall_kw)) == ("order o", True, 0.0)
    assert over_kw == pytest.approx((0.0, 0.38, 0.0))
    assert found.counts[1][0] == (1, 1, 1)


def test_whom_price_never_moves_sleeps_for_an_order_alone():
    told = kind(10, told=OLD)
    dear, capped = (
        [0.02, 0.5, 0.5, 0.02],
        Bound(name="o", kinds=frozenset([0]), caps_w=(np.inf, np.inf, 10_000.0, np.inf)),
    )
    found = best(day(dear, replace(told, fixed=True, min_off_s=7200.0), bounds=(capped,)))
    assert found.counts[0][0] == (10, 10, 3, 10)
    assert best(day(dear, told)).counts[0][1] == (0, 10, 10, 0)


def test_an_owners_own_times_band_and_start_go_before_the_days():
    """Break-even is 0.0554: within 30 % of it, 0.039 to 0.072, nobody is stopped or started."""
    prices = [0.02, 0.07, 0.02, 0.07, 0.12, 0.06, 0.02]
    plain = replace(kind(told=OLD), start_cost=0.0)
    free = best(day(prices, plain, start_cost=0.0, wake_s=0.0)).counts[0][1]
    assert free == (0, 1, 0, 1, 1, 1, 0)
    assert best(day(prices, replace(plain, band=0.3), wake_s=0.0)).counts[0][1] == (0, 0, 0, 0, 1, 1, 0)
    assert best(day(prices, replace(plain, min_off_s=3 * 3600.0), wake_s=0.0)).counts[0][1] == (0, 0, 0, 1, 1, 1, 0)
    assert best(day(prices, replace(plain, start_cost=9.0), wake_s=0.0)).counts[0][1] == (0, 0, 0, 1, 1, 1, 1)
    capped = Bound(name="o", kinds=frozenset([0]), caps_w=(np.inf, 100.0, *[np.inf] * 5))
    assert best(day(prices, replace(plain, band=0.3), bounds=(capped,))).counts[0][1] == (0, 1, 0, 0, 1, 1, 0)


def test_a_ratchet_has_the_months_to_come_pay_for_a_peak_that_they_would_not_have_set():
    """Ten of 3 kW with a break-even of 0.0667; a kW costs 5 a month, and earns (0.0667 - 0.06) x 730 = 4.87 in one."""
    left = Left(hours=730.0, prices=np.array([0.06]))
    later = Later(months=3, share=0.8, kw=10.0, bands=((10.0, 5.0),), left=left)
    told = day([0.02, 0.02], kind(10, told={"levels": ("full", "sleep"), "watts": (3000.0, 0.0), "ths": (100.0, 0.0)}))
    bands = later_bands(told, [later], 0.1)
    assert bands[0][0] == pytest.approx(10.0 / 0.8, rel=0.05)
    assert bands[-1][1] == pytest.approx(3 * 0.8 * 0.1 * (5.0 - (0.002 / 0.03 - 0.06) * 730), rel=0.05)
    worth = replace(later, left=replace(left, prices=np.array([0.05])))
    assert later_bands(told, [worth], 0.1) == ()
    peak = DayPeak(name="d", windows=((0,), (1,)), kw=20.0, bands=((20.0, 0.01),))
    alone, dear = best(replace(told, peaks=(peak,))), best(replace(told, peaks=(replace(peak, later=((12.5, 0.5),)),)))
    assert (alone.counts[0][0], dear.counts[0][0]) == ((10, 10), (4, 4))  # 12.5 kW and the house
    assert alone.peaks[0].cost == pytest.approx(10.5 * 0.01)
    ten = plan_of(replace(told, peaks=(replace(peak, later=((12.5, 0.5),)),)), alone.counts).peaks[0]
    assert (ten.cost, ten.later_cost) == (pytest.approx(0.105), pytest.approx(9.0))
