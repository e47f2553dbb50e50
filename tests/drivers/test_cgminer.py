import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.cgminer import Cgminer
from drivers.errors import DeviceError, Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import LimitPower, Reboot, SetMode, Sleep, State, Target, Wake, Want
from tests.drivers.cgminer_program import NOW, Program, pool
from tests.drivers.conversations import converse

pytestmark = pytest.mark.pure

KINDS = pytest.mark.parametrize("name", ["cgminer", "bfgminer"])
WORDS = [
    *("STATUS", "SUMMARY", "DEVS", "POOLS", "NOTIFY", "VERSION", "CHECK", "summary", "devs", "pools", "notify"),
    *("Code", "When", "Msg", "Elapsed", "MHS av", "MHS 5s", "ASC", "PGA", "Enabled", "URL", "Last Not Well"),
]
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=20,
)
FORMS = pytest.mark.parametrize(("text", "joins"), [(False, True), (False, False), (True, True), (True, False)])


def driver(**target):
    return Cgminer(Target(host="127.0.0.1", **target))


def reading_of(program, want=Want.FULL, **target):
    return converse(driver(**target).read(want), program.answer)


def identity_of(program, **target):
    return converse(driver(**target).identify(), program.answer)


# --- what it says ---------------------------------------------------------------------------------------------


@KINDS
@FORMS
def test_a_hashing_machine_reads_the_same_in_every_form_of_the_wire(name, text, joins):
    program = Program(name=name)
    program.text, program.joins = text, joins
    reading = reading_of(program)
    assert (reading.state, reading.level, reading.reason) == (State.HASHING, "full", None)
    assert reading.hashrate_ths == pytest.approx(4.5 * (0.99 if name == "cgminer" else 1))
    assert (reading.uptime_s, reading.accepted, reading.rejected, reading.stale) == (7200, 40, 2, 1)
    assert (reading.best_share, reading.hardware_errors) == (81234, 7)
    assert [board.board_temp_c for board in reading.boards] == [61.5, 62.5, 63.5]
    assert [board.hashrate_ths for board in reading.boards] == [pytest.approx(1.5)] * 3
    assert [(pool.url, pool.active, pool.alive) for pool in reading.pools] == [
        ("stratum+tcp://pool0.example:3333", True, True),
        ("stratum+tcp://pool1.example:3333", False, True),
    ]
    assert reading.errors == ()
    assert (reading.power_w, reading.fans, reading.inlet_c) == (None, None, None)


def test_a_read_is_one_exchange_where_commands_join():
    program = Program()
    reading_of(program, Want.QUICK)
    assert program.asked == ["summary+devs+pools+notify"]


def test_a_machine_that_does_not_join_is_asked_joined_once():
    program = Program()
    program.joins = False
    cgminer = driver()
    converse(cgminer.read(Want.QUICK), program.answer)
    converse(cgminer.read(Want.FULL), program.answer)
    assert program.asked == [
        "summary+devs+pools+notify",
        "summary",
        "devs",
        "pools",
        "summary",
        "devs",
        "pools",
        "notify",
    ]


def test_a_refusal_of_everything_does_not_end_joining():
    program = Program()
    program.joins, program.denied = False, {"summary", "devs", "pools", "summary+devs+pools+notify"}
    cgminer = driver()
    with pytest.raises(NotPermitted):
        converse(cgminer.read(Want.QUICK), program.answer)
    program.joins, program.denied, program.asked = True, set(), []
    converse(cgminer.read(Want.QUICK), program.answer)
    assert program.asked == ["summary+devs+pools+notify"]


def test_who_may_read_the_summary_alone_still_gets_a_reading():
    program = Program()
    program.denied = {"devs", "pools", "notify", "check", "privileged", "devdetails"}
    reading = reading_of(program)
    assert (reading.state, reading.level) == (State.HASHING, None)
    assert (reading.boards, reading.pools, reading.errors) == (None, None, None)
    assert identity_of(program).abilities.sleep is None


def test_a_model_that_the_owner_names_tells_what_the_machine_does_not():
    reading = reading_of(Program(ghs=13_500.0), model="Antminer S9")
    assert reading.nominal_ths == 13.5
    assert reading.boards[0].chips_expected == 63
    assert identity_of(Program(), model="Antminer S9").model == "Antminer S9"


# --- states ---------------------------------------------------------------------------------------------------


@KINDS
@FORMS
def test_a_machine_without_devices_is_starting_first_and_at_fault_later(name, text, joins):
    program = Program(name=name)
    program.text, program.joins = text, joins
    program.devices, program.ghs, program.average_ghs = [], 0.0, 0.0
    program.elapsed = 30
    assert (reading_of(program).state, reading_of(program).reason) == (State.STARTING, "starting:boot")
    program.elapsed = 7200
    assert (reading_of(program).state, reading_of(program).reason) == (State.FAULT, "fault:boards")
    assert reading_of(program).boards == ()


@KINDS
def test_a_machine_with_every_device_disabled_sleeps_however_high_its_averages(name):
    program = Program(name=name)
    for device in program.devices:
        device["Enabled"] = "N"
    program.ghs = 0.0
    reading = reading_of(program)
    assert (reading.state, reading.level, reading.hashrate_ths) == (State.SLEEPING, "sleep", 0.0)
    assert [board.state for board in reading.boards] == ["disabled"] * 3


def test_one_device_left_enabled_is_not_sleep_and_not_full():
    program = Program()
    program.devices[0]["Enabled"] = "N"
    assert (reading_of(program).state, reading_of(program).level) == (State.HASHING, None)


def test_a_machine_whose_pools_are_dead_is_idle_as_soon_as_its_present_speed_falls():
    program = Program()
    program.pools = [pool(0, status="Dead", active=False)]
    assert reading_of(program).state is State.HASHING
    program.ghs = 0.8 * program.average_ghs
    assert (reading_of(program).state, reading_of(program).reason) == (State.IDLE, "idle:pool")
    assert [pool.alive for pool in reading_of(program).pools] == [False]


def test_a_machine_that_stands_with_a_pool_is_starting_first_and_at_fault_later():
    program = Program(ghs=0.0)
    program.elapsed = 60
    assert (reading_of(program).state, reading_of(program).reason) == (State.STARTING, "starting:boot")
    program.elapsed = 7200
    assert (reading_of(program).state, reading_of(program).reason) == (State.FAULT, "fault:hashrate")


@KINDS
def test_boards_that_were_unplugged_show_in_their_notices_alone_also_in_a_quick_read(name):
    program = Program(name=name)
    program.unwell = {0: NOW - 2, 1: NOW - 2}
    assert reading_of(program, Want.QUICK).state is State.HASHING
    program.unwell[2] = NOW - 1
    reading = reading_of(program, Want.QUICK)
    assert (reading.state, reading.reason) == (State.FAULT, "fault:boards")
    assert next((error.code, error.message) for error in reading.errors) == ("TST 0", "Device comms error")


def test_a_notice_of_an_hour_ago_is_an_error_and_no_fault():
    program = Program()
    program.unwell = {0: NOW - 3600, 1: NOW - 3600, 2: NOW - 3600}
    assert (reading_of(program).state, len(reading_of(program).errors)) == (State.HASHING, 3)


@pytest.mark.parametrize("status", ["Sick", "Dead", "NoStart"])
def test_devices_that_all_call_themselves_failed_are_a_fault(status):
    program = Program()
    for device in program.devices:
        device["Status"] = status
    assert reading_of(program).state is State.FAULT


# --- who it is and what it may be told ------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("text", [False, True])
def test_identity_names_the_program_and_its_version_and_changes_nothing(name, text):
    program = Program(name=name)
    program.text = text
    identity = identity_of(program)
    assert (identity.driver, identity.firmware, identity.firmware_version) == ("cgminer", name, "4.9.9")
    assert identity.abilities.sleep is not None
    assert identity.abilities.names() == ("sleep",)
    assert {asked.partition("|")[0] for asked in program.asked} <= {"version", "devs", "devdetails", "check"}


@KINDS
@pytest.mark.parametrize("checks", [False, True])
def test_without_write_access_there_is_no_sleep_and_a_command_stays_off_the_wire(name, checks):
    program = Program(name=name)
    program.writable, program.checks = False, checks
    cgminer = driver()
    identity = converse(cgminer.identify(), program.answer)
    assert identity.abilities.sleep is None
    program.asked = []
    for command in (Sleep(), Wake(), SetMode(mode="full"), Reboot(), LimitPower(limit_w=900)):
        with pytest.raises(Unsupported):
            converse(cgminer.send(command), program.answer)
    assert program.asked == []


@KINDS
def test_a_firmware_that_knows_no_check_is_asked_for_its_privilege(name):
    program = Program(name=name)
    program.checks = False
    assert identity_of(program).abilities.sleep is not None


@KINDS
def test_a_machine_whose_devices_are_yet_to_come_may_be_told_to_sleep_later(name):
    program = Program(name=name)
    devices, program.devices = program.devices, []
    cgminer = driver()
    assert converse(cgminer.identify(), program.answer).abilities.sleep is not None
    assert converse(cgminer.send(Sleep()), program.answer).already is False
    program.devices = devices
    converse(cgminer.send(Sleep()), program.answer)
    assert reading_of(program).state is State.SLEEPING


# --- commands -------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("text", [False, True])
def test_sleep_disables_each_device_in_an_exchange_of_its_own_and_devs_proves_it(name, text):
    program = Program(name=name)
    program.text = text
    cgminer, verb = driver(), program.kind.lower()
    converse(cgminer.identify(), program.answer)
    program.asked = []
    receipt = converse(cgminer.send(Sleep()), program.answer)
    assert program.asked == ["devs", *[f"{verb}disable|{slot}" for slot in range(3)]]
    assert not receipt.already
    program.ghs = 0.0
    assert reading_of(program).state is State.SLEEPING


def test_only_devices_that_are_not_so_yet_are_told():
    program = Program()
    program.devices[1]["Enabled"] = "N"
    cgminer = driver()
    converse(cgminer.identify(), program.answer)
    program.asked = []
    converse(cgminer.send(Sleep()), program.answer)
    assert program.asked == ["devs", "ascdisable|0", "ascdisable|2"]
    program.asked = []
    assert converse(cgminer.send(Sleep()), program.answer).already
    assert program.asked == ["devs"]


@pytest.mark.parametrize("command", [Wake(), SetMode(mode="full")])
def test_wake_enables_every_disabled_device(command):
    program = Program()
    for slot in (0, 2):
        program.devices[slot]["Enabled"] = "N"
    cgminer = driver()
    converse(cgminer.identify(), program.answer)
    program.asked = []
    converse(cgminer.send(command), program.answer)
    assert program.asked == ["devs", "ascenable|0", "ascenable|2"]
    assert reading_of(program).level == "full"


def test_a_device_that_refuses_keeps_no_other_from_being_told():
    program = Program()
    program.broken = {0}
    cgminer = driver()
    converse(cgminer.identify(), program.answer)
    with pytest.raises(Refused, match="not flagged WELL"):
        converse(cgminer.send(Sleep()), program.answer)
    assert [device["Enabled"] for device in program.devices] == ["Y", "N", "N"]


def test_access_that_was_taken_away_is_not_permitted():
    program = Program()
    cgminer = driver()
    converse(cgminer.identify(), program.answer)
    program.writable = False
    with pytest.raises(NotPermitted):
        converse(cgminer.send(Sleep()), program.answer)


def test_a_driver_that_was_not_told_the_identity_learns_it_before_it_commands():
    program = Program()
    converse(driver().send(Sleep()), program.answer)
    assert program.asked[0] == "version"
    assert all(device["Enabled"] == "N" for device in program.devices)


def test_a_device_without_a_number_is_not_told_under_anothers_name():
    program = Program()
    del program.devices[0]["ASC"]
    with pytest.raises(Unsupported, match="no number"):
        converse(driver().send(Sleep()), program.answer)


# --- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b'{"STATUS":"BYE","id":1}', Unreachable),
        (b'{"STATUS":"RESTART","id":1}', Unreachable),
        (b'{"STATUS":[{"STATUS":"E","Code":45,"Msg":"Access denied"}],"id":1}', NotPermitted),
        (b"STATUS=E,When=1,Code=45,Msg=Access denied,Description=x|", NotPermitted),
        (b'{"STATUS":[{"STATUS":"E","Code":14,"Msg":"Invalid command"}],"id":1}', Unsupported),
        (b"STATUS=E,When=1,Code=14,Msg=Invalid command|", Unsupported),
        (b'{"STATUS":[{"STATUS":"E","Code":23,"Msg":"Invalid JSON"}],"id":1}', Refused),
        (b'{"STATUS":[{"STATUS":"F","Code":1}],"id":1}', Refused),
        (b',"id":1}', Garbled),
        (b"", Garbled),
        (b"{}", Garbled),
        (b"[]", Garbled),
        (b"null", Garbled),
        (b"<html>login</html>", Garbled),
        (b"STATUS=S,When=1,Code=11|SUMMARY,Elapsed=38,MHS av=12", Garbled),
        (b'{"STATUS":[{"STATUS":"S","Code":11}],"SUMMARY":[{"Elapsed":3', Garbled),
        (b'{"x":' + b"[" * 200_000, Garbled),
        (b'{"summary":[' * 20_000, Garbled),
    ],
)
@pytest.mark.parametrize("way", ["identify", "read", "send"])
def test_a_bad_reply_is_the_error_that_it_means(reply, error, way):
    cgminer = driver()
    conversation = {
        "identify": cgminer.identify,
        "read": lambda: cgminer.read(Want.FULL),
        "send": lambda: cgminer.send(Sleep()),
    }
    with pytest.raises(error):
        converse(conversation[way](), lambda _exchange: reply)


def test_a_machine_that_goes_away_between_two_devices_is_unreachable():
    program = Program()

    def answer(exchange):
        program.gone = program.asked[-1:] == ["ascdisable|0"]
        return program.answer(exchange)

    with pytest.raises(Unreachable):
        converse(driver().send(Sleep()), answer)
    assert [device["Enabled"] for device in program.devices] == ["N", "Y", "Y"]


def holds_or_names_its_error(answer):
    for conversation in (driver().identify(), driver().read(Want.FULL), driver().send(Sleep())):
        with suppress(DeviceError):
            assert converse(conversation, answer) is not None


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_device_error(reply):
    holds_or_names_its_error(lambda _exchange: reply)


@settings(max_examples=400)
@given(
    name=st.sampled_from(["cgminer", "bfgminer"]),
    text=st.booleans(),
    joins=st.booleans(),
    at=st.integers(0, 4000),
    cut=st.integers(0, 60),
    put=st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [b"9" * 400, b"9" * 5000, b"1e400", b"nan", b"null", b"{", b"}{", b'"', b"\\", b"|", b"=", b"\xff"]
        ),
    ),
)
def test_no_mutilated_reply_raises_anything_but_a_device_error(name, text, joins, at, cut, put):
    program = Program(name=name)
    program.text, program.joins = text, joins

    def answer(exchange):
        reply = program.answer(exchange)
        place = at % (len(reply) + 1)
        return reply[:place] + put + reply[place + cut :]

    holds_or_names_its_error(answer)


@given(DOCUMENTS)
def test_no_document_of_known_words_raises_anything_but_a_device_error(document):
    holds_or_names_its_error(lambda _exchange: json.dumps(document).encode())
