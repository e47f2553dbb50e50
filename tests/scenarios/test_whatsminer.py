"""WhatsMiners alone, over their encrypted commands: passwords that are not ours, tokens that others hold."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.stage import stage

GOOD, FOREIGN = 10, 2
TOKENS = 32
MIX = "".join(f'[[mix]]\nmake = "WhatsMiner"\nmodel = "{model}"\nshare = 1\n' for model in ("M30S++", "M50", "M60S"))
GUESS = """[[miners]]
hosts = ["127.0.0.1:{first}-{last}"]

[[miners]]
hosts = ["127.0.0.1:{foreign}-{end}"]
credentials = "guess"

[credentials.guess]
logins = [{{ user = "admin", password = "file:{password}" }}]
"""


@pytest.mark.lasts(60)
async def test_whatsminers_are_stopped_and_restored_but_for_those_that_take_no_word_of_ours(tmp_path):
    async with stage(tmp_path, GOOD + FOREIGN, start=False, mix=MIX) as site:
        ports = [miner["port"] for miner in (await site.farm("/state"))["miners"]]
        _guess_the_last(site, ports)
        full, filling, foreign = ports[0], ports[1], ports[GOOD:]
        await _take_tokens(full, TOKENS)
        await site.start()
        await site.until_known(GOOD + FOREIGN, 60)
        before_w = await site.true_draw_w()

        start = datetime.now(UTC) + timedelta(hours=1)
        await site.order(starts_at=start.isoformat())
        await site.until(lambda: _prepared(site, ok=GOOD - 1, refused=FOREIGN + 1), 18)
        await _take_tokens(filling, TOKENS)  # all that are left: the one that the agent holds serves
        assert not await site.writes()

        await site.order(revision=2)
        await site.until(lambda: _sleep(site, GOOD - 1), 70)
        await site.until(lambda: _all_refused(site, FOREIGN + 1), 30)
        await site.until_metered()
        await site.order(revision=3, comply_by_s=1)
        ack = await site.dispatcher.ack("o1", "violated", 30)
        assert "awake: 3 not asleep" in ack["reason"]
        awake = {m["port"]: m for m in (await site.farm("/state"))["miners"] if m["state"] != "sleeping"}
        assert set(awake) == {full, *foreign}
        assert ack["shortfall_w"] == pytest.approx(await site.true_draw_w() - ack["cap_w"], rel=0.1)
        refused = await _refused(site)
        assert {f"127.0.0.1:{port}" for port in (full, *foreign)} == set(refused)
        assert "no login is accepted, tried admin" in refused[f"127.0.0.1:{foreign[0]}"]
        assert "over max connect" in refused[f"127.0.0.1:{full}"]

        await site.order(revision=4, status="cancelled")
        await site.dispatcher.ack("o1", "closed", 120)
        await site.until(lambda: _is_back(site, before_w), 60)
        written = {write["port"] for write in await site.writes()}
        assert written == set(ports) - {full, *foreign}


def _guess_the_last(site, ports):
    """Give the last machines a password that is not theirs."""
    password = site.folder / "password"
    password.write_text("guess")
    password.chmod(0o600)
    groups = GUESS.format(first=ports[0], last=ports[GOOD - 1], foreign=ports[GOOD], end=ports[-1], password=password)
    told = re.sub(r"\[\[miners\]\]\nhosts = .*\n", lambda _: groups, site.config.read_text())
    site.config.write_text(told)


async def _take_tokens(port, count):
    """Ask for tokens as another client does, and keep them."""
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b'{"cmd":"get_token"}')
        async with asyncio.timeout(10):
            assert json.loads((await reader.read()).rstrip(b"\0"))["Code"] in {134, 136}
        writer.close()
        await writer.wait_closed()


async def _prepared(site, *, ok, refused):
    text = (await site.read("/metrics")).decode()
    return _count(text, "ok") == ok and _count(text, "refused") >= refused  # who refused is asked again in time


def _count(text, result):
    found = re.search(rf'hashwatt_commands_total\{{command="prepare",result="{result}"[^}}]*\}} (\S+)', text)
    return 0 if found is None else int(float(found[1]))


async def _sleep(site, count):
    """Whether so many sleep and the agent has seen it."""
    return (await site.site())["miners"].get("sleeping") == (await site.states()).get("sleeping") == count


async def _all_refused(site, count):
    return len(await _refused(site)) == count


async def _refused(site):
    """Return what each machine that refused said, by miner."""
    events = (await site.api("/api/v1/events?kind=CommandRefused"))["items"]
    return {event["miner"]: event["error"] for event in events}


async def _is_back(site, before_w):
    return await site.true_draw_w() >= 0.95 * before_w
