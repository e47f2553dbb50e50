"""The offline plan against every plan there is, on farms small enough to try them all."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.planning.optimum import Branch, Choice, Machine, NoTree, optimum

pytestmark = pytest.mark.pure

NEAR = 0.999
PARENTS = {"T1": "site", "T2": "site", "rack": "T1"}


def choices(*pairs):
    return tuple(Choice(level=f"l{at}", power_w=power_w, hashrate_ths=ths) for at, (power_w, ths) in enumerate(pairs))


def machine(name, *pairs, feeder="site"):
    return Machine(id=name, feeder=feeder, choices=choices(*pairs))


def below(feeder):
    found = {feeder}
    for _ in PARENTS:
        found |= {child for child, parent in PARENTS.items() if parent in found}
    return found


def total(machines, picks, feeder):
    return sum(pick.power_w for machine, pick in zip(machines, picks, strict=True) if machine.feeder in below(feeder))


def fits(machines, picks, caps):
    return all(total(machines, picks, feeder) <= cap for feeder, cap in caps.items() if cap is not None)


def best_of_all(machines, caps):
    """The most hashrate of any plan that holds every cap; None where none does."""
    plans = itertools.product(*(machine.choices for machine in machines))
    good = [sum(pick.hashrate_ths for pick in picks) for picks in plans if fits(machines, picks, caps)]
    return max(good, default=None)


def picked(machines, plan):
    return [next(c for c in machine.choices if c.level == plan.levels[machine.id]) for machine in machines]


def branches(caps):
    return [Branch(id=name, max_w=caps[name], parent=parent) for name, parent in PARENTS.items()]


levels = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 200)), min_size=1, max_size=4)
fleets = st.lists(st.tuples(levels, st.sampled_from(["site", *PARENTS])), min_size=1, max_size=6)
caps_w = st.fixed_dictionaries(
    {"site": st.integers(0, 16_000), **{name: st.none() | st.integers(0, 9000) for name in PARENTS}}
)


@settings(deadline=None, max_examples=150)
@given(fleets, caps_w)
def test_no_plan_that_holds_the_caps_has_noticeably_more_hashrate(drawn, caps):
    machines = [machine(f"m{at}", *pairs, feeder=feeder) for at, (pairs, feeder) in enumerate(drawn)]
    plan = optimum(machines, branches(caps), cap_w=caps["site"])
    best = best_of_all(machines, caps)
    assert (best is None) == (plan.shortfall_w > 0)
    picks = picked(machines, plan)
    assert plan.power_w == pytest.approx(sum(pick.power_w for pick in picks))
    assert plan.hashrate_ths == pytest.approx(sum(pick.hashrate_ths for pick in picks))
    if best is not None:
        assert fits(machines, picks, caps)
        assert plan.hashrate_ths >= NEAR * best


@settings(deadline=None, max_examples=60)
@given(fleets, caps_w)
def test_where_the_caps_cannot_be_held_all_are_at_their_least_and_every_cap_is_summed(drawn, caps):
    machines = [machine(f"m{at}", *pairs, feeder=feeder) for at, (pairs, feeder) in enumerate(drawn)]
    least = [min(machine.choices, key=lambda choice: choice.power_w) for machine in machines]
    over = sum(max(0, total(machines, least, name) - cap) for name, cap in caps.items() if cap is not None)
    plan = optimum(machines, branches(caps), cap_w=caps["site"])
    assert plan.shortfall_w == pytest.approx(over)
    if over:
        assert plan.power_w == pytest.approx(sum(pick.power_w for pick in least))


@settings(deadline=None, max_examples=60)
@given(fleets, caps_w, st.randoms(use_true_random=False))
def test_the_order_of_listing_changes_nothing(drawn, caps, chance):
    machines = [machine(f"m{at}", *pairs, feeder=feeder) for at, (pairs, feeder) in enumerate(drawn)]
    first = optimum(machines, branches(caps), cap_w=caps["site"])
    shuffled = [
        Machine(id=one.id, feeder=one.feeder, choices=tuple(chance.sample(one.choices, len(one.choices))))
        for one in chance.sample(machines, len(machines))
    ]
    again = optimum(shuffled, chance.sample(branches(caps), len(PARENTS)), cap_w=caps["site"])
    assert again == first


def test_of_equals_the_first_by_id_keeps_its_power():
    machines = [machine(name, (3000, 100), (10, 0)) for name in ("c", "a", "b")]
    plan = optimum(machines, [], cap_w=6100)
    assert plan.levels == {"a": "l0", "b": "l0", "c": "l1"}


def test_a_level_off_the_hull_is_taken_where_it_alone_fills_the_cap():
    plan = optimum([machine("a", (3000, 100), (2000, 40), (10, 0))], [], cap_w=2500)
    assert plan.levels == {"a": "l1"}


def test_greed_is_repaired():
    """By TH/s for a watt `a` goes first and leaves no room for the two that together give more."""
    machines = [machine("a", (2000, 101), (0, 0)), machine("b", (1500, 74), (0, 0)), machine("c", (1500, 74), (0, 0))]
    assert optimum(machines, [], cap_w=3000).hashrate_ths == 148


def test_a_level_that_draws_more_and_gives_less_is_never_taken():
    plan = optimum([machine("a", (3400, 90), (3000, 100), (10, 0))], [], cap_w=9000)
    assert plan.levels == {"a": "l1"}


def test_a_feeder_of_the_sites_name_is_the_root_itself():
    machines = [machine("a", (3000, 100), (10, 0)), machine("b", (3000, 90), (10, 0))]
    plan = optimum(machines, [Branch(id="site", max_w=3500)], cap_w=9000)
    assert plan.levels == {"a": "l0", "b": "l1"}


def test_sums_of_odd_watts_that_fill_a_cap_exactly_fit():
    machines = [machine(f"m{at}", (3300.1, 100), (0, 0)) for at in range(10)]
    assert optimum(machines, [], cap_w=33_001.0).hashrate_ths == 1000


def test_no_machines_draw_nothing():
    plan = optimum([], [], cap_w=0)
    assert (plan.levels, plan.power_w, plan.shortfall_w) == ({}, 0, 0)


@pytest.mark.parametrize(
    ("feeder", "parents", "said"),
    [
        ("T9", {}, "a.feeder: T9 is no feeder"),
        ("site", {"T1": "T2"}, "T1.parent: T2 does not hang on the site"),
        ("site", {"T1": "T2", "T2": "T1"}, "T1.parent: T2 does not hang on the site"),
    ],
)
def test_what_is_no_tree_is_named(feeder, parents, said):
    with pytest.raises(NoTree, match=said):
        optimum(
            [machine("a", (1, 1), feeder=feeder)],
            [Branch(id=name, parent=parent) for name, parent in parents.items()],
            cap_w=10,
        )


@pytest.mark.parametrize(("feeders", "short"), [(1, 0.0001), (20, 0.002)])
def test_a_farm_of_two_thousand_comes_near_to_the_bound_of_mixed_levels(feeders, short):
    """Where levels could be mixed, each feeder's cap would be filled to the watt by its best machines."""
    chance = random.Random(feeders)
    machines, bound, branches = [], 0.0, []
    for feeder in range(feeders):
        group = []
        for at in range(2000 // feeders):
            watts = round(chance.uniform(1400, 3500), 1)
            group.append((watts, watts / chance.uniform(18, 95), f"m{feeder}-{at}"))
        cap_w = 0.6 * sum(watts for watts, _, _ in group)
        branches.append(Branch(id=f"T{feeder}", max_w=cap_w))
        machines += [machine(name, (watts, ths), (0, 0), feeder=f"T{feeder}") for watts, ths, name in group]
        for watts, ths, _ in sorted(group, key=lambda one: one[0] / one[1]):
            bound += ths * min(1.0, cap_w / watts)
            cap_w -= min(cap_w, watts)
    assert optimum(machines, branches, cap_w=1e9).hashrate_ths >= (1 - short) * bound
