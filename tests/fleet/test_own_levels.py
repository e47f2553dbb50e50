"""A limit or profile that we told a machine is told from one that its owner set."""

from dataclasses import replace

import numpy as np
import pytest

from agent.fleet.belief import proved_step
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Miner
from agent.fleet.own_levels import OwnLevels
from agent.planning.ladder import build_ladder
from drivers.interface import Abilities, Identity, PowerRange, Profile, Reading, SleepAbility, State

pytestmark = pytest.mark.pure
IDENTITY = Identity(
    driver="x",
    nominal_w=3000.0,
    nominal_ths=100.0,
    abilities=Abilities(sleep=SleepAbility(standby_w=20.0), power_limit=PowerRange(least_w=1500.0, most_w=3000.0)),
)
LADDER = build_ladder(IDENTITY)
FULL, L2700, L2400, SLEEP = (LADDER.nearest(level) for level in ("full", "limit:2700", "limit:2400", "sleep"))


def fleet(intended: str = "full") -> Fleet:
    made = Fleet([Miner(id="m0", host="127.0.0.1", intended=intended)], FeederTree.of(()), FleetPolicy())
    made.identified(0, IDENTITY, LADDER)
    return made


def hashing(level: str | None) -> Reading:
    return Reading(state=State.HASHING, level=level, power_w=2500.0, hashrate_ths=90.0)


def test_a_limit_is_ours_where_we_told_it_as_far_as_firmware_rounds():
    own = OwnLevels()
    own.tell(0, "limit:2700")
    own.tell(0, "profile:eco")
    assert own.of(0, "limit:2690") == "limit:2700"
    assert own.of(0, "profile:eco") == "profile:eco"
    assert own.of(0, "limit:2600") is None
    assert own.of(1, "limit:2700") is None
    own.clear(0)
    assert own.of(0, "limit:2700") is None


def test_a_machine_shows_full_with_the_limit_that_its_owner_set_even_where_it_is_a_level_of_ours():
    one = fleet()
    one.heard(0, hashing("limit:2700"), 1.0)
    assert one.seen[0] == one.setpoint[0] == FULL


def test_a_limit_that_we_told_is_seen_until_the_machine_is_back_at_full():
    one = fleet()
    one.heard(0, hashing("full"), 1.0)
    one.set_steps(np.array([0]), np.array([L2400]), 2.0)
    one.attempted(0, 2.0)
    one.heard(0, hashing("limit:2400"), 12.0)
    assert one.seen[0] == L2400
    one.set_steps(np.array([0]), np.array([FULL]), 13.0)
    one.heard(0, hashing("limit:2400"), 22.0)
    assert one.seen[0] == L2400
    one.heard(0, hashing("full"), 32.0)
    one.heard(0, hashing("limit:2400"), 42.0)
    assert one.seen[0] == FULL


def test_what_the_owner_had_set_is_his_though_it_was_a_step_of_ours():
    one = fleet()
    one.modes_before["m0"] = "limit:2700"
    one.heard(0, hashing("limit:2700"), 1.0)
    for step in (L2400, L2700, FULL):
        one.set_steps(np.array([0]), np.array([step]), 2.0)
        one.attempted(0, 2.0)
    one.heard(0, hashing("limit:2400"), 12.0)
    assert one.seen[0] == L2400
    one.heard(0, hashing("limit:2700"), 22.0)
    assert one.seen[0] == FULL


def test_an_owners_limit_below_what_an_order_wants_is_not_raised_to_it():
    assert proved_step(hashing("limit:2000"), LADDER, wanted=L2400) == L2400
    assert proved_step(hashing("limit:2500"), LADDER, wanted=L2400) == FULL
    assert proved_step(hashing("limit:2000"), LADDER, wanted=SLEEP) == FULL


def test_an_owners_profile_below_what_an_order_wants_is_not_raised_to_it():
    profiles = tuple(Profile(name=f"{w}", power_w=float(w), hashrate_ths=w / 30) for w in (1500, 2100, 2400, 2700))
    ladder = build_ladder(replace(IDENTITY, abilities=Abilities(sleep=SleepAbility(standby_w=20.0), profiles=profiles)))
    wanted = ladder.nearest("profile:2100")
    assert proved_step(hashing("profile:1500"), ladder, wanted=wanted) == wanted
    assert proved_step(hashing("profile:2400"), ladder, wanted=wanted) == 0
    assert proved_step(hashing("profile:strange"), ladder, wanted=wanted) == 0


def test_a_limit_that_the_owner_asks_of_us_is_seen_for_what_it_is():
    one = fleet("limit:2550")
    one.heard(0, hashing("limit:2550"), 1.0)
    assert one.level_of(0, int(one.seen[0])) == "limit:2550"
    one.heard(0, hashing("full"), 11.0)
    assert one.seen[0] == FULL < one.setpoint[0]


def test_levels_keep_their_names_when_the_owner_wants_another():
    one = fleet()
    one.heard(0, hashing("full"), 1.0)
    one.set_steps(np.array([0]), np.array([L2400]), 2.0)
    one.attempted(0, 2.0)
    one.heard(0, hashing("limit:2400"), 12.0)
    one.intend(0, "limit:2550")
    assert one.level_of(0, int(one.setpoint[0])) == one.level_of(0, int(one.seen[0])) == "limit:2400"
    assert one.level_of(0, int(one.intended[0])) == "limit:2550"
