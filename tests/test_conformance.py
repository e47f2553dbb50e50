import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.__main__ import main
from tests.drivers.cgminer_program import Program

ROOT = Path(__file__).parent.parent
STATUS = {"STATUS": "S", "When": 1, "Code": 70, "Msg": "stats", "Description": "x"}
HEADER = {"BMMiner": "1.0.0", "Miner": "1.0", "CompileTime": "Mon Jan  2 03:04:05 CST 2023", "Type": "Antminer S19"}
FIGURES = {
    "STATS": 0,
    "ID": "BTM0",
    "Elapsed": 4321,
    "GHS 5s": "95000.5",
    "GHS av": 94000.0,
    "miner_count": 1,
    "fan_num": 2,
    "fan1": 4020,
    "fan2": 4080,
    "temp_num": 1,
    "chain_acn1": 76,
    "chain_rate1": "95000.5",
    "temp_pcb1": "40-41-50-51",
    "temp_chip1": "55-56-65-66",
}
DEVICE = {
    "source": "made up for this test",
    "kind": "probably synthetic",
    "make": "Bitmain",
    "model": "Antminer S19",
    "firmware": "stock",
    "transport": {"api": "cgminer-socket", "port": 4028},
    "replies": {
        "version": {"STATUS": [STATUS], "VERSION": [HEADER], "id": 1},
        "stats": {"STATUS": [STATUS], "STATS": [HEADER, FIGURES], "id": 1},
    },
    "expected": {"hashrate_ths": 95.0, "uptime_s": 4321, "model": "S19", "fans_rpm": [4020, 4080], "board_count": 1},
}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*arguments):
    said, complaint = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(complaint):
        code = main([str(argument) for argument in arguments])
    return Done(code, said.getvalue(), complaint.getvalue())


def device(path, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(DEVICE | changes))


def program(path, *, text_summary=None):
    """Write a folder of one small cgminer's exchanges."""
    path.mkdir(parents=True)
    rows = []
    for text in (False, True):
        talker = Program()
        talker.text = text
        for command in ("version", "summary", "devs", "pools", "notify", "devdetails", "privileged", "nonesuch"):
            reply = talker.written(*talker.one(command, None)) + b"\0"
            reply = text_summary if text and command == "summary" and text_summary is not None else reply
            name = f"{'text' if text else 'json'}_{command}"
            (path / f"{name}.bin").write_bytes(reply)
            request = command if text else json.dumps({"command": command})
            rows.append(f"{name}\t{request}\t{len(reply)}\t00\t1\tFIN\t0.1ms\t{'' if text else 'json-ok'}\n")
    (path / "INDEX.read.tsv").write_text("".join(rows))


def test_all_right_is_exit_0_and_what_is_not_read_yet_is_counted(tmp_path):
    device(tmp_path / "deep" / "s19.json")
    stranger = {"toaster": "1.0"}
    device(tmp_path / "other.json", firmware="nobody's", replies={"version": stranger}, expected={"hashrate_ths": 1})
    program(tmp_path / "cgminer")
    done = run(tmp_path)
    assert (done.stdout.splitlines()[-2:], done.returncode) == (["not yet: 1 files", "31 of 31 figures right"], 0)


def test_a_wrong_figure_is_named_and_exit_1(tmp_path):
    device(tmp_path / "right.json")
    device(tmp_path / "wrong.json", expected={"hashrate_ths": 96.0, "uptime_s": 4321, "power_w": 3250})
    done = run(tmp_path)
    assert done.stdout.splitlines() == [
        "wrong.json: hashrate_ths: expected 96.0, got 95.0005",
        "wrong.json: power_w: expected 3250, got None",
        "not yet: 0 files",
        "6 of 8 figures right",
    ]
    assert done.returncode == 1


def test_an_alternative_passes_and_a_rate_within_a_thousandth(tmp_path):
    device(tmp_path / "near.json", expected={"hashrate_ths": 95.09})
    device(tmp_path / "far.json", expected={"hashrate_ths": 95.2})
    device(tmp_path / "other.json", expected={"hashrate_ths": 1.0}, alternatives={"hashrate_ths": [2.0, 95.0]})
    done = run(tmp_path)
    assert done.stdout.splitlines()[-1] == "2 of 3 figures right"
    assert done.stdout.startswith("far.json: hashrate_ths")


def test_a_machine_that_speaks_in_frames_is_read_and_its_parts_are_joined(tmp_path):
    device(
        tmp_path / "v3.json",
        transport={"api": "whatsminer-v3", "port": 4433},
        replies={
            "get.device.info": {"code": 0, "when": 1, "msg": {"miner": {"type": "M50_VH30"}, "error-code": ["541"]}},
            "get.miner.status:summary": {"code": 0, "msg": {"summary": {"hash-realtime": 110.5, "elapsed": 77}}},
            "get.miner.status:edevs": {"code": 0, "msg": {"edevs": [{"id": 0, "effective-chips": 105}]}},
        },
        expected={"hashrate_ths": 110.5, "uptime_s": 77, "chips_total": 105, "errors": [541], "model": "M50"},
    )
    assert run(tmp_path).stdout.splitlines() == ["not yet: 0 files", "5 of 5 figures right"]


def test_a_machine_that_cannot_be_read_misses_every_figure(tmp_path):
    device(tmp_path / "silent.json", replies={})
    done = run(tmp_path)
    assert done.stdout.splitlines()[-1] == "0 of 5 figures right"
    assert "NotListening" in done.stdout


def test_a_reply_that_was_cut_is_the_error_that_it_is_and_costs_its_figures(tmp_path):
    program(tmp_path / "cgminer", text_summary=b"STATUS=S,When=1,Code=11,Msg=Summary|SUMMARY,Elapsed=72")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "text_summary.bin: outcome: expected 'reading', got 'Garbled'" in done.stdout


def recorded(path, **replies):
    """Write a folder of a bfgminer's JSON replies, by command: letter, code, and a section of one row."""
    path.mkdir(parents=True)
    rows = []
    for command, (letter, code, sections) in replies.items():
        status = {"STATUS": letter, "When": 1, "Code": code, "Msg": "said", "Description": "bfgminer 5.5.0"}
        reply = json.dumps({"STATUS": [status], **sections, "id": 1}).encode() + b"\0"
        (path / f"json_{command}.bin").write_bytes(reply)
        request = json.dumps({"command": command})
        rows.append(f"json_{command}\t{request}\t{len(reply)}\t00\t1\tFIN\t0.1ms\tjson-ok\n")
    (path / "INDEX.read.tsv").write_text("".join(rows))


def test_the_simulated_program_is_asked_what_the_real_one_was(tmp_path):
    version = ("S", 22, {"VERSION": [{"Miner": "x", "CGMiner": "5.5.0", "API": "3.1"}]})
    coin = ("S", 78, {"COIN": [{"Hash Method": "x", "LP": "true", "Moon Phase": 3}]})
    recorded(tmp_path / "one", version=version, coin=coin, privileged=("S", 47, {}), gpucount=("S", 20, {}))
    done = run(tmp_path)
    told = [line for line in done.stdout.splitlines() if line.startswith("simulated, ")]
    assert told == [
        "simulated, one/json_coin: COIN: expected 'all keys', got \"without {'LP': 'str', 'Moon Phase': 'number'}\"",
        "simulated, one/json_privileged: verdict: expected ('S', 47), got ('S', 46)",
    ]
    assert "not simulated: 1 requests" in done.stdout


def test_of_two_recordings_what_both_have_is_asked_for(tmp_path):
    version = ("S", 22, {"VERSION": [{"Miner": "x", "CGMiner": "5.5.0", "API": "3.1"}]})
    for name, own in (("one", "Moon Phase"), ("two", "Tide")):
        recorded(tmp_path / name, version=version, coin=("S", 78, {"COIN": [{"LP": True, own: 3}]}))
    assert "simulated, " not in run(tmp_path).stdout


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["no/such/folder"]])
def test_bad_usage_is_exit_2(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_as_a_program_it_does_the_same(tmp_path):
    device(tmp_path / "a" / "x.json")
    command = [sys.executable, "-m", "tests.conformance", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert Done(done.returncode, done.stdout, done.stderr) == run(tmp_path)


def test_nothing_to_read_is_exit_2(tmp_path):
    assert run(tmp_path).returncode == 2
    (tmp_path / "x.json").write_text('{"no": "capture"}')
    assert run(tmp_path).returncode == 2
    (tmp_path / "x.json").write_text("not json")
    assert run(tmp_path).returncode == 2
