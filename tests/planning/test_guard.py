"""The peak guard: the best peak against every other, and windows that are lived under it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.planning.guard import Later, Left, PeakCharge, Running, Watch, allowed_w, ceilings, no_guard
from agent.planning.guarding import hold
from agent.planning.peak_books import PeakBooks, as_guarded, seen
from agent.planning.price import PricePolicy, look, nothing_yet
from tests.planning.test_price import market, view_of

pytestmark = pytest.mark.pure
QUARTER_S = 900.0
EARNS = 0.0694  # break-even of 30 J/TH at 50 a PH/s and day


def charge(kw, per_kw=10.0, *, hours=100.0, price=0.02, elapsed_s=0.0, drawn_wh=0.0, start=0.0, **told):
    return PeakCharge(
        name=told.pop("name", "demand"), month="2026-01", start=start, length_s=QUARTER_S, elapsed_s=elapsed_s,
        drawn_wh=drawn_wh, kw=kw, bands=told.pop("bands", ((kw, per_kw),)),
        left=Left(hours=hours, prices=np.array([price])), **told,
    )  # fmt: skip


def running(watts, break_even):
    table, none = np.column_stack([watts, np.full(len(watts), 20.0)]), np.full((len(watts), 6), np.nan)
    watts = np.array(watts, float)
    revenue = np.column_stack([(watts - 20) / 1000 * np.array(break_even), np.zeros(len(watts))])
    table, revenue = np.hstack([table, none]), np.hstack([revenue, none])
    return Running(
        watts=table, revenue=revenue, wanted=np.zeros(len(watts), np.int8),
        movable=np.ones(len(watts), np.bool_),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(500, 6000), st.floats(0.01, 0.3)), min_size=1, max_size=8),
    st.floats(0, 30), st.floats(0.1, 40), st.floats(1, 700), st.lists(st.floats(-0.1, 0.4), min_size=1, max_size=5),
    st.floats(0, 20), st.floats(0, 5000),
)  # fmt: skip
def test_no_other_peak_leaves_more(machines, kw, per_kw, hours, prices, jump, house_w):
    watts, even = np.array([one[0] for one in machines], float), np.array([one[1] for one in machines])
    left = Left(hours=hours, prices=np.sort(np.array(prices)))
    told = replace(charge(kw, bands=((kw, per_kw), (kw + 8, per_kw * 2)), jump=jump), left=left)
    ceiling = ceilings(running(watts, even), Watch(charges=(told,), house_w=house_w), {})["demand"]

    def leaves(most_kw):
        """The best machines that fit run; each hour by itself, for a price that is no sample of one."""
        made, kw_now = 0.0, (house_w + 20 * len(watts)) / 1000  # all asleep
        for at in np.argsort(-even, kind="stable"):
            if kw_now + (watts[at] - 20) / 1000 > most_kw + 1e-9:
                break
            kw_now += (watts[at] - 20) / 1000
            made += (watts[at] - 20) / 1000 * np.mean([max(0.0, even[at] - price) for price in prices]) * hours
        return made - told.cost(np.array([max(kw_now, 0.0)]))[0]

    asleep_kw = (house_w + 20 * len(watts)) / 1000
    best = max(leaves(asleep_kw + total / 1000) for total in [0, *np.cumsum(watts[np.argsort(-even)] - 20)])
    assert leaves(ceiling) >= best - 1e-6 * (1 + abs(best)) or ceiling == kw


def test_what_a_ratchet_costs_later_counts_in_what_breaking_the_peak_costs():
    """120 h of a kW earn 12 and a kW more costs 10; eleven months that charge 10 for it too earn less, or as much."""
    machines = running([3000.0] * 4, [0.12] * 4)

    def ceiling(*later):
        told = replace(charge(5.0, hours=120.0), later=later)
        return ceilings(machines, Watch(charges=(told,), house_w=0.0), {})["demand"]

    def months(hours, share=1.0, kw=5.0):
        left = Left(hours=hours, prices=np.array([0.02]))
        return Later(months=11, share=share, kw=kw, bands=((0.0, 10.0),), left=left)

    assert ceiling() == np.inf
    assert ceiling(months(80.0)) == pytest.approx(6.04)  # each such month pays 10 for a kW that earns 8
    assert ceiling(months(720.0)) == np.inf  # the kW would be drawn and paid for then too
    assert ceiling(months(80.0, kw=12.0)) == np.inf  # billed in any case
    assert ceiling(months(80.0, share=0.4)) == np.inf  # 40 % of 12 kW are below what is billed
    assert ceiling(months(80.0, share=0.6)) == pytest.approx(5 / 0.6, abs=3.0)  # to whole machines


@pytest.mark.parametrize("laid", ["by eights", "sorted", "shuffled"])
def test_many_machines_are_weighed_by_an_even_sample_that_leaves_as_much(monkeypatch, laid):
    """Of 20,000 machines of eight models and their own J/TH the sample's peak leaves what the best leaves."""
    count, random = 20_000, np.random.default_rng(7)
    even = np.array([0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12])[np.arange(count) % 8]
    even, watts = even * random.uniform(0.9, 1.1, count), random.uniform(2500, 3600, count)
    order = {"by eights": np.arange(count), "sorted": np.argsort(even), "shuffled": random.permutation(count)}[laid]
    fleet = running(watts[order], even[order])
    told = replace(charge(20_000.0, per_kw=2.0, hours=40.0), left=Left(hours=40.0, prices=np.linspace(0.0, 0.05, 50)))
    sampled = ceilings(fleet, Watch(charges=(told,), house_w=0.0), {})["demand"]
    monkeypatch.setattr("agent.planning.guard.WEIGHED", count)
    monkeypatch.setattr("agent.planning.guard.PIECES", count)
    exact = ceilings(fleet, Watch(charges=(told,), house_w=0.0), {})["demand"]
    assert 25_000 < exact < 60_000
    assert sampled == pytest.approx(exact, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.0, 0.3)), min_size=1, max_size=6), st.floats(0.2, 1),
    st.floats(0, 20), st.floats(0.1, 40), st.floats(1, 700),
)  # fmt: skip
def test_what_later_months_lose_is_found_by_trying_each_draw_of_theirs(machines, share, held, per_kw, hours):
    steps_kw, even = (np.array(column) for column in zip(*sorted(machines, key=lambda one: -one[1]), strict=True))
    kw = 2.0 + np.concatenate([[0.0], np.cumsum(steps_kw)])
    later = Later(
        months=3, share=share, kw=held, bands=((1.0, per_kw), (8.0, per_kw * 2)),
        left=Left(hours=hours, prices=np.array([0.05])),
    )  # fmt: skip

    def made(floor):
        """The best of a month that bills at least so many kW: its draw is any number of the best machines."""
        worth = [sum(np.maximum(even[:count] - 0.05, 0) * steps_kw[:count]) * hours for count in range(len(kw))]
        billed = [max(one, floor) for one in kw]
        cost = [max(min(one, 8) - 1, 0) * per_kw + max(one - 8, 0) * per_kw * 2 for one in billed]
        return max(np.array(worth) - cost)

    for told, peak in zip(later.cost(kw, steps_kw, even, 1.0), kw, strict=True):
        assert told == pytest.approx(3 * max(0, made(held) - made(max(held, share * peak))), abs=1e-6)


@given(st.floats(1, 20), st.lists(st.floats(0, 30_000), min_size=1, max_size=14))
def test_what_is_allowed_brings_the_mean_to_the_ceiling_and_no_higher(ceiling, drawn):
    """Whatever was drawn minute by minute, drawing what is allowed from then on ends at the ceiling."""
    drawn_wh = sum(drawn) / 60
    told = charge(5.0, elapsed_s=60.0 * len(drawn), drawn_wh=drawn_wh)
    rest_wh = allowed_w(told, ceiling) * (QUARTER_S - told.elapsed_s) / 3600
    assert (drawn_wh + rest_wh) / (QUARTER_S / 3600) == pytest.approx(ceiling * 1000, abs=1e-6)


def live(minutes, *, kw, per_kw=10.0, hours=2.0, machines=10, min_off_s=1800.0, house_w=500.0, busy=(), boot_s=60.0):
    """Live under the guard, minute by minute; machines obey a minute later. Return the means of the windows."""
    view = view_of(["two"] * machines)
    memory, told, means = nothing_yet(view), market(0.02), []
    drawn_wh, drawing, switched = 0.0, np.full(machines, 3500.0), 0
    for minute in range(minutes):
        into = minute % 15
        if into == 0 and minute:
            means.append(drawn_wh * 4 / 1000)
            kw, drawn_wh = max(kw, means[-1]), 0.0
        told = replace(
            told,
            watch=Watch(
                charges=(
                    charge(kw, per_kw, hours=hours, elapsed_s=60.0 * into, drawn_wh=drawn_wh, start=minute // 15),
                ),
                house_w=house_w,
            ),
        )
        was = memory.steps
        memory = look(
            view, np.full(machines, np.nan), told, PricePolicy(min_off_s=min_off_s), memory, now=60.0 * minute
        )
        switched += int(np.count_nonzero(was != memory.steps))
        extra_w = 4000.0 if minute in busy else 0.0
        drawn_wh += (drawing.sum() + house_w + extra_w) / 60
        drawing = np.where(memory.steps == 1, 30.0, 3500.0)
        view = replace(view, setpoint=memory.steps, seen=memory.steps, believed_w=drawing)
    return means, switched, memory


def test_a_peak_that_two_hours_do_not_pay_for_is_not_set_and_machines_do_not_swing():
    """Ten machines draw 35.5 kW; 20 are billed. Two hours of a kW earn 2 x (0.119 - 0.02), a kW more costs 10."""
    means, switched, memory = live(180, kw=20.0)
    assert max(means[1:]) <= 20.0 + 1e-9
    assert min(means[1:]) >= 16.5  # within a machine of it
    assert switched <= 12
    assert dict(memory.guard.ceiling_kw) == {"demand": 20.0}


def test_a_peak_that_pays_is_set():
    means, switched, memory = live(60, kw=20.0, per_kw=0.1, hours=2.0)
    assert means[-1] == pytest.approx(35.5)
    assert (switched, memory.guard.ceiling_kw) == (0, ())


def test_what_a_window_drew_too_much_it_draws_less_until_its_end_and_then_all_come_back():
    means, _, memory = live(75, kw=36.0, busy=range(16, 20), min_off_s=300.0)
    assert max(means) <= 36.0 + 1e-9
    assert (memory.steps == 0).all()


def test_who_is_held_is_left_alone_and_the_others_make_room():
    view = view_of(["two"] * 4, held=(0, 1))
    told = replace(market(0.02), watch=Watch(charges=(charge(7.2, hours=1.0),), house_w=0.0))
    memory = look(view, np.full(4, np.nan), told, PricePolicy(), nothing_yet(view), now=0.0)
    assert memory.steps.tolist() == [0, 0, 1, 1]


def test_two_charges_together_may_cost_what_neither_does_alone():
    """A kW earns 9.9 in 100 hours; each charge is 6: alone it is worth it, both are not."""
    fleet = running([3500.0] * 4, [0.119] * 4)
    one, other = charge(7.1, 6.0), replace(charge(7.1, 6.0), name="other")
    assert ceilings(fleet, Watch(charges=(one,), house_w=0.0), {}) == {"demand": np.inf}
    assert ceilings(fleet, Watch(charges=(one, other), house_w=0.0), {}) == {"demand": 7.1, "other": 7.1}


def test_without_a_price_it_holds_as_it_did_and_without_charges_it_lets_go():
    view = view_of(["two"] * 3)
    told = replace(market(0.02), watch=Watch(charges=(charge(4.0, hours=1.0),), house_w=0.0))
    policy = PricePolicy(min_off_s=600)
    memory = look(view, np.full(3, np.nan), told, policy, nothing_yet(view), now=0.0)
    assert memory.steps.tolist().count(1) == 2
    assert look(view, np.full(3, np.nan), None, policy, memory, now=60.0).steps.tolist().count(1) == 2
    assert look(view, np.full(3, np.nan), market(0.02), policy, memory, now=60.0).steps.tolist() == [0, 0, 0]


def test_a_held_machine_is_let_go_only_after_its_least_time_and_where_the_peak_has_room():
    fleet, view = running([3500.0] * 3, [0.119] * 3), view_of(["two"] * 3)
    tight, wide = (Watch(charges=(charge(kw, hours=1.0),), house_w=0.0) for kw in (7.1, 12.0))
    memory = hold(view, fleet, tight, no_guard(3), min_off_s=600, now=0.0)
    assert np.count_nonzero(memory.steps) == 1
    assert np.count_nonzero(hold(view, fleet, wide, memory, min_off_s=600, now=599.0).steps) == 1
    assert np.count_nonzero(hold(view, fleet, wide, memory, min_off_s=600, now=600.0).steps) == 0
    assert np.count_nonzero(hold(view, fleet, tight, memory, min_off_s=600, now=600.0).steps) == 1


@pytest.mark.parametrize("acts", [True, False])
def test_what_was_avoided_is_the_charge_between_the_peak_that_is_and_the_one_that_would_be(acts):
    """30 kW would run, 10 are spared, 15 are billed already: 15 kW at 10 a kW are not charged."""
    books, billed = PeakBooks(), 15.0
    drawn_kw = 20.0 if acts else 30.0
    for look_at in range(0, 1800, 60):
        into = look_at % 900
        if into == 0 and look_at:
            billed = max(billed, drawn_kw)
        now = charge(billed, elapsed_s=float(into), drawn_wh=drawn_kw * into / 3.6, start=float(look_at // 900))
        books = seen(books, Watch(charges=(now,), house_w=0.0), 10_000.0, 60.0, acts=acts)
    assert books.avoided == pytest.approx(100.0)
    [told] = as_guarded(books, Watch(charges=(now,), house_w=0.0), acts=acts).charges
    assert told.kw == pytest.approx(20.0)
    later = replace(now, month="2026-02", kw=0.0, start=2.0)
    after = seen(books, Watch(charges=(later,), house_w=0.0), 0.0, 60.0, acts=acts)
    assert (after.avoided, after.settled) == (pytest.approx(100.0), pytest.approx(100.0))


def test_where_each_window_is_charged_what_was_avoided_adds_up():
    """Of 30 kW 10 are spared above 15 billed in any case: 10 kW at 4 in each of three windows."""
    books = PeakBooks()
    for look_at in range(0, 2701, 60):
        window, into = divmod(look_at, 900)
        now = replace(
            charge(15.0, 4.0, elapsed_s=float(into), drawn_wh=20.0 * into / 3.6, start=float(window)), month=str(window)
        )
        books = seen(books, Watch(charges=(now,), house_w=0.0), 10_000.0, 60.0, acts=True)
    assert books.avoided == pytest.approx(3 * 40.0, rel=0.08)


def test_machines_are_let_go_once_the_meter_shows_room_and_not_by_what_was_told_to_fall():
    """The first was lowered long ago, the second just now and still draws: only then is there room for the first."""
    fleet, told = running([3500.0] * 4, [0.119] * 4), np.array([1, 1, 0, 0], np.int8)
    draws = np.array([30.0, 3500.0, 3500.0, 3500.0])
    view = replace(
        view_of(["two"] * 4, setpoint=told.tolist()), seen=np.array([1, 0, 0, 0], np.int8), believed_w=draws,
        metered_least_w=draws, metered_most_w=draws, trusted=told > 0,
    )  # fmt: skip
    fleet = replace(fleet, watts=np.where(fleet.watts == 20.0, 30.0, fleet.watts))
    memory = replace(no_guard(4), steps=told, since=np.array([0.0, 990.0, -np.inf, -np.inf]))
    watch = Watch(charges=(charge(10.6, hours=1.0),), house_w=0.0, measured_w=float(draws.sum()))
    assert hold(view, fleet, watch, memory, min_off_s=600, now=1000.0).steps.tolist() == [1, 1, 0, 0]
    fallen = np.array([30.0, 30.0, 3500.0, 3500.0])
    view = replace(view, seen=told, believed_w=fallen, metered_least_w=fallen, metered_most_w=fallen)
    watch = replace(watch, measured_w=float(fallen.sum()))
    assert hold(view, fleet, watch, memory, min_off_s=600, now=1010.0).steps.tolist() == [0, 1, 0, 0]
