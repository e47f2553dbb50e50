"""The simulated Avalon of a farm: cgminer's commands on port 4028, its telemetry in one text, soft-off and restart.

Written from Canaan's API manuals. It serves one client at a time. Its averages outlast the hashing; a soft-off takes
effect in seconds and is over after any restart, by command or by power.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Level, Phase, Physics

VERSION = "24041001_08b0955_0196aba"
API = "3.7"
SUPPLY_SHARE = 0.93
STATES = {Phase.BOOTING: "In Init", Phase.WARMING: "In Work", Phase.SLEEPING: "In Idle", Phase.FAULT: "In Fault"}
JOINED = frozenset({"version", "summary", "devs", "pools", "stats", "estats"})
Row = dict[str, Any]


class AvalonFace:
    """Answers for the machines whose firmware is Canaan's own."""

    one_at_a_time = True
    soft_off = "5"

    def mode(self, _machine: Machine) -> str:
        """Return the number of its work mode."""
        return "0"

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        self._machines = machines
        self._physics = physics
        self._obeys = obeys
        self._wrote = wrote
        self.lights: dict[int, bool] = {}
        self._orders = 0
        self._reads: dict[str, Callable[[Machine], Row]] = {
            "version": self._version,
            "summary": self._summary,
            "devs": self._devs,
            "pools": self._pools,
            "stats": self._stats,
            "estats": self._stats,
        }

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None where it restarts without a word."""
        if not await in_reach(self._physics, index):
            return None
        machine = self._machines[index]
        try:
            told = json.loads(request.strip(b"\0\n "))
            command, parameter = str(told["command"]), str(told.get("parameter", ""))
        except (ValueError, KeyError, TypeError, RecursionError):
            return _encoded(self._said(machine, "E", 23, "Invalid JSON"))
        if command == "ascset":
            reply = self._set(machine, parameter.split(","))
            return None if reply is None else _encoded(reply)
        parts = [part for part in command.split("+") if part]
        if len(parts) > 1:
            return _encoded({part: [self._read(machine, part)] for part in parts if part in JOINED} | {"id": 1})
        return _encoded(self._read(machine, command))

    def _read(self, machine: Machine, command: str) -> Row:
        answer = self._reads.get(command)
        return self._said(machine, "E", 14, "Invalid command") if answer is None else answer(machine)

    def _said(self, machine: Machine, letter: str, code: int, message: str, **sections: object) -> Row:
        """Return a reply; its clock counts from the start of the machine."""
        when = int(self._physics.elapsed_s[machine.index]) + 11
        described = {"Code": code, "Msg": message, "Description": "cgminer 4.11.1"}
        return {"STATUS": [{"STATUS": letter, "When": when, **described}], **sections, "id": 1}

    # --- reads ------------------------------------------------------------------------------------------------------

    def _version(self, machine: Machine) -> Row:
        name = f"{machine.model}-{machine.nameplate_ths:.0f}"
        row = {
            "CGMiner": "4.11.1", "API": API, "PROD": f"AvalonMiner {name}", "MODEL": name, "HWTYPE": "MM4v1_X3",
            "SWTYPE": "MM317", "VERSION": VERSION, "DNA": machine.serial, "MAC": machine.mac.replace(":", "").lower(),
        }  # fmt: skip
        return self._said(machine, "S", 22, "CGMiner versions", VERSION=[row])

    def _rates(self, machine: Machine) -> Row:
        """Return averages; a soft-off leaves them to decay."""
        names = ("MHS 30s", "MHS 1m", "MHS 5m", "MHS 15m")
        rates = (self._physics.averages_ths[:4, machine.index] * 1e6).round(2).tolist()
        return dict(zip(names, rates, strict=True)) | {"MHS av": rates[-1]}

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _summary(self, machine: Machine) -> Row:
        shares = self._shares(machine)
        row = {
            "Elapsed": int(self._physics.elapsed_s[machine.index]), **self._rates(machine), "Accepted": shares,
            "Rejected": shares // 400, "Stale": shares // 900, "Hardware Errors": 0,
            "Best Share": 524_288 * (1 + shares),
        }  # fmt: skip
        return self._said(machine, "S", 11, "Summary", SUMMARY=[row])

    def _devs(self, machine: Machine) -> Row:
        row = {"ASC": 0, "Name": "AVA10", "ID": 0, "Enabled": "Y", "Status": "Alive", "Temperature": -273.0}
        return self._said(machine, "S", 9, "1 ASC(s)", DEVS=[row | self._rates(machine)])

    def _pools(self, machine: Machine) -> Row:
        at, shares = machine.index, self._shares(machine)
        fed = bool(self._physics.pool_alive[at] and self._physics.pool_set[at])
        rows = [
            {
                "POOL": number, "URL": f"stratum+tcp://pool{number}.invalid:3333", "User": f"farm.{at}",
                "Status": "Alive" if fed else "Dead", "Priority": number, "Stratum Active": fed and number == 0,
                "Accepted": shares if number == 0 else 0, "Rejected": 0, "Stale": 0,
            }
            for number in range(3)
        ]  # fmt: skip
        return self._said(machine, "S", 7, "3 Pool(s)", POOLS=rows)

    def _stats(self, machine: Machine) -> Row:
        elapsed = int(self._physics.elapsed_s[machine.index])
        row = {"STATS": 0, "ID": "AVA100", "Elapsed": elapsed, "Calls": 0, "MM ID0": self._telemetry(machine)}
        return self._said(machine, "S", 70, "CGMiner stats", STATS=[row])

    def _telemetry(self, machine: Machine) -> str:
        physics, at = self._physics, machine.index
        phase = Phase(int(physics.phase[at]))
        well: list[bool] = physics.board_well[at, : int(physics.boards[at])].tolist()
        working = max(sum(well), 1)
        power_w, hot = physics.power_w[at].item(), round(physics.board_c[at].item())
        now_ghs = physics.hashrate_ths[at].item() * 1e3
        mean_ghs = physics.averages_ths[3, at].item() * 1e3
        asleep = phase is Phase.SLEEPING
        output_w = 0 if asleep else round(power_w * SUPPLY_SHARE)
        rail = 1 if asleep else 1187
        supply = (0, 1209, rail, round(output_w / 11.87), output_w, 1188, round(power_w))
        rpm, chips = int(physics.fan_rpm[at]), machine.row.chips
        state = STATES.get(phase, "In Work")
        boards = len(well)
        words: dict[str, str] = {
            "Ver": f"{machine.model}-{machine.nameplate_ths:.0f}-{VERSION}",
            "DNA": machine.serial,
            "SYSTEMSTATU": f"Work: {state}, Hash Board: {working} ",
            "Elapsed": str(int(physics.elapsed_s[at])),
            "BOOTBY": "0x01.00000000",
            "Temp": str(round(physics.ambient_c)),
            "TMax": str(hot + 8),
            "TAvg": str(hot),
            **{f"Fan{fan}": str(rpm) for fan in range(1, machine.row.fans + 1)},
            "FanR": "49%",
            "PS": " ".join(map(str, supply)),
            "GHSspd": f"{now_ghs:.2f}",
            "GHSmm": f"{machine.nameplate_ths * 1e3:.2f}",
            "GHSavg": f"{mean_ghs:.2f}",
            "Led": str(int(self.lights.get(at, False))),
            "MGHS": " ".join(f"{now_ghs / working:.2f}" for works in well if works),
            "MTmax": " ".join(str(hot + 8) for works in well if works),
            "MTavg": " ".join(str(hot) for works in well if works),
            "TA": str(chips * working),
            "EEPROM": " ".join(str(chips) for _ in range(boards)),
            "SoftOFF": self.soft_off if asleep else "0",
            "ECHU": " ".join("0" if works else "513" for works in well),
            "ECMM": "0",
            "WORKMODE": self.mode(machine),
        }
        return " ".join(f"{name}[{value}]" for name, value in words.items())

    # --- writes -----------------------------------------------------------------------------------------------------

    def _set(self, machine: Machine, parameters: list[str]) -> Row | None:
        option, value = parameters[1] if len(parameters) > 1 else "", parameters[2] if len(parameters) > 2 else ""
        match option:
            case "softoff":
                return self._soft_off(machine)
            case "reboot":
                self._reboot(machine)
                return None
            case "led" if value in {"1-0", "1-1"}:
                self._wrote(machine.index, f"led {value}")
                self.lights[machine.index] = value == "1-1"
                return self._said(machine, "S", 119, "ASC 0 set OK")
            case "led" if value == "1-255":
                light = int(self.lights.get(machine.index, False))
                return self._said(machine, "I", 118, f"ASC 0 set info: LED[{light}]")
            case _:
                return self._said(machine, "E", 120, f"ASC 0 set failed: Unknown option: {option}")

    def _soft_off(self, machine: Machine) -> Row:
        self._wrote(machine.index, "softoff")
        if self._obeys(machine.index):
            self._order(machine, Level.SLEEP)
        return self._said(machine, "S", 119, "ASC 0 set OK")

    def _reboot(self, machine: Machine) -> None:
        """Restart, which ends a soft-off too; the socket dies with it."""
        self._wrote(machine.index, "reboot")
        if self._obeys(machine.index):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)

    def _order(self, machine: Machine, level: Level) -> None:
        self._orders += 1
        chance = random.Random(f"{machine.serial}/{self._orders}")  # noqa: S311 - delays that repeat
        self._physics.order_level(machine.index, level, chance.uniform(1, 4) * self._physics.delay_scale)


def _encoded(reply: Row) -> bytes:
    return json.dumps(reply).encode() + b"\0"
