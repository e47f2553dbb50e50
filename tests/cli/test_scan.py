"""`scan`: networks named, none beside them; what was done is not done again."""

import json
import tomllib

import pytest
from typer.testing import CliRunner

from agent.cli import scanning
from agent.cli.main import shell
from agent.config import parse
from agent.control.discovery import Outcome, Sighting

MINER = {
    "host": "127.0.9.1", "ports": [4028], "outcome": "found", "driver": "cgminer", "make": "Ant]\nminer",
    "model": "S19", "firmware": "stock", "firmware_version": "1", "mac": None, "serial": None, "said": None,
}  # fmt: skip
SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'
EMPTY = Sighting(met=(), counts=dict.fromkeys(Outcome, 0))


@pytest.fixture
def looked(monkeypatch):
    """Return the pieces that were looked at; nobody is there."""
    pieces = []

    async def look(hosts, _pace):
        pieces.append(hosts)
        return EMPTY

    monkeypatch.setattr(scanning, "look", look)
    monkeypatch.setattr(scanning, "PIECE", 4)
    return pieces


def scan(*told):
    return CliRunner().invoke(shell, ["scan", *told])


def test_the_addresses_of_the_networks_and_no_others_are_looked_at(looked):
    scan("127.0.9.0/29", "127.0.8.7")
    assert [host for piece in looked for host in piece] == ["127.0.8.7", *(f"127.0.9.{n}" for n in range(1, 7))]


def test_networks_come_from_the_configuration_too(looked, tmp_path):
    (tmp_path / "farm.toml").write_text(
        SITE + '[discovery]\nnetworks = ["127.0.9.4/31"]\n[[miners]]\nhosts = ["127.0.0.1"]\n'
    )
    told = scan("--config", str(tmp_path / "farm.toml"))
    assert looked == [["127.0.9.4", "127.0.9.5"]], told.output


@pytest.mark.parametrize(
    "told", [(), ("127.0.0.0/8",), ("kettle",), ("127.0.9.1/24",), ("127.0.9.1", "--json", "--toml")]
)
def test_what_is_not_meant_is_not_begun(looked, told):
    assert scan(*told).exit_code != 0
    assert looked == []


def test_an_interrupted_scan_goes_on_where_it_was(looked, tmp_path, monkeypatch):
    kept = tmp_path / "scan.json"
    once = iter((EMPTY, KeyboardInterrupt()))

    async def broken(_hosts, _pace):
        step = next(once)
        if isinstance(step, BaseException):
            raise step
        return step

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "look", broken)
        scan("127.0.9.0/28", "--resume", str(kept))
    assert json.loads(kept.read_text())["done"] == 4
    scan("127.0.9.0/28", "--resume", str(kept))
    assert looked[0][0] == "127.0.9.5"
    assert not kept.exists()


def test_a_file_of_another_scan_is_not_gone_on_with(looked, tmp_path):
    kept = tmp_path / "scan.json"
    kept.write_text(json.dumps(scanning.Progress(["127.0.7.0/24"], done=4).kept()))
    assert scan("127.0.9.0/28", "--resume", str(kept)).exit_code != 0
    assert looked == []


def test_the_toml_is_taken_by_the_configuration_whatever_a_machine_calls_itself():
    text = scanning.toml([MINER, MINER | {"host": "127.0.9.2"}, MINER | {"host": "127.0.9.3", "outcome": "mute"}])
    assert tomllib.loads(text) == {"miners": [{"hosts": ["127.0.9.1", "127.0.9.2"]}]}
    config = parse(SITE + text)
    assert [miner.host for miner in config.miners] == ["127.0.9.1", "127.0.9.2"]
