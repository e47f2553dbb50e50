"""`miners export`: what is written is read back as it was."""

import json

from typer.testing import CliRunner

from agent.cli.main import shell
from agent.config import load

FARM = """
[site]
id = "hill"
timezone = "Asia/Almaty"
currency = "KZT"
connection_kw = 1200
"""
GROUPS = """
[[feeder]]
id = "T1"
max_kw = 100
[[miners]]
hosts = ["127.0.9.1-127.0.9.3", "127.0.9.9:4029/8080"]
feeder = "T1"
tags = ["owner:acme", "row:3"]
intended = "limit:2500"
priority = 4
[[miners]]
csv = "old.csv"
"""
OLD = 'id,host,mac,serial,model,rack,position\nm-7,127.0.9.77,02:1a:9e:91:00:07,SN7,"Antminer S19, Pro",R3,12\n'


def written(folder, groups):
    (folder / "old.csv").write_text(OLD)
    (folder / "farm.toml").write_text(FARM + groups)
    return folder / "farm.toml"


def export(config, *options):
    return CliRunner().invoke(shell, ["miners", "export", "--config", str(config), *options])


def test_an_exported_inventory_is_read_back_as_it_was(tmp_path):
    first = written(tmp_path, GROUPS)
    said = export(first)
    assert said.exit_code == 0
    (tmp_path / "new.csv").write_text(said.stdout)
    second = tmp_path / "second.toml"
    second.write_text(FARM + '[[feeder]]\nid = "T1"\nmax_kw = 100\n[[miners]]\ncsv = "new.csv"\n')
    assert load(second).miners == load(first).miners
    assert len(load(second).miners) == 5


def test_the_rows_are_json_too(tmp_path):
    items = json.loads(export(written(tmp_path, GROUPS), "--json").stdout)["items"]
    assert items[-1]["rack"] == "R3"
    assert items[0]["tags"] == "owner:acme;row:3"


def test_a_configuration_with_mistakes_is_not_exported(tmp_path):
    said = export(written(tmp_path, '[[miners]]\nhosts = ["no address at all"]\n'))
    assert said.exit_code == 2
    assert not said.stdout
