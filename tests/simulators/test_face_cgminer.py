import asyncio
import json

import pytest

from tests.simulators.farms import BFGMINER, CGMINER, READ_ONLY, ask, client, farm, talk, until


def code(reply):
    return reply["STATUS"][0]["Code"]


@pytest.fixture
async def small():
    async with farm(CGMINER, BFGMINER, READ_ONLY, time_scale=200) as made:
        yield made


@pytest.fixture
def miner(small):
    return small.machines[0]


async def test_a_summary_tells_the_rate_that_the_machine_has(small, miner):
    (row,) = (await ask(miner, "summary"))["SUMMARY"]
    assert row["MHS 1m"] == pytest.approx(small.physics.hashrate_ths[0] * 1e6, rel=0.02)
    assert row["Elapsed"] > 80_000
    assert row["Accepted"] > 100


async def test_devices_share_the_rate_of_the_whole(small, miner):
    reply = await ask(miner, "devs")
    assert code(reply) == 9
    assert [row["ASC"] for row in reply["DEVS"]] == [0, 1, 2]
    assert sum(row["MHS 5s"] for row in reply["DEVS"]) == pytest.approx(small.physics.hashrate_ths[0] * 1e6, rel=0.02)


async def test_bfgminer_names_its_devices_and_averages_its_own_way(small):
    reply = await ask(small.machines[1], "devs")
    assert {"PGA", "MHS 20s"} <= set(reply["DEVS"][0])
    assert reply["STATUS"][0]["Description"] == "bfgminer 5.5.0"
    assert "DEVS" in await ask(small.machines[1], "devdetails")


async def test_text_is_answered_in_text(miner):
    reply = await talk(miner, b"version")
    assert reply.startswith(b"STATUS=S,When=")
    assert reply.endswith(b"|VERSION,CGMiner=4.11.1,API=3.7|\0")


async def test_numbered_rows_begin_with_their_number_in_text(miner):
    reply = await talk(miner, b"pools|")
    assert b"|POOL=0,URL=stratum+tcp://" in reply
    assert b"Stratum Active=true" in reply


async def test_joined_commands_are_answered_each_under_its_name(miner):
    reply = await ask(miner, "summary+devs+nonesuch")
    assert set(reply) == {"summary", "devs", "nonesuch", "id"}
    assert code(reply["devs"][0]) == 9
    assert code(reply["nonesuch"][0]) == 14


async def test_joined_commands_in_text_are_marked_by_cmd(miner):
    reply = await talk(miner, b"version+nonesuch")
    assert reply.startswith(b"CMD=version|STATUS=S,")
    assert b"|CMD=nonesuch|STATUS=E," in reply


async def test_a_lone_plus_gives_the_same_broken_json_as_the_real_program(miner):
    assert await talk(miner, b'{"command":"+"}') == b',"id":1}\0'


async def test_nothing_that_changes_is_done_among_joined_commands(small, miner):
    reply = await ask(miner, "summary+quit")
    assert code(reply["quit"][0]) == 45
    assert not small.writes


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b'{"command":"summary"', 23),
        (b'{"command":"summary"}\0', 23),
        (b'{"command":"summary"}{"command":"devs"}', 23),
        (b'{"Command":"summary"}', 24),
        (b'{"command":7}', 14),
        (b'{"command":"SUMMARY"}', 14),
        (b'{"command":"pgadisable","parameter":"0"}', 14),
        (b'{"command":"ascdisable"}', 15),
        (b'{"command":"ascdisable","parameter":"7"}', 107),
        (b'{"command":"version"}\n', 22),
    ],
)
async def test_each_mistake_has_its_code(miner, request_, expected):
    assert code(json.loads((await talk(miner, request_)).rstrip(b"\0"))) == expected


async def test_cgminer_describes_itself_except_to_an_unknown_command(small):
    assert "Description" not in (await ask(small.machines[0], "nonesuch"))["STATUS"][0]
    assert "Description" in (await ask(small.machines[1], "nonesuch"))["STATUS"][0]


async def test_what_is_no_json_object_is_taken_for_text(miner):
    assert (await talk(miner, b'["summary"]')).startswith(b"STATUS=E,")


async def test_a_request_in_two_segments_is_answered_for_its_first(miner):
    async with client(miner.host, miner.port) as (reader, writer), asyncio.timeout(60):
        writer.write(b'{"command":')
        reply = await reader.readuntil(b"\0")
    assert code(json.loads(reply[:-1])) == 23


async def test_an_idle_client_holds_up_the_next_until_it_hangs_up(miner):
    async with client(miner.host, miner.port) as (reader, writer):
        async with client(miner.host, miner.port) as (late, asking):
            asking.write(b'{"command":"version"}')
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await late.readexactly(1)
            writer.close()
            async with asyncio.timeout(60):
                assert b"CGMiner versions" in await late.read()
        assert await reader.read() == b""


async def test_an_idle_client_of_one_machine_holds_up_no_other(small, miner):
    async with client(miner.host, miner.port):
        assert code(await ask(small.machines[1], "version")) == 22


@pytest.mark.parametrize(("at", "kind"), [(0, "asc"), (1, "pga")])
async def test_disabling_every_device_is_sleep_and_devs_prove_it(small, at, kind):
    machine = small.machines[at]
    for device in range(3):
        said = (await ask(machine, f"{kind}disable", str(device)))["STATUS"][0]
        assert (said["STATUS"], said["Code"]) == ("I", 111 if kind == "asc" else 64)
    assert {row["Enabled"] for row in (await ask(machine, "devs"))["DEVS"]} == {"N"}
    await until(lambda: small.physics.power_w[at] < 100)
    assert small.state()["miners"][at] | {"state": "sleeping", "level": "sleep"} == small.state()["miners"][at]
    for device in range(3):
        assert code(await ask(machine, f"{kind}enable", str(device))) == (110 if kind == "asc" else 63)
    await until(lambda: small.physics.power_w[at] > 0.9 * machine.nameplate_w)


async def test_disabling_twice_says_so_and_is_no_write(small, miner):
    await ask(miner, "ascdisable", "0")
    assert code(await ask(miner, "ascdisable", "0")) == 109
    assert code(await ask(miner, "ascenable", "1")) == 108
    assert [write.command for write in small.writes] == ["ascdisable 0"]


async def test_a_device_that_is_not_well_cannot_be_enabled(small, miner):
    await ask(miner, "ascdisable", "2")
    small.physics.board_well[0, 2] = False
    assert code(await ask(miner, "ascenable", "2")) == 112


async def test_a_read_only_machine_says_so_and_changes_nothing(small):
    machine = small.machines[2]
    assert (await ask(machine, "check", "ascdisable"))["CHECK"] == [{"Exists": "Y", "Access": "N"}]
    assert (await ask(machine, "check", "summary"))["CHECK"] == [{"Exists": "Y", "Access": "Y"}]
    assert code(await ask(machine, "privileged")) == 45
    assert code(await ask(machine, "ascdisable", "0")) == 45
    assert small.physics.board_on[2, :3].all()


async def test_a_restart_is_acknowledged_by_a_word_and_enables_every_device(small, miner):
    await ask(miner, "ascdisable", "1")
    assert await ask(miner, "restart") == {"STATUS": "RESTART", "id": 1}
    await until(lambda: small.physics.elapsed_s[0] < 60_000)
    assert [row["Enabled"] for row in (await ask(miner, "devs"))["DEVS"]] == ["Y", "Y", "Y"]


async def test_dead_pools_are_told(small, miner):
    small.physics.pool_alive[0] = False
    assert {row["Status"] for row in (await ask(miner, "pools"))["POOLS"]} == {"Dead"}


async def test_a_broken_board_is_dead_and_its_notice_is_of_now(small, miner):
    small.physics.board_well[0, 2] = False
    devices = (await ask(miner, "devs"))["DEVS"]
    notices = (await ask(miner, "notify"))["NOTIFY"]
    assert [row["Status"] for row in devices] == ["Alive", "Alive", "Dead"]
    assert devices[2]["MHS 5s"] == 0
    assert [row["Last Not Well"] > 0 for row in notices] == [False, False, True]


@pytest.mark.parametrize("command", ["stats", "coin", "config", "devdetails", "notify", "asccount", "privileged"])
async def test_every_other_command_answers_well(miner, command):
    assert (await ask(miner, command))["STATUS"][0]["STATUS"] == "S"
