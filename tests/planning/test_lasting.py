"""Of equals those sleep first, under a limit for long, that sleep on when the farm's power goes and comes back."""

from dataclasses import replace

import pytest

from agent.control.demand import demand_of
from agent.orders.arbitration import Cap
from agent.planning.ladder import build_ladder
from drivers.interface import Abilities, Identity, SleepAbility
from tests.orders.site import Site, at, capped
from tests.planning.plant import Plant

pytestmark = pytest.mark.pure
KEEPS, FORGETS = (SleepAbility(standby_w=25.0, survives_power_cut=keeps) for keeps in (True, False))


def farm(*sleeps, efficiency=None):
    """Machines of which each keeps its sleep over a power cut, or does not."""
    plant = Plant([3000.0] * len(sleeps), efficiency=efficiency)
    for row, sleep in enumerate(sleeps):
        known = plant.fleet.identities[row]
        identity = replace(known, abilities=replace(known.abilities, sleep=sleep))
        plant.fleet.identified(row, identity, build_ladder(identity))
    return plant.run(25)


def asleep(plant, *, lasts):
    plant.set(cap_w=5000.0 + 2 * 3000.0 + 200.0, may_step=True, lasts=lasts).run(60)
    return [row for row in range(plant.n) if plant.world.asleep[row]]


def test_of_equals_those_that_keep_their_sleep_go_first_where_the_limit_is_for_long():
    assert asleep(farm(FORGETS, FORGETS, KEEPS, KEEPS), lasts=True) == [2, 3]


def test_a_short_limit_takes_them_as_they_come():
    assert asleep(farm(FORGETS, FORGETS, KEEPS, KEEPS), lasts=False) == [0, 1]


def test_a_much_better_one_hashes_on_though_it_would_keep_its_sleep():
    assert asleep(farm(FORGETS, FORGETS, KEEPS, KEEPS, efficiency=[30.0, 30.0, 20.0, 29.5]), lasts=True) == [0, 3]


def test_what_nobody_says_to_be_kept_is_not():
    told = Identity(driver="x", nominal_w=3000.0, abilities=Abilities(sleep=SleepAbility(standby_w=25.0)))
    assert not build_ladder(told).keeps


@pytest.mark.parametrize(
    ("told", "lasts"),
    [
        ({}, True),
        ({"ends_at": at(6 * 3600 - 1)}, False),
        ({"ends_at": at(6 * 3600)}, True),
        ({"ends_at": at(3600), "resume": "issuer"}, True),
    ],
)
def test_an_order_is_for_long_that_binds_six_hours_or_until_it_is_released(told, lasts):
    site = Site()
    site.send(capped(100, starts_at=at(0)) | {"resume": "auto"} | told)
    assert site.book.cap(site.now).lasts is lasts


def test_the_demand_says_so():
    cap = Cap(cap_w=1000.0, lasts=True)
    assert demand_of(cap, connection_w=2000.0, restore_kw_per_min=None).lasts
