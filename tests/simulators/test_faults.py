"""Every fault as a client sees it over a real socket."""

import asyncio
import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from simulators.faults import Scheduled
from simulators.physics import Phase
from tests.simulators.farms import CGMINER, ask, client, farm, talk, until

VERSION = b'{"command":"version"}'


@pytest.fixture
async def small():
    async with farm(CGMINER, CGMINER, time_scale=50, delay_scale=0.05) as made:
        yield made


@pytest.fixture
def miner(small):
    return small.machines[0]


def break_(small, fault, for_s=None, select=None):
    first = small.machines[0]
    return small.inject(
        Scheduled(at_s=0, select=select or f"{first.host}:{first.port}", fault=fault, for_s=for_s),
    )


@contextmanager
def still(small):
    """Let next to no time of the farm pass."""
    before = small.options
    small.options = replace(before, time_scale=0.01)
    yield
    small.options = before


async def test_a_dead_machine_resets_its_clients_and_hashes_on(small, miner):
    break_(small, "dead")
    with pytest.raises(ConnectionError):
        await talk(miner, VERSION)
    assert small.physics.power_w[0] > 0.9 * miner.nameplate_w


async def test_a_dead_machine_leaves_its_neighbour_alone(small):
    break_(small, "dead")
    assert "VERSION" in await ask(small.machines[1], "version")


async def test_a_hanging_machine_accepts_and_says_nothing(small, miner):
    break_(small, "hang")
    async with client(miner.host, miner.port) as (reader, writer):
        writer.write(VERSION)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)


async def test_half_a_reply_ends_before_its_nul(small, miner):
    whole = await talk(miner, VERSION)
    break_(small, "half")
    assert await talk(miner, VERSION) == whole[: len(whole) // 2]


async def test_garbage_is_no_reply(small, miner):
    break_(small, "garbage")
    with pytest.raises(ValueError, match="utf-8"):
        json.loads((await talk(miner, VERSION)).rstrip(b"\0"))


async def test_a_slow_machine_gives_a_byte_at_a_time(small, miner):
    break_(small, "slow")
    async with client(miner.host, miner.port) as (reader, writer):
        writer.write(VERSION)
        async with asyncio.timeout(60):
            assert await reader.readexactly(2) == b'{"'
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.readexactly(1)


async def test_a_reset_instead_of_a_reply(small, miner):
    break_(small, "rst")
    with pytest.raises(ConnectionResetError):
        await talk(miner, VERSION)


async def test_a_liar_acknowledges_and_does_nothing(small, miner):
    break_(small, "lie")
    for device in "012":
        assert (await ask(miner, "ascdisable", device))["STATUS"][0]["Code"] == 111
    assert {row["Enabled"] for row in (await ask(miner, "devs"))["DEVS"]} == {"Y"}
    assert [write.command for write in small.writes] == ["ascdisable 0", "ascdisable 1", "ascdisable 2"]


async def test_a_machine_wakes_by_itself(small, miner):
    for device in "012":
        await ask(miner, "ascdisable", device)
    await until(lambda: small.physics.phase[0] == Phase.SLEEPING)
    break_(small, "wake")
    await until(lambda: small.physics.phase[0] == Phase.HASHING)
    assert {row["Enabled"] for row in (await ask(miner, "devs"))["DEVS"]} == {"Y"}
    assert not any(write.wakes for write in small.writes)


async def test_a_reboot_is_an_absence_after_which_the_counters_begin_anew(small, miner):
    with still(small):
        break_(small, "reboot")
        with pytest.raises(ConnectionError):
            await talk(miner, VERSION)
    await until(lambda: small.physics.phase[0] > Phase.BOOTING)
    (row,) = (await ask(miner, "summary"))["SUMMARY"]
    assert row["Elapsed"] < 1000


async def test_a_lost_board_costs_a_third_until_it_is_mended(small, miner):
    with still(small):
        break_(small, "board", for_s=25)
        assert [row["Status"] for row in (await ask(miner, "devs"))["DEVS"]] == ["Alive", "Alive", "Dead"]
    await until(lambda: small.physics.power_w[0] < 0.75 * miner.nameplate_w)
    await until(lambda: small.physics.power_w[0] > 0.9 * miner.nameplate_w)


async def test_without_a_pool_it_idles_and_is_back_when_the_pool_is(small, miner):
    break_(small, "pool", for_s=25)
    await until(lambda: small.physics.power_w[0] < 250)
    assert {row["Status"] for row in (await ask(miner, "pools"))["POOLS"]} == {"Dead"}
    await until(lambda: small.physics.power_w[0] > 0.9 * miner.nameplate_w)


async def test_a_power_cut_takes_power_and_voice_and_a_cold_boot_follows(small, miner):
    with still(small):
        break_(small, "powercut", for_s=20)
        await until(lambda: small.physics.power_w[0] == 0)
        with pytest.raises(ConnectionError):
            await talk(miner, VERSION)
    await until(lambda: small.physics.phase[0] == Phase.HASHING)
    assert (await ask(miner, "summary"))["SUMMARY"][0]["Elapsed"] < 1000


async def test_a_fault_ends_in_its_time(small, miner):
    break_(small, "dead", for_s=10)
    await until(lambda: small.faults.of(0) is None)
    assert "VERSION" in await ask(miner, "version")


async def test_a_fault_of_no_time_ends_the_one_that_there_is(small, miner):
    break_(small, "hang")
    break_(small, "hang", for_s=0)
    assert "VERSION" in await ask(miner, "version")


async def test_one_fault_of_the_wire_takes_the_place_of_another_and_the_rest_come_on_top(small):
    break_(small, "hang")
    break_(small, "pool")
    break_(small, "lie")
    break_(small, "rst")
    assert small.faults.of(0) == "rst"
    assert sorted(small.faults.every(0)) == ["lie", "pool", "rst"]


async def test_a_share_of_the_farm_is_the_same_machines_each_time():
    async with farm(miners=40) as made:
        assert break_(made, "rst", select="25%") == 10
        hit = {at for at in range(40) if made.faults.of(at) == "rst"}
        assert break_(made, "hang", select="10%") == 4
        assert {at for at in range(40) if made.faults.of(at) == "hang"} < hit


async def test_the_schedule_begins_and_ends_faults_by_the_farm_s_own_time():
    schedule = (
        Scheduled(at_s=10, select="*", fault="rst", for_s=20),
        Scheduled(at_s=20, select="*", fault="pool", for_s=None),
    )
    async with farm(CGMINER, schedule=schedule, time_scale=50) as made:
        assert made.faults.of(0) is None
        await until(lambda: made.faults.of(0) == "rst")
        assert 10 <= made.now_s < 30
        await until(lambda: made.faults.of(0) is None)
        assert made.now_s >= 30
        assert made.faults.every(0) == ["pool"]
