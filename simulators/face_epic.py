"""The simulated ePIC firmware (PowerPlay) of Antminers: pages on port 4028, a password in each command's body.

Written from the maker's OpenAPI document. One tuner, that holds terahashes; one command at a time. That a stop outlasts
a new start is a guess from the word for the way back, Autostart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np

from simulators.machines import Machine
from simulators.physics import LIMITED_RATE, TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Request, json_response, response
from simulators.web_face import WebFace

VERSION = "1.5.13"
API = "1"
PASSWORD = "letmein"  # noqa: S105 - the vendor's
TUNER = "VoltageOptimizer"
MOST_FANS = 12
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of what it is sold as, in terahashes: its presets."""
STATES = {
    Phase.BOOTING: "Loading",
    Phase.WARMING: "Initializing",
    Phase.TUNING: "AdjustingClockVoltage",
    Phase.HASHING: "Mining",
    Phase.IDLE: "Idling",
    Phase.SLEEPING: "Idling",
    Phase.FAULT: "Idling",
}
Row = dict[str, Any]
Doing = Callable[[Machine, Any], str | None]


@dataclass(slots=True)
class Kept:
    """What one machine keeps: what its tuner holds, what it was told last, its light."""

    target_ths: int
    least_ths: int = 50
    step_ths: int = 5
    command: str | None = None
    light: bool = False


class EpicFace(WebFace):
    """Answers on port 4028 for machines with ePIC's firmware."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self.kept: dict[int, Kept] = {}
        doings: dict[str, Doing] = {
            "/miner": self._mine,
            "/reboot": self._reboot,
            "/identify": self._light,
            "/perpetualtune/algo": self._tune,
        }
        self.pages = {
            ("GET", "/summary"): self._summary,
            ("GET", "/capabilities"): self._capabilities,
            ("GET", "/network"): self._network,
            ("GET", "/temps"): self._temps,
            ("GET", "/temps/chip"): self._chip_temps,
            ("GET", "/hashrate"): self._hashrate,
            **{("POST", path): self._guarded(doing) for path, doing in doings.items()},
        }

    def missing(self) -> bytes:
        """Refuse a path in the words of the API."""
        return refused("InvalidUrl")

    def _of(self, machine: Machine) -> Kept:
        if machine.index not in self.kept:
            self.kept[machine.index] = Kept(target_ths=sold_ths(machine))
        return self.kept[machine.index]

    def settings(self, machine: Machine) -> Row:
        """Return what a machine is set to besides its target: how far, and in which steps, it may throttle."""
        kept = self._of(machine)
        return {"Min Throttle Target": kept.least_ths, "Throttle Step": kept.step_ths}

    # --- what it shows ----------------------------------------------------------------------------------------------

    def _state(self, machine: Machine) -> tuple[str, str | None]:
        """Return what it does, and its last error."""
        phase = Phase(int(self.physics.phase[machine.index]))
        leaves = self.physics.next_level[machine.index] == Level.SLEEP and phase is not Phase.SLEEPING
        if phase is not Phase.FAULT:
            return ("Stopping" if leaves else STATES[phase]), None
        well = self.physics.board_well[machine.index].any()
        return STATES[phase], "CriticalTempReached" if well else "NoHashboardsConnected"

    def _summary(self, machine: Machine, _request: Request) -> bytes:
        physics, at, kept = self.physics, machine.index, self._of(machine)
        state, error = self._state(machine)
        mines, fed = state == "Mining", bool(physics.pool_alive[at] and physics.pool_set[at])
        shares = int(physics.terahashes[at].item() / TERAHASHES_A_SHARE)
        done = None if kept.command is None else "Success"
        standing = {"Operating State": state, "Last Command": kept.command, "Last Command Result": done}
        rpm = int(physics.fan_rpm[at])
        fans = {f"Fans Speed {fan}": rpm if fan <= machine.row.fans else None for fan in range(1, MOST_FANS + 1)}
        boards = self._boards(machine) if mines or state == "AdjustingClockVoltage" else []
        there = range(int(physics.boards[at]))
        return json_response({
            "Status": standing | {"Last Error": error},
            "Hostname": "cminer", "PresetInfo": {"Target Power": round(machine.nameplate_w)},
            "Software": f"PowerPlay-BMS v{VERSION}", "OS Type": "umcOS",
            "Mining": {"Coin": "BTC", "Algorithm": "SHA-256"},
            "Stratum": {
                "Config Id": 0, "Current Pool": "pool0.invalid:3333", "Current User": f"farm.{at}",
                "IsPoolConnected": fed, "Average Latency": 0.04,
            },
            "Session": {
                "Uptime": int(physics.elapsed_s[at]), "Active HBs": len(boards),
                "Average MHs": physics.averages_ths[2, at].item() * 1e6, "Accepted": shares,
                "Rejected": shares // 400, "Submitted": shares + shares // 400, "Difficulty": 524_288.0,
            },
            "HBs": boards,
            "HBStatus": [
                {"Index": board, "Enabled": True, "Detected": bool(physics.board_well[at, board])} for board in there
            ],
            "Fans": {"Fans Speed": 60, "Fan Mode": {"Auto": {"Target Temperature": 60, "Idle Speed": 20}}},
            "Fans Rpm": dict(sorted(fans.items())),
            "Misc": {"Locate Miner State": kept.light, "Shutdown Temp": 85.0, "Critical Temp": 100.0},
            "StratumConfigs": [
                {"pool": f"stratum+tcp://pool{number}.invalid:3333", "login": f"farm.{at}", "password": "x"}
                for number in range(3)
            ],
            "PerpetualTune": {"Running": True, "Algorithm": {TUNER: {
                "Optimized": mines, "Target": kept.target_ths, "Throttle Target": None, "Unit": "TH/s",
                **self.settings(machine),
            }}},
            "Power Supply Stats": {"Input Power": physics.power_w[at].item(), "Input Voltage": 0.0},
            "IdleOnConnectionLost": True, "Enable Boards On Idle": False, "Overdrive": False,
        })  # fmt: skip

    def _well(self, machine: Machine) -> list[int]:
        well: list[int] = np.flatnonzero(self.physics.board_well[machine.index]).tolist()
        return well

    def _boards(self, machine: Machine) -> list[Row]:
        """Return the boards that mine."""
        physics, at, well = self.physics, machine.index, self._well(machine)
        rate_mhs = physics.averages_ths[0, at].item() * 1e6 / max(len(well), 1)
        ideal_mhs = self._of(machine).target_ths * 1e6 / int(physics.boards[at])
        return [
            {
                "Index": board, "Input Voltage": 12.6, "Output Voltage": 0.0, "Input Power": 0.0,
                "Temperature": round(physics.board_c[at].item(), 3), "Core Clock": [], "Core Clock Avg": 487.5,
                "Hashrate": [rate_mhs, round(rate_mhs / ideal_mhs * 100, 1), 0.8],
            }
            for board in well
        ]  # fmt: skip

    def _capabilities(self, machine: Machine, _request: Request) -> bytes:
        sold = sold_ths(machine)
        return json_response({
            "Model": machine.model.replace("Antminer", "AntMiner"), "Model Subtype": "BHB", "Chip Type": "BM1366",
            "Miner Serial Number": machine.serial, "Default Clock": 485, "Default Voltage": 12_900,
            "Default Hashrate": sold, "Max HBs": machine.row.boards, "Coins": ["BTC"],
            "Tune Presets": [
                {
                    "voltage": 12_300, "clk": round(485 * share), "hashrate": float(round(sold * share)),
                    "power": round(machine.nameplate_w * share ** (1 / LIMITED_RATE)),
                }
                for share in SHARES
            ],
            "PerpetualTune": [{"algorithm": TUNER, "name": "Voltage Optimizer", "min": sold // 3, "max": sold * 2}],
            "Temp Sensor Info": {"Type": "Board", "Count": 2},
            "Performance Estimator": {"Chip Count": machine.row.chips, "Hashes Per Second Per Chip": 894.0},
        })  # fmt: skip

    def _network(self, machine: Machine, _request: Request) -> bytes:
        return json_response({"dhcp": {"address": machine.host, "netmask": "255.0.0.0", "mac_address": machine.mac}})

    def _listed(self, machine: Machine, data: list[Any]) -> bytes:
        return json_response([{"Index": board, "Data": data, "Total": 0.0} for board in self._well(machine)])

    def _temps(self, machine: Machine, _request: Request) -> bytes:
        hot = round(self.physics.board_c[machine.index].item(), 3)
        return self._listed(machine, [hot - 8, hot])

    def _chip_temps(self, machine: Machine, _request: Request) -> bytes:
        return self._listed(machine, [0.0] * machine.row.chips)

    def _hashrate(self, machine: Machine, _request: Request) -> bytes:
        well = self._well(machine)
        each = self.physics.averages_ths[0, machine.index].item() * 1e6 / max(len(well) * machine.row.chips, 1)
        return self._listed(machine, [[round(each, 2), 100.0, 4.0]] * machine.row.chips)

    # --- what it is told --------------------------------------------------------------------------------------------

    def _guarded(self, doing: Doing) -> Callable[[Machine, Request], bytes]:
        """Let in who knows the password, one command after the other."""

        def page(machine: Machine, request: Request) -> bytes:
            try:
                told = request.json()
            except BadRequest as bad:
                return response(HTTPStatus.BAD_REQUEST, str(bad))
            if not isinstance(told, dict) or "param" not in told:
                return refused("MissingParam")
            if told.get("password") != PASSWORD:
                return refused("BadPassword")
            if self.physics.next_level[machine.index] >= 0:
                return refused("LastCmdStillPending")
            error = doing(machine, told["param"])
            return refused(error) if error is not None else json_response({"result": True, "error": None})

        return page

    def _mine(self, machine: Machine, parameter: Any) -> str | None:
        if parameter not in {"Stop", "Autostart"}:
            return "InvalidMethod"
        if self.told(machine, f"miner {parameter}"):
            self._of(machine).command = parameter.lower()
            self.order(machine, Level.SLEEP if parameter == "Stop" else Level.FULL)
        return None

    def _reboot(self, machine: Machine, parameter: Any) -> str | None:
        if isinstance(parameter, bool) or not isinstance(parameter, int) or parameter < 0:
            return "InvalidMethod"
        if self.told(machine, "reboot"):
            self.restart(machine)
        return None

    def _light(self, machine: Machine, parameter: Any) -> str | None:
        if not isinstance(parameter, bool):
            return "InvalidMethod"
        if self.told(machine, "identify"):
            self._of(machine).light = parameter
        return None

    def _tune(self, machine: Machine, parameter: Any) -> str | None:
        """Hold so many terahashes, and throttle as is told with them; what a machine draws goes with its rate."""
        target = parameter.get("target") if isinstance(parameter, dict) else None
        sold = sold_ths(machine)
        if not isinstance(target, int) or parameter.get("algo") != TUNER or not sold // 3 <= target <= sold * 2:
            return "InvalidMethod"
        if self.told(machine, f"tune {target}"):
            kept = self._of(machine)
            kept.target_ths, kept.least_ths = target, parameter.get("min_throttle", 0)
            kept.step_ths = parameter.get("throttle_step", 0)
            share = target / sold
            limit_w = self.physics.full_w[machine.index] * share ** (1 / LIMITED_RATE)
            self.physics.limit_w[machine.index] = np.inf if share >= 1 else limit_w
        return None


class EpicDashboard(WebFace):
    """Answers on port 80 with the page that a browser asks port 4028 from."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self.pages = {("GET", "/"): self._root}

    def _root(self, _machine: Machine, _request: Request) -> bytes:
        return response(HTTPStatus.OK, "<html><head><title>Miner Web Dashboard</title></head></html>", "text/html")


def sold_ths(machine: Machine) -> int:
    """Return what a machine is sold as."""
    return round(machine.nameplate_ths)


def refused(error: str) -> bytes:
    """Refuse in the words of the API, which are a success of HTTP."""
    return json_response({"result": False, "error": error})
