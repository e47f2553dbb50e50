"""The simulated firmware of MARA on Antminers: pages of JSON below /kaonsu/v1, behind a digest login of stock's realm.

Written from what two clients of it say. Its mode is in its configuration, which is sent back whole; what is there
outlasts a new start. On port 4028 it answers as stock does, under its own name.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.face_clones import Name
from simulators.machines import Machine
from simulators.physics import AVERAGES_S, TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Digest, Request, json_response
from simulators.web_face import WebFace

VERSION, API = "24.5.3", "1"
NAME = Name(suffix=f" (MARAFW {VERSION})", program="1.0.0 kaonsu", names_model=True)
REALM, USERS = "antMiner Configuration", {"root": "root"}
BASE = "/kaonsu/v1/"
STOCKS_PAGE = "/cgi-bin/get_system_info.cgi"
SELECTORS = ("Stock", "Fixed", "Auto", "Sleep")
STATUSES = {Phase.HASHING: "Mining", Phase.TUNING: "Mining", Phase.SLEEPING: "Stopped", Phase.FAULT: "Failure"}
GHS = 1e3
Row = dict[str, Any]
Read = Callable[[Machine], Any]


@dataclass(slots=True)
class Kept:
    """What one machine keeps: its configuration, its changes, its lamp, who is let in."""

    config: Row
    history: list[Row] = field(default_factory=list)
    blinking: bool = False
    digest: Digest = field(default_factory=lambda: Digest(REALM, USERS))


class MaraWeb(WebFace):
    """Answers on port 80 for the machines with MARA's firmware."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self.kept: dict[int, Kept] = {}
        reads: dict[str, Read] = {
            "brief": self._brief,
            "overview": _overview,
            "details": self._details,
            "hashboards": self._hashboards,
            "fans": self._fans,
            "pools": self._pools,
            "miner_config": lambda machine: self.of(machine).config,
            "locate_miner": lambda machine: {"blinking": self.of(machine).blinking},
            "event_chart": self._events,
            "log": lambda machine: self.of(machine).history,
        }
        writes: dict[str, Callable[[Machine, Row], Row]] = {
            "miner_config": self._configure,
            "locate_miner": self._locate,
            "maintenance": self._maintain,
        }
        for name, read in reads.items():
            self.pages["GET", BASE + name] = self._behind_login(_reading(read))
        self.pages["GET", STOCKS_PAGE] = self._behind_login(_reading(lambda machine: {"minertype": machine.model}))
        for name, write in writes.items():
            self.pages["POST", BASE + name] = self._behind_login(_writing(write))

    def of(self, machine: Machine) -> Kept:
        """Return what a machine keeps."""
        return self.kept.setdefault(machine.index, Kept(config=config_of(machine)))

    def settings(self, machine: Machine) -> Row:
        """Return what a machine is set to besides its mode and the tuner's aim."""
        kept = copy.deepcopy(self.of(machine).config)
        mode = kept["mode"]
        kept["mode"] = {"fixed": mode["fixed"], "hash-target": mode["concorde"]["hash-target"]}
        return kept

    def _behind_login(self, page: Callable[[Machine, Request], Any]) -> Callable[[Machine, Request], bytes]:
        def answer(machine: Machine, request: Request) -> bytes:
            digest = self.of(machine).digest
            return json_response(page(machine, request)) if digest.admits(request) else digest.refusal(request)

        return answer

    # --- what it shows ----------------------------------------------------------------------------------------------

    def _brief(self, machine: Machine) -> Row:
        physics, at = self.physics, machine.index
        return {
            "status": STATUSES.get(Phase(int(physics.phase[at])), "Initializing"),
            "hashrate_realtime": round(physics.averages_ths[0, at].item(), 3),
            "hashrate_average": round(physics.averages_ths[AVERAGES_S.index(1800), at].item(), 3),
            "hashrate_ideal": round(machine.nameplate_ths * GHS, 1),
            "power_consumption_estimated": round(physics.power_w[at].item()),
            "power_source": "estimated",
            "temperature_max": round(physics.chip_c[at].item()),
            "elapsed": int(physics.elapsed_s[at]),
        }

    def _well(self, machine: Machine) -> list[tuple[int, bool]]:
        return list(enumerate(self.physics.board_well[machine.index].tolist()[: machine.row.boards]))

    def _rate_ghs(self, machine: Machine) -> float:
        working = max(sum(well for _, well in self._well(machine)), 1)
        return float(self.physics.averages_ths[0, machine.index]) * GHS / working

    def _details(self, machine: Machine) -> Row:
        rows = [
            {
                "index": board, "hashrate_avg": round(self._rate_ghs(machine), 2) if well else 0.0,
                "hashrate_ideal": round(machine.nameplate_ths * GHS / machine.row.boards, 1), "voltage": 13.6,
                "asic_num": machine.row.chips if well else 0, "frequency_avg": 495.0 if well else 0.0,
            }
            for board, well in self._well(machine)
        ]  # fmt: skip
        return {"hashboard_infos": rows}

    def _hashboards(self, machine: Machine) -> Row:
        board_c, chip_c = self.physics.board_c[machine.index].item(), self.physics.chip_c[machine.index].item()
        rows = [
            {
                "index": board, "hashrate_average": round(self._rate_ghs(machine), 2) if well else 0.0,
                "temperature_pcb": [round(board_c - 8), round(board_c)] if well else [0, 0],
                "temperature_chip": [round(chip_c - 8), round(chip_c)] if well else [0, 0],
                "asic_num": machine.row.chips if well else 0, "serial_number": f"{machine.serial}B{board}",
            }
            for board, well in self._well(machine)
        ]  # fmt: skip
        return {"hashboards": rows}

    def _fans(self, machine: Machine) -> Row:
        return {"fans": [{"current_speed": int(self.physics.fan_rpm[machine.index])} for _ in range(machine.row.fans)]}

    def _pools(self, machine: Machine) -> list[Row]:
        at = machine.index
        fed = bool(self.physics.pool_alive[at] and self.physics.pool_set[at])
        shares = int(self.physics.terahashes[at].item() / TERAHASHES_A_SHARE)
        rows = [
            {
                "index": number, "url": pool["url"], "user": pool["user"], "status": "Alive" if fed else "Dead",
                "priority": number, "accepted": 0 if number else shares, "rejected": 0 if number else shares // 400,
                "stale": 0, "discarded": 0,
            }
            for number, pool in enumerate(self.of(machine).config["pools"])
        ]  # fmt: skip
        return [*rows, {"index": len(rows), "url": "", "user": "", "status": "Dead", "priority": len(rows)}]

    def _events(self, machine: Machine) -> Row:
        broken = [board for board, well in self._well(machine) if not well]
        rows = [
            {"level": "error", "message": f"Hashboard {board} is not found", "timestamp": 1_700_000_000}
            for board in broken
        ]
        return {"event_flags": [{"level": "info", "message": "Miner started", "timestamp": 1_700_000_000}, *rows]}

    # --- what it is told --------------------------------------------------------------------------------------------

    def _configure(self, machine: Machine, told: Row) -> Row:
        """Take the whole configuration in place of the one before."""
        mode = told.get("mode")
        selector = mode.get("work-mode-selector") if isinstance(mode, dict) else None
        if selector not in SELECTORS or not isinstance(told.get("pools"), list):
            return {"error": True, "msg": "invalid config"}
        if self.told(machine, f"miner_config {selector.lower()}"):
            self._keep(machine, told, selector)
        return {"error": False, "msg": "success"}

    def _keep(self, machine: Machine, told: Row, selector: str) -> None:
        kept, at = self.of(machine), machine.index
        before = kept.config["mode"]["work-mode-selector"]
        if before != selector:
            change = {"type": "update", "path": ["Mode", "WorkModeSelector"], "from": before, "to": selector}
            kept.history.append({str(1_700_000_000 + len(kept.history)): [change]})
        kept.config = copy.deepcopy(told)
        self.physics.pool_set[at] = any(pool.get("url") for pool in told["pools"])
        self.physics.limit_w[at] = _limit_w(machine, told["mode"])
        self.order(machine, Level.SLEEP if selector == "Sleep" else Level.FULL)

    def _locate(self, machine: Machine, told: Row) -> Row:
        if not isinstance(told.get("blinking"), bool):
            return {"error": True, "msg": "invalid value"}
        if self.told(machine, f"blink {'on' if told['blinking'] else 'off'}"):
            self.of(machine).blinking = told["blinking"]
        return {"error": False, "msg": "success"}

    def _maintain(self, machine: Machine, told: Row) -> Row:
        if told.get("type") != "reboot":
            return {"error": True, "msg": "unknown type"}
        if self.told(machine, "reboot"):
            self.restart(machine)
        return {"error": False, "msg": "success"}


def _reading(read: Read) -> Callable[[Machine, Request], Any]:
    return lambda machine, _request: read(machine)


def _writing(write: Callable[[Machine, Row], Row]) -> Callable[[Machine, Request], Row]:
    def page(machine: Machine, request: Request) -> Row:
        try:
            told = request.json()
        except BadRequest:
            told = None
        return write(machine, told) if isinstance(told, dict) else {"error": True, "msg": "invalid JSON"}

    return page


def _limit_w(machine: Machine, mode: Row) -> float:
    """Return the power target in force, W; infinite for none, and for one that does not bind."""
    tuner = mode.get("concorde", {})
    if mode["work-mode-selector"] != "Auto" or tuner.get("mode-select") != "PowerTarget":
        return math.inf
    target_w = float(tuner.get("power-target", math.inf))
    return target_w if target_w < machine.nameplate_w else math.inf


def config_of(machine: Machine) -> Row:
    """Return the configuration of a machine that nobody has changed."""
    return {
        "mode": {
            "work-mode-selector": "Stock",
            "fixed": {"frequency": "495", "voltage": 13.6},
            "concorde": {
                "mode-select": "PowerTarget",
                "power-target": round(machine.nameplate_w),
                "hash-target": round(machine.nameplate_ths),
            },
        },
        "general-config": {"environment-profile": "AirCooling"},
        "advance-config": {"override-fan-control": False, "fan-fixed-percent": 100},
        "pools": [
            {"url": f"stratum+tcp://pool{number}.invalid:3333", "user": f"farm.{machine.index}", "pass": "x", "gid": 0}
            for number in range(3)
        ],
        "pool-group": [{"gid": 0, "alias": "group", "percent": 100}],
    }


def _overview(machine: Machine) -> Row:
    return {
        "mac": machine.mac.lower(), "version_firmware": VERSION, "control_board": "AMLogic",
        "model": machine.model, "model_extended": f"{machine.nameplate_ths:.0f}T",
    }  # fmt: skip
