"""WhatsMiners of API version 3: what their frames mean, tokens by their own clock, and what leaves a machine alone."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import registry
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import (
    Http,
    LimitPower,
    Locate,
    Login,
    Reboot,
    Restart,
    SetMode,
    Sleep,
    State,
    Target,
    Wake,
    Want,
)
from drivers.whatsminer_v3 import WhatsminerV3
from drivers.whatsminer_v3_wire import Grain, asking, faults_of, mode_of, parse, port_of, telling
from tests.drivers.conversations import Talk, converse, ok
from tests.drivers.whatsminers import Whatsminer as Older

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
SALT, WHEN = "uhCiDyVj", 1_700_000_000
SUPER = Login(user="super", password="super")
MALFORMED = [b"", b"{}", b"\2\0\0\0{}", b"\x05\0\0\0[1,2]", b"\xff\xff\xff\xffgarbage", b'{"STATUS":"E"}\0']


def frame(document):
    text = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return len(text).to_bytes(4, "little") + text


class Machine:
    """An M60S of 186 TH/s and 3441 W; change its attributes to put it elsewhere."""

    def __init__(self, **changes):
        self.summary = {
            "elapsed": 50_000, "bootup-time": 1300, "factory-hash": 186.1, "hash-average": 183.0, "hash-1min": 184.5,
            "hash-15min": 184.0, "hash-realtime": 185.25, "power-realtime": 3400.0, "power-5min": 3390.0,
            "power-limit": 3600, "environment-temperature": 24.5, "board-temperature": [60.5, 61.0, 62.5],
            "fan-speed-in": 5000, "fan-speed-out": 5100, "up-freq-finish": 1,
        }  # fmt: skip
        self.boards = [
            {"id": slot, "status": "alive", "hash-realtime": 61.5 + slot, "hash-average": 61.0, "freq": 600.0,
             "effective-chips": 225, "chip-temp-max": 80.0 + slot}
            for slot in range(3)
        ]  # fmt: skip
        self.pools = [
            {"id": 1, "url": "stratum+tcp://a.test:1", "account": "f.1", "status": "alive", "stratum-active": True},
            {"id": 2, "url": "stratum+tcp://b.test:1", "account": "f.1", "status": "dead", "stratum-active": False},
        ]
        self.info = {
            "miner": {"type": "M60S_VK41", "working": "true", "miner-sn": "SN1", "board-num": "3"},
            "system": {"api": "3.0.2", "apiswitch": "1", "fwversion": "20251209.16.Rel2"},
            "network": {"mac": "02:00:5E:20:00:09"},
            "power": {"mode": "1", "fanspeed": "n/a"},
            "salt": SALT,
        }
        self.logins = {"super": "super"}
        self.joins = True
        self.answers = {}
        self.written = []
        for name, value in changes.items():
            setattr(self, name, value)

    def __call__(self, exchange):
        if isinstance(exchange, Http):
            return NotListening("refused")
        told = msgspec.json.decode(exchange.request[4:]) if exchange.port else {"cmd": None}
        reply = self.reply(told["cmd"], told.get("param"), told)
        return reply if isinstance(reply, DeviceError | bytes) else frame({"when": WHEN, "desc": told["cmd"]} | reply)

    def reply(self, command, param, told):
        if command in self.answers:
            return self.answers[command]
        match command:
            case None:
                return NotListening("refused")
            case "get.device.info":
                return {"code": 0, "msg": self.info}
            case "get.miner.status":
                return self.status(param.split("+"))
            case _:
                return self.write(command, param, told)

    def status(self, parts):
        told = {"summary": self.summary, "pools": self.pools, "edevs": self.boards}
        if len(parts) > 1 and not self.joins:
            return {"code": -3, "msg": "param error"}
        return {"code": 0, "msg": {part: told[part] for part in parts if told[part] is not None}}

    def write(self, command, param, told):
        password = self.logins.get(told["account"])
        if password is None or told != msgspec.json.decode(
            telling(
                1, command, param, Grain(salt=SALT, ts=WHEN), Login(user=told["account"], password=password)
            ).request[4:]
        ):
            return {"code": -4, "msg": "no permission"}
        self.written.append((command, param))
        return {"code": 0, "msg": "ok"}


def stopped(**changes):
    machine = Machine(**changes)
    machine.info["miner"]["working"] = "false"
    machine.summary |= {"hash-realtime": 0, "hash-1min": 90.0, "power-realtime": 14.0}
    return machine


def read(machine, want=Want.FULL):
    return converse(WhatsminerV3(HERE).read(want), machine)


def tell(machine, command, target=HERE):
    return converse(WhatsminerV3(target).send(command), machine)


# the wire --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "param", "ts", "written"),
    [
        (
            "set.miner.service",
            "stop",
            1_700_000_000,
            '{"cmd":"set.miner.service","param":"stop","ts":1700000000,"account":"super","token":"fhp2TAJF"}',
        ),
        (
            "set.miner.service",
            "start",
            1_700_000_060,
            '{"cmd":"set.miner.service","param":"start","ts":1700000060,"account":"super","token":"TcsQtrxz"}',
        ),
        (
            "set.miner.power_limit",
            3000,
            1_700_000_000,
            '{"cmd":"set.miner.power_limit","param":3000,"ts":1700000000,"account":"super","token":"Xd+70w4a"}',
        ),
    ],
)
def test_a_command_is_the_frame_that_other_clients_send(command, param, ts, written):
    asked = telling(4433, command, param, Grain(salt=SALT, ts=ts), SUPER)
    assert asked.request == frame(written.encode())
    assert asked.port == 4433


def test_it_is_spoken_to_on_its_own_port_unless_it_was_placed_elsewhere():
    assert [port_of(Target(host="x", port=port)) for port in (None, 4028, 4433, 20_001)] == [4433, 4433, 4433, 20_001]
    assert asking(4433, "get.device.info", "salt").request == frame(b'{"cmd":"get.device.info","param":"salt"}')


@pytest.mark.parametrize("payload", MALFORMED)
def test_what_is_no_reply_is_a_device_error(payload):
    with pytest.raises(Garbled):
        parse(payload)


def test_a_cut_frame_is_no_answer():
    with pytest.raises(Unreachable, match="of 60 bytes"):
        parse((60).to_bytes(4, "little") + b'{"code":0,')


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ([{"530": "2026-05-23 09:19:10", "reason": "x"}, {"2010": ""}, {"530": ""}], ("530", "2010")),
        (["2010", 541, None, "no-code", True, {"reason": "x"}, -5], ("2010", "541")),
        ("btminer process is down err", ()),
        (None, ()),
    ],
)
def test_errors_come_in_many_shapes(told, codes):
    assert faults_of(told) == codes


@pytest.mark.parametrize(("told", "mode"), [("0", "low"), (1, "normal"), ("2", "high"), ("9", None), (None, None)])
def test_a_mode_is_a_number_or_the_text_of_one(told, mode):
    assert mode_of(told) == mode


# who it is -------------------------------------------------------------------------------------------------------


def test_who_it_is_and_what_it_can():
    identity = converse(identify(HERE), Machine())
    assert (identity.driver, identity.model, identity.mac, identity.serial, identity.firmware_version) == (
        "whatsminer-v3", "WhatsMiner M60S", "02:00:5E:20:00:09", "SN1", "20251209.16.Rel2",
    )  # fmt: skip
    assert (identity.nominal_ths, identity.nominal_w) == (186, 3441)
    assert identity.abilities.names() == ("sleep", "power_limit", "low", "reboot", "locate")
    assert (identity.abilities.power_limit.least_w, identity.abilities.power_limit.most_w) == (2065.0, 3441)


@pytest.mark.parametrize("page", [NotListening("refused"), ok(status=307), ok(b"login", 200)])
def test_one_whose_old_port_is_shut_is_known_by_its_new_one(page):
    machine = Machine()
    talk = Talk(lambda exchange: page if isinstance(exchange, Http) else machine(exchange))
    assert talk.hold(identify(HERE)).driver == "whatsminer-v3"
    assert "get.device.info|salt" in talk.names


def test_newer_firmware_that_answers_on_both_ports_is_told_by_version_3():
    newer, older = Machine(), Older(version={"api_ver": "2.2.2", "fw_ver": "20251209.16.Rel2"})

    def answer(exchange):
        return newer(exchange) if exchange.port else older(exchange)

    assert converse(identify(HERE), answer).driver == "whatsminer-v3"
    shut = Machine(reply=lambda *_: NotListening("refused"))
    alone = converse(identify(HERE), lambda exchange: shut(exchange) if exchange.port else older(exchange))
    assert (alone.driver, alone.firmware_version) == ("whatsminer", "20251209.16.Rel2")


# what it does ----------------------------------------------------------------------------------------------------


def test_everything_that_it_tells():
    reading = read(Machine())
    assert (reading.state, reading.level) == (State.HASHING, "full")
    assert (reading.hashrate_ths, reading.power_w, reading.power_limit_w) == (184.5, 3400.0, 3600.0)
    assert (reading.uptime_s, reading.inlet_c, reading.errors) == (50_000, 24.5, ())
    assert [(board.hashrate_ths, board.board_temp_c, board.chip_temp_c) for board in reading.boards] == [
        (61.5, 60.5, 80.0), (62.5, 61.0, 81.0), (63.5, 62.5, 82.0),
    ]  # fmt: skip
    assert {(board.chips, board.frequency_mhz, board.state) for board in reading.boards} == {(225, 600.0, "alive")}
    assert [fan.rpm for fan in reading.fans] == [5000, 5100]
    assert [(pool.url, pool.user, pool.active, pool.alive) for pool in reading.pools] == [
        ("stratum+tcp://a.test:1", "f.1", True, True),
        ("stratum+tcp://b.test:1", "f.1", False, False),
    ]
    assert (reading.accepted, reading.rejected) == (None, None)


def test_a_known_machine_that_hashes_is_read_in_one_exchange():
    machine, driver = Machine(), WhatsminerV3(HERE)
    talk = Talk(machine)
    talk.hold(driver.read(Want.QUICK))
    talk.asked.clear()
    assert talk.hold(driver.read(Want.QUICK)).level == "full"
    assert talk.names == ["get.miner.status|summary+pools+edevs"]
    machine.info["power"]["mode"] = "0"
    machine.summary |= {"elapsed": 20, "power-realtime": 2700.0}
    assert talk.hold(driver.read(Want.QUICK)).level == "low"  # a change of mode starts the miner anew


def test_firmware_that_joins_no_parts_is_asked_for_each():
    driver = WhatsminerV3(HERE)
    talk = Talk(Machine(joins=False))
    assert len(talk.hold(driver.read(Want.QUICK)).boards) == 3
    talk.asked.clear()
    talk.hold(driver.read(Want.QUICK))
    assert talk.names == [f"get.miner.status|{part}" for part in ("summary", "pools", "edevs")]


def test_what_was_stopped_is_asleep_once_it_draws_no_more():
    machine = stopped()
    assert (read(machine).state, read(machine).level, read(machine).hashrate_ths) == (State.SLEEPING, "sleep", 0.0)
    machine.summary["power-realtime"] = 2000.0
    assert (read(machine).state, read(machine).reason) == (State.IDLE, "idle:stopping")
    machine.answers["get.miner.status"] = {"code": -1, "msg": "btminer is down"}
    assert read(machine, Want.QUICK).state is State.SLEEPING


def test_what_stands_without_being_stopped_says_why():
    machine = Machine()
    machine.summary |= {"hash-realtime": 0.0, "power-realtime": 300.0}
    assert (read(machine).state, read(machine).reason) == (State.FAULT, "fault:hashrate")
    machine.info["error-code"] = [{"350": "now"}]
    assert (read(machine).reason, [error.code for error in read(machine).errors]) == ("idle:thermal", ["350"])
    machine.pools[0]["status"] = "dead"
    assert (read(machine).state, read(machine).reason) == (State.IDLE, "idle:pool")
    machine = Machine()
    machine.summary |= {"hash-realtime": 0.0, "elapsed": 60}
    assert read(machine).state is State.STARTING
    machine.summary |= {"hash-realtime": 100.0, "up-freq-finish": 0}
    assert (read(machine).state, read(machine).reason) == (State.STARTING, "starting:tuning")


def test_one_that_only_says_who_it_is_has_an_unknown_state_and_its_errors():
    machine = Machine(info={"error-code": ["2010", 541, {"5032": "x"}]})
    machine.answers["get.miner.status"] = {"code": -1}
    reading = read(machine)
    assert (reading.state, reading.hashrate_ths) == (State.UNKNOWN, None)
    assert [error.code for error in reading.errors] == ["2010", "541", "5032"]


# what it is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (Sleep(), [("set.miner.service", "stop")]),
        (LimitPower(limit_w=2500.4), [("set.miner.power_limit", 2500)]),
        (SetMode(mode="low"), [("set.miner.power_mode", "low")]),
        (Restart(), [("set.miner.service", "restart")]),
        (Reboot(), [("set.system.reboot", None)]),
        (Locate(), [("set.system.led", [{"color": "red", "period": 200, "duration": 100, "start": 0}])]),
        (Locate(on=False), [("set.system.led", "auto")]),
    ],
)
def test_each_command_is_one_write(command, written):
    machine = Machine()
    assert tell(machine, command).already is False
    assert machine.written == written


def test_what_is_so_already_is_not_told():
    for machine, command in (
        (stopped(), Sleep()),
        (Machine(), Wake()),
        (Machine(), SetMode(mode="full")),
        (Machine(), LimitPower(limit_w=3600 - 159)),
    ):
        if isinstance(command, LimitPower):
            machine.summary["power-limit"] = 3441
        assert tell(machine, command).already
        assert machine.written == []


def test_the_level_before_is_in_the_receipt():
    limited = Machine()
    limited.summary["power-limit"] = 3000
    assert tell(limited, LimitPower(limit_w=2500)).before == "limit:3000"
    assert tell(limited, SetMode(mode="low")).before == "limit:3000"
    assert tell(Machine(), LimitPower(limit_w=2500)).before is None
    assert tell(Machine(), SetMode(mode="low")).before is None


def test_full_lifts_the_limit_and_the_low_mode_and_wakes():
    machine = stopped()
    machine.info["power"]["mode"] = "0"
    machine.summary["power-limit"] = 3000
    tell(machine, SetMode(mode="full"))
    assert machine.written == [
        ("set.miner.service", "start"), ("set.miner.power_limit", 3441), ("set.miner.power_mode", "normal"),
    ]  # fmt: skip


def test_a_limit_wakes_what_sleeps_and_ends_the_low_mode():
    asleep, low, there = stopped(), Machine(), stopped()
    low.info["power"]["mode"] = "0"
    there.summary["power-limit"] = 2500
    assert not tell(asleep, LimitPower(limit_w=2500)).already
    assert tell(low, LimitPower(limit_w=2500)).before == "low"
    assert not tell(there, LimitPower(limit_w=2500)).already
    limited, started = ("set.miner.power_limit", 2500), ("set.miner.service", "start")
    assert asleep.written == [limited, started]
    assert low.written == [limited, ("set.miner.power_mode", "normal")]
    assert there.written == [started]


def test_one_that_is_woken_leaves_its_low_mode_and_keeps_its_owners_high_one():
    low, high = stopped(), stopped()
    low.info["power"]["mode"], high.info["power"]["mode"] = "0", "2"
    tell(low, Wake())
    tell(high, Wake())
    assert low.written == [("set.miner.service", "start"), ("set.miner.power_mode", "normal")]
    assert high.written == [("set.miner.service", "start")]


@pytest.mark.parametrize("command", [LimitPower(limit_w=1000), LimitPower(limit_w=4000), SetMode(mode="turbo")])
def test_what_it_has_not_is_not_sent(command):
    machine = Machine()
    with pytest.raises(Unsupported):
        tell(machine, command)
    assert machine.written == []


def test_logins_are_tried_in_order_and_the_one_that_is_taken_stays_first():
    logins = (Login(user="super", password="old"), Login(user="user1", password="new"))
    machine = Machine(logins={"user1": "new"})
    driver = WhatsminerV3(Target(host="127.0.0.1", logins=logins))
    talk = Talk(machine)
    talk.hold(driver.send(Locate()))
    talk.hold(driver.send(Locate()))
    assert [name.partition("|")[0] for name in talk.names].count("set.system.led") == 3


def test_no_login_is_taken_and_none_is_shown():
    target = Target(host="127.0.0.1", logins=(Login(user="super", password="s3cret"),))
    with pytest.raises(NotPermitted, match=r"tried super$") as refused:
        tell(Machine(), Sleep(), target)
    assert "s3cret" not in str(refused.value)


def test_a_machine_whose_owner_lets_nobody_write_is_not_told():
    machine = Machine()
    machine.info["system"]["apiswitch"] = "0"
    talk = Talk(machine)
    with pytest.raises(NotPermitted, match="open the machine's API"):
        talk.hold(WhatsminerV3(HERE).send(Sleep()))
    assert not any(name.startswith("set.") for name in talk.names)


def test_before_an_order_it_is_seen_whether_it_may_be_told():
    machine = Machine()
    assert converse(WhatsminerV3(HERE).prepare(), machine) is None
    machine.info["system"]["apiswitch"] = "0"
    with pytest.raises(NotPermitted):
        converse(WhatsminerV3(HERE).prepare(), machine)
    assert machine.written == []


@pytest.mark.parametrize(("code", "error"), [(-1, Refused), (-2, Unsupported), (-3, Refused)])
def test_a_refusal_is_what_its_code_means(code, error):
    machine = Machine(answers={"set.miner.service": {"code": code, "msg": "no"}})
    with pytest.raises(error, match="no"):
        tell(machine, Sleep())


def test_a_reboot_need_not_be_answered_and_anything_else_must():
    silent = {name: Unreachable("closed") for name in ("set.system.reboot", "set.miner.service")}
    assert "closed" in tell(Machine(answers=silent), Reboot()).message
    with pytest.raises(Unreachable):
        tell(Machine(answers=silent), Sleep())
    with pytest.raises(NotListening):
        tell(Machine(answers={"set.system.reboot": NotListening("refused")}), Reboot())


@given(st.data())
def test_whatever_it_says_only_device_errors_come_out(data):
    figure = (
        st.none() | st.booleans() | st.integers(-5, 400) | st.floats() | st.text(max_size=4) | st.just([1, {"a": 2}])
    )
    machine = Machine()
    for part in (machine.summary, machine.boards[0], machine.pools[0], machine.info, machine.info["miner"]):
        for key in data.draw(st.sets(st.sampled_from(sorted(part)), max_size=3)):
            part[key] = data.draw(figure)
    driver = registry.row("whatsminer-v3").create(HERE, None)
    with contextlib.suppress(DeviceError):
        converse(driver.read(Want.FULL), machine)
    with contextlib.suppress(DeviceError):
        converse(driver.send(Sleep()), machine)
