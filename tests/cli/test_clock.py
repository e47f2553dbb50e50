"""`clock`: whether the host's clock is trusted, and a hand's word that it is right."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

from agent.trusted_time import Standing
from tests.outputs.farm import NOW, START, TOKENS, serving


async def test_a_doubted_clock_is_told_and_confirmed_by_a_hand(say):
    async with serving() as client:
        at = ("--url", client.base, "--token", TOKENS["operator"])
        assert (await asyncio.to_thread(say, "clock", *at)).stdout.startswith("trusted: it is 2027-01-15T12:00:00")
        refused = await asyncio.to_thread(say, "clock", "trust", "--by", "Aigul", *at)
        assert (refused.exit_code, "not doubted" in refused.stderr) == (1, True)

        client.desk.now = replace(NOW, latest=START + timedelta(hours=1))
        client.desk.standing = Standing(off_s=3600.0, doubted_since=NOW.mono - 60)
        said = (await asyncio.to_thread(say, "clock", "status", *at)).stdout
        assert "doubted since 2027-01-15T11:59:00.000Z" in said
        assert "+3,600 s" in said
        assert json.loads((await asyncio.to_thread(say, "clock", "--json", *at)).stdout)["off_s"] == 3600.0

        client.desk.now = replace(NOW, earliest=START - timedelta(minutes=1))
        said = await asyncio.to_thread(say, "clock", "trust", "--by", "Aigul", *at)
        assert (said.exit_code, "until it has caught up" in said.stdout) == (0, True)
