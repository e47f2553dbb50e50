"""Who says again just what he said is taken in at once, and leaves the columns as weighing his words would."""

import numpy as np
import pytest

from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Ladder, Miner, Step
from drivers.interface import Identity, Reading, State

pytestmark = pytest.mark.pure

LADDER = Ladder(
    steps=(
        Step(level="full", power_w=3000.0, hashrate_ths=100.0),
        Step(level="limit:2000", power_w=2000.0, hashrate_ths=75.0),
        Step(level="sleep", power_w=25.0, hashrate_ths=0.0),
    ),
    most_w=3150.0,
)
AT_WORK = Reading(state=State.HASHING, level="full", power_w=3000.0, hashrate_ths=100.0, present_ths=100.0)
MUTE = Reading(state=State.HASHING, hashrate_ths=100.0, uptime_s=5)
ASLEEP = Reading(state=State.SLEEPING, level="sleep", power_w=25.0, hashrate_ths=0.0)
LIMITED = Reading(state=State.HASHING, level="limit:2000", power_w=2000.0, hashrate_ths=75.0, present_ths=75.0)
FAULTY = Reading(state=State.FAULT, reason="fault:hashrate", level="full", power_w=300.0, hashrate_ths=0.0)
VAGUE = Reading(state=State.UNKNOWN, reason="unknown:login", power_w=2900.0, hashrate_ths=90.0)
SAID = (AT_WORK, ASLEEP, MUTE, LIMITED, FAULTY, VAGUE)
COLUMNS = ("seen", "state", "setpoint", "believed_w", "heard_at", "energy_j", "_least_shown_w", "_most_shown_w",
           "_rises_until", "_risen", "_tries", "_next_try", "_known", "_failures", "_model_w", "broken")  # fmt: skip


def fleet(*, weighs_all):
    made = Fleet([Miner(id="a", host="h")], FeederTree.of(()), FleetPolicy())
    made.identified(0, Identity(driver="plant"), LADDER)
    if weighs_all:
        made._steady.goes_on = lambda *_said: False
    return made


def befalls(one, what, now):
    match what:
        case Reading():
            one.heard(0, what, now)
        case int(step):
            one.set_steps(np.array([0]), np.array([step]), now)
            one.attempted(0, now)
        case "wanted":
            one.set_steps(np.array([0]), np.array([2]), now)
        case "lost":
            one.silent(0)
        case "garbled":
            one.garbled(0)
        case "cut" | "powered":
            one.restore_powers({"a": 0.0 if what == "cut" else 3000.0})
        case _:
            one.seal({"a"} if what == "sealed" else set(), set())


@pytest.mark.parametrize("seed", range(12))
def test_a_fleet_that_weighs_every_word_is_the_same_at_each_moment(seed):
    random = np.random.default_rng(seed)
    quick, slow = fleet(weighs_all=False), fleet(weighs_all=True)
    others = [0, 1, 2, "wanted", "lost", "garbled", "sealed", "unsealed", "cut", "powered"]
    now, said = 0.0, AT_WORK
    for _ in range(150):
        now += float(random.choice([1.0, 10.0, 600.0]))
        draw = random.random()
        said = said if draw < 0.8 else SAID[random.integers(len(SAID))]
        what = others[random.integers(len(others))] if draw > 0.93 else said
        befalls(quick, what, now)
        befalls(slow, what, now)
        for name in COLUMNS:
            assert np.array_equal(getattr(quick, name), getattr(slow, name)), (name, what, now)
        assert (quick.woken, quick.proved, quick.own_levels._told) == (slow.woken, slow.proved, slow.own_levels._told)
        assert (quick.readings, quick.reasons) == (slow.readings, slow.reasons)


BEFORE_AND_AFTER = [  # what is said over and over, and what befalls the machine between
    pytest.param(FAULTY, 0, id="woken, and its trust ends"),
    pytest.param(VAGUE, "cut", id="cut"),
    pytest.param(VAGUE, "powered", id="powered"),
    pytest.param(VAGUE, "resealed", id="sealed and opened"),
    pytest.param(VAGUE, "garbled", id="garbled"),
]


@pytest.mark.parametrize(("said", "what"), BEFORE_AND_AFTER)
def test_what_befalls_it_between_is_not_passed_over(said, what):
    quick, slow = fleet(weighs_all=False), fleet(weighs_all=True)
    for one in (quick, slow):
        one.heard(0, ASLEEP, 0.0)
        befalls(one, "wanted", 0.0)
        for at in range(1, 4):
            one.heard(0, ASLEEP if what == 0 else said, 10.0 * at)
        for event in ("sealed", "unsealed") if what == "resealed" else (what,):
            befalls(one, event, 40.0)
        for at in range(5, 100):
            one.heard(0, said, 10.0 * at)
    for name in COLUMNS:
        assert np.array_equal(getattr(quick, name), getattr(slow, name)), name
    assert quick.reasons == slow.reasons


def test_who_says_the_same_again_is_not_weighed():
    one = fleet(weighs_all=False)
    for at in range(4):
        one.heard(0, ASLEEP, 10.0 * at)
    one.own_levels = None  # weighing would ask it
    one.heard(0, ASLEEP, 50.0)
    assert one.heard_at[0] == 50.0
    assert one.energy_j[0] == 50.0 * 25.0
