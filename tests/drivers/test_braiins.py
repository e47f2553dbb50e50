"""Braiins OS in words: three surfaces, two logins, targets that are compared, a pause that is proved."""

import pytest

from drivers.braiins import Braiins
from drivers.errors import NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import LimitPower, Locate, Login, Reboot, SetMode, Sleep, State, Target, Wake, Want
from tests.drivers.conversations import Talk, Turns, converse, ok, scripted

pytestmark = pytest.mark.pure
HERE = Target(host="127.0.0.1")
V1 = "/api/v1"
DETAILS = {
    "bos_version": {"current": "2025-11-21-0-eb658dcd-25.11-plus"}, "mac_address": "02:00:00:00:00:01",
    "miner_identity": {"miner_model": "Antminer S19 XP"}, "sticker_hashrate": {"gigahash_per_second": 141_000.0},
    "serial_number": None, "status": 2, "system_uptime_s": 9000, "bosminer_uptime_s": 8000,
}  # fmt: skip
RATES = {"last_5s": {"gigahash_per_second": 139_000.0}, "last_1m": {"gigahash_per_second": 140_000.0}}
STATS = {
    "miner_stats": {"nominal_hashrate": {"gigahash_per_second": 140_500.0}, "real_hashrate": RATES},
    "pool_stats": {"accepted_shares": 7}, "power_stats": {"approximated_consumption": {"watt": 3000}},
}  # fmt: skip
TARGETS = {"default": {"watt": 3010}, "min": {"watt": 1200}, "max": {"watt": 3800}}
POOLS = [{"pools": [{"url": "stratum+tcp://a:1", "user": "u", "enabled": True, "alive": True, "active": True}]}]


def configured(watt):
    return {"tuner": {"enabled": True, "tuner_mode": 1, "power_target": {"watt": watt}}}


def rest(**replies):
    """Return a script of one that has REST; pages are named by their path behind /api/v1."""
    told = {
        "GET miner/details": DETAILS, "GET miner/stats": STATS, "GET configuration/miner": configured(3010),
        "GET configuration/constraints": {"tuner_constraints": {"power_target": TARGETS}},
        "GET performance/tuner-state": {"overall_tuner_state": 2}, "GET pools": POOLS,
        "GET miner/hw/hashboards": {"hashboards": []}, "GET cooling/state": {"fans": []},
        "GET miner/errors": {"errors": []}, "POST auth/login": {"token": "t"},
    } | replies  # fmt: skip
    return scripted({name.replace(" ", f" {V1}/"): reply for name, reply in told.items()})


def graphql(**parts):
    """Return a script of one that has GraphQL alone, whatever it is asked."""
    info = {
        "modelName": "Antminer S21", "fans": [{"name": "0", "rpm": 5000}, {"name": "1", "rpm": 0}],
        "summary": {"power": {"limitW": 3500, "approxConsumptionW": 3450}},
        "workSolver": {"nominalMhs": 200e6, "realHashrate": {"mhs5S": 199e6}, "childSolvers": [
            {"name": "6", "realHashrate": {"mhs5S": 199e6}, "hwDetails": {"chips": 108},
             "temperatures": [{"name": "Max Board", "degreesC": 60.0}, {"name": "Max Chip", "degreesC": 75.0}]},
        ]},
        "poolGroups": [{"pools": [{"url": "stratum+tcp://a:1", "status": "ALIVE", "active": True}]}],
    }  # fmt: skip
    bosminer = {
        "info": info | parts,
        "metadata": {"autotuning": {"powerTarget": {"min": 900, "max": 3600, "default": 3500}}},
    }
    bos = {"info": {"version": {"full": "2025-04-07-0-424f9a7f-25.03-plus"}}, "uptime": {"durationS": 9000}}
    return {
        f"GET {V1}/miner/details": ok(status=404),
        "POST /graphql": {"data": {"bos": bos, "bosminer": bosminer, "events": {"appeals": []}}},
        "GET /cgi-bin/luci/admin/network/iface_status/lan": [{"macaddr": "02:00:00:00:00:02"}],
    }


def socket(**replies):
    """Return a script of one that has its API port alone; it joins no commands."""
    status = [{"STATUS": "S", "Code": 1, "Msg": "ok", "Description": "BOSminer+ 0.2.0"}]
    told = {
        "version": {"VERSION": [{"API": "3.7", "BOSminer+": "0.2.0-36c5"}]},
        "devdetails": {"DEVDETAILS": [{"ID": 6, "Chips": 63, "Model": "Antminer S9"}]},
        "summary": {"SUMMARY": [{"MHS 5s": 13e6, "MHS 1m": 13.1e6, "Elapsed": 9000, "Accepted": 3}]},
        "devs": {"DEVS": [{"ASC": 0, "ID": 6, "MHS 5s": 13e6, "Nominal MHS": 13.5e6, "Enabled": "Y"}]},
        "tunerstatus": {"TUNERSTATUS": [{"ApproximateMinerPowerConsumption": 1200, "PowerLimit": 1250}]},
        "temps": {"TEMPS": [{"ID": 6, "Board": 70.0, "Chip": 0.0}]},
        "fans": {"FANS": [{"ID": 0, "RPM": 4000}, {"ID": 1, "RPM": 0}]},
        "pools": {"POOLS": [{"URL": "stratum+tcp://a:1", "Status": "Alive", "POOL": 0}]},
        "pause": {"PAUSE": [True]}, "resume": {"RESUME": [True]},
    } | replies  # fmt: skip
    unknown = {"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}]}
    script = {name: {"STATUS": status} | reply for name, reply in told.items()}
    more = ("", "+pools", "+devdetails+temps+fans+pools")
    script |= {f"summary+devs+tunerstatus{others}": unknown for others in more}
    closed = NotListening("refused")
    return script | {f"GET {V1}/miner/details": closed, "POST /graphql": closed}


def known(answers, target=HERE):
    driver, talk = Braiins(target), Talk(answers)
    identity = talk.hold(driver.identify())
    talk.asked.clear()
    return driver, talk, identity


def test_who_it_is_by_each_surface():
    by_rest = converse(Braiins(HERE).identify(), rest())
    assert (by_rest.model, by_rest.firmware_version) == ("Antminer S19 XP", "2025-11-21-0-eb658dcd-25.11-plus")
    assert (by_rest.nominal_w, by_rest.abilities.power_limit.least_w) == (3010.0, 1200.0)
    by_graphql = converse(Braiins(HERE).identify(), scripted(graphql()))
    assert (by_graphql.model, by_graphql.mac) == ("Antminer S21", "02:00:00:00:00:02")
    assert by_graphql.abilities.power_limit.most_w == 3600.0
    by_socket = converse(Braiins(HERE).identify(), scripted(socket()))
    assert (by_socket.model, by_socket.firmware_version) == ("Antminer S9", "0.2.0-36c5")
    assert by_socket.abilities.names() == ("sleep",)


def test_what_it_says_by_each_surface():
    reading = converse(Braiins(HERE).read(Want.FULL), rest())
    assert (reading.state, reading.level, reading.hashrate_ths, reading.power_w) == (
        State.HASHING,
        "full",
        140.0,
        3000.0,
    )
    reading = converse(Braiins(HERE).read(Want.FULL), scripted(graphql()))
    assert (reading.state, reading.level, reading.hashrate_ths) == (State.HASHING, "full", 199.0)
    assert (reading.boards[0].slot, reading.boards[0].board_temp_c, len(reading.fans)) == (0, 60.0, 1)
    reading = converse(Braiins(HERE).read(Want.FULL), scripted(socket()))
    assert (reading.state, reading.hashrate_ths, reading.power_w) == (State.HASHING, 13.1, 1200.0)
    assert (reading.boards[0].slot, reading.boards[0].chips, reading.boards[0].chip_temp_c) == (0, 63, None)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"GET miner/details": DETAILS | {"status": 3}}, State.SLEEPING, None),
        ({"GET miner/details": DETAILS | {"status": 4}}, State.IDLE, "idle:suspended"),
        ({"GET miner/details": DETAILS | {"status": 1}}, State.FAULT, "fault:firmware"),
        ({"GET miner/details": DETAILS | {"status": 1, "system_uptime_s": 30}}, State.STARTING, "starting:boot"),
    ],
)
def test_its_status_is_its_state(changes, state, reason):
    reading = converse(Braiins(HERE).read(Want.QUICK), rest(**changes))
    assert (reading.state, reading.reason) == (state, reason)


def standing(**details):
    rates = {"last_5s": {"gigahash_per_second": 0.0}}
    stats = STATS | {"miner_stats": STATS["miner_stats"] | {"real_hashrate": rates}}
    return {"GET miner/stats": stats, "GET miner/details": DETAILS | details}


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        (standing(), State.FAULT, "fault:hashrate"),
        (standing(bosminer_uptime_s=30), State.STARTING, "starting:boot"),
        (standing() | {"GET pools": []}, State.IDLE, "idle:pool"),
    ],
)
def test_why_one_that_mines_does_not_hash(changes, state, reason):
    reading = converse(Braiins(HERE).read(Want.QUICK), rest(**changes))
    assert (reading.state, reading.reason) == (state, reason)


def test_on_the_api_port_a_rate_of_zero_is_a_pause_only_long_after_the_start():
    zero = {"SUMMARY": [{"MHS 5s": 0.0, "Elapsed": 9000}]}
    assert converse(Braiins(HERE).read(Want.QUICK), scripted(socket(summary=zero))).state is State.SLEEPING
    fresh = {"SUMMARY": [{"MHS 5s": 0.0, "Elapsed": 20}]}
    assert converse(Braiins(HERE).read(Want.QUICK), scripted(socket(summary=fresh))).state is State.STARTING
    dead = socket(summary=zero, pools={"POOLS": [{"URL": "stratum+tcp://a:1", "Status": "Dead"}]})
    assert converse(Braiins(HERE).read(Want.QUICK), scripted(dead)).reason == "idle:pool"
    none = socket(summary=zero, devs={"DEVS": []})
    assert converse(Braiins(HERE).read(Want.QUICK), scripted(none)).reason == "fault:boards"


def test_a_pause_of_ours_is_known_at_once():
    driver, talk, _ = known(scripted(socket()))
    assert not talk.hold(driver.send(Sleep())).already
    fresh = Talk(scripted(socket(summary={"SUMMARY": [{"MHS 5s": 0.0, "Elapsed": 20}]})))
    assert fresh.hold(driver.read(Want.QUICK)).state is State.SLEEPING
    assert fresh.hold(driver.send(Sleep())).already
    assert not fresh.hold(driver.send(Wake())).already


def test_the_token_is_got_when_a_page_wants_it():
    shut = rest(**{"GET miner/details": Turns([ok(status=401), DETAILS])})
    talk = Talk(shut)
    talk.hold(Braiins(HERE).read(Want.QUICK))
    assert talk.names[:3] == [f"GET {V1}/miner/details", f"POST {V1}/auth/login", f"GET {V1}/miner/details"]
    assert ("Authorization", "t") in talk.asked[2].headers


def test_a_wrong_login_is_named_without_its_password():
    target = Target(host="127.0.0.1", logins=(Login(user="farm", password="secret"),))
    shut = rest(**{"GET miner/details": ok(status=401), "POST auth/login": ok(status=401)})
    with pytest.raises(NotPermitted, match="farm") as refusal:
        converse(Braiins(target).identify(), shut)
    assert "secret" not in str(refusal.value)


def test_a_target_is_compared_with_its_echo_and_tells_the_one_before():
    answers = {"GET configuration/miner": configured(2800), "PUT performance/power-target": {"watt": 2000}}
    driver, talk, _ = known(rest(**answers))
    assert talk.hold(driver.send(LimitPower(limit_w=2000.0))).before == "limit:2800"
    driver, talk, _ = known(rest(**answers | {"PUT performance/power-target": {"watt": 1900}}))
    with pytest.raises(Refused, match="1900"):
        talk.hold(driver.send(LimitPower(limit_w=2000.0)))


def test_full_is_the_target_that_it_was_sold_with():
    driver, talk, _ = known(
        rest(**{"GET configuration/miner": configured(2000), "PUT performance/power-target": {"watt": 3010}})
    )
    talk.hold(driver.send(SetMode(mode="full")))
    assert b"3010" in talk.asked[-1].body


def test_a_limit_wakes_one_that_is_paused():
    paused = {"GET miner/details": DETAILS | {"status": 3}, "PUT actions/resume": b"false"}
    driver, talk, _ = known(rest(**paused, **{"PUT performance/power-target": {"watt": 2000}}))
    talk.hold(driver.send(LimitPower(limit_w=2000.0)))
    assert talk.names[-2:] == [f"PUT {V1}/performance/power-target", f"PUT {V1}/actions/resume"]


def test_who_refuses_a_target_is_not_woken_for_it():
    paused = {"GET miner/details": DETAILS | {"status": 3}, "PUT actions/resume": b"false"}
    driver, talk, _ = known(rest(**paused, **{"PUT performance/power-target": {"watt": 3000}}))
    with pytest.raises(Refused):
        talk.hold(driver.send(LimitPower(limit_w=2000.0)))
    assert f"PUT {V1}/actions/resume" not in talk.names


def test_graphql_sets_the_target_before_it_starts():
    script = graphql()
    asleep = script["POST /graphql"]
    asleep["data"]["bosminer"]["info"]["workSolver"]["realHashrate"] = {"mhs5S": 0.0}
    driver, _, _ = known(scripted(script))
    done = {"data": {"bosminer": {"config": {"updateAutotuning": {}}}}}
    cookie = ok(b'{"data":{"auth":{"login":{"void":null}}}}', set_cookie="session_id=abc; path=/")
    started = {"data": {"bosminer": {"start": {"void": None}}}}
    talk = Talk(scripted(script | {"POST /graphql": Turns([asleep, cookie, done, started])}))
    talk.hold(driver.send(LimitPower(limit_w=1000.0)))
    assert [b"updateAutotuning" in one.body for one in talk.asked[2:]] == [True, False]
    refused = {"data": {"bosminer": {"config": {"updateAutotuning": {"message": "out of range"}}}}}
    talk = Talk(scripted(script | {"POST /graphql": Turns([asleep, refused])}))
    with pytest.raises(Refused, match="out of range"):
        talk.hold(driver.send(LimitPower(limit_w=1000.0)))
    assert len(talk.asked) == 2


def test_what_was_so_already_is_told():
    driver, talk, _ = known(rest(**{"PUT actions/pause": b"true", "PUT actions/resume": b"false"}))
    assert talk.hold(driver.send(Sleep())).already
    assert not talk.hold(driver.send(Wake())).already


def test_graphql_wants_a_cookie_for_what_changes_something_and_a_200_is_no_success():
    script = graphql()
    said = script["POST /graphql"]
    cookie = ok(b'{"data":{"auth":{"login":{"void":null}}}}', set_cookie="session_id=abc; path=/")
    driver, talk, _ = known(scripted(script))
    stopped = {"data": {"bosminer": {"stop": {"void": None}}}}
    talk = Talk(scripted(script | {"POST /graphql": Turns([said, cookie, stopped])}))
    talk.hold(driver.send(Sleep()))
    assert talk.asked[-1].headers == (("Cookie", "session_id=abc"),)
    refused = {"data": {"bosminer": {"config": {"updateAutotuning": {"message": "out of range"}}}}}
    talk = Talk(scripted(script | {"POST /graphql": Turns([said, refused])}))
    with pytest.raises(Refused, match="out of range"):
        talk.hold(driver.send(LimitPower(limit_w=1000.0)))
    talk = Talk(scripted(script | {"POST /graphql": {"data": None, "errors": [{"message": "boom"}]}}))
    with pytest.raises(Refused, match="boom"):
        talk.hold(driver.send(Reboot()))


@pytest.mark.parametrize("command", [LimitPower(limit_w=1000.0), SetMode(mode="full"), Reboot(), Locate()])
def test_what_the_api_port_alone_cannot(command):
    driver, talk, _ = known(scripted(socket()))
    with pytest.raises(Unsupported):
        talk.hold(driver.send(command))
    assert talk.asked == []


@pytest.mark.parametrize("targets", [7, None, [1], {"min": "a lot"}])
def test_targets_in_another_shape_are_none(targets):
    script = graphql()
    script["POST /graphql"]["data"]["bosminer"]["metadata"]["autotuning"]["powerTarget"] = targets
    _, _, identity = known(scripted(script))
    assert identity.abilities.power_limit is None


def test_silence_is_silence():
    with pytest.raises(Unreachable):
        converse(Braiins(HERE).identify(), scripted({}))
