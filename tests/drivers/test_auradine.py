"""Teraflux machines in words: two ways to ask, sleep by mode, targets and presets, tokens that run out."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.auradine import Auradine
from drivers.errors import DeviceError, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import Ask, LimitPower, Locate, Login, Reboot, SetMode, Sleep, State, Target, Wake, Want
from tests.drivers.conversations import Talk, converse, name_of, ok

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
DESCRIPTION = "FluxOS-2024-06.11-0123abcd"
FRESH = "fresh"


def said(letter="S", code=1, message="fine", **sections):
    status = {"STATUS": letter, "When": 1, "Code": code, "Msg": message, "Description": DESCRIPTION}
    return {"STATUS": [status], **sections, "id": 1}


def sensors(name, *values):
    return [{"ID": at, name: value} for at, value in enumerate(values)]


class Machine:
    """An AT1500 of 150 TH/s and 3000 W; the API port knows the miner's own commands, or all of them."""

    def __init__(self, *, by_socket=True):
        self.by_socket = by_socket
        self.mode = {"Mode": "normal", "Sleep": "off", "Power": 3000, "Ths": 150}
        self.light = {"Code": 2, "LED1": 1, "LED2": 1, "Msg": "Normal"}
        self.supply = {"PowerIn": "2950.50W", "PowerOut": "2800.00W", "PoutMax": "3452.00W"}
        self.row = {"Elapsed": 5000, "MHS 5s": 149e6, "MHS 1m": 150.5e6, "MHS av": 140e6, "Accepted": 9, "Rejected": 1}
        self.devices = [
            {"DEV": slot, "ID": slot, "Enabled": True, "Status": "Alive", "Temperature": 40.5, "MHS 5s": 50e6}
            for slot in (1, 2, 3)
        ]
        self.pools = [{"POOL": 0, "URL": "stratum+tcp://a.test:1", "User": "u", "Status": "Alive", "Priority": 0}]
        self.logins = {"admin": "admin"}
        self.token = FRESH
        self.locked = True  # its pages want a token
        self.listens = True  # on its API port
        self.pages = {}  # by command: what is answered instead
        self.written = []

    def sections(self, command):
        heat = {
            "ID": 1,
            "BoardTemp": sensors("Temperature", 21.5, 41.5),
            "ChipTemp": sensors("Temperature", 50.0, 61.5),
        }
        report = {"mac": "02:00:5e:00:00:01", "model": "AT1500", "version": "2023-12.27", "SerialNo": "AU1"}
        return {
            "version": {"VERSION": [{"GCMiner": "0.5", "API": "1.0"}]},
            "summary": {"SUMMARY": [self.row]},
            "devs": {"DEVS": self.devices},
            "devdetails": {"DEVDETAILS": [{"Model": "AT1500"}]},
            "pools": {"POOLS": self.pools},
            "asccount": {"ASCCount": [{"BoardCount": 3, "AsicCount": 396}]},
            "ipreport": {"IPReport": [report]},
            "mode": {"Mode": [self.mode]},
            "psu": {"PSU": [self.supply]},
            "fan": {"Fan": [{"ID": 1, "Speed": 7080}, {"ID": 2, "Speed": 7020}]},
            "temperature": {"Temperature": [{"ID": 0, "BoardTemp": [], "ChipTemp": None}, heat]},
            "frequency": {"Frequency": [{"ID": 1, "ChipFrequency": sensors("Frequency", 400.0, 500.0)}]},
            "led": {"LED": [self.light]},
        }.get(command)

    def __call__(self, exchange):
        if isinstance(exchange, Ask) and not self.listens:
            return NotListening("refused")
        if isinstance(exchange, Ask):
            command = name_of(exchange)
            own = command in {"version", "summary", "devs", "devdetails", "asccount", "pools"}
            told = self.sections(command) if own or self.by_socket else None
            return msgspec.json.encode(said("E", 14, "invalid command") if told is None else said(**told))
        reply = self.page(exchange)
        return (
            reply if isinstance(reply, DeviceError) or not isinstance(reply, dict) else ok(msgspec.json.encode(reply))
        )

    def page(self, exchange):
        assert exchange.port == 8080
        command = exchange.path.removeprefix("/")
        told = msgspec.json.decode(exchange.body) if exchange.body else {}
        if command == "token":
            fits = self.logins.get(told["user"]) == told["password"]
            return said(Token=[{"Token": self.token}]) if fits else said("E", 0, "wrong user or password")
        if self.locked and dict(exchange.headers).get("Token") != FRESH:
            return ok(status=401)
        if command in self.pages:
            return self.pages[command]
        if exchange.method == "POST":
            self.written.append(told)
            return said()
        return said(**(self.sections(command) or {}))


def read(machine, want=Want.FULL):
    return converse(Auradine(HERE).read(want), machine)


def tell(machine, command, target=HERE):
    return converse(Auradine(target).send(command), machine)


def mode(**changes):
    machine = Machine()
    machine.mode |= changes
    return machine


def asleep():
    machine = mode(Sleep="on")
    machine.row |= {"MHS 5s": 0.0, "MHS 1m": 20e6}
    machine.supply["PowerIn"] = "58.94W"
    return machine


# who it is, what it does -----------------------------------------------------------------------------------------


def test_who_it_is_and_what_it_can():
    identity = converse(identify(HERE), Machine())
    assert (identity.driver, identity.model, identity.mac, identity.serial, identity.firmware_version) == (
        "auradine", "Teraflux AT1500", "02:00:5e:00:00:01", "AU1", "2023-12.27",
    )  # fmt: skip
    assert identity.abilities.names() == ("sleep", "power_limit", "reboot", "locate")
    assert (identity.abilities.power_limit.least_w, identity.abilities.power_limit.most_w) == (1800.0, 3000.0)
    assert [one.name for one in identity.abilities.profiles] == ["eco", "turbo"]


def test_everything_that_it_tells():
    reading = read(Machine())
    assert (reading.state, reading.level, reading.power_limit_w) == (State.HASHING, "full", None)
    assert (reading.hashrate_ths, reading.power_w, reading.uptime_s) == (150.5, 2950.5, 5000)
    assert (reading.accepted, reading.rejected, reading.errors) == (9, 1, ())
    board = reading.boards[0]
    assert (board.slot, board.hashrate_ths, board.chips, board.chips_expected) == (0, 50.0, 132, 132)
    assert (board.board_temps_c, board.chip_temp_c, board.frequency_mhz) == ((21.5, 41.5), 61.5, 450.0)
    assert [board.board_temps_c for board in reading.boards[1:]] == [(40.5,), (40.5,)]
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(0, 7080), (1, 7020)]
    assert [(pool.url, pool.alive) for pool in reading.pools] == [("stratum+tcp://a.test:1", True)]


def test_what_the_api_port_does_not_know_is_asked_by_pages_from_then_on():
    machine, driver = Machine(by_socket=False), Auradine(HERE)
    talk = Talk(machine)
    first = talk.hold(driver.read(Want.QUICK))
    talk.asked.clear()
    assert talk.hold(driver.read(Want.QUICK)) == first
    assert talk.names == ["summary", "devs", "GET /mode", "GET /psu"]


def test_pages_that_take_no_login_are_not_knocked_at_by_each_reading():
    machine, driver = Machine(by_socket=False), Auradine(HERE)
    machine.logins = {}
    talk = Talk(machine)
    for _ in range(3):
        reading = talk.hold(driver.read(Want.QUICK))
        assert (reading.state, reading.level, reading.power_w) == (State.HASHING, None, None)
    assert talk.names.count("POST /token") == 1
    with pytest.raises(NotPermitted, match="tried admin"):
        talk.hold(driver.send(Sleep()))
    machine.row["MHS 5s"] = 0.0
    assert talk.hold(driver.read(Want.QUICK)).state is State.UNKNOWN


def test_with_its_api_port_shut_it_is_known_and_read_by_its_pages():
    machine = Machine()
    machine.listens = machine.locked = False
    talk = Talk(machine)
    front = ok(b"<html><title>Miner UI</title></html>")
    whole = machine.page
    machine.page = lambda asked: whole(asked) if asked.port else front if asked.path == "/" else ok(status=404)
    assert talk.hold(identify(HERE)).driver == "auradine"
    assert converse(Auradine(HERE).read(Want.FULL), machine) == read(Machine())
    assert "POST /token" not in talk.names


def test_the_inputs_of_several_supplies_are_one_draw():
    machine = Machine()
    machine.sections = lambda command, told=machine.sections: (
        {"PSU": [{"PowerIn": "1500.00W"}, {"PowerIn": "1400.5W"}]} if command == "psu" else told(command)
    )
    assert read(machine).power_w == 2900.5
    machine.row["Wattage"] = 2950
    machine.supply["PowerIn"] = "n/a"
    machine.sections = Machine.sections.__get__(machine)
    assert read(machine).power_w == 2950.0


def test_without_pages_it_is_read_all_the_same():
    machine = Machine(by_socket=False)
    machine.page = lambda _exchange: NotListening("refused")
    assert read(machine).hashrate_ths == 150.5


@pytest.mark.parametrize(
    ("changes", "level", "limit_w"),
    [
        ({"Mode": "turbo"}, "full", None),
        ({"Mode": "eco"}, "profile:eco", None),
        ({"Mode": "custom", "Power": 2000}, "limit:2000", 2000.0),
        ({"Mode": "custom", "Power": 3000}, "full", 3000.0),
        ({"Mode": "custom", "Power": 0}, None, None),
        ({"Mode": "strange"}, None, None),
    ],
)
def test_levels_by_mode(changes, level, limit_w):
    reading = read(mode(**changes), Want.QUICK)
    assert (reading.level, reading.power_limit_w) == (level, limit_w)


def test_asleep_is_what_its_mode_says_once_it_draws_no_more():
    machine = asleep()
    assert (read(machine).state, read(machine).level, read(machine).hashrate_ths) == (State.SLEEPING, "sleep", 0.0)
    machine.supply["PowerIn"] = "2000.00W"
    assert (read(machine).state, read(machine).reason) == (State.IDLE, "idle:stopping")


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (1, State.FAULT, "fault:power"),
        (2, State.FAULT, "fault:hashrate"),
        (4, State.IDLE, "idle:thermal"),
        (5, State.IDLE, "idle:pool"),
        (6, State.IDLE, "idle:pool"),
        (7, State.FAULT, "fault:firmware"),
        (8, State.FAULT, "fault:hashrate"),
    ],
)
def test_its_light_says_why_it_stands(code, state, reason):
    machine = Machine()
    machine.row["MHS 5s"] = 0.0
    machine.light |= {"Code": code, "Msg": "words"}
    for want in Want:
        reading = read(machine, want)
        assert (reading.state, reading.reason) == (state, reason)
        assert [(fault.code, fault.message) for fault in reading.errors] == (
            [] if code == 2 else [(str(code), "words")]
        )


def test_dead_boards_dead_pools_and_a_start_are_told_apart():
    machine = Machine()
    machine.row |= {"MHS 5s": 0.0, "Elapsed": 30}
    assert (read(machine).state, read(machine).reason) == (State.STARTING, "starting:boot")
    for board in machine.devices:
        board["Status"] = "Dead"
    assert (read(machine).state, read(machine).reason) == (State.FAULT, "fault:boards")
    machine.pools[0]["Status"] = "Dead"
    assert (read(machine).state, read(machine).reason) == (State.IDLE, "idle:pool")


# what it is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (Sleep(), {"command": "mode", "sleep": "on"}),
        (LimitPower(limit_w=2100.0), {"command": "mode", "mode": "custom", "tune": "power", "power": 2100}),
        (SetMode(mode="eco"), {"command": "mode", "mode": "eco"}),
        (Locate(), {"command": "led", "code": 3}),
        (Locate(on=False), {"command": "led", "code": 2}),
        (Reboot(), {"command": "restart"}),
    ],
)
def test_each_command_is_one_write(command, written):
    for by_socket in (True, False):
        machine = Machine(by_socket=by_socket)
        assert not tell(machine, command).already
        assert machine.written == [written]


@pytest.mark.parametrize(
    ("machine", "command"),
    [
        (asleep(), Sleep()),
        (mode(), Wake()),
        (mode(), SetMode(mode="full")),
        (mode(Mode="turbo"), SetMode(mode="full")),
        (mode(Mode="turbo"), SetMode(mode="turbo")),
        (mode(Mode="custom", Power=2100), LimitPower(limit_w=2100.0)),
    ],
)
def test_what_is_so_already_is_not_told(machine, command):
    assert tell(machine, command).already
    assert machine.written == []


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({}, None),
        ({"Mode": "turbo"}, "profile:turbo"),
        ({"Mode": "eco"}, "profile:eco"),
        ({"Mode": "custom", "Power": 2500}, "limit:2500"),
    ],
)
def test_the_level_before_is_in_the_receipt(changes, before):
    assert tell(mode(**changes), LimitPower(limit_w=2000.0)).before == before


def test_a_level_wakes_what_sleeps_and_a_wake_keeps_the_mode():
    machine = asleep()
    tell(machine, SetMode(mode="eco"))
    assert machine.written == [{"command": "mode", "mode": "eco"}, {"command": "mode", "sleep": "off"}]
    for command in (Wake(), SetMode(mode="full")):
        machine = asleep()
        tell(machine, command)
        assert machine.written == [{"command": "mode", "sleep": "off"}]


@pytest.mark.parametrize("command", [LimitPower(limit_w=1000.0), LimitPower(limit_w=3400.0), SetMode(mode="low")])
def test_what_it_has_not_is_not_sent(command):
    machine = Machine()
    with pytest.raises(Unsupported):
        tell(machine, command)
    assert machine.written == []


def test_a_token_that_ran_out_is_got_anew_once():
    machine, driver = Machine(), Auradine(HERE)
    talk = Talk(machine)
    talk.hold(driver.send(Locate()))
    driver._web._headers = (("Token", "old"),)
    talk.hold(driver.send(Locate()))
    assert talk.names.count("POST /token") == 2
    machine.pages["led"] = said("E", 0, "session expired")
    with pytest.raises(NotPermitted, match="session expired"):
        talk.hold(driver.send(Locate()))
    assert talk.names.count("POST /token") == 3


def test_logins_are_tried_in_order_and_none_is_shown():
    logins = (Login(user="admin", password="s3cret"), Login(user="farm", password="right"))
    machine = Machine()
    machine.logins = {"farm": "right"}
    assert not tell(machine, Locate(), Target(host="127.0.0.1", logins=logins)).already
    machine.logins = {}
    with pytest.raises(NotPermitted, match=r"tried admin, farm$") as refused:
        tell(machine, Locate(), Target(host="127.0.0.1", logins=logins))
    assert "s3cret" not in str(refused.value)


def test_before_an_order_a_token_is_got_and_seen_taken():
    machine, driver = Machine(), Auradine(HERE)
    talk = Talk(machine)
    assert talk.hold(driver.prepare()) is None
    assert talk.names == ["GET /mode", "POST /token", "GET /mode"]
    machine.logins = {}
    with pytest.raises(NotPermitted):
        converse(Auradine(HERE).prepare(), machine)


def test_a_refusal_is_one_in_either_form():
    for reply in (said("E", 0, "no"), {"STATUS": "E", "Msg": "no"}):
        machine = Machine()
        machine.pages["mode"] = reply
        with pytest.raises(Refused):
            tell(machine, Sleep())


def test_a_reboot_need_not_be_answered():
    machine = Machine()
    machine.pages["restart"] = Unreachable("reset")
    assert tell(machine, Reboot()).message == "it went without a word"
    machine.pages["restart"] = NotListening("refused")
    with pytest.raises(NotListening):
        tell(machine, Reboot())


@given(st.data())
def test_whatever_it_says_only_device_errors_come_out(data):
    figure = st.none() | st.booleans() | st.integers(-5, 400) | st.floats() | st.text(max_size=4) | st.just([{"a": 2}])
    machine = Machine()
    for part in (machine.row, machine.mode, machine.supply, machine.light, machine.devices[0], machine.pools[0]):
        for key in data.draw(st.sets(st.sampled_from(sorted(part)), max_size=2)):
            part[key] = data.draw(figure)
    driver = Auradine(HERE)
    for conversation in (driver.read(Want.FULL), driver.send(Sleep())):
        with contextlib.suppress(DeviceError):
            converse(conversation, machine)
