"""Whole conversations with a scripted WhatsMiner: who it is, what it does, what it is told and what it refuses."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import (
    Identity,
    LimitPower,
    Locate,
    Login,
    PowerRange,
    Reboot,
    Restart,
    SetMode,
    Sleep,
    State,
    Target,
    Wake,
    Want,
)
from drivers.whatsminer import Whatsminer as Driver
from tests.drivers.conversations import Talk, converse
from tests.drivers.whatsminers import GRAIN, SIGN, Whatsminer, as_bytes, said, section, stopped

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
KNOWN = Identity(driver="whatsminer", model="WhatsMiner M30S++", nominal_ths=112)


def named(request):
    return "sealed" if b'"enc"' in request else request.split(b'"')[3].decode()


def asked(talk):
    return [named(exchange.request) for exchange in talk.asked]


def identified(machine, target=HERE):
    driver = Driver(target)
    identity = converse(driver.identify(), machine)
    return driver, identity


def read(machine, want=Want.QUICK):
    return converse(Driver(HERE, KNOWN).read(want), machine)


def told(machine, command, target=HERE):
    driver, _ = identified(machine, target)
    return converse(driver.send(command), machine)


# who it is -------------------------------------------------------------------------------------------------------


def test_who_it_is_and_what_it_can_with_numbers():
    _, identity = identified(Whatsminer())
    assert (identity.make, identity.model, identity.firmware) == ("MicroBT", "WhatsMiner M30S++", "stock")
    assert (identity.firmware_version, identity.serial) == ("20230803.11.REL", "HWTEST000007")
    assert (identity.mac, identity.nominal_ths, identity.nominal_w) == ("02:00:5E:20:00:07", 112, 3472)
    able = identity.abilities
    assert able.names() == ("sleep", "power_limit", "low", "reboot", "locate")
    assert able.power_limit == PowerRange(least_w=2083, most_w=3472)
    assert (able.sleep.standby_w, able.sleep.wake_s, able.sleep.survives_reboot) == (45, 900, None)


def test_the_factory_rate_chooses_the_bin_and_the_watts_of_it():
    machine = Whatsminer()
    machine.summary["Factory GHS"] = 104_000
    _, identity = identified(machine)
    assert (identity.nominal_ths, identity.nominal_w) == (104, pytest.approx(3472 * 104 / 112))


@pytest.mark.parametrize("api", ["2.0.4", "whatsminer v1.4.0"])
def test_older_firmware_has_no_power_limit(api):
    _, identity = identified(Whatsminer(version={"api_ver": api, "fw_ver": "20210322.22.REL"}))
    assert identity.abilities.names() == ("sleep", "low", "reboot", "locate")


def test_firmware_without_a_version_is_read_and_not_told():
    driver, identity = identified(Whatsminer(version=None, info=None))
    assert (identity.firmware_version, identity.mac) == ("20230803.11.REL", "02:00:5E:20:00:07")
    assert identity.abilities.names() == ()
    with pytest.raises(Unsupported):
        next(driver.send(Sleep()))


def test_a_model_that_no_row_has_keeps_its_name_and_has_no_limit():
    _, identity = identified(Whatsminer(model="M99S_VX41"))
    assert (identity.model, identity.nominal_ths, identity.nominal_w) == ("M99SVX40", 112.1, None)
    assert identity.abilities.power_limit is None


def test_newest_firmware_says_its_model_with_its_version():
    machine = Whatsminer(model="nothing")
    machine.version["miner_type"] = "M60S_VK40"
    assert identified(machine)[1].model == "WhatsMiner M60S"


def test_it_is_told_from_others_though_it_refuses_its_version():
    talk = Talk(Whatsminer())
    assert talk.hold(identify(HERE)).driver == "whatsminer"
    assert asked(talk)[:3] == ["version", "stats", "devdetails"]


def test_it_is_told_from_others_by_its_factory_rate_alone():
    machine = Whatsminer()

    def answer(exchange):
        known = named(exchange.request) in {"summary", "devs"}
        return machine(exchange) if known else as_bytes(said("Invalid command", 14, "E"))

    assert converse(identify(HERE), answer).driver == "whatsminer"


def test_one_that_falls_silent_on_the_way_is_out_of_reach_and_no_stranger():
    def answer(exchange):
        if named(exchange.request) in {"version", "stats"}:
            return as_bytes(said("Invalid command", 14, "E"))
        return Unreachable("no answer in time")

    with pytest.raises(Unreachable, match="no answer in time"):
        converse(identify(HERE), answer)


def test_neither_figures_nor_a_version_is_the_refusal_or_no_answer_of_its_kind():
    with pytest.raises(Unsupported, match="invalid cmd"):
        identified(Whatsminer(summary=None, version=None, status=None))
    with pytest.raises(Garbled, match="neither"):
        converse(Driver(HERE).identify(), lambda _exchange: as_bytes(said("nothing")))


# what it does ----------------------------------------------------------------------------------------------------


def test_a_quick_read_of_one_that_hashes_is_one_exchange():
    talk = Talk(Whatsminer())
    reading = talk.hold(Driver(HERE, KNOWN).read(Want.QUICK))
    assert asked(talk) == ["summary+devs+pools"]
    assert (reading.state, reading.level, reading.errors) == (State.HASHING, "full", None)
    assert (reading.hashrate_ths, reading.power_w, reading.power_limit_w) == (pytest.approx(112.00000025), 3410, 3600)
    assert (reading.uptime_s, reading.inlet_c, reading.nominal_ths) == (90_000, 21.5, 112)
    assert [fan.rpm for fan in reading.fans] == [4200, 4260]
    board = reading.boards[1]
    assert (board.slot, board.board_temp_c, board.chip_temp_c, board.frequency_mhz) == (1, 71, 89.5, 601)
    assert (board.hashrate_ths, board.chips, board.chips_expected) == (pytest.approx(37.000001), 111, 111)
    assert [(pool.url, pool.alive, pool.active) for pool in reading.pools] == [
        ("stratum+tcp://pool.test:3333", True, True)
    ]
    assert (reading.accepted, reading.rejected, reading.stale, reading.hardware_errors) == (4321, 7, 2, 11)


def test_firmware_that_does_not_join_is_asked_one_by_one_and_not_twice_in_vain():
    talk, driver = Talk(Whatsminer(joins=False)), Driver(HERE, KNOWN)
    first, second = talk.hold(driver.read(Want.FULL)), talk.hold(driver.read(Want.QUICK))
    once = ["summary+devs+pools", "summary", "devs", "pools", "status", "get_error_code"]
    assert asked(talk) == [*once, "summary", "devs"]
    assert (first.state, second.state) == (State.HASHING, State.HASHING)
    assert (len(first.pools), second.pools) == (1, None)


def test_newer_firmware_puts_its_figures_in_the_message_and_says_boards_in_ths():
    machine = Whatsminer(joins=False)
    for key in ("MHS 5s", "MHS 15m"):
        del machine.summary[key]
    for device in machine.devices:
        del device["ASC"], device["MHS 5s"]
        device["HS RT"] = 37.5

    def answer(exchange):
        return as_bytes(said(machine.summary)) if named(exchange.request) == "summary" else machine(exchange)

    reading = converse(Driver(HERE, KNOWN).read(Want.FULL), answer)
    assert (reading.state, reading.hashrate_ths) == (State.HASHING, pytest.approx(112.00000025))
    assert [(board.slot, board.hashrate_ths) for board in reading.boards] == [(0, 37.5), (1, 37.5), (2, 37.5)]


def test_a_rate_that_may_be_of_either_unit_is_not_believed():
    machine = Whatsminer()
    del machine.summary["MHS 5s"]
    machine.summary["HS RT"] = 110.5
    assert read(machine).hashrate_ths == pytest.approx(112.00000025)


@pytest.mark.parametrize(
    ("listed", "codes"),
    [
        (b"[]", []),
        (b"[110, 2010]", ["110", "2010"]),
        (b'[{"218":"2024-06-15 10:30:00"}, {"532":"2024-06-15 10:31:00"}]', ["218", "532"]),
        (b'["218":"2024-06-15 10:30:00","532":"2024-06-15 10:31:00"]', ["218", "532"]),
        (b'[{"218":"2024-06-15 10:30:00"}, {"5', ["218"]),
    ],
)
def test_each_shape_of_the_error_list_is_read(listed, codes):
    machine = Whatsminer()

    def answer(exchange):
        if named(exchange.request) != "get_error_code":
            return machine(exchange)
        return b'{"STATUS":"S","Code":131,"Msg":{"error_code":' + listed + b'},"Description":""}'

    errors = converse(Driver(HERE, KNOWN).read(Want.FULL), answer).errors
    assert [error.code for error in errors] == codes
    assert all(error.message for error in errors)


def test_error_codes_of_the_oldest_api_stand_in_the_summary():
    machine = Whatsminer(faults=None)
    machine.summary |= {"Error Code Count": 2, "Error Code 1": 600, "Error Code 0": 110, "Factory Error Code 0": 202}
    assert [error.code for error in read(machine, Want.FULL).errors] == ["110", "600"]


def test_a_machine_that_cannot_list_its_errors_says_nothing_of_them():
    assert read(Whatsminer(faults=None), Want.FULL).errors is None


def state_of(machine):
    reading = read(machine)
    return reading.state, reading.reason


def test_off_and_cold_is_sleep_and_its_averages_are_not_its_rate():
    reading = read(stopped())
    assert (reading.state, reading.level, reading.power_w, reading.hashrate_ths) == (State.SLEEPING, "sleep", 13, 0)


def test_off_while_it_draws_is_no_sleep_yet():
    assert state_of(stopped(Power=1900)) == (State.IDLE, "idle:stopping")


def test_a_present_rate_is_hashing_whatever_the_status_says():
    machine = Whatsminer(status={"btmineroff": "true"})
    assert read(machine, Want.FULL).state is State.HASHING


def test_a_rate_that_is_left_standing_of_a_cold_machine_is_no_hashing():
    machine = stopped()
    machine.summary |= {"MHS 5s": 111_000_000.0, "HS RT": 111_000_000.0}
    assert read(machine).state is State.SLEEPING


def test_older_firmware_that_says_off_for_want_of_a_pool_is_idle():
    machine = stopped()
    machine.status = {"btmineroff": "true"}
    assert state_of(machine)[0] is State.SLEEPING
    machine.pools[0]["Status"] = "Dead"
    assert state_of(machine) == (State.IDLE, "idle:pool")


def test_a_stopped_process_without_figures_sleeps_by_its_status_alone():
    machine = stopped()
    machine.summary = None
    reading = read(machine)
    assert (reading.state, reading.power_w, reading.hashrate_ths) == (State.SLEEPING, None, None)
    machine.status = {"mineroff": "false"}
    assert state_of(machine) == (State.STARTING, "starting:boot")


def test_figures_without_a_rate_prove_nothing():
    machine = Whatsminer()
    machine.summary = {"Elapsed": 5000, "Power": 3410}
    reading = read(machine)
    assert (reading.state, reading.level, reading.hashrate_ths) == (State.UNKNOWN, None, None)
    machine.status = {}
    assert read(machine).state is State.UNKNOWN


def standing(**changes):
    machine = stopped(**changes)
    machine.status = {"mineroff": "false"}
    return machine


def test_what_stands_has_the_reason_that_proves_it():
    assert state_of(standing()) == (State.STARTING, "starting:boot")
    assert state_of(standing(**{"Upfreq Complete": 1, "Elapsed": 50})) == (State.STARTING, "starting:boot")
    running = {"Upfreq Complete": 1, "Elapsed": 5000}
    assert state_of(standing(**running)) == (State.FAULT, "fault:hashrate")
    machine = standing(**running)
    machine.faults = [{"350": "2024-06-15 10:30:00"}]
    assert state_of(machine) == (State.IDLE, "idle:thermal")
    machine = standing(**running)
    for device in machine.devices:
        device["Status"] = "Dead"
    assert state_of(machine) == (State.FAULT, "fault:boards")
    machine = standing(**running)
    machine.pools[0]["Status"] = "Dead"
    assert state_of(machine) == (State.IDLE, "idle:pool")


def test_rising_frequencies_are_tuning_by_the_machine_or_by_its_boards():
    machine = Whatsminer()
    machine.summary["Upfreq Complete"] = 0
    assert state_of(machine) == (State.STARTING, "starting:tuning")
    machine = Whatsminer()
    del machine.summary["Upfreq Complete"]
    machine.devices[2]["Upfreq Complete"] = 0
    assert state_of(machine) == (State.STARTING, "starting:tuning")


def test_pools_that_just_died_are_seen_before_the_rate_is_zero():
    machine = Whatsminer()
    machine.pools[0]["Status"] = "Dead"
    machine.summary |= {"MHS 5s": 90_000_000.0}
    assert state_of(machine) == (State.IDLE, "idle:pool")


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"Power Mode": "Low"}, "low"),
        ({"Power Mode": "High"}, "full"),
        ({"Power Mode": ""}, None),
        ({"Power Limit": 2800}, "limit:2800"),
        ({"Power Limit": 3472}, "full"),
        ({"Power Limit": 0}, "full"),
    ],
)
def test_the_level_is_what_mode_and_limit_prove(changes, level):
    machine = Whatsminer()
    machine.summary |= {"Power": 2700} | changes
    assert read(machine).level == level


@pytest.mark.parametrize("changes", [{"Power Mode": "Low"}, {"Power Limit": 2800}])
def test_a_level_that_its_watts_belie_is_not_proved(changes):
    machine = Whatsminer()
    machine.summary |= changes
    assert read(machine).level is None


def test_minus_one_watt_is_unknown():
    machine = Whatsminer()
    machine.summary["Power"] = -1
    assert read(machine).power_w is None


def test_a_machine_in_a_liquid_has_no_fans():
    machine = Whatsminer()
    known = Identity(driver="whatsminer", model="WhatsMiner M33S++")
    assert converse(Driver(HERE, known).read(Want.QUICK), machine).fans == ()


def test_no_figures_and_no_status_is_the_refusal():
    for joins in (True, False):
        with pytest.raises(Unsupported, match="invalid cmd"):
            read(Whatsminer(summary=None, status=None, joins=joins))


def test_a_board_list_of_another_name_is_found():
    machine = Whatsminer(joins=False)

    def answer(exchange):
        name = named(exchange.request)
        if name == "devs":
            return as_bytes(said("invalid cmd", 14, "E"))
        return as_bytes(section("DEVS", machine.devices)) if name == "edevs" else machine(exchange)

    assert len(converse(Driver(HERE, KNOWN).read(Want.QUICK), answer).boards) == 3


# what it is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (Sleep(), {"cmd": "power_off", "respbefore": "true"}),
        (SetMode(mode="low"), {"cmd": "set_low_power"}),
        (LimitPower(limit_w=2800.4), {"cmd": "adjust_power_limit", "power_limit": "2800"}),
        (Restart(), {"cmd": "restart_btminer"}),
        (Reboot(), {"cmd": "reboot"}),
        (Locate(on=True), {"cmd": "set_led", "color": "red", "period": 200, "duration": 100, "start": 0}),
        (Locate(on=False), {"cmd": "set_led", "param": "auto"}),
    ],
)
def test_each_command_is_one_in_the_vendors_words(command, sent):
    machine = Whatsminer()
    receipt = told(machine, command)
    assert (machine.told, receipt.already, receipt.message) == ([sent], False, "API command OK")


def test_one_that_was_seen_to_hash_is_put_to_sleep_without_being_asked_again():
    machine = Whatsminer()
    driver, _ = identified(machine)
    talk = Talk(machine)
    talk.hold(driver.read(Want.QUICK))
    read = len(talk.asked)
    assert not talk.hold(driver.send(Sleep())).already
    assert asked(talk)[read:] == ["get_token", "sealed"]
    talk.hold(driver.send(Sleep()))
    assert len(asked(talk)) > read + 3


def test_what_is_so_already_is_not_told():
    asleep, limited = stopped(), Whatsminer()
    limited.summary["Power Limit"] = 2800
    assert told(asleep, Sleep()).already
    assert told(limited, LimitPower(limit_w=2800)).already
    running = Whatsminer()
    assert told(running, Wake()).already
    assert told(running, SetMode(mode="full")).already
    assert asleep.told == limited.told == running.told == []


def test_a_sleeper_is_woken_and_on_the_way_to_a_mode_too():
    machine = stopped()
    assert not told(machine, Wake(mode="whatever")).already
    assert not told(machine, SetMode(mode="low")).already
    assert [command["cmd"] for command in machine.told] == ["power_on", "power_on", "set_low_power"]


def test_a_sleeper_in_low_mode_is_woken_to_full_and_keeps_its_limit():
    machine = stopped(**{"Power Mode": "Low", "Power Limit": 2500})
    assert not told(machine, Wake()).already
    assert [command["cmd"] for command in machine.told] == ["power_on", "set_normal_power"]


def test_a_sleeper_that_is_in_its_mode_is_only_woken():
    machine = stopped(**{"Power Mode": "Low"})
    assert not told(machine, SetMode(mode="low")).already
    assert [command["cmd"] for command in machine.told] == ["power_on"]


def test_older_firmware_that_is_not_sure_that_it_runs_is_woken_again():
    machine = standing()
    machine.status = {"btmineroff": "true"}
    machine.summary["Power"] = 13
    told(machine, Wake())
    assert machine.told == [{"cmd": "power_on"}]


def test_a_limit_wakes_what_sleeps_and_ends_the_low_mode():
    asleep, low, there = stopped(), Whatsminer(), stopped()
    low.summary["Power Mode"] = "Low"
    there.summary["Power Limit"] = 2500
    assert not told(asleep, LimitPower(limit_w=2500)).already
    assert told(low, LimitPower(limit_w=2500)).before == "low"
    assert not told(there, LimitPower(limit_w=2500)).already
    limited, started = {"cmd": "adjust_power_limit", "power_limit": "2500"}, {"cmd": "power_on"}
    assert asleep.told == [limited, started]
    assert low.told == [limited, {"cmd": "set_normal_power"}]
    assert there.told == [started]


def test_one_that_has_run_for_long_without_a_living_board_starts_no_more():
    machine = standing()
    machine.summary["Upfreq Complete"] = 0
    assert read(machine).state is State.STARTING
    for board in machine.devices:
        board["Status"] = "Dead"
    assert (read(machine).state, read(machine).reason) == (State.FAULT, "fault:boards")


def test_full_lifts_the_limit_that_holds_a_machine():
    limited, low, both = Whatsminer(), Whatsminer(), Whatsminer()
    limited.summary["Power Limit"] = both.summary["Power Limit"] = 2500
    low.summary["Power Mode"] = both.summary["Power Mode"] = "Low"
    for machine in (limited, low, both):
        told(machine, SetMode(mode="full"))
    lifted, normal = {"cmd": "adjust_power_limit", "power_limit": "3472"}, {"cmd": "set_normal_power"}
    assert (limited.told, low.told, both.told) == ([lifted], [normal], [lifted, normal])


def test_low_leaves_a_limit_as_it_is():
    machine = Whatsminer()
    machine.summary["Power Limit"] = 2500
    told(machine, SetMode(mode="low"))
    assert machine.told == [{"cmd": "set_low_power"}]


@pytest.mark.parametrize("command", [LimitPower(limit_w=1000), LimitPower(limit_w=9000), SetMode(mode="turbo")])
def test_what_it_cannot_is_unsupported_before_any_exchange(command):
    driver, _ = identified(Whatsminer())
    with pytest.raises(Unsupported):
        next(driver.send(command))


def test_silence_after_a_mute_command_is_a_receipt_and_after_others_it_is_not():
    silent = Unreachable("the peer closed")
    receipt = told(Whatsminer(replies={"set_low_power": silent}), SetMode(mode="low"))
    assert receipt.message == "no answer: the peer closed"
    with pytest.raises(Unreachable):
        told(Whatsminer(replies={"power_off": silent}), Sleep())


def test_a_mute_command_without_a_token_was_never_sent():
    for error in (Unreachable("timed out"), NotListening("refused")):
        driver, _ = identified(Whatsminer())
        with pytest.raises(Unreachable):
            converse(driver.send(Reboot()), lambda _exchange, error=error: error)


def test_a_mute_command_to_a_port_that_is_shut_was_never_sent():
    driver, _ = identified(machine := Whatsminer())

    def answer(exchange):
        return NotListening("refused") if named(exchange.request) == "sealed" else machine(exchange)

    with pytest.raises(NotListening):
        converse(driver.send(Reboot()), answer)


# tokens and logins -----------------------------------------------------------------------------------------------


def test_a_token_serves_until_the_machine_forgets_it():
    machine = Whatsminer()
    driver, _ = identified(machine)
    talk = Talk(machine)
    for on in (True, False):
        talk.hold(driver.send(Locate(on=on)))
    assert asked(talk) == ["get_token", "sealed", "sealed"]
    machine.token = said(GRAIN | {"newsalt": "kowEj187"}, 134)
    machine.signs = ["another"]
    with pytest.raises(NotPermitted, match="admin"):
        talk.hold(driver.send(Locate()))
    machine.token, machine.signs = said(GRAIN, 134), [SIGN]
    talk.hold(driver.send(Locate()))
    assert asked(talk)[3:] == ["sealed", "get_token", "sealed", "get_token", "sealed"]
    assert len(machine.told) == 3


def test_one_that_was_made_ready_is_told_by_one_exchange():
    machine = Whatsminer()
    driver, _ = identified(machine)
    talk = Talk(machine)
    talk.hold(driver.prepare())
    talk.hold(driver.send(Reboot()))
    assert asked(talk) == ["get_token", "sealed", "sealed"]
    assert [command["cmd"] for command in machine.told] == ["status", "reboot"]


def test_making_ready_takes_a_new_token_each_time():
    machine = Whatsminer()
    driver, _ = identified(machine)
    talk = Talk(machine)
    for _ in range(2):
        talk.hold(driver.prepare())
    assert asked(talk) == ["get_token", "sealed"] * 2


def test_firmware_that_encrypts_no_reads_is_made_ready_too():
    machine = Whatsminer(replies={"status": said("invalid cmd", 14, "E")})
    driver, _ = identified(machine)
    talk = Talk(machine)
    talk.hold(driver.prepare())
    talk.hold(driver.send(Reboot()))
    assert asked(talk) == ["get_token", "sealed", "sealed"]


def test_one_that_takes_none_of_our_words_says_so_before_it_is_told():
    driver, _ = identified(Whatsminer(), Target(host="127.0.0.1", logins=(Login(user="fleet", password="guess"),)))
    with pytest.raises(NotPermitted, match="fleet"):
        converse(driver.prepare(), Whatsminer())


def test_one_that_is_too_old_to_be_told_is_not_made_ready():
    machine = Whatsminer(version=None)
    driver, _ = identified(machine)
    talk = Talk(machine)
    talk.hold(driver.prepare())
    assert talk.asked == []


def test_logins_are_tried_in_order_with_one_token_and_the_right_one_goes_first_then():
    machine = Whatsminer()
    logins = (Login(user="fleet", password="wrong"), Login(user="admin", password="admin"))
    driver, _ = identified(machine, Target(host="127.0.0.1", logins=logins))
    talk = Talk(machine)
    talk.hold(driver.send(Reboot()))
    assert asked(talk) == ["get_token", "sealed", "sealed"]
    machine.signs = []
    with pytest.raises(NotPermitted, match="tried admin, fleet"):
        talk.hold(driver.send(Reboot()))


def test_a_wrong_password_names_who_was_refused_and_not_with_what():
    target = Target(host="127.0.0.1", logins=(Login(user="fleet", password="secret7"),))
    with pytest.raises(NotPermitted, match="fleet") as caught:
        told(Whatsminer(), Reboot(), target)
    assert "secret7" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (said("can't access write cmd", 45, "E"), NotPermitted),
        (said("can't access write cmd", 132, "E"), NotPermitted),
        (said("over max connect", 136, "E"), Refused),
        (said("invalid cmd", 14, "E"), Unsupported),
        (said("API command ERROR", 132, "E"), Refused),
        (said("base64 err", 137, "E"), Refused),
    ],
)
def test_a_refusal_is_named_by_what_the_caller_does_next(reply, error):
    for machine in (Whatsminer(replies={"power_off": reply}), Whatsminer(token=reply)):
        with pytest.raises(Refused) as caught:
            told(machine, Sleep())
        assert type(caught.value) is error


@pytest.mark.parametrize("reply", [b'{"enc":"AAAA"}', b'{"enc":"!"}', b'{"enc":"' + b"A" * 64 + b'"}', b"{}", b"no"])
def test_an_answer_that_cannot_be_decrypted_is_garbled(reply):
    driver, _ = identified(machine := Whatsminer())

    def answer(exchange):
        return reply if named(exchange.request) == "sealed" else machine(exchange)

    with pytest.raises(Garbled):
        converse(driver.send(Sleep()), answer)


def test_a_token_without_salts_is_garbled():
    with pytest.raises(Garbled, match="salts"):
        told(Whatsminer(token=said({"time": "5626"}, 134)), Sleep())


# whatever answers ------------------------------------------------------------------------------------------------

FIGURES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
DOCUMENTS = st.recursive(
    FIGURES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@given(st.data())
def test_whatever_answers_only_device_errors_come_out(data):
    machine = Whatsminer()

    def answer(exchange):
        choice = data.draw(st.integers(0, 3))
        if choice == 0:
            return data.draw(st.binary(max_size=40))
        reply = machine(exchange)
        if choice == 1:
            return reply[: data.draw(st.integers(0, len(reply)))]
        return reply

    driver = Driver(HERE)
    for conversation in (driver.identify(), driver.read(Want.FULL), driver.send(Sleep()), driver.send(Wake())):
        with contextlib.suppress(DeviceError):
            converse(conversation, answer)


@given(st.data())
def test_whatever_a_figure_is_only_device_errors_come_out(data):
    machine = Whatsminer()
    for row in (machine.summary, machine.devices[0], machine.pools[0], machine.status, machine.version):
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(DOCUMENTS)
    driver = Driver(HERE)
    with contextlib.suppress(DeviceError):
        converse(driver.identify(), machine)
        converse(driver.read(Want.FULL), machine)
        converse(driver.send(SetMode(mode="low")), machine)


def test_one_that_says_nothing_but_its_status_is_known_by_that():
    machine = Whatsminer(summary=None, version=None, info=None)
    machine.devices = machine.pools = machine.faults = None
    status = {"mineroff": "false", "FirmwareVersion": "20230911.12.Rel"}
    machine._say = lambda command: said(status) if command == "status" else said("Invalid command", 14, "E")
    identity = converse(identify(HERE), machine)
    assert (identity.driver, identity.firmware_version, identity.abilities.sleep) == (
        "whatsminer",
        "20230911.12.Rel",
        None,
    )
    assert read(machine, Want.FULL).state is State.STARTING
