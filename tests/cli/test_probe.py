"""`probe`: one machine over a real socket."""

import json
import socketserver
from datetime import UTC, datetime
from threading import Thread

import pytest

from agent.cli.machine import machine_json
from drivers.interface import Identity, Reading, State, Target
from tests.brokers import free_port


def status(code, message="ok"):
    return [{"STATUS": "S", "When": 1, "Code": code, "Msg": message, "Description": "cgminer 4.11.1"}]


DEVICE = {
    "ASC": 0, "Name": "BTM", "ID": 0, "Enabled": "Y", "Status": "Alive", "Temperature": 61.0,
    "MHS av": 99_000_000.0, "MHS 5s": 101_000_000.0, "MHS 1m": 100_000_000.0,
}  # fmt: skip
SECTIONS = {
    "version": {"VERSION": [{"CGMiner": "4.11.1", "API": "3.7"}]},
    "devs": {"DEVS": [DEVICE]},
    "devdetails": {"DEVDETAILS": [{"DEVDETAILS": 0, "Name": "BTM", "ID": 0, "Driver": "bitmain", "Model": "S19j Pro"}]},
    "privileged": {},
    "check": {"CHECK": [{"Exists": "Y", "Access": "Y"}]},
    "summary": {"SUMMARY": [{"Elapsed": 3600, "MHS av": 99_000_000.0, "MHS 5s": 101_000_000.0, "MHS 1m": 1e8,
                             "Accepted": 40, "Rejected": 1, "Stale": 0, "Hardware Errors": 3, "Best Share": 9}]},
    "pools": {"POOLS": [{"POOL": 0, "URL": "stratum+tcp://pool:3333", "Status": "Alive", "Priority": 0, "User": "a.1",
                         "Accepted": 40, "Rejected": 1, "Stale": 0, "Stratum Active": True}]},
    "stats": {"STATS": []},
    "notify": {"NOTIFY": []},
}  # fmt: skip


def cgminer(request):
    """Answer as a cgminer 4.11: each command of a joined one under its name."""
    names = json.loads(request)["command"].split("+")
    parts = {name: {"STATUS": status(1), **SECTIONS[name], "id": 1} for name in names}
    told = parts[names[0]] if len(names) == 1 else {name: [part] for name, part in parts.items()}
    return json.dumps(told).encode() + b"\0"


@pytest.fixture
def machine():
    """Return a function that lets a machine answer by a function of the request; its HOST:PORT."""
    servers = []

    def start(answers):
        class Speaks(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(answers(self.request.recv(4096)))

        server = socketserver.TCPServer(("127.0.0.1", 0), Speaks)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_machine_is_read_in_the_contracts_form(machine, say):
    place = machine(cgminer)
    said = say("probe", place, "--json")
    assert said.exit_code == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["miner"]["id"] == place
    assert told["miner"]["firmware"] == "cgminer"
    assert told["miner"]["firmware_version"] == "4.11.1"
    assert told["state"] == "hashing"
    assert told["hashrate_ths"] == 100.0
    assert told["uptime_s"] == 3600
    assert told["capabilities"] == ["sleep"]
    assert told["boards"][0]["slot"] == 0
    assert told["pools"][0]["url"] == "stratum+tcp://pool:3333"
    assert told["power_source"] == "model"
    assert 2500 < told["power_w"] < 3500
    assert told["inlet_c"] is None
    assert "commands" not in told
    assert {
        "miner", "state", "reason", "hashrate_ths", "nominal_ths", "power_w", "power_source", "power_limit_w",
        "efficiency_j_th", "uptime_s", "inlet_c", "outlet_c", "boards", "fans", "pools", "errors", "best_share",
        "hardware_errors", "capabilities", "level", "intended", "read_at",
    } <= set(told)  # fmt: skip


def test_the_watts_of_a_machine_that_nobody_knows_are_unknown_and_not_0(machine, say, monkeypatch):
    monkeypatch.setitem(SECTIONS, "devdetails", {"DEVDETAILS": [{"DEVDETAILS": 0, "Name": "X", "Model": "Mystery 1"}]})
    told = json.loads(say("probe", machine(cgminer), "--json").stdout)
    assert (told["power_w"], told["power_source"], told["efficiency_j_th"]) == (None, None, None)
    assert told["miner"]["model"] == "Mystery 1"


def test_the_fading_averages_of_a_sleeper_make_no_efficiency():
    reading = Reading(state=State.SLEEPING, level="sleep", power_w=20.0, hashrate_ths=33.0)
    told = machine_json(
        Target(host="127.0.0.1"), Identity(driver="cgminer"), reading, datetime(2027, 1, 15, tzinfo=UTC)
    )
    assert (told["power_w"], told["hashrate_ths"], told["efficiency_j_th"]) == (20.0, 33.0, None)


def test_what_it_could_be_told_is_said_with_its_limits(machine, say):
    said = say("probe", machine(cgminer), "--commands")
    assert not {"True", "False"} & set(said.stdout.split())
    assert said.exit_code == 0, said.stderr
    assert "hashing" in said.stdout
    assert "100.00 TH/s" in said.stdout
    assert "could be told: sleep" in said.stdout
    assert "  sleep: standby_w " in said.stdout
    told = json.loads(say("probe", machine(cgminer), "--commands", "--json").stdout)
    assert told["commands"][0]["command"] == "sleep"
    assert told["commands"][0]["standby_w"] > 0


def test_nobody_there_is_exit_3_and_names_the_host(say):
    api, page = free_port(), free_port()
    said = say("probe", f"127.0.0.1:{api}", "--http-port", page, "--json")
    assert (said.exit_code, said.stdout) == (3, "")
    assert said.stderr.startswith(f"hashwatt: 127.0.0.1:{api} does not answer: ")


def test_garbage_is_exit_1_and_one_sentence_that_cannot_move_the_cursor(machine, say):
    place = machine(lambda _request: b"\x1b[2Jcgminer{{{\0")
    said = say("probe", place)
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith(f"hashwatt: {place} ")
    assert said.stderr.count("\n") == 1
    assert "\x1b" not in said.stderr


def test_firmware_that_nobody_speaks_is_exit_1_and_named(machine, say):
    said = say("probe", machine(lambda _request: b'{"STATUS":[{"STATUS":"S","Description":"toaster 1"}]}\0'))
    assert said.exit_code == 1
    assert "toaster 1" in said.stderr


def test_a_driver_may_be_named_and_must_exist(machine, say):
    place = machine(cgminer)
    assert say("probe", place, "--driver", "cgminer").exit_code == 0
    said = say("probe", place, "--driver", "abacus")
    assert said.exit_code == 1
    assert "abacus" in said.stderr


WRONG = [
    ["10.0.0.0/24"], ["10.0.0.1-10.0.0.9"], ["127.0.0.1:0"], ["no host"], ["127.0.0.1", "--user", "root"],
    ["127.0.0.1", "--password-env", "HOME"], ["127.0.0.1", "--user", "root", "--password-env", "NO_SUCH_VARIABLE"],
]  # fmt: skip


@pytest.mark.parametrize("told", WRONG, ids=" ".join)
def test_what_names_no_machine_or_no_login_is_bad_usage(say, told):
    wrong = say("probe", *told)
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr
