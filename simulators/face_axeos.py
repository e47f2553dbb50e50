"""The simulated AxeOS of Bitaxes, as of 2.14, and its fork for NerdAxes: a page that tells all, no login at all.

Written from the firmware's published source. Pause and shutdown are kept in memory alone, the frequency in flash; a
page that it does not have leads to the front page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np

from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Level, Phase, Physics
from simulators.web import BadRequest, Request, json_response, response
from simulators.web_face import WebFace

VERSION, NERD_VERSION = "v2.14.0", "v1.0.36"
API = "1"
DIFFICULTY = 1024
FANNED = 0.7
"""Its fan holds the chip near 60 °C (`temptarget`), 35 above the air, where a farm's machines let it run 50 above."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """What one kind of board carries."""

    asic: str
    cores: int
    sold_mhz: int
    sold_mv: int
    options_mhz: tuple[int, ...]
    options_mv: tuple[int, ...]
    board: str = ""
    device: str = ""


BOARDS = {
    "Bitaxe Gamma": Chip(
        asic="BM1370", cores=2040, sold_mhz=525, sold_mv=1150, board="601", device="Gamma",
        options_mhz=(400, 490, 525, 550, 600, 625), options_mv=(1000, 1060, 1100, 1150, 1200, 1250),
    ),
    "Bitaxe Supra": Chip(
        asic="BM1368", cores=1276, sold_mhz=490, sold_mv=1166, board="401", device="Supra",
        options_mhz=(400, 425, 450, 475, 485, 490, 500, 525, 550, 575),
        options_mv=(1100, 1150, 1166, 1200, 1250, 1300),
    ),
    "NerdQAxe++": Chip(
        asic="BM1370", cores=2040, sold_mhz=600, sold_mv=1150, device="NerdQAxe++",
        options_mhz=(400, 450, 500, 550, 600, 650), options_mv=(1100, 1120, 1150, 1180, 1200),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Kept:
    """What one machine keeps in flash, and its greeting."""

    settings: Row
    greets: bool = False


class AxeOsFace(WebFace):
    """Answers on port 80 for Bitaxes and NerdAxes."""

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self.kept: dict[int, Kept] = {}
        self.pages = {
            ("GET", "/"): self._root,
            ("GET", "/api/system/info"): self._info,
            ("GET", "/api/system/asic"): self._asic,
            ("PATCH", "/api/system"): self._set,
            ("POST", "/api/system/restart"): self._restart,
            ("POST", "/api/system/pause"): self._pause,
            ("POST", "/api/system/resume"): self._resume,
            ("POST", "/api/system/identify"): self._identify,
            ("POST", "/api/system/shutdown"): self._shut_down,
        }

    def missing(self) -> bytes:
        """Lead to the front page."""
        return response(HTTPStatus.FOUND, "Redirect to the captive portal", headers={"Location": "/"})

    def _of(self, machine: Machine) -> Kept:
        if machine.index not in self.kept:
            self.kept[machine.index] = Kept(settings=settings_of(machine))
        return self.kept[machine.index]

    def settings(self, machine: Machine) -> Row:
        """Return what a machine is set to besides its frequency."""
        return {name: value for name, value in self._of(machine).settings.items() if name != "frequency"}

    # --- what it shows ----------------------------------------------------------------------------------------------

    def _root(self, machine: Machine, _request: Request) -> bytes:
        name = "NerdOS" if is_nerd(machine) else "AxeOS"
        return response(HTTPStatus.OK, f"<html><head><title>{name}</title></head></html>", "text/html")

    def _phase(self, machine: Machine) -> Phase:
        return Phase(int(self.physics.phase[machine.index]))

    def _stops(self, machine: Machine) -> bool:
        """Whether it was told to stop: the flag is set at once, the voltage falls a little later."""
        coming, now = self.physics.next_level[machine.index], self.physics.level[machine.index]
        return bool((coming if coming >= 0 else now) == Level.SLEEP)

    def _asic(self, machine: Machine, _request: Request) -> bytes:
        chip = BOARDS[machine.model]
        told = {
            "ASICModel": chip.asic, "deviceModel": chip.device, "swarmColor": "green", "asicCount": machine.row.chips,
            "defaultFrequency": chip.sold_mhz, "frequencyOptions": chip.options_mhz,
            "defaultVoltage": chip.sold_mv, "voltageOptions": chip.options_mv,
        }  # fmt: skip
        if is_nerd(machine):
            told |= {"absMaxFrequency": 800, "absMaxVoltage": 1400, "ecoFrequency": 495, "ecoVoltage": 1100}
        return json_response(told)

    def _info(self, machine: Machine, _request: Request) -> bytes:
        return json_response(self._telemetry(machine) | self._own(machine) | self._of(machine).settings)

    def _telemetry(self, machine: Machine) -> Row:
        """Return what both builds say."""
        physics, at, chip = self.physics, machine.index, BOARDS[machine.model]
        rates = (physics.averages_ths[:, at] * 1e3).tolist()
        lit = self._phase(machine) in {Phase.WARMING, Phase.TUNING, Phase.HASHING}
        celsius = round(physics.ambient_c + FANNED * (physics.chip_c[at].item() - physics.ambient_c), 3) if lit else -1
        return {
            "power": physics.power_w[at].item(), "voltage": 5100.0, "current": physics.power_w[at].item() / 5.1 * 1e3,
            "temp": celsius, "vrTemp": round(physics.board_c[at].item()),
            "hashRate": rates[0], "hashRate_1m": rates[1], "hashRate_10m": rates[3], "hashRate_1h": rates[4],
            "coreVoltageActual": self._of(machine).settings["coreVoltage"] - 4 if lit else 0,
            "fanspeed": 60 if lit else 30, "fanrpm": int(physics.fan_rpm[at]),
            "sharesAccepted": self._shares(machine), "sharesRejected": self._shares(machine) // 400,
            "uptimeSeconds": int(physics.elapsed_s[at]), "macAddr": machine.mac, "ASICModel": chip.asic,
            "smallCoreCount": chip.cores, "isUsingFallbackStratum": 0, "wifiStatus": "Connected!", "wifiRSSI": -48,
            "freeHeap": 8_443_612, "runningPartition": "ota_0",
        }  # fmt: skip

    def _shares(self, machine: Machine) -> int:
        return int(self.physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _own(self, machine: Machine) -> Row:
        return self._nerd(machine) if is_nerd(machine) else self._bitaxe(machine)

    def _is_fed(self, machine: Machine) -> bool:
        return bool(self.physics.pool_alive[machine.index] and self.physics.pool_set[machine.index])

    def _bitaxe(self, machine: Machine) -> Row:
        chip, phase = BOARDS[machine.model], self._phase(machine)
        runs_mhz = self._runs_mhz(machine)
        told: Row = {
            "temp2": -1, "expectedHashrate": runs_mhz * chip.cores * machine.row.chips / 1e3,
            "actualFrequency": runs_mhz, "errorPercentage": 0.4, "fan2rpm": 0,
            "bestDiff": DIFFICULTY * (1 + self._shares(machine)), "bestSessionDiff": DIFFICULTY, "responseTime": 41.5,
            "poolDifficulty": DIFFICULTY, "maxPower": 40, "nominalVoltage": 5, "boardVersion": chip.board,
            "miningPaused": self._stops(machine), "overheat_mode": 0, "version": VERSION, "axeOSVersion": VERSION,
            "idfVersion": "v5.5", "resetReason": "Reset due to power-on event",
            "poolConnectionInfo": "IPv4" if self._is_fed(machine) else "SV1: Pool unreachable",
            "hashrateMonitor": {"asics": [{"total": 0.0, "domains": [], "errorCount": 0}]},
        }  # fmt: skip
        if phase is Phase.FAULT:
            well = self.physics.board_well[machine.index].any()
            told |= {"overheat_mode": 1} if well else {"hardware_fault": "0 of 1 ASIC found"}
        return told

    def _runs_mhz(self, machine: Machine) -> float:
        """Return what its chips run at: wound up while it starts."""
        is_set = float(self._of(machine).settings["frequency"])
        shares = {Phase.WARMING: 0.1, Phase.TUNING: 0.6, Phase.HASHING: 1.0}
        return is_set * shares.get(self._phase(machine), 0.0)

    def _nerd(self, machine: Machine) -> Row:
        chip, shares = BOARDS[machine.model], self._shares(machine)
        link = {"connected": self._is_fed(machine), "poolDifficulty": DIFFICULTY, "pingRtt": 12.5, "pingLoss": 0.0}
        links = [link | {"accepted": count, "rejected": count // 400} for count in (shares, 0)]
        return {
            "deviceModel": chip.device, "asicCount": machine.row.chips, "hostip": machine.host, "maxPower": 100,
            "minPower": 52, "maxVoltage": 13.0, "minVoltage": 11.0, "voltage": 12_050.0, "vrTempInt": 61.0,
            "currentA": self.physics.power_w[machine.index].item() / 12.05, "defaultCoreVoltage": chip.sold_mv,
            "defaultFrequency": chip.sold_mhz, "fanCount": machine.row.fans,
            "fanrpm2": int(self.physics.fan_rpm[machine.index]) if machine.row.fans > 1 else 0,
            "shutdown": self._stops(machine) and self._phase(machine) is Phase.SLEEPING,
            "stratum": {"poolMode": 0, "activePoolMode": 0, "totalBestDiff": DIFFICULTY, "pools": links},
            "bestDiff": DIFFICULTY * (1 + shares), "bestSessionDiff": DIFFICULTY, "version": NERD_VERSION,
            "otp": False, "lastResetReason": "Reset due to power-on event", "foundBlocks": 0,
        }  # fmt: skip

    # --- what it is told --------------------------------------------------------------------------------------------

    def _restart(self, machine: Machine, _request: Request) -> bytes:
        if self.told(machine, "restart"):
            self.restart(machine)
        if is_nerd(machine):
            return response(HTTPStatus.OK, "System will restart shortly.")
        return json_response({"message": "System will restart shortly."})

    def _pause(self, machine: Machine, _request: Request) -> bytes:
        if is_nerd(machine):
            return self.missing()
        if self.told(machine, "pause"):
            self.order(machine, Level.SLEEP)
        return json_response({"message": "Mining paused"})

    def _resume(self, machine: Machine, _request: Request) -> bytes:
        if is_nerd(machine):
            return self.missing()
        if self.told(machine, "resume") and self._stops(machine):
            self.order(machine, Level.FULL)
        return json_response({"message": "Mining resumed"})

    def _shut_down(self, machine: Machine, _request: Request) -> bytes:
        if not is_nerd(machine):
            return self.missing()
        if self.told(machine, "shutdown"):
            self.order(machine, Level.SLEEP)
        return response(HTTPStatus.OK, "System will shutdown shortly.")

    def _identify(self, machine: Machine, _request: Request) -> bytes:
        """Greet, or stop it."""
        if is_nerd(machine):
            return self.missing()
        kept = self._of(machine)
        if self.told(machine, "identify"):
            kept.greets = not kept.greets
        return json_response({"message": "Hi!" if kept.greets else ""})

    def _set(self, machine: Machine, request: Request) -> bytes:
        """Keep what it knows of the body, all of it or nothing."""
        try:
            told = request.json()
        except BadRequest:
            return response(HTTPStatus.BAD_REQUEST, "Invalid JSON")
        kept, chip = self._of(machine), BOARDS[machine.model]
        known = {key: value for key, value in told.items() if key in kept.settings} if isinstance(told, dict) else {}
        numbers = [value for key, value in known.items() if key in {"frequency", "coreVoltage"}]
        if not all(isinstance(value, int | float) and 1 <= value <= 65_535 for value in numbers):
            return response(HTTPStatus.BAD_REQUEST, "Wrong API input")
        if known and self.told(machine, f"settings {' '.join(sorted(known))}"):
            kept.settings = kept.settings | known
            share = float(kept.settings["frequency"]) / chip.sold_mhz
            limit_w = self.physics.full_w[machine.index] * share
            self.physics.limit_w[machine.index] = np.inf if share >= 1 else limit_w
        return response(HTTPStatus.OK)


def is_nerd(machine: Machine) -> bool:
    """Whether it is one of the fork's."""
    return machine.make == "NerdAxe"


def settings_of(machine: Machine) -> Row:
    """Return what a machine that nobody has changed keeps in flash."""
    chip = BOARDS[machine.model]
    return {
        "frequency": chip.sold_mhz, "coreVoltage": chip.sold_mv, "overclockEnabled": 0, "autofanspeed": 1,
        "manualFanSpeed": 100, "minFanSpeed": 25, "temptarget": 60, "hostname": "bitaxe", "ssid": "farm",
        "stratumURL": "pool0.invalid", "stratumPort": 3333, "stratumUser": f"farm.{machine.index}", "stratumTLS": 0,
        "fallbackStratumURL": "pool1.invalid", "fallbackStratumPort": 3333,
        "fallbackStratumUser": f"farm.{machine.index}", "fallbackStratumTLS": 0,
    }  # fmt: skip
