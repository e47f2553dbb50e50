"""The driver on real sockets, against a simulated machine of each generation: the same protocol, read twice."""

import asyncio

import pytest

from drivers import registry
from drivers.identify import identify
from drivers.interface import Sleep, State, Target, Wake, Want
from drivers.transports.lanes import Lanes
from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow

MODELS = ("Antminer S17 Pro", "Antminer S19 Pro", "Antminer S21")
POLL_S, PATIENCE_S = 0.1, 120.0


@pytest.fixture
async def farm():
    rows = tuple(MixRow(make="Antminer", model=model, share=1 / len(MODELS), firmware="stock") for model in MODELS)
    async with Farm(FarmOptions(miners=len(MODELS), mix=rows, own_ports=True, delay_scale=0.02)) as running:
        yield running


@pytest.fixture
async def lanes():
    running = Lanes()
    yield running
    await running.close()


async def sleep_and_wake(lanes, machine):
    """Return the levels and states that a machine was proved to be in, in turn."""
    target = Target(host=machine.host, port=machine.port, http_port=machine.http_port)
    identity = await lanes.run(target, identify(target))
    driver = registry.create(identity, target)
    assert (identity.model, identity.mac) == (machine.row.model, machine.mac)
    proved = [(await lanes.run(target, driver.read(Want.FULL))).state]
    for command, wanted in ((Sleep(), State.SLEEPING), (Wake(), State.HASHING)):
        assert not (await lanes.run(target, driver.send(command))).already
        reading = await lanes.run(target, driver.read(Want.QUICK))
        while reading.state is not wanted:
            await asyncio.sleep(POLL_S)
            reading = await lanes.run(target, driver.read(Want.QUICK))
        proved.append(reading.level)
        assert (await lanes.run(target, driver.send(command))).already
    return proved


async def test_each_generation_sleeps_and_wakes_and_proves_it(farm, lanes):
    async with asyncio.timeout(PATIENCE_S):
        proved = await asyncio.gather(*(sleep_and_wake(lanes, machine) for machine in farm.machines))
    assert proved == [[State.HASHING, "sleep", "full"]] * len(MODELS)
