"""Avalons in words: one text of telemetry, sleep that its supply proves, restarts without a word."""

import pytest

from drivers.avalon import Avalon
from drivers.errors import NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import LimitPower, Locate, Reboot, SetMode, Sleep, State, Target, Wake, Want
from tests.drivers.conversations import Talk, converse, scripted

pytestmark = pytest.mark.pure
HERE = Target(host="127.0.0.1")
FARM = {
    "Ver": "1346-110-24041001_08b0955_0196aba", "SYSTEMSTATU": "Work: In Work, Hash Board: 3 ", "Elapsed": "1000",
    "Temp": "31", "Fan1": "4275", "Fan2": "4282", "PS": "0 1209 1187 280 3107 1188 3334", "GHSspd": "109000.0",
    "GHSmm": "112000.0", "GHSavg": "108000.0", "MGHS": "36000.0 36500.0 35500.0", "MTmax": "77 78 77",
    "MTavg": "69 70 71", "TA": "360", "SoftOFF": "0", "ECHU": "0 0 0", "ECMM": "0", "FACOPTS0": "",
}  # fmt: skip
ASLEEP = {
    "SYSTEMSTATU": "Work: In Idle, Hash Board: 3 ", "PS": "0 1209 1 0 0 1188 11", "GHSspd": "0.00", "SoftOFF": "5",
}  # fmt: skip
VERSION = {
    "PROD": "AvalonMiner 1346-110",
    "MODEL": "1346-110",
    "VERSION": "24041001_08b0955_0196aba",
    "MAC": "b4a2eb3f2348",
}
HOME = {"PROD": "Avalon Q", "MODEL": "Q", "LVERSION": "25052801_14a19a2", "MAC": "AA:BB:CC:DD:EE:FF"}
DONE = {"STATUS": [{"STATUS": "S", "When": 7, "Code": 119, "Msg": "ASC 0 set OK"}]}


def text_of(words):
    return " ".join(f"{name}[{value}]" for name, value in words.items())


def machine(version=VERSION, key="MM ID0", elapsed=1000, replies=(), **words):
    status = [{"STATUS": "S", "When": 500, "Code": 70, "Msg": "x"}]
    telemetry = FARM | words
    text = text_of({name: value for name, value in telemetry.items() if value is not None})
    told = {
        "version": {"STATUS": status, "VERSION": [version]},
        "stats": {"STATUS": status, "STATS": [{"ID": "AVA100", "Elapsed": elapsed, key: text}]},
        "summary": {"STATUS": status, "SUMMARY": [{"MHS 30s": 32e6, "MHS av": 25e6, "Accepted": 3}]},
        "pools": {"STATUS": status, "POOLS": [{"URL": "stratum+tcp://a:1", "Status": "Alive", "User": "u"}]},
    }
    return scripted(told | dict(replies))


def read(want=Want.FULL, **given):
    return converse(Avalon(HERE).read(want), machine(**given))


def tell(command, replies, **given):
    driver, talk = Avalon(HERE), Talk(machine(replies=replies, **given))
    talk.hold(driver.identify())
    talk.asked.clear()
    return talk, driver.send(command)


def test_who_it_is():
    identity = converse(Avalon(HERE).identify(), machine())
    assert (identity.model, identity.mac) == ("AvalonMiner A1346", "b4:a2:eb:3f:23:48")
    assert (identity.firmware_version, identity.nominal_ths) == ("24041001_08b0955_0196aba", 110.0)
    assert identity.abilities.names() == ("sleep", "reboot", "locate")


def test_what_it_says():
    reading = read()
    assert (reading.state, reading.hashrate_ths, reading.power_w) == (State.HASHING, 109.0, 3334.0)
    assert [board.hashrate_ths for board in reading.boards] == [36.0, 36.5, 35.5]
    assert [board.chips for board in reading.boards] == [120, 120, 120]
    assert (reading.inlet_c, [fan.rpm for fan in reading.fans]) == (31.0, [4275, 4282])
    assert reading.errors == ()


def test_telemetry_in_sections_is_read_as_the_flat_one_is():
    key = "MM ID0:Summary"
    assert read(key=key, Ver="Q-25052801_14a19a2", STATE="1").hashrate_ths == 109.0


@pytest.mark.parametrize(
    ("words", "elapsed", "state", "reason"),
    [
        (ASLEEP, 1000, State.SLEEPING, None),
        (ASLEEP | {"SoftOFF": "6"}, 40, State.STARTING, "starting:boot"),
        (ASLEEP | {"SoftOFF": "6"}, 9000, State.SLEEPING, None),
        (ASLEEP | {"PS": "0 1209 900 90 800 1188 900"}, 1000, State.IDLE, "idle:stopping"),
        (ASLEEP | {"SoftOFF": "0"}, 1000, State.IDLE, "idle:pool"),
        ({"SYSTEMSTATU": "Work: In Init, Hash Board: 3", "GHSspd": "0"}, 30, State.STARTING, "starting:boot"),
        ({"SYSTEMSTATU": "Work: In Fault, Hash Board: 2", "GHSspd": "0"}, 9000, State.FAULT, "fault:boards"),
        ({"GHSspd": "0"}, 9000, State.FAULT, "fault:hashrate"),
        ({"GHSspd": "0"}, 30, State.STARTING, "starting:boot"),
    ],
)
def test_states_by_what_proves_them(words, elapsed, state, reason):
    reading = read(elapsed=elapsed, **words)
    assert (reading.state, reading.reason) == (state, reason)


def test_asleep_its_averages_are_no_rate():
    reading = read(**ASLEEP)
    assert (reading.hashrate_ths, [board.hashrate_ths for board in reading.boards]) == (0.0, [0.0, 0.0, 0.0])
    assert (reading.power_w, reading.level) == (11.0, "sleep")


@pytest.mark.parametrize(
    ("words", "watts"),
    [
        ({"WALLPOWER": "3731"}, 3731.0),
        ({"PS": "0 1209 1187 280 3100 1188"}, 3333.3),
        ({"PS": "0 0 0 0 0 0"}, None),
        ({"PS": None}, None),
    ],
)
def test_power_is_that_at_the_wall(words, watts):
    assert read(**words).power_w == watts


def test_old_firmware_has_its_rate_in_its_summary_and_no_sleep():
    old = {"GHSspd": None, "SoftOFF": None, "Ver": "1047-20051101_85dc6f0_0332654"}
    reading = read(want=Want.QUICK, version={}, **old)
    assert reading.hashrate_ths == 32.0
    identity = converse(Avalon(HERE).identify(), machine(version={}, **old))
    assert (identity.model, identity.abilities.names()) == ("AvalonMiner A1047", ("reboot", "locate"))


def test_error_bits_are_told_once_each():
    codes = [fault.code for fault in read(ECHU="513 513 0", ECMM="1", PS="64 1 1 1 1 1 3300").errors]
    assert codes == ["513", "ECMM 1", "PS 64"]


def test_a_farm_machine_sleeps_at_a_word_and_wakes_by_a_restart():
    talk, sleeping = tell(Sleep(), {"ascset|0,softoff": DONE})
    assert not talk.hold(sleeping).already
    talk, waking = tell(Wake(), {"ascset|0,reboot,1": Unreachable("reset")}, **ASLEEP)
    assert talk.hold(waking).message == "it went without a word"
    talk, waking = tell(Wake(), {})
    assert talk.hold(waking).already


def test_a_home_machine_sleeps_at_an_instant_of_its_own_clock():
    home = {"version": HOME, "Ver": "Q-25052801_14a19a2"}
    talk, sleeping = tell(Sleep(), {"ascset|0,softoff,1:505": DONE}, **home)
    talk.hold(sleeping)
    talk, waking = tell(Wake(), {"ascset|0,softon,1:505": DONE}, **home, **ASLEEP)
    talk.hold(waking)
    assert talk.names[-1] == "ascset|0,softon,1:505"


def test_a_nano_cannot_sleep():
    nano = {"PROD": "Avalon Nano3s", "MODEL": "Nano3s", "LVERSION": "25021401_56abae7"}
    identity = converse(Avalon(HERE).identify(), machine(version=nano))
    assert (identity.model, identity.abilities.sleep) == ("Avalon Nano 3S", None)


def test_a_home_machine_has_work_modes_which_wait_while_it_stands():
    home = {"version": HOME, "Ver": "Q-25052801_14a19a2"}
    identity = converse(Avalon(HERE).identify(), machine(**home))
    assert [(one.name, one.power_w, one.hashrate_ths) for one in identity.abilities.profiles] == [
        ("eco", 865.0, 52.0),
        ("standard", 1391.0, 80.0),
    ]
    talk, changing = tell(SetMode(mode="eco"), {"ascset|0,workmode,set,0": DONE}, **home, WORKMODE="1")
    assert talk.hold(changing).before == "profile:standard"
    talk, changing = tell(SetMode(mode="full"), {"ascset|0,workmode,set,2": DONE}, **home, WORKMODE="0")
    assert talk.hold(changing).before == "profile:eco"
    talk, changing = tell(SetMode(mode="standard"), {}, **home, WORKMODE="1")
    assert talk.hold(changing).already
    talk, changing = tell(SetMode(mode="eco"), {"ascset|0,softon,1:505": DONE}, **home, **ASLEEP, WORKMODE="2")
    talk.hold(changing)
    talk, changing = tell(SetMode(mode="turbo"), {}, **home)
    with pytest.raises(Unsupported):
        talk.hold(changing)


def test_a_nano_3_tells_its_draw_in_another_place():
    nano = {"PROD": "Avalon Nano3", "MODEL": "Nano3", "LVERSION": "24071801_dcdd92a"}
    driver, talk = (
        Avalon(HERE),
        Talk(machine(version=nano, Ver="Nano3-24071801_dcdd92a", PS="0 0 0 0 2792 89 324", WORKMODE="1")),
    )
    talk.hold(driver.identify())
    reading = talk.hold(driver.read(Want.QUICK))
    assert (reading.power_w, reading.level) == (89.0, "profile:standard")


@pytest.mark.parametrize(
    ("code", "letter", "error"), [(120, "E", Refused), (14, "E", Unsupported), (45, "E", NotPermitted)]
)
def test_refusals_are_what_they_are(code, letter, error):
    no = {"STATUS": [{"STATUS": letter, "When": 7, "Code": code, "Msg": "ASC 0 set failed: no"}]}
    talk, sleeping = tell(Sleep(), {"ascset|0,softoff": no})
    with pytest.raises(error):
        talk.hold(sleeping)


def test_a_light_and_a_restart():
    talk, light = tell(Locate(on=True), {"ascset|0,led,1-1": DONE})
    talk.hold(light)
    talk, restart = tell(Reboot(), {"ascset|0,reboot,0": Unreachable("reset")})
    talk.hold(restart)


@pytest.mark.parametrize("command", [LimitPower(limit_w=2000.0), SetMode(mode="low")])
def test_what_it_has_not(command):
    with pytest.raises(Unsupported):
        converse(Avalon(HERE).send(command), machine())
