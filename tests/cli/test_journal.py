"""`journal`: what happened, in words and by the site's clock, from an agent or its store, followed as it happens."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import IntendedChanged, LevelsSeen, OrderMoved
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from tests.outputs.farm import TOKENS, serving

AT = datetime(2026, 11, 12, 6, 30, tzinfo=UTC)
FACTS = (
    IntendedChanged(at=AT, level="sleep", miners=["a1"], by="Aigul"),
    OrderMoved(at=AT + timedelta(minutes=1), order_id="o1", revision=1, seq=1, event="start", state="active"),
    LevelsSeen(at=AT + timedelta(minutes=2), levels={"sleep": ["a1"]}),
)
SHELL = (sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())")


@pytest.fixture
async def state_dir(tmp_path):
    ledger = Ledger(Store("sqlite:///hashwatt.db", tmp_path))
    await ledger.append(FACTS)
    await ledger.close()
    return tmp_path


async def test_an_agent_tells_in_words_newest_last_by_its_sites_clock(say):
    async with serving(timezone="Asia/Bishkek") as client:
        client.desk.facts += FACTS
        at = ("--url", client.base, "--token", TOKENS["viewer"])
        said = await asyncio.to_thread(say, "journal", *at)
        assert said.stdout.splitlines() == [
            "2026-11-12 12:30:00+06:00  Aigul wants a1 at sleep",
            "2026-11-12 12:31:00+06:00  Order o1 is active",
        ], said.stderr
        told = json.loads((await asyncio.to_thread(say, "journal", *at, "--json", "--all", "--limit", 2)).stdout)
        assert [item["number"] for item in told["items"]] == [2, 3]
        assert told["items"][0]["at"] == "2026-11-12T06:31:00Z"
        assert told["next"] == "2"


async def test_without_an_agent_the_store_tells_what_is_asked_for(say, state_dir):
    def lines(*options):
        said = say("journal", "--state-dir", state_dir, *options)
        assert said.exit_code == 0, said.stderr
        return [line.partition("  ")[2] for line in said.stdout.splitlines()]

    assert lines("--order", "o1") == ["Order o1 is active"]
    assert lines("--miner", "a1") == ["Aigul wants a1 at sleep", "Seen: 1 machine to sleep"]
    assert lines("--kind", "LevelsSeen") == ["Seen: 1 machine to sleep"]
    assert lines("--since", "2026-11-12T12:31:00+06:00") == ["Order o1 is active"]
    assert lines("--until", "2026-11-12T12:31:00+06:00") == ["Aigul wants a1 at sleep"]
    assert lines("--limit", 1) == ["Order o1 is active"]
    assert lines("--since", "-2h", "--until", "-1h") == []


@pytest.mark.parametrize("option", [("--kind", "Nothing"), ("--since", "yesterday"), ("--until", "-2x")])
def test_what_cannot_be_meant_is_exit_2_and_named(say, tmp_path, option):
    said = say("journal", "--state-dir", tmp_path, *option)
    assert (said.exit_code, option[0] in said.stderr) == (2, True)


async def test_what_happens_is_followed_line_by_line_until_a_key_ends_it(state_dir):
    environ = {name: told for name, told in os.environ.items() if not name.startswith("HASHWATT")}
    told = ("journal", "--follow", "--json", "--order", "o1", "--state-dir", str(state_dir))
    shell = await asyncio.create_subprocess_exec(*SHELL, *told, stdout=asyncio.subprocess.PIPE, env=environ)
    async with asyncio.timeout(60):
        assert json.loads(await shell.stdout.readline())["seq"] == 1
        ledger = Ledger(Store("sqlite:///hashwatt.db", state_dir))
        await ledger.append([OrderMoved(at=AT, order_id="o1", revision=1, seq=2, event="comply", state="complied")])
        await ledger.close()
        assert json.loads(await shell.stdout.readline())["seq"] == 2
        shell.send_signal(signal.SIGINT)
        assert await shell.wait() == 0
