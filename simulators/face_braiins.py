"""The simulated Braiins OS: what its ports share, and the API port, which is all that old versions have.

Written from the vendor's API definitions. A paused miner says so in its status.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Level, Physics

VERSION = "2025-11-21-0-eb658dcd-25.11-plus"
API = "3.7"
BOSER = "boser-openwrt 0.1.0-11012d53"
LOGIN = {"username": "root", "password": "root"}
TOKEN_S = 3600.0
LEAST = 0.4
"""The least power target, of what the machine was sold as."""
Row = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """What one machine keeps: its target, its light, who is let in."""

    target_w: int
    light: bool = False
    tokens: dict[str, float] = field(default_factory=dict)


class Core:
    """What both ports share: the machines and what is done to them."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        self.machines = machines
        self.physics = physics
        self._obeys = obeys
        self._wrote = wrote
        self._kept: dict[int, Kept] = {}
        self._orders = 0

    def of(self, machine: Machine) -> Kept:
        """Return what a machine keeps."""
        return self._kept.setdefault(machine.index, Kept(target_w=round(machine.nameplate_w)))

    def told(self, machine: Machine, command: str) -> bool:
        """Note a command; says whether the machine does what it acknowledges."""
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def is_paused(self, machine: Machine) -> bool:
        """Whether it is paused, or about to be."""
        following = int(self.physics.next_level[machine.index])
        return (following if following >= 0 else int(self.physics.level[machine.index])) == Level.SLEEP

    def pause(self, machine: Machine, *, on: bool) -> bool:
        """Pause or resume; returns whether it was so already."""
        was = self.is_paused(machine) is on
        if self.told(machine, "pause" if on else "resume") and not was:
            self._orders += 1
            chance = random.Random(f"{machine.serial}/{self._orders}")  # noqa: S311 - delays that repeat
            after_s = chance.uniform(1, 3) * self.physics.delay_scale
            self.physics.order_level(machine.index, Level.SLEEP if on else Level.FULL, after_s)
        return was

    def target(self, machine: Machine, target_w: int) -> None:
        """Set the power target; the tuner follows while it hashes."""
        if self.told(machine, f"power-target {target_w}"):
            self.of(machine).target_w = target_w
            self.physics.limit_w[machine.index] = np.inf if target_w >= round(machine.nameplate_w) else float(target_w)

    def reboot(self, machine: Machine) -> None:
        """Restart the control board."""
        if self.told(machine, "reboot"):
            chosen = np.zeros(self.physics.count, np.bool_)
            chosen[machine.index] = True
            self.physics.reboot(chosen)

    def light(self, machine: Machine, *, on: bool) -> None:
        """Switch the light."""
        if self.told(machine, f"locate {str(on).lower()}"):
            self.of(machine).light = on

    def well(self, machine: Machine) -> list[bool]:
        """Return which boards work."""
        boards = int(self.physics.boards[machine.index])
        well: list[bool] = self.physics.board_well[machine.index, :boards].tolist()
        return well

    def rates_ghs(self, machine: Machine, share: float = 1.0) -> list[float]:
        """Return the averages of 5 s, 1, 5, 15 and 30 minutes."""
        rates: list[float] = (self.physics.averages_ths[:, machine.index] * 1e3 * share).round(3).tolist()
        return rates

    def shares(self, machine: Machine) -> int:
        """Return how many shares were accepted since its start."""
        return int(self.physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def fed(self, machine: Machine) -> bool:
        """Whether a pool answers."""
        return bool(self.physics.pool_alive[machine.index] and self.physics.pool_set[machine.index])


class BraiinsFace:
    """Answers on the API port: reads, and pause and resume, of whoever asks."""

    one_at_a_time = False

    def __init__(self, core: Core) -> None:
        self._core = core
        self._commands: dict[str, Callable[[Machine], Row]] = {
            "version": lambda _machine: _said(22, "BOSer versions", VERSION=[{"API": API, "BOSer": BOSER}]),
            "summary": self._summary, "devs": self._devs, "devdetails": self._details, "temps": self._temps,
            "fans": self._fans, "pools": self._pools, "tunerstatus": self._tuner,
            "pause": lambda machine: self._pause(machine, on=True),
            "resume": lambda machine: self._pause(machine, on=False),
        }  # fmt: skip

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None while the machine boots."""
        if not await in_reach(self._core.physics, index):
            return None
        try:
            told = json.loads(request.strip(b"\0\n "))
            parts = [part for part in str(told["command"]).split("+") if part]
        except (ValueError, KeyError, TypeError, RecursionError):
            return json.dumps(_said(23, "Invalid JSON", letter="E")).encode() + b"\0"
        machine = self._core.machines[index]
        replies = {part: self._one(machine, part) for part in parts}
        reply = {part: [one] for part, one in replies.items()} | {"id": 1} if len(parts) > 1 else replies[parts[0]]
        return json.dumps(reply).encode() + b"\0"

    def _one(self, machine: Machine, command: str) -> Row:
        answer = self._commands.get(command)
        return _said(14, "Invalid command", letter="E") if answer is None else answer(machine)

    def _rates(self, machine: Machine, share: float = 1.0) -> Row:
        rates = [round(rate * 1e3, 2) for rate in self._core.rates_ghs(machine, share)]
        return dict(zip(("MHS 5s", "MHS 1m", "MHS 5m", "MHS 15m"), rates, strict=False)) | {"MHS av": rates[-1]}

    def _summary(self, machine: Machine) -> Row:
        shares, elapsed = self._core.shares(machine), int(self._core.physics.elapsed_s[machine.index])
        counted = {"Accepted": shares, "Rejected": shares // 400, "Stale": shares // 900}
        return _said(11, "Summary", SUMMARY=[{"Elapsed": elapsed, **self._rates(machine), **counted}])

    def _devs(self, machine: Machine) -> Row:
        well = self._core.well(machine)
        nominal = machine.nameplate_ths * 1e6 / len(well)
        rows = [
            {"ASC": at, "ID": at + 1, "Enabled": "Y", "Status": "Alive", "Nominal MHS": nominal,
             **self._rates(machine, 1 / sum(well))}
            for at, works in enumerate(well) if works
        ]  # fmt: skip
        return _said(9, f"{len(rows)} ASC(s)", DEVS=rows)

    def _details(self, machine: Machine) -> Row:
        rows = [
            {"ID": at + 1, "Chips": machine.row.chips, "Frequency": 500, "Voltage": 13.2, "Model": machine.model}
            for at, works in enumerate(self._core.well(machine))
            if works
        ]
        return _said(69, "Device Details", DEVDETAILS=rows)

    def _temps(self, machine: Machine) -> Row:
        physics, at = self._core.physics, machine.index
        hot, chip = round(physics.board_c[at].item(), 1), round(physics.chip_c[at].item(), 1)
        well = enumerate(self._core.well(machine))
        return _said(
            201, "Temp(s)", TEMPS=[{"ID": b + 1, "TEMP": b, "Board": hot, "Chip": chip} for b, on in well if on]
        )

    def _fans(self, machine: Machine) -> Row:
        rpm = int(self._core.physics.fan_rpm[machine.index])
        return _said(
            202, "Fan(s)", FANS=[{"FAN": at, "ID": at, "RPM": rpm, "Speed": 50} for at in range(machine.row.fans)]
        )

    def _pools(self, machine: Machine) -> Row:
        fed, shares = self._core.fed(machine), self._core.shares(machine)
        rows = [
            {
                "POOL": number, "URL": f"stratum+tcp://pool{number}.invalid:3333", "User": f"farm.{machine.index}",
                "Status": "Alive" if fed else "Dead", "Stratum Active": fed and number == 0, "Priority": number,
                "Accepted": shares if number == 0 else 0, "Rejected": 0, "Stale": 0,
            }
            for number in range(3)
        ]  # fmt: skip
        return _said(7, "3 Pool(s)", POOLS=rows)

    def _tuner(self, machine: Machine) -> Row:
        power_w = round(self._core.physics.power_w[machine.index].item())
        row = {"ApproximateMinerPowerConsumption": power_w, "PowerLimit": self._core.of(machine).target_w}
        return _said(204, "Tuner Status", TUNERSTATUS=[row | {"TunerMode": "power"}])

    def _pause(self, machine: Machine, *, on: bool) -> Row:
        self._core.pause(machine, on=on)
        return _said(0, "done", PAUSE=[True]) if on else _said(0, "done", RESUME=[True])


def _said(code: int, message: str, *, letter: str = "S", **sections: object) -> Row:
    described = f"BOSer {BOSER}"
    status = {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": described}
    return {"STATUS": [status], **sections, "id": 1}


def now_s() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()
