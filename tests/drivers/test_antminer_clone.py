"""Firmware that answers as stock does under another name: who it is, what it tells, that it is told nothing."""

import pytest

from drivers import registry
from drivers.errors import NotListening, Refused, Unsupported
from drivers.identify import identify
from drivers.interface import Sleep, State, Target, Want
from tests.drivers.conversations import converse, scripted

pytestmark = pytest.mark.pure
TARGET = Target(host="127.0.0.1")
OK = [{"STATUS": "S", "When": 1, "Code": 70, "Msg": "stats", "Description": "bmminer 1.0.0"}]
FIGURES = {
    "STATS": 0, "ID": "BC50", "Elapsed": 90, "GHS 5s": "13000.5", "GHS av": 12900.0, "miner_count": 1, "fan_num": 1,
    "fan5": 5400, "temp6": 60, "temp2_6": 75, "chain_acn6": 63, "chain_rate6": "13000.5", "total_power": 1300,
}  # fmt: skip


def machine(kind, program="2.0.0", **replies):
    header = {"BMMiner": program, "CompileTime": "Mon Nov 25 09:56:24 PST 2019", "Type": kind}
    told = {
        "version": {"STATUS": OK, "VERSION": [header]},
        "stats": {"STATUS": OK, "STATS": [header, FIGURES]},
        "summary": {"STATUS": OK, "SUMMARY": [{"Accepted": 5, "Rejected": 1, "Elapsed": 90}]},
        "pools": {"STATUS": OK, "POOLS": [{"URL": "stratum+tcp://a:1", "Status": "Alive", "User": "u"}, {"URL": ""}]},
        "GET /api/v1/info": NotListening("refused"),
    }
    return scripted(told | replies)


@pytest.mark.parametrize(
    ("kind", "program", "driver", "version"),
    [
        ("Antminer S9 Hiveon", "2.0.0 rwglr", "hiveon", "Mon Nov 25 09:56:24 PST 2019"),
        ("Antminer S9 (vnish 3.8.6)", "2.0.0", "vnish-old", "3.8.6"),
        ("S19-88 v.2.6.0.39 ", "4.11.1 rwglr", "mskminer", "2.6.0.39"),
        ("Antminer S9 Pro (v5.1) ", "2.0.0 rwglr", "mskminer", "5.1"),
    ],
)
def test_who_it_is(kind, program, driver, version):
    identity = converse(identify(TARGET), machine(kind, program))
    assert (identity.driver, identity.firmware_version) == (driver, version)
    assert identity.model in {"Antminer S9", "Antminer S19", "Antminer S9 Pro"}


def test_what_it_tells():
    answers = machine("Antminer S9 Hiveon")
    driver = registry.create(converse(identify(TARGET), answers), TARGET)
    reading = converse(driver.read(Want.FULL), answers)
    assert (reading.state, reading.hashrate_ths, reading.power_w) == (State.HASHING, 13.0005, 1300.0)
    assert [pool.url for pool in reading.pools] == ["stratum+tcp://a:1"]
    assert (reading.accepted, reading.boards[0].slot, reading.boards[0].board_temp_c) == (5, 6, 60.0)


def test_it_is_told_nothing():
    driver = registry.create(converse(identify(TARGET), machine("Antminer S9 Hiveon")), TARGET)
    with pytest.raises(Unsupported, match="Hiveon"):
        converse(driver.send(Sleep()), machine("Antminer S9 Hiveon"))


def test_a_refusal_of_all_is_a_refusal():
    no = {"STATUS": [{"STATUS": "E", "Code": 99, "Msg": "not now"}]}
    driver = registry.create(converse(identify(TARGET), machine("Antminer S9 Hiveon")), TARGET)
    with pytest.raises(Refused, match="not now"):
        converse(driver.read(Want.QUICK), machine("Antminer S9 Hiveon", stats=no))
