"""The simulated firmware that nobody names: the CGMiner API of the first M20S, of 2019, three commands and no more.

Its boards stand in `stats`, a row each among those of its pools; no watts, no MAC, no model, nothing that can be told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Physics

VERSION = "4.9.2"
API = "3.7"
POOLS = 2
Row = dict[str, Any]


class StrangerFace:
    """Answers on port 4028."""

    one_at_a_time = True

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        _obeys: Callable[[int], bool],
        _wrote: Callable[[int, str], None],
    ) -> None:
        self._machines = machines
        self._physics = physics
        self._answers = {"summary": self._summary, "stats": self._stats, "pools": self._pools}

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None while it boots."""
        if not await in_reach(self._physics, index):
            return None
        try:
            command = str(json.loads(request.strip(b"\0\n "))["command"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return encoded("E", 23, "Invalid JSON")
        answer = self._answers.get(command)
        return encoded("E", 14, "Invalid command") if answer is None else answer(self._machines[index])

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _summary(self, machine: Machine) -> bytes:
        at, shares = machine.index, self._shares(machine)
        names = ("MHS 5s", "MHS 1m", "MHS 5m", "MHS 15m")
        rates = (self._physics.averages_ths[:4, at] * 1e6).round(2).tolist()
        rpm = int(self._physics.fan_rpm[at])
        row = {
            "Elapsed": int(self._physics.elapsed_s[at]), "MHS av": rates[-1], **dict(zip(names, rates, strict=True)),
            "Accepted": shares, "Rejected": shares // 400, "Stale": 0, "Best Share": 524_288 * (1 + shares),
            "Hardware Errors": int(self._physics.hardware_errors[at]), "Fan Speed In": rpm, "Fan Speed Out": rpm,
            "Temperature": round(self._physics.board_c[at].item(), 1), "Error Code Count": 0, "Security Mode": 0,
        }  # fmt: skip
        return encoded("S", 11, "Summary", SUMMARY=[row])

    def _stats(self, machine: Machine) -> bytes:
        at, elapsed = machine.index, int(self._physics.elapsed_s[machine.index])
        hot, boards = round(self._physics.board_c[at].item(), 1), int(self._physics.board_well[at].sum())
        rows: list[Row] = [
            {
                "ID": f"SM{board}", "Elapsed": elapsed, "Calls": 0, "slot": board, "chip_num": machine.row.chips,
                "freqs_avg": 636, "temp_now_max": hot, "temp_1": hot, "temp_2": 0.0,
                **{f"chip_freqs_{chip}": 672 for chip in range(machine.row.chips)},
            }
            for board in range(boards)
        ]  # fmt: skip
        rows += [{"ID": f"POOL{number}", "Elapsed": elapsed, "Pool Calls": 0} for number in range(POOLS)]
        return encoded("S", 70, "CGMiner stats", STATS=[{"STATS": at, **row} for at, row in enumerate(rows)])

    def _pools(self, machine: Machine) -> bytes:
        at, shares = machine.index, self._shares(machine)
        fed = bool(self._physics.pool_alive[at] and self._physics.pool_set[at])
        rows = [
            {
                "POOL": number, "URL": f"stratum+tcp://pool{number}.invalid:3333", "User": f"farm.{at}",
                "Status": "Alive" if fed else "Dead", "Priority": number, "Stratum Active": fed and number == 0,
                "Accepted": shares if number == 0 else 0, "Rejected": 0, "Stale": 0,
            }
            for number in range(POOLS)
        ]  # fmt: skip
        return encoded("S", 7, f"{POOLS} Pool(s)", POOLS=rows)


def encoded(letter: str, code: int, message: str, **sections: object) -> bytes:
    """Return a reply as it goes out."""
    status = {"STATUS": letter, "When": 1, "Code": code, "Msg": message, "Description": f"cgminer {VERSION}"}
    return json.dumps({"STATUS": [status], **sections, "id": 1}).encode() + b"\0"
