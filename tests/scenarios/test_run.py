"""The daemon as a process: how it starts, what it refuses to start with, and how it ends."""

import asyncio
import shutil
import socket
import sys
import time

import pytest

from tests.scenarios.stage import PATIENCE, refused, stage

BARE_S = 0.3
"""What an interpreter takes on an idle host."""
BARE = """
[site]
id = "bare"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100
house_w = 0

[[miners]]
hosts = ["127.0.0.1:1"]
"""


async def _slowness():
    """Return how many times as long as on an idle host a process takes just now, at least 1."""
    began = time.monotonic()
    bare = await asyncio.create_subprocess_exec(sys.executable, "-c", "import asyncio")
    await bare.wait()
    return max(1.0, (time.monotonic() - began) / BARE_S)


def written(folder, text):
    (folder / "farm.toml").write_text(text)
    return ["run", "--config", folder / "farm.toml", "--state-dir", folder / "state"]


async def test_told_to_end_it_ends_at_once_says_so_and_wakes_nobody(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        await site.order()
        await site.dispatcher.ack("o1", "complied", 40)
        assert await site.retained("status") == "online"
        sent = await site.writes()
        slowness = await _slowness()
        began = time.monotonic()
        assert await site.end() == 0
        assert time.monotonic() - began < 5 * slowness
        assert await site.retained("status") == "offline"
        assert not (site.state_dir / "address").exists()
        assert await site.writes() == sent
        assert await site.states() == {"sleeping": 12}


async def test_a_second_run_on_the_same_state_is_refused_and_told_who_holds_it(tmp_path):
    async with stage(tmp_path, 4) as site:
        code, said = await refused("run", "--config", site.config, "--state-dir", site.state_dir)
        assert code == 3
        assert f"is held by process {site.agent.pid}" in said
        await site.until_known(4)


async def test_a_bad_configuration_is_refused_with_every_mistake(tmp_path):
    text = BARE.replace("connection_kw = 100", "connection_kw = 0\ncolour = 1") + '[control]\nmode = "perhaps"\n'
    code, said = await refused(*written(tmp_path, text))
    assert code == 2
    assert len(said.splitlines()) == 3
    for key in ("site.connection_kw", "site.colour", "control.mode"):
        assert key in said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(("text", "key"), [('[store]\nurl = "postgresql://db.example/hashwatt"\n', "store.url")])
async def test_a_key_that_would_loosen_control_if_it_were_ignored_is_refused(tmp_path, text, key):
    code, said = await refused(*written(tmp_path, BARE + text))
    assert code == 2
    assert f"{key}: not yet" in said


async def test_a_port_that_is_taken_is_told_by_name(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        code, said = await refused(*written(tmp_path, f'{BARE}[http]\nbind = "127.0.0.1:{port}"\n'))
    assert code == 3
    assert f"'127.0.0.1', {port}" in said
    assert "in use" in said


async def test_promtool_is_content_with_a_running_agent(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        await site.order(limit={"max_import_kw": 20})
        await site.dispatcher.ack("o1", "complied", 40)
        told = await site.read("/metrics")
    assert b"hashwatt_order_state{" in told
    promtool = await asyncio.create_subprocess_exec(
        shutil.which("promtool"), "check", "metrics",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(20 * PATIENCE):
        said, _ = await promtool.communicate(told)
    assert (promtool.returncode, said) == (0, b"")


async def test_in_observe_mode_nothing_is_sent_and_acks_say_so(tmp_path):
    async with stage(tmp_path, 12, mode="observe") as site:
        await site.until_known(12)
        draw_w = await site.true_draw_w()
        await site.order(comply_by_s=3)
        ack = await site.dispatcher.ack("o1", "violated", 20)
        assert abs(ack["observed_w"] - draw_w) < 0.02 * draw_w
        assert ack["shortfall_w"] > 0.9 * draw_w
        assert all("observe: nothing is sent" in told["reason"] for told in site.dispatcher.acks)
        assert await site.writes() == []
        assert await site.states() == {"hashing": 12}
