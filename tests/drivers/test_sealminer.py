"""SealMiners in words: one flat row of figures, a stop that the supply proves, and pages where the port may not."""

from urllib.parse import parse_qs

import msgspec
import pytest

from drivers.errors import Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import Http, LimitPower, Locate, Login, Reboot, SetMode, Sleep, State, Target, Wake, Want
from drivers.sealminer import SealMiner
from tests.drivers.conversations import Talk, Turns, converse, name_of, ok, scripted

pytestmark = pytest.mark.pure
HERE = Target(host="127.0.0.1")
SUSPEND, LOGIN = "ascset|0,suspend", "POST /cgi-bin/login.php"
MINE, LIGHT, SYSTEM, REBOOT = (
    "POST /cgi-bin/mining_setting.php", "POST /cgi-bin/led_conf.php", "GET /cgi-bin/get_system_info.php",
    "GET /cgi-bin/reboot.php",
)  # fmt: skip
ROW = {
    "STATS": 0, "ID": "A20", "Elapsed": 90_000, "Model": "A2", "Firmware": "2025091001", "MAC": "02:00:00:00:00:01",
    "Ctrl Board SN": "SN1", "PM State": "Running", "Tune Status": "Fine Tuning Done", "Liquid Cooling": False,
    "Stratum Disconnect": False, "Error Code": "", "Error Chip": "", "PSU Error": "0x00000000", "Power Limit": 3500,
    "PSU Input Power": 3504, "PSU Output Power": 3232, "PSU Fan Speed": 4408, "MHS(Rated)": 230_800_000.5,
    "MHS(Ideal)": 221e6, "MHS(Sample)": 220.5e6, "MHS(30s)": 220.4e6, "MHS(1m)": 220.3e6, "Fan Count": 2,
    "0 Speed": 3723, "1 Speed": 3753, "Board Count": 2,
    "0 Online": True, "0 Chip Count": 153, "0 Bad Chip Count": 1, "0 MHS(Sample)": 110.0e6, "0 Freq": 349,
    "0 Temp 0": 55, "0 Temp 1": 52, "0 Temp 2": 70, "0 Temp 3": 0, "0 Tune Status": "Fine Tuning Done",
    "1 Online": False, "1 Chip Count": 153, "1 Bad Chip Count": 0, "1 MHS(Sample)": 110.5e6, "1 Temp 0": 58,
}  # fmt: skip
OFF = {"PM State": "Suspend", "PSU Output Power": 0, "PSU Input Power": 30, "MHS(Sample)": 0.0, "MHS(1m)": 90e6}
ASLEEP = ROW | OFF
POOL = {"POOL": 0, "URL": "stratum+tcp://a.invalid:1", "Status": "Alive", "User": "u", "Stratum Active": True}
SUMMARY = {"Elapsed": 90_000, "MHS av": 1.0, "Accepted": 9, "Rejected": 1, "Stale": 0, "Hardware Errors": 4}


def said(letter="S", code=11, message="said", **sections):
    status = {"STATUS": letter, "When": 1, "Code": code, "Msg": message, "Description": "bdminer 4.11.1"}
    return {"STATUS": [status], **sections, "id": 1}


DENIED, UNKNOWN = said("E", 45, "Access denied"), said("E", 14, "Invalid command")
LET_IN = ok(b'{"state":0,"msg":"ok"}', set_cookie="PHPSESSID=abc; path=/")
LET_OUT = ok(b'{"state":1,"msg":"no"}', set_cookie="PHPSESSID=xyz")


def machine(row=None, **replies):
    answers = {
        "stats": said(STATS=[row or ROW]), "version": said(VERSION=[{"BDMiner": "4.11.1", "API": "3.7"}]),
        "summary": said(SUMMARY=[SUMMARY]), "pools": said(POOLS=[POOL]), LOGIN: LET_IN,
    }  # fmt: skip
    return scripted(answers | replies)


def read(want=Want.FULL, **changes):
    return converse(SealMiner(HERE).read(want), machine(ROW | changes))


def tell(command, row=None, logins=(), **replies):
    talk = Talk(machine(row, **replies))
    return talk, talk.hold(SealMiner(Target(host="127.0.0.1", logins=logins)).send(command))


def sent(talk, name):
    return next(one for one in talk.asked if isinstance(one, Http) and name_of(one) == name)


def test_who_it_is():
    identity = converse(identify(HERE), machine())
    assert (identity.driver, identity.make, identity.model) == ("sealminer", "Bitdeer", "SealMiner A2")
    assert (identity.mac, identity.serial, identity.firmware_version) == ("02:00:00:00:00:01", "SN1", "2025091001")
    assert (identity.nominal_ths, identity.nominal_w) == (230.0, 3795.0)
    assert identity.abilities.names() == ("sleep", "power_limit", "reboot", "locate")
    assert identity.abilities.sleep.survives_reboot is None


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({"Liquid Cooling": True}, "SealMiner A2 Hyd"),
        ({"Model": "A2 Pro", "MHS(Rated)": 255e6}, "SealMiner A2 Pro Air"),
        ({"Model": "A2 Pro", "Liquid Cooling": True, "MHS(Rated)": 500e6}, "SealMiner A2 Pro Hyd"),
        ({"Model": "K10Pro"}, "K10Pro"),
    ],
)
def test_liquid_tells_a_hyd_from_an_air_of_one_name(changes, model):
    assert converse(SealMiner(HERE).identify(), machine(ROW | changes)).model == model


def test_figures_in_their_units():
    reading = read()
    assert (reading.hashrate_ths, reading.present_ths, reading.nominal_ths) == pytest.approx((220.3, 220.5, 221.0))
    assert (reading.power_w, reading.power_limit_w, reading.uptime_s) == (3504.0, 3500.0, 90_000)
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(0, 3723), (1, 3753)]
    assert (reading.accepted, reading.hardware_errors, reading.errors) == (9, 4, ())
    assert [pool.url for pool in reading.pools] == ["stratum+tcp://a.invalid:1"]
    first, second = reading.boards
    assert (first.chips, first.chips_expected, first.board_temps_c, first.frequency_mhz) == (
        152,
        153,
        (55, 52, 70),
        349,
    )
    assert (first.state, second.state, second.hashrate_ths) == ("Fine Tuning Done", "offline", 110.5)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"Error Code": "602"}, ["602"]),
        ({"Error Code": "E1, E2;E3"}, ["E1", "E2", "E3"]),
        ({"PSU Error": "0x00000010"}, ["PSU 0x00000010"]),
        ({"Error Chip": "0x0A", "Error Code": 0}, ["Error Chip"]),
    ],
)
def test_what_it_says_of_failures_and_a_code_alone_is_none(changes, codes):
    reading = read(**changes)
    assert ([fault.code for fault in reading.errors], reading.state) == (codes, State.HASHING)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, State.HASHING, None),
        (OFF, State.SLEEPING, None),
        (OFF | {"PSU Output Power": 2000}, State.IDLE, "idle:stopping"),
        ({"PM State": "Init", "Elapsed": 20, "MHS(Sample)": 0}, State.STARTING, "starting:boot"),
        ({"PM State": "Dancing"}, State.UNKNOWN, None),
        ({"Tune Status": "Coarse Tuning", "MHS(Sample)": 90e6}, State.STARTING, "starting:tuning"),
        ({"Tune Status": "Coarse Tuning"}, State.HASHING, None),
        ({"MHS(Sample)": 0}, State.FAULT, "fault:hashrate"),
        ({"MHS(Sample)": 0, "Elapsed": 30}, State.STARTING, "starting:boot"),
        ({"MHS(Sample)": 100e6, "Stratum Disconnect": True}, State.IDLE, "idle:pool"),
        ({"0 Online": False}, State.FAULT, "fault:boards"),
        ({"MHS(Sample)": None}, State.UNKNOWN, None),
    ],
)
def test_states_by_what_proves_them(changes, state, reason):
    reading = read(**changes)
    assert (reading.state, reading.reason) == (state, reason)


def test_absurd_counts_end_at_what_a_machine_may_have():
    reading = read(**{"Board Count": 1e300, "Fan Count": "9" * 400, "0 Bad Chip Count": 999})
    assert (len(reading.boards), reading.boards[0].chips, reading.fans) == (16, 0, ())


def test_a_machine_that_stands_is_asked_for_its_pools_and_no_other():
    dead = said(POOLS=[POOL | {"Status": "Dead"}])
    talk = Talk(machine(ROW | {"MHS(Sample)": 0}, pools=dead))
    assert talk.hold(SealMiner(HERE).read(Want.QUICK)).reason == "idle:pool"
    talk = Talk(machine())
    talk.hold(SealMiner(HERE).read(Want.QUICK))
    assert talk.names == ["stats"]


def test_it_is_stopped_and_started_by_the_api_port():
    talk, receipt = tell(Sleep(), **{SUSPEND: said("S", 119, "ASC 0 set OK")})
    assert (talk.names, receipt.message) == (["stats", SUSPEND], "ASC 0 set OK")
    for answer in ({"STATUS": "RESTART"}, Unreachable("reset"), said("S", 46, "ok")):
        talk, receipt = tell(Wake(), ASLEEP, restart=answer)
        assert (talk.names, receipt.already) == (["stats", "restart"], False)
    assert not tell(SetMode(mode="full"), ASLEEP, restart=said())[1].already
    assert tell(Sleep(), ASLEEP)[1].already
    assert tell(Wake())[1].already


def test_one_that_is_on_its_way_up_is_not_started_anew():
    assert tell(Wake(), ROW | {"PM State": "Init", "Elapsed": 30})[1].already
    assert not tell(Wake(), ROW | {"PM State": "Dancing"}, restart=said())[1].already


@pytest.mark.parametrize("denied", [DENIED, UNKNOWN])
def test_a_port_that_may_not_is_gone_round_by_the_page(denied):
    talk, _ = tell(Sleep(), **{SUSPEND: denied, MINE: {"status": 0, "result": 0}})
    assert talk.names == ["stats", SUSPEND, LOGIN, MINE]
    page = sent(talk, MINE)
    assert msgspec.json.decode(page.body) == {"params_data": 0}
    assert page.headers == (("Cookie", "username=seal; userLanguage=en; PHPSESSID=abc"),)
    with pytest.raises(Refused, match="result 1"):
        tell(Wake(), ASLEEP, restart=denied, **{MINE: {"result": 1}})


def test_a_stop_that_was_refused_or_not_answered_is_no_stop():
    with pytest.raises(Refused, match="busy"):
        tell(Sleep(), **{SUSPEND: said("E", 120, "busy")})
    with pytest.raises(Unreachable):
        tell(Sleep(), **{SUSPEND: Unreachable("reset")})


LIMIT = 'ascset|0,powerlimit,{"value":"3000"}'
SET = said("S", 119, "ASC 0 set OK")


def limited(command, row=None, **replies):
    talk = Talk(machine(row, **{SYSTEM: {"led": "off"}, REBOOT: {"result": 0}} | replies))
    driver = SealMiner(HERE)
    identity = talk.hold(driver.identify())
    asked = len(talk.asked)
    return identity, [name_of(one) for one in talk.asked[asked:]], lambda: _told(talk, driver, command, asked)


def _told(talk, driver, command, asked):
    receipt = talk.hold(driver.send(command))
    return receipt, [name_of(one) for one in talk.asked[asked:]]


def test_a_limit_is_told_over_the_port_and_holds_from_a_new_start():
    identity, _, tells = limited(LimitPower(limit_w=3000), **{LIMIT: SET})
    limits = identity.abilities.power_limit
    assert limits.least_w == round(0.6 * identity.nominal_w) < 3000 < limits.most_w == identity.nominal_w
    receipt, names = tells()
    assert names == ["stats", LOGIN, SYSTEM, LIMIT, REBOOT]
    assert (receipt.already, receipt.before) == (False, "limit:3500")  # its owner's own
    assert read(**{"Power Limit": 3000, "PSU Input Power": 3010}).level == "limit:3000"
    assert read(**{"Power Limit": identity.nominal_w}).level == "full"


def test_a_limit_that_is_there_is_not_set_again_and_full_is_what_the_model_is_sold_with():
    _, _, tells = limited(LimitPower(limit_w=3500))
    assert tells()[0].already
    _, _, tells = limited(LimitPower(limit_w=3500), ASLEEP, restart=said())
    assert tells()[1] == ["stats", "stats", "restart"]  # it only stands
    identity, _, tells = limited(SetMode(mode="full"), ROW | {"Power Limit": 9999})
    assert tells()[0].already
    whole = f'ascset|0,powerlimit,{{"value":"{identity.nominal_w:.0f}"}}'
    _, _, tells = limited(SetMode(mode="full"), **{whole: SET})
    assert tells()[1][-2:] == [whole, REBOOT]


def test_a_limit_without_a_page_or_out_of_bounds_is_not_told():
    _, _, tells = limited(LimitPower(limit_w=3000), **{LOGIN: LET_OUT, LIMIT: SET})
    with pytest.raises(NotPermitted):
        tells()
    for limit_w in (1000, 9000):
        _, _, tells = limited(LimitPower(limit_w=limit_w))
        with pytest.raises(Unsupported):
            tells()


def test_a_limit_whose_new_start_failed_is_not_in_force_and_started_at_the_next_telling():
    low = ROW | {"Power Limit": 3000, "Elapsed": 90_060}
    later = low | {"Elapsed": 20}
    rows = [said(STATS=[row]) for row in (ROW, ROW, low, low, low, later)]
    talk = Talk(
        machine(
            stats=Turns(rows),
            **{SYSTEM: {"led": "off"}, LIMIT: SET, REBOOT: Turns([Unreachable("cut"), {"result": 0}])},
        )
    )
    driver = SealMiner(HERE)
    talk.hold(driver.identify())
    with pytest.raises(Unreachable):
        talk.hold(driver.send(LimitPower(limit_w=3000)))
    assert talk.hold(driver.read(Want.QUICK)).level == "limit:3500"
    again = talk.hold(driver.send(LimitPower(limit_w=3000)))
    assert (again.already, again.before, talk.names[-1]) == (False, "limit:3500", REBOOT)
    assert talk.hold(driver.read(Want.QUICK)).level == "limit:3500"  # it has not started yet
    assert talk.hold(driver.read(Want.QUICK)).level == "limit:3000"


def test_who_draws_well_above_the_limit_that_it_names_is_not_held_by_it():
    over = ROW | {"Power Limit": 3000}
    assert (read(**over).level, read(**over | {"PSU Input Power": 3250}).level) == ("full", "limit:3000")
    _, _, tells = limited(LimitPower(limit_w=3000), over)
    receipt, names = tells()
    assert (receipt.already, receipt.before, names[-1]) == (False, None, REBOOT)


def test_reboot_and_light_by_the_page():
    assert tell(Reboot(), **{REBOOT: {"result": 0}})[0].names == [LOGIN, REBOOT]
    talk, receipt = tell(Locate(on=True), **{SYSTEM: {"led": "off"}, LIGHT: {"result": 0}})
    assert msgspec.json.decode(sent(talk, LIGHT).body) == {"key": "led", "value": "on"}
    assert not receipt.already
    assert tell(Locate(on=True), **{SYSTEM: {"led": "on"}})[1].already
    with pytest.raises(Garbled):
        tell(Reboot(), **{REBOOT: ok(b"<html>log in</html>")})


def test_logins_are_tried_in_order_and_by_the_word_of_the_body():
    logins = (Login(user="", password="one & only"), Login(user="boss", password="two"))
    talk, _ = tell(Reboot(), logins=logins, **{LOGIN: Turns([LET_OUT, LET_IN]), REBOOT: {"result": 0}})
    forms = [parse_qs(one.body.decode()) for one in talk.asked if name_of(one) == LOGIN]
    assert forms == [
        {"username": ["seal"], "origin_pwd": ["one & only"]},
        {"username": ["boss"], "origin_pwd": ["two"]},
    ]
    for page in (LET_OUT, ok(b"<html>"), ok(b'{"state":0}'), ok(status=500)):
        with pytest.raises(NotPermitted, match="boss") as told:
            tell(Reboot(), logins=logins, **{LOGIN: page})
        assert "only" not in str(told.value)
        assert "two" not in str(told.value)


def test_what_it_cannot_is_said_before_anything_is_sent():
    for command in (LimitPower(limit_w=3000), SetMode(mode="low")):
        talk = Talk(machine())
        with pytest.raises(Unsupported):
            talk.hold(SealMiner(HERE).send(command))
        assert talk.names == []


def test_a_refusal_of_all_is_raised():
    with pytest.raises(Unsupported):
        converse(SealMiner(HERE).read(Want.QUICK), scripted({"stats": UNKNOWN}))
    with pytest.raises(NotListening):
        converse(SealMiner(HERE).read(Want.QUICK), scripted({"stats": NotListening("shut")}))


def test_who_draws_over_his_limit_after_a_new_start_for_it_too_is_named_and_not_started_for_ever():
    low = ROW | {"Power Limit": 3000, "PSU Input Power": 3504}
    rows = [ROW, ROW, low | {"Elapsed": 20}, low | {"Elapsed": 5000}]
    answers = {SYSTEM: {"led": "off"}, LIMIT: SET, REBOOT: {"result": 0}}
    talk = Talk(machine(stats=Turns([said(STATS=[row]) for row in rows]), **answers))
    driver = SealMiner(HERE)
    talk.hold(driver.identify())
    talk.hold(driver.send(LimitPower(limit_w=3000)))
    assert talk.hold(driver.read(Want.QUICK)).level == "limit:3000"
    with pytest.raises(Refused, match="3504 W over a limit of 3000 W"):
        talk.hold(driver.send(LimitPower(limit_w=3000)))
    assert talk.names.count(REBOOT) == 1


@pytest.mark.parametrize("elapsed_s", [30, 90_000])
def test_a_new_start_that_hung_up_is_seen_however_short_it_ran_before(elapsed_s):
    low = ROW | {"Power Limit": 3000, "PSU Input Power": 3000}
    rows = [ROW | {"Elapsed": elapsed_s}, ROW | {"Elapsed": elapsed_s}, low | {"Elapsed": 65}]
    answers = {SYSTEM: {"led": "off"}, LIMIT: SET, REBOOT: Unreachable("cut")}
    talk = Talk(machine(stats=Turns([said(STATS=[row]) for row in rows]), **answers))
    driver = SealMiner(HERE)
    talk.hold(driver.identify())
    with pytest.raises(Unreachable):
        talk.hold(driver.send(LimitPower(limit_w=3000)))
    assert talk.hold(driver.read(Want.QUICK)).level == "limit:3000"
