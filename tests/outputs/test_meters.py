"""What outputs say of meters and feeders: each figure by who measures it, and a silence by its name."""

import numpy as np
import pytest

from agent.fleet.meter_view import MeterView
from agent.fleet.miner import Feeder, FeederTree
from agent.fleet.power import MeterState
from agent.outputs.feeders import feeder_draws
from agent.outputs.metrics import Metrics
from agent.outputs.shown import site_json
from agent.outputs.standing import meter_silence
from tests.outputs.farm import MemoryDesk, empty_book, sight_of, small_fleet
from tests.outputs.test_metrics import key, samples


def meter(name, role="billing", power_w=1000.0, *, feeder="site", **rest):
    state = MeterState(id=name, fresh=power_w is not None, silent_s=2.0, last_w=power_w)
    return MeterView(role=role, feeder=feeder, state=state, **rest)


def sight(*meters):
    return sight_of(MemoryDesk(small_fleet(), empty_book()), meters=lambda: meters)


# feeders ----------------------------------------------------------------------------------------------------------

TREE = FeederTree.of((Feeder(id="T1", max_w=9e3), Feeder(id="q1", parent="T1"), Feeder(id="q2", parent="T1")))


def draws(*meters, believed_w=(1.0, 20.0, 300.0, 4000.0)):
    told = feeder_draws(TREE, np.array(believed_w), meters, (50_000.0, "meter"))
    return {feeder.id: (feeder.power_w, feeder.power_source) for feeder in told}


def test_a_feeders_cap_is_the_least_of_what_it_carries_and_what_orders_on_it_allow():
    tree = FeederTree.of((Feeder(id="T1", max_w=9e3), Feeder(id="T2")))
    told = feeder_draws(tree, np.zeros(3), (), (0.0, "meter"), {"T1": 4e3, "T2": 7e3})
    assert {feeder.id: feeder.cap_w for feeder in told} == {"site": None, "T1": 4e3, "T2": 7e3}


def test_a_limit_in_kva_caps_by_what_the_meter_says_and_phases_are_shown():
    tree = FeederTree.of((Feeder(id="T1", max_va=1e4, phase="L1"), Feeder(id="T2", max_w=8e3, max_va=1e4, phase="L2")))
    told = feeder_draws(tree, np.zeros(3), (), (0.0, "meter"))
    assert [feeder.cap_w for feeder in told] == [None, 9500.0, 8e3]
    state = MeterState(id="m", fresh=True, silent_s=0.0, last_w=6e3, mean_w=6e3, covered=True)
    reads = MeterView(role="feeder", feeder="T1", state=state, reactive_var=8e3)
    [_, first, _] = feeder_draws(tree, np.zeros(3), (reads,), (0.0, "meter"))
    assert (first.cap_w, first.max_kva, first.reactive_kvar, first.phase) == (6e3, 10.0, 8.0, "L1")
    shown = sight_of(MemoryDesk(small_fleet(), empty_book()))
    shown.fleet.tree = tree
    assert [one.parent for one in site_json(shown)["phases"]] == ["site"]


def test_a_feeder_without_a_meter_draws_what_is_believed_below_it():
    assert draws() == {
        "site": (50_000.0, "meter"),
        "T1": (4320.0, "beliefs"),
        "q1": (300.0, "beliefs"),
        "q2": (4000.0, "beliefs"),
    }


def test_a_feeder_draws_what_its_own_meter_says():
    assert draws(meter("m", "feeder", 5100.0, feeder="T1"))["T1"] == (5100.0, "meter")


def test_what_is_measured_below_a_feeder_is_in_its_draw():
    assert draws(meter("m", "feeder", 500.0, feeder="q1"))["T1"] == (4520.0, "beliefs")


def test_a_silent_meter_of_a_feeder_leaves_it_to_beliefs():
    assert draws(meter("m", "feeder", None, feeder="T1"))["T1"] == (4320.0, "beliefs")


def test_of_two_meters_of_a_feeder_the_higher_is_shown():
    pair = (meter("m", "feeder", 5100.0, feeder="T1"), meter("n", "connection", 5200.0, feeder="T1"))
    assert draws(*pair)["T1"] == draws(*reversed(pair))["T1"] == (5200.0, "meter")


@pytest.mark.parametrize("role", ["house", "generation", "export", "check"])
def test_no_other_meter_tells_the_draw_of_the_feeder_it_hangs_on(role):
    assert draws(meter("m", role, 5100.0, feeder="T1"))["T1"] == (4320.0, "beliefs")


# metrics ----------------------------------------------------------------------------------------------------------


async def test_every_meter_is_in_the_scrape_and_a_silent_one_shows_no_watts():
    told = (meter("main", power_w=None, age_s=40.0), meter("check", "check", 990.0, age_s=2.0, standing_in_for="main"))
    found = await samples(sight(*told))
    assert key("meter_power_watts", meter="main", role="billing") not in found
    assert found[key("meter_power_watts", meter="check", role="check")] == 990.0
    assert [found[key("meter_up", meter=name)] for name in ("main", "check")] == [0, 1]
    assert [found[key("meter_age_seconds", meter=name)] for name in ("main", "check")] == [40.0, 2.0]
    assert [found[key("meter_stands_in", meter=name)] for name in ("main", "check")] == [0, 1]


async def test_a_meter_that_was_never_heard_has_no_age():
    found = await samples(sight(meter("main", power_w=None)))
    assert key("meter_age_seconds", meter="main") not in found


async def test_a_feeders_draw_in_the_scrape_is_its_meters_and_says_so():
    found = await samples(sight(meter("t1", "feeder", 3400.0, feeder="T1")))
    assert found[key("feeder_power_watts", feeder="T1")] == 3400.0
    assert [found[key("feeder_metered", feeder=name)] for name in ("site", "T1", "q1")] == [1, 1, 0]


async def test_without_meters_there_is_no_family_of_theirs():
    scrape = await Metrics(site="farm-1", version="1").scrape(sight(), openmetrics=False, zipped=False)
    assert b"hashwatt_meter_" not in b"".join(scrape.pieces)


# JSON and words ---------------------------------------------------------------------------------------------------


def test_the_site_lists_its_meters():
    told = meter(
        "t1", "feeder", 3400.0, feeder="T1", age_s=2.345, energy_wh=1e6, kind="modbus", register_map="eastron-sdm630"
    )
    assert site_json(sight(told))["meters"] == [
        {
            "id": "t1",
            "role": "feeder",
            "feeder": "T1",
            "kind": "modbus",
            "map": "eastron-sdm630",
            "power_w": 3400.0,
            "energy_wh": 1e6,
            "age_s": 2.3,
            "fresh": True,
            "standing_in_for": None,
        }
    ]


NORTH, SOUTH = meter("north", "connection"), meter("south", "connection", None)
CHECK = meter("c", "check", standing_in_for="main")


@pytest.mark.parametrize(
    ("meters", "said"),
    [
        ((), None),
        ((meter("main"), meter("house", "house", None)), None),
        ((meter("main", power_w=None),), "the billing meter is silent"),
        ((meter("main", power_w=None), CHECK), "the billing meter is silent: its check c stands in"),
        ((meter("north+south", power_w=None), NORTH, SOUTH), "the billing meter is silent (south)"),
        (
            (meter("north+south", power_w=None), NORTH, SOUTH, CHECK),
            "the billing meter is silent (south): its check c stands in",
        ),
    ],
)
def test_the_billing_meters_silence_is_told_with_what_fills_it(meters, said):
    assert meter_silence(meters) == said
