"""`bench bill`: a row for each sort of tariff."""

import json

import pytest

from agent.cli import bench_bill

pytestmark = pytest.mark.pure


def test_each_sort_of_tariff_has_its_row_and_target(say, monkeypatch):
    monkeypatch.setattr(bench_bill, "RUNS", 1)
    said = say("bench", "bill", "--json")
    rows = json.loads(said.stdout)["rows"]
    assert [row["name"] for row in rows] == [
        "a year, times of use",
        "a year, hours of use",
        "a year, demand",
        "a year, price series",
        "price at an instant",
    ]
    assert {(row["unit"], row["target"]) for row in rows} == {("s", 1.0), ("us", 20.0)}
    assert said.exit_code == int(any(not row["ok"] for row in rows))
