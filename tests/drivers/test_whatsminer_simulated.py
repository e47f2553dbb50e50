"""The driver on real sockets, against the simulated WhatsMiner: the same protocol and crypto, written twice."""

import asyncio

import pytest

from drivers import registry
from drivers.errors import DeviceError, NotListening, NotPermitted
from drivers.identify import identify
from drivers.interface import Ask, LimitPower, Locate, Login, Reboot, SetMode, Sleep, State, Target, Wake, Want, Work
from drivers.transports.lanes import Lanes
from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow

MODELS = ("M30S++", "M50", "M60S")
POLL_S, PATIENCE_S = 0.1, 120.0


@pytest.fixture
async def farm():
    rows = [MixRow(make="WhatsMiner", model=model, share=1, firmware="whatsminer") for model in MODELS]
    rows.append(MixRow(make="WhatsMiner", model="M50S", share=1, firmware="whatsminer", access="R"))
    async with Farm(FarmOptions(miners=len(rows), mix=tuple(rows), own_ports=True, delay_scale=0.005)) as running:
        yield running


@pytest.fixture
async def lanes():
    running = Lanes()
    yield running
    await running.close()


class Hand:
    """One machine, its driver, and what both know of each other."""

    def __init__(self, lanes, machine, logins=()):
        self.lanes, self.machine = lanes, machine
        self.target = Target(host=machine.host, port=machine.port, http_port=machine.http_port, logins=logins)

    async def meet(self):
        self.identity = await self.lanes.run(self.target, identify(self.target))
        self.driver = registry.create(self.identity, self.target)
        return self

    async def read(self, want=Want.QUICK):
        return await self.lanes.run(self.target, self.driver.read(want))

    async def send(self, command):
        return await self.lanes.run(self.target, self.driver.send(command))

    async def until(self, holds):
        while not holds(reading := await self.read()):  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(POLL_S)
        return reading


async def each_way(lanes, machine):
    """Put a machine through its levels; return what readings proved, in turn."""
    hand = await Hand(lanes, machine).meet()
    assert hand.identity.model == f"WhatsMiner {machine.row.model}"
    assert (hand.identity.mac, hand.identity.serial) == (machine.mac, machine.serial)
    proved = [(await hand.read(Want.FULL)).state]
    limit_w = round(0.75 * hand.identity.nominal_w)
    low, full, limit = SetMode(mode="low"), SetMode(mode="full"), LimitPower(limit_w=limit_w)
    for command in (Sleep(), Wake(), low, full, limit, full, limit):
        assert not (await hand.send(command)).already
        level = {"Sleep": "sleep", "LimitPower": f"limit:{limit_w}"}.get(type(command).__name__)
        level = level or getattr(command, "mode", None) or "full"
        reading = await hand.until(
            lambda told, level=level: told.level == level and told.state in {State.HASHING, State.SLEEPING}
        )
        proved.append(reading.level.partition(":")[0])
        assert (await hand.send(command)).already
    assert (await hand.read()).power_w <= 1.05 * limit_w
    await hand.send(Sleep())
    await hand.until(lambda told: told.state is State.SLEEPING)
    await hand.send(Wake())
    await hand.until(lambda told: told.level == f"limit:{limit_w}" and told.state is State.HASHING)
    await hand.send(full)
    await hand.until(lambda told: told.level == "full" and told.power_w >= 0.95 * hand.identity.nominal_w)
    return proved


async def test_each_model_goes_through_its_levels_and_proves_them(farm, lanes):
    async with asyncio.timeout(PATIENCE_S):
        proved = await asyncio.gather(*(each_way(lanes, machine) for machine in farm.machines[: len(MODELS)]))
    assert proved == [[State.HASHING, "sleep", "full", "low", "full", "limit", "full", "limit"]] * len(MODELS)


async def test_a_full_reading_is_what_the_machine_is(farm, lanes):
    hand = await Hand(lanes, farm.machines[0]).meet()
    reading = await hand.read(Want.FULL)
    assert reading.power_w == pytest.approx(farm.physics.power_w[0], rel=0.02)
    assert reading.hashrate_ths == pytest.approx(farm.physics.hashrate_ths[0], rel=0.02)
    assert [board.chips for board in reading.boards] == [111, 111, 111]
    assert sum(board.hashrate_ths for board in reading.boards) == pytest.approx(reading.hashrate_ths, rel=0.02)
    assert (len(reading.fans), len(reading.pools), reading.errors, reading.inlet_c) == (2, 2, (), 25)


async def test_a_pool_that_dies_and_a_board_that_breaks_are_seen(farm, lanes):
    async with asyncio.timeout(PATIENCE_S):
        hand = await Hand(lanes, farm.machines[0]).meet()
        farm.physics.pool_alive[0] = False
        assert (await hand.until(lambda told: told.state is State.IDLE)).reason == "idle:pool"
        farm.physics.pool_alive[0] = True
        farm.physics.board_well[0, 2] = False
        await hand.until(lambda told: told.state is State.HASHING)
    assert [error.code for error in (await hand.read(Want.FULL)).errors] == ["532"]


async def test_blinking_and_a_new_start_are_told(farm, lanes):
    hand = await Hand(lanes, farm.machines[0]).meet()
    for command in (Locate(on=True), Locate(on=False), Reboot()):
        await hand.send(command)
    assert [write.command for write in farm.writes] == ["blink on", "blink off", "reboot"]


async def test_a_closed_api_and_a_wrong_password_are_not_permitted(farm, lanes):
    closed = await Hand(lanes, farm.machines[-1]).meet()
    with pytest.raises(NotPermitted, match="must open"):
        await closed.send(Sleep())
    logins = (Login(user="fleet", password="guess"),)
    with pytest.raises(NotPermitted, match="fleet"):
        await (await Hand(lanes, farm.machines[0], logins).meet()).send(Sleep())
    assert not farm.writes


async def test_a_token_that_ran_out_is_renewed(farm, lanes, monkeypatch):
    monkeypatch.setattr("simulators.whatsminer_crypt.TOKEN_S", 0.2)
    hand = await Hand(lanes, farm.machines[0]).meet()
    await hand.send(Locate(on=True))
    await asyncio.sleep(0.25)
    await hand.send(Locate(on=False))
    assert [write.command for write in farm.writes] == ["blink on", "blink off"]


async def test_one_that_was_made_ready_needs_no_token_for_its_command(farm, lanes, monkeypatch):
    hand = await Hand(lanes, farm.machines[0]).meet()
    await lanes.run(hand.target, hand.driver.prepare())
    monkeypatch.setattr("simulators.whatsminer_crypt.MOST_TOKENS", 0)
    await hand.send(Locate(on=True))
    assert [write.command for write in farm.writes] == ["blink on"]


async def hold(conversation, *, old, new=None):
    """Hold a conversation with faces alone: one at the API port, one at the port of version 3; nobody else is there."""
    reply = None
    while True:
        try:
            asked = conversation.throw(reply) if isinstance(reply, DeviceError) else conversation.send(reply)
        except StopIteration as end:
            return end.value
        face = (new if asked.port else old) if isinstance(asked, Ask) else None
        if isinstance(asked, Work):
            reply = asked.run()
        elif face is None:
            reply = NotListening("refused")
        else:
            assert face.complete(asked.request)
            reply = (await face.answer(0, asked.request) or b"").removesuffix(b"\0")


async def test_newer_firmware_reads_on_its_old_port_and_is_identified_by_its_new_one():
    row, here = MixRow(make="WhatsMiner", model="M60S", share=1, firmware="whatsminer-v3"), Target(host="127.0.0.1")
    async with Farm(FarmOptions(miners=1, mix=(row,), own_ports=True)) as farm:
        faces, made = farm._faces["WhatsMiner", "whatsminer-v3"], farm.machines[0]
        identity = await hold(identify(here), old=faces.old, new=faces.api)
        assert (identity.driver, identity.mac, identity.serial) == ("whatsminer-v3", made.mac, made.serial)
        older = await hold(identify(here), old=faces.old)
        assert (older.driver, older.mac, older.firmware_version) == ("whatsminer", made.mac, identity.firmware_version)
        driver = registry.create(older, here)
        reading = await hold(driver.read(Want.FULL), old=faces.old)
        assert (reading.state, len(reading.boards)) == (State.HASHING, 3)
        assert sum(board.hashrate_ths for board in reading.boards) == pytest.approx(reading.hashrate_ths, rel=0.05)
        with pytest.raises(NotPermitted, match="open the machine's API"):
            await hold(driver.send(Locate()), old=faces.old)
