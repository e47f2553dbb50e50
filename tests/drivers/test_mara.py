"""MARA's firmware in words: its configuration sent back whole, the way back from sleep, and reading without a login."""

import contextlib
import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceError, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.identify import identify
from drivers.interface import (
    Ask,
    Identity,
    LimitPower,
    Locate,
    Login,
    Reboot,
    SetMode,
    Sleep,
    State,
    Target,
    Wake,
    Want,
)
from drivers.mara import Mara
from tests.drivers.antminers import stats, status
from tests.drivers.conversations import Talk, converse, name_of, ok

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
BASE = "/kaonsu/v1/"
CONFIG = {
    "mode": {
        "work-mode-selector": "Stock",
        "fixed": {"frequency": "495", "voltage": 13.5},
        "concorde": {"mode-select": "PowerTarget", "power-target": 3500, "hash-target": 200},
    },
    "general-config": {"environment-profile": "AirCooling"},
    "advance-config": {"override-fan-control": True, "fan-fixed-percent": 70},
    "pools": [{"url": "stratum+tcp://a.test:1", "user": "u", "pass": "p", "gid": 0}],
    "pool-group": [{"gid": 0, "alias": "main", "percent": 100}],
}
DONE = {"error": False, "msg": "success"}


class Machine:
    """An S21 of 200 TH/s and 3500 W; its API port answers as stock does, under its own name."""

    def __init__(self, selector="Stock", aim="PowerTarget", target_w=3500):
        self.config = copy.deepcopy(CONFIG)
        self.config["mode"]["work-mode-selector"] = selector
        self.config["mode"]["concorde"] |= {"mode-select": aim, "power-target": target_w}
        self.brief = {
            "status": "Mining", "hashrate_realtime": 199.5, "hashrate_ideal": 200_000.0, "elapsed": 90_000,
            "power_consumption_estimated": 3450,
        }  # fmt: skip
        self.boards = [
            {"index": at, "hashrate_average": 66_500.0, "temperature_pcb": [40, 50], "asic_num": 108}
            | ({"temperature_chip": [60, 70]} if at else {"temperature_raw": [61, 71]})
            for at in range(3)
        ]
        self.pools = [
            {"url": "stratum+tcp://a.test:1", "user": "u", "status": "Dead", "priority": 0, "accepted": 1},
            {"url": "stratum+tcp://b.test:1", "user": "u", "status": "Alive", "priority": 1, "accepted": 5, "stale": 1},
            {"url": "stratum+tcp://c.test:1", "user": "u", "status": "Alive", "priority": 2, "accepted": 0},
            {"url": "", "user": "", "status": "Dead", "priority": 3},
        ]
        self.events = [
            {"level": "info", "message": "hello"},
            {"level": "error", "message": "Fan 1 is lost"},
            {"level": "error", "message": "Fan 1 is lost"},
        ]
        self.history = []
        self.logins = {"root": "root"}
        self.pages = {}  # by page: what is answered instead
        self.takes = True  # it does as it answers
        self.written = []

    def __call__(self, exchange):
        if isinstance(exchange, Ask):
            return self.socket(name_of(exchange))
        page = exchange.path.removeprefix(BASE)
        if self.logins.get(exchange.user) != exchange.password or exchange.user is None:
            return ok(status=401, WWW_Authenticate='Digest realm="antMiner Configuration", qop="auth"')
        if page in self.pages:
            reply = self.pages[page]
            return reply if isinstance(reply, DeviceError) or not isinstance(reply, dict | list) else self.said(reply)
        if exchange.method == "POST":
            return self.said(self.write(page, msgspec.json.decode(exchange.body)))
        shown = {
            "brief": self.brief,
            "overview": {"mac": "02:00:5e:00:00:02", "version_firmware": "24.5", "model": "Antminer S21"},
            "hashboards": {"hashboards": self.boards},
            "details": {"hashboard_infos": [{"index": 0, "frequency_avg": 495.0, "voltage": 13.5}]},
            "fans": {"fans": [{"current_speed": 5000}, {"current_speed": 0}, {"current_speed": 5100}]},
            "pools": self.pools,
            "miner_config": self.config,
            "event_chart": {"event_flags": self.events},
            "log?type=miner_config_history": self.history,
        }.get(page)
        return ok(status=404) if shown is None else self.said(shown)

    @staticmethod
    def said(document):
        return ok(msgspec.json.encode(document))

    def write(self, page, told):
        self.written.append((page, told))
        if page == "miner_config" and self.takes:
            self.config = told
        return DONE

    def socket(self, command):
        kind = "Antminer S21 (MARAFW)"
        row = {"Elapsed": 90_000, "GHS 5s": "199000.5", "chain_acn1": 108, "chain_rate1": "199000.5"}
        told = {
            "version": {"STATUS": status(22, "x"), "VERSION": [{"BMMiner": "kaonsu 24.5", "API": "3.1", "Type": kind}]},
            "stats": stats(kind, row),
        }.get(command, {"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}]})
        return told if isinstance(told, bytes) else msgspec.json.encode(told)

    @property
    def modes(self):
        """The modes that were written, and nothing of the rest changed."""
        configs = [told for page, told in self.written if page == "miner_config"]
        assert all(told | {"mode": None} == CONFIG | {"mode": None} for told in configs)
        assert all(told["mode"]["fixed"] == CONFIG["mode"]["fixed"] for told in configs)
        return [
            (mode["work-mode-selector"], mode["concorde"]["mode-select"], mode["concorde"]["power-target"])
            for mode in (told["mode"] for told in configs)
        ]


def read(machine, want=Want.FULL):
    return converse(Mara(HERE).read(want), machine)


def tell(machine, command, driver=None):
    return converse((driver or Mara(HERE)).send(command), machine)


def asleep(**given):
    machine = Machine("Sleep", **given)
    machine.brief |= {"status": "Stopped", "hashrate_realtime": 0.0, "power_consumption_estimated": 25}
    return machine


# who it is, what it does -----------------------------------------------------------------------------------------


def test_who_it_is_and_what_it_can():
    identity = converse(identify(HERE), Machine())
    assert (identity.driver, identity.model, identity.mac, identity.firmware, identity.firmware_version) == (
        "mara", "Antminer S21", "02:00:5e:00:00:02", "MARA", "24.5",
    )  # fmt: skip
    assert identity.abilities.names() == ("sleep", "power_limit", "reboot", "locate")
    assert (identity.abilities.power_limit.least_w, identity.abilities.power_limit.most_w) == (2100.0, 3500.0)


def test_one_whose_api_port_is_shut_is_known_by_a_page_behind_its_login():
    machine = Machine()
    answer = lambda exchange: NotListening("refused") if isinstance(exchange, Ask) else machine(exchange)  # noqa: E731
    assert converse(identify(HERE), answer).driver == "mara"


def test_everything_that_it_tells():
    reading = read(Machine())
    assert (reading.state, reading.level, reading.power_limit_w) == (State.HASHING, "full", None)
    assert (reading.hashrate_ths, reading.power_w, reading.uptime_s) == (199.5, 3450.0, 90_000)
    assert [(board.slot, board.hashrate_ths, board.chips) for board in reading.boards] == [
        (1, 66.5, 108), (2, 66.5, 108), (3, 66.5, 108),
    ]  # fmt: skip
    assert [board.chip_temp_c for board in reading.boards] == [71.0, 70.0, 70.0]
    assert (reading.boards[0].frequency_mhz, reading.boards[0].voltage_v) == (495.0, 13.5)
    assert reading.boards[0].board_temps_c == (40.0, 50.0)
    assert [(fan.slot, fan.rpm) for fan in reading.fans] == [(0, 5000), (2, 5100)]
    assert [(pool.alive, pool.active) for pool in reading.pools] == [(False, False), (True, True), (True, False)]
    assert (reading.accepted, reading.stale) == (6, 1)
    assert [fault.message for fault in reading.errors] == ["Fan 1 is lost"]


def test_a_rate_of_its_ideals_unit_is_known_by_their_ratio():
    machine = Machine()
    machine.brief["hashrate_realtime"] = 199_500.0
    assert read(machine).hashrate_ths == 199.5


@pytest.mark.parametrize(
    ("mode", "level", "limit_w"),
    [
        (("Stock",), "full", None),
        (("fixed",), "full", None),
        (("Auto", "Hashrate"), "full", None),
        (("AUTO", "PowerTarget", 3500), "full", 3500.0),
        (("Auto", "powertarget", 2500), "limit:2500", 2500.0),
        (("Stock", "PowerTarget", 2500), "full", None),
        (("Turbo",), None, None),
    ],
)
def test_levels_by_mode(mode, level, limit_w):
    reading = read(Machine(*mode), Want.QUICK)
    assert (reading.level, reading.power_limit_w) == (level, limit_w)


def test_asleep_is_what_its_configuration_says_once_it_stands():
    machine = asleep()
    assert (read(machine).state, read(machine).level) == (State.SLEEPING, "sleep")
    machine.brief["power_consumption_estimated"] = 2000
    assert (read(machine).state, read(machine).reason) == (State.IDLE, "idle:stopping")
    machine.brief |= {"power_consumption_estimated": 0, "hashrate_realtime": 150.0, "status": "Mining"}
    assert read(machine).state is State.IDLE


def test_what_stands_without_being_asleep_says_why():
    machine = Machine()
    machine.brief |= {"hashrate_realtime": 0.0, "status": "Failure"}
    assert read(machine, Want.QUICK).reason == "fault:hashrate"
    for board in machine.boards:
        board["asic_num"] = 0
    assert read(machine).reason == "fault:boards"
    machine.brief["elapsed"] = 30
    assert read(machine).reason == "starting:boot"
    for pool in machine.pools:
        pool["status"] = "Dead"
    assert (read(machine, Want.QUICK).state, read(machine).reason) == (State.IDLE, "idle:pool")
    machine = Machine("Turbo")
    machine.brief["hashrate_realtime"] = 0.0
    assert read(machine).state is State.UNKNOWN


def test_without_a_login_it_is_read_on_its_api_port_and_its_pages_are_left_alone():
    machine, driver = Machine(), Mara(HERE)
    machine.logins = {}
    talk = Talk(machine)
    for _ in range(3):
        reading = talk.hold(driver.read(Want.QUICK))
        assert (reading.state, reading.level, reading.hashrate_ths) == (State.HASHING, None, 199.0005)
    assert len([name for name in talk.names if name.startswith("GET ")]) == 1
    with pytest.raises(NotPermitted):
        talk.hold(driver.send(Sleep()))
    identity = converse(identify(HERE), machine)
    assert (identity.driver, identity.model) == ("mara", "Antminer S21")
    assert identity.abilities.names() == ("sleep", "power_limit", "reboot", "locate")


# what it is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "mode"),
    [
        (Sleep(), ("Sleep", "PowerTarget", 3500)),
        (LimitPower(limit_w=2500.0), ("Auto", "PowerTarget", 2500)),
        (SetMode(mode="fixed"), ("Fixed", "PowerTarget", 3500)),
        (SetMode(mode="hashrate"), ("Auto", "Hashrate", 3500)),
    ],
)
def test_a_mode_is_written_and_nothing_else_changes(command, mode):
    machine = Machine()
    assert not tell(machine, command).already
    assert machine.modes == [mode]


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (Locate(), ("locate_miner", {"blinking": True})),
        (Locate(on=False), ("locate_miner", {"blinking": False})),
        (Reboot(), ("maintenance", {"type": "reboot"})),
    ],
)
def test_what_is_no_mode_is_one_write(command, written):
    machine = Machine()
    tell(machine, command)
    assert machine.written == [written]


@pytest.mark.parametrize(
    ("machine", "command"),
    [
        (asleep(), Sleep()),
        (Machine(), Wake()),
        (Machine(), SetMode(mode="full")),
        (Machine("Fixed"), SetMode(mode="full")),
        (Machine("Auto", target_w=3600), SetMode(mode="full")),
        (Machine("Auto", target_w=2500), LimitPower(limit_w=2500.0)),
    ],
)
def test_what_is_so_already_is_not_told(machine, command):
    assert tell(machine, command).already
    assert machine.written == []


@pytest.mark.parametrize(
    ("mode", "before"),
    [
        (("Stock",), None),
        (("Fixed",), "profile:fixed"),
        (("Auto", "Hashrate"), "profile:hashrate"),
        (("Auto", "PowerTarget", 3600), "limit:3600"),
    ],
)
def test_the_mode_before_comes_back_from_a_sleep_and_from_a_limit(mode, before):
    for command in (Sleep(), LimitPower(limit_w=2500.0)):
        machine = Machine(*mode)
        mine = machine.config["mode"]
        assert tell(machine, command).before == before
        kind, _, argument = (before or "").partition(":")
        back = SetMode(mode=argument or "full") if kind != "limit" else LimitPower(limit_w=float(argument))
        tell(machine, Wake(mode=before) if isinstance(command, Sleep) and before else back)
        now = machine.config["mode"]
        assert now["work-mode-selector"] == mine["work-mode-selector"]
        if mode[0] == "Auto":
            assert now["concorde"]["mode-select"] == mine["concorde"]["mode-select"]
        if kind == "limit":
            assert now["concorde"] == mine["concorde"]


def test_a_wake_that_is_told_nothing_remembers_or_looks_into_the_history():
    def change(before, after):
        return {"t": [{"type": "update", "path": ["Mode", "WorkModeSelector"], "from": before, "to": after}]}

    machine, driver = Machine("Fixed"), Mara(HERE)
    tell(machine, Sleep(), driver)
    tell(machine, Wake(), driver)
    assert [mode[0] for mode in machine.modes] == ["Sleep", "Fixed"]
    machine = asleep()
    machine.history = [change("Auto", "Sleep"), change("Sleep", "Stock"), change("Fixed", "sleep"), {"t": 7}, 9]
    tell(machine, Wake())
    assert machine.modes == [("Fixed", "PowerTarget", 3500)]
    for history in ([], {}, [change("Sleep", "Sleep")], [change(None, "Sleep")]):
        machine = asleep()
        machine.history = history
        tell(machine, SetMode(mode="full"))
        assert machine.modes == [("Stock", "PowerTarget", 3500)]


def test_a_limit_wakes_what_sleeps():
    machine = asleep()
    assert tell(machine, LimitPower(limit_w=2500.0)).before is None
    assert machine.modes == [("Auto", "PowerTarget", 2500)]


@pytest.mark.parametrize(
    "command",
    [
        LimitPower(limit_w=1000.0),
        LimitPower(limit_w=9000.0),
        SetMode(mode="low"),
        Wake(mode="254"),
        Wake(mode="limit:x"),
    ],
)
def test_what_it_has_not_is_not_sent(command):
    machine = asleep()
    with pytest.raises(Unsupported):
        tell(machine, command)
    assert machine.written == []


def test_a_configuration_without_its_pools_is_not_written():
    for pools in ([], [{"url": ""}], None):
        machine = Machine()
        machine.config["pools"] = pools
        with pytest.raises(Refused, match="without a pool"):
            tell(machine, Sleep())
        assert machine.written == []


def test_what_is_answered_and_not_taken_is_a_refusal():
    machine = Machine()
    machine.takes = False
    with pytest.raises(Refused, match="not taken"):
        tell(machine, Sleep())


def test_an_answer_may_be_empty_or_an_error():
    machine = Machine()
    machine.pages["locate_miner"] = ok(b"")
    assert tell(machine, Locate()).message is None
    machine.pages["locate_miner"] = {"error": True, "msg": "busy"}
    with pytest.raises(Refused, match="busy"):
        tell(machine, Locate())
    machine.pages["maintenance"] = Unreachable("reset")
    assert tell(machine, Reboot()).message == "it went without a word"
    machine.pages["maintenance"] = NotListening("refused")
    with pytest.raises(NotListening):
        tell(machine, Reboot())


def test_logins_are_tried_in_order_and_none_is_shown():
    logins = (Login(user="root", password="s3cret"), Login(user="farm", password="right"))
    target, machine = Target(host="127.0.0.1", logins=logins), Machine()
    machine.logins = {"farm": "right"}
    assert tell(machine, Locate(), Mara(target)).message == "success"
    machine.logins = {}
    known = Identity(driver="mara", model="Antminer S21")
    with pytest.raises(NotPermitted) as refused:
        tell(machine, Locate(), Mara(target, known))
    assert "s3cret" not in str(refused.value)


def test_before_an_order_its_login_is_seen_taken():
    machine = Machine()
    assert converse(Mara(HERE).prepare(), machine) is None
    machine.logins = {}
    with pytest.raises(NotPermitted):
        converse(Mara(HERE).prepare(), machine)
    assert machine.written == []


@given(st.data())
def test_whatever_it_says_only_device_errors_come_out(data):
    figure = st.none() | st.booleans() | st.integers(-5, 400) | st.floats() | st.text(max_size=4) | st.just([{"a": 2}])
    machine = Machine()
    mode = machine.config["mode"]
    for part in (machine.brief, machine.boards[0], machine.pools[1], mode, mode["concorde"], machine.events[1]):
        for key in data.draw(st.sets(st.sampled_from(sorted(part)), max_size=2)):
            part[key] = data.draw(figure)
    for command in (Sleep(), Wake(), LimitPower(limit_w=2500.0)):
        with contextlib.suppress(DeviceError):
            tell(machine, command)
    with contextlib.suppress(DeviceError):
        read(machine)
