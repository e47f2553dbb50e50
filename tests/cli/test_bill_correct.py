"""`bill correct`: rows of a file become corrected reads of the agent's ledger, or what is wrong with it is said."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.outputs.farm import TOKENS, MemoryDesk, empty_book, serving, small_fleet
from tests.outputs.http.test_money import money_over
from tests.outputs.test_month_report import interval


async def test_a_file_of_reads_is_told_to_the_agent(say, tmp_path):
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    money.heard([money.priced(interval(0, 600, 300, 100))])
    desk.facts, file = [], tmp_path / "reads.csv"
    file.write_text("start,kwh\n2026-01-10T12:00:00Z,1.250\n")
    async with serving(desk, money=money) as client:
        at = ("bill", "correct", file, "--by", "Aida", "--url", client.base, "--token", TOKENS["operator"])
        said = await asyncio.to_thread(say, *at, "--why", "protocol 17")
        assert (said.exit_code, "corrected 1 intervals from 2026-01-10T12:00:00.000Z" in said.stdout) == (0, True)
        file.write_text("start,kwh\n2026-01-10T12:00:00Z,none\n")
        assert (await asyncio.to_thread(say, *at)).exit_code == 2
    [fact] = desk.facts
    assert [(read.start, read.kwh) for read in fact.reads] == [(datetime(2026, 1, 10, 12, tzinfo=UTC), "1.25")]
    assert fact.why == "protocol 17"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the first row must be start,kwh"),
        ("at,kwh\n", "the first row must be start,kwh"),
        ("start,kwh\n", "corrects nothing"),
        ("start,kwh\n2026-01-10T12:00:00Z\n", "row 1: has 1 cells where start,kwh are two"),
    ],
)
def test_a_file_that_is_none_is_refused(farm, say, tmp_path, text, sentence):
    (tmp_path / "reads.csv").write_text(text)
    said = say("bill", "correct", tmp_path / "reads.csv", "--by", "x")
    assert (said.exit_code, sentence in said.stderr) == (2, True)
