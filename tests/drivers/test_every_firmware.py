"""Every simulated firmware by its driver, over real sockets: who it is, what it says, each thing it can be told.

A level counts once a later reading proves it. Whatever it is told, the machine's pools, logins and network stay what
they were, and all else that it is set to.
"""

import asyncio
from dataclasses import replace

import pytest

from drivers import registry
from drivers.errors import DeviceError
from drivers.identify import identify
from drivers.interface import LimitPower, Locate, Reboot, SetMode, Sleep, State, Target, Wake, Want
from drivers.transports.lanes import Lanes
from simulators.farm import Farm, FarmOptions
from simulators.faults import Scheduled
from simulators.machines import MixRow
from tests.transports.servers import closed_port

DRIVERS = {
    ("Antminer", "stock"): "antminer-stock",
    ("Antminer", "luxos"): "luxos",
    ("Antminer", "epic"): "epic",
    ("Antminer", "braiins"): "braiins",
    ("Antminer", "braiins-graphql"): "braiins",
    ("Antminer", "braiins-old"): "braiins",
    ("Antminer", "vnish"): "vnish",
    ("Antminer", "vnish-old"): "vnish-old",
    ("Antminer", "hiveon"): "hiveon",
    ("Antminer", "mara"): "mara",
    ("Antminer", "mskminer"): "mskminer",
    ("Auradine", "fluxos"): "auradine",
    ("Avalon", "stock"): "avalon",
    ("AvalonHome", "home"): "avalon",
    ("SealMiner", "stock"): "sealminer",
    ("Bitaxe", "axeos"): "axeos",
    ("NerdAxe", "nerdaxe"): "axeos",
    ("WhatsMiner", "whatsminer"): "whatsminer",
    ("WhatsMiner", "whatsminer-v3"): "whatsminer-v3",
    ("WhatsMiner", "stranger"): "generic",
    ("WhatsMiner", "cgminer"): "cgminer",
    ("WhatsMiner", "bfgminer"): "cgminer",
}
MODELS = {
    "Antminer": "Antminer S19",
    "WhatsMiner": "M50",
    "Auradine": "Teraflux AT1500",
    "Avalon": "1346",
    "AvalonHome": "Avalon Q",
    "SealMiner": "SealMiner A2",
    "Bitaxe": "Bitaxe Gamma",
    "NerdAxe": "NerdQAxe++",
}
SHORT_OF_WORDS = {
    "vnish-old": State.UNKNOWN, "hiveon": State.UNKNOWN, "mskminer": State.UNKNOWN, "nerdaxe": State.IDLE,
}  # fmt: skip
"""What one without a board is taken for whose firmware tells no more: no mode, or that of a machine without work."""
FOREIGN = ("pool", "pass", "pwd", "net", "host")
NAMELESS = {("WhatsMiner", "stranger")}
"""What does not say its model, nor what each board hashes."""
WAKES_FIRST = {"home"}
"""What takes no mode while it stands or tunes: it is woken by the first command, as by the control loop's."""
POLL_S, PATIENCE_S, NEAR = 0.1, 120.0, 0.05
ROWS = sorted(DRIVERS)


def test_every_driver_has_a_simulated_firmware():
    assert set(DRIVERS.values()) == set(registry.names())


@pytest.fixture(params=ROWS, ids="-".join)
async def farm(request):
    make, firmware = request.param
    mix = (MixRow(make=make, model=MODELS[make], share=1, firmware=firmware),)
    async with Farm(FarmOptions(miners=1, mix=mix, own_ports=True, delay_scale=0.005)) as running:
        yield running


@pytest.fixture
async def machine(farm):
    lanes, settings = Lanes(), farm.settings(0)
    yield await Hand(lanes, farm).meet()
    await lanes.close()
    assert farm.settings(0) == settings
    assert not [one.command for one in farm.writes if any(word in one.command for word in FOREIGN)]


class Hand:
    """One machine as its driver knows it, beside what is true."""

    def __init__(self, lanes, farm):
        self.lanes, self.farm, self.made = lanes, farm, farm.machines[0]
        http_port = self.made.http_port or closed_port()
        self.target = Target(host=self.made.host, port=self.made.port, http_port=http_port)

    async def meet(self):
        self.identity = await self.run(identify(self.target))
        self.driver = registry.create(self.identity, self.target)
        return self

    async def run(self, conversation):
        async with asyncio.timeout(PATIENCE_S):
            return await self.lanes.run(self.target, conversation)

    async def read(self, want=Want.QUICK):
        return await self.run(self.driver.read(want))

    async def send(self, command):
        return await self.run(self.driver.send(command))

    async def until(self, holds, want=Want.QUICK):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if holds(reading := await self.read(want)):
                        return reading
                except DeviceError:
                    pass
                await asyncio.sleep(POLL_S)

    async def insist(self, command):
        """Tell it until it takes it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    return await self.send(command)
                except DeviceError:
                    await asyncio.sleep(POLL_S)

    async def at(self, level, state=State.HASHING):
        return await self.until(lambda told: (told.level, told.state) == (level, state))

    @property
    def truth(self):
        return self.farm.state()["miners"][0]


def bare(url):
    """Leave out a scheme: not every firmware names one."""
    return url.rpartition("//")[2]


async def test_who_it_is(machine):
    identity, made = machine.identity, machine.made
    assert identity.driver == DRIVERS[made.make, made.firmware]
    assert identity.mac in {None, made.mac, made.mac.lower()}
    if (made.make, made.firmware) in NAMELESS:
        assert (identity.model, identity.nominal_w) == (None, None)
    else:
        assert made.model.removeprefix("Antminer ") in identity.model
        assert identity.nominal_w == pytest.approx(made.nameplate_w, rel=0.15)


async def test_what_it_says_is_true(machine):
    reading, truth = await machine.read(Want.FULL), machine.truth
    assert (reading.state, reading.level) == (State.HASHING, "full")
    assert reading.hashrate_ths == pytest.approx(truth["hashrate_ths"], rel=NEAR)
    if reading.power_w is not None:
        assert reading.power_w == pytest.approx(truth["power_w"], rel=NEAR)
    assert len(reading.boards) == truth["boards_well"]
    rates = [board.hashrate_ths for board in reading.boards if board.hashrate_ths is not None]
    assert len(rates) in {0, len(reading.boards)}
    if rates or (machine.made.make, machine.made.firmware) not in NAMELESS:
        assert sum(rates) == pytest.approx(truth["hashrate_ths"], rel=NEAR)
    assert [bare(pool.url) for pool in reading.pools] == [bare(url) for url in truth["pools"]]
    if reading.fans is not None:
        assert [fan.rpm for fan in reading.fans] == pytest.approx([truth["fan_rpm"]] * len(reading.fans), rel=0.1)
    assert reading.uptime_s == pytest.approx(machine.farm.physics.elapsed_s[0], abs=60)


async def test_what_a_quick_reading_says_a_full_one_says_too(machine):
    quick, full = await machine.read(Want.QUICK), await machine.read(Want.FULL)
    assert (quick.state, quick.level, quick.hashrate_ths) == (
        full.state,
        full.level,
        pytest.approx(full.hashrate_ths, rel=0.02),
    )


async def test_asleep_and_awake(machine):
    if machine.identity.abilities.sleep is None:
        pytest.skip("it cannot sleep")
    pools = (await machine.read(Want.FULL)).pools
    before = (await machine.send(Sleep())).before
    asleep = await machine.until(lambda told: told.state is State.SLEEPING)
    assert asleep.level == "sleep"
    await machine.until(lambda _told: machine.truth["power_w"] < 2 * machine.made.row.standby_w)
    assert (await machine.send(Sleep())).already
    await machine.send(Wake(mode=before))
    await machine.at("full")
    await machine.until(lambda _told: machine.truth["power_w"] > 0.5 * machine.made.nameplate_w)
    assert [pool.url for pool in (await machine.read(Want.FULL)).pools] == [pool.url for pool in pools]


def levels_between(machine):
    """Return one level of each kind that it has between full and sleep, and what takes it there."""
    abilities, nominal_w = machine.identity.abilities, machine.identity.nominal_w
    levels = []
    if abilities.power_limit is not None:
        limit_w = round(0.75 * nominal_w)
        levels.append((f"limit:{limit_w}", LimitPower(limit_w=limit_w)))
    if abilities.low is not None:
        levels.append(("low", SetMode(mode="low")))
    below = [one.name for one in abilities.profiles if one.power_w is not None and one.power_w <= 0.8 * nominal_w]
    return levels + [(f"profile:{name}", SetMode(mode=name)) for name in below[-1:]]


async def test_every_level_between_is_proved_and_the_one_before_comes_back(machine):
    nominal_w, levels = machine.identity.nominal_w, levels_between(machine)
    for level, command in levels:
        assert not (await machine.send(command)).already
        await machine.at(level)
        await machine.until(lambda _told: machine.truth["power_w"] < 0.9 * nominal_w)
        assert (await machine.send(command)).already
        again = await machine.send(SetMode(mode="full"))
        assert not again.already
        await machine.at("full")
        await machine.until(lambda _told: machine.truth["power_w"] > 0.9 * nominal_w)


async def test_a_level_wakes_what_sleeps_and_is_reached_from_each_other(machine):
    levels = levels_between(machine)
    if machine.identity.abilities.sleep is None or not levels:
        pytest.skip("it has none, or cannot sleep")
    await machine.send(Sleep())
    await machine.until(lambda told: told.state is State.SLEEPING)
    for level, command in (*levels, levels[0])[: len(levels) + (len(levels) > 1)]:
        assert not (await machine.send(command)).already
        if machine.made.firmware in WAKES_FIRST:
            await machine.until(lambda told: told.state is State.HASHING)
            await machine.insist(command)
        await machine.at(level)


async def test_reboot_and_light(machine):
    if not machine.identity.abilities.reboot:
        pytest.skip("it cannot be told to")
    if machine.identity.abilities.locate:
        await machine.send(Locate(on=True))
        await machine.send(Locate(on=False))
    await machine.send(Reboot())
    await machine.until(lambda told: told.uptime_s is not None and told.uptime_s < 1000, Want.FULL)
    await machine.at("full")


async def test_dead_pools_and_dead_boards_are_told_from_sleep(machine):
    machine.farm.options = replace(machine.farm.options, time_scale=100)
    pools = Scheduled(at_s=0, select="*", fault="pool")
    machine.farm.inject(pools)
    await machine.until(lambda told: (told.state, told.reason) == (State.IDLE, "idle:pool"))
    machine.farm.inject(replace(pools, for_s=0))
    await machine.at("full")
    machine.farm.physics.board_well[:] = False
    expected = SHORT_OF_WORDS.get(machine.made.firmware, State.FAULT)
    await machine.until(lambda told: told.state is expected)
