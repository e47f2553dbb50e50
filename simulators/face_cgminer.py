"""Plain cgminer 4.11 and bfgminer 5.5 on port 4028: JSON and text, joined commands, their codes.

Written from the wire as recorded of the real programs. One request a connection, in one segment; NUL ends a reply.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from simulators.machines import Machine
from simulators.physics import AVERAGES_S, STATES, Phase, Physics

WRITES = {
    "ascdisable", "ascenable", "pgadisable", "pgaenable", "restart", "quit", "switchpool", "addpool", "removepool",
    "disablepool", "enablepool", "poolpriority", "ascset", "pgaset", "privileged", "save", "zero", "setconfig",
}  # fmt: skip
Rows = list[dict[str, Any]]


class CgminerFace:
    """Answers for the machines whose firmware is cgminer or bfgminer."""

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

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request, as cgminer's single recv does."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply."""
        machine = self._machines[index]
        text = request.rstrip(b"\n").decode("utf-8", "replace")
        if text.lstrip().startswith("{"):
            return self._json(machine, text).encode() + b"\0"
        command, _, parameter = text.partition("|")
        status, name, rows = self._one(machine, command.strip(), parameter)
        return (_text_row("STATUS", status, bare=False) + _text_rows(name, rows)).encode() + b"\0"

    def _json(self, machine: Machine, text: str) -> str:
        try:
            told = json.loads(text)
            command = told["command"]
        except (ValueError, KeyError, TypeError):
            return _json_reply(self._status(machine, "E", 23, "Invalid JSON"), "", [])
        if not isinstance(command, str):
            return _json_reply(self._status(machine, "E", 23, "Invalid JSON"), "", [])
        parameter = str(told.get("parameter", ""))
        if "+" not in command:
            return _json_reply(*self._one(machine, command, parameter))
        parts = [part for part in command.split("+") if part]
        joined = [f'"{part}":[{_json_reply(*self._one(machine, part, "", joined=True))}]' for part in parts]
        return ("{" if joined else "") + "".join(f"{part}," for part in joined) + ('"id":1}' if joined else ',"id":1}')

    def _one(
        self, machine: Machine, command: str, parameter: str, *, joined: bool = False
    ) -> tuple[dict[str, Any], str, Rows]:
        if command in WRITES and (machine.access != "W" or joined):
            return self._status(machine, "E", 45, f"Access denied to '{command}' command"), "", []
        answer = getattr(self, f"_do_{command.replace('-', '_')}", None) if command.isidentifier() else None
        if answer is None:
            status = self._status(machine, "E", 14, "Invalid command")
            if machine.firmware == "cgminer":
                del status["Description"]
            return status, "", []
        result: tuple[dict[str, Any], str, Rows] = answer(machine, parameter)
        return result

    def _status(self, machine: Machine, letter: str, code: int, message: str) -> dict[str, Any]:
        said = "cgminer 4.11.1" if machine.firmware == "cgminer" else "bfgminer 5.5.0"
        return {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": said}

    def _kind(self, machine: Machine) -> str:
        return "ASC" if machine.firmware == "cgminer" else "PGA"

    # --- reads ------------------------------------------------------------------------------------------------

    def _do_version(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        if machine.firmware == "cgminer":
            row = {"CGMiner": "4.11.1", "API": "3.7"}
            return self._status(machine, "S", 22, "CGMiner versions"), "VERSION", [row]
        row = {"Miner": "bfgminer 5.5.0", "CGMiner": "5.5.0", "API": "3.1"}
        return self._status(machine, "S", 22, "BFGMiner versions"), "VERSION", [row]

    def _rates(self, machine: Machine, share: float = 1.0) -> dict[str, float]:
        physics, at = self._physics, machine.index
        mhs = {seconds: float(physics.averages_ths[row, at]) * 1e6 * share for row, seconds in enumerate(AVERAGES_S)}
        elapsed = max(float(physics.elapsed_s[at]), 1.0)
        mean = float(physics.terahashes[at]) * 1e6 / elapsed * share
        if machine.firmware == "cgminer":
            return {
                "MHS av": round(mean, 2),
                "MHS 5s": round(mhs[5], 2),
                "MHS 1m": round(mhs[60], 2),
                "MHS 5m": round(mhs[300], 2),
                "MHS 15m": round(mhs[900], 2),
            }
        return {"MHS av": round(mean, 3), "MHS 20s": round(mhs[5], 3)}

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index] / 2.25e9)

    def _do_summary(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        physics, at = self._physics, machine.index
        accepted = self._shares(machine)
        row = {
            "Elapsed": int(physics.elapsed_s[at]),
            **self._rates(machine),
            "Found Blocks": 0,
            "Getworks": 40,
            "Accepted": accepted,
            "Rejected": accepted // 400,
            "Hardware Errors": int(physics.hardware_errors[at]),
            "Utility": 0.9,
            "Discarded": 800,
            "Stale": accepted // 900,
            "Get Failures": 0,
            "Local Work": 9000,
            "Remote Failures": 0,
            "Network Blocks": 100,
            "Total MH": round(float(physics.terahashes[at]) * 1e6, 4),
            "Work Utility": 1.0,
            "Best Share": 500_000 + accepted,
            "Device Hardware%": 0.01,
            "Last getwork": int(time.time()),
        }
        return self._status(machine, "S", 11, "Summary"), "SUMMARY", [row]

    def _devices(self, machine: Machine) -> Rows:
        physics, at, kind = self._physics, machine.index, self._kind(machine)
        boards = int(physics.boards[at])
        well = physics.board_on[at] & physics.board_well[at]
        count = max(int(well.sum()), 1)
        return [
            {
                kind: board,
                "Name": machine.model,
                "ID": board,
                "Enabled": "Y" if physics.board_on[at, board] else "N",
                "Status": "Alive" if physics.board_well[at, board] else "Dead",
                "Temperature": round(float(physics.board_c[at]) + board, 2),
                **self._rates(machine, 1 / count if well[board] else 0.0),
                "Accepted": self._shares(machine) // boards,
                "Rejected": 0,
                "Hardware Errors": int(physics.hardware_errors[at]) // boards,
                "Utility": 0.3,
                "Device Elapsed": int(physics.elapsed_s[at]),
            }
            for board in range(boards)
        ]

    def _do_devs(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        rows = self._devices(machine)
        return self._status(machine, "S", 9, f"{len(rows)} {self._kind(machine)}(s)"), "DEVS", rows

    def _do_devdetails(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        rows = [
            {
                "DEVDETAILS": board,
                "Name": machine.model,
                "ID": board,
                "Driver": "bitmicro",
                "Kernel": "",
                "Model": machine.model,
                "Device Path": f"/dev/hash{board}",
            }
            for board in range(int(self._physics.boards[machine.index]))
        ]
        return self._status(machine, "S", 69, "Device Details"), "DEVDETAILS", rows

    def _do_pools(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        alive = bool(self._physics.pool_alive[machine.index])
        accepted = self._shares(machine)
        rows: Rows = [
            {
                "POOL": number,
                "URL": f"stratum+tcp://pool{number}.invalid:3333",
                "Status": "Alive" if alive else "Dead",
                "Priority": number,
                "Quota": 1,
                "Long Poll": "N",
                "Getworks": 20,
                "Accepted": accepted if number == 0 else 0,
                "Rejected": accepted // 400 if number == 0 else 0,
                "Works": 4000,
                "Discarded": 400,
                "Stale": accepted // 900 if number == 0 else 0,
                "User": f"farm.{machine.index}",
                "Has Stratum": True,
                "Stratum Active": alive and number == 0,
                "Stratum URL": f"pool{number}.invalid" if alive and number == 0 else "",
                "Best Share": 500_000,
            }
            for number in range(2)
        ]
        return self._status(machine, "S", 7, f"{len(rows)} Pool(s)"), "POOLS", rows

    def _do_stats(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        physics, at, kind = self._physics, machine.index, self._kind(machine)
        rows: Rows = [
            {
                "STATS": board,
                "ID": f"{kind}{board}",
                "Elapsed": int(physics.elapsed_s[at]),
                "Calls": 0,
                "Wait": 0.0,
                "Max": 0.0,
                "Min": 99999999.0,
                "chip_num": machine.row.chips,
                "temp_chip": round(float(physics.chip_c[at]), 1),
                "fan_in": int(physics.fan_rpm[at]),
                "fan_out": int(physics.fan_rpm[at] * 0.97),
            }
            for board in range(int(physics.boards[at]))
        ]
        return self._status(machine, "S", 70, "CGMiner stats"), "STATS", rows

    def _do_notify(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        well = self._physics.board_well[machine.index]
        rows: Rows = [
            {
                "NOTIFY": board,
                "Name": machine.model,
                "ID": board,
                "Last Well": int(time.time()),
                "Reason Not Well": "None" if well[board] else "Device comms error",
                "*Dev Comms Error": 0 if well[board] else 1,
            }
            for board in range(int(self._physics.boards[machine.index]))
        ]
        return self._status(machine, "S", 60, "Notify"), "NOTIFY", rows

    def _do_coin(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        row = {"Hash Method": "sha256", "Current Block Time": time.time(), "LP": True, "Network Difficulty": 1.0e14}
        return self._status(machine, "S", 78, "CGMiner coin"), "COIN", [row]

    def _do_config(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        boards = int(self._physics.boards[machine.index])
        row = {f"{self._kind(machine)} Count": boards, "Pool Count": 2, "Strategy": "Failover", "OS": "Linux"}
        return self._status(machine, "S", 33, "CGMiner config"), "CONFIG", [row]

    def _do_check(self, machine: Machine, parameter: str) -> tuple[dict[str, Any], str, Rows]:
        known = parameter in WRITES or hasattr(self, f"_do_{parameter}")
        allowed = known and (parameter not in WRITES or machine.access == "W")
        row = {"Exists": "Y" if known else "N", "Access": "Y" if allowed else "N"}
        return self._status(machine, "S", 72, "Check command"), "CHECK", [row]

    def _do_asccount(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        count = int(self._physics.boards[machine.index]) if machine.firmware == "cgminer" else 0
        return self._status(machine, "S", 104, "ASC count"), "ASCS", [{"Count": count}]

    def _do_privileged(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        return self._status(machine, "S", 46, "Privileged access OK"), "", []

    # --- writes -----------------------------------------------------------------------------------------------

    def _do_ascdisable(self, machine: Machine, parameter: str) -> tuple[dict[str, Any], str, Rows]:
        return self._switch(machine, parameter, on=False, kind="ASC")

    def _do_ascenable(self, machine: Machine, parameter: str) -> tuple[dict[str, Any], str, Rows]:
        return self._switch(machine, parameter, on=True, kind="ASC")

    def _do_pgadisable(self, machine: Machine, parameter: str) -> tuple[dict[str, Any], str, Rows]:
        return self._switch(machine, parameter, on=False, kind="PGA")

    def _do_pgaenable(self, machine: Machine, parameter: str) -> tuple[dict[str, Any], str, Rows]:
        return self._switch(machine, parameter, on=True, kind="PGA")

    def _switch(self, machine: Machine, parameter: str, *, on: bool, kind: str) -> tuple[dict[str, Any], str, Rows]:
        boards, asc = int(self._physics.boards[machine.index]), kind == "ASC"
        if kind != self._kind(machine):
            return self._status(machine, "E", 14, "Invalid command"), "", []
        if not parameter.isdigit():
            return self._status(machine, "E", 15, "Missing device id parameter"), "", []
        board = int(parameter)
        if board >= boards:
            message = f"Invalid {kind} id {board} - range is 0 - {boards - 1}"
            return self._status(machine, "E", 107 if asc else 36, message), "", []
        if bool(self._physics.board_on[machine.index, board]) is on:
            code = {(True, True): 112, (True, False): 113, (False, True): 51, (False, False): 52}[asc, on]
            word = "enabled" if on else "disabled"
            return self._status(machine, "I", code, f"{kind} {board} already {word}"), "", []
        self._wrote(machine.index, f"{kind.lower()}{'enable' if on else 'disable'} {board}")
        if self._obeys(machine.index):
            self._physics.enable_board(machine.index, board, on=on)
        code = {(True, True): 110, (True, False): 111, (False, True): 48, (False, False): 49}[asc, on]
        return self._status(machine, "I", code, f"{kind} {board} set {'enable' if on else 'disable'} flag"), "", []

    def _do_restart(self, machine: Machine, _parameter: str) -> tuple[dict[str, Any], str, Rows]:
        self._wrote(machine.index, "restart")
        chosen = np.zeros(self._physics.count, np.bool_)
        chosen[machine.index] = True
        if self._obeys(machine.index) and STATES[Phase(self._physics.phase[machine.index])] != "dead":
            self._physics.reboot(chosen)
        return {"STATUS": "RESTART"}, "", []


def _json_reply(status: dict[str, Any], name: str, rows: Rows) -> str:
    if "Code" not in status:
        return json.dumps({**status, "id": 1}, separators=(",", ":"))
    reply: dict[str, Any] = {"STATUS": [status]}
    if name:
        reply[name] = rows
    return json.dumps({**reply, "id": 1}, separators=(",", ":"))


def _text_row(name: str, row: dict[str, Any], *, bare: bool) -> str:
    words = [f"{key}={_text(value)}" for key, value in row.items()]
    return ",".join([name, *words] if bare else words) + "|"


def _text_rows(name: str, rows: Rows) -> str:
    bare = name in {"SUMMARY", "VERSION", "CONFIG", "CHECK", "COIN", "ASCS"}
    return "".join(_text_row(name, row, bare=bare) for row in rows)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
