"""Which levels a machine's abilities give it, in which order, and what each draws and hashes."""

import pytest

from agent.fleet.miner import Ladder
from agent.planning.ladder import build_ladder
from drivers.interface import Abilities, Identity, LowAbility, PowerRange, Profile, SleepAbility

pytestmark = pytest.mark.pure
SLEEP = SleepAbility(standby_w=20.0)
RANGE = PowerRange(least_w=2000.0, most_w=3000.0)


def ladder(**abilities) -> Ladder:
    return build_ladder(
        Identity(driver="x", nominal_w=3000.0, nominal_ths=100.0, abilities=Abilities(**abilities)),
    )


def levels(of: Ladder) -> list[str]:
    return [step.level for step in of.steps]


def test_limits_lie_between_full_and_sleep_within_the_range_by_falling_watts():
    made = ladder(sleep=SLEEP, power_limit=RANGE, low=LowAbility(power_share=0.75, hashrate_share=0.8))
    assert levels(made) == ["full", "limit:2700", "limit:2400", "low", "limit:2100", "sleep"]
    watts = [step.power_w for step in made.steps]
    assert watts == sorted(watts, reverse=True)


def test_a_limited_machine_makes_more_of_a_watt():
    full, limited = ladder(power_limit=RANGE).steps[:2]
    assert limited.hashrate_ths / limited.power_w > full.hashrate_ths / full.power_w
    assert limited.hashrate_ths < full.hashrate_ths


def test_profiles_are_levels_where_there_are_no_limits_a_few_of_many():
    profiles = tuple(Profile(name=f"{w}", power_w=float(w), hashrate_ths=w / 30) for w in range(1500, 3500, 100))
    made = ladder(sleep=SLEEP, profiles=(*profiles, Profile(name="eco")))
    assert levels(made) == ["full", "profile:2700", "profile:2400", "profile:2100", "profile:1800", "sleep"]
    assert "profile:2700" not in levels(ladder(sleep=SLEEP, profiles=profiles, power_limit=RANGE))
    assert levels(made.holding("profile:2500"))[2] == "profile:2500"
    assert made.holding("profile:eco") == made


def test_the_owners_limit_is_a_level_of_its_own_until_he_wants_another():
    plain = ladder(sleep=SLEEP, power_limit=RANGE)
    made = plain.holding("limit:2550")
    assert levels(made) == ["full", "limit:2700", "limit:2550", "limit:2400", "limit:2100", "sleep"]
    assert levels(made.holding("limit:2650")).count("limit:2550") == 0
    assert made.holding("full") == plain
    assert plain.holding("limit:2700") == plain


@pytest.mark.parametrize("level", ["limit:1999", "limit:3001", "low", "profile:eco"])
def test_a_level_that_a_machine_has_not_is_no_step(level: str):
    plain = ladder(sleep=SLEEP, power_limit=RANGE)
    assert plain.holding(level) == plain
    assert ladder(sleep=SLEEP).holding("limit:2500") == ladder(sleep=SLEEP)


@pytest.mark.parametrize(
    ("asked", "given"),
    [("limit:2450", "limit:2400"), ("limit:100", "sleep"), ("off", "sleep"), ("profile:eco", "full"), ("low", "full")],
)
def test_what_it_has_not_is_met_by_the_next_that_draws_no_more(asked: str, given: str):
    made = ladder(sleep=SLEEP, power_limit=RANGE)
    assert made.steps[made.nearest(asked)].level == given


def test_how_long_one_rises_is_its_firmwares_own_else_the_configured():
    told = Identity(driver="x", abilities=Abilities(sleep=SleepAbility(standby_w=20.0, wake_s=900.0)))
    untold = Identity(driver="x", abilities=Abilities(sleep=SLEEP))
    unable = Identity(driver="x")
    assert [build_ladder(one, wake_settle_s=400.0).wake_s for one in (told, untold, unable)] == [900.0, 400.0, 400.0]
    assert build_ladder(told, scale_delays=0.1, wake_settle_s=40.0).wake_s == 90.0
