"""`hashwatt simulate` as a program: its lines, its exit codes, its end."""

import asyncio
import re
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.cli.failure import Failure
from agent.cli.simulate import How, What
from agent.cli.simulation import run
from agent.config import load
from tests.simulators.farms import http

HASHWATT = [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", "simulate"]


@asynccontextmanager
async def program(*arguments):
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*HASHWATT, *map(str, arguments), stdout=pipe, stderr=pipe)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def lines_until_ready(running):
    lines = []
    async with asyncio.timeout(60):
        while not lines or not lines[-1].startswith("ready "):
            line = (await running.stdout.readline()).decode()
            assert line, (await running.stderr.read()).decode()
            lines.append(line.removesuffix("\n"))
    return lines


async def refused(*arguments):
    async with program(*arguments) as running:
        async with asyncio.timeout(60):
            out, said = await running.communicate()
    assert out == b""
    return running.returncode, said.decode()


@pytest.mark.parametrize("sort", [signal.SIGTERM, signal.SIGINT])
async def test_it_tells_where_all_is_and_ends_well_on_a_signal(sort):
    async with program("--miners", 5, "--own-ports") as running:
        *miners, meter, control, ready = await lines_until_ready(running)
        for line in miners:
            assert re.fullmatch(
                r"miner 127\.0\.0\.1 \d+ \d+ (Antminer|WhatsMiner) \S.* ([0-9A-F]{2}:){5}[0-9A-F]{2}", line
            )
        assert [line.split()[4] for line in miners] == ["Antminer"] * 3 + ["WhatsMiner"] * 2
        assert [line.split()[3] == "0" for line in miners] == [False, False, False, True, True]
        assert re.fullmatch(r"meter localhost:[1-9]\d*", meter)
        assert ready == "ready 5"
        status, state = await http(int(control.removeprefix("control localhost:")), "/state")
        assert status == 200
        assert {miner["state"] for miner in state["miners"]} == {"hashing"}
        running.send_signal(sort)
        async with asyncio.timeout(60):
            assert await running.wait() == 0
        assert await running.stderr.read() == b""


async def test_a_mix_a_schedule_and_the_configuration_go_together(tmp_path):
    mix, faults, config = tmp_path / "mix.toml", tmp_path / "faults.toml", tmp_path / "farm.toml"
    mix.write_text('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\nshare = 1\nfirmware = "cgminer"\n')
    faults.write_text('[[fault]]\nat_s = 0\nselect = "50%"\nfault = "pool"\n')
    files = ["--mix", mix, "--faults", faults, "--config-out", config]
    async with program("--miners", 4, "--own-ports", *files, "--house-w", 700, "--site", "s1") as running:
        *miners, _, control, _ = await lines_until_ready(running)
        assert {" ".join(line.split()[4:-1]) for line in miners} == {"WhatsMiner M50"}
        _, state = await http(int(control.rpartition(":")[2]), "/state")
        assert sum(miner["faults"] == ["pool"] for miner in state["miners"]) == 2
    read = load(config)
    assert read.schema.site.house_w == 700
    assert [(entry.host, entry.port) for entry in read.miners] == [
        (line.split()[1], int(line.split()[2])) for line in miners
    ]


async def test_a_bad_file_is_exit_2_and_one_sentence(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text('[[mix]]\nmake = "Antminer"\nmodel = "S99"\nshare = 1')
    code, told = await refused("--mix", file)
    assert code == 2
    assert told.startswith(f"hashwatt: {file}: mix 1: no Antminer model 'S99'; known: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("what", "how", "said"),
    [
        ({"mix": Path("nowhere.toml")}, {}, "nowhere.toml: No such file"),
        ({"faults": Path("nowhere.toml")}, {}, "nowhere.toml: No such file"),
        ({"bind": "localhost"}, {}, "--bind: 'localhost'"),
        ({}, {"mqtt": "http://localhost"}, "mqtt: 'http://localhost'"),
        ({}, {"mqtt": "mqtt://"}, "mqtt: 'mqtt://'"),
        ({}, {"mqtt": "mqtt://localhost:99999"}, "mqtt: 'mqtt://localhost:99999'"),
        ({}, {"site": "a/b"}, "--site: 'a/b'"),
        ({"miners": 1, "own_ports": True}, {"config_out": Path("nowhere/farm.toml")}, "nowhere/farm.toml: No such"),
    ],
)
def test_bad_usage_is_exit_2(what, how, said):
    with pytest.raises(Failure, match=re.escape(said)) as failed:
        run(What(**what), How(**how))
    assert failed.value.code == 2


def test_a_bad_faults_file_is_exit_2(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text('[[fault]]\nat_s = 1\nselect = "*"\nfault = "fire"')
    with pytest.raises(Failure, match=r"bad.toml: fault 1: fault: 'fire' is none of dead") as failed:
        run(What(faults=file), How())
    assert failed.value.code == 2


async def test_a_taken_port_is_exit_3():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, told = await refused("--miners", 1, "--own-ports", "--control-port", port)
    assert code == 3
    assert told == f"hashwatt: 127.0.0.1:{port}: Address already in use\n"
