"""A stranger on the CGMiner API: read by what it answers, asked once for what it lacks, told what it proves."""

import pytest

from drivers.errors import NotListening, NotPermitted, Unreachable, Unsupported
from drivers.generic import Generic
from drivers.interface import LimitPower, Reboot, Sleep, State, Target, Wake, Want
from tests.drivers.conversations import Talk, converse, scripted

pytestmark = pytest.mark.pure
HERE = Target(host="127.0.0.1")
SUMMARY = {
    "Elapsed": 97_139, "MHS av": 65_492_089.3, "MHS 5s": 65_371_302.8, "MHS 1m": 65_463_822.1, "Accepted": 33_825,
    "Rejected": 185, "Stale": 27, "Hardware Errors": 1601, "Best Share": 545, "Fan Speed In": 4590,
    "Fan Speed Out": 4560, "Error Code Count": 0,
}  # fmt: skip
POOL = {"POOL": 0, "URL": "stratum+tcp://a.invalid:3333", "Status": "Alive", "User": "u", "Stratum Active": True}
BOARDS = [
    {
        "STATS": at,
        "ID": f"SM{at}",
        "slot": at,
        "chip_num": 105,
        "freqs_avg": 650 + at,
        "temp_1": 72.5 + at,
        "temp_2": 0.0,
    }
    for at in range(3)
]
STATS = [*BOARDS, {"STATS": 3, "ID": "POOL0", "Pool Calls": 0}]
FLAT = {
    "STATS": 0, "Type": "Toaster T9", "Elapsed": 500, "GHS 5s": "9000.5", "GHS av": 8900.0, "fan1": 3000, "fan2": 0,
    "fan5": 3100, "chain_acn1": 60, "chain_rate1": "4500.5", "chain_acn2": 60, "chain_rate2": "4500", "temp1": 61,
}  # fmt: skip
DEVICE = {"ASC": 0, "Name": "TST", "ID": 0, "Enabled": "Y", "Status": "Alive", "Temperature": 60.5, "MHS 1m": 30e6}


def said(letter="S", code=11, **sections):
    status = {"STATUS": letter, "When": 5, "Code": code, "Msg": "said", "Description": "tstminer 1.2"}
    return {"STATUS": [status], **sections, "id": 1}


UNKNOWN, DENIED = said("E", 14), said("E", 45)
COMMANDS = ("summary", "version", "devs", "devdetails", "stats", "pools", "notify", "check|ascdisable")


def machine(**replies):
    answers = {
        "summary": said(SUMMARY=[SUMMARY]),
        "stats": said(STATS=STATS),
        "pools": said(POOLS=[POOL]),
        "check|ascdisable": said(CHECK=[{"Exists": "Y", "Access": "Y"}]),
    }
    return scripted(dict.fromkeys(COMMANDS, UNKNOWN) | answers | replies)


def read(want=Want.FULL, **replies):
    return converse(Generic(HERE).read(want), machine(**replies))


def test_who_it_is_as_far_as_it_says():
    identity = converse(Generic(HERE).identify(), machine())
    assert (identity.driver, identity.model, identity.nominal_w) == ("generic", None, None)
    assert (identity.firmware, identity.firmware_version) == ("tstminer", "1.2")
    assert identity.abilities.names() == ()


@pytest.mark.parametrize(
    ("replies", "model"),
    [
        ({"stats": said(STATS=[FLAT])}, "Toaster T9"),
        ({"version": said(VERSION=[{"Type": "Antminer S9"}])}, "Antminer S9"),
        ({"devdetails": said(DEVDETAILS=[{"Model": "M30S"}])}, "WhatsMiner M30S"),
        ({"version": said(VERSION=[{"Type": "cgminer 4.9"}])}, None),
    ],
)
def test_a_model_is_taken_from_where_it_is_named(replies, model):
    identity = converse(Generic(HERE).identify(), machine(**replies))
    assert (identity.model, identity.nominal_w is None) == (model, model in {"Toaster T9", None})


def test_the_plain_figures_and_boards_a_row_each():
    reading = read()
    assert (reading.state, reading.level, reading.uptime_s) == (State.HASHING, "full", 97_139)
    assert reading.hashrate_ths == pytest.approx(65.4638221)
    assert (reading.accepted, reading.hardware_errors, reading.power_w, reading.errors) == (33_825, 1601, None, ())
    assert [fan.rpm for fan in reading.fans] == [4590, 4560]
    assert [(board.slot, board.chips, board.board_temps_c, board.frequency_mhz) for board in reading.boards] == [
        (0, 105, (72.5,), 650),
        (1, 105, (73.5,), 651),
        (2, 105, (74.5,), 652),
    ]
    assert [pool.url for pool in reading.pools] == ["stratum+tcp://a.invalid:3333"]


def test_one_flat_row_is_read_as_an_antminers():
    reading = read(summary=UNKNOWN, stats=said(STATS=[FLAT]))
    assert (reading.state, reading.hashrate_ths, reading.uptime_s) == (State.HASHING, pytest.approx(9.0005), 500)
    assert [(board.slot, board.hashrate_ths, board.chips) for board in reading.boards] == [
        (1, pytest.approx(4.5005), 60),
        (2, 4.5, 60),
    ]
    assert [fan.rpm for fan in reading.fans] == [3000, 3100]


def test_devices_are_boards_and_what_is_counted_is_told():
    told = SUMMARY | {"Power": 3250, "Env Temp": 24.5, "Error Code Count": 2, "Error Code 0": 110, "Error Code 1": "x7"}
    reading = read(summary=said(SUMMARY=[told]), devs=said(DEVS=[DEVICE, DEVICE]), stats=UNKNOWN)
    assert [board.hashrate_ths for board in reading.boards] == [30.0, 30.0]
    assert (reading.power_w, reading.inlet_c) == (3250.0, 24.5)
    assert [fault.code for fault in reading.errors] == ["110", "x7"]
    silent = {key: value for key, value in SUMMARY.items() if "Fan" not in key and "Error C" not in key}
    reading = read(summary=said(SUMMARY=[silent]), stats=UNKNOWN)
    assert (reading.fans, reading.boards, reading.errors) == (None, None, None)


def test_without_pools_it_waits_and_without_a_rate_it_fails():
    still = said(SUMMARY=[SUMMARY | dict.fromkeys(("MHS 5s", "MHS 1m"), 0.0)])
    assert read(Want.QUICK, summary=still).reason == "fault:hashrate"
    dead = said(POOLS=[POOL | {"Status": "Dead"}])
    assert read(Want.QUICK, summary=still, pools=dead).reason == "idle:pool"


def test_what_it_lacks_is_asked_for_once():
    driver, talk = Generic(HERE), Talk(machine())
    talk.hold(driver.read(Want.QUICK))
    assert talk.names == ["summary", "devs", "pools", "notify"]
    talk.asked.clear()
    talk.hold(driver.read(Want.FULL))
    assert talk.names == ["summary", "pools", "stats"]


def test_one_that_hangs_up_at_what_it_does_not_know_is_read_and_one_that_is_gone_is_not():
    gone = Unreachable("closed")
    assert read(devs=gone, notify=gone).hashrate_ths == pytest.approx(65.4638221)
    for error in (gone, NotListening("shut")):
        with pytest.raises(type(error)):
            converse(Generic(HERE).read(Want.QUICK), scripted({"summary": error}))
    with pytest.raises(NotPermitted):
        converse(Generic(HERE).read(Want.QUICK), scripted(dict.fromkeys(COMMANDS, DENIED)))


def test_the_text_form_is_read_too():
    text = b"STATUS=S,When=1,Code=11,Msg=Summary,Description=tst 1|SUMMARY,Elapsed=38,MHS 5s=5000000.0,Fan Speed In=9|"
    reading = read(Want.QUICK, summary=text)
    assert (reading.hashrate_ths, reading.uptime_s, reading.fans[0].rpm) == (5.0, 38, 9)


@pytest.mark.parametrize(
    ("replies", "may"),
    [
        ({}, False),
        ({"devs": said(DEVS=[DEVICE])}, True),
        ({"devs": said(DEVS=[{"Name": "nameless"}])}, False),
        ({"devs": said(DEVS=[DEVICE]), "check|ascdisable": UNKNOWN}, False),
        ({"devs": said(DEVS=[DEVICE]), "check|ascdisable": said(CHECK=[{"Exists": "Y", "Access": "N"}])}, False),
        ({"devs": said(DEVS=[DEVICE]), "check|ascdisable": Unreachable("closed")}, False),
    ],
)
def test_only_its_own_yes_lets_it_be_put_to_sleep(replies, may):
    identity = converse(Generic(HERE).identify(), machine(**replies))
    assert (identity.abilities.sleep is not None) is may


def test_it_is_told_by_the_plain_api_or_nothing_at_all():
    answers = machine(**{"devs": said(DEVS=[DEVICE]), "ascdisable|0": said("I", 111)})
    driver = Generic(HERE)
    converse(driver.identify(), answers)
    talk = Talk(answers)
    talk.hold(driver.send(Sleep()))
    assert talk.names == ["devs", "ascdisable|0"]
    assert converse(driver.send(Wake()), answers).already
    for command, made in ((Reboot(), driver), (LimitPower(limit_w=9), driver), (Sleep(), Generic(HERE))):
        with pytest.raises(Unsupported):
            converse(made.send(command), answers if made is driver else machine())
