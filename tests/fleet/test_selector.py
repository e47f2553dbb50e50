"""Which machines a selector means, and that one which nobody understands means none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Miner, unknown_ladder
from agent.fleet.selector import TURN, at_once, matching, select, selecting
from drivers.interface import Identity, Reading, State

pytestmark = pytest.mark.pure

TREE = FeederTree.of((Feeder(id="T1"), Feeder(id="q1", parent="T1"), Feeder(id="T2")))
MINERS = [
    Miner(id="a1", host="10.0.0.1", feeder="T1", tags=("owner:acme", "row:3"), model="Antminer S19"),
    Miner(id="a2", host="10.0.0.2", feeder="q1", tags=("row:3",), rack="R3", position="07", serial="SN-2"),
    Miner(id="b1", host="10.0.1.1", feeder="T2", rack="R12", position="07", mac="02:00:00:AA:bb:03"),
    Miner(id="10.0.2.1:4029", host="10.0.2.1", port=4029),
]


def fleet() -> Fleet:
    made = Fleet(MINERS, TREE, FleetPolicy())
    stock = Identity(
        driver="any", make="Bitmain", model="something else", firmware="LuxOS", firmware_version="2024.5", serial="SN-1"
    )
    made.identified(0, stock, unknown_ladder())
    other = Identity(driver="any", make="MicroBT", model="M30S++", firmware_version="20230911", mac="02-00-00-aa-bb-02")
    made.identified(1, other, unknown_ladder())
    made.heard(1, Reading(state=State.SLEEPING), 0.0)
    return made


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("*", [0, 1, 2, 3]),
        ("a1", [0]),
        ("a*", [0, 1]),
        ("b1, a1", [0, 2]),
        ("10.0.2.1:4029", [3]),
        ("10.0.2.*:4029", [3]),
        ("feeder:T1", [0, 1]),
        ("feeder:q1", [1]),
        ("feeder:site", [0, 1, 2, 3]),
        ("tag:row:3", [0, 1]),
        ("tag:owner:acme", [0]),
        ("model:antminer s19", [0]),
        ("model:m30s++", [1]),
        ("model:*s*", [0, 1]),
        ("make:microbt", [1]),
        ("make:antminer", [0]),
        ("owner:acme", [0]),
        ("rack:r3", [1]),
        ("rack:R*", [1, 2]),
        ("position:07", [1, 2]),
        ("firmware:luxos", [0]),
        ("firmware:2023*", [1]),
        ("mac:02:00:00:aa:bb:02", [1]),
        ("mac:020000AABB03", [2]),
        ("mac:02-00-00-*", [1, 2]),
        ("serial:sn-*", [0, 1]),
        ("state:sleeping", [1]),
        ("host:10.0.0.*", [0, 1]),
        ("*,!feeder:T1", [2, 3]),
        ("!feeder:T1", [2, 3]),
        ("!a1,feeder:T1", [1]),
        ("*,!state:fault", [0, 1, 2, 3]),
    ],
)
def test_a_selector_means_these(text, rows):
    assert select(fleet(), text) == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty term"),
        ("a1,", "empty term"),
        ("!", "empty term"),
        ("zz", "no miner has the id 'zz'"),
        ("feder:T1", "no miner has the id 'feder:T1'"),
        ("feeder:T9", "no feeder 'T9'"),
        ("a1,tag:none", "no miner matches 'tag:none'"),
        ("rack:R9", "no miner matches 'rack:R9'"),
        ("owner:nobody", "no miner matches 'owner:nobody'"),
        ("mac:02:00:00:aa:bb:99", "no miner matches 'mac:02:00:00:aa:bb:99'"),
        ("model:S21", "no miner matches 'model:S21'"),
        ("state:dreaming", "no state 'dreaming'"),
        ("state:fault", "no miner matches 'state:fault'"),
        ("*,!*", "no miner matches"),
        ("*,!tag:typo", "no miner matches 'tag:typo'"),
    ],
)
def test_what_is_not_understood_or_means_nobody_is_an_error(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        select(fleet(), text)


@pytest.mark.parametrize("text", ["zz", "z*", "a1:4028", "tag:none", "rack:R9", "*,!*"])
def test_a_listing_may_be_of_nobody(text):
    assert not at_once(selecting(fleet(), text, perhaps_nobody=True)).any()


@pytest.mark.parametrize("text", ["feder:T1", "feeder:T9", "state:dreaming", "a1,"])
def test_a_listing_too_says_what_it_does_not_understand(text):
    with pytest.raises(ValueError, match=r"selects nothing|there is no|empty term"):
        at_once(selecting(fleet(), text, perhaps_nobody=True))


def test_a_filter_may_find_nobody_but_must_be_known():
    assert matching(fleet(), "tag", "none") == frozenset()
    with pytest.raises(ValueError, match="'colour' selects nothing"):
        matching(fleet(), "colour", "red")


@given(st.sets(st.sampled_from([m.id for m in MINERS]), min_size=1, max_size=3))
def test_taking_away_is_the_rest_of_naming(ids):
    text = ",".join(sorted(ids))
    without = ",".join(f"!{miner}" for miner in sorted(ids))
    assert sorted(select(fleet(), text) + select(fleet(), without)) == [0, 1, 2, 3]


@pytest.mark.parametrize("text", ["m*", "model:*a*", "mac:02*", "host:10.0.*", "tag:x,rack:r2", "feeder:site"])
def test_a_large_fleet_is_looked_through_a_turn_at_a_time(text):
    """No turn looks at more machines than are a millisecond's work."""
    looked, turns = [0], []

    class Counted(list):
        def __getitem__(self, at):
            looked[0] += 1
            return super().__getitem__(at)

    alike = {"mac": "02:00:00:00:00:01", "tags": ("x",), "model": "a", "rack": "R2"}
    many = [Miner(id=f"m{at}", host=f"10.0.{at // 250}.{at % 250}", **alike) for at in range(5 * TURN)]
    made = Fleet(many, TREE, FleetPolicy())
    made.miners = Counted(made.miners)
    for _ in selecting(made, text):
        turns.append(looked[0])
        looked[0] = 0
    assert max(turns) <= 2 * TURN
    assert len(turns) >= 5
