"""Telling Antminers: one conversation each, believed when the machine reads the mode back, pools never lost."""

import contextlib
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.antminer_stock import AntminerStock
from drivers.antminer_web import X9, X17, X19, generation_of
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import (
    Http,
    Identity,
    LimitPower,
    Locate,
    Login,
    Pause,
    Reboot,
    Receipt,
    SetMode,
    Sleep,
    Target,
    Wake,
    Want,
)
from tests.drivers.antminers import THREE_POOLS, Antminer, x9, x17, x19
from tests.drivers.conversations import Talk, converse, ok

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
READ, WRITE = "GET /cgi-bin/get_miner_conf.cgi", "POST /cgi-bin/set_miner_conf.cgi"


def told(machine, command, target=HERE):
    """Return the receipt and what was asked for it."""
    driver = AntminerStock(target, converse(AntminerStock(target).identify(), machine))
    talk = Talk(machine)
    return talk.hold(driver.send(command)), talk


# --- sleep and wake ------------------------------------------------------------------------------------------


def test_sleep_reads_writes_and_reads_back():
    machine = Antminer(mode="2")
    receipt, talk = told(machine, Sleep())
    assert receipt == Receipt(before="2")
    assert talk.names == [READ, WRITE, "pause", READ]
    assert machine.conf["bitmain-work-mode"] == "1"


def test_what_is_written_is_the_whole_page_with_every_pool_and_password_and_both_keys_of_the_mode():
    machine = Antminer()
    told(machine, Sleep())
    assert machine.written == [
        {
            "bitmain-fan-ctrl": True,
            "bitmain-fan-pwm": "80",
            "miner-mode": 1,
            "bitmain-work-mode": 1,
            "freq-level": "100",
            "pools": THREE_POOLS,
        }
    ]


def test_a_write_is_given_the_time_that_the_slow_page_takes():
    write = next(filter(is_write, told(Antminer(), Sleep())[1].asked))
    assert (write.deadline_s, write.content_type) == (30.0, "application/json")


def is_write(exchange):
    return isinstance(exchange, Http) and exchange.method == "POST"


@pytest.mark.parametrize(
    ("mode", "command"),
    [
        ("1", Sleep()),
        ("5", Sleep()),
        ("0", Wake()),
        ("2", Wake()),
        ("3", Wake(mode="3")),
        ("0", SetMode(mode="full")),
        ("2", SetMode(mode="full")),
        ("3", SetMode(mode="low")),
    ],
)
def test_what_is_so_already_is_not_written(mode, command):
    machine = Antminer(mode=mode)
    receipt, talk = told(machine, command)
    assert receipt == Receipt(already=True)
    assert talk.names == [READ]
    assert machine.written == []


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [
        ("1", Wake(), "0"),
        ("1", Wake(mode="2"), "2"),
        ("1", Wake(mode="3"), "3"),
        ("1", Wake(mode="1"), "0"),
        ("1", Wake(mode="rubbish"), "0"),
        ("1", SetMode(mode="full"), "0"),
        ("3", SetMode(mode="full"), "0"),
        ("0", SetMode(mode="low"), "3"),
        ("1", SetMode(mode="low"), "3"),
        ("0", Sleep(), "1"),
    ],
)
def test_each_command_leads_to_its_mode_and_names_the_one_before(before, command, after):
    machine = Antminer(mode=before)
    assert told(machine, command)[0] == Receipt(before=before)
    assert machine.conf["bitmain-work-mode"] == after


def test_a_connection_that_drops_after_the_write_is_no_failure_and_the_page_may_be_away_for_a_while():
    machine = Antminer()
    machine.away_for = 4
    receipt, talk = told(machine, Sleep())
    assert receipt == Receipt(before="0")
    assert len(machine.written) == 1
    assert talk.names == [READ, WRITE, *["pause", READ] * 4]


def test_a_page_that_stays_away_leaves_it_open_whether_it_obeyed():
    machine = Antminer()
    machine.away_for = 100
    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    talk = Talk(machine)
    with pytest.raises(Unreachable):
        talk.hold(driver.send(Sleep()))
    assert sum(exchange.seconds for exchange in talk.asked if isinstance(exchange, Pause)) == 20.0


def test_an_ok_without_effect_is_a_refusal():
    machine = Antminer()
    machine.obeys = False
    with pytest.raises(Refused, match="in mode 0 still"):
        told(machine, Sleep())


def test_a_write_that_was_lost_is_no_refusal():
    machine = Antminer()
    machine.obeys, machine.away_for = False, 1
    with pytest.raises(Unreachable):
        told(machine, Sleep())


def test_an_effect_that_shows_late_is_waited_for():
    machine = Antminer()
    machine.obeys = False

    def answer(exchange):
        if isinstance(exchange, Pause) and exchange.seconds == 3.0:
            machine.conf["bitmain-work-mode"] = "1"
        return machine(exchange)

    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    assert converse(driver.send(Sleep()), answer) == Receipt(before="0")


@pytest.mark.parametrize("answer", [{"stats": "error", "code": "M001", "msg": "bad"}, {"stats": "error"}])
def test_an_error_of_the_page_is_a_refusal(answer):
    machine = Antminer()
    machine.obeys, machine.answer_to_write = False, answer
    with pytest.raises(Refused):
        told(machine, Sleep())


def test_an_answer_that_is_no_json_says_nothing_and_the_mode_decides():
    machine = Antminer()
    machine.answer_to_write = b"<html>"
    assert told(machine, Sleep())[0] == Receipt(before="0")


@pytest.mark.parametrize("empty", [[], [{"url": "", "user": "", "pass": ""}], None, "text"])
@pytest.mark.parametrize("form", [False, True])
def test_a_configuration_that_reads_back_without_a_pool_is_never_written(empty, form):
    machine = Antminer(x17() if form else x19(), form=form, pools_=empty)
    with pytest.raises(Refused, match="without a pool"):
        told(machine, Sleep())
    assert machine.written == []


def test_a_wrong_password_is_named_and_nothing_is_written():
    machine = Antminer(password="changed")
    with pytest.raises(NotPermitted):
        told(machine, Sleep())
    assert machine.written == []


def test_firmware_without_a_work_mode_refuses_and_is_not_written():
    machine = Antminer(mode=None)
    with pytest.raises(Unsupported):
        told(machine, Sleep())
    assert machine.written == []


def test_after_a_command_the_mode_is_read_anew():
    machine = Antminer(x19(rate_ghs=0.0))
    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    states = [converse(driver.read(Want.QUICK), machine).state for _ in range(2)]
    converse(driver.send(Sleep()), machine)
    assert [*states, converse(driver.read(Want.QUICK), machine).state] == ["fault", "fault", "sleeping"]


# --- the older generations -----------------------------------------------------------------------------------


def test_an_s17_is_told_by_a_form_of_every_field_in_its_order():
    machine = Antminer(x17(), form=True, pools_=THREE_POOLS[:2])
    receipt, talk = told(machine, Sleep())
    assert receipt == Receipt(before="0")
    write = next(filter(is_write, talk.asked))
    assert write.content_type == "application/x-www-form-urlencoded"
    fields = parse_qsl(write.body.decode(), keep_blank_values=True)
    assert fields == [
        ("_ant_pool1url", THREE_POOLS[0]["url"]),
        ("_ant_pool1user", "farm.1"),
        ("_ant_pool1pw", "secret1"),
        ("_ant_pool2url", THREE_POOLS[1]["url"]),
        ("_ant_pool2user", "farm.2"),
        ("_ant_pool2pw", "secret2"),
        ("_ant_pool3url", ""),
        ("_ant_pool3user", ""),
        ("_ant_pool3pw", ""),
        ("_ant_nobeeper", "false"),
        ("_ant_notempoverctrl", "false"),
        ("_ant_fan_customize_switch", "true"),
        ("_ant_fan_customize_value", "80"),
        ("_ant_freq", "675"),
        ("_ant_voltage", "1400"),
        ("_ant_work_mode", "254"),
    ]


def test_an_s17_wakes_to_the_mode_that_it_slept_from():
    machine = Antminer(x17(), form=True, mode="2")
    before = told(machine, Sleep())[0].before
    assert told(machine, Wake(mode=before))[0] == Receipt(before="254")
    assert machine.conf["bitmain-work-mode"] == "2"


@pytest.mark.parametrize("command", [Sleep(), Wake(), SetMode(mode="full"), SetMode(mode="low"), Locate()])
def test_an_s9_is_asked_nothing_for_what_it_cannot(command):
    talk = Talk(Antminer(x9(), form=True, mode=None))
    with pytest.raises(Unsupported):
        talk.hold(AntminerStock(HERE, Identity(driver="antminer-stock", model="Antminer S9")).send(command))
    assert talk.asked == []


@pytest.mark.parametrize("command", [LimitPower(limit_w=2000.0), SetMode(mode="eco"), SetMode(mode="low")])
def test_an_s21_is_asked_nothing_for_a_limit_a_profile_or_low_power(command):
    talk = Talk(Antminer())
    with pytest.raises(Unsupported):
        talk.hold(AntminerStock(HERE, Identity(driver="antminer-stock", model="Antminer S21")).send(command))
    assert talk.asked == []


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("Antminer S9", X9),
        ("Antminer S9 SE", X9),
        ("Antminer T9+", X9),
        ("Antminer S11", X9),
        ("Antminer S15", X17),
        ("Antminer T17+", X17),
        ("S17 Pro", X17),
        ("Antminer S19j Pro+", X19),
        ("Antminer S19XP", X19),
        ("Antminer T21", X19),
        ("Antminer BHB42XXX", X19),
        (None, X19),
    ],
)
def test_a_models_number_tells_its_generation(model, generation):
    assert generation_of(model) == generation


# --- reboot and locate ---------------------------------------------------------------------------------------


def test_a_reboot_that_is_not_answered_was_sent():
    machine = Antminer()
    machine.pages["reboot.cgi"] = Unreachable("reset")
    receipt, talk = told(machine, Reboot())
    assert "no answer" in receipt.message
    assert talk.names == ["GET /cgi-bin/get_system_info.cgi", "GET /cgi-bin/reboot.cgi"]


def test_a_reboot_that_is_answered_was_sent_and_one_that_never_left_was_not():
    machine = Antminer()
    machine.pages["reboot.cgi"] = {}
    assert told(machine, Reboot())[0] == Receipt()
    machine.pages["reboot.cgi"] = NotListening("connection refused")
    with pytest.raises(NotListening):
        told(machine, Reboot())
    machine.pages["get_system_info.cgi"] = Unreachable("no complete answer in time")
    with pytest.raises(Unreachable):
        told(machine, Reboot())


@pytest.mark.parametrize(("on", "code"), [(True, "B000"), (False, "B100")])
def test_locate_blinks_and_stops_blinking(on, code):
    machine = Antminer()
    machine.pages["blink.cgi"] = {"code": code}
    receipt, talk = told(machine, Locate(on=on))
    assert receipt == Receipt()
    assert msgspec.json.decode(talk.asked[-1].body) == {"blink": on}


def test_a_blink_that_fails_is_a_refusal():
    machine = Antminer()
    machine.pages["blink.cgi"] = {"code": "B001"}
    with pytest.raises(Refused):
        told(machine, Locate())


def test_an_s17_blinks_by_a_form_and_its_silence_is_no_refusal():
    machine = Antminer(x17(), form=True)
    machine.pages["blink.cgi"] = Unreachable("no complete answer in time")
    receipt, talk = told(machine, Locate())
    assert "no answer" in receipt.message
    assert talk.asked[-1].body == b"action=startBlink"


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, Unsupported), (405, Unsupported), (500, Unreachable), (302, Refused), (403, NotPermitted)],
)
def test_a_page_tells_by_its_status_what_went_wrong(status, error):
    machine = Antminer()
    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    with pytest.raises(error):
        converse(driver.send(Sleep()), lambda _: ok(status=status))


def test_a_configuration_that_is_no_object_is_garbled_and_not_written():
    machine = Antminer()
    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    with pytest.raises(Garbled):
        converse(driver.send(Sleep()), lambda _: ok(b"[1]"))


def test_no_password_shows_in_what_is_printed():
    target = Target(host="127.0.0.1", logins=(Login(user="root", password="tell-nobody"),))
    machine = Antminer(password="tell-nobody")
    _, talk = told(machine, Sleep(), target)
    assert "tell-nobody" not in repr(talk.asked)


CONFIGURATIONS = st.dictionaries(
    st.sampled_from(["bitmain-work-mode", "pools", "bitmain-fan-ctrl", "bitmain-freq", "bitmain-fan-pwm"]),
    st.text(max_size=5)
    | st.integers()
    | st.none()
    | st.lists(st.dictionaries(st.sampled_from(["url", "pass"]), st.text())),
)


@given(conf=CONFIGURATIONS, form=st.booleans())
def test_whatever_a_configuration_holds_only_device_errors_come_out_and_no_pool_is_lost(conf, form):
    machine = Antminer(x17() if form else x19(), form=form)
    driver = AntminerStock(HERE, converse(AntminerStock(HERE).identify(), machine))
    machine.conf = conf
    with contextlib.suppress(DeviceError):
        converse(driver.send(Sleep()), machine)
    if machine.written and not form:
        assert machine.written[0]["pools"] == conf["pools"]
