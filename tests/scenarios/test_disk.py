"""A disk that takes nothing more while an order is in force: shedding goes on, raising stops, and nothing is lost.

Once the agent's files may not grow any further, by a limit of its own process: the machine's disk stays as it is. Once
its state lies on a small disk of its own, which another file fills to the last byte: there no file at all can be made.
"""

import os
import resource
import shutil
import subprocess

import pytest

from tests.scenarios.stage import stage

NO_LIMIT = resource.RLIM_INFINITY
NOTHING = 1
"""Bytes of a file that may be written."""
BLOCK = b"\0" * 4096
OWN_DISK = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=16m,mode=700 tmpfs "$0" && exec "$@"')


@pytest.mark.lasts(40)
async def test_on_a_full_disk_a_stop_is_shed_for_its_end_raises_nobody_and_all_is_told_when_there_is_room(tmp_path):
    async with stage(tmp_path, 12) as site:
        await _held(site, lambda: _let_write(site, NOTHING), lambda: _let_write(site, NO_LIMIT))


@pytest.mark.lasts(40)
async def test_on_a_disk_of_its_own_that_another_file_fills_it_is_so_as_well(tmp_path):
    _need_mounts(tmp_path)
    async with stage(tmp_path, 12, start=False) as site:
        site.state_dir.mkdir()
        await site.start(within=(*OWN_DISK, str(site.state_dir)))
        ballast = site.state_dir / "ballast"
        await _held(site, lambda: _fill(ballast), ballast.unlink)


async def _held(site, fill, free):
    """Hold a cap, then a stop whose order and end come while the disk is full, and tell it all when there is room."""
    await site.until_known(12, 60)
    full_w = await site.true_draw_w()
    await site.order(limit={"max_import_kw": 0.6 * full_w / 1000})
    await site.dispatcher.ack("o1", "complied", 60)

    fill()
    await site.order(order_id="o2")
    await site.until(lambda: _all_sleep(site), 60)
    assert "the ledger cannot be written" in await site.not_ready()
    assert site.dispatcher.states("o2") == []
    await site.dispatcher.cancel("o2")
    sent = await site.writes()
    await site.most_true_draw_w(5)
    assert await site.writes() == sent

    free()
    await site.dispatcher.ack("o2", "closed", 120)
    await site.until(lambda: _draws(site, 0.3 * full_w), 60)
    assert await site.most_true_draw_w(3) <= 0.61 * full_w
    acks = [ack for ack in site.dispatcher.acks if ack["order_id"] == "o2"]
    assert [ack["seq"] for ack in acks] == list(range(1, len(acks) + 1))
    assert {"active", "cancelled"} <= set(site.dispatcher.states("o2"))
    assert "violated" not in site.dispatcher.states("o1")
    assert (await site.evidence("o2")).count("OrderMoved") == len(acks)


def _let_write(site, most_bytes):
    resource.prlimit(site.agent.pid, resource.RLIMIT_FSIZE, (most_bytes, NO_LIMIT))


def _fill(ballast):
    """Leave no byte of the disk that a file lies on."""
    with ballast.open("wb", buffering=0) as file:
        while os.statvfs(ballast.parent).f_bavail:
            file.write(BLOCK)
        with pytest.raises(OSError, match="No space left"):
            file.write(BLOCK)
    assert os.statvfs(ballast.parent).f_bavail == 0


def _need_mounts(folder):
    """Skip where no disk can be mounted for the agent alone."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    tried = subprocess.run([*OWN_DISK, folder, "true"], capture_output=True, text=True, check=False, timeout=20)
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")


async def _all_sleep(site):
    """Whether all sleep and the agent has seen it: nobody is told a second time."""
    return (await site.site())["miners"].get("sleeping") == 12 and set(await site.states()) == {"sleeping"}


async def _draws(site, power_w):
    return await site.true_draw_w() > power_w
