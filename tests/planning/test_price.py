"""What price wants of machines: against a slow look at each machine by itself, and the rules that nothing may break."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.belief import Code
from agent.fleet.view import FleetView
from agent.planning.price import HOUR_S, Market, PricePolicy, gain_per_h, look, nothing_yet, over, profit

pytestmark = pytest.mark.pure
NAN = float("nan")
LADDERS = {  # full, a limit, sleep; full and sleep; full alone
    "three": ((3000.0, 2000.0, 20.0), (100.0, 75.0, 0.0)),
    "two": ((3500.0, 30.0), (200.0, 0.0)),
    "fixed": ((3200.0,), (110.0,)),
    "unknown": ((3500.0,), (0.0,)),
}
POLICY = PricePolicy(min_on_s=0, min_off_s=0, hysteresis=0)


def view_of(kinds, intended=None, setpoint=None, held=()):
    n = len(kinds)
    step_w, step_ths = np.full((n, 8), NAN), np.full((n, 8), NAN)
    last = np.zeros(n, np.int8)
    for row, kind in enumerate(kinds):
        watts, ths = LADDERS[kind]
        step_w[row, : len(watts)], step_ths[row, : len(ths)], last[row] = watts, ths, len(watts) - 1
    intended = np.minimum(np.array(intended or [0] * n, np.int8), last)
    setpoint = np.minimum(np.array(setpoint or intended.tolist(), np.int8), last)
    yes, no = np.ones(n, np.bool_), np.zeros(n, np.bool_)
    held = np.isin(np.arange(n), held)
    believed = step_w[np.arange(n), setpoint]
    return FleetView(
        rank=np.arange(n), feeder=np.zeros(n, np.int64), priority=np.zeros(n, np.int64),
        state=np.full(n, Code.HASHING, np.int8), fresh=yes, heard=yes, believed_w=believed, metered_least_w=believed,
        metered_most_w=believed, model_w=np.zeros(n), most_w=believed, step_w=step_w, step_ths=step_ths,
        last_step=last, setpoint=setpoint, intended=intended, seen=setpoint, held=held, sealed=no, trusted=no,
        rested=yes, young=no, hot=no, keeps=no, due=yes,
    )  # fmt: skip


def market(per_kwh, per_ph_day=50.0, **told):
    return Market(per_kwh=per_kwh, per_ths_h=per_ph_day / 24_000, **told)


def wants(view, told, policy=POLICY, memory=None, now=0.0, j_th=None):
    unknown = np.full(len(view), NAN)
    return look(view, unknown if j_th is None else j_th, told, policy, memory or nothing_yet(view), now=now)


# break-even at 50 a PH/s and day: 30 J/TH 0.0694, 17.5 J/TH 0.1190; between full and the limit of the first:
# 25 TH/s for 1,000 W are 40 J/TH: 0.0521
@pytest.mark.parametrize(
    ("price", "told"),
    [(-1.0, [0, 0]), (0.0, [0, 0]), (0.05, [0, 0]), (0.055, [1, 0]), (0.07, [1, 0]), (0.08, [2, 0]), (0.125, [2, 1])],
)
def test_a_machine_runs_below_break_even_at_the_best_level_between_and_stops_above(price, told):
    assert wants(view_of(["three", "two"]), market(price)).wanted.tolist() == told


def test_its_own_efficiency_counts_and_stays_known_while_it_sleeps():
    """At 0.075 a machine of 26.7 J/TH at its limit runs (0.0781); one that measures a fifth more does not."""
    view = view_of(["three", "three"])
    memory = wants(view, market(0.075), j_th=np.array([NAN, 36.0]))
    assert memory.wanted.tolist() == [1, 2]
    asleep = replace(view, seen=np.array([1, 2], np.int8), setpoint=memory.steps)
    assert wants(asleep, market(0.075), memory=memory, now=10.0).wanted.tolist() == [1, 2]


def test_pue_makes_energy_dearer():
    assert wants(view_of(["two"]), market(0.11)).wanted.tolist() == [0]
    assert wants(view_of(["two"]), market(0.11, pue=1.2)).wanted.tolist() == [1]


def test_hysteresis_is_a_band_around_break_even():
    """17.5 J/TH less 30 W of standby: stops above 0.1201 x 1.05, runs again below 0.1201 x 0.95."""
    view, policy = view_of(["two"]), replace(POLICY, hysteresis=0.05)
    memory = wants(view, market(0.125), policy)
    assert memory.wanted.tolist() == [0]
    memory = wants(view, market(0.127), policy, memory, 1.0)
    assert memory.wanted.tolist() == [1]
    memory = wants(view, market(0.115), policy, memory, 2.0)
    assert memory.wanted.tolist() == [1]
    memory = wants(view, market(0.113), policy, memory, 3.0)
    assert (memory.wanted.tolist(), memory.starts) == ([0], 1)


def test_least_times_on_and_off_are_kept():
    view, policy = view_of(["two"]), replace(POLICY, min_on_s=600, min_off_s=1800)
    memory = wants(view, market(0.2), policy)
    for now, price, told in ((1799, 0.0, 1), (1800, 0.0, 0), (2399, 0.2, 0), (2400, 0.2, 1)):
        memory = wants(view, market(price), policy, memory, float(now))
        assert memory.wanted.tolist() == [told]


def test_a_stop_must_save_what_a_restart_costs_within_the_least_time_off():
    """At 0.14 a stop saves 3.47 kW x 0.14 less 0.4167 of revenue = 0.069 an hour."""
    view = view_of(["two"])
    assert wants(view, market(0.14), replace(POLICY, restart_cost=0.06)).wanted.tolist() == [1]
    assert wants(view, market(0.14), replace(POLICY, restart_cost=0.08)).wanted.tolist() == [0]
    longer = replace(POLICY, restart_cost=0.08, min_off_s=2 * HOUR_S)
    assert wants(view, market(0.14), longer).wanted.tolist() == [1]


def test_what_nobody_can_weigh_is_left_alone_and_who_is_held_too():
    view = view_of(["unknown", "fixed", "two"], held=[2])
    assert wants(view, market(9.0)).wanted.tolist() == [0, 0, 0]


def test_without_a_price_what_is_wanted_holds_an_hour_then_the_owners_levels_do():
    view = view_of(["two"])
    memory = wants(view, market(0.2))
    for now, told in ((3599, 1), (3600, 0)):
        memory = wants(view, None, memory=memory, now=float(now))
        assert memory.wanted.tolist() == [told]


def test_a_start_over_sleepers_wakes_nobody_before_a_price_is_known():
    view = view_of(["two", "two"], setpoint=[1, 1])
    assert over(view, nothing_yet(view)).intended.tolist() == [1, 1]
    memory = wants(view, None, now=1e6)
    assert over(view, memory).intended.tolist() == [1, 1]
    assert over(view, wants(view, market(0.2), memory=memory, now=1e6)).intended.tolist() == [1, 1]
    assert over(view, wants(view, market(0.01), memory=memory, now=1e6)).intended.tolist() == [0, 0]


def test_a_machine_whose_ladder_changed_begins_again_where_it_is_set():
    view = view_of(["two", "three"])
    memory = wants(view, market(0.2))
    assert memory.wanted.tolist() == [1, 2]
    other = view_of(["three", "three"], setpoint=[2, 2])
    assert wants(other, None, memory=memory, now=1.0).wanted.tolist() == [2, 2]


def test_lowering_keeps_to_the_ramp_least_efficient_first_and_raising_is_let_at_once():
    view = view_of(["two", "three", "two", "three"])
    policy = replace(POLICY, shed_w_per_s=1000.0)
    memory, told = wants(view, market(0.5), policy), []
    for now in range(1, 16):
        told.append(memory.steps.tolist())
        memory = wants(view, market(0.5), policy, memory, float(now))
    assert told[0] == [0, 0, 0, 0]  # a ramp begins empty
    drawn = [sum(view.step_w[row, step] for row, step in enumerate(steps)) for steps in told]
    for at, watts in enumerate(drawn):
        assert drawn[0] - watts <= 1000.0 * at
    firsts = [next(at for at, steps in enumerate(told) if steps[row]) for row in range(4)]
    assert max(firsts[1], firsts[3]) < min(firsts[0], firsts[2])
    assert memory.steps.tolist() == [1, 2, 1, 2]
    assert wants(view, market(0.0), policy, memory, 20.0).steps.tolist() == [0, 0, 0, 0]


# properties ---------------------------------------------------------------------------------------------------

KINDS = st.lists(st.sampled_from(sorted(LADDERS)), min_size=1, max_size=6)
PRICES = st.floats(-0.2, 0.4, allow_nan=False)


@st.composite
def rooms(draw):
    kinds = draw(KINDS)
    steps = st.lists(st.integers(0, 2), min_size=len(kinds), max_size=len(kinds))
    intended, lower = draw(steps), draw(steps)
    setpoint = [max(one, other) for one, other in zip(intended, lower, strict=True)]
    return view_of(kinds, intended, setpoint, draw(st.lists(st.integers(0, 5), max_size=2)))


@given(rooms(), PRICES, st.floats(1, 100))
def test_without_bands_and_waits_it_is_the_step_that_earns_most(view, price, per_ph_day):
    """Against each machine and step by itself."""
    told = market(price, per_ph_day)
    found = wants(view, told).wanted
    earns, _ = profit(view, told, np.ones(len(view)))
    for row in range(len(view)):
        if view.held[row] or not view.last_step[row] or not view.step_ths[row, 0] > 0:
            continue
        best = max(
            view.step_ths[row, step] * per_ph_day / 24_000 - view.step_w[row, step] / 1000 * price
            for step in range(view.intended[row], view.last_step[row] + 1)
        )
        assert earns[row, found[row]] == pytest.approx(best, abs=1e-12)


@given(rooms(), st.lists(st.tuples(PRICES | st.none(), st.integers(1, 900)), min_size=1, max_size=12))
def test_nothing_is_lifted_above_its_owners_wish_nor_moved_before_its_time(view, told):
    policy = PricePolicy(min_on_s=600, min_off_s=1200, hysteresis=0.05, restart_cost=0.01, shed_w_per_s=500.0)
    memory, now, changed = nothing_yet(view), 0.0, {}
    for price, seconds in told:
        before, now = memory, now + seconds
        memory = wants(view, None if price is None else market(price), policy, memory, now)
        laid = over(view, memory)
        assert (laid.intended >= view.intended).all()
        assert (laid.intended <= view.last_step).all()
        assert (memory.steps <= memory.wanted).all()
        if not before.begun.any():
            continue
        for row in np.flatnonzero(memory.wanted != before.wanted).tolist():
            assert not view.held[row]
            least_s = 1200 if before.wanted[row] == view.last_step[row] else 600
            assert now - changed.get(row, -np.inf) >= least_s
            changed[row] = now


@given(rooms(), PRICES)
def test_acting_never_earns_less_than_the_owners_own_levels(view, price):
    """Where nothing else binds; what an order holds lower counts nothing either way."""
    free = replace(view, setpoint=view.intended)
    memory = wants(free, market(price))
    assert gain_per_h(free, market(price), memory, POLICY, acts=False) >= -1e-9
    stopped = replace(view, setpoint=view.last_step)
    assert gain_per_h(stopped, market(price), wants(stopped, market(price)), POLICY, acts=False) == 0.0


def test_who_was_woken_just_now_is_not_put_to_sleep_for_a_price():
    view = view_of(["two", "three", "two"], setpoint=[0, 0, 1])
    memory = wants(view, market(0.2))
    assert over(view, memory).intended.tolist() == [1, 2, 1]
    young = replace(view, young=np.ones(3, np.bool_))
    assert over(young, memory).intended.tolist() == [0, 0, 1]


def test_an_owners_rule_holds_for_its_machines_alone():
    """At 0.08 a kWh 30 J/TH loses: one is never moved, one may not stand between, one pays 0.1 whatever it earns."""
    view = view_of(["three"] * 5)
    rule = replace(
        POLICY,
        fixed=np.array([False, True, False, False, False]),
        whole=np.array([False, False, True, False, False]),
        pays_per_kwh=np.array([NAN, NAN, NAN, 0.1, 0.07]),
    )
    assert wants(view, market(0.055), rule).wanted.tolist() == [1, 0, 0, 0, 0]
    memory = wants(view, market(0.08), rule)
    assert memory.wanted.tolist() == [2, 0, 2, 0, 2]
    loses = 3000 / 1000 * 0.08 - 100 * 50 / 24_000
    saved = loses - 0.02 * 0.08
    paid = 3 * (0.08 - 0.07) - 0.02 * 0.08
    told = replace(view, setpoint=memory.wanted)
    assert gain_per_h(told, market(0.08), memory, rule, acts=True) == pytest.approx(2 * saved + paid)


def test_an_owners_own_times_band_and_cost_of_a_start_count():
    view = view_of(["two"] * 3)
    rule = replace(
        POLICY, min_on_s=np.array([0.0, 3600.0, 0.0]), hysteresis=np.array([0.0, 0.0, 0.2]),
        min_off_s=np.zeros(3), restart_cost=np.array([0.0, 0.0, 0.0]),
    )  # fmt: skip
    memory = wants(view, market(0.02), rule)
    memory = replace(memory, since=np.zeros(3))
    assert wants(view, market(0.125), rule, memory, now=60.0).wanted.tolist() == [1, 0, 0]
    dear = replace(rule, restart_cost=np.array([0.0, 9.0, 0.0]), min_on_s=np.zeros(3))
    memory = wants(view, market(0.3), dear)
    assert memory.wanted.tolist() == [1, 0, 1]
    back = wants(view, market(0.02), dear, memory, now=7200.0)
    assert (back.starts, back.start_cost) == (2, 0.0)
