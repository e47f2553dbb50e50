"""Which machines a text names, and what it is told when it names none."""

import time

import pytest

from agent.config import ConfigError, parse
from agent.inventory.hosts import MOST_PLACES, Place, expand, read_inventory
from agent.settings import miners_of

SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n[[miners]]\n'
CSV = SITE + 'csv = "i.csv"\n'


def hosts(text):
    return [place.host for place in expand(text)]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.7.0.1", ["10.7.0.1"]),
        (" 10.7.0.1 ", ["10.7.0.1"]),
        ("10.7.0.254-10.7.1.1", ["10.7.0.254", "10.7.0.255", "10.7.1.0", "10.7.1.1"]),
        ("10.7.0.3-5", ["10.7.0.3", "10.7.0.4", "10.7.0.5"]),
        ("10.7.0.3-10.7.0.3", ["10.7.0.3"]),
        ("10.7.0.0/30", ["10.7.0.1", "10.7.0.2"]),
        ("10.7.0.1/30", ["10.7.0.1", "10.7.0.2"]),
        ("10.7.0.4/31", ["10.7.0.4", "10.7.0.5"]),
        ("10.7.0.4/32", ["10.7.0.4"]),
        ("rack-3.example", ["rack-3.example"]),
    ],
)
def test_addresses_ranges_networks_and_names(text, expected):
    assert hosts(text) == expected


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.7.0.1:4029", [("10.7.0.1", 4029, None)]),
        ("10.7.0.1:4029/81", [("10.7.0.1", 4029, 81)]),
        ("10.7.0.1:4029-4030", [("10.7.0.1", 4029, None), ("10.7.0.1", 4030, None)]),
        ("10.7.0.1:4029-4030/81-82", [("10.7.0.1", 4029, 81), ("10.7.0.1", 4030, 82)]),
        ("10.7.0.1-2:4029", [("10.7.0.1", 4029, None), ("10.7.0.2", 4029, None)]),
        ("10.7.0.0/30:4029/81", [("10.7.0.1", 4029, 81), ("10.7.0.2", 4029, 81)]),
    ],
)
def test_ports(text, expected):
    assert list(expand(text)) == [Place(host=host, port=port, http_port=web) for host, port, web in expected]


@pytest.mark.pure
@pytest.mark.parametrize(
    "text",
    [
        "", ":", "10.7.0", "10.7.0.256", "010.7.0.1", "10.7.0.1-", "10.7.0.9-10.7.0.1", "10.7.0.9-1", "10.7.0.0/33",
        "10.7.0.0/x", "10.0.0.0/8", "0.0.0.0-255.255.255.255", "10.7.0.1:", "10.7.0.1:0", "10.7.0.1:65536",
        "10.7.0.1:4030-4029", "10.7.0.1:4028/", "10.7.0.1:4028-4029/80", "10.7.0.1:x", "10.7.0.0/20:1-65535", "::1",
        "fe80::/64", "rack_3", "-rack", "a b", "10.7.0.1,10.7.0.2", "https://10.7.0.1", "\u0661.\u0662.\u0663.\u0664",
    ],
)  # fmt: skip
def test_what_names_no_machine_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        list(expand(text))


@pytest.mark.pure
def test_a_network_of_sixteen_bits_is_taken():
    assert len(hosts("10.20.0.0/16")) == 65_534


def miners(text):
    return parse(SITE + text).miners


@pytest.mark.pure
def test_a_machine_is_called_by_its_host_and_by_its_port_where_that_is_not_the_usual_one():
    found = miners('hosts = ["10.7.0.1", "10.7.0.2:4028", "10.7.0.2:4029", "10.7.0.3:4028/8080"]\n')
    assert [miner.id for miner in found] == ["10.7.0.1", "10.7.0.2", "10.7.0.2:4029", "10.7.0.3"]
    assert [miner.port for miner in found] == [None, 4028, 4029, 4028]
    assert found[3].http_port == 8080


@pytest.mark.pure
def test_the_ports_of_a_group_are_those_of_its_machines_that_say_none():
    found = miners('hosts = ["10.7.0.1", "10.7.0.2:5000/90"]\nports = { cgminer = 4128, http = 8000 }\n')
    assert [(miner.id, miner.port, miner.http_port) for miner in found] == [
        ("10.7.0.1:4128", 4128, 8000),
        ("10.7.0.2:5000", 5000, 90),
    ]


def from_csv(folder, text, rest=""):
    (folder / "i.csv").write_text(text, encoding="utf-8")
    return parse(CSV + rest, folder=folder)


def mistakes(folder, text, rest=""):
    with pytest.raises(ConfigError) as caught:
        from_csv(folder, text, rest)
    return str(caught.value).splitlines()


def test_a_row_says_what_its_group_does_not(tmp_path):
    rest = 'feeder = "site"\ntags = ["a"]\nintended = "low"\npriority = 3\nmodel = "Model A"\n'
    one, two = from_csv(
        tmp_path,
        "\ufeffid, host ,port,tags,priority,mac,serial,rack,position\r\n"
        'm1,10.7.0.1,4029,"b;c d",-1,02:00:00:00:00:01,S1,R1,4\r\n\r\n,10.7.0.2,,,,,,,\r\n',
        rest,
    ).miners
    assert (one.id, one.port, one.tags, one.priority, one.intended) == ("m1", 4029, ("b", "c", "d"), -1, "low")
    assert (one.mac, one.serial, one.rack, one.position) == ("02:00:00:00:00:01", "S1", "R1", "4")
    assert (two.id, two.port, two.tags, two.priority, two.model) == ("10.7.0.2", None, ("a",), 3, "Model A")


def test_every_mistake_of_an_inventory_has_its_line(tmp_path):
    text = (
        "id,host,port,http_port,mac,feeder,credentials,intended,priority\n"
        "good,10.7.0.1,,,,,,,\n"
        "a,,,,,,,,\n"
        "b,10.7.0.2,0,,,,,,\n"
        "c,10.7.0.3,,99999,,,,,\n"
        "d,10.7.0.4,,,zz,,,,\n"
        "e,10.7.0.5,,,,T9,,,\n"
        "f,10.7.0.6,,,,,nobody,,\n"
        "g,10.7.0.7,,,,,,half,\n"
        "h,10.7.0.8,,,,,,,high\n"
        "i,10.7.0.9,,,,,,,,more\n"
        "j,10.7.0.300,,,,,,,\n"
        "k/1,10.7.0.10,,,,,,,\n"
        "good,10.7.0.11,,,,,,,\n"
        "l,10.7.0.1,,,,,,,\n"
    )
    assert sorted(mistakes(tmp_path, text), key=lambda line: int(line.split()[2].rstrip(":"))) == [
        "i.csv: line 3: host: is empty",
        "i.csv: line 4: port: '0' is no port",
        "i.csv: line 5: http_port: '99999' is no port",
        "i.csv: line 6: mac: 'zz' is no MAC address",
        "i.csv: line 7: feeder: T9 is no feeder",
        "i.csv: line 8: credentials: nobody is not in [credentials]",
        "i.csv: line 9: intended: half must be full, low, sleep, limit:<W> or profile:<name>",
        "i.csv: line 10: priority: 'high' is no whole number",
        "i.csv: line 11: 10 fields for 9 columns",
        "i.csv: line 12: host: '10.7.0.300' is no address",
        "i.csv: line 13: id: 'k/1' must be up to 128 letters without blanks, / # +",
        "i.csv: line 14: good stands in line 2 already",
        "i.csv: line 15: 10.7.0.1:4028 stands in line 2 already",
    ]


def test_a_mac_and_a_serial_stand_in_an_inventory_once(tmp_path):
    text = (
        "id,host,mac,serial\n"
        "a,10.7.0.1,02:00:00:00:00:01,SERIAL-1\n"
        "b,10.7.0.2,02-00-00-00-00-01,\n"
        "c,10.7.0.3,,serial-1\n"
        "d,10.7.0.4,00:00:00:00:00:00,0\n"
        "e,10.7.0.5,00:00:00:00:00:00,0\n"
    )
    assert mistakes(tmp_path, text) == [
        "i.csv: line 3: mac 02-00-00-00-00-01 stands in line 2 already",
        "i.csv: line 4: serial serial-1 stands in line 2 already",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "i.csv: line 1: there is no column host; columns are id, host, "),
        ("id,name\n", "i.csv: line 1: 'name' is no column; columns are "),
        ("host,host\n", "i.csv: line 1: column host stands twice; columns are "),
        ("host\n10.7.0.1\n\x00\n", "i.csv: line "),
    ],
)
def test_an_inventory_of_other_columns_is_refused(tmp_path, text, said):
    assert mistakes(tmp_path, text)[0].startswith(said)


def test_an_id_in_two_files_names_both_places(tmp_path):
    said = mistakes(tmp_path, "id,host\n10.7.0.9,10.7.0.1\n", '[[miners]]\nhosts = ["10.7.0.8-10.7.0.9"]\n')
    assert said == ["farm.toml: miners.1.hosts.0: 10.7.0.9 stands in i.csv line 2 already"]


def test_an_inventory_that_is_no_text_is_said(tmp_path):
    (tmp_path / "i.csv").write_bytes(b"host\n\xff\n")
    with pytest.raises(ConfigError, match=r"^i\.csv: cannot be read: "):
        parse(CSV, folder=tmp_path)


@pytest.mark.pure
def test_more_machines_than_an_agent_is_built_for_are_refused():
    with pytest.raises(ConfigError, match=f"more than {MOST_PLACES} machines"):
        miners('hosts = ["10.0.0.0/15", "10.8.0.0/15"]\n')


@pytest.mark.pure
def test_a_hundred_thousand_rows_are_read_in_a_few_seconds():
    text = "id,host,tags\n" + "".join(f"m{n},10.{n >> 16}.{n >> 8 & 255}.{n & 255},a;b\n" for n in range(100_000))
    began = time.process_time()
    rows, wrong = read_inventory(text)
    assert (len(rows), wrong) == (100_000, [])
    assert time.process_time() - began < 5


def test_what_an_inventory_says_of_a_place_reaches_the_fleet(tmp_path):
    rows = "IP Address,MAC Address,Serial Number,Rack,Position\n10.7.0.1,02:00:00:aa:bb:01,S-1,R3,07\n"
    (miner,) = miners_of(from_csv(tmp_path, rows))
    assert (miner.mac, miner.serial, miner.rack, miner.position) == ("02:00:00:aa:bb:01", "S-1", "R3", "07")
