"""The past in its own file: what is kept, how finely, for how long, and what happens where it cannot be."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import structlog

from agent.ledger.history import History, Kept
from agent.past import MinerColumns, SitePoint

START = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
MINUTE, FIVE = timedelta(minutes=1), timedelta(minutes=5)
WRITES = """
import asyncio, sys
from pathlib import Path
from tests.ledger.test_history import FIVE, MINUTE, START, columns, minute
from agent.ledger.history import History, Kept

async def write():
    past = History(Path(sys.argv[1]), ["a"], Kept())
    for at in range(10):
        past.keep_site(minute(at))
    past.keep_miners(START, lambda: columns([3000.0]))
    await asyncio.get_running_loop().run_in_executor(past._writer, lambda: print("written", flush=True))
    await asyncio.sleep(60)

asyncio.run(write())
"""


def minute(at, **changes):
    told = {"power_w": 1000.0 * at, "power_max_w": 1000.0 * at + 500, "cap_w": 50_000.0, "miners": {"hashing": at}}
    return SitePoint(at=START + at * MINUTE, **{**told, **changes})


def columns(power_w, *, state=1, hashrate_ths=100.0, hottest_c=70.0):
    n = len(power_w)
    figures = [np.array(power_w), np.full(n, hashrate_ths), np.full(n, hottest_c)]
    return MinerColumns(
        state=np.full(n, state, np.int8), power_w=figures[0], hashrate_ths=figures[1], hottest_c=figures[2]
    )


@asynccontextmanager
async def history(path, miners=("a", "b"), **kept):
    past = History(path / "history.db", miners, Kept(**kept))
    try:
        yield past
    finally:
        await past.close()


async def written(past):
    """Return once all that was handed over is written."""
    await asyncio.get_running_loop().run_in_executor(past._writer, lambda: None)


async def test_minutes_come_back_as_they_were_and_what_is_unknown_stays_unknown(tmp_path):
    async with history(tmp_path) as past:
        past.keep_site(minute(1))
        past.keep_site(minute(2, power_w=None, power_max_w=None, cap_w=None))
        await written(past)
        found = await past.site(START, START + 3 * MINUTE, 60)
    assert [point.power_w for point in found] == [1000.0, None]
    assert found[0].at == START + MINUTE
    assert found[0].miners["hashing"] == 1
    assert (found[1].cap_w, found[1].hashrate_ths, found[1].price_per_kwh) == (None, None, None)


async def test_a_gap_is_left_out_and_never_filled(tmp_path):
    async with history(tmp_path) as past:
        for at in (0, 1, 7, 8):
            past.keep_site(minute(at))
        await written(past)
        found = await past.site(START, START + 10 * MINUTE, 60)
        coarse = await past.site(START, START + 10 * MINUTE, 120)
    assert [(point.at - START) // MINUTE for point in found] == [0, 1, 7, 8]
    assert [(point.at - START) // MINUTE for point in coarse] == [0, 6, 8]


async def test_a_coarse_step_tells_means_the_highest_draw_and_the_most_above_the_cap(tmp_path):
    async with history(tmp_path) as past:
        past.keep_site(minute(0, power_w=2000.0, power_max_w=9000.0, cap_w=8000.0, excess_w=1000.0))
        past.keep_site(minute(1, power_w=4000.0, power_max_w=4500.0, cap_w=3000.0, excess_w=0.0))
        await written(past)
        (found,) = await past.site(START, START + 5 * MINUTE, 300)
    assert (found.power_w, found.power_max_w, found.cap_w, found.excess_w) == (3000.0, 9000.0, 5500.0, 1000.0)


async def test_a_machine_is_kept_over_hours_that_are_packed_and_the_one_under_way(tmp_path):
    async with history(tmp_path) as past:
        for at in range(30):
            past.keep_miners(START + at * FIVE, lambda at=at: columns([3000.0 + at, 1500.0]))
            await written(past)
        found = await past.miner("a", START, START + 30 * FIVE)
        other = await past.miner("b", START + 11 * FIVE, START + 13 * FIVE)
    assert [(point.at - START) // FIVE for point in found] == [*range(30)]
    assert [point.power_w for point in found] == pytest.approx([3000.0 + at for at in range(30)], abs=2)
    assert {(point.state, point.hashrate_ths, point.hottest_c) for point in found} == {("hashing", 100.0, 70.0)}
    assert [(point.at - START) // FIVE for point in other] == [11, 12]


async def test_of_a_machine_what_is_unknown_is_none_and_never_zero(tmp_path):
    async with history(tmp_path) as past:
        lost = columns([3000.0, 0.0], state=6, hashrate_ths=np.nan, hottest_c=np.nan)
        past.keep_miners(START, lambda: lost)
        await written(past)
        (found,) = await past.miner("a", START, START + FIVE)
        (zero,) = await past.miner("b", START, START + FIVE)
    assert (found.state, found.hashrate_ths, found.hottest_c) == ("unreachable", None, None)
    assert zero.power_w == 0.0


async def test_a_machine_keeps_its_past_when_the_inventory_is_another(tmp_path):
    async with history(tmp_path, ["a", "b"]) as past:
        past.keep_miners(START, lambda: columns([3000.0, 1000.0]))
        await written(past)
    async with history(tmp_path, ["new", "b"]) as past:
        past.keep_miners(START + FIVE, lambda: columns([500.0, 2000.0]))
        await written(past)
        found = {miner: await past.miner(miner, START, START + 2 * FIVE) for miner in ("a", "b", "new", "nobody")}
    assert [point.power_w for point in found["a"]] == [3000.0]
    assert [point.power_w for point in found["b"]] == [1000.0, 2000.0]
    assert [point.power_w for point in found["new"]] == [500.0]
    assert found["nobody"] == []


async def test_more_machines_than_a_part_holds_are_each_themselves(tmp_path):
    ids = [f"m{row}" for row in range(600)]
    async with history(tmp_path, ids) as past:
        past.keep_miners(START, lambda: columns([float(row) for row in range(600)]))
        past.keep_miners(START + timedelta(hours=1), lambda: columns([float(row) for row in range(600)]))
        await written(past)
        for row in (0, 255, 256, 599):
            found = await past.miner(f"m{row}", START, START + timedelta(hours=2))
            assert [point.power_w for point in found] == [row, row]


async def test_what_is_older_than_it_is_kept_for_is_dropped(tmp_path):
    day = timedelta(days=1)
    async with history(tmp_path, site_days=2, miner_days=1) as past:
        past.keep_site(minute(0))
        past.keep_miners(START, lambda: columns([3000.0, 3000.0]))
        past.keep_miners(START + 1.5 * day, lambda: columns([3000.0, 3000.0]))
        await written(past)
        assert len(await past.site(START, START + day, 60)) == 1
        assert await past.miner("a", START, START + day) == []
        past.keep_miners(START + 3 * day, lambda: columns([3000.0, 3000.0]))
        await written(past)
        assert await past.site(START, START + day, 60) == []


def test_a_killed_agent_has_kept_every_minute_that_was_over(tmp_path):
    path = tmp_path / "history.db"
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, path], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    try:
        assert child.stdout.readline() == b"written\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

    async def left():
        async with history(tmp_path) as past:
            return await past.site(START, START + 10 * MINUTE, 60), await past.miner("a", START, START + FIVE)

    minutes, machine = asyncio.run(left())
    assert len(minutes) == 10
    assert [point.power_w for point in machine] == [3000.0]


async def test_a_full_disk_is_said_once_and_the_past_goes_on_when_there_is_room_again(tmp_path):
    async with history(tmp_path) as past:
        past.keep_site(minute(0))
        await written(past)
        past._connection.execute("PRAGMA max_page_count = 1")
        with structlog.testing.capture_logs() as said:
            for at in range(1, 400):
                past.keep_site(minute(at))
                await written(past)
        assert [line["log_level"] for line in said] == ["error"]
        assert "control goes on" in said[0]["event"]
        past._connection.execute("PRAGMA max_page_count = 100000")
        past.keep_site(minute(500))
        await written(past)
        assert (await past.site(START, START + 600 * MINUTE, 60))[-1].at == START + 500 * MINUTE


async def test_a_file_that_is_no_history_is_left_alone_and_there_is_no_past(tmp_path):
    (tmp_path / "history.db").write_bytes(b"this is something else" * 100)
    with structlog.testing.capture_logs() as said:
        async with history(tmp_path) as past:
            past.keep_site(minute(0))
            await written(past)
            assert await past.site(START, START + MINUTE, 60) == []
    assert "not a database" in said[0]["error"]
    assert (tmp_path / "history.db").read_bytes().startswith(b"this is something else")


async def test_where_nothing_was_written_yet_there_is_no_past(tmp_path):
    async with history(tmp_path) as past:
        assert await past.site(START, START + MINUTE, 60) == []
        assert await past.miner("a", START, START + MINUTE) == []
