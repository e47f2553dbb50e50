"""The simulated Teraflux of Auradine: cgminer's form on port 4028 for what its miner tells, pages on 8080 for the rest.

Written from the protocol's description. A page's path is its command; each wants a token, which is given to a login.
Mode, target and sleep are three settings; nobody says that a sleep outlasts a new start.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import AVERAGES_S, TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Request, json_response
from simulators.web_face import WebFace

VERSION, API, PORT = "2024-06.11", "1.0", 8080
DESCRIPTION = f"FluxOS-{VERSION}-d37c5dd4a7f8e4837e63dc99e577620cb5e9361d"
ACCOUNTS = {"admin": "admin"}
TOKEN_S = 1800.0
SUPPLY_SHARE = 0.95
PRESETS = {"normal": Level.FULL, "eco": Level.LOW, "turbo": Level.FULL}
RATES = {"MHS 5s": 5, "MHS 1m": 60, "MHS 5m": 300, "MHS 15m": 900, "MHS av": 1800}
LIGHTS = {1: "No power", 2: "Normal", 3: "Locate", 4: "Temperature", 5: "Pool config", 8: "Hashrate low"}
Row = dict[str, Any]
Read = Callable[[Machine], Row]


@dataclass(slots=True)
class Kept:
    """What one machine keeps: its mode and target, its light, who is let in until when."""

    mode: str = "normal"
    target_w: float = 0.0
    located: bool = False
    tokens: dict[str, float] = field(default_factory=dict)


class Core:
    """What both faces of a machine tell, and what they share."""

    def __init__(self, physics: Physics) -> None:
        self.physics = physics
        self._kept: dict[int, Kept] = {}
        #: what the miner's own port tells, and what the pages tell beside it
        self.miner: dict[str, Read] = {
            "version": _version,
            "summary": self._summary,
            "devs": self._devices,
            "devdetails": _details,
            "asccount": _count,
            "pools": self._pools,
        }
        self.pages: dict[str, Read] = {
            "version": _version,
            "pools": self._pools,
            "ipreport": _report,
            "mode": self._mode,
            "psu": self._supply,
            "fan": self._fans,
            "temperature": self._heat,
            "frequency": self._beats,
            "led": self._light,
        }

    def of(self, machine: Machine) -> Kept:
        """Return what a machine keeps."""
        return self._kept.setdefault(machine.index, Kept(target_w=machine.nameplate_w))

    def _well(self, machine: Machine) -> list[tuple[int, bool]]:
        return list(enumerate(self.physics.board_well[machine.index].tolist()[: machine.row.boards], 1))

    def _shares(self, machine: Machine) -> int:
        return int(self.physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _is_fed(self, machine: Machine) -> bool:
        return bool(self.physics.pool_alive[machine.index] and self.physics.pool_set[machine.index])

    def _summary(self, machine: Machine) -> Row:
        physics, at, shares = self.physics, machine.index, self._shares(machine)
        averages = dict(zip(AVERAGES_S, (physics.averages_ths[:, at] * 1e6).tolist(), strict=True))
        row = {
            "Elapsed": int(physics.elapsed_s[at]), **{name: averages[span_s] for name, span_s in RATES.items()},
            "Accepted": shares, "Rejected": shares // 400, "Hardware Errors": int(physics.hardware_errors[at]),
            "Total MH": round(physics.terahashes[at].item() * 1e6),
        }  # fmt: skip
        return said(11, "Summary", SUMMARY=[row])

    def _devices(self, machine: Machine) -> Row:
        at, boards = machine.index, self._well(machine)
        working = max(sum(well for _, well in boards), 1)
        mhs, board_c = self.physics.averages_ths[0, at].item() * 1e6 / working, self.physics.board_c[at].item()
        rows = [
            {
                "DEV": board, "Name": "ASICBoard", "ID": board, "Enabled": True, "Status": "Alive" if well else "Dead",
                "Temperature": round(board_c, 2) if well else 0.0, "MHS 5s": mhs if well else 0.0,
            }
            for board, well in boards
        ]  # fmt: skip
        return said(9, f"{len(rows)} Dev(s)", DEVS=rows)

    def _pools(self, machine: Machine) -> Row:
        fed, shares = self._is_fed(machine), self._shares(machine)
        rows = [
            {
                "POOL": number, "URL": f"stratum+tcp://pool{number}.invalid:3333", "User": f"farm.{machine.index}",
                "Status": "Alive" if fed else "Dead", "Priority": number, "Quota": 1,
                "Stratum Active": fed and number == 0, "Accepted": shares if number == 0 else 0, "Rejected": 0,
            }
            for number in range(3)
        ]  # fmt: skip
        return said(7, "3 Pool(s)", POOLS=rows)

    def _mode(self, machine: Machine) -> Row:
        kept = self.of(machine)
        asleep = self.physics.level[machine.index] == Level.SLEEP
        row = {
            "Mode": kept.mode, "Sleep": "on" if asleep else "off", "Power": round(kept.target_w),
            "Ths": round(machine.nameplate_ths * kept.target_w / machine.nameplate_w),
        }  # fmt: skip
        return said(540, f"Operating mode: 'normal', sleep: '{str(asleep).lower()}'", Mode=[row])

    def _supply(self, machine: Machine) -> Row:
        power_w = self.physics.power_w[machine.index].item()
        row = {
            "VoutSet": "11.50V", "Vin": "245.00V", "Iin": f"{power_w / 245:.2f}A", "FanSpeed1": "4052.00 RPM",
            "PowerIn": f"{power_w:.2f}W", "PowerOut": f"{power_w * SUPPLY_SHARE:.2f}W",
            "PoutMax": f"{machine.nameplate_w * 1.15:.2f}W",
        }  # fmt: skip
        return said(570, "PSU status", PSU=[row])

    def _fans(self, machine: Machine) -> Row:
        rpm = int(self.physics.fan_rpm[machine.index])
        rows = [{"ID": fan, "Speed": rpm, "Target": rpm, "Max": 7700} for fan in range(1, machine.row.fans + 1)]
        return said(510, f"Total fans: {len(rows)}", Fan=rows)

    def _heat(self, machine: Machine) -> Row:
        at, ambient_c = machine.index, self.physics.ambient_c
        board_c, chip_c = self.physics.board_c[at].item(), self.physics.chip_c[at].item()
        own = {"ID": 0, "Name": "Control Board", "BoardTemp": _listed("Temperature", [ambient_c]), "ChipTemp": None}
        rows = [
            {
                "ID": board, "Name": f"Hash Board {board}",
                "BoardTemp": _listed("Temperature", [ambient_c, ambient_c, board_c, board_c]),
                "ChipTemp": _listed("Temperature", [chip_c - 5, chip_c]),
            }
            for board, well in self._well(machine)
            if well
        ]  # fmt: skip
        return said(590, "System temperature", Temperature=[own, *rows])

    def _beats(self, machine: Machine) -> Row:
        runs = self.physics.phase[machine.index] == Phase.HASHING
        rows = [
            {"ID": board, "Name": f"Hash Board {board}", "ChipFrequency": _listed("Frequency", [475.0, 525.0])}
            for board, well in self._well(machine)
            if well and runs
        ]
        return said(640, "System frequency", Frequency=rows)

    def _light(self, machine: Machine) -> Row:
        phase = Phase(int(self.physics.phase[machine.index]))
        hot = phase is Phase.FAULT and any(well for _, well in self._well(machine))
        code = 5 if phase is Phase.IDLE else 4 if hot else 8 if phase is Phase.FAULT else 2
        code = 3 if self.of(machine).located else code
        return said(530, "Total LEDs 2", LED=[{"Code": code, "LED1": 1, "LED2": 1, "Msg": LIGHTS[code]}])


class AuradineFace:
    """Answers on port 4028; it only reads."""

    one_at_a_time = False

    def __init__(self, core: Core, machines: dict[int, Machine]) -> None:
        self._core = core
        self._machines = machines

    def complete(self, request: bytes) -> bool:
        """Whether a whole document came, or what cannot become one."""
        text = request.strip(b"\0\r\n ")
        return bool(text) and (not text.startswith(b"{") or text.endswith(b"}"))

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None while the machine boots."""
        if not await in_reach(self._core.physics, index):
            return None
        try:
            told = json.loads(request.strip(b"\0\r\n "))
        except (ValueError, RecursionError):
            told = None
        read = self._core.miner.get(str(told.get("command"))) if isinstance(told, dict) else None
        reply = refused("invalid command", 14) if read is None else read(self._machines[index])
        return json.dumps(reply).encode() + b"\0"


class AuradineWeb(WebFace):
    """Answers on port 8080 to whoever shows a token."""

    def __init__(
        self,
        core: Core,
        machines: dict[int, Machine],
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, core.physics, obeys, wrote)
        self._core = core
        writers: dict[str, Callable[[Machine, Row], Row]] = {
            "mode": self._set_mode,
            "led": self._set_light,
            "restart": self._restart,
        }
        self.pages["POST", "/token"] = self._give_token
        for name, read in core.pages.items():
            self.pages["GET", f"/{name}"] = self._reading(read)
        for name, writer in writers.items():
            self.pages["POST", f"/{name}"] = self._writing(writer)

    def _give_token(self, machine: Machine, request: Request) -> bytes:
        told = _document(request)
        if ACCOUNTS.get(str(told.get("user"))) != told.get("password"):
            return json_response(refused("invalid user or password"), HTTPStatus.UNAUTHORIZED)
        token = secrets.token_hex(16)
        self._core.of(machine).tokens[token] = _now_s() + TOKEN_S
        return json_response(said(700, "Token", Token=[{"Token": token}]))

    def _is_admitted(self, machine: Machine, request: Request) -> bool:
        return self._core.of(machine).tokens.get(request.headers.get("token", ""), 0.0) > _now_s()

    def _reading(self, read: Read) -> Callable[[Machine, Request], bytes]:
        def page(machine: Machine, request: Request) -> bytes:
            return json_response(read(machine)) if self._is_admitted(machine, request) else _shut()

        return page

    def _writing(self, writer: Callable[[Machine, Row], Row]) -> Callable[[Machine, Request], bytes]:
        def page(machine: Machine, request: Request) -> bytes:
            if not self._is_admitted(machine, request):
                return _shut()
            return json_response(writer(machine, _document(request)))

        return page

    def _set_mode(self, machine: Machine, told: Row) -> Row:
        """Change what the body names: the sleep, or the mode with its target."""
        if told.get("sleep") in {"on", "off"}:
            return self._set_sleep(machine, asleep=told["sleep"] == "on")
        mode, watts = told.get("mode"), told.get("power")
        if mode == "custom" and told.get("tune") == "power" and isinstance(watts, int) and watts > 0:
            return self._change(machine, mode, Level.FULL, float(watts))
        if isinstance(mode, str) and mode in PRESETS:
            return self._change(machine, mode, PRESETS[mode], math.inf)
        return refused("invalid parameter")

    def _set_sleep(self, machine: Machine, *, asleep: bool) -> Row:
        if self.told(machine, f"sleep {'on' if asleep else 'off'}"):
            awake = Level(int(self.physics.awake_level[machine.index]))
            self.order(machine, Level.SLEEP if asleep else awake)
        return said(540, "mode set")

    def _change(self, machine: Machine, mode: str, level: Level, limit_w: float) -> Row:
        """Keep mode and target; one that sleeps goes on sleeping."""
        if self.told(machine, f"mode {mode}"):
            kept, at = self._core.of(machine), machine.index
            kept.mode, kept.target_w = mode, min(limit_w, machine.nameplate_w)
            self.physics.awake_level[at], self.physics.limit_w[at] = level, limit_w
            if self.physics.level[at] != Level.SLEEP:
                self.order(machine, level)
        return said(540, "mode set")

    def _set_light(self, machine: Machine, told: Row) -> Row:
        if told.get("code") not in {2, 3}:
            return refused("invalid parameter")
        if self.told(machine, f"led {told['code']}"):
            self._core.of(machine).located = told["code"] == 3
        return said(530, "led set")

    def _restart(self, machine: Machine, _told: Row) -> Row:
        if self.told(machine, "reboot"):
            self.restart(machine)
        return said(550, "restarting")


def said(code: int, message: str, **sections: object) -> Row:
    """Return a reply of success."""
    status = {"STATUS": "S", "When": int(time.time()), "Code": code, "Msg": message, "Description": DESCRIPTION}
    return {"STATUS": [status], **sections, "id": 1}


def refused(message: str, code: int = 0) -> Row:
    """Return a refusal."""
    status = {"STATUS": "E", "When": int(time.time()), "Code": code, "Msg": message, "Description": DESCRIPTION}
    return {"STATUS": [status], "id": 1}


def _shut() -> bytes:
    return json_response(refused("token is missing or expired"), HTTPStatus.UNAUTHORIZED)


def _document(request: Request) -> Row:
    try:
        told = request.json()
    except BadRequest:
        return {}
    return told if isinstance(told, dict) else {}


def _listed(name: str, values: list[float]) -> list[Row]:
    return [{"ID": at, name: round(value, 2)} for at, value in enumerate(values)]


def _version(_machine: Machine) -> Row:
    return said(22, "GCMiner versions", VERSION=[{"GCMiner": "0.5", "API": API}])


def _details(machine: Machine) -> Row:
    name = machine.model.removeprefix("Teraflux ")
    rows = [{"DEVDETAILS": board, "Driver": "GC", "Model": name} for board in range(machine.row.boards)]
    return said(69, "Device Details", DEVDETAILS=rows)


def _count(machine: Machine) -> Row:
    boards = machine.row.boards
    return said(104, "ASC count", ASCCount=[{"BoardCount": boards, "AsicCount": boards * machine.row.chips}])


def _report(machine: Machine) -> Row:
    row = {
        "command": "ipreport", "SerialNo": machine.serial, "ip": machine.host, "mac": machine.mac.lower(),
        "model": machine.model.removeprefix("Teraflux "), "version": VERSION, "hostname": "teraflux",
        "CBSerialNo": f"{machine.serial}C",
    }  # fmt: skip
    return said(620, "IP Report", IPReport=[row])


def _now_s() -> float:
    return asyncio.get_running_loop().time()
