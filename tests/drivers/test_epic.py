"""ePIC in words: pages on the API port, a stop told from a failure, a tuner's target as the level."""

import msgspec
import pytest

from drivers.epic import Epic
from drivers.errors import Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import Ask, Http, LimitPower, Locate, Login, Reboot, SetMode, Sleep, State, Target, Wake, Want
from tests.drivers.conversations import Talk, Turns, converse, name_of, ok, scripted

pytestmark = pytest.mark.pure
HERE = Target(host="127.0.0.1")
DONE, BAD, BUSY = ({"result": error is None, "error": error} for error in (None, "BadPassword", "LastCmdStillPending"))
MINE, TUNE = "POST /miner", "POST /perpetualtune/algo"
TUNER = {"Optimized": True, "Target": 143, "Throttle Target": None, "Min Throttle Target": 50, "Throttle Step": 5}
STATUS = {
    "Operating State": "Mining",
    "Last Command": "autostart",
    "Last Command Result": "Success",
    "Last Error": None,
}
SUMMARY = {
    "Status": STATUS, "Software": "PowerPlay-BMS v1.5.13", "IdleOnConnectionLost": True,
    "Stratum": {"Current Pool": "a.invalid:3334", "Current User": "u-x", "IsPoolConnected": True},
    "Session": {"Uptime": 23_170, "Average MHs": 90e6, "Accepted": 1862, "Rejected": 2},
    "HBs": [
        {"Index": 1, "Hashrate": [49e6, 98.0, 0.8], "Input Voltage": 12.6, "Input Power": 0.0, "Temperature": 67.0,
         "Core Clock Avg": 487.5, "Core Clock": []},
        {"Index": 2, "Hashrate": [48e6, 96.0, 0.8], "Input Voltage": 12.6, "Input Power": 0.0, "Temperature": 64.3},
    ],
    "HBStatus": [{"Index": at, "Enabled": at > 0, "Detected": at < 3} for at in range(4)],
    "Fans Rpm": {"Fans Speed 1": 5971, "Fans Speed 10": None, "Fans Speed 2": 0},
    "Misc": {"Locate Miner State": False},
    "StratumConfigs": [
        {"pool": "stratum+tcp://a.invalid:3334", "login": "u", "password": "secret"},
        {"pool": "stratum+tcp://b.invalid:1", "login": "v", "password": "secret"},
    ],
    "PerpetualTune": {"Running": True, "Algorithm": {"VoltageOptimizer": TUNER}},
    "Power Supply Stats": {"Input Power": 2166.6174},
}  # fmt: skip
SPAN = {"algorithm": "VoltageOptimizer", "min": 60, "max": 300}
ABLE = {
    "Model": "AntMiner S19 XP", "Default Hashrate": 143, "Performance Estimator": {"Chip Count": 110},
    "Miner Serial Number": "SN1", "PerpetualTune": [SPAN],
    "Tune Presets": [
        {"hashrate": 50.0, "power": 1000}, {"hashrate": 80.0, "power": 1700}, {"hashrate": 120.0, "power": 2700},
        {"hashrate": 142.0, "power": 3350}, {"hashrate": 169.0, "power": 4400},
    ],
}  # fmt: skip
POWER = {"PerpetualTune": [SPAN, {"algorithm": "PowerTune", "min": 1500, "max": 4000}]}
OLD = {
    "Software": "epic-miner v2.0.6", "Stratum": {"Current Pool": "a.invalid:700", "Current User": "u"},
    "Session": {"Uptime": 9, "Average MHs": 1_828_940.24},
    "HBs": [{"Index": at, "Input Power": 280.5, "Temperature": 59, "Core Clock": 380.0} for at in range(3)],
}  # fmt: skip
PAGES = {
    "GET /temps": [{"Index": at, "Data": [40.5, 55.0 + at]} for at in range(3)],
    "GET /temps/chip": [{"Index": 1, "Data": [0.0, 0.0]}, {"Index": 2, "Data": [70.0, 72.5]}],
    "GET /hashrate": [{"Index": at, "Data": [[1.0, 1.0, 1.0]] * 110} for at in (1, 2)],
    "GET /network": {"static": {"address": "127.0.0.1", "mac_address": "02:00:00:00:00:01"}},
}


def machine(summary=None, able=ABLE, **replies):
    answers = {"GET /summary": summary or SUMMARY, "GET /capabilities": ok(status=404) if able is None else able}
    return scripted(answers | PAGES | replies)


def doing(state, error=None, command="autostart", **changes):
    standing = {"Operating State": state, "Last Command": command, "Last Error": error}
    return SUMMARY | {"Status": standing} | changes


def tuned(target, name="VoltageOptimizer"):
    return SUMMARY | {"PerpetualTune": {"Running": True, "Algorithm": {name: TUNER | {"Target": target}}}}


ASLEEP = doing("Idling", command="stop", HBs=[])


def read(summary=None, able=ABLE, want=Want.FULL):
    return converse(Epic(HERE).read(want), machine(summary, able))


def identified(summary=None, able=ABLE):
    return converse(Epic(HERE).identify(), machine(summary, able))


def tell(command, summary=None, able=ABLE, logins=(), **replies):
    """Return the talk and the receipt of a command to a machine that is identified."""
    driver = Epic(Target(host="127.0.0.1", logins=logins))
    converse(driver.identify(), machine(summary, able))
    talk = Talk(machine(summary, able, **replies))
    return talk, talk.hold(driver.send(command))


def sent(talk, name):
    """Return the bodies of what was sent to a page."""
    bodies = [one.body for one in talk.asked if isinstance(one, Http) and name_of(one) == name]
    return [msgspec.json.decode(body) for body in bodies]


def test_a_port_that_speaks_http_where_others_have_a_socket_is_asked_for_its_pages():
    for said in (Unreachable("closed"), b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        pages = machine()
        talk = Talk(lambda one, said=said, pages=pages: said if isinstance(one, Ask) else pages(one))
        assert talk.hold(identify(Target(host="127.0.0.1", port=4999))).driver == "epic"
        assert {one.port for one in talk.asked if isinstance(one, Http)} == {4999}
    talk = Talk(lambda one: NotListening("shut") if isinstance(one, Ask) else ok(status=404))
    with pytest.raises(Unsupported):
        talk.hold(identify(HERE))
    assert "GET /summary" not in talk.names


def test_who_it_is_and_what_it_can():
    identity = identified()
    assert (identity.driver, identity.model, identity.firmware_version) == ("epic", "Antminer S19 XP", "1.5.13")
    assert (identity.mac, identity.serial) == ("02:00:00:00:00:01", "SN1")
    assert identity.abilities.names() == ("sleep", "reboot", "locate")
    assert identity.abilities.sleep.survives_reboot is None
    profiles = identity.abilities.profiles
    assert [(one.name, one.power_w, one.hashrate_ths) for one in profiles] == [
        ("VoltageOptimizer-80", 1700.0, 80.0),
        ("VoltageOptimizer-120", 2700.0, 120.0),
    ]


def test_with_a_tuner_of_watts_it_has_limits_and_with_none_that_runs_nothing_between():
    limited = identified(able=ABLE | POWER).abilities
    assert (limited.power_limit.least_w, limited.power_limit.most_w, limited.profiles) == (1500.0, 4000.0, ())
    still = SUMMARY | {"PerpetualTune": {"Running": False, "Algorithm": {"VoltageOptimizer": TUNER}}}
    assert identified(still, ABLE | POWER).abilities.names() == ("sleep", "reboot", "locate")


def test_an_unknown_model_is_rated_by_its_own_presets():
    strange = identified(able=ABLE | {"Model": "BlockMiner 9"})
    assert (strange.model, strange.nominal_ths, strange.nominal_w) == ("BlockMiner 9", 143.0, 3350.0)
    assert identified(able=ABLE | {"Model": "Undefined"}).model is None


def test_figures_in_their_units():
    reading = read()
    assert (reading.hashrate_ths, reading.nominal_ths) == pytest.approx((97.0, 100.0))
    assert (reading.power_w, reading.uptime_s, reading.accepted, reading.rejected) == (2166.6174, 23_170, 1862, 2)
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(1, 5971), (2, 0)]
    assert reading.errors == ()


def test_absurd_figures_are_none():
    boards = [board | {"Hashrate": [1e308, 1e-300, 0], "Input Power": 1e308} for board in SUMMARY["HBs"]]
    fans = {"Fans Speed x": 1, "Fans Speed1e999": 2, "Fans Speed 3": "9" * 400, "Fans Speed 4": 50}
    reading = read(SUMMARY | {"HBs": boards, "Fans Rpm": fans, "Power Supply Stats": None})
    assert (reading.hashrate_ths, reading.power_w) == (None, None)
    assert (reading.nominal_ths, [fan.slot for fan in reading.fans]) == (143.0, [4])


def test_boards_that_are_there_and_do_not_mine_are_told_too():
    boards = read().boards
    assert [(board.slot, board.hashrate_ths, board.state) for board in boards] == [
        (0, 0.0, "disabled"),
        (1, 49.0, "enabled"),
        (2, 48.0, "enabled"),
    ]
    assert [board.board_temps_c for board in boards] == [(40.5, 55.0), (40.5, 56.0), (40.5, 57.0)]
    assert [(board.chips, board.chips_expected) for board in boards] == [(None, 110), (110, 110), (110, 110)]
    assert [board.chip_temp_c for board in boards] == [None, None, 72.5]
    assert (boards[1].frequency_mhz, boards[1].voltage_v) == (487.5, 12.6)


def test_pools_as_they_are_set_and_no_password():
    pools = read().pools
    assert [(pool.url, pool.user, pool.active, pool.alive) for pool in pools] == [
        ("stratum+tcp://a.invalid:3334", "u", True, True),
        ("stratum+tcp://b.invalid:1", "v", False, None),
    ]
    assert "secret" not in str(pools)


def test_an_old_one_is_read_by_its_session_and_told_nothing_but_a_reboot():
    reading, identity = read(OLD, None), identified(OLD, None)
    assert (reading.state, reading.hashrate_ths, reading.power_w) == (State.HASHING, pytest.approx(1.82894024), 841.5)
    assert [pool.url for pool in reading.pools] == ["a.invalid:700"]
    assert (reading.fans, reading.errors, reading.boards[0].frequency_mhz) == (None, None, 380.0)
    assert (identity.abilities.names(), identity.firmware, identity.firmware_version) == (("reboot",), "ePIC", "2.0.6")


@pytest.mark.parametrize(
    ("summary", "state", "reason"),
    [
        (doing("Mining"), State.HASHING, None),
        (ASLEEP, State.SLEEPING, None),
        (doing("Stopping", command="stop"), State.IDLE, "idle:stopping"),
        (doing("Idling", "Chainbreak", "stop"), State.FAULT, "fault:boards"),
        (doing("Idling", {"PsuError": "over current"}), State.FAULT, "fault:boards"),
        (doing("Idling", "CriticalTempReached"), State.IDLE, "idle:thermal"),
        (doing("Idling", Stratum={"IsPoolConnected": False}), State.IDLE, "idle:pool"),
        (doing("Idling"), State.IDLE, "idle:stopped"),
        (doing("Initializing"), State.STARTING, "starting:boot"),
        (doing("AdjustingClockVoltage"), State.STARTING, "starting:tuning"),
        (doing("Mining", HBs=[]), State.FAULT, "fault:hashrate"),
        (doing("Mining", HBs=[], Session={"Uptime": 8}), State.STARTING, "starting:boot"),
        (doing("Mining", HBs=[], Stratum={"IsPoolConnected": False}), State.IDLE, "idle:pool"),
        (doing("Dancing"), State.UNKNOWN, None),
    ],
)
def test_states_by_what_proves_them(summary, state, reason):
    reading = read(summary)
    assert (reading.state, reading.reason) == (state, reason)


def test_a_failure_is_told_by_its_name():
    assert [fault.code for fault in read(doing("Idling", {"PsuError": "over current"})).errors] == ["PsuError"]


@pytest.mark.parametrize(
    ("summary", "level"),
    [
        (SUMMARY, "full"),
        (tuned(150), "full"),
        (tuned(80), "profile:VoltageOptimizer-80"),
        (tuned(2000, "PowerTune"), "limit:2000"),
        (tuned(3000, "PowerTune"), "full"),
        (SUMMARY | {"PerpetualTune": {"Running": False}}, "full"),
        (ASLEEP, "sleep"),
        (doing("Initializing"), None),
    ],
)
def test_what_the_tuner_holds_is_the_level(summary, level):
    assert read(summary).level == level


def test_it_is_stopped_and_started_and_a_stop_of_its_own_is_no_sleep():
    for command, summary, parameter in (
        (Sleep(), SUMMARY, "Stop"),
        (Sleep(), doing("Idling"), "Stop"),
        (Wake(), ASLEEP, "Autostart"),
        (Wake(), doing("Idling", "Chainbreak"), "Autostart"),
    ):
        talk, receipt = tell(command, summary, **{MINE: DONE})
        assert sent(talk, MINE) == [{"param": parameter, "password": "letmein"}]
        assert not receipt.already
    for command, summary in ((Sleep(), ASLEEP), (Wake(), SUMMARY), (Wake(), doing("Initializing"))):
        assert tell(command, summary)[1].already


def test_reboot_and_light():
    assert sent(tell(Reboot(), **{"POST /reboot": DONE})[0], "POST /reboot")[0]["param"] == 0
    assert sent(tell(Locate(on=True), **{"POST /identify": DONE})[0], "POST /identify")[0]["param"] is True
    assert tell(Locate(on=False))[1].already


def test_a_target_is_given_with_how_far_it_may_throttle():
    talk, receipt = tell(SetMode(mode="VoltageOptimizer-80"), **{TUNE: DONE})
    wish = {"algo": "VoltageOptimizer", "target": 80, "min_throttle": 50, "throttle_step": 5}
    assert sent(talk, TUNE) == [{"param": wish, "password": "letmein"}]
    assert (receipt.already, receipt.before) == (False, None)
    assert tell(SetMode(mode="VoltageOptimizer-80"), tuned(80))[1].already
    talk, receipt = tell(SetMode(mode="full"), tuned(80), **{TUNE: DONE})
    assert (sent(talk, TUNE)[0]["param"]["target"], receipt.before) == (143, "profile:VoltageOptimizer-80")


def test_a_limit_changes_the_tuner_and_says_which_one_held_it_before():
    talk, receipt = tell(LimitPower(limit_w=2000), able=ABLE | POWER, **{TUNE: DONE})
    assert sent(talk, TUNE)[0]["param"] == {"algo": "PowerTune", "target": 2000}
    assert receipt.before == "profile:VoltageOptimizer-143"
    talk, _ = tell(SetMode(mode="VoltageOptimizer-143"), tuned(2000, "PowerTune"), ABLE | POWER, **{TUNE: DONE})
    assert sent(talk, TUNE)[0]["param"] == {"algo": "VoltageOptimizer", "target": 143}


def test_a_stopped_machine_that_is_given_a_target_starts():
    asleep = tuned(80) | {"Status": ASLEEP["Status"]}
    talk, _ = tell(SetMode(mode="full"), asleep, **{TUNE: DONE, MINE: DONE})
    assert talk.names[-2:] == [TUNE, MINE]
    talk, _ = tell(SetMode(mode="VoltageOptimizer-80"), asleep, **{MINE: DONE})
    assert talk.names[-1] == MINE


def test_what_it_cannot_is_said_before_anything_changes():
    modes = ("low", "VoltageOptimizer-900", "ChipTune-80")
    for command in (LimitPower(limit_w=2000), *(SetMode(mode=mode) for mode in modes)):
        with pytest.raises(Unsupported):
            tell(command)
    with pytest.raises(Unsupported):
        tell(LimitPower(limit_w=900), able=ABLE | POWER)
    with pytest.raises(Unsupported):
        tell(Sleep(), OLD, None)


def test_passwords_are_tried_in_order_and_the_one_that_is_taken_is_kept():
    logins = (Login(user="", password="one"), Login(user="", password="two"))
    driver = Epic(Target(host="127.0.0.1", logins=logins))
    converse(driver.identify(), machine())
    talk = Talk(machine(**{MINE: Turns([BAD, DONE])}))
    talk.hold(driver.send(Sleep()))
    talk.hold(driver.send(Sleep()))
    assert [body["password"] for body in sent(talk, MINE)] == ["one", "two", "two"]


def test_no_password_taken_is_told_without_any():
    with pytest.raises(NotPermitted, match="tried 2") as told:
        tell(Sleep(), logins=(Login(user="", password="hush"), Login(user="", password="mum")), **{MINE: BAD})
    assert not {"hush", "mum"} & set(str(told.value).split())


def test_a_machine_that_does_its_last_command_is_waited_for():
    talk, receipt = tell(Sleep(), **{MINE: Turns([BUSY, BUSY, DONE])})
    assert (talk.names[-5:], receipt.already) == ([MINE, "pause", MINE, "pause", MINE], False)
    with pytest.raises(Refused, match="LastCmdStillPending"):
        tell(Sleep(), **{MINE: BUSY})


def test_refusals_by_their_name():
    with pytest.raises(Unsupported, match="InvalidUrl"):
        tell(Sleep(), **{MINE: {"result": False, "error": "InvalidUrl"}})
    with pytest.raises(Refused, match="RebootFailed"):
        tell(Reboot(), **{"POST /reboot": {"result": False, "error": {"RebootFailed": "text"}}})
    with pytest.raises(Refused, match="not ready"):
        converse(Epic(HERE).read(Want.QUICK), scripted({"GET /summary": {"result": False, "error": "not ready"}}))
    with pytest.raises(Garbled):
        converse(Epic(HERE).read(Want.QUICK), scripted({"GET /summary": b"[]"}))


def test_a_quick_reading_is_one_page_once_it_is_known():
    driver, talk = Epic(HERE), Talk(machine())
    talk.hold(driver.read(Want.QUICK))
    talk.asked.clear()
    talk.hold(driver.read(Want.QUICK))
    assert talk.names == ["GET /summary"]
