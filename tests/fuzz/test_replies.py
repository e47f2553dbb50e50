"""A share of `make fuzz`: two thousand mutated replies over the parsers of every driver, and what it found once."""

import pytest

from drivers import registry
from drivers.errors import MOST_SAID, Garbled, Refused
from drivers.interface import Abilities, Board, Fan, Identity, Pool, PowerRange, Profile, Reading
from drivers.tolerant import decode, plain_decoder
from tests.fuzz.faces import recorded
from tests.fuzz.replies import Fed, feed

SEED = "share"
CASES = 1700


@pytest.fixture(scope="module")
def tapes():
    return recorded()


def test_every_driver_has_tapes(tapes):
    assert {tape.driver for tape in tapes} == set(registry.names())


def test_mutated_replies_end_in_what_a_machine_can_have_or_in_a_device_error(tapes):
    fed = Fed()
    feed(tapes, SEED, range(CASES), fed)
    assert fed.wrong == []
    assert fed.replies >= 2000


def test_what_no_machine_can_have_says_nothing():
    reading = Reading(
        hashrate_ths=-0.1,
        power_w=1e6,
        power_limit_w=2e9,
        level="limit:2000000000",
        uptime_s=-1,
        inlet_c=-273.0,
        boards=(Board(slot=0, hashrate_ths=95.0, chip_temp_c=99_999.0), Board(slot=12_999)),
        fans=(Fan(slot=1, rpm=-1), Fan(slot=2, rpm=4000)),
        pools=(Pool(url="x", accepted=2**70),),
        best_share=float("inf"),
    )
    assert reading == Reading(
        boards=(Board(slot=0, hashrate_ths=95.0),), fans=(Fan(slot=2, rpm=4000),), pools=(Pool(url="x"),)
    )


def test_what_a_machine_says_that_it_could_is_left_out_where_it_cannot_be():
    impossible = Abilities(
        power_limit=PowerRange(least_w=3000, most_w=2e9), profiles=(Profile(name="x", power_w=-1, hashrate_ths=1e9),)
    )
    assert impossible == Abilities(profiles=(Profile(name="x"),))
    assert Identity(driver="x", nominal_ths=-0.1, nominal_w=2e9) == Identity(driver="x")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'{"a":"\ud800"}', "\ufffd"),
        (rb'{"a":"\udfff\ud800x"}', "\ufffd\ufffdx"),
        (rb'{"a":"\ud83d\ude00\'"}', "\U0001f600'"),
    ],
)
def test_half_a_character_is_marked_as_none(raw, text):
    assert decode(raw, plain_decoder()) == {"a": text}


def test_what_is_nested_without_an_end_is_garbled():
    with pytest.raises(Garbled):
        decode(b"[" * 100_000, plain_decoder())


def test_what_a_machine_says_of_a_refusal_is_cut_to_a_line():
    assert str(Refused("no")) == "no"
    assert len(str(Refused("[" * 5000))) == MOST_SAID + 1
