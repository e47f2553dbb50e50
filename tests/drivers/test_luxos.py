"""LuxOS in words: what its replies mean, and that the one session is always given back."""

import pytest

from drivers.errors import DeviceError, Garbled, Refused, Unreachable, Unsupported
from drivers.interface import LimitPower, Reboot, SetMode, Sleep, State, Target, Wake, Want
from drivers.luxos import Luxos
from tests.drivers.conversations import Talk, Turns, converse, scripted

pytestmark = pytest.mark.pure
OK = [{"STATUS": "S", "When": 1, "Code": 0, "Msg": "done"}]
CONFIG = {
    "MACAddr": "02:1a:00:00:00:07", "SerialNumber": "", "Model": "Antminer S19k Pro", "NameplateTHS": 120.0,
    "Profile": "default", "ProfileStep": "0", "CurtailMode": "None", "IsPowerSupplyOn": True, "IsAtmEnabled": False,
}  # fmt: skip
PROFILES = [
    {"Profile Name": "400MHz", "Step": "-8", "Hashrate": 80.0, "Watts": 1650},
    {"Profile Name": "500MHz", "Step": "-4", "Hashrate": 100.0, "Watts": 2200},
    {"Profile Name": "default", "Step": "0", "Hashrate": 120.0, "Watts": 2800},
    {"Profile Name": "700MHz", "Step": "4", "Hashrate": 140.0, "Watts": 3500},
]
SUMMARY = {"Elapsed": 3600, "GHS 5s": 119_000.0, "GHS 1m": 120_000.0, "GHS av": 118_000.0, "Accepted": 7}
STANDING = SUMMARY | {"GHS 5s": 0.0}
STANDS = {"summary": {"STATUS": OK, "SUMMARY": [STANDING]}}
POOL = {"POOL": 0, "URL": "stratum+tcp://a:1", "User": "u", "Status": "Alive", "Stratum Active": True, "Priority": 0}
VERSION = {"LUXminer": "2025.4.8.220305-57b3", "Miner": "uart_trans.1.3", "Type": "Antminer S19k Pro"}
NO_SESSION = [{"STATUS": "E", "When": 1, "Code": 402, "Msg": "Another session is active"}]
LOGON = {"STATUS": OK, "SESSION": [{"SessionID": "s1"}]}


def machine(**replies):
    """Return a script of one machine; joined commands are not understood unless said."""
    told = {
        "version": {"STATUS": OK, "VERSION": [VERSION]},
        "config": {"STATUS": OK, "CONFIG": [CONFIG]},
        "profiles": {"STATUS": OK, "PROFILES": PROFILES},
        "summary": {"STATUS": OK, "SUMMARY": [SUMMARY]},
        "pools": {"STATUS": OK, "POOLS": [POOL]},
        "events": {"STATUS": OK, "EVENTS": []},
        "devs": {"STATUS": OK, "DEVS": []},
        "logon": LOGON,
        "logoff|s1": {"STATUS": OK},
    }
    unknown = {"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}]}
    answer = scripted(told | replies)

    def answered(exchange):
        reply = answer(exchange)
        silent = isinstance(reply, Unreachable) and str(reply).startswith("no answer to")
        return scripted(dict.fromkeys([name(exchange)], unknown))(exchange) if silent else reply

    return answered


def name(exchange):
    talk = Talk(lambda _: None)
    talk.asked.append(exchange)
    return talk.names[0]


def config(**changes):
    return {"STATUS": OK, "CONFIG": [CONFIG | changes]}


def read(want=Want.FULL, **replies):
    return converse(Luxos(Target(host="127.0.0.1")).read(want), machine(**replies))


def tell(command, **replies):
    talk = Talk(machine(**replies))
    driver = Luxos(Target(host="127.0.0.1"))
    talk.hold(driver.identify())
    talk.asked.clear()
    return talk, driver, command


def test_its_name_is_its_own_though_it_calls_itself_otherwise():
    identity = converse(Luxos(Target(host="127.0.0.1")).identify(), machine())
    assert (identity.firmware, identity.firmware_version) == ("LuxOS", "2025.4.8.220305")
    assert (identity.model, identity.mac) == ("Antminer S19k Pro", "02:1a:00:00:00:07")
    assert (identity.nominal_w, identity.nominal_ths) == (2800.0, 120.0)


def test_full_is_what_its_owner_runs_above_what_it_was_sold_as():
    above = config(Profile="700MHz", ProfileStep="4")
    identity = converse(Luxos(Target(host="127.0.0.1")).identify(), machine(config=above))
    assert (identity.nominal_w, identity.nominal_ths) == (3500.0, 140.0)


def test_a_machine_that_moves_its_profile_by_itself_is_given_none():
    driver = Luxos(Target(host="127.0.0.1"))
    identity = converse(driver.identify(), machine(config=config(IsAtmEnabled=True)))
    assert identity.abilities.profiles == ()
    with pytest.raises(Unsupported):
        converse(driver.send(SetMode(mode="400MHz")), machine())


@pytest.mark.parametrize(
    ("replies", "state", "reason"),
    [
        ({}, State.HASHING, None),
        ({"config": config(CurtailMode="Sleep")}, State.SLEEPING, None),
        ({"events": {"STATUS": OK, "EVENTS": [{"Code": "IDLE"}]}}, State.SLEEPING, None),
        ({"summary": {"STATUS": OK, "SUMMARY": [STANDING | {"Elapsed": 30}]}}, State.STARTING, "starting:boot"),
        (STANDS, State.FAULT, "fault:hashrate"),
        (STANDS | {"pools": {"STATUS": OK, "POOLS": []}}, State.IDLE, "idle:pool"),
        (STANDS | {"events": {"STATUS": OK, "EVENTS": [{"Code": "FAN_FAILURE"}]}}, State.FAULT, "fault:boards"),
        (
            {"devs": {"STATUS": OK, "DEVS": [{"ASC": 0, "IsRamping": True, "Nominal MHS": 240e6}]}},
            State.STARTING,
            "starting:tuning",
        ),
    ],
)  # fmt: skip
def test_states_by_what_proves_them(replies, state, reason):
    reading = read(**replies)
    assert (reading.state, reading.reason) == (state, reason)


def test_a_quick_reading_asks_why_one_stands():
    assert read(Want.QUICK).pools is None
    pools, events = {"STATUS": OK, "POOLS": []}, {"STATUS": OK, "EVENTS": [{"Code": "FAN_FAILURE"}]}
    assert read(Want.QUICK, **STANDS, pools=pools).reason == "idle:pool"
    assert read(Want.QUICK, **STANDS, events=events).reason == "fault:boards"


def test_boards_are_sorted_by_their_number_and_sides_told_by_their_labels():
    rows = [{"ASC": at, "Enabled": "Y", "Status": "Alive", "MHS 5s": 40e6 + at} for at in (2, 0, 1)]
    labels = {"TopLeft": {"Label": "Board Exhaust"}, "TopRight": {"Label": "Board Intake"}}
    temps = [{"ID": at, "TEMP": at, "TopRight": 30.0 + at, "TopLeft": 50.0 + at} for at in (2, 0, 1)]
    reading = read(devs={"STATUS": OK, "DEVS": rows}, temps={"STATUS": OK, "METADATA": [labels], "TEMPS": temps})
    assert [board.slot for board in reading.boards] == [0, 1, 2]
    assert [board.board_temps_c for board in reading.boards] == [(50.0, 30.0), (51.0, 31.0), (52.0, 32.0)]
    assert (reading.inlet_c, reading.outlet_c) == (32.0, 52.0)


def test_what_a_hand_did_is_no_fault_and_a_boards_fault_names_it():
    events = [{"Code": "SHUTDOWN_USER"}, {"Code": "BOARD_CRITICAL_PIC_FAILURE", "Target": "BOARD", "ID": 1}]
    assert [fault.code for fault in read(events={"STATUS": OK, "EVENTS": events}).errors] == [
        "BOARD_CRITICAL_PIC_FAILURE 1"
    ]


def test_the_session_is_used_and_given_back():
    talk, driver, sleep = tell(Sleep(), **{"curtail|s1,sleep": {"STATUS": OK}})
    talk.hold(driver.send(sleep))
    assert talk.names == ["config", "logon", "curtail|s1,sleep", "logoff|s1"]


@pytest.mark.parametrize("fails", [{"STATUS": [{"STATUS": "E", "Code": 401, "Msg": "no"}]}, b"?", Unreachable("gone")])
def test_the_session_is_given_back_whatever_came_of_it(fails):
    talk, driver, sleep = tell(Sleep(), **{"curtail|s1,sleep": fails})
    with pytest.raises(DeviceError):
        talk.hold(driver.send(sleep))
    assert talk.names[-1] == "logoff|s1"


def test_anothers_session_is_waited_for():
    talk, driver, sleep = tell(
        Sleep(), **{"curtail|s1,sleep": {"STATUS": OK}}, logon=Turns([{"STATUS": NO_SESSION}, LOGON])
    )
    talk.hold(driver.send(sleep))
    assert talk.names[:5] == ["config", "logon", "pause", "logon", "curtail|s1,sleep"]


def test_a_session_that_somebody_keeps_is_named_and_not_touched():
    talk, driver, sleep = tell(Sleep(), logon={"STATUS": NO_SESSION})
    with pytest.raises(Refused, match="somebody else holds"):
        talk.hold(driver.send(sleep))
    assert not [asked for asked in talk.names if asked.startswith(("kill", "logoff"))]


def test_what_is_so_already_needs_no_session():
    talk, driver, wake = tell(Wake())
    assert talk.hold(driver.send(wake)).already
    assert talk.names == ["config"]


def test_a_profile_tells_the_one_before_it():
    talk, driver, lower = tell(
        SetMode(mode="400MHz"),
        config=config(Profile="700MHz", ProfileStep="4"),
        **{"profileset|s1,400MHz": {"STATUS": OK}},
    )
    assert talk.hold(driver.send(lower)).before == "profile:700MHz"


def test_a_machine_that_reboots_may_go_without_a_word():
    talk, driver, reboot = tell(Reboot(), **{"rebootdevice|s1": Unreachable("reset")})
    assert talk.hold(driver.send(reboot)).message == "it went without a word"


def test_it_has_no_limit_of_its_own():
    with pytest.raises(Unsupported):
        converse(Luxos(Target(host="127.0.0.1")).send(LimitPower(limit_w=1000.0)), machine())


@pytest.mark.parametrize("reply", [b"", b"{}", b"[]", b'{"STATUS":[]}', b"<html>", b'{"summary":[{}]'])
def test_garbage_is_garbled(reply):
    with pytest.raises(Garbled):
        read(summary=reply)
