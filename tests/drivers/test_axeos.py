"""AxeOS and NerdAxes in words: who they are by which field, what stops and what waits, and frequencies as levels."""

import asyncio

import msgspec
import pytest

from drivers.axeos import AxeOs
from drivers.errors import Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import Http, LimitPower, Locate, Reboot, SetMode, Sleep, State, Target, Wake, Want
from drivers.transports.lanes import Lanes
from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow
from tests.drivers.conversations import Talk, Turns, converse, ok, scripted
from tests.transports.servers import closed_port

HERE = Target(host="127.0.0.1")
GET, WRITE = "GET /api/system/info", "PATCH /api/system"
PAUSE, RESUME, RESTART = (f"POST /api/system/{name}" for name in ("pause", "resume", "restart"))
INFO = {
    "ASICModel": "BM1370", "boardVersion": "601", "version": "v2.14.0", "macAddr": "02:00:00:00:00:01",
    "smallCoreCount": 2040, "maxPower": 40, "power": 17.5, "hashRate": 1080.0, "hashRate_1m": 1070.0,
    "expectedHashrate": 1071.0, "frequency": 525, "actualFrequency": 525.0, "coreVoltageActual": 1145, "temp": 61.5,
    "vrTemp": 55, "fanrpm": 4100, "fan2rpm": 0, "miningPaused": False, "overheat_mode": 0, "uptimeSeconds": 90_000,
    "sharesAccepted": 1200, "sharesRejected": 3, "bestDiff": 4_290_000_000, "isUsingFallbackStratum": 0,
    "stratumURL": "a.invalid", "stratumPort": 3333, "stratumUser": "u", "poolConnectionInfo": "IPv4",
    "fallbackStratumURL": "b.invalid", "fallbackStratumPort": 3334, "fallbackStratumUser": "v",
}  # fmt: skip
ASIC = {"deviceModel": "Gamma", "asicCount": 1, "defaultFrequency": 525, "frequencyOptions": [400, 490, 525, 625]}
OLD = {
    "ASICModel": "BM1368", "asicCount": 1, "boardVersion": "403", "version": "v2.4.5", "smallCoreCount": 1276,
    "power": 13.25, "hashRate": 620.0, "frequency": 490, "temp": 60, "vrTemp": 70, "fanrpm": 3500,
    "overheat_mode": 0, "uptimeSeconds": 900, "bestDiff": "483k", "stratumURL": "a.invalid", "stratumPort": 3333,
    "fallbackStratumURL": "", "fallbackStratumPort": 0,
}  # fmt: skip
NERD = {
    "ASICModel": "BM1370", "deviceModel": "NerdQAxe++", "asicCount": 4, "smallCoreCount": 2040, "version": "v1.0.36",
    "power": 74.0, "hashRate": 4850.0, "hashRate_1m": 4900.0, "frequency": 600, "defaultFrequency": 600,
    "coreVoltageActual": 1148, "temp": 58, "vrTemp": 62, "fanrpm": 3000, "fanrpm2": 3100, "shutdown": False,
    "otp": False, "uptimeSeconds": 5000, "stratumURL": "a.invalid", "stratumPort": 3333,
    "stratum": {"pools": [{"connected": True, "accepted": 7, "rejected": 1}, {"connected": False}]},
}  # fmt: skip
MISSING = ok(status=302, location="/")


def machine(info=None, asic=ASIC, **replies):
    """Return a script of one machine; pages that it does not have lead to the front page."""
    asic_page = MISSING if asic is None else asic
    return scripted({GET: info or INFO, "GET /api/system/asic": asic_page} | replies)


def read(info=None, asic=ASIC):
    return converse(AxeOs(HERE).read(Want.FULL), machine(info, asic))


def identified(info=None, asic=ASIC):
    return converse(AxeOs(HERE).identify(), machine(info, asic))


def tell(command, info=None, asic=ASIC, **replies):
    """Return the talk and the receipt of a command to a machine that is identified."""
    driver = AxeOs(HERE)
    converse(driver.identify(), machine(info, asic))
    talk = Talk(machine(info, asic, **replies))
    return talk, talk.hold(driver.send(command))


@pytest.mark.pure
@pytest.mark.parametrize(
    ("info", "asic", "model", "nominal_w"),
    [
        (INFO, ASIC, "Bitaxe Gamma", 18),
        (INFO, None, "Bitaxe Gamma", 18),
        (OLD, None, "Bitaxe Supra", 14),
        (INFO | {"boardVersion": "303", "ASICModel": "BM1366", "maxPower": 90}, None, "Bitaxe Hex", 90),
        (INFO | {"boardVersion": "999"}, None, "Bitaxe Gamma", 18),
        (INFO | {"boardVersion": "999", "asicCount": 6, "maxPower": 120}, None, "Bitaxe BM1370", 120),
        (NERD, None, "NerdQAxe++", 76),
    ],
)
def test_who_it_is_by_its_own_word_its_board_or_its_lone_chip(info, asic, model, nominal_w):
    identity = identified(info, asic)
    assert (identity.driver, identity.model, identity.nominal_w) == ("axeos", model, nominal_w)


@pytest.mark.pure
def test_what_it_can_is_what_its_build_shows():
    new, old, nerd = identified(), identified(OLD, None), identified(NERD, None)
    assert new.abilities.names() == ("sleep", "reboot", "locate")
    assert old.abilities.names() == ("reboot",)
    assert nerd.abilities.names() == ("sleep", "reboot")
    assert (new.firmware, nerd.firmware, nerd.make) == ("AxeOS", "NerdAxe", "NerdAxe")
    assert new.abilities.sleep.survives_reboot is new.abilities.sleep.survives_power_cut is False
    assert identified(NERD | {"otp": True}, None).abilities.names() == ()


@pytest.mark.pure
def test_frequencies_below_the_one_it_was_sold_with_are_its_profiles():
    profiles = identified().abilities.profiles
    assert [one.name for one in profiles] == ["400", "490"]
    assert profiles[0].power_w == 13.7
    assert profiles[0].hashrate_ths == pytest.approx(0.816)
    assert identified(OLD, None).abilities.profiles == ()


@pytest.mark.pure
def test_figures_in_their_units():
    reading = read()
    assert (reading.hashrate_ths, reading.present_ths, reading.nominal_ths) == pytest.approx((1.07, 1.08, 1.071))
    assert (reading.power_w, reading.uptime_s, reading.best_share) == (17.5, 90_000, 4.29e9)
    assert (reading.accepted, reading.rejected, reading.errors) == (1200, 3, ())
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(0, 4100)]
    assert [(pool.url, pool.user, pool.active) for pool in reading.pools] == [
        ("a.invalid:3333", "u", True),
        ("b.invalid:3334", "v", False),
    ]
    (board,) = reading.boards
    assert (board.chips, board.chips_expected, board.voltage_v, board.chip_temp_c) == (1, 1, 1.145, 61.5)


@pytest.mark.pure
def test_switches_are_numbers_or_words_of_yes_and_absurd_figures_are_none():
    told = {"overheat_mode": True, "isUsingFallbackStratum": True, "frequency": 1e308, "expectedHashrate": 0}
    reading = read(INFO | told | {"bestDiff": "9" * 400})
    assert (reading.reason, reading.pools[1].active, reading.best_share) == ("idle:thermal", True, None)
    assert reading.nominal_ths == 1.07


@pytest.mark.pure
def test_an_old_build_and_a_nerdaxe_are_read_too():
    old, nerd = read(OLD, None), read(NERD, None)
    assert (old.hashrate_ths, old.best_share, len(old.pools)) == (0.62, 483_000.0, 1)
    assert old.nominal_ths == pytest.approx(0.625, abs=0.001)
    assert [fan.rpm for fan in nerd.fans] == [3000, 3100]
    assert (nerd.pools[0].alive, nerd.pools[0].accepted, nerd.boards[0].chips) == (True, 7, 4)
    assert nerd.level == "full"


@pytest.mark.pure
def test_of_eight_pools_the_two_in_use_come_first_and_no_password_is_kept():
    rows = [{"id": at, "stratumURL": f"p{at}.invalid", "stratumPort": 1, "stratumPassword": "*****"} for at in range(3)]
    told = {"pools": rows, "primaryPoolIndex": 1, "secondaryPoolIndex": 0, "stratumURL": "p1.invalid"}
    reading = read(INFO | told | {"fallbackStratumURL": "p0.invalid"})
    assert [pool.url for pool in reading.pools] == ["p1.invalid:3333", "p0.invalid:3334", "p2.invalid:1"]


DARK = {"hashRate": 0.0, "hashRate_1m": 0.0, "coreVoltageActual": 0, "actualFrequency": 0.0, "expectedHashrate": 0}


@pytest.mark.pure
@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, State.HASHING, None),
        (DARK | {"miningPaused": True}, State.SLEEPING, None),
        ({"miningPaused": True}, State.IDLE, "idle:stopping"),
        (DARK | {"overheat_mode": 1}, State.IDLE, "idle:thermal"),
        (DARK | {"hardware_fault": "0 of 1 ASIC found"}, State.FAULT, "fault:boards"),
        (DARK | {"power_fault": "VIN undervoltage"}, State.FAULT, "fault:boards"),
        (DARK, State.IDLE, "idle:pool"),
        ({"hashRate": 0.0}, State.FAULT, "fault:hashrate"),
        ({"hashRate": 0.0, "poolConnectionInfo": "SV1: Pool unreachable"}, State.IDLE, "idle:pool"),
        ({"hashRate": 500.0, "poolConnectionInfo": "SV1: Auth rejected"}, State.IDLE, "idle:pool"),
        ({"hashRate": 0.0, "actualFrequency": 100.0}, State.STARTING, "starting:boot"),
        ({"hashRate": 0.0, "uptimeSeconds": 8}, State.STARTING, "starting:boot"),
        ({"hashRate": None}, State.UNKNOWN, None),
    ],
)
def test_states_by_what_proves_them(changes, state, reason):
    reading = read(INFO | changes)
    assert (reading.state, reading.reason) == (state, reason)


@pytest.mark.pure
def test_a_nerdaxe_sleeps_by_its_flag_and_idles_by_its_links():
    down = read(NERD | {"shutdown": True, "hashRate": 0.0}, None)
    assert (down.state, down.level) == (State.SLEEPING, "sleep")
    unlinked = NERD | {"hashRate": 0.0, "stratum": {"pools": [{"connected": False}, {"connected": False}]}}
    assert read(unlinked, None).reason == "idle:pool"


@pytest.mark.pure
@pytest.mark.parametrize(
    ("is_set", "runs", "level"),
    [
        (525, 525, "full"),
        (600, 600, "full"),
        (400, 400, "profile:400"),
        (512.5, 510, "profile:512.5"),
        (400, 500, None),
    ],
)
def test_the_frequency_is_the_level_once_it_runs_at_it(is_set, runs, level):
    assert read(INFO | {"frequency": is_set, "actualFrequency": runs}).level == level


@pytest.mark.pure
def test_faults_are_named_by_the_figure_that_says_so():
    reading = read(INFO | {"hardware_fault": "chip lost", "overheat_mode": 1})
    assert [fault.code for fault in reading.errors] == ["hardware_fault", "overheat_mode"]
    assert reading.errors[0].message == "chip lost"


@pytest.mark.pure
def test_it_is_paused_and_resumed_and_a_nerdaxe_shut_down_and_restarted():
    asleep = INFO | DARK | {"miningPaused": True}
    for command, info, path in (
        (Sleep(), INFO, PAUSE),
        (Wake(), asleep, RESUME),
        (SetMode(mode="full"), asleep, RESUME),
        (Sleep(), NERD, "POST /api/system/shutdown"),
        (Wake(), NERD | {"shutdown": True}, RESTART),
        (Reboot(), INFO, RESTART),
        (Locate(on=True), INFO, "POST /api/system/identify"),
    ):
        talk, receipt = tell(command, info, **{path: {"message": "said"}})
        assert (talk.names[-1], receipt.already) == (path, False)
    assert tell(Sleep(), asleep)[1].already
    assert tell(Wake(), INFO)[1].already
    assert tell(Locate(on=False))[1].already


@pytest.mark.pure
def test_a_frequency_is_written_alone_and_looked_at():
    lowered = INFO | {"frequency": 400}
    talk, receipt = tell(SetMode(mode="400"), **{GET: Turns([INFO, lowered]), WRITE: ok()})
    written = next(exchange for exchange in talk.asked if isinstance(exchange, Http) and exchange.method == "PATCH")
    assert written.body == b'{"frequency":400}'
    assert (receipt.already, receipt.before) == (False, None)
    with pytest.raises(Refused, match="not taken"):
        tell(SetMode(mode="400"), **{WRITE: ok()})
    assert tell(SetMode(mode="525"))[1].already
    assert tell(SetMode(mode="full"), INFO | {"frequency": 600})[1].already


@pytest.mark.pure
def test_what_its_owner_had_set_comes_back_even_above_the_list_and_a_slip_of_a_digit_does_not():
    own, lowered = INFO | {"frequency": 650}, INFO | {"frequency": 400}
    receipt = tell(SetMode(mode="400"), own, **{GET: Turns([own, lowered]), WRITE: ok()})[1]
    assert receipt.before == "profile:650"
    tell(SetMode(mode="650"), lowered, **{GET: Turns([lowered, own]), WRITE: ok()})
    for mode in ("5250", "0", "-400", "turbo", "low"):
        with pytest.raises(Unsupported):
            tell(SetMode(mode=mode))
    with pytest.raises(Unsupported):
        tell(SetMode(mode="650"), asic=ASIC | {"absMaxFrequency": 640})


@pytest.mark.pure
def test_a_stopped_machine_that_is_given_a_frequency_starts():
    asleep = INFO | DARK | {"miningPaused": True}
    answers = {GET: Turns([asleep, asleep | {"frequency": 490}]), WRITE: ok(), RESUME: {"message": "said"}}
    talk, _ = tell(SetMode(mode="490"), asleep, **answers)
    assert talk.names[-1] == RESUME


@pytest.mark.pure
def test_what_it_cannot_is_said_before_anything_is_sent():
    for command, info in ((Sleep(), OLD), (SetMode(mode="400"), OLD), (LimitPower(limit_w=10), INFO), (Locate(), NERD)):
        driver = AxeOs(HERE)
        converse(driver.identify(), machine(info, None))
        talk = Talk(machine(info, None))
        with pytest.raises(Unsupported):
            talk.hold(driver.send(command))
        assert talk.names == []


@pytest.mark.pure
def test_refusals_by_their_status():
    for reply, error in ((ok(status=401), NotPermitted), (MISSING, Unsupported), (ok(status=500), Refused)):
        with pytest.raises(error):
            tell(Sleep(), **{PAUSE: reply})
    for page, error in ((ok(b"<html>"), Garbled), (Unreachable("gone"), Unreachable), (ok(status=401), NotPermitted)):
        with pytest.raises(error):
            converse(AxeOs(HERE).read(Want.QUICK), scripted({GET: page}))


@pytest.mark.pure
def test_the_page_of_what_it_is_is_asked_for_once():
    driver, talk = AxeOs(HERE), Talk(machine(OLD, None))
    talk.hold(driver.identify())
    talk.hold(driver.read(Want.QUICK))
    assert talk.names == [GET, "GET /api/system/asic", GET]


SETTINGS = ("stratum", "fallbackStratum", "host", "ssid", "coreVoltage", "fan", "temptarget", "over", "frequency")
MEASURED = {"fanrpm", "fanspeed", "stratum", "coreVoltageActual"}


@pytest.mark.parametrize(("make", "model"), [("Bitaxe", "Bitaxe Gamma"), ("NerdAxe", "NerdQAxe++")])
async def test_nothing_else_of_a_simulated_machines_settings_changes(make, model):
    mix = (MixRow(make=make, model=model, share=1, firmware="nerdaxe" if make == "NerdAxe" else "axeos"),)
    async with Farm(FarmOptions(miners=1, mix=mix, own_ports=True, delay_scale=0.005)) as farm:
        made, lanes = farm.machines[0], Lanes()
        target = Target(host=made.host, port=closed_port(), http_port=made.http_port)
        driver = AxeOs(target)
        try:
            before = await lanes.run(target, settings())
            profile = (await lanes.run(target, identify(target))).abilities.profiles[0].name
            for command in (SetMode(mode=profile), Sleep(), SetMode(mode="full")):
                await lanes.run(target, driver.send(command))
            assert await once_up(lanes, target) == before
        finally:
            await lanes.close()


async def once_up(lanes, target):
    """Return the settings as soon as the machine, which a command starts anew, answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await lanes.run(target, settings())
            except Unreachable:
                await asyncio.sleep(0.05)


def settings():
    """Converse: return everything of the page that is a setting."""
    page = yield Http(method="GET", path="/api/system/info")
    told = msgspec.json.decode(page.body)
    return {key: told[key] for key in told if key.startswith(SETTINGS) and key not in MEASURED}
