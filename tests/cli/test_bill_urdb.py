"""`bill` of an OpenEI URDB record."""

import json
from datetime import UTC, datetime, timedelta

import pytest

HOUR = timedelta(hours=1)
FLAT = [[0] * 24 for _ in range(12)]
DAY = {"energyweekdayschedule": [[1 if 8 <= hour < 20 else 0 for hour in range(24)] for _ in range(12)]}


def record(**told):
    energy = {"energyratestructure": [[{"rate": 0.1}]], "energyweekdayschedule": FLAT, "energyweekendschedule": FLAT}
    return {"label": "made", "name": "A rate", **energy, **told}


@pytest.fixture
def run(tmp_path, say):
    """Bill rows under a record in the shell."""

    def said(told, rows, *arguments):
        (tmp_path / "record.json").write_text(json.dumps(told))
        (tmp_path / "load.csv").write_text(rows)
        return say("bill", "--tariff", tmp_path / "record.json", "--load", tmp_path / "load.csv", *arguments)

    return said


def rows(header, *values):
    start = datetime(2026, 7, 6, 18, tzinfo=UTC)
    return "\n".join([header, *(f"{(start + at * HOUR).isoformat()},{value}" for at, value in enumerate(values))])


def test_the_shell_bills_a_record_by_the_clock_of_a_zone(run):
    told = record(energyratestructure=[[{"rate": 0.1}], [{"rate": 0.3}]], **DAY)
    found = run(told, rows("start,kwh", 100, 100, 100), "--tz", "America/Denver", "--json")  # 12:00 to 15:00
    document = json.loads(found.stdout)
    assert (document["currency"], document["total"]) == ("USD", "90.00")
    [month] = document["months"]
    assert month["components"] == [{"name": "energy", "kind": "time_of_use", "party": "utility", "amount": "90"}]


def test_the_shell_names_the_key_that_a_load_cannot_meet(run):
    told = record(demandreactivepowercharge=0.4)
    found = run(told, rows("start,kwh", 1, 1), "--tz", "UTC")
    assert found.exit_code == 2
    assert "record.json: demandreactivepowercharge: the load has no column kvarh" in found.stderr
    exported = run(record(), rows("start,kwh,export_kwh", "1,0", "1,5"), "--tz", "UTC")
    assert exported.exit_code == 2
    assert "record.json: dgrules: is required: the load exports" in exported.stderr
    quarters = "start,kwh,export_kwh\n2026-01-01T00:00Z,0,5\n2026-01-01T00:15Z,1,0\n"
    both = run(record(dgrules="Net Billing Hourly"), quarters, "--tz", "UTC")
    assert (both.exit_code, "both takes and exports in that of 2026-01-01 00:00:00+00:00" in both.stderr) == (2, True)
    unsold = run(record(), rows("start,kwh,export_kwh", "1,0", "1,0"), "--tz", "UTC")
    assert unsold.exit_code == 0


def test_a_record_from_elsewhere_takes_its_currency_from_the_shell(run):
    found = run(record(country="CAN"), rows("start,kwh", 1, 1), "--tz", "UTC", "--currency", "CAD", "--json")
    assert json.loads(found.stdout)["currency"] == "CAD"


def test_a_part_of_a_month_is_not_held_against_the_least_that_a_record_is_meant_for(run):
    july = [f"{(datetime(2026, 7, 1, tzinfo=UTC) + at * HOUR).isoformat()},1.5" for at in range(744)]
    for count, warned in ((743, False), (744, True)):
        found = run(record(peakkwhusagemin=5000), "\n".join(["start,kwh", *july[:count]]), "--tz", "UTC")
        assert ("at least 5000 kWh a month: 2026-07 has 1116" in found.stderr) is warned
