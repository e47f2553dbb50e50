"""`miners import`: what a file would add and change, and what stands against it, in words; then the inventory."""

import json

import pytest
from typer.testing import CliRunner

from agent.cli.main import shell
from agent.config import load

FARM = """
[site]
id = "hill"
timezone = "Asia/Almaty"
currency = "KZT"
connection_kw = 1200
[[feeder]]
id = "T1"
max_kw = 100
"""
FILED = '[[miners]]\ncsv = "old.csv"\nfeeder = "T1"\ntags = ["owner:acme"]\n'
LISTED = '[[miners]]\nhosts = ["127.0.9.1", "127.0.9.2"]\n'
MAC = "02:1a:9e:91:00:0"
OLD = f"id,host,mac,serial,rack\nm-1,127.0.8.1,{MAC}1,SERIAL-1,R1\nm-2,127.0.8.2,{MAC}2,,R1\nm-3,127.0.8.3,,,R1\n"


@pytest.fixture
def farm(tmp_path):
    (tmp_path / "old.csv").write_text(OLD)
    (tmp_path / "farm.toml").write_text(FARM + FILED)
    return tmp_path / "farm.toml"


def imported(config, text, *options, name="new.csv"):
    (config.parent / name).write_text(text)
    return CliRunner().invoke(shell, ["miners", "import", str(config.parent / name), "--config", str(config), *options])


def found(config, text, *options, **told):
    return json.loads(imported(config, text, "--json", *options, **told).stdout)


FOREIGN = (
    "Miner IP;MAC Address;Worker;Rack;Position;Status\n"
    f"127.0.8.9;{MAC.upper()}1;acme.1;R1;7;online\n"
    f"127.0.8.20;{MAC}9;acme.20;R2;1;offline\n"
    "127.0.8.3;;;R3;;online\n"
)


CHANGE = (
    "change    line 2: m-1, known by its MAC: host 127.0.8.1 becomes 127.0.8.9, position none becomes 7 "
    "(it keeps its id; the file says acme.1)"
)


def test_another_programs_export_is_told_in_words_and_nothing_is_written(farm):
    said = imported(farm, FOREIGN)
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        f"add       line 3: acme.20 at 127.0.8.20, MAC {MAC}9",
        CHANGE,
        "change    line 4: m-3, known by its address: rack R1 becomes R3",
        "left out: the columns Status",
        "1 would be added, 2 changed, 0 are as they are, 1 of the inventory are not in the file and stay; 0 conflicts",
        "this was a dry run; --yes or -o FILE writes it",
    ]
    assert (farm.parent / "old.csv").read_text() == OLD


def test_yes_writes_the_configurations_own_file_without_what_its_group_says(farm):
    assert imported(farm, FOREIGN, "--yes").exit_code == 0
    assert (farm.parent / "old.csv").read_text() == (
        "id,host,port,http_port,mac,serial,model,driver,feeder,tags,rack,position,credentials,intended,priority\n"
        f"m-1,127.0.8.9,,,{MAC}1,SERIAL-1,,,,,R1,7,,,\n"
        f"m-2,127.0.8.2,,,{MAC}2,,,,,,R1,,,,\n"
        "m-3,127.0.8.3,,,,,,,,,R3,,,,\n"
        f"acme.20,127.0.8.20,,,{MAC}9,,,,,,R2,1,,,\n"
    )
    assert {(entry.feeder, entry.tags) for entry in load(farm).miners} == {("T1", ("owner:acme",))}
    assert found(farm, FOREIGN)["unchanged"] == 3


def test_a_whole_inventory_is_written_elsewhere_also_from_lists(farm):
    farm.write_text(FARM + LISTED)
    said = found(farm, f"ip,mac\n127.0.9.2,{MAC}2\n127.0.9.3,{MAC}3\n", "-o", str(farm.parent / "whole.csv"))
    assert said["changed"][0]["changes"] == {"mac": ["", f"{MAC}2"]}
    farm.write_text(FARM + '[[miners]]\ncsv = "whole.csv"\n')
    assert [(entry.id, entry.mac) for entry in load(farm).miners] == [
        ("127.0.9.1", None), ("127.0.9.2", f"{MAC}2"), ("127.0.9.3", f"{MAC}3"),
    ]  # fmt: skip


def test_a_machine_of_a_list_cannot_be_changed_in_the_file_beside_it(farm):
    farm.write_text(FARM + FILED + LISTED)
    said = imported(farm, f"ip,mac\n127.0.9.2,{MAC}7\n", "--yes")
    assert said.exit_code == 1
    assert "127.0.9.2 stands in the hosts of farm.toml" in said.stdout
    assert "nothing was written" in said.stdout


def test_without_a_file_of_its_own_a_configuration_is_written_nothing(farm):
    farm.write_text(FARM + LISTED)
    said = imported(farm, "ip\n127.0.9.4\n", "--yes")
    assert said.exit_code == 2
    assert "-o FILE says where" in said.stderr


def test_two_that_exchanged_addresses_are_no_conflict(farm):
    said = found(farm, f"ip,mac\n127.0.8.2,{MAC}1\n127.0.8.1,{MAC}2\n")
    assert said["conflicts"] == []
    assert [one["changes"]["host"] for one in said["changed"]] == [
        ["127.0.8.1", "127.0.8.2"],
        ["127.0.8.2", "127.0.8.1"],
    ]


@pytest.mark.parametrize(
    ("rows", "row", "reason"),
    [
        (f"n-1,127.0.8.7,{MAC}7,,\nn-2,127.0.8.8,{MAC}7,,", 3, f"MAC {MAC}7 stands in line 2 already"),
        ("n-1,127.0.8.7,,SERIAL-7,\nn-2,127.0.8.8,,serial 7,", 3, "serial serial 7 stands in line 2 already"),
        ("n-1,127.0.8.7,,,\nn-1,127.0.8.8,,,", 3, "id n-1 stands in line 2 already"),
        ("n-1,127.0.8.7,,,\nn-2,127.0.8.7,,,", 3, "address 127.0.8.7:4028 stands in line 2 already"),
        (f"n-1,127.0.8.1,{MAC}7,,", 2, "address 127.0.8.1:4028 is m-1's already"),
        (f"m-2,127.0.8.1,{MAC}1,,", 2, "is m-1 by its MAC, and m-2 is the id of another machine"),
        (f"m-1,127.0.8.1,,,\n,127.0.8.5,{MAC}1,,", 3, "is m-1 by its MAC, which line 2 is too"),
        ("n-1,127.0.8.7,,,T9", 2, "feeder: T9 is no feeder"),
        ("n-1,127.0.8.777,,,", 2, "host: '127.0.8.777' is no address"),
    ],
)
def test_a_conflict_names_its_row_and_keeps_everything_as_it_was(farm, rows, row, reason):
    said = imported(farm, f"id,host,mac,serial,feeder\n{rows}\n", "--yes", "--json")
    assert said.exit_code == 1
    told = json.loads(said.stdout)
    assert {"row": row, "reason": reason} in told["conflicts"]
    assert told["written"] is None
    assert (farm.parent / "old.csv").read_text() == OLD


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("id,mac\n", "new.csv", "new.csv: there is no column host, address or ip"),
        ("[[miner]", "new.toml", "new.toml: is no TOML"),
        ("[site]\n", "new.toml", "new.toml: holds no [[miner]] tables"),
    ],
)
def test_what_is_no_inventory_is_bad_input(farm, text, name, said):
    result = imported(farm, text, name=name)
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_is_exported_as_toml_is_imported_as_it_was(farm):
    exported = CliRunner().invoke(shell, ["miners", "export", "--toml", "--config", str(farm)]).stdout
    assert exported.startswith('[[miner]]\nid = "m-1"\nhost = "127.0.8.1"\n')
    assert 'tags = ["owner:acme"]' in exported
    told = found(farm, exported, name="out.toml")
    assert (told["unchanged"], told["added"], told["conflicts"], told["absent"]) == (3, [], [], 0)


def test_a_list_of_hosts_is_imported_from_toml_too(farm):
    told = found(farm, '[[miners]]\nhosts = ["127.0.7.1-127.0.7.3"]\nfeeder = "T1"\nport = 4029\n', name="scan.toml")
    assert [one["miner"]["id"] for one in told["added"]] == [f"127.0.7.{at}:4029" for at in (1, 2, 3)]
