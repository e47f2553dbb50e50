"""The simulated farm as a whole: machines, their sockets, a billing meter, a house, and controls over all of it.

Time is the loop's monotonic clock, `time_scale` times as fast for the machines; the meter lives in real time.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from simulators.control import Control
from simulators.farm_config import MetersAt, config_toml
from simulators.faults import Faults, Scheduled
from simulators.firmwares import API_PORT, Footing, firmware_of
from simulators.machines import Machine, MixRow
from simulators.meter import Meter, MeterOptions
from simulators.meter_modbus import Figures, ModbusFace
from simulators.meter_points import MeterPoints, feeders_of
from simulators.mix import DEFAULT_MIX, allot, machine
from simulators.parts import parts
from simulators.physics import STATES, Level, Phase, Physics
from simulators.places import ANY_ADDRESS, ONE_ADDRESS, Ground, listen_at, settle
from simulators.relays import UNIT, Relays
from simulators.wire import Switchboard

STEP_S = 0.1
LONGEST_STEP_S = 1.0
HOUSE_SHARE = 0.02
MOST_WRITES = 100_000
#: how a command begins that lets a sleeping machine hash
WAKING = (
    "ascenable",
    "pgaenable",
    "conf full",
    "conf low",
    "restart",
    "quit",
    "reboot",
    "power_on",
    "curtail wakeup",
    "mining/start",
    "resume",
    "service start",
    "sleep off",
    "miner_config stock",
    "miner_config fixed",
    "miner_config auto",
    "service restart",
    "miner Autostart",
    "mining_setting 1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmOptions:
    """What farm to build."""

    miners: int = 300
    mix: tuple[MixRow, ...] = DEFAULT_MIX
    seed: int = 1
    #: listen at this address, a port a machine; outside loopback: for peers from anywhere
    bind: str | None = None
    #: a port a machine even where the vendors' ports are free, so that farms run side by side
    own_ports: bool = False
    first_port: int = 20_000
    control_port: int = 0
    meter_port: int = 0
    schedule: tuple[Scheduled, ...] = ()
    #: the machines' own delays, as a share of the real ones
    delay_scale: float = 1.0
    time_scale: float = 1.0
    #: machines hash at the start; else they have just got power
    warm: bool = True
    #: None: two per cent of nameplate
    house_w: float | None = None
    meter: MeterOptions = field(default_factory=MeterOptions)
    #: as many machines in a row on each, with meters of their own; 0: all on the site
    feeders: int = 0
    #: where the meter publishes; None: nowhere
    mqtt_url: str | None = None
    mqtt_prefix: str = "hashwatt"
    site: str = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A command that a machine acknowledged, in the farm's own seconds."""

    at_s: float
    index: int
    command: str

    @property
    def wakes(self) -> bool:
        """Whether it lets a machine hash that slept."""
        return self.command.startswith(WAKING)


class Farm:
    """A farm from `async with` to its end; nothing of it stays open afterwards."""

    machines: tuple[Machine, ...]
    physics: Physics
    faults: Faults
    control_port: int
    #: of the meter's Modbus TCP
    meter_port: int
    #: a contactor a feeder, at a unit of the meter's Modbus TCP
    relays: Relays

    def __init__(self, options: FarmOptions) -> None:
        self.options = options
        self.meter = Meter(options.meter, options.seed)
        self.points = MeterPoints(options.meter, machines=options.miners, feeders=options.feeders, seed=options.seed)
        self.house_w = options.house_w or 0.0
        self.now_s = 0.0
        #: what machines were told and acknowledged, the latest
        self.writes: deque[Written] = deque(maxlen=MOST_WRITES)
        self._due = deque(options.schedule)
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    # --- life ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Build and listen. Raises BadInput, Taken."""
        async with AsyncExitStack() as stack:
            await self._open(stack)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            self._tasks.append(group.create_task(self._live(), name="farm"))
            if self.options.mqtt_url is not None:
                topic = f"{self.options.mqtt_prefix}/{self.options.site}/meter/main"
                publishing = self.meter.publish(self.options.mqtt_url, topic)
                self._tasks.append(group.create_task(publishing, name="farm-meter"))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_of: object) -> None:
        """Stop, and close everything; what went wrong inside the block passes as it is."""
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()

    async def _open(self, stack: AsyncExitStack) -> None:
        options = self.options
        rows = tuple(allot(options.mix, options.miners))
        ground = settle(rows, bind=options.bind, own_ports=options.own_ports, first_port=options.first_port)
        stack.callback(ground.close)
        self.machines = tuple(
            machine(index, row, place, options.seed)
            for index, (row, place) in enumerate(zip(rows, ground.places, strict=True))
        )
        self._begin()
        miners = self._switchboard(ground)
        stack.push_async_callback(miners.close)
        for bound in ground.sockets:
            await miners.listen(bound)
        await self._open_controls(stack)
        await self._open_meter(stack)

    async def _open_controls(self, stack: AsyncExitStack) -> None:
        everywhere = self.options.bind == ANY_ADDRESS
        bound = listen_at(ANY_ADDRESS if everywhere else ONE_ADDRESS, self.options.control_port)
        stack.callback(bound.close)
        self.control_port = bound.getsockname()[1]
        controls = Switchboard(lambda _: None, any_peer=everywhere)
        controls.put(None, self.control_port, 0, Control(self))
        stack.push_async_callback(controls.close)
        await controls.listen(bound)

    async def _open_meter(self, stack: AsyncExitStack) -> None:
        everywhere = self.options.bind == ANY_ADDRESS
        bound = listen_at(ANY_ADDRESS if everywhere else ONE_ADDRESS, self.options.meter_port)
        stack.callback(bound.close)
        self.meter_port = bound.getsockname()[1]
        others = {unit: partial(self._metered, meter) for unit, meter in self.points.meters.items()}
        self.relays = Relays(self.options.feeders, self._switched)
        devices = {UNIT: self.relays.answer}
        face = ModbusFace(self.metered, others=others, devices=devices, any_peer=everywhere)
        stack.callback(face.drop)
        server = await asyncio.start_server(face.serve, sock=bound)
        stack.callback(server.close)

    def _switched(self, feeder: int, on: bool) -> None:  # noqa: FBT001 - as a relay tells it
        """Take power from a feeder's machines, or give it back."""
        below = feeders_of(len(self.machines), self.options.feeders) == feeder
        (self.physics.return_power if on else self.physics.cut_power)(below)

    def metered(self) -> Figures | None:
        """Return what the site's meter says now, None while it is silent."""
        return self._metered(self.meter)

    def _metered(self, meter: Meter) -> Figures | None:
        said = meter.said(asyncio.get_running_loop().time())
        return None if said is None else Figures(power_w=said.power_w, energy_wh=said.energy_wh)

    def _begin(self) -> None:
        options = self.options
        self.physics = Physics(self.machines, options.seed, delay_scale=options.delay_scale)
        if options.warm:
            self.physics.start_warm()
        if options.house_w is None:
            self.house_w = round(HOUSE_SHARE * self.nameplate_w, -2)
        self.faults = Faults(self.machines, self.physics, options.seed)
        for scheduled in options.schedule:
            self.faults.select(scheduled.select)

    def _switchboard(self, ground: Ground) -> Switchboard:
        footing = Footing(
            machines={made.index: made for made in self.machines},
            physics=self.physics,
            obeys=self.faults.obeys,
            wrote=self._wrote,
        )
        kinds = {(made.make, made.firmware) for made in self.machines}
        faces = self._faces = {kind: firmware_of(*kind).faces(footing) for kind in kinds}
        switchboard = Switchboard(self._fault_of, any_peer=ground.any_peer)
        for made in self.machines:
            host, face = made.host if ground.by_address else None, faces[made.make, made.firmware]
            if face.api is not None:
                switchboard.put(host, made.port, made.index, face.api)
            if made.http_port is not None and face.web is not None:
                switchboard.put(host, made.http_port, made.index, face.web)
            if ground.by_address and face.old is not None:
                switchboard.put(host, API_PORT, made.index, face.old)
        return switchboard

    def _fault_of(self, index: int) -> str | None:
        """Return the fault of a machine's wire; what has no power or boots has none to speak on."""
        off = self.physics.phase[index] <= Phase.BOOTING
        return "dead" if off else self.faults.of(index)

    def _wrote(self, index: int, command: str) -> None:
        self.writes.append(Written(at_s=self.now_s, index=index, command=command))

    # --- time ---------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            now_s = loop.time()
            self._let_pass((now_s - before_s) * self.options.time_scale)
            self.meter.measure(self.meter_w(), now_s)
            self.points.measure(self.physics.power_w, self.house_w, now_s)
            before_s = now_s
            await asyncio.sleep(STEP_S)

    def _let_pass(self, span_s: float) -> None:
        while span_s > 0:
            step_s = min(span_s, LONGEST_STEP_S)
            span_s -= step_s
            self.now_s += step_s
            while self._due and self._due[0].at_s <= self.now_s:
                self.faults.inject(self._due.popleft(), self.now_s)
            self.faults.step(self.now_s)
            self.physics.step(step_s)

    def settings(self, index: int) -> object:
        """Return what a machine is set to besides its level, as it is now; None where none of it can be changed."""
        made = self.machines[index]
        told = self._faces[made.make, made.firmware].settings
        return None if told is None else copy.deepcopy(told(made))

    # --- what is so, and what is done to it ---------------------------------------------------------------------

    @property
    def nameplate_w(self) -> float:
        """All machines at their nameplate, W."""
        return sum(made.nameplate_w for made in self.machines)

    def meter_w(self) -> float:
        """Return what truly flows through the meter, W."""
        return float(self.physics.power_w.sum()) + self.house_w

    def inject(self, demand: Scheduled) -> int:
        """Begin a fault now; returns how many machines have it. Raises BadInput."""
        return self.faults.inject(demand, self.now_s)

    def silence_meter(self, for_s: float, unit: int | None = None) -> None:
        """Let the site's meter, or the one at this unit, say nothing for a while, in real seconds. Raises BadInput."""
        until_s = asyncio.get_running_loop().time() + for_s
        if unit is None:
            self.meter.fall_silent(until_s)
        else:
            self.points.fall_silent(unit, until_s)

    def set_house(self, house_w: float) -> None:
        """Change the load that is no miner."""
        self.house_w = house_w

    def state(self) -> dict[str, Any]:
        """Return what is truly so, of the site and of each machine."""
        power_w, hashrate_ths = self.physics.power_w.tolist(), self.physics.hashrate_ths.tolist()
        return {
            "meter_w": round(self.meter_w(), 1),
            "house_w": self.house_w,
            "miners": [
                {
                    "host": made.host,
                    "port": made.port,
                    "state": STATES[Phase(self.physics.phase[made.index])],
                    "power_w": round(power_w[made.index], 1),
                    "hashrate_ths": round(hashrate_ths[made.index], 3),
                    "level": self._level(made.index),
                    "faults": self.faults.every(made.index),
                    **parts(made, self.physics),
                }
                for made in self.machines
            ],
        }

    def written(self) -> dict[str, Any]:
        """Return the commands that machines acknowledged, whether they obeyed or not."""
        return {"writes": [self._write(told) for told in self.writes]}

    def _write(self, told: Written) -> dict[str, Any]:
        made = self.machines[told.index]
        place = {"host": made.host, "port": made.port}
        return {"at_s": round(told.at_s, 2), **place, "command": told.command, "wakes": told.wakes}

    def _level(self, index: int) -> str:
        if not self.physics.board_on[index].any():
            return "sleep"
        level, limit_w = Level(self.physics.level[index]), self.physics.limit_w[index].item()
        return f"limit:{limit_w:.0f}" if level is Level.FULL and limit_w < math.inf else level.name.lower()

    def config_toml(self, *, mqtt_url: str | None = None, site: str | None = None) -> str:
        """Return a configuration for an agent that fits this farm; the tables that it leaves out may be appended."""
        return config_toml(
            self.machines,
            site=site or self.options.site,
            house_w=self.house_w,
            meters=MetersAt(options=self.options.meter, port=self.meter_port, feeders=self.options.feeders),
            mqtt_url=mqtt_url or self.options.mqtt_url,
        )
