import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest

from simulators import antminer_web
from simulators.face_antminer import AntminerFace, AntminerWeb
from simulators.machines import MixRow, Place
from simulators.mix import machine
from simulators.physics import Level, Phase, Physics
from simulators.wire import Switchboard
from tests.simulators.farms import client

MODELS = {"X9": "Antminer S9", "X17": "Antminer S17 Pro", "X19": "Antminer S19j Pro", "X21": "Antminer S21"}
OLD, NEW = ("X9", "X17"), ("X19", "X21")
COMMANDS = {"version": 22, "summary": 11, "pools": 7, "devs": 9, "stats": 70}
POOLS = [{"url": f"stratum+tcp://mine{n}.invalid:3333", "user": "me", "pass": "x"} for n in range(3)]
SCALE = 0.01


class Bench:
    """One stock Antminer on two ports, its physics moved by the test."""

    def __init__(self, generation):
        place = Place(host="127.0.0.1", port=0, http_port=0)
        row = MixRow(make="Antminer", model=MODELS[generation], share=1, firmware="stock")
        self.machine = machine(0, row, place, 7)
        self.physics = Physics([self.machine], 7, delay_scale=SCALE)
        self.physics.start_warm()
        self.written, self.obeys = [], True
        self.switchboard = Switchboard(lambda _: None)
        self.ports = ()

    async def open(self):
        told = ({0: self.machine}, self.physics, lambda _: self.obeys, lambda _, what: self.written.append(what))
        face = AntminerFace(*told)
        for faced in (face, AntminerWeb(*told, face.confs)):
            bound = socket.create_server(("127.0.0.1", 0))
            bound.setblocking(False)
            port = bound.getsockname()[1]
            self.ports += (port,)
            self.switchboard.put(None, port, 0, faced)
            await self.switchboard.listen(bound)

    @property
    def level(self):
        return Level(int(self.physics.level[0]))

    @property
    def phase(self):
        return Phase(int(self.physics.phase[0]))

    def run(self, seconds, step_s=0.1):
        for _ in range(round(seconds / step_s)):
            self.physics.step(step_s)

    def every(self):
        return np.ones(1, np.bool_)

    async def talk(self, request):
        """Send bytes to 4028, and return the reply without its NUL."""
        async with client("127.0.0.1", self.ports[0]) as (reader, writer), asyncio.timeout(60):
            writer.write(request)
            reply = await reader.read()
        assert reply[-1:] == b"\0"
        return reply[:-1].decode()

    async def ask(self, command, **more):
        """Ask 4028; the comma that X9 forgets is put in."""
        return json.loads((await self.talk(json.dumps({"command": command, **more}).encode())).replace("}{", "},{"))

    async def row(self, command, number=0):
        return (await self.ask(command))[command.upper()][number]

    async def page(self, path, method="GET", password="root", **body):
        """Ask the page; return status, headers and text."""
        login = () if password is None else (aiohttp.DigestAuthMiddleware("root", password),)
        url = f"http://127.0.0.1:{self.ports[1]}/{path}"
        async with (
            asyncio.timeout(60),
            aiohttp.ClientSession(middlewares=login) as session,
            session.request(method, url, **body) as reply,
        ):
            return reply.status, reply.headers, await reply.text()

    async def shown(self, name):
        status, _, text = await self.page(f"cgi-bin/{name}.cgi")
        assert status == 200
        return json.loads(text.replace("}{", "},{"))

    async def write(self, **body):
        status, _, text = await self.page("cgi-bin/set_miner_conf.cgi", "POST", json=body)
        assert status == 200
        return json.loads(text)["code"]

    async def set_mode(self, mode, pools=POOLS):
        return await self.write(**{"miner-mode": mode, "bitmain-work-mode": mode, "pools": pools})

    async def fill(self, values):
        form = [(f"any{number}", value) for number, value in enumerate(values)]
        return (await self.page("cgi-bin/set_miner_conf.cgi", "POST", data=form))[2]

    async def back(self):
        """Wait until the page is there again."""
        async with asyncio.timeout(60):
            while True:
                try:
                    return await self.page("")
                except aiohttp.ServerDisconnectedError:
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(generation):
    made = Bench(generation)
    await made.open()
    try:
        yield made
    finally:
        await made.switchboard.close()


@pytest.fixture
async def stock(request):
    async with bench(request.param) as made:
        yield made


def of(*generations):
    return pytest.mark.parametrize("stock", generations, indirect=True, ids=generations)


def form(pools=POOLS, mode=""):
    rows = [value for pool in pools for value in (pool["url"], pool["user"], pool["pass"])]
    return [*rows, "false", "false", "true", "80", "600", "1700", mode]


def code(reply):
    return reply["STATUS"][0]["Code"]


# --- 4028 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@of(*MODELS)
async def test_the_five_commands_are_answered_with_their_codes(stock, command):
    reply = await stock.ask(command)
    assert code(reply) == COMMANDS[command]
    assert reply["STATUS"][0]["STATUS"] == "S"
    assert reply[command.upper()]
    assert reply["id"] == 1


@of(*MODELS)
async def test_only_the_x9_forgets_a_comma_and_only_in_stats(stock):
    replies = {command: await stock.talk(b'{"command":"%s"}' % command.encode()) for command in COMMANDS}
    broken = {command for command, reply in replies.items() if "}{" in reply}
    assert broken == ({"stats"} if stock.machine.row.generation == "X9" else set())
    if broken:
        with pytest.raises(json.JSONDecodeError):
            json.loads(replies["stats"])


@of(*MODELS)
async def test_version_names_model_and_program(stock):
    reply = await stock.ask("version")
    row = reply["VERSION"][0]
    x9 = stock.machine.row.generation == "X9"
    assert reply["STATUS"][0]["Msg"] == ("BMMiner versions" if x9 else "CGMiner versions")
    assert reply["STATUS"][0]["Description"] == ("bmminer 1.0.0" if x9 else "cgminer 1.0.0")
    assert (row["Type"], row["BMMiner"], row["API"]) == (stock.machine.model, "2.0.0" if x9 else "1.0.0", "3.1")
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d CST \d{4}", row["CompileTime"])


@of(*MODELS)
async def test_the_rate_is_the_machines_in_ghs_and_text_on_old_ones(stock):
    summary, data = await stock.row("summary"), await stock.row("stats", 1)
    kind = str if stock.machine.row.generation in OLD else float
    for row in (summary, data):
        assert isinstance(row["GHS 5s"], kind)
        assert isinstance(row["GHS av"], float)
        assert float(row["GHS 5s"]) == pytest.approx(stock.physics.hashrate_ths[0] * 1e3, rel=0.02)
        assert row["Elapsed"] == int(stock.physics.elapsed_s[0])


@of(*MODELS)
async def test_each_generation_has_its_own_keys(stock):
    generation = stock.machine.row.generation
    summary, data = await stock.row("summary"), await stock.row("stats", 1)
    pool, device = await stock.row("pools"), await stock.row("devs")
    assert set(data) & {"GHS 30m", "rate_30m"} == {"X9": set(), "X17": {"GHS 30m"}}.get(generation, {"rate_30m"})
    assert set(data) & {"total_rate", "total rate"} == {"total_rate" if generation in OLD else "total rate"}
    assert set(summary) & {"Getwork", "Getworks"} == {"Getworks" if generation in OLD else "Getwork"}
    assert ("GHS 30m" in summary) is (generation != "X9")
    assert (device["MHS 5s"] == 0) is (generation in NEW)
    assert device["MHS av"] > 4e6
    assert data["ID"] == ("BC50" if generation == "X9" else "BTM_SOC0")
    assert isinstance(data["frequency"], str if generation in OLD else int)
    assert data.get("Mode") == {"X9": None, "X17": 1}.get(generation, 2)
    assert set(device) & {"Temperature", "Tenperature"} == {"Temperature" if generation in OLD else "Tenperature"}
    assert [key for key in pool if key.startswith("Pool Stale")] == [
        "Pool Stale%%" if generation == "X19" else "Pool Stale%"
    ]


@of(*MODELS)
async def test_boards_and_fans_stand_in_the_generations_slots(stock):
    generation = stock.machine.row.generation
    data = await stock.row("stats", 1)
    indices = range(1, 17 if generation in OLD else 5)
    assert f"chain_acn{len(indices) + 1}" not in data
    assert f"fan{len(indices) + 1}" not in data
    assert [at for at in indices if data[f"chain_acn{at}"]] == ([6, 7, 8] if generation == "X9" else [1, 2, 3])
    assert [at for at in indices if data[f"fan{at}"]] == ([5, 6] if generation == "X9" else [1, 2, 3, 4])
    assert data["fan_num"] == (2 if generation == "X9" else 4)
    assert data["miner_count"] == 3


@of(*MODELS)
async def test_a_boards_rate_is_text_but_for_x21_and_an_empty_slot_says_nothing(stock):
    data = await stock.row("stats", 1)
    first = 6 if stock.machine.row.generation == "X9" else 1
    numbers = stock.machine.row.generation == "X21"
    assert isinstance(data[f"chain_rate{first}"], float if numbers else str)
    assert data["chain_rate4"] == (0.0 if numbers else "")
    assert data["chain_acs4"] == ""
    assert data[f"chain_acs{first}"].startswith(" oooooooo ")
    assert data[f"chain_acs{first}"].count("o") == stock.machine.row.chips == data[f"chain_acn{first}"]
    rates = [float(data[f"chain_rate{first + board}"]) for board in range(3)]
    assert sum(rates) == pytest.approx(float(data["GHS 5s"]), rel=1e-4)


@of("X17", *NEW)
async def test_temperatures_are_dashed_texts_of_four(stock):
    data = await stock.row("stats", 1)
    numbers = [int(part) for part in data["temp_chip1"].split("-")]
    assert len(numbers) == 4
    assert max(numbers) == data["temp2_1"] > data["temp1"] > 40
    assert data["temp_pcb4"] == data["temp_chip4"] == "0-0-0-0"
    assert ("temp_pic1" in data) is (stock.machine.row.generation in NEW)


@of("X9")
async def test_the_x9_has_one_temperature_a_board_and_kind(stock):
    data = await stock.row("stats", 1)
    assert not [key for key in data if key.startswith(("temp_pcb", "temp_chip"))]
    assert data["temp2_6"] > data["temp6"] > 40
    assert data["temp1"] == data["temp3_6"] == 0


@of(*OLD)
async def test_old_ones_answer_joined_commands_together(stock):
    reply = await stock.ask("summary+stats+pools+restart")
    assert list(reply) == ["summary", "stats", "pools", "restart", "id"]
    assert reply["summary"][0]["SUMMARY"][0]["Elapsed"] > 0
    assert len(reply["stats"][0]["STATS"]) == 2
    assert len(reply["pools"][0]["POOLS"]) == 3
    assert code(reply["restart"][0]) == 45


@of(*NEW)
async def test_new_ones_know_no_joined_commands(stock):
    reply = await stock.ask("summary+pools")
    assert code(reply) == 14
    assert set(reply) == {"STATUS", "id"}


@pytest.mark.parametrize("command", ["devdetails", "config", "restart", "switchpool", "addpool", "quit"])
@of(*MODELS)
async def test_what_group_a_does_not_hold_is_refused_and_changes_nothing(stock, command):
    reply = await stock.ask(command, parameter="0")
    status = reply["STATUS"][0]
    denied = (45, f"Access denied to '{command}' command")
    assert (status["Code"], status["Msg"]) == (
        denied if stock.machine.row.generation in OLD else (14, "Invalid command")
    )
    assert status["STATUS"] == "E"
    assert stock.written == []
    assert stock.phase is Phase.HASHING


@pytest.mark.parametrize("request_", [b"summary", b"{", b"[]", b'{"command":1}', b"\xff\x00", b"[" * 5000])
@of("X9", "X19")
async def test_what_is_no_command_is_invalid(stock, request_):
    assert code(json.loads(await stock.talk(request_))) == 23


@of(*NEW)
async def test_the_new_form_is_asked_for_at_the_top_only(stock):
    stats = await stock.ask("stats", new_api=True)
    assert [chain["asic_num"] for chain in stats["STATS"][0]["chain"]] == [stock.machine.row.chips] * 3
    assert stats["STATUS"]["Msg"] == "stats"
    assert (await stock.ask("summary", new_api=True))["SUMMARY"][0]["rate_unit"] == "GH/s"
    assert (await stock.ask("pools", new_api=True))["POOLS"][0]["status"] == "Alive"
    assert len((await stock.ask("stats", parameter={"new_api": True}))["STATS"]) == 2
    assert code(await stock.ask("version", new_api=True)) == 22


@of("X17")
async def test_an_old_one_overlooks_the_new_form(stock):
    assert len((await stock.ask("stats", new_api=True))["STATS"]) == 2


@of("X19")
async def test_one_client_at_a_time_is_served(stock):
    async with client("127.0.0.1", stock.ports[0]):
        waiting = asyncio.create_task(stock.ask("version"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.shield(waiting)
    assert code(await waiting) == 22


@of(*MODELS)
async def test_a_broken_board_is_a_slot_without_chips(stock):
    stock.physics.lose_board(stock.every())
    stock.run(20)
    data = await stock.row("stats", 1)
    last = 8 if stock.machine.row.generation == "X9" else 3
    assert (data[f"chain_acn{last}"], data[f"chain_acs{last}"], data["miner_count"]) == (0, "", 2)
    assert float(data["GHS 5s"]) < stock.machine.nameplate_ths * 1e3 * 0.75


@of("X19")
async def test_dead_pools_are_dead_on_both_ports(stock):
    stock.physics.lose_pool(stock.every())
    assert {row["Status"] for row in (await stock.ask("pools"))["POOLS"]} == {"Dead"}
    assert {row["status"] for row in (await stock.shown("pools"))["POOLS"]} == {"Dead"}
    kinds = {row["type"]: row["status"] for row in (await stock.shown("summary"))["SUMMARY"][0]["status"]}
    assert kinds == {"rate": "s", "network": "e", "fans": "s", "temp": "s"}


@of("X19")
async def test_while_it_boots_both_ports_close_without_a_word(stock):
    stock.physics.reboot(stock.every())
    for port in stock.ports:
        async with client("127.0.0.1", port) as (reader, writer), asyncio.timeout(60):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await reader.read() == b""


@of("X19")
async def test_without_power_no_answer_ever_comes(stock):
    stock.physics.cut_power(stock.every())
    for port in stock.ports:
        async with client("127.0.0.1", port) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read()


# --- the page: who may see it, and what it shows --------------------------------------------------------------------


@pytest.mark.parametrize("password", [None, "admin"])
@pytest.mark.parametrize("path", ["", "cgi-bin/get_system_info.cgi", "cgi-bin/none.cgi", "elsewhere"])
@of(*MODELS)
async def test_every_page_wants_the_password(stock, path, password):
    status, headers, _ = await stock.page(path, password=password)
    assert status == 401
    assert 'realm="antMiner Configuration"' in headers["WWW-Authenticate"]
    assert 'qop="auth"' in headers["WWW-Authenticate"]


@of(*NEW)
async def test_a_write_without_the_password_changes_nothing(stock):
    body = {"miner-mode": 1, "bitmain-work-mode": 1, "pools": []}
    for password in (None, "admin"):
        assert (await stock.page("cgi-bin/set_miner_conf.cgi", "POST", password, json=body))[0] == 401
        assert (await stock.page("cgi-bin/reboot.cgi", "POST", password))[0] == 401
    assert stock.written == []
    assert stock.physics.next_level[0] == -1
    assert stock.phase is Phase.HASHING


@of(*MODELS)
async def test_the_password_opens_and_what_is_not_there_is_not_found(stock):
    assert (await stock.page(""))[0] == 200
    for path in ("elsewhere", "cgi-bin/none.cgi", "other/get_system_info.cgi"):
        assert (await stock.page(path))[0] == 404
    assert (await stock.page("cgi-bin/get_miner_conf.cgi", "POST"))[0] == 404


@of("X19")
async def test_what_is_no_http_is_a_bad_request(stock):
    async with client("127.0.0.1", stock.ports[1]) as (reader, writer), asyncio.timeout(60):
        writer.write(b'{"command":"summary"}\r\n\r\n')
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


@of(*MODELS)
async def test_the_system_names_model_and_mac(stock):
    told = await stock.shown("get_system_info")
    assert (told["minertype"], told["macaddr"]) == (stock.machine.model, stock.machine.mac)
    assert told.get("serinum") == (stock.machine.serial if stock.machine.row.generation == "X21" else None)
    assert ("ant_hwv" in told) is (stock.machine.row.generation in OLD)


@of(*NEW)
async def test_new_ones_tell_type_and_network_on_pages_of_their_own(stock):
    assert (await stock.shown("miner_type"))["miner_type"] == stock.machine.model
    assert (await stock.shown("get_network_info"))["macaddr"] == stock.machine.mac
    assert "conf_nettype" in await stock.shown("get_network_info")


@of(*NEW)
async def test_new_pages_speak_in_numbers_and_small_letters(stock):
    summary = await stock.shown("summary")
    assert summary["STATUS"].items() >= {"STATUS": "S", "Msg": "summary", "api_version": "1.0.0"}.items()
    assert isinstance(summary["STATUS"]["when"], int)
    assert summary["INFO"]["type"] == stock.machine.model
    (row,) = summary["SUMMARY"]
    assert row["rate_5s"] == pytest.approx(stock.physics.hashrate_ths[0] * 1e3, rel=0.02)
    assert (row["rate_ideal"], row["rate_unit"]) == (stock.machine.nameplate_ths * 1e3, "GH/s")
    (row,) = (await stock.shown("stats"))["STATS"]
    assert (row["miner-mode"], row["chain_num"], len(row["fan"])) == (0, 3, 4)
    assert all(len(chain[kind]) == 4 for chain in row["chain"] for kind in ("temp_pic", "temp_pcb", "temp_chip"))
    assert sum(chain["rate_real"] for chain in row["chain"]) == pytest.approx(row["rate_5s"], rel=1e-4)
    assert {row["status"] for row in (await stock.shown("pools"))["POOLS"]} == {"Alive"}


@of(*NEW)
async def test_the_file_is_shown_with_its_numbers_as_texts(stock):
    conf = await stock.shown("get_miner_conf")
    assert len(conf["pools"]) == 3
    assert (conf["bitmain-work-mode"], conf["bitmain-freq-level"], conf["bitmain-fan-pwm"]) == ("0", "100", "100")
    assert conf["bitmain-fan-ctrl"] is False
    assert conf["api-groups"] == "A:stats:pools:devs:summary:version"
    assert not {"miner-mode", "freq-level"} & set(conf)


@of(*OLD)
async def test_the_old_file_is_shown_verbatim(stock):
    _, _, text = await stock.page("cgi-bin/get_miner_conf.cgi")
    assert '"bitmain-freq" : "' in text
    assert "\n,\n" in text
    conf = json.loads(text)
    assert [pool["url"] for pool in conf["pools"]] == [f"stratum+tcp://pool{n}.invalid:3333" for n in range(3)]
    assert conf.get("bitmain-work-mode") == (None if stock.machine.row.generation == "X9" else "0")


@of("X9")
async def test_the_x9_status_is_all_text_with_commas_in_rates(stock):
    told = await stock.shown("get_miner_status")
    values = [
        *told["summary"].values(),
        *(value for key in ("pools", "devs") for row in told[key] for value in row.values()),
    ]
    assert all(isinstance(value, str) for value in values)
    assert re.fullmatch(r"\d\d,\d{3}\.\d\d", told["summary"]["ghs5s"])
    assert [row["index"] for row in told["devs"]] == ["6", "7", "8"]


@of("X17")
async def test_the_x17_pages_repeat_what_4028_says(stock):
    for name in ("summary", "stats", "pools"):
        shown, told = await stock.shown(f"miner_{name}"), await stock.ask(name)
        assert shown[name.upper()][0].keys() == told[name.upper()][0].keys()


@of(*MODELS)
async def test_the_log_is_text(stock):
    status, headers, text = await stock.page("cgi-bin/log.cgi")
    assert (status, headers["Content-Type"]) == (200, "text/plain")
    assert stock.machine.model in text


# --- the page: writes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [1, "1"])
@of(*NEW)
async def test_sleep_under_both_keys_sleeps_after_a_while_and_keeps_the_pools(stock, mode):
    assert await stock.set_mode(mode) == "M000"
    assert stock.level is Level.FULL
    stock.run(60 * SCALE + 0.2)
    assert (stock.level, stock.phase) == (Level.SLEEP, Phase.SLEEPING)
    assert stock.written == ["conf sleep"]
    assert stock.physics.pool_set[0]
    await stock.back()
    conf = await stock.shown("get_miner_conf")
    assert conf["pools"] == POOLS
    assert conf["bitmain-work-mode"] == "1"


@of(*NEW)
async def test_asleep_it_answers_on_both_ports_with_zero_rates_and_disabled_pools(stock):
    await stock.set_mode(1)
    stock.run(300, step_s=1)
    await stock.back()
    for command in ("summary", "stats"):
        row = (await stock.ask(command))[command.upper()][-1]
        assert (row["GHS 5s"], row["GHS av"]) == (0, 0)
    assert {row["Status"] for row in (await stock.ask("pools"))["POOLS"]} == {"Disabled"}
    (row,) = (await stock.shown("stats"))["STATS"]
    assert (row["miner-mode"], row["rate_5s"], row["rate_30m"], row["rate_avg"]) == (1, 0, 0, 0)
    assert row["chain"][0]["asic_num"] == stock.machine.row.chips
    assert row["fan"][0] == pytest.approx(960, abs=60)
    assert stock.physics.power_w[0] == pytest.approx(stock.machine.row.standby_w, abs=1)


@of(*NEW)
async def test_zero_wakes_it(stock):
    await stock.set_mode(1)
    stock.run(5)
    await stock.back()
    await stock.set_mode(0)
    stock.run(60)
    assert (stock.level, stock.phase) == (Level.FULL, Phase.HASHING)
    assert stock.written == ["conf sleep", "conf full"]


@of("X19")
async def test_three_is_low_power_and_zero_lands_in_normal(stock):
    assert await stock.set_mode(3) == "M000"
    stock.run(60)
    assert (stock.level, stock.phase) == (Level.LOW, Phase.HASHING)
    await stock.back()
    assert (await stock.shown("get_miner_conf"))["bitmain-work-mode"] == "3"
    assert (await stock.shown("stats"))["STATS"][0]["rate_ideal"] < stock.machine.nameplate_ths * 1e3
    await stock.set_mode(0)
    stock.run(5)
    assert stock.level is Level.FULL


@pytest.mark.parametrize("mode", [3, "3", 2, 254, "", "one", "²", None, True, 1.0, -1])
@of("X21")
async def test_a_mode_that_the_model_lacks_is_refused_and_changes_nothing(stock, mode):
    before = await stock.shown("get_miner_conf")
    assert await stock.set_mode(mode) == "M001"
    assert stock.physics.next_level[0] == -1
    assert await stock.shown("get_miner_conf") == before
    assert stock.written == ["conf refused"]


@pytest.mark.parametrize("body", ["[]", "no json", '{"pools":1}', '{"pools":["x"]}', ""])
@of("X19")
async def test_a_body_that_is_no_file_is_refused(stock, body):
    _, _, text = await stock.page("cgi-bin/set_miner_conf.cgi", "POST", data=body)
    assert json.loads(text).items() >= {"stats": "error", "code": "M001"}.items()
    assert stock.physics.next_level[0] == -1


@pytest.mark.parametrize(
    ("generation", "key", "works"),
    [
        ("X19", "miner-mode", True),
        ("X19", "bitmain-work-mode", False),
        ("X21", "miner-mode", False),
        ("X21", "bitmain-work-mode", False),
    ],
)
async def test_one_key_alone_is_acknowledged_but_only_miner_mode_on_x19_works(generation, key, works):
    async with bench(generation) as stock:
        assert await stock.write(**{key: 1, "pools": POOLS}) == "M000"
        stock.run(5)
        assert stock.level is (Level.SLEEP if works else Level.FULL)
        assert stock.written == ["conf sleep" if works else "conf"]


@pytest.mark.parametrize("body", [{}, {"pools": []}, {"pools": [{"url": "", "user": "", "pass": ""}]}])
@of(*NEW)
async def test_pools_that_are_not_in_a_write_are_gone(stock, body):
    assert await stock.write(**{"miner-mode": 0, "bitmain-work-mode": 0, **body}) == "M000"
    stock.run(5)
    assert not stock.physics.pool_set[0]
    assert stock.phase is Phase.IDLE
    await stock.back()
    assert (await stock.ask("pools"))["POOLS"] == []
    assert (await stock.shown("pools"))["POOLS"] == []
    assert [pool["url"] for pool in (await stock.shown("get_miner_conf"))["pools"]] == [""] * 3


@of(*NEW)
async def test_new_pools_fan_and_frequency_are_kept_and_shown(stock):
    more = {"bitmain-fan-ctrl": True, "bitmain-fan-pwm": "80", "freq-level": "90", "bitmain-fan-pwn": "1"}
    await stock.write(pools=POOLS[:2], **more)
    assert [row["URL"] for row in (await stock.ask("pools"))["POOLS"]] == [pool["url"] for pool in POOLS[:2]]
    await stock.back()
    conf = await stock.shown("get_miner_conf")
    assert (conf["bitmain-fan-ctrl"], conf["bitmain-fan-pwm"], conf["bitmain-freq-level"]) == (True, "80", "90")
    assert [pool["url"] for pool in conf["pools"]] == [POOLS[0]["url"], POOLS[1]["url"], ""]


@of(*NEW)
async def test_a_write_without_a_mode_keeps_the_level(stock):
    await stock.set_mode(1)
    stock.run(5)
    await stock.back()
    assert await stock.write(pools=POOLS) == "M000"
    stock.run(60)
    assert stock.phase is Phase.SLEEPING


@of(*NEW)
async def test_a_repeated_write_restarts_the_miner_each_time(stock):
    for _ in range(2):
        await stock.set_mode(0)
        stock.run(8 * SCALE + 0.2)
        assert stock.phase in {Phase.WARMING, Phase.TUNING}
        assert stock.physics.elapsed_s[0] < 1
        stock.run(60)
        assert stock.phase is Phase.HASHING
        await stock.back()


@of(*MODELS)
async def test_after_a_write_the_page_is_away_and_comes_back_while_4028_answers(stock, monkeypatch):
    monkeypatch.setattr(antminer_web, "AWAY_S", (40, 40))
    if stock.machine.row.generation in NEW:
        await stock.set_mode(0)
    else:
        await stock.fill(form())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stock.page("")
    assert code(await stock.ask("version")) == 22
    assert (await stock.back())[0] == 200


@of(*NEW)
async def test_the_answer_to_a_write_takes_its_time(stock):
    clock = asyncio.get_running_loop()
    began = clock.time()
    await stock.set_mode(0)
    assert clock.time() - began >= 1 * SCALE


@of("X19")
async def test_a_write_holds_though_its_client_did_not_wait_for_the_answer(stock, monkeypatch):
    monkeypatch.setattr(antminer_web, "REPLY_S", (100, 100))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await stock.set_mode(1)
    stock.run(5)
    assert stock.phase is Phase.SLEEPING


@of(*NEW)
async def test_one_that_lies_acknowledges_and_does_nothing(stock):
    before = await stock.shown("get_miner_conf")
    stock.obeys = False
    assert await stock.set_mode(1) == "M000"
    assert json.loads((await stock.page("cgi-bin/blink.cgi", "POST", json={"blink": True}))[2]) == {"code": "B000"}
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stock.page("cgi-bin/reboot.cgi", "POST")
    stock.run(5)
    assert stock.phase is Phase.HASHING
    assert await stock.shown("get_miner_conf") == before
    assert await stock.shown("get_blink_status") == {"blink": False}
    assert stock.written == ["conf sleep", "blink on", "reboot"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@of(*NEW)
async def test_a_reboot_drops_the_connection_and_keeps_the_mode(stock, method):
    await stock.set_mode(1)
    stock.run(5)
    await stock.back()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stock.page("cgi-bin/reboot.cgi", method)
    assert stock.phase is Phase.BOOTING
    assert stock.written[-1] == "reboot"
    stock.run(10)
    assert stock.phase is Phase.SLEEPING
    assert (await stock.shown("get_miner_conf"))["bitmain-work-mode"] == "1"


@of(*NEW)
async def test_mode_and_pools_outlast_a_power_cut(stock):
    await stock.set_mode(1)
    stock.run(5)
    stock.physics.cut_power(stock.every())
    stock.run(5)
    stock.physics.return_power(stock.every())
    stock.run(10)
    assert stock.phase is Phase.SLEEPING
    await stock.back()
    assert (await stock.shown("get_miner_conf"))["pools"] == POOLS


@pytest.mark.parametrize("word", [True, "true"])
@of(*NEW)
async def test_the_lamp_blinks_and_stops(stock, word):
    off = not word if word is True else "false"
    for told, answer, on in ((word, "B000", True), (off, "B100", False)):
        _, _, text = await stock.page("cgi-bin/blink.cgi", "POST", json={"blink": told})
        assert json.loads(text) == {"code": answer}
        assert await stock.shown("get_blink_status") == {"blink": on}
    assert stock.written == ["blink on", "blink off"]
    for body in ('{"blink":3}', "[]", "no json"):
        _, _, text = await stock.page("cgi-bin/blink.cgi", "POST", data=body)
        assert json.loads(text) == {"code": "B001"}


@of("X17")
async def test_the_x17_lamp_holds_the_line_while_it_begins_to_blink(stock):
    async def act(action):
        return json.loads((await stock.page("cgi-bin/blink.cgi", "POST", data={"action": action}))[2])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await act("startBlink")
    assert await act("onPageLoaded") == {"isBlinking": True}
    assert await act("stopBlink") == {"isBlinking": False}
    assert stock.written == ["blink on", "blink off"]


@of("X9")
async def test_the_x9_has_no_lamp_page(stock):
    assert (await stock.page("cgi-bin/blink.cgi", "POST", data={"action": "stopBlink"}))[0] == 404


@of("X17")
async def test_the_x17_form_is_read_by_position_and_254_sleeps(stock):
    assert await stock.fill(form(mode="254")) == "ok"
    stock.run(5)
    assert stock.phase is Phase.SLEEPING
    await stock.back()
    conf = await stock.shown("get_miner_conf")
    assert conf["pools"] == POOLS
    assert (conf["bitmain-fan-ctrl"], conf["bitmain-fan-pwm"]) == (True, "80")
    assert (conf["bitmain-freq"], conf["bitmain-voltage"], conf["bitmain-work-mode"]) == ("600", "1700", "254")
    assert await stock.fill(form(mode="0")) == "ok"
    stock.run(60)
    assert stock.phase is Phase.HASHING
    assert stock.written == ["conf sleep", "conf full"]


@of("X17")
async def test_an_x17_form_without_a_mode_writes_normal_and_without_pools_none(stock):
    await stock.fill(form(mode="254"))
    stock.run(5)
    await stock.back()
    await stock.fill([])
    stock.run(5)
    assert (stock.level, stock.phase) == (Level.FULL, Phase.IDLE)


@of("X17")
async def test_a_mode_that_the_x17_lacks_changes_no_level(stock):
    assert await stock.fill(form(mode="1")) == "ok"
    stock.run(60)
    assert stock.phase is Phase.HASHING
    assert stock.written == ["conf"]


@of("X9")
async def test_the_x9_overlooks_a_mode_and_idles_without_pools(stock):
    assert await stock.fill(form(mode="254")) == "ok"
    stock.run(60)
    assert stock.phase is Phase.HASHING
    await stock.back()
    assert await stock.fill(form(pools=[{"url": "", "user": "", "pass": ""}] * 3)) == "ok"
    stock.run(5)
    assert stock.phase is Phase.IDLE
    assert (await stock.ask("pools"))["POOLS"] == []
    assert stock.written == ["conf", "conf"]


@of(*OLD)
async def test_an_old_one_reboots_and_answers_nothing(stock):
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stock.page("cgi-bin/reboot.cgi")
    assert stock.phase is Phase.BOOTING
    assert stock.written == ["reboot"]
