"""The simulated VNish (AnthillOS) by its web API: pages of JSON, a password for what changes, presets by their watts.

Written from the firmware's own API document. Presets are tuned from what the machine is sold as downwards; asleep it
stays so over a new start, as it is set to.
"""

from __future__ import annotations

import asyncio
import copy
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import LIMITED_RATE, TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Request, json_response, parse_request, response

VERSION = "1.2.7"
API = "1"
PASSWORD = "admin"  # noqa: S105 - the vendor's
UNLOCKED_S = 1800.0
MOST_TRIES = 5
PRESETS = range(10, 21)
"""Twentieths of what the machine is sold as."""
V1 = "/api/v1"
STATES = {
    Phase.BOOTING: "initializing",
    Phase.WARMING: "starting",
    Phase.TUNING: "auto-tuning",
    Phase.HASHING: "mining",
    Phase.IDLE: "mining",
    Phase.SLEEPING: "stopped",
    Phase.FAULT: "failure",
}
Row = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """What one machine keeps: its settings, its light, who is let in."""

    settings: Row
    light: bool = False
    tokens: dict[str, float] = field(default_factory=dict)
    refused: int = 0


class VnishWeb:
    """Answers on port 80 for the machines whose firmware is VNish."""

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
        self.kept: dict[int, Kept] = {}
        self._orders = 0
        self._open: dict[tuple[str, str], Callable[[Machine, Request], bytes]] = {
            ("GET", "/"): self._root,
            ("GET", f"{V1}/info"): self._info,
            ("GET", f"{V1}/summary"): self._summary,
            ("GET", f"{V1}/status"): self._status,
            ("GET", f"{V1}/perf-summary"): self._performance,
            ("POST", f"{V1}/unlock"): self._unlock,
        }
        self._locked: dict[tuple[str, str], Callable[[Machine, Request], bytes]] = {
            ("GET", f"{V1}/settings"): self._settings,
            ("POST", f"{V1}/settings"): self._set,
            ("GET", f"{V1}/autotune/presets"): self._presets,
            ("POST", f"{V1}/mining/stop"): self._stop,
            ("POST", f"{V1}/mining/start"): self._start,
            ("POST", f"{V1}/mining/restart"): self._restart,
            ("POST", f"{V1}/system/reboot"): self._reboot,
            ("POST", f"{V1}/find-miner"): self._find,
        }

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the response, None while the machine boots."""
        if not await in_reach(self._physics, index):
            return None
        try:
            parsed = parse_request(request)
        except BadRequest as error:
            return response(HTTPStatus.BAD_REQUEST, str(error))
        assert parsed is not None
        return self._routed(self._machines[index], parsed)

    def _routed(self, machine: Machine, request: Request) -> bytes:
        key = request.method, request.path
        if (answer := self._open.get(key)) is not None:
            return answer(machine, request)
        if (answer := self._locked.get(key)) is None:
            return response(HTTPStatus.NOT_FOUND)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        kept = self._of(machine)
        if kept.tokens.get(token, 0.0) < _now_s():
            return json_response({"unlock_timeout": 0}, HTTPStatus.UNAUTHORIZED)
        kept.tokens[token] = _now_s() + UNLOCKED_S
        try:
            return answer(machine, request)
        except BadRequest as error:
            return json_response({"err": str(error)}, HTTPStatus.BAD_REQUEST)

    def _of(self, machine: Machine) -> Kept:
        if machine.index not in self.kept:
            self.kept[machine.index] = Kept(settings=settings_of(machine))
        return self.kept[machine.index]

    def settings(self, machine: Machine) -> Row:
        """Return what a machine is set to besides its preset."""
        kept = copy.deepcopy(self._of(machine).settings)
        del kept["miner"]["overclock"]["preset"]
        return kept

    # --- the lock ---------------------------------------------------------------------------------------------------

    def _unlock(self, machine: Machine, request: Request) -> bytes:
        kept = self._of(machine)
        if kept.refused >= MOST_TRIES:
            return json_response({"unlock_timeout": 60}, HTTPStatus.TOO_MANY_REQUESTS)
        try:
            told = request.json()
        except BadRequest:
            told = None
        if not isinstance(told, dict) or told.get("pw") != PASSWORD:
            kept.refused += 1
            return json_response({"unlock_timeout": 0}, HTTPStatus.FORBIDDEN)
        kept.refused = 0
        token = secrets.token_hex(16)
        kept.tokens[token] = _now_s() + UNLOCKED_S
        return json_response({"token": token})

    # --- what it shows ----------------------------------------------------------------------------------------------

    def _root(self, _machine: Machine, _request: Request) -> bytes:
        page = '<html><head><meta name="firmware" content="AnthillOS"><title>Firmware</title></head></html>'
        return response(HTTPStatus.OK, page, "text/html")

    def _info(self, machine: Machine, _request: Request) -> bytes:
        minutes = int(self._physics.elapsed_s[machine.index]) // 60
        days, left = divmod(minutes, 1440)
        clock = f"{left // 60}:{left % 60:02d}"
        return json_response({
            "miner": machine.model, "model": machine.model.removeprefix("Antminer ").replace(" ", "").lower(),
            "fw_name": "Vnish", "fw_version": VERSION, "platform": "aml", "install_type": "nand", "hr_measure": "GH/s",
            "system": {
                "uptime": f"{days} days, {clock}" if days else clock,
                "network_status": {"mac": machine.mac, "ip": machine.host, "dhcp": True, "hostname": "Antminer"},
            },
            "serial": machine.serial,
        })  # fmt: skip

    def _state(self, machine: Machine) -> str:
        phase = Phase(int(self._physics.phase[machine.index]))
        is_leaving = int(self._physics.next_level[machine.index]) == Level.SLEEP and phase is not Phase.SLEEPING
        return "shutting-down" if is_leaving else STATES[phase]

    def _status(self, machine: Machine, _request: Request) -> bytes:
        told = {"miner_state": self._state(machine), "miner_state_time": 60, "find_miner": self._of(machine).light}
        return json_response(told | {"restart_required": False, "reboot_required": False})

    def _performance(self, machine: Machine, _request: Request) -> bytes:
        settings = self._of(machine).settings["miner"]["overclock"]
        row = preset_row(machine, settings["preset"])
        return json_response({"current_preset": row, "preset_switcher": settings["preset_switcher"]})

    def _presets(self, machine: Machine, _request: Request) -> bytes:
        rows = [preset_row(machine, preset_name(machine, part)) for part in PRESETS]
        off = {"name": "disabled", "pretty": "Disabled", "status": "untuned", "modded_psu_required": False}
        return json_response([off, *rows])

    def _settings(self, machine: Machine, _request: Request) -> bytes:
        return json_response(self._of(machine).settings)

    def _summary(self, machine: Machine, _request: Request) -> bytes:
        physics, at = self._physics, machine.index
        if physics.phase[at] < Phase.WARMING:
            return json_response({"miner": None})
        state = self._state(machine)
        shares = int(physics.terahashes[at].item() / TERAHASHES_A_SHARE)
        rpm = int(physics.fan_rpm[at])
        standing: Row = {"miner_state": state, "miner_state_time": int(physics.elapsed_s[at])}
        if state == "failure":
            standing |= {"failure_code": 3, "description": "too few boards"}
        preset = self._of(machine).settings["miner"]["overclock"]["preset"]
        miner = {
            "miner_status": standing,
            "miner_type": f"{machine.model} (Vnish {VERSION})",
            "hr_stock": machine.nameplate_ths * 1e3,
            "average_hashrate": round(physics.averages_ths[2, at].item(), 5),
            "instant_hashrate": round(physics.averages_ths[0, at].item(), 5),
            "hr_realtime": round(physics.averages_ths[0, at].item() * 1e3, 2),
            "hr_nominal": round(rate_ths(machine, preset) * 1e3, 2),
            "hr_average": round(physics.averages_ths[2, at].item() * 1e3, 2),
            "power_consumption": round(physics.power_w[at].item()),
            "hw_errors": int(physics.hardware_errors[at]),
            "best_share": 524_288 * (1 + shares),
            "pools": self._pools(machine, shares),
            "cooling": {
                "fan_num": machine.row.fans,
                "fans": [{"id": fan, "rpm": rpm, "status": "ok"} for fan in range(machine.row.fans)],
            },
            "chains": self._chains(machine),
            "psu": {"psu_power_metering": True},
        }
        return json_response({"miner": miner})

    def _pools(self, machine: Machine, shares: int) -> list[Row]:
        at = machine.index
        alive = bool(self._physics.pool_alive[at] and self._physics.pool_set[at])
        rows = [
            {
                "id": number, "url": f"stratum+tcp://pool{number}.invalid:3333", "pool_type": "UserPool",
                "user": f"farm.{at}", "status": ("active" if number == 0 else "working") if alive else "offline",
                "accepted": shares if number == 0 else 0, "rejected": shares // 400 if number == 0 else 0, "stale": 0,
            }
            for number in range(3)
        ]  # fmt: skip
        fee = {"id": 3, "url": "DevFee", "pool_type": "DevFee", "user": "DevFee", "status": "active", "accepted": 1}
        return [*rows, fee]

    def _chains(self, machine: Machine) -> list[Row]:
        physics, at = self._physics, machine.index
        well: list[bool] = physics.board_well[at, : int(physics.boards[at])].tolist()
        rate = physics.averages_ths[0, at].item() * 1e3 / max(sum(well), 1)
        hot, chip = round(physics.board_c[at].item()), round(physics.chip_c[at].item())
        return [
            {
                "id": board + 1, "frequency": 495.0, "voltage": 13_000,
                "hashrate_rt": round(rate, 2) if works else 0.0,
                "pcb_temp": {"min": hot - 5, "max": hot}, "chip_temp": {"min": chip - 8, "max": chip},
                "chip_statuses": {"red": 0, "orange": 2, "grey": machine.row.chips - 2} if works else {},
                "status": {"state": self._state(machine) if works else "failure"},
            }
            for board, works in enumerate(well)
        ]  # fmt: skip

    # --- what it is told --------------------------------------------------------------------------------------------

    def _told(self, machine: Machine, command: str) -> bool:
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def _order(self, machine: Machine, level: Level) -> None:
        self._orders += 1
        chance = random.Random(f"{machine.serial}/{self._orders}")  # noqa: S311 - delays that repeat
        self._physics.order_level(machine.index, level, chance.uniform(1, 4) * self._physics.delay_scale)

    def _stop(self, machine: Machine, _request: Request) -> bytes:
        if self._told(machine, "mining/stop"):
            self._order(machine, Level.SLEEP)
        return json_response({"success": True})

    def _start(self, machine: Machine, _request: Request) -> bytes:
        if self._told(machine, "mining/start"):
            self._order(machine, Level.FULL)
        return json_response({"success": True})

    def _restart(self, machine: Machine, _request: Request) -> bytes:
        if self._told(machine, "mining/restart"):
            self._order(machine, Level.FULL)
        return json_response({"success": True})

    def _reboot(self, machine: Machine, _request: Request) -> bytes:
        if self._told(machine, "reboot"):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)
        return json_response({"after": 3})

    def _find(self, machine: Machine, _request: Request) -> bytes:
        """Switch the light to what it is not."""
        kept = self._of(machine)
        if self._told(machine, "find-miner"):
            kept.light = not kept.light
        return json_response({"on": kept.light})

    def _set(self, machine: Machine, request: Request) -> bytes:
        """Take over what the body names; a preset that nobody knows is answered and ignored, as the firmware does."""
        told = request.json()
        overclock = told.get("miner", {}).get("overclock") if isinstance(told, dict) else None
        if not isinstance(overclock, dict):
            return json_response({"restart_required": False, "reboot_required": False})
        preset = overclock.get("preset")
        known = {preset_name(machine, part) for part in PRESETS}
        if preset in known and self._told(machine, f"preset {preset}"):
            kept = self._of(machine)
            kept.settings = copy.deepcopy(kept.settings)
            kept.settings["miner"]["overclock"] = overclock
            watts = float(preset)
            self._physics.limit_w[machine.index] = np.inf if watts >= machine.nameplate_w - 1 else watts
        return json_response({"restart_required": preset in known, "reboot_required": False})


def preset_name(machine: Machine, part: int) -> str:
    """Return the name of a preset: its watts."""
    return str(round(machine.nameplate_w * part / 20))


def rate_ths(machine: Machine, preset: str) -> float:
    """Return what a machine hashes in a preset."""
    return float(machine.nameplate_ths * (float(preset) / machine.nameplate_w) ** LIMITED_RATE)


def preset_row(machine: Machine, preset: str) -> Row:
    """Return a preset as the firmware lists it."""
    words = f"{preset} watt ~ {rate_ths(machine, preset):.0f} TH"
    return {"name": preset, "pretty": words, "status": "tuned", "modded_psu_required": False}


def settings_of(machine: Machine) -> Row:
    """Return the settings of a machine that nobody has changed."""
    switcher = {"enabled": False, "top_preset": preset_name(machine, 20), "min_preset": preset_name(machine, 10)}
    pools = [{"url": f"stratum+tcp://pool{number}.invalid:3333", "user": "farm", "pass": "x"} for number in range(3)]
    return {
        "miner": {
            "cooling": {"mode": {"name": "auto", "param": 65}},
            "misc": {"remain_stopped_on_reboot": True},
            "overclock": {
                "modded_psu": False, "preset": preset_name(machine, 20), "globals": {"volt": 1300, "freq": 555},
                "preset_switcher": switcher,
            },
            "pools": pools,
        },
        "network": {"hostname": "Antminer", "dhcp": True},
    }  # fmt: skip


def _now_s() -> float:
    return asyncio.get_running_loop().time()
