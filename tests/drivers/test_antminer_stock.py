"""Reading Antminers of four generations, and what proves that one sleeps."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.antminer_stock import AntminerStock
from drivers.errors import DeviceError, NotListening, NotPermitted, Unreachable
from drivers.interface import Ask, Http, HttpReply, Identity, Login, State, Target, Want
from tests.drivers.antminers import (
    POOL,
    Antminer,
    page_stats,
    pools,
    refusal,
    system_info,
    x9,
    x17,
    x19,
    x21,
)
from tests.drivers.conversations import Talk, converse, ok

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
S19_CONF = "GET /cgi-bin/get_miner_conf.cgi"


def driver_of(machine, target=HERE):
    return AntminerStock(target, converse(AntminerStock(target).identify(), machine))


def read(machine, want=Want.FULL):
    return converse(driver_of(machine).read(want), machine)


# --- dialects ------------------------------------------------------------------------------------------------


def test_an_s9_has_its_boards_in_slots_6_to_8_and_its_rate_as_a_text():
    machine = Antminer(x9(), form=True, mode=None)
    machine.pages = {"get_system_info.cgi": system_info("Antminer S9")}
    reading = read(machine)
    assert reading.hashrate_ths == pytest.approx(13.5005)
    assert [(b.slot, b.chips, b.chip_temp_c, b.board_temps_c) for b in reading.boards] == [
        (6, 63, 86, (66.0,)),
        (7, 63, 87, (67.0,)),
        (8, 63, 88, (68.0,)),
    ]
    assert reading.boards[0].hashrate_ths == pytest.approx(4.50017)
    assert reading.boards[0].frequency_mhz == 643.75
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(3, 5880), (6, 4320)]
    assert reading.state is State.HASHING
    assert reading.level == "full"
    assert reading.power_w is None


def test_an_s17_tells_four_sensors_a_board_as_one_text():
    reading = read(Antminer(x17(), form=True))
    assert reading.hashrate_ths == pytest.approx(53.00025)
    assert [b.slot for b in reading.boards] == [1, 2, 3]
    assert reading.boards[1].board_temps_c == (25, 55, 24, 52)
    assert (reading.boards[1].board_temp_c, reading.boards[1].chip_temp_c) == (55, 78)
    assert [b.frequency_mhz for b in reading.boards] == [561, 562, 563]
    assert len(reading.fans) == 4


def test_an_s19_tells_its_average_of_30_minutes_and_a_dash_is_also_a_minus():
    reading = read(Antminer(x19()))
    assert reading.hashrate_ths == pytest.approx(110.2505)
    assert reading.boards[0].board_temps_c == (41, 62, -3, 60)
    assert reading.boards[0].hashrate_ths == pytest.approx(36.33, abs=0.01)
    assert [b.chips for b in reading.boards] == [114, 114, 114]
    assert reading.boards[0].chips_expected == 114
    assert (reading.uptime_s, reading.nominal_ths) == (4000, 110)


def test_an_s21_tells_rates_and_sensors_as_numbers():
    machine = Antminer(x21())
    reading = read(machine)
    assert reading.hashrate_ths == pytest.approx(200.5)
    assert [(b.hashrate_ths, b.board_temp_c) for b in reading.boards] == [(67.0, 58.5)] * 3


def test_counters_come_from_summary_and_pools_without_those_that_are_not_set():
    reading = read(Antminer())
    assert (reading.accepted, reading.rejected, reading.stale) == (90, 2, 1)
    assert (reading.hardware_errors, reading.best_share) == (33, 123_456_789)
    assert [(p.url, p.alive, p.active) for p in reading.pools] == [(POOL, True, True), (POOL, True, False)]


@pytest.mark.parametrize(("told", "power_w"), [("3250 W", 3250), (3300, 3300), ("34.65 (AB)", None), ("0", None)])
def test_the_few_builds_that_tell_their_power_are_believed_where_it_is_plainly_watts(told, power_w):
    assert read(Antminer(x19(chain_power=told))).power_w == power_w


# --- what is asked -------------------------------------------------------------------------------------------


def test_a_hashing_machine_is_asked_one_question_by_a_quick_read():
    machine = Antminer(x21())
    driver, talk = driver_of(machine), Talk(machine)
    reading = talk.hold(driver.read(Want.QUICK))
    assert talk.names == ["stats"]
    assert (reading.state, reading.pools) == (State.HASHING, None)


def test_older_firmware_is_asked_joined_and_newer_once_only():
    old, new = Antminer(x17(), form=True), Antminer(x21())
    for machine, first, second in [
        (old, ["summary+stats+pools"], ["summary+stats+pools"]),
        (new, ["summary+stats+pools", "stats", "summary", "pools"], ["stats", "summary", "pools"]),
    ]:
        driver, talk = driver_of(machine), Talk(machine)
        readings = [talk.hold(driver.read(Want.FULL)), talk.hold(driver.read(Want.FULL))]
        assert talk.names == first + second
        assert readings[0] == readings[1]
        assert readings[0].accepted == 90


def test_firmware_that_drops_a_joined_question_is_asked_singly():
    machine = Antminer(x21())

    def answer(exchange):
        dropped = isinstance(exchange, Ask) and b"+" in exchange.request
        return Unreachable("closed without an answer") if dropped else machine(exchange)

    assert converse(driver_of(machine).read(Want.FULL), answer).state is State.HASHING


def test_a_machine_that_was_away_at_its_first_full_read_is_still_asked_joined():
    machine = Antminer(x17(), form=True)
    driver, talk = driver_of(machine), Talk(machine)
    machine.api = False
    assert talk.hold(driver.read(Want.FULL)).reason == "fault:daemon"
    machine.api = True
    assert talk.hold(driver.read(Want.FULL)).state is State.HASHING
    assert talk.names == ["summary+stats+pools", S19_CONF, "summary+stats+pools"]


def test_a_standing_machine_is_asked_for_its_mode_by_each_full_read_and_by_a_quick_one_when_it_started_anew():
    machine = Antminer(standing(elapsed=900))
    driver, talk = driver_of(machine), Talk(machine)
    for elapsed, want in [(900, Want.QUICK), (910, Want.QUICK), (920, Want.FULL), (930, Want.QUICK), (20, Want.QUICK)]:
        machine.stats = standing(elapsed=elapsed)
        talk.hold(driver.read(want))
    assert talk.names.count(S19_CONF) == 3


def test_a_driver_without_an_identity_learns_it_first():
    machine = Antminer(x17(rate_ghs=0, mode=254), form=True)
    assert converse(AntminerStock(HERE).read(Want.QUICK), machine).state is State.SLEEPING


# --- states --------------------------------------------------------------------------------------------------


def standing(**more):
    return x19(rate_ghs=0.0, **more)


@pytest.mark.parametrize("mode", ["1", 1, "5"])
def test_without_a_rate_the_mode_in_its_configuration_proves_sleep(mode):
    reading = read(Antminer(standing(), mode=mode), Want.QUICK)
    assert (reading.state, reading.level, reading.hashrate_ths) == (State.SLEEPING, "sleep", 0.0)


def test_a_machine_set_to_sleep_that_hashes_still_is_hashing_and_proves_no_level():
    reading = read(Antminer(x19(), mode="1"), Want.QUICK)
    assert (reading.state, reading.level) == (State.HASHING, None)


def test_an_s17_proves_its_sleep_on_the_api_port_or_by_its_configuration():
    by_api = Antminer(x17(rate_ghs=0, mode=254), form=True)
    by_page = Antminer(x17(rate_ghs=0), form=True, mode="254")
    assert read(by_api, Want.QUICK).level == "sleep"
    assert read(by_page, Want.QUICK).level == "sleep"


def test_mode_1_of_an_s17_is_no_sleep():
    assert read(Antminer(x17(rate_ghs=0), form=True, mode="1"), Want.QUICK).state is State.FAULT


@pytest.mark.parametrize(
    ("figures", "alive", "state", "reason"),
    [
        (standing(), "Dead", State.IDLE, "idle:pool"),
        (standing(elapsed=90), "Alive", State.STARTING, "starting:boot"),
        (standing(), "Alive", State.FAULT, "fault:hashrate"),
        (standing(boards=0), "Alive", State.FAULT, "fault:boards"),
    ],
)
def test_awake_without_a_rate_is_waiting_starting_or_broken(figures, alive, state, reason):
    machine = Antminer(figures)
    machine.pools = pools(alive, alive)
    reading = read(machine, Want.QUICK)
    assert (reading.state, reading.reason, reading.level) == (state, reason, None)


def test_a_rate_that_falls_without_a_pool_is_waiting_before_it_is_zero():
    machine = Antminer(x19(rate_ghs=40_000))
    machine.pools = pools("Dead", "Dead")
    assert (read(machine, Want.QUICK).state, read(machine, Want.QUICK).reason) == (State.IDLE, "idle:pool")
    machine.pools = pools("Alive", "Dead")
    assert read(machine, Want.QUICK).state is State.HASHING


def test_an_empty_mode_is_the_normal_one():
    assert read(Antminer(standing(), mode="")).state is State.FAULT


def test_a_broken_machine_says_what_ails_it_where_it_has_a_page_for_that():
    machine = Antminer(standing())
    checks = [{"type": "fans", "status": "e", "code": 2, "msg": "fan lost"}, {"type": "temp", "status": "s"}]
    machine.pages["summary.cgi"] = {"SUMMARY": [{"elapsed": 1, "status": checks}]}
    assert [(fault.code, fault.message) for fault in read(machine).errors] == [("fans", "fan lost")]


def test_low_power_is_proved_by_its_mode_and_asked_for_again_after_each_new_start():
    machine = Antminer(x19(elapsed=500), mode="3")
    driver, talk = driver_of(machine), Talk(machine)
    levels = [talk.hold(driver.read(Want.QUICK)).level]
    for elapsed in (510, 520, 15, 25):
        machine.stats = x19(elapsed=elapsed)
        machine.conf["bitmain-work-mode"] = "3" if elapsed > 500 else "0"
        levels.append(talk.hold(driver.read(Want.QUICK)).level)
    assert levels == ["low", "low", "low", "full", "full"]
    assert talk.names.count(S19_CONF) == 3  # at first, and while its process is young


def test_a_sleep_long_past_proves_nothing_when_the_machine_breaks_down():
    machine = Antminer(x19(rate_ghs=0, elapsed=5000, type_="Antminer S21"), mode="1")
    driver = driver_of(machine)
    assert converse(driver.read(Want.QUICK), machine).state is State.SLEEPING
    machine.conf["bitmain-work-mode"] = "0"
    for elapsed in (30, 3000, 6000):
        machine.stats = x19(elapsed=elapsed, type_="Antminer S21")
        assert converse(driver.read(Want.QUICK), machine).state is State.HASHING
    machine.stats = x19(rate_ghs=0, elapsed=6010, type_="Antminer S21")
    assert converse(driver.read(Want.QUICK), machine).state is State.FAULT


# --- the API port is shut ------------------------------------------------------------------------------------


def shut(mode="0", **pages):
    machine = Antminer(mode=mode)
    machine.pages |= {f"{page}.cgi": told for page, told in pages.items()}
    driver = driver_of(machine)
    machine.api = False
    return machine, driver


def test_a_machine_that_shuts_its_api_port_is_read_over_its_pages():
    pool = {"index": 0, "url": POOL, "user": "farm.1", "status": "Alive", "priority": 0, "accepted": 5}
    machine, driver = shut(stats=page_stats(), pools={"POOLS": [pool, {"url": ""}]})
    reading = converse(driver.read(Want.FULL), machine)
    assert (reading.state, reading.level, reading.hashrate_ths) == (State.HASHING, "full", 110.25)
    assert [(b.slot, b.hashrate_ths, b.chips) for b in reading.boards] == [
        (1, 36.0, 114),
        (2, 36.001, 114),
        (3, 36.002, 114),
    ]
    assert (reading.boards[0].board_temps_c, reading.boards[0].chip_temp_c) == ((40, 42, 61, 60), 71)
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(1, 5001), (3, 5003), (4, 5004)]
    assert [(p.url, p.alive, p.accepted) for p in reading.pools] == [(POOL, True, 5)]


def test_a_build_without_a_page_of_statistics_still_has_its_summary():
    row = {"elapsed": 60, "rate_5s": 206_000.0, "rate_30m": 204_000.0, "hw_all": 2, "bestshare": 77}
    machine, driver = shut(summary={"STATUS": [{"STATUS": "S"}], "SUMMARY": [row]})
    reading = converse(driver.read(Want.QUICK), machine)
    assert (reading.hashrate_ths, reading.uptime_s, reading.boards) == (204.0, 60, None)
    assert (reading.hardware_errors, reading.best_share) == (2, 77)


@pytest.mark.parametrize("told", [{"STATS": []}, page_stats(rate_5s=0.0)])
def test_a_machine_that_shuts_its_api_port_to_sleep_is_asleep(told):
    machine, driver = shut(mode="1", stats=told)
    reading = converse(driver.read(Want.QUICK), machine)
    assert (reading.state, reading.level) == (State.SLEEPING, "sleep")


def test_an_s17_that_shuts_its_api_port_is_asleep_or_broken_by_its_mode():
    for mode, state, reason in [("254", State.SLEEPING, None), ("0", State.FAULT, "fault:daemon")]:
        machine = Antminer(x17(), form=True, mode=mode)
        driver = driver_of(machine)
        machine.api = False
        reading = converse(driver.read(Want.FULL), machine)
        assert (reading.state, reading.reason) == (state, reason)


def test_both_ports_shut_is_out_of_reach_and_a_silent_api_port_is_not_asked_around():
    _, driver = shut()
    with pytest.raises(Unreachable):
        converse(driver.read(Want.FULL), lambda _: NotListening("connection refused"))
    talk = Talk(lambda _: Unreachable("no answer in time"))
    with pytest.raises(Unreachable):
        talk.hold(driver.read(Want.QUICK))
    assert talk.names == ["stats"]


def test_figures_that_are_refused_are_taken_from_the_pages():
    machine = Antminer(refusal("stats", 45))
    machine.pages["stats.cgi"] = page_stats()
    reading = read(machine)
    assert (reading.state, reading.accepted, len(reading.pools)) == (State.HASHING, 90, 2)


# --- logins --------------------------------------------------------------------------------------------------


def test_the_first_login_that_is_accepted_is_kept():
    machine = Antminer(standing(), password="right")
    target = Target(
        host="127.0.0.1", logins=(Login(user="root", password="wrong"), Login(user="root", password="right"))
    )
    driver = driver_of(machine, target)
    talk = Talk(machine)
    for _ in range(2):
        assert talk.hold(driver.read(Want.FULL)).state is State.FAULT
    tried = [exchange.password for exchange in talk.asked if isinstance(exchange, Http)]
    assert tried[:2] == ["wrong", "right"]
    assert set(tried[2:]) == {"right"}


def test_without_a_login_it_is_still_read_and_no_sleep_is_claimed():
    machine = Antminer(x19(), password="changed")
    identity = converse(AntminerStock(HERE).identify(), machine)
    assert (identity.model, identity.mac, identity.abilities.names()) == ("Antminer S19 Pro", None, ())
    assert identity.shut == "/cgi-bin/get_system_info.cgi: no login is accepted"
    assert converse(AntminerStock(HERE).identify(), Antminer(x19())).shut is None
    driver = AntminerStock(HERE, identity)
    assert converse(driver.read(Want.FULL), machine).state is State.HASHING
    machine.stats = standing()
    asked = []
    assert converse(driver.read(Want.FULL), lambda exchange: asked.append(exchange) or machine(exchange)).reason == (
        "unknown:mode"
    )
    assert not [exchange for exchange in asked if isinstance(exchange, Http)], "no wrong login again and again"


def test_a_shut_api_port_and_no_login_is_named_as_a_want_of_permission():
    machine = Antminer(password="changed")
    machine.api = False
    with pytest.raises(NotPermitted, match="no login is accepted"):
        converse(AntminerStock(HERE).identify(), machine)
    with pytest.raises(NotPermitted):
        converse(AntminerStock(HERE, Identity(driver="antminer-stock")).read(Want.FULL), machine)


# --- identity ------------------------------------------------------------------------------------------------


def test_identity_tells_model_firmware_mac_serial_and_what_it_can_be_told():
    machine = Antminer(x19())
    machine.pages["get_system_info.cgi"] = system_info(serinum="ABC123")
    identity = converse(AntminerStock(HERE).identify(), machine)
    assert (identity.make, identity.model, identity.firmware) == ("Bitmain", "Antminer S19 Pro", "stock")
    assert identity.firmware_version == "Wed Mar  1 08:00:00 CST 2023"
    assert (identity.mac, identity.serial) == ("02:00:5E:10:00:07", "ABC123")
    assert (identity.nominal_ths, identity.nominal_w) == (110, 3250)
    assert identity.abilities.names() == ("sleep", "low", "reboot", "locate")
    assert (identity.abilities.sleep.standby_w, identity.abilities.sleep.survives_power_cut) == (30, True)
    assert identity.abilities.low.power_share == pytest.approx(0.76)


@pytest.mark.parametrize(
    ("machine", "abilities"),
    [
        (Antminer(x9(), form=True, mode=None), ("reboot",)),
        (Antminer(x17(), form=True), ("sleep", "reboot", "locate")),
        (Antminer(x21()), ("sleep", "reboot", "locate")),
        (Antminer(x21(), mode=None), ("reboot", "locate")),
    ],
)
def test_each_generation_has_its_own_abilities(machine, abilities):
    assert converse(AntminerStock(HERE).identify(), machine).abilities.names() == abilities


def test_the_model_is_the_owners_word_else_that_of_stats_version_or_page():
    machine = Antminer(x19(type_="Antminer S19j Pro (vX)\n"))
    assert converse(AntminerStock(HERE).identify(), machine).model == "Antminer S19j Pro"
    named = Target(host="127.0.0.1", model="Antminer S19k Pro")
    assert converse(AntminerStock(named).identify(), machine).model == "Antminer S19k Pro"
    machine.stats = refusal("stats")
    assert converse(AntminerStock(HERE).identify(), machine).model == "Antminer S19 Pro"
    machine.api = False
    machine.pages["get_system_info.cgi"] = system_info("Antminer S21")
    assert converse(AntminerStock(HERE).identify(), machine).model == "Antminer S21"


def test_a_model_that_nobody_knows_keeps_its_name_and_the_newest_ways():
    machine = Antminer(x19(type_="Antminer Z99"))
    identity = converse(AntminerStock(HERE).identify(), machine)
    assert (identity.model, identity.nominal_w) == ("Antminer Z99", None)
    assert identity.abilities.sleep is not None


# --- anything may come back ----------------------------------------------------------------------------------

SECTIONS = ["STATS", "STATUS", "SUMMARY", "POOLS", "pools", "chain", "fan", "status", "stats"]
FIGURES = [
    "Elapsed",
    "GHS 5s",
    "Type",
    "Mode",
    "fan1",
    "chain_acn1",
    "temp_pcb1",
    "elapsed",
    "bitmain-work-mode",
    "url",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(SECTIONS + FIGURES), inner, max_size=6),
    max_leaves=25,
)
BODIES = st.binary(max_size=60) | JSON.map(msgspec.json.encode)


@given(data=st.data(), model=st.sampled_from(["Antminer S9", "Antminer S17", "Antminer S19"]))
def test_whatever_comes_back_only_device_errors_come_out(data, model):
    def answer(exchange):
        body = data.draw(BODIES)
        return ok(body, data.draw(st.sampled_from([200, 401, 404, 500]))) if isinstance(exchange, Http) else body

    for conversation in (
        AntminerStock(HERE).identify(),
        AntminerStock(HERE, Identity(driver="antminer-stock", model=model)).read(Want.FULL),
        AntminerStock(HERE, Identity(driver="antminer-stock", model=model)).read(Want.QUICK),
    ):
        with contextlib.suppress(DeviceError):
            converse(conversation, answer)


@given(JSON)
def test_whatever_figures_are_told_they_are_read_or_named_as_garbled(told):
    body = msgspec.json.encode({"STATUS": "S", "STATS": [{"Elapsed": told, "GHS 5s": told, "chain_acn1": told}]})
    driver = AntminerStock(HERE, Identity(driver="antminer-stock", model="Antminer S19"))

    def answer(exchange):
        return HttpReply(status=200, headers={}, body=body) if isinstance(exchange, Http) else body

    with contextlib.suppress(DeviceError):
        assert converse(driver.read(Want.QUICK), answer).state in State
