"""WhatsMiners with the maker's firmware as the network sees them: API version 2 on port 4028.

One JSON document a connection. Who may not write is one whose owner has not opened the API for writing. A mode and a
limit outlast a stop and a new start; a stop does not outlast a new start.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import Level, Physics
from simulators.whatsminer_crypt import NotBase64, Secrets, Undecryptable
from simulators.whatsminer_words import MESSAGES, NO_LIMIT_W, SECTIONS, Row, said

#: spans in seconds, before the farm's delay scale: until a stop, a start and a change of mode take place
STOP_AFTER_S, START_AFTER_S, CHANGE_AFTER_S = (1, 4), (1, 3), (2, 8)
OK = "API command OK"

Writer = Callable[[Machine, Row], Row | None]


class WhatsminerFace:
    """Answers for the machines with the maker's firmware."""

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
        self._secrets: dict[int, Secrets] = {}
        self._orders = 0
        self._writers: dict[str, Writer] = {
            "power_off": self._power_off,
            "power_on": self._power_on,
            "set_low_power": self._set_low,
            "set_normal_power": self._set_normal,
            "set_high_power": self._set_normal,
            "adjust_power_limit": self._limit,
            "restart_btminer": self._restart,
            "reboot": self._reboot,
            "set_led": self._blink,
        }

    def complete(self, request: bytes) -> bool:
        """Whether a whole document came, or what cannot become one."""
        text = request.strip(b"\0\r\n ")
        return bool(text) and (not text.startswith(b"{") or text.endswith(b"}"))

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None where the machine closes without a word."""
        if not await in_reach(self._physics, index):
            return None
        reply = self._reply(self._machines[index], request.strip(b"\0\r\n "))
        return None if reply is None else json.dumps(reply, separators=(",", ":")).encode() + b"\0"

    def _reply(self, machine: Machine, request: bytes) -> Row | None:
        try:
            told = json.loads(request)
        except (ValueError, RecursionError):
            return said(23, "json cmd err", "E")
        if not isinstance(told, dict):
            return said(23, "json cmd err", "E")
        if "enc" in told:
            return self._sealed(machine, str(told.get("data")))
        if "token" in told:
            return self._admitted(machine, told)
        return self._read(machine, str(told.get("command", told.get("cmd"))))

    # --- reads ------------------------------------------------------------------------------------------------------

    def _read(self, machine: Machine, command: str) -> Row:
        parts = command.split("+")
        if len(parts) > 1:
            return {part: [self._joined(machine, part)] for part in parts if part} | {"id": 1}
        if command == "get_token":
            return self._token(machine)
        answer = SECTIONS.get(command) or MESSAGES.get(command)
        if answer is not None:
            return answer(machine, self._physics)
        return said(45, "permission denied", "E") if command in self._writers else said(14, "invalid cmd", "E")

    def _joined(self, machine: Machine, command: str) -> Row:
        answer = SECTIONS.get(command)
        return said(14, "invalid cmd", "E") if answer is None else answer(machine, self._physics)

    def _token(self, machine: Machine) -> Row:
        given = self._secrets_of(machine).give(time.time(), _now_s())
        return said(136, "over max connect", "E") if given is None else said(134, given)

    def _secrets_of(self, machine: Machine) -> Secrets:
        if machine.index not in self._secrets:
            self._secrets[machine.index] = Secrets(machine.serial)
        return self._secrets[machine.index]

    # --- writes -----------------------------------------------------------------------------------------------------

    def _sealed(self, machine: Machine, data: str) -> Row | None:
        """Decrypt, obey and encrypt; what goes wrong before that is told plainly."""
        secrets = self._secrets_of(machine)
        try:
            told = secrets.open(data)
        except NotBase64:
            return said(137, "base64 decode err", "E")
        except Undecryptable:
            return said(23, "enc json load err", "E")
        reply = self._admitted(machine, told)
        return None if reply is None else {"enc": secrets.seal(json.dumps(reply))}

    def _admitted(self, machine: Machine, told: Row) -> Row | None:
        command = str(told.get("cmd", told.get("command")))
        if not self._secrets_of(machine).knows(told.get("token"), _now_s()):
            return said(135, "check token err", "E")
        if machine.access != "W":
            return said(45, "can't access write cmd", "E")
        writer = self._writers.get(command)
        return self._read(machine, command) if writer is None else writer(machine, told)

    def _power_off(self, machine: Machine, told: Row) -> Row | None:
        if self._told(machine, "power_off"):
            self._order(machine, Level.SLEEP, STOP_AFTER_S)
        return said(131, OK) if told.get("respbefore") == "true" else None

    def _power_on(self, machine: Machine, _told: Row) -> Row:
        if self._told(machine, "power_on") and self._level_to_be(machine) is Level.SLEEP:
            self._order(machine, self._awake(machine), START_AFTER_S)
        return said(131, OK)

    def _set_low(self, machine: Machine, _told: Row) -> None:
        self._set_mode(machine, "set_low_power", Level.LOW)

    def _set_normal(self, machine: Machine, told: Row) -> None:
        self._set_mode(machine, str(told["cmd"]), Level.FULL)

    def _set_mode(self, machine: Machine, command: str, level: Level) -> None:
        """Keep the mode and restart in it; one that is stopped stays so. The connection closes without a word."""
        if self._told(machine, command):
            self._physics.awake_level[machine.index] = level
            self._restart_awake(machine)

    def _limit(self, machine: Machine, told: Row) -> Row:
        limit = told.get("power_limit")
        if not (isinstance(limit, str) and limit.isdecimal() and int(limit) <= NO_LIMIT_W):
            return said(132, "API command ERROR", "E")
        if self._told(machine, f"adjust_power_limit {limit}"):
            lifted = int(limit) in {0, NO_LIMIT_W}
            self._physics.limit_w[machine.index] = np.inf if lifted else float(limit)
            self._restart_awake(machine)
        return said(131, OK)

    def _restart(self, machine: Machine, _told: Row) -> None:
        """Start the miner anew, also one that was stopped."""
        if self._told(machine, "restart_btminer"):
            self._order(machine, self._awake(machine), START_AFTER_S)

    def _reboot(self, machine: Machine, _told: Row) -> None:
        if self._told(machine, "reboot"):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)

    def _blink(self, machine: Machine, told: Row) -> Row:
        self._told(machine, "blink off" if told.get("param") == "auto" else "blink on")
        return said(131, OK)

    def _told(self, machine: Machine, command: str) -> bool:
        """Note a command; says whether the machine does what it acknowledges."""
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def _awake(self, machine: Machine) -> Level:
        return Level(self._physics.awake_level[machine.index])

    def _level_to_be(self, machine: Machine) -> Level:
        """Return the level after the change that is under way, if one is."""
        following = int(self._physics.next_level[machine.index])
        return Level(following if following >= 0 else int(self._physics.level[machine.index]))

    def _restart_awake(self, machine: Machine) -> None:
        if self._level_to_be(machine) is not Level.SLEEP:
            self._order(machine, self._awake(machine), CHANGE_AFTER_S)

    def _order(self, machine: Machine, level: Level, span_s: tuple[float, float]) -> None:
        self._orders += 1
        chance = random.Random(f"{machine.serial}/{self._orders}")  # noqa: S311 - delays that repeat
        self._physics.order_level(machine.index, level, chance.uniform(*span_s) * self._physics.delay_scale)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
