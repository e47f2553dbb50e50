import asyncio
import gc
import socket
from contextlib import AsyncExitStack

import pytest

from simulators import places
from simulators.farm import FarmOptions
from simulators.faults import Scheduled
from simulators.machines import BadInput
from simulators.mix import allot
from simulators.physics import Phase
from simulators.places import Taken
from simulators.wire import Switchboard
from tests.brokers import free_port
from tests.simulators.farms import ANTMINER, CGMINER, EXACT, ask, client, farm, talk, until


@pytest.fixture
def vendor_ports(monkeypatch):
    """Stand-ins for 4028 and 80, so that no other farm of this host is in the way."""
    monkeypatch.setattr(places, "API_PORT", free_port())
    monkeypatch.setattr(places, "WEB_PORT", free_port())


async def test_each_machine_has_an_address_of_its_own_where_the_ports_are_free(vendor_ports):
    async with farm(ANTMINER, CGMINER, CGMINER, own_ports=False) as made:
        assert [machine.host for machine in made.machines] == ["127.10.0.1", "127.10.0.2", "127.10.0.3"]
        assert {machine.port for machine in made.machines} == {places.API_PORT}
        assert [machine.http_port for machine in made.machines] == [places.WEB_PORT, None, None]
        made.physics.pool_alive[2] = False
        alive = [{row["Status"] for row in (await ask(machine, "pools"))["POOLS"]} for machine in made.machines[1:]]
        assert alive == [{"Alive"}, {"Dead"}]


async def test_a_web_page_is_there_for_the_machines_that_have_one_alone(vendor_ports):
    async with farm(ANTMINER, CGMINER, own_ports=False) as made:
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        assert (await talk(made.machines[0], request, places.WEB_PORT)).startswith(b"HTTP/1.1 401")
        with pytest.raises(ConnectionError):
            await talk(made.machines[1], request, places.WEB_PORT)


async def test_an_address_where_no_machine_lives_is_reset(vendor_ports):
    async with farm(CGMINER, own_ports=False) as made:
        await ask(made.machines[0], "version")
        async with client("127.10.9.9", places.API_PORT) as (reader, _):
            with pytest.raises(ConnectionError):
                await reader.readexactly(1)


async def test_a_hundred_machines_on_own_addresses_cost_two_descriptors(vendor_ports):
    async with farm(miners=100, own_ports=False) as made:
        assert len(made.machines) == 100
        listening = [found for found in gc.get_objects() if isinstance(found, socket.socket) and _listens(found)]
        assert len(listening) == 4  # and one for the controls, one for the meter


def _listens(found):
    return found.fileno() >= 0 and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


async def test_where_a_vendor_s_port_is_taken_each_machine_has_a_port(vendor_ports):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", places.WEB_PORT))
        taken.listen()
        async with farm(ANTMINER, CGMINER, own_ports=False) as made:
            one, two = made.machines
            assert one.host == two.host == "127.0.0.1"
            assert (two.port, one.http_port) == (one.port + 1, one.port + 2)
            assert "VERSION" in await ask(two, "version")


async def test_where_one_address_cannot_hold_them_each_has_its_own_and_all_share_free_ports(vendor_ports, monkeypatch):
    monkeypatch.setattr(places, "ONE_ADDRESS", "203.0.113.9")  # which this host does not have
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", places.WEB_PORT))
        taken.listen()
        async with farm(ANTMINER, CGMINER, CGMINER, own_ports=False) as made:
            antminer, *others = made.machines
            assert [machine.host for machine in made.machines] == ["127.10.0.1", "127.10.0.2", "127.10.0.3"]
            assert {antminer.port} == {other.port for other in others} != {antminer.http_port}
            assert "VERSION" in await ask(others[1], "version")
            named = [f"127.10.0.1:{antminer.port}/{antminer.http_port}", f"127.10.0.2-127.10.0.3:{antminer.port}"]
            assert places.hosts_of(made.machines) == named


async def test_two_farms_stand_side_by_side():
    async with farm(CGMINER) as one, farm(CGMINER) as two:
        one.physics.pool_alive[:] = False
        assert (await ask(two.machines[0], "pools"))["POOLS"][0]["Status"] == "Alive"
        assert (await ask(one.machines[0], "pools"))["POOLS"][0]["Status"] == "Dead"


@pytest.mark.parametrize(("peer", "served"), [("127.0.0.1", True), ("127.9.9.9", True), ("10.1.2.3", False)])
def test_peers_outside_loopback_are_dropped(peer, served):
    board = Switchboard(lambda _: None)
    board.put("127.10.0.1", 4028, 7, None)
    assert (board.face_at(("127.10.0.1", 4028), (peer, 5000)) is not None) is served


@pytest.mark.parametrize(("bind", "any_peer"), [("127.0.0.1", False), ("127.3.3.3", False), ("0.0.0.0", True)])
async def test_binding_outside_loopback_alone_lets_others_in(bind, any_peer):
    ground = places.settle((CGMINER,), bind=bind, own_ports=False, first_port=20_000)
    try:
        assert ground.any_peer is any_peer
        assert ground.sockets[0].getsockname()[0] == bind
    finally:
        ground.close()


async def test_an_address_that_this_host_does_not_have_is_refused_in_a_sentence():
    with pytest.raises(Taken, match=r"203\.0\.113\.9: Cannot assign"):
        async with farm(CGMINER, bind="203.0.113.9"):
            raise AssertionError


async def test_a_taken_control_port_is_refused_and_nothing_stays_open():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        made = farm(CGMINER, control_port=port)
        with pytest.raises(Taken, match=f"127.0.0.1:{port}"):
            async with made:
                raise AssertionError
    with pytest.raises(ConnectionError):
        await talk(made.machines[0], b"version")


async def test_a_schedule_that_names_nobody_is_refused_at_the_start():
    with pytest.raises(BadInput, match="no machine is"):
        async with farm(CGMINER, schedule=(Scheduled(at_s=1, select="10.0.0.1", fault="dead"),)):
            raise AssertionError


async def test_the_end_closes_what_is_under_way():
    async with AsyncExitStack() as clients:
        async with farm(CGMINER) as made:
            (machine,) = made.machines
            made.inject(Scheduled(at_s=0, select="*", fault="slow"))
            reader, writer = await clients.enter_async_context(client(machine.host, machine.port))
            await clients.enter_async_context(client(machine.host, machine.port))
            writer.write(b"version")
            await reader.readexactly(1)
        with pytest.raises(ConnectionError):
            await reader.read()
    with pytest.raises(ConnectionError):
        await talk(machine, b"version")


async def test_a_mistake_inside_the_block_passes_as_it_is():
    with pytest.raises(ZeroDivisionError):
        async with farm(CGMINER) as made:
            made.now_s /= 0


async def test_cold_machines_boot_and_are_out_of_reach_until_then():
    async with farm(CGMINER, warm=False, time_scale=300) as made:
        with pytest.raises(ConnectionError):
            await talk(made.machines[0], b"version")
        await until(lambda: made.physics.phase[0] == Phase.HASHING)
        assert "VERSION" in await ask(made.machines[0], "version")


async def test_the_meter_sees_all_machines_and_the_house():
    async with farm(miners=10, house_w=1234) as made:
        assert made.meter_w() == pytest.approx(made.physics.power_w.sum() + 1234)
        assert 0.95 < (made.meter_w() - 1234) / made.nameplate_w < 1.05


async def test_the_house_is_two_per_cent_unless_it_is_told():
    async with farm(miners=20) as made:
        assert made.house_w == pytest.approx(0.02 * made.nameplate_w, abs=60)


def test_the_default_farm_is_six_antminers_in_ten():
    options = FarmOptions()
    rows = list(allot(options.mix, options.miners))
    assert sum(row.make == "Antminer" for row in rows) == 180
    assert {row.firmware for row in rows if row.make == "Antminer"} == {"stock"}
    assert {row.firmware for row in rows if row.make == "WhatsMiner"} == {"whatsminer"}
    assert {row.access for row in rows if row.make == "WhatsMiner"} == {"W"}


async def test_the_meter_that_is_exact_says_what_is_true():
    async with farm(miners=5, meter=EXACT) as made:
        await until(lambda: made.meter.said(asyncio.get_running_loop().time()) is not None)
        said = made.meter.said(asyncio.get_running_loop().time())
        assert said.power_w == pytest.approx(made.meter_w(), rel=0.01)
