"""Seals by a person's own shell: they outlive kill -9, tell of what draws behind them, and come off by two persons."""

import asyncio

import pytest

from tests.scenarios.stage import PATIENCE, program, stage

MACHINES = 6
SEAL = ("--number", "004711", "--act", "12 of 2026-11-20", "--by", "A. Asanov")


@pytest.mark.lasts(45)
async def test_a_seal_outlives_kill_9_tells_of_a_draw_behind_it_and_comes_off_by_two_persons(tmp_path):
    async with stage(tmp_path, MACHINES) as site:
        await site.until_known(MACHINES)
        await site.order()
        await site.dispatcher.ack("o1", "complied", 60)
        code, said = await shell(site, "seal", "*", *SEAL)
        assert (code, f"{MACHINES} machines would be sealed" in said, await sealed(site)) == (0, True, [])
        assert (await shell(site, "seal", "*", *SEAL, "--yes"))[0] == 0
        assert len(await sealed(site)) == MACHINES

        await site.kill()
        await site.start()
        assert {seal["number"] for seal in await sealed(site)} == {"004711"}
        await site.until(lambda: sleeping(site), 60)

        miner = (await site.farm("/state"))["miners"][0]
        where = f"{miner['host']}:{miner['port']}"
        await site.farm("/faults", {"select": where, "fault": "lie", "for_s": None})
        await site.farm("/faults", {"select": where, "fault": "wake", "for_s": None})
        [broken] = await site.until(lambda: behind(site), 60)
        assert (broken["number"], broken["power_w"] > 500) == ("004711", True)
        assert f"{broken['miner']} draws" in (await shell(site, "status"))[1]
        await site.farm("/faults", {"select": where, "fault": "powercut", "for_s": None})
        await site.until(lambda: nothing_behind(site), 60)

        for second in (("--and", "a.  ASANOV"), ("--and", " "), ()):
            code, said = await shell(site, "unseal", "--number", "004711", "--by", "A. Asanov", *second)
            assert (code, len(await sealed(site))) == (2, MACHINES), said
        assert (await shell(site, "unseal", "m?", "--by", "A. Asanov", "--and", "B. Bekov"))[0] == 2
        code, said = await shell(site, "unseal", "--number", "004711", "--by", "A. Asanov", "--and", "B. Bekov")
        assert (code, await sealed(site)) == (0, []), said
        assert (await site.site())["miners"].get("hashing") == 0
        assert not [write for write in await site.writes() if write["wakes"]]
        assert {"SealPlaced", "SealBroken", "SealQuiet", "SealLifted"} <= set(await site.evidence("o1"))


async def shell(site, *words):
    """Run a command against the agent; return its exit code and what it said."""
    run = await program(*words, "--state-dir", site.state_dir, stderr=asyncio.subprocess.STDOUT)
    async with asyncio.timeout(30 * PATIENCE):
        said, _ = await run.communicate()
    return run.returncode, said.decode()


async def sealed(site):
    return (await site.api("/api/v1/seals"))["items"]


async def behind(site):
    return (await site.site())["seals"]["broken"]


async def nothing_behind(site):
    return not await behind(site)


async def sleeping(site):
    return (await site.site())["miners"].get("sleeping") == MACHINES
