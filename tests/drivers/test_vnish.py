"""VNish in words: what its pages mean, its lock, and presets that never change another setting."""

import pytest

from drivers.errors import NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import LimitPower, Locate, Login, Restart, SetMode, Sleep, State, Target, Wake, Want
from drivers.vnish import Vnish
from tests.drivers.conversations import Talk, Turns, converse, ok, scripted

pytestmark = pytest.mark.pure
V1 = "/api/v1"
INFO = {
    "miner": "Antminer S21", "fw_name": "Vnish", "fw_version": "1.2.7", "serial": "N/A",
    "system": {"uptime": "10 days, 18:05", "network_status": {"mac": "02:00:00:00:00:01"}},
}  # fmt: skip
POOLS = [
    {"id": 0, "url": "a:1", "pool_type": "UserPool", "user": "u", "status": "active", "accepted": 9},
    {"id": 1, "url": "b:1", "pool_type": "UserPool", "user": "u", "status": "offline"},
    {"id": 2, "url": "DevFee", "pool_type": "DevFee", "status": "active"},
]
MINER = {
    "miner_status": {"miner_state": "mining"}, "hr_realtime": 199_000.0, "hr_nominal": 200_000.0,
    "instant_hashrate": 199.0, "power_consumption": 3400, "pools": POOLS,
    "cooling": {"fans": [{"id": 0, "rpm": 5000, "status": "ok"}, {"id": 1, "rpm": 0, "status": "lost"}]},
    "chains": [{
        "id": 1, "hashrate_rt": 66_000.0, "voltage": 13_000, "frequency": 495.0, "pcb_temp": {"min": 40, "max": 50},
        "chip_temp": {"min": 50, "max": 66}, "chip_statuses": {"red": 1, "orange": 2, "grey": 105},
        "status": {"state": "mining"},
    }],
}  # fmt: skip
SWITCHER = {"enabled": False, "top_preset": "3500", "min_preset": "2500"}
OVERCLOCK = {"preset": "3500", "modded_psu": False, "globals": {"volt": 1300}, "preset_switcher": SWITCHER}
PRESETS = [
    {"name": "disabled", "pretty": "Disabled", "status": "untuned"},
    {"name": "2800", "pretty": "2800 watt ~ 170 TH", "status": "tuned", "modded_psu_required": False},
    {"name": "3000", "pretty": "3000 watt ~ 180 TH", "status": "untuned", "modded_psu_required": False},
    {"name": "3500", "pretty": "3500 watt ~ 200 TH", "status": "tuned", "modded_psu_required": False},
    {"name": "4200", "pretty": "4200 watt ~ 230 TH", "status": "tuned", "modded_psu_required": True},
]


def settings(**overclock):
    return {"miner": {"overclock": OVERCLOCK | overclock, "misc": {"remain_stopped_on_reboot": True}, "pools": []}}


def machine(**replies):
    """Return a script; pages are named by their path behind /api/v1, what changes by POST."""
    told = {
        "GET info": INFO, "GET summary": {"miner": MINER}, "GET perf-summary": {"current_preset": {"name": "3500"}},
        "GET settings": settings(), "GET autotune/presets": PRESETS, "POST unlock": {"token": "t"},
        "GET status": {"miner_state": "mining", "find_miner": False}, "POST mining/stop": {"success": True},
    } | replies  # fmt: skip
    return scripted({name.replace(" ", f" {V1}/"): reply for name, reply in told.items()})


def read(want=Want.FULL, target=Target(host="127.0.0.1"), **replies):  # noqa: B008 - a value
    driver = Vnish(target)
    converse(driver.identify(), machine())
    return converse(driver.read(want), machine(**replies))


def doing(state, **changes):
    return {"GET summary": {"miner": MINER | {"miner_status": {"miner_state": state}} | changes}}


def test_who_it_is_and_what_it_can():
    identity = converse(Vnish(Target(host="127.0.0.1")).identify(), machine())
    assert (identity.model, identity.mac, identity.serial) == ("Antminer S21", "02:00:00:00:00:01", None)
    assert [(one.name, one.power_w, one.hashrate_ths) for one in identity.abilities.profiles] == [
        ("2800", 2800.0, 170.0),
        ("3500", 3500.0, 200.0),
    ]
    assert identity.abilities.sleep.survives_reboot is True


def test_a_machine_whose_switcher_moves_presets_is_given_none():
    switched = settings(preset_switcher=SWITCHER | {"enabled": True})
    identity = converse(Vnish(Target(host="127.0.0.1")).identify(), machine(**{"GET settings": switched}))
    assert identity.abilities.profiles == ()


def test_without_a_password_it_is_read_and_known():
    shut = {"POST unlock": ok(status=403), "GET settings": ok(status=401)}
    identity = converse(Vnish(Target(host="127.0.0.1")).identify(), machine(**shut))
    assert (identity.driver, identity.abilities.profiles) == ("vnish", ())


def test_units_are_what_they_are():
    reading = read()
    assert (reading.hashrate_ths, reading.power_w, reading.uptime_s) == (199.0, 3400.0, (10 * 24 + 18) * 3600 + 300)
    board = reading.boards[0]
    assert (board.slot, board.voltage_v, board.chips, board.board_temps_c) == (0, 13.0, 108, (40.0, 50.0))
    assert [pool.url for pool in reading.pools] == ["a:1", "b:1"]
    assert [fault.code for fault in reading.errors] == ["fan 1 lost"]


@pytest.mark.parametrize(
    ("replies", "state", "reason"),
    [
        (doing("mining"), State.HASHING, None),
        (doing("stopped", hr_realtime=0), State.SLEEPING, None),
        (doing("shutting-down"), State.IDLE, "idle:stopping"),
        (doing("auto-tuning"), State.STARTING, "starting:tuning"),
        (doing("initializing"), State.STARTING, "starting:boot"),
        (doing("failure", hr_realtime=0), State.FAULT, "fault:firmware"),
        (doing("mining", hr_realtime=0), State.FAULT, "fault:hashrate"),
        (doing("mining", hr_realtime=0, pools=POOLS[1:]), State.IDLE, "idle:pool"),
        (doing("something new"), State.UNKNOWN, None),
        ({"GET summary": {"miner": None}}, State.STARTING, "starting:boot"),
    ],
)
def test_states_by_what_proves_them(replies, state, reason):
    reading = read(**replies)
    assert (reading.state, reading.reason) == (state, reason)


@pytest.mark.parametrize(("preset", "level"), [("3500", "full"), ("2800", "profile:2800"), ("disabled", None)])
def test_the_preset_is_the_level(preset, level):
    assert read(**{"GET perf-summary": {"current_preset": {"name": preset}}}).level == level


def test_the_preset_is_asked_for_again_only_where_the_rate_it_gives_changed():
    driver, talk = Vnish(Target(host="127.0.0.1")), Talk(machine())
    talk.hold(driver.identify())
    talk.asked.clear()
    for _ in range(3):
        talk.hold(driver.read(Want.QUICK))
    assert talk.names == [f"GET {V1}/summary", f"GET {V1}/perf-summary", f"GET {V1}/summary", f"GET {V1}/summary"]


def tell(command, logins=(), **replies):
    talk = Talk(machine(**replies))
    driver = Vnish(Target(host="127.0.0.1", logins=logins))
    talk.hold(driver.identify())
    talk.asked.clear()
    return talk, driver.send(command)


def test_a_token_is_kept_and_got_anew_once():
    talk, sleeping = tell(Sleep(), **{"POST mining/stop": Turns([ok(status=401), ok(b"{}")])})
    talk.hold(sleeping)
    assert talk.names == [f"GET {V1}/status", f"POST {V1}/mining/stop", f"POST {V1}/unlock", f"POST {V1}/mining/stop"]


def test_the_mining_program_is_started_anew_by_its_own_page():
    talk, restarting = tell(Restart(), **{"POST mining/restart": {"success": True}})
    talk.hold(restarting)
    assert talk.names[-1] == f"POST {V1}/mining/restart"


def test_passwords_are_tried_in_order_and_too_many_are_told():
    logins = (Login(user="", password="one"), Login(user="", password="two"))
    talk, sleeping = tell(Sleep(), logins, **{"POST unlock": Turns([ok(status=403), ok(b'{"token":"t"}')])})
    talk.hold(sleeping)
    talk, sleeping = tell(
        Sleep(), **{"POST mining/stop": ok(status=401), "POST unlock": Turns([ok(b'{"token":"t"}'), ok(status=429)])}
    )
    with pytest.raises(Refused, match="too often"):
        talk.hold(sleeping)


def test_a_wrong_password_is_named_without_itself():
    logins = (Login(user="", password="secret"),)
    talk, sleeping = tell(Sleep(), logins, **{"POST unlock": ok(status=403), "GET settings": ok(status=401)})
    with pytest.raises(NotPermitted) as refusal:
        talk.hold(sleeping)
    assert "secret" not in str(refusal.value)


def test_what_is_so_already_is_not_told():
    talk, waking = tell(Wake())
    assert talk.hold(waking).already
    talk, light = tell(Locate(on=False))
    assert talk.hold(light).already


def test_a_start_that_is_not_there_is_a_resume():
    stopped = {"GET status": {"miner_state": "stopped"}, "POST mining/start": ok(status=404)}
    talk, waking = tell(Wake(), **stopped, **{"POST mining/resume": ok(b"{}")})
    assert not talk.hold(waking).already


def test_a_preset_keeps_all_other_settings_and_tells_the_one_before():
    taken = Turns([settings(), settings(preset="2800")])
    answers = {"GET settings": taken, "POST settings": {"restart_required": True}, "POST mining/restart": {}}
    driver, talk = Vnish(Target(host="127.0.0.1")), Talk(machine())
    talk.hold(driver.identify())
    talk = Talk(machine(**answers))
    receipt = talk.hold(driver.send(SetMode(mode="2800")))
    posted = next(asked for asked in talk.asked if asked.method == "POST" and asked.path.endswith("settings"))
    assert b'"preset":"2800"' in posted.body
    assert b'"globals":{"volt":1300}' in posted.body
    assert b"pools" not in posted.body
    assert receipt.before == "profile:3500"
    assert talk.names[-1] == f"POST {V1}/mining/restart"


def test_a_preset_that_is_answered_and_ignored_is_a_refusal():
    talk, lower = tell(SetMode(mode="2800"), **{"POST settings": {"restart_required": False}})
    with pytest.raises(Refused, match="not taken"):
        talk.hold(lower)


def test_what_it_has_not():
    for command in (LimitPower(limit_w=2000.0), SetMode(mode="low")):
        with pytest.raises(Unsupported):
            converse(Vnish(Target(host="127.0.0.1")).send(command), machine())


def test_one_before_the_web_api_is_known_by_its_api_port():
    header = {"Cgminer": "4.11.1", "CompileTime": "x", "Type": "Antminer S9 (vnish 3.8.6)"}
    stats = {"STATUS": [{"STATUS": "S", "Code": 70, "Msg": "x"}], "STATS": [header, {"STATS": 0, "Elapsed": 9}]}
    answers = scripted({f"GET {V1}/info": NotListening("closed"), "stats": stats})
    assert converse(Vnish(Target(host="127.0.0.1")).identify(), answers).driver == "vnish-old"
    with pytest.raises(Unreachable):
        converse(Vnish(Target(host="127.0.0.1")).identify(), scripted({"stats": stats}))
