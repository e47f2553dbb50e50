"""What benchmarks print and how they end, on farms so small that nothing of it is a measure."""

import json

import pytest

from agent.cli import bench_curtail, bench_plan, bench_poll, bench_scrape
from agent.cli.bench import Row, show
from drivers.cgminer import Cgminer
from drivers.interface import Identity, Target


def test_a_bench_prints_its_rows_and_who_was_skipped_and_ends_with_1_where_a_target_is_missed(capsys):
    rows = [Row(name="a", value=1.5, unit="ms", target=2.0, ok=True), Row(name="b", value=3.0, unit="x")]
    assert show(rows, as_json=True, skipped=["pyasic"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["skipped"] == ["pyasic"]
    assert [set(row) for row in told["rows"]] == [{"name", "value", "unit", "target", "ok", "detail"}] * 2
    assert show([Row(name="a", value=3.0, unit="ms", target=2.0, ok=False)], as_json=False) == 1
    assert "MISSED" in capsys.readouterr().out


def test_the_reply_that_is_decoded_is_a_joined_one_of_some_6_kb_with_every_figure():
    raw = bench_poll.joined_reply()
    reading = bench_poll._read(Cgminer(Target(host="x"), Identity(driver="cgminer")), raw)
    assert 5_500 < len(raw) < 6_500
    assert (reading.state, len(reading.boards), len(reading.pools)) == ("hashing", 4, 3)
    assert reading.hashrate_ths == pytest.approx(9.505, rel=1e-3)


def test_a_plan_and_a_scrape_are_measured(monkeypatch):
    for module in (bench_plan, bench_scrape):
        monkeypatch.setattr(module, "RUNS", 1)
    monkeypatch.setattr(bench_scrape, "JUDGED", 50)
    planned = {row.name: row for row in bench_plan.bench_plan(miners=60)}
    scraped = {row.name: row for row in bench_scrape.bench_scrape(miners=60)}
    assert {"the best plan", "a tick that decides"} < set(planned)
    assert {"CPU of a scrape", "loop lag meanwhile"} < set(scraped)
    assert all(row.value > 0 for row in (*planned.values(), *scraped.values()))


def test_who_was_not_told_or_late_is_a_missed_target():
    def row(**run):
        told = {"out_s": 2.0, "told": 10, "lags_s": [0.001] * 100, "own_cpu_s": 1.0, "farm_cpu_s": 1.0} | run
        return {one.name: one for one in bench_curtail._rows(10, [bench_curtail.Stopped(**told)] * 3)}

    assert not [one for one in row().values() if one.ok is False]
    assert row(told=9)["the last was told after"].ok is False
    assert row(out_s=11.0)["the last was told after"].ok is False
    assert row(lags_s=[0.03] * 100)["loop lag, p99"].ok is False
