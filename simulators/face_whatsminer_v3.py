"""WhatsMiners with the maker's newer firmware as the network sees them: API version 3 on port 4433.

Frames: a little-endian u32 and as many bytes of JSON, both ways, one a connection. Rates are TH/s; truths, modes and
counts of what is built in are texts. A write carries a token of its command, a password, the machine's salt and a time
that is near the machine's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import time
from collections.abc import Callable
from typing import Any

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import AVERAGES_S, Level, Phase, Physics
from simulators.whatsminer_levers import Levers
from simulators.whatsminer_words import FREQUENCY_MHZ, NO_LIMIT_W, VERSIONS, limit_w

Row = dict[str, Any]
API, FIRMWARE = "3.0.2", "20250612.17.Rel"
PORT = 4433
#: version 2's "admin" is none of them
ACCOUNTS = {"super": "super", "user1": "user1"}
MOST_BYTES = 65_536
MOST_SKEW_S = 120
OK, FAILED, NO_COMMAND, NO_PARAMETER, NO_PERMISSION = 0, -1, -2, -3, -4
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MODES = {"low": Level.LOW, "normal": Level.FULL, "high": Level.FULL}

Writer = Callable[[Machine, Any], "int | None"]


class WhatsminerV3Face:
    """Answers for the machines with the newer firmware."""

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
        self._levers = Levers(physics, obeys, wrote)
        self._lights: set[int] = set()
        self._writers: dict[str, Writer] = {
            "set.miner.service": self._service,
            "set.miner.power_mode": self._set_mode,
            "set.miner.power_limit": self._limit,
            "set.system.reboot": self._reboot,
            "set.system.led": self._light,
        }

    def complete(self, request: bytes) -> bool:
        """Whether a whole frame came, or what cannot be one."""
        size = int.from_bytes(request[:4], "little")
        return len(request) >= 4 and (size > MOST_BYTES or len(request) >= 4 + size)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the frame of the reply, None where the machine closes without a word."""
        if not await in_reach(self._physics, index):
            return None
        try:
            told = json.loads(request[4 : 4 + int.from_bytes(request[:4], "little")])
        except (ValueError, RecursionError):
            return None
        reply = self._reply(self._machines[index], told) if isinstance(told, dict) else None
        if reply is None:
            return None
        text = json.dumps(reply, separators=(",", ":")).encode()
        return len(text).to_bytes(4, "little") + text

    def _reply(self, machine: Machine, told: Row) -> Row | None:
        command, param = str(told.get("cmd")), told.get("param")
        if command == "get.device.info":
            return self._device(machine, command, param)
        if command == "get.miner.status":
            return self._status(machine, command, param)
        if (writer := self._writers.get(command)) is None:
            return _said(command, NO_COMMAND, "no such command")
        if machine.access != "W" or not self._is_admitted(machine, told):
            return _said(command, NO_PERMISSION, "no permission")
        code = writer(machine, param)
        return None if code is None else _said(command, code, "ok" if code == OK else "failed")

    # --- reads ------------------------------------------------------------------------------------------------------

    def _device(self, machine: Machine, command: str, param: object) -> Row:
        sections: dict[str, Callable[[Machine], object]] = {
            "miner": self._miner,
            "system": self._system,
            "network": _network,
            "power": self._power,
            "salt": salt_of,
            "error-code": self._errors,
        }
        if param is not None and param not in sections:
            return _said(command, NO_PARAMETER, "no such part")
        message = {name: part(machine) for name, part in sections.items() if param in {None, name}}
        return _said(command, OK, {name: part for name, part in message.items() if part != []})

    def _miner(self, machine: Machine) -> Row:
        boards = machine.row.boards
        ghs = machine.nameplate_ths * 1000 / boards
        return {
            "working": "false" if self._physics.level[machine.index] == Level.SLEEP else "true",
            "type": type_of(machine),
            "hash-board": "K40",
            "detect-hash-rate": ":".join([f"{ghs:.0f}"] * boards),
            "cointype": "BTC",
            "pool-strategy": "FAILOVER",
            "miner-sn": machine.serial,
            "board-num": f"{boards}",
            **{f"pcbsn{board}": f"{machine.serial}B{board}" for board in range(boards)},
            "fast-boot": "disable",
            "hash-percent": "0",
        }

    def _system(self, machine: Machine) -> Row:
        return {
            "api": API,
            "apiswitch": "1" if machine.access == "W" else "0",
            "platform": "H616",
            "control-board-version": "CB6V10",
            "fwversion": FIRMWARE,
            "ledstatus": "manual" if machine.index in self._lights else "auto",
        }

    def _power(self, machine: Machine) -> Row:
        level = self._physics.awake_level[machine.index]
        return {
            "type": "P221B",
            "model": "P221B",
            "mode": "0" if level == Level.LOW else "1",
            "fanspeed": 6300,
            "sn": f"{machine.serial}P",
            "vendor": "1",
            "hwversion": "RT0159",
            "swversion": "230224.220429",
        }

    def _errors(self, machine: Machine) -> list[Row]:
        at, now = machine.index, time.strftime("%Y-%m-%d %H:%M:%S")
        well = self._physics.board_well[at].tolist()
        found = [
            {f"53{board}": now, "reason": f"Slot {board} not found"}
            for board in range(machine.row.boards)
            if not well[board]
        ]
        if self._physics.phase[at] == Phase.FAULT and any(well):
            found.append({"350": now, "reason": "Hash board over temperature protection"})
        return found

    def _status(self, machine: Machine, command: str, param: object) -> Row:
        parts: dict[str, Callable[[Machine], object]] = {
            "summary": self._summary,
            "pools": self._pools,
            "edevs": self._boards,
        }
        asked = param.split("+") if isinstance(param, str) else []
        if not asked or any(part not in parts for part in asked):
            return _said(command, NO_PARAMETER, "param error")
        if asked == ["pools"] and self._physics.level[machine.index] == Level.SLEEP:
            return _said(command, FAILED, "failed")
        return _said(command, OK, {part: parts[part](machine) for part in asked})

    def _summary(self, machine: Machine) -> Row:
        physics, at = self._physics, machine.index
        elapsed, rpm = int(physics.elapsed_s[at]), int(physics.fan_rpm[at])
        power_w, chip_c = physics.power_w[at].item(), physics.chip_c[at].item()
        averages = dict(zip(AVERAGES_S, physics.averages_ths[:, at].tolist(), strict=True))
        mean_ths = physics.terahashes[at].item() / max(physics.elapsed_s[at].item(), 1.0)
        return {
            "elapsed": elapsed,
            "bootup-time": elapsed + 60,
            "freq-avg": FREQUENCY_MHZ if physics.phase[at] == Phase.HASHING else 0,
            "target-freq": FREQUENCY_MHZ,
            "factory-hash": round(machine.nameplate_ths, 3),
            "hash-average": round(mean_ths, 3),
            "hash-1min": round(averages[60], 3),
            "hash-15min": round(averages[900], 3),
            "hash-realtime": round(physics.hashrate_ths[at].item(), 3),
            "power-rate": round(power_w / max(physics.hashrate_ths[at].item(), 1e-6), 2),
            "power-5min": round(power_w, 1),
            "power-realtime": round(power_w, 1),
            "power-limit": limit_w(machine, physics),
            "environment-temperature": round(physics.ambient_c, 1),
            "board-temperature": [
                round(physics.board_c[at].item() + board, 1) if well else 0.0 for board, well in self._slots(machine)
            ],
            "chip-temp-min": round(chip_c - 20, 1),
            "chip-temp-avg": round(chip_c - 10, 1),
            "chip-temp-max": round(chip_c, 1),
            "fan-speed-in": rpm,
            "fan-speed-out": int(rpm * 1.02),
            "up-freq-finish": int(physics.phase[at] == Phase.HASHING),
        }

    def _slots(self, machine: Machine) -> list[tuple[int, bool]]:
        return list(enumerate(self._physics.board_well[machine.index].tolist()[: machine.row.boards]))

    def _boards(self, machine: Machine) -> list[Row]:
        physics, at = self._physics, machine.index
        working = max(sum(well for _, well in self._slots(machine)), 1)
        rate_ths, chip_c = physics.hashrate_ths[at].item() / working, physics.chip_c[at].item()
        mean_ths = physics.averages_ths[AVERAGES_S.index(1800), at].item() / working
        return [
            {
                "id": board,
                "slot": board,
                "status": "alive" if well else "dead",
                "hash-average": round(mean_ths if well else 0.0, 3),
                "hash-realtime": round(rate_ths if well else 0.0, 3),
                "factory-hash": round(machine.nameplate_ths / machine.row.boards, 3),
                "freq": FREQUENCY_MHZ if well else 0,
                "effective-chips": machine.row.chips if well else 0,
                "chip-temp-min": round(chip_c - 20, 1) if well else 0.0,
                "chip-temp-avg": round(chip_c - 10, 1) if well else 0.0,
                "chip-temp-max": round(chip_c, 1) if well else 0.0,
            }
            for board, well in self._slots(machine)
        ]

    def _pools(self, machine: Machine) -> list[Row]:
        at = machine.index
        alive = bool(self._physics.pool_alive[at] and self._physics.pool_set[at])
        return [
            {
                "id": number + 1,
                "url": f"stratum+tcp://pool{number}.invalid:3333",
                "account": f"farm.{at}",
                "status": "alive" if alive else "dead",
                "stratum-active": alive and number == 0,
                "stratum-diff": 524_288.0,
                "reject-percent": 0.25,
                "last-share-time": int(time.time()) if number == 0 else 0,
            }
            for number in range(2)
        ]

    # --- writes -----------------------------------------------------------------------------------------------------

    def _is_admitted(self, machine: Machine, told: Row) -> bool:
        """Whether the token is one of an account's, of this command and of now."""
        password, ts = ACCOUNTS.get(str(told.get("account"))), told.get("ts")
        if password is None or not isinstance(ts, int) or abs(time.time() - ts) > MOST_SKEW_S:
            return False
        digest = hashlib.sha256(f"{told['cmd']}{password}{salt_of(machine)}{ts}".encode()).digest()
        return told.get("token") == base64.b64encode(digest).decode()[:8]

    def _service(self, machine: Machine, param: Any) -> int:
        lever = {"stop": self._levers.stop, "start": self._levers.start, "restart": self._levers.restart}.get(param)
        if lever is None:
            return NO_PARAMETER
        lever(machine, f"service {param}")
        return OK

    def _set_mode(self, machine: Machine, param: Any) -> int:
        if param not in MODES:
            return NO_PARAMETER
        self._levers.set_level(machine, f"power_mode {param}", MODES[param])
        return OK

    def _limit(self, machine: Machine, param: Any) -> int:
        if isinstance(param, bool) or not isinstance(param, int) or not 0 <= param <= NO_LIMIT_W:
            return NO_PARAMETER
        lifted = param in {0, NO_LIMIT_W}
        self._levers.limit(machine, f"power_limit {param}", math.inf if lifted else float(param))
        return OK

    def _reboot(self, machine: Machine, _param: Any) -> None:
        """Go away without a word."""
        self._levers.reboot(machine, "reboot")

    def _light(self, machine: Machine, param: Any) -> int:
        if param != "auto" and not isinstance(param, list):
            return NO_PARAMETER
        self._levers.told(machine, "blink off" if param == "auto" else "blink on")
        (self._lights.discard if param == "auto" else self._lights.add)(machine.index)
        return OK


def _said(command: str, code: int, message: object) -> Row:
    return {"code": code, "when": int(time.time()), "msg": message, "desc": command}


def type_of(machine: Machine) -> str:
    """Return what a machine calls itself; the last digit is its batch."""
    return f"{machine.model}_{VERSIONS.get(machine.model, 'VH1')}{machine.index % 10}"


def salt_of(machine: Machine) -> str:
    """Return what a machine mixes into its tokens."""
    return "".join(random.Random(machine.serial).choices(LETTERS, k=8))  # noqa: S311 - a salt that repeats


def _network(machine: Machine) -> Row:
    return {
        "ip": machine.host,
        "proto": "dhcp",
        "netmask": "255.255.255.0",
        "gateway": "",
        "dns": "",
        "hostname": "WhatsMiner",
        "mac": machine.mac,
    }
