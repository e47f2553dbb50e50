"""The simulated SealMiner: a cgminer of its own on port 4028, and pages of PHP behind a session.

Written from what public clients send and what one real machine answered. Nobody tells how its state calls a stop, nor
whether one outlasts a new start: here it is "Suspend", and it does not. A power limit is kept, and holds from a
new start.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Request, json_response, response
from simulators.web_face import WebFace

VERSION = "2025091001"
API = "3.7"
PROGRAM = "bdminer 4.11.1"
USER, PASSWORD = "seal", "seal"
SUPPLY_SHARE = 0.922
SENSORS = 4
STATES = {Phase.SLEEPING: "Suspend", Phase.WARMING: "Init"}
TUNES = {Phase.WARMING: "Init", Phase.TUNING: "Coarse Tuning"}
Row = dict[str, Any]


class SealMinerFace:
    """Answers on port 4028 for SealMiners."""

    one_at_a_time = True

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
        self._limits_w: dict[int, float] = {}  # as told; they hold from the next start
        self._answers: dict[str, Callable[[Machine], Row]] = {
            "version": self._version,
            "summary": self._summary,
            "stats": self._stats,
            "pools": self._pools,
            "devdetails": self._details,
            "restart": self._restart,
        }

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None while it boots."""
        if not await in_reach(self._physics, index):
            return None
        machine = self._machines[index]
        try:
            told = json.loads(request.strip(b"\0\n "))
            command, parameter = str(told["command"]), str(told.get("parameter", ""))
        except (ValueError, KeyError, TypeError, RecursionError):
            return _encoded(said("E", 23, "Invalid JSON"))
        if command == "ascset":
            return _encoded(self._set(machine, parameter))
        answer = self._answers.get(command)
        return _encoded(said("E", 14, "Invalid command") if answer is None else answer(machine))

    # --- reads ------------------------------------------------------------------------------------------------------

    def _version(self, _machine: Machine) -> Row:
        return said("S", 22, "BDMiner versions", VERSION=[{"BDMiner": "4.11.1", "API": API}])

    def _details(self, machine: Machine) -> Row:
        row = {"DEVDETAILS": 0, "Name": "A20", "ID": 0, "Driver": "seal", "Kernel": "", "Model": model_of(machine)}
        return said("S", 69, "Device Details", DEVDETAILS=[row])

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _summary(self, machine: Machine) -> Row:
        """Count shares: its rates jump."""
        physics, at, shares = self._physics, machine.index, self._shares(machine)
        mean_mhs = physics.averages_ths[3, at].item() * 1e6
        row = {
            "Elapsed": int(physics.elapsed_s[at]), "MHS av": mean_mhs, "MHS 5s": mean_mhs * 1.7, "MHS 1m": mean_mhs,
            "Accepted": shares, "Rejected": shares // 400, "Stale": 0, "Best Share": 524_288 * (1 + shares),
            "Hardware Errors": int(physics.hardware_errors[at]),
        }  # fmt: skip
        return said("S", 11, "Summary", SUMMARY=[row])

    def _is_fed(self, machine: Machine) -> bool:
        return bool(self._physics.pool_alive[machine.index] and self._physics.pool_set[machine.index])

    def _pools(self, machine: Machine) -> Row:
        fed, shares = self._is_fed(machine), self._shares(machine)
        rows = [
            {
                "POOL": number, "URL": f"stratum+tcp://pool{number}.invalid:3333", "User": f"farm.{machine.index}",
                "Status": "Alive" if fed else "Dead", "Priority": number, "Stratum Active": fed and number == 0,
                "Accepted": shares if number == 0 else 0, "Rejected": 0, "Stale": 0, "Has Stratum": True,
            }
            for number in range(3)
        ]  # fmt: skip
        return said("S", 7, "3 Pool(s)", POOLS=rows)

    def _stats(self, machine: Machine) -> Row:
        physics, at = self._physics, machine.index
        phase = Phase(int(physics.phase[at]))
        power_w, tune = physics.power_w[at].item(), TUNES.get(phase, "Fine Tuning Done")
        gives_w = 0 if phase in {Phase.SLEEPING, Phase.FAULT} else round(power_w * SUPPLY_SHARE)
        rates = dict(zip(("30s", "1m", "5m", "15m", "30m"), physics.averages_ths[:, at].tolist(), strict=True))
        row: Row = {
            "STATS": 0, "ID": "A20", "Elapsed": int(physics.elapsed_s[at]), "Model": model_of(machine),
            "ASIC": "Seal02-V1", "Firmware": VERSION, "Software Version": "4.11.1-08690", "IP": machine.host,
            "MAC": machine.mac.lower(), "Ctrl Board": "taurus_air_v1.1", "Ctrl Board SN": machine.serial,
            "PM State": STATES.get(phase, "Running"), "Mining Mode": "Normal", "Tune Status": tune,
            "Temp": round(physics.chip_c[at].item()), "Error Chip": "", "Stratum Disconnect": not self._is_fed(machine),
            "Error Code": "" if phase is not Phase.FAULT else "201", "Liquid Cooling": False,
            "System Uptime": int(physics.elapsed_s[at]) + 260, "MHS(Rated)": machine.nameplate_ths * 1e6,
            "Power Limit": round(self._limits_w.get(at, machine.nameplate_w)), "Freq": 346,
            "MHS(Ideal)": machine.nameplate_ths * 1e6, "MHS(Sample)": physics.averages_ths[0, at].item() * 1e6,
            **{f"MHS({name})": rate * 1e6 for name, rate in rates.items()},
            "PSU Error": "0x00000000", "PSU Input Power": round(power_w), "PSU Output Power": gives_w,
            "PSU Output Voltage": 15.671 if gives_w else 0.0, "PSU Fan Speed": 4408, "Fan Count": machine.row.fans,
        }  # fmt: skip
        for fan in range(machine.row.fans):
            row |= {f"{fan} PWM": 112, f"{fan} Speed": int(physics.fan_rpm[at])}
        well: list[int] = np.flatnonzero(physics.board_well[at]).tolist()
        return said("S", 70, "BDMiner stats", STATS=[row | self._boards(machine, len(well), tune)])

    def _boards(self, machine: Machine, count: int, tune: str) -> Row:
        """Return the boards that it finds, counted from 0."""
        physics, at = self._physics, machine.index
        rate_mhs, hot = physics.averages_ths[0, at].item() * 1e6 / max(count, 1), round(physics.board_c[at].item())
        told: Row = {"Board Count": count}
        for board in range(count):
            told |= {
                f"{board} SN": f"{machine.serial}{board}", f"{board} Online": True, f"{board} Freq": 346,
                f"{board} Chip Count": machine.row.chips, f"{board} Bad Chip Count": 0, f"{board} Tune Status": tune,
                f"{board} MHS(Sample)": rate_mhs,
                **{f"{board} Temp {sensor}": hot - 2 * sensor for sensor in range(SENSORS)},
            }  # fmt: skip
        return told

    # --- writes -----------------------------------------------------------------------------------------------------

    def told(self, machine: Machine, command: str, level: Level) -> None:
        """Stop its miner, or start it anew."""
        self._wrote(machine.index, command)
        if self._obeys(machine.index):
            self._physics.order_level(machine.index, level, 3 * self._physics.delay_scale)

    def _restart(self, machine: Machine) -> Row:
        self.told(machine, "restart", Level.FULL)
        return {"STATUS": "RESTART"}

    def _set(self, machine: Machine, parameter: str) -> Row:
        if parameter.startswith("0,powerlimit,"):
            return self._limit(machine, parameter.removeprefix("0,powerlimit,"))
        if parameter != "0,suspend":
            return said("E", 120, f"ASC 0 set failed: {parameter.partition(',')[2]}")
        self.told(machine, "suspend", Level.SLEEP)
        return said("S", 119, "ASC 0 set OK")

    def _limit(self, machine: Machine, told: str) -> Row:
        try:
            limit_w = float(json.loads(told)["value"])
        except (ValueError, KeyError, TypeError):
            return said("E", 120, "ASC 0 set failed: powerlimit")
        self._wrote(machine.index, f"powerlimit {limit_w:.0f}")
        if self._obeys(machine.index):
            self._limits_w[machine.index] = limit_w
        return said("S", 119, "ASC 0 set OK")

    def starts(self, machine: Machine) -> None:
        """Let what was told hold: it starts anew."""
        limit_w = self._limits_w.get(machine.index, np.inf)
        self._physics.limit_w[machine.index] = np.inf if limit_w >= round(machine.nameplate_w) else limit_w


class SealMinerWeb(WebFace):
    """Answers on port 80 for SealMiners."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
        api: SealMinerFace,
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self._api = api
        self.sessions: dict[int, set[str]] = {}
        self.lights: dict[int, bool] = {}
        behind: dict[tuple[str, str], Callable[[Machine, Request], bytes]] = {
            ("GET", "get_system_info"): self._system,
            ("POST", "led_conf"): self._light,
            ("GET", "reboot"): self._reboot,
            ("POST", "mining_setting"): self._mine,
        }
        self.pages = {("GET", "/"): self._root, ("POST", "/cgi-bin/login.php"): self._log_in}
        for (method, name), page in behind.items():
            self.pages[method, f"/cgi-bin/{name}.php"] = self._guarded(page)

    def _root(self, _machine: Machine, _request: Request) -> bytes:
        return response(HTTPStatus.OK, '<link rel="stylesheet" href="assets/css/amazeui.min.css">', "text/html")

    def _log_in(self, machine: Machine, request: Request) -> bytes:
        form = parse_qs(request.body.decode("latin-1"))
        if (form.get("username"), form.get("origin_pwd")) != ([USER], [PASSWORD]):
            return json_response({"state": 1, "msg": "wrong user or password"})
        session = secrets.token_hex(13)
        self.sessions.setdefault(machine.index, set()).add(session)
        cookie = {"Set-Cookie": f"PHPSESSID={session}; path=/"}
        return response(HTTPStatus.OK, '{"state":0,"msg":"ok"}', "text/html", cookie)

    def _guarded(self, page: Callable[[Machine, Request], bytes]) -> Callable[[Machine, Request], bytes]:
        def guarded(machine: Machine, request: Request) -> bytes:
            session = request.headers.get("cookie", "").partition("PHPSESSID=")[2].partition(";")[0]
            if session not in self.sessions.get(machine.index, ()):
                return response(HTTPStatus.UNAUTHORIZED)
            try:
                return page(machine, request)
            except BadRequest as error:
                return response(HTTPStatus.BAD_REQUEST, str(error))

        return guarded

    def _system(self, machine: Machine, _request: Request) -> bytes:
        return json_response({
            "low_power": 0, "normal": 2, "high_performance": 3, "custom": 5, "firmware_version": VERSION,
            "miner_type": model_of(machine), "brand": "Sealminer", "macaddr": machine.mac.lower(), "DHCP": "true",
            "ipaddress": machine.host, "miningMode": "2", "crtl_sn": machine.serial, "upgrade_result": "0\n",
            "led": "on" if self.lights.get(machine.index) else "off",
        })  # fmt: skip

    def _light(self, machine: Machine, request: Request) -> bytes:
        told = request.json()
        if self.told(machine, "led") and isinstance(told, dict) and told.get("key") == "led":
            self.lights[machine.index] = told.get("value") == "on"
        return json_response({"result": 0})

    def _reboot(self, machine: Machine, _request: Request) -> bytes:
        if self.told(machine, "reboot"):
            self._api.starts(machine)
            self.restart(machine)
        return json_response({"result": 0})

    def _mine(self, machine: Machine, request: Request) -> bytes:
        told = request.json()
        parameter = told.get("params_data") if isinstance(told, dict) else None
        if parameter not in {0, 1}:
            return json_response({"result": 1})
        self._api.told(machine, f"mining_setting {parameter}", Level.FULL if parameter else Level.SLEEP)
        return json_response({"status": 0, "result": 0})


def model_of(machine: Machine) -> str:
    """Return how it calls its model."""
    return machine.model.removeprefix("SealMiner ")


def said(letter: str, code: int, message: str, **sections: object) -> Row:
    """Return a reply."""
    status = {"STATUS": letter, "When": 1_773_869_546, "Code": code, "Msg": message, "Description": PROGRAM}
    return {"STATUS": [status], **sections, "id": 1}


def _encoded(reply: Row) -> bytes:
    return json.dumps(reply).encode() + b"\0"
