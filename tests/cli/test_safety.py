"""`safety`: what has tripped, loudly, and a hand's word that it is over."""

import asyncio
import json
from dataclasses import replace

from tests.outputs.farm import NOW, TOKENS, serving


def trip(client):
    client.desk.safety.heard("smoke-T1", value=True, mono=NOW.mono)
    client.desk.safety.look([], NOW)


async def test_the_shell_lists_says_loudly_and_clears(say):
    async with serving() as client:
        at = ("--url", client.base, "--token", TOKENS["operator"])

        async def ran(*words):
            return await asyncio.to_thread(say, *words, *at)

        assert "0 of 1 have tripped" in (await ran("safety")).stdout
        trip(client)
        assert "TRUE since 2027-01-15T12:00:00.000Z" in (await ran("safety")).stdout
        assert "SAFETY: smoke-T1 sheds T1: TRUE since" in (await ran("status")).stdout
        refused = await ran("safety", "clear", "smoke-T1", "--by", "Aigul")
        assert (refused.exit_code, "still says true" in refused.stderr) == (1, True)
        client.desk.now = replace(NOW, mono=NOW.mono + 1)
        client.desk.safety.heard("smoke-T1", value=False, mono=NOW.mono + 1)
        cleared = await ran("safety", "clear", "smoke-T1", "--by", "Aigul", "--json")
        assert json.loads(cleared.stdout[cleared.stdout.index("{") :])["by"] == "Aigul (operator-1)"
