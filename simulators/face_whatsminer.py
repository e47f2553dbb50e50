"""WhatsMiners with the maker's firmware as the network sees them: API version 2 on port 4028.

One JSON document a connection. Who may not write is one whose owner has not opened the API for writing.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import Level, Physics
from simulators.whatsminer_crypt import NotBase64, Secrets, Undecryptable
from simulators.whatsminer_levers import Levers
from simulators.whatsminer_words import MESSAGES, NO_LIMIT_W, SECTIONS, Row, said

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
        self._levers = Levers(physics, obeys, wrote)
        self._secrets: dict[int, Secrets] = {}
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
        self._levers.stop(machine, "power_off")
        return said(131, OK) if told.get("respbefore") == "true" else None

    def _power_on(self, machine: Machine, _told: Row) -> Row:
        self._levers.start(machine, "power_on")
        return said(131, OK)

    def _set_low(self, machine: Machine, _told: Row) -> None:
        """Change the mode; the connection closes without a word."""
        self._levers.set_level(machine, "set_low_power", Level.LOW)

    def _set_normal(self, machine: Machine, told: Row) -> None:
        self._levers.set_level(machine, str(told["cmd"]), Level.FULL)

    def _limit(self, machine: Machine, told: Row) -> Row:
        limit = told.get("power_limit")
        if not (isinstance(limit, str) and limit.isdecimal() and int(limit) <= NO_LIMIT_W):
            return said(132, "API command ERROR", "E")
        lifted = int(limit) in {0, NO_LIMIT_W}
        self._levers.limit(machine, f"adjust_power_limit {limit}", math.inf if lifted else float(limit))
        return said(131, OK)

    def _restart(self, machine: Machine, _told: Row) -> None:
        self._levers.restart(machine, "restart_btminer")

    def _reboot(self, machine: Machine, _told: Row) -> None:
        self._levers.reboot(machine, "reboot")

    def _blink(self, machine: Machine, told: Row) -> Row:
        self._levers.told(machine, "blink off" if told.get("param") == "auto" else "blink on")
        return said(131, OK)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
