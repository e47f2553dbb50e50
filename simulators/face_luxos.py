"""The simulated LuxOS on port 4028: cgminer's form with its own sections, one session for whoever writes, profiles.

Written from Luxor's documentation of the API. One request a connection; NUL ends a reply. Asleep it keeps answering,
its supply is off, and a new start leaves it asleep.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.machines import Machine
from simulators.physics import LIMITED_RATE, TERAHASHES_A_SHARE, Level, Phase, Physics

VERSION = "2025.4.8.220305"
API = "3.7"
COMPILED = "Tue Apr  8 22:05:35 UTC 2025"
SESSION_S = 60.0
STEPS = range(-16, 1)
"""Profiles under what a machine is sold as, and that; each is 1/24 of its rate apart."""
STEP_SHARE = 1 / 24
CURTAIL_AFTER_S = (1.0, 3.0)
READS = (
    "version", "config", "summary", "stats", "devs", "temps", "fans", "power", "profiles", "pools", "events", "session",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(slots=True)
class Held:
    """What one machine keeps: its session, its profile, its light."""

    session: str = ""
    used_at: float = 0.0
    step: int = 0
    red_led: str = "auto"
    atm: bool = False
    sessions: int = 0


class LuxosFace:
    """Answers for the machines whose firmware is LuxOS."""

    one_at_a_time = False

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
        self.held: dict[int, Held] = {}
        self._writers: dict[str, Callable[[Machine, list[str]], Row]] = {
            "curtail": self._curtail,
            "profileset": self._set_profile,
            "ledset": self._set_led,
            "rebootdevice": self._reboot,
            "atmset": self._set_atm,
        }

    def complete(self, request: bytes) -> bool:
        """Whether a whole document came, or what cannot become one."""
        text = request.strip(b"\0\r\n ")
        return bool(text) and (not text.startswith(b"{") or text.endswith(b"}"))

    async def answer(self, index: int, request: bytes) -> bytes:
        """Return the NUL-terminated reply."""
        machine = self._machines[index]
        try:
            told = json.loads(request.strip(b"\0\r\n "))
        except (ValueError, RecursionError):
            told = None
        reply = said("E", 23, "Invalid JSON") if not isinstance(told, dict) else self._reply(machine, told)
        return json.dumps(reply, separators=(",", ":")).encode() + b"\0"

    def _reply(self, machine: Machine, told: Row) -> Row:
        command, parameters = str(told.get("command", "")), str(told.get("parameter", "")).split(",")
        parts = [part for part in command.split("+") if part]
        if len(parts) > 1:
            return {part: [self._read(machine, part)] for part in parts} | {"id": 1}
        if command == "logon":
            return self._log_on(machine)
        if command in {"logoff", *self._writers}:
            return self._write(machine, command, parameters)
        return self._read(machine, command)

    def settings(self, machine: Machine) -> Row:
        """Return what a machine is set to besides its profile and its sleep."""
        return {"atm": self._of(machine).atm}

    # --- the session ------------------------------------------------------------------------------------------------

    def _of(self, machine: Machine) -> Held:
        """Return what a machine keeps; a session that nobody used for a minute is gone."""
        held = self.held.setdefault(machine.index, Held())
        if held.session and _now_s() - held.used_at > SESSION_S:
            held.session = ""
        return held

    def _log_on(self, machine: Machine) -> Row:
        held = self._of(machine)
        if held.session:
            return said("E", 402, "Another session is active")
        held.sessions += 1
        chance = random.Random(f"{machine.serial}/{held.sessions}")  # noqa: S311 - a lock, no secret
        held.session = "".join(chance.choices("abcdefghjkmnpqrstuvwxyzABCDEFGH23456789", k=8))
        held.used_at = _now_s()
        return said("S", 316, "Session created", SESSION=[{"SessionID": held.session}])

    def _write(self, machine: Machine, command: str, parameters: list[str]) -> Row:
        held = self._of(machine)
        if not held.session or parameters[0] != held.session:
            return said("E", 400, "Invalid session id")
        held.used_at = _now_s()
        if command == "logoff":
            held.session = ""
            return said("S", 317, "Session closed")
        return self._writers[command](machine, parameters[1:])

    def _told(self, machine: Machine, command: str) -> bool:
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def _curtail(self, machine: Machine, parameters: list[str]) -> Row:
        action = parameters[0] if parameters else ""
        if action not in {"sleep", "wakeup"}:
            return said("E", 401, "Invalid curtail action")
        if self._told(machine, f"curtail {action}"):
            level = Level.SLEEP if action == "sleep" else Level.FULL
            chance = random.Random(f"{machine.serial}/{action}/{_now_s()}")  # noqa: S311 - a delay
            after_s = chance.uniform(*CURTAIL_AFTER_S) * self._physics.delay_scale
            self._physics.order_level(machine.index, level, after_s)
        words = "sleep mode" if action == "sleep" else "wake up"
        return said("S", 335, "Curtailment command sent", CURTAIL=[{"Action": words}])

    def _set_profile(self, machine: Machine, parameters: list[str]) -> Row:
        named = {row["Profile Name"]: int(row["Step"]) for row in profiles(machine)}
        if not parameters or parameters[0] not in named:
            return said("E", 410, "Unknown profile")
        if self._is_asleep(machine):
            return said("E", 411, "Miner is in sleep mode")
        step = named[parameters[0]]
        if self._told(machine, f"profileset {parameters[0]}"):
            self._of(machine).step = step
            self._physics.limit_w[machine.index] = np.inf if step == 0 else watts_of(machine, step)
        return said("S", 321, "Profile Set", PROFILE=[{"Board": -1, "Profile": parameters[0]}])

    def _set_led(self, machine: Machine, parameters: list[str]) -> Row:
        if len(parameters) != 2 or parameters[1] not in {"on", "off", "blink", "auto"}:
            return said("E", 412, "Invalid LED state")
        if self._told(machine, f"ledset {','.join(parameters)}"):
            self._of(machine).red_led = parameters[1]
        return said("S", 320, "LED set")

    def _set_atm(self, machine: Machine, parameters: list[str]) -> Row:
        told = dict(part.partition("=")[::2] for part in parameters)
        if self._told(machine, f"atmset {','.join(parameters)}") and "enabled" in told:
            self._of(machine).atm = told["enabled"] == "true"
        return said("S", 340, "ATM set")

    def _reboot(self, machine: Machine, _parameters: list[str]) -> Row:
        if self._told(machine, "rebootdevice"):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)
        return said("S", 328, "Device rebooting")

    def _is_asleep(self, machine: Machine) -> bool:
        following = int(self._physics.next_level[machine.index])
        return (following if following >= 0 else int(self._physics.level[machine.index])) == Level.SLEEP

    # --- reads ------------------------------------------------------------------------------------------------------

    def _read(self, machine: Machine, command: str) -> Row:
        if command not in READS:
            return said("E", 14, "Invalid command")
        answer: Callable[[Machine], Row] = getattr(self, f"_say_{command}")
        return answer(machine)

    def _say_version(self, machine: Machine) -> Row:
        row = {
            "API": API, "CompileTime": COMPILED, "LUXminer": f"{VERSION}-57b389c7",
            "Miner": VERSION, "Type": machine.model,
        }  # fmt: skip
        return said("S", 22, "LUXminer versions", VERSION=[row])

    def _say_session(self, machine: Machine) -> Row:
        return said("S", 319, "Session information", SESSION=[{"SessionID": self._of(machine).session}])

    def _say_config(self, machine: Machine) -> Row:
        held, asleep = self._of(machine), self._is_asleep(machine)
        row = {
            "MACAddr": machine.mac.lower(),
            "Hostname": f"lux{machine.index}",
            "Model": machine.model,
            "SerialNumber": machine.serial,
            "NameplateTHS": machine.nameplate_ths,
            "Profile": name_of(machine, held.step),
            "ProfileStep": str(held.step),
            "CurtailMode": "Sleep" if asleep else "None",
            "SystemStatus": "Normal",
            "IsPowerSupplyOn": not asleep,
            "IsTuning": False,
            "IsAtmEnabled": held.atm,
            "RedLed": held.red_led,
            "GreenLed": "auto",
            "ImmersionMode": False,
            "Cooling": "Air",
            "OS": "LuxOS",
        }
        return said("S", 33, "LUXminer config", CONFIG=[row])

    def _ghs(self, machine: Machine) -> Row:
        averages = (self._physics.averages_ths[:, machine.index] * 1e3).round(2).tolist()
        names = ("GHS 5s", "GHS 1m", "GHS 5m", "GHS 15m", "GHS 30m")
        seconds = max(self._physics.elapsed_s[machine.index].item(), 1.0)
        mean = self._physics.terahashes[machine.index].item() * 1e3 / seconds
        return dict(zip(names, averages, strict=True)) | {"GHS av": round(mean, 2)}

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _say_summary(self, machine: Machine) -> Row:
        shares = self._shares(machine)
        row = {
            "Elapsed": int(self._physics.elapsed_s[machine.index]),
            **self._ghs(machine),
            "Accepted": shares,
            "Rejected": shares // 400,
            "Stale": shares // 900,
            "Hardware Errors": int(self._physics.hardware_errors[machine.index]),
            "Best Share": 524_288 * (1 + shares),
        }
        return said("S", 11, "Summary", SUMMARY=[row])

    def _say_stats(self, machine: Machine) -> Row:
        at, well = machine.index, self._well(machine)
        header = {"CompileTime": COMPILED, "Miner": VERSION, "Type": machine.model}
        row: Row = {"STATS": 0, "ID": "BTM_SOC0", "Elapsed": int(self._physics.elapsed_s[at]), **self._ghs(machine)}
        for board in range(4):
            works = board < len(well) and well[board]
            row[f"chain_acn{board + 1}"] = machine.row.chips if works else 0
            row[f"chain_rate{board + 1}"] = f"{row['GHS av'] / max(sum(well), 1):.2f}" if works else "0"
            corners = "-".join(str(round(c)) for c in self._corners(machine)) if works else "0-0-0-0"
            row |= {f"temp_pcb{board + 1}": corners, f"temp_chip{board + 1}": corners}
        row |= {"rate_unit": "GH", "miner_id": machine.mac.replace(":", "").lower(), "total_acn": 4}
        return said("S", 70, "LUXminer stats", STATS=[header, row])

    def _well(self, machine: Machine) -> list[bool]:
        boards = int(self._physics.boards[machine.index])
        well: list[bool] = self._physics.board_well[machine.index, :boards].tolist()
        return well

    def _say_devs(self, machine: Machine) -> Row:
        """List the boards, the last first: their order says nothing."""
        at, well, held = machine.index, self._well(machine), self._of(machine)
        mhs = self._physics.averages_ths[0, at].item() * 1e6 / max(sum(well), 1)
        rate = machine.nameplate_ths * (1 + held.step * STEP_SHARE) * 1e6 / len(well)
        rows = [
            {
                "ASC": board,
                "ID": board,
                "Enabled": "Y",
                "Status": "Alive" if works else "Dead",
                "IsRamping": int(self._physics.phase[at]) in {Phase.WARMING, Phase.TUNING},
                "IsUserShutdown": False,
                "MHS 5s": round(mhs, 2) if works else 0.0,
                "Nominal MHS": rate if works else 0.0,
                "Profile": name_of(machine, held.step),
                "Temperature": round(self._physics.board_c[at].item(), 1),
            }
            for board, works in enumerate(well)
        ]
        return said("S", 9, f"{len(rows)} ASC(s)", DEVS=rows[::-1])

    def _corners(self, machine: Machine) -> tuple[float, float, float, float]:
        """Return the four corners of a board: its left side is where the air leaves."""
        hot, cold = self._physics.board_c[machine.index].item(), self._physics.ambient_c + 4
        return round(hot, 1), round(cold, 1), round(hot, 1), round(cold, 1)

    def _say_temps(self, machine: Machine) -> Row:
        sides = ("TopLeft", "TopRight", "BottomLeft", "BottomRight")
        labels = {side: {"Label": f"Board {'Exhaust' if 'Left' in side else 'Intake'}"} for side in sides}
        rows = [
            {"ID": board, "TEMP": board, **dict(zip(sides, self._corners(machine), strict=True))}
            for board, works in enumerate(self._well(machine))
            if works
        ]
        return said("S", 201, f"{len(rows)} Temp(s)", METADATA=[labels], TEMPS=rows)

    def _say_fans(self, machine: Machine) -> Row:
        rpm = int(self._physics.fan_rpm[machine.index])
        rows = [{"FAN": fan, "ID": fan, "RPM": rpm, "Speed": min(100, rpm // 60)} for fan in range(machine.row.fans)]
        return said("S", 202, f"{len(rows)} Fan(s)", FANS=rows, FANCTRL=[{"MinFans": 2, "PowerOffSpeed": 10}])

    def _say_power(self, machine: Machine) -> Row:
        power_w = round(self._physics.power_w[machine.index].item())
        return said("S", 311, "Power usage", POWER=[{"PSU": True, "Watts": power_w}])

    def _say_profiles(self, machine: Machine) -> Row:
        return said("S", 323, "Profile list", PROFILES=profiles(machine))

    def _say_pools(self, machine: Machine) -> Row:
        at, shares = machine.index, self._shares(machine)
        if not self._physics.pool_set[at]:
            return said("S", 7, "0 Pool(s)")
        alive = bool(self._physics.pool_alive[at])
        rows = [
            {
                "POOL": number,
                "GROUP": 0,
                "URL": f"stratum+tcp://pool{number}.invalid:3333",
                "User": f"farm.{at}",
                "Status": "Alive" if alive else "Dead",
                "Priority": number,
                "Stratum Active": alive and number == 0,
                "Accepted": shares if number == 0 else 0,
                "Rejected": shares // 400 if number == 0 else 0,
                "Stale": 0,
            }
            for number in range(3)
        ]
        return said("S", 7, "3 Pool(s)", POOLS=rows)

    def _say_events(self, machine: Machine) -> Row:
        at, codes = machine.index, list[Row]()
        if self._is_asleep(machine):
            codes.append(event("SLEEP", "The miner sleeps"))
        if not (self._physics.pool_alive[at] and self._physics.pool_set[at]):
            codes.append(event("NO_ACTIVE_POOLS", "No pool answers"))
        for board, works in enumerate(self._well(machine)):
            if not works:
                codes.append(event("BOARD_ASIC_ENUMERATION_FAILURE", "A board shows too few chips", board))
        return said("S", 357, f"{len(codes)} Event(s)", EVENTS=codes)


def said(letter: str, code: int, message: str, **sections: object) -> Row:
    """Return a reply: how it went, then what was asked for."""
    described = f"LUXminer {VERSION}-57b389c7"
    status = {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": described}
    return {"STATUS": [status], **sections, "id": 1}


def event(code: str, words: str, board: int | None = None) -> Row:
    """Return one condition that is there now."""
    target = "MINER" if board is None else "BOARD"
    return {"Code": code, "Description": words, "Target": target, "ID": board or 0, "CreatedAt": "2025-01-01T00:00:00Z"}


def profiles(machine: Machine) -> list[Row]:
    """Return what a machine can be set to, by rising rate."""
    return [
        {
            "Profile Name": name_of(machine, step),
            "Step": str(step),
            "Frequency": 590 + 25 * step,
            "Voltage": 13.5,
            "Hashrate": round(machine.nameplate_ths * (1 + step * STEP_SHARE), 1),
            "Watts": round(watts_of(machine, step)),
            "IsDynamic": True,
            "IsTuned": step == 0,
        }
        for step in STEPS
    ]


def name_of(_machine: Machine, step: int) -> str:
    """Return a profile's name: its frequency."""
    return "default" if step == 0 else f"{590 + 25 * step}MHz"


def watts_of(machine: Machine, step: int) -> float:
    """Return what a machine draws in a profile, by the rate that it has there."""
    return float(machine.nameplate_w * (1 + step * STEP_SHARE) ** (1 / LIMITED_RATE))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
