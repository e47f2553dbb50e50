"""What goes wrong with simulated machines, by command and by schedule.

dead     the network interface is gone, whatever the machine did goes on; connections are reset
hang     it accepts and says nothing        half     half a reply, then the connection closes
garbage  bytes that are no reply            slow     one byte each fifth of a second
rst      a reset instead of a reply         lie      it acknowledges commands and does nothing
wake     it wakes by itself, once           reboot   it restarts, once
board    its last hashboard breaks          pool     its pools are dead
powercut no power; back, and booting from cold, when the fault ends
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.machines import BadInput, Machine
from simulators.physics import Flags, Physics

KINDS = ("dead", "hang", "half", "garbage", "slow", "rst", "lie", "wake", "reboot", "board", "pool", "powercut")
ONCE = ("wake", "reboot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A fault of the schedule; `for_s` None lasts until another takes its place."""

    at_s: float
    select: str
    fault: str
    for_s: float | None = None


def read_schedule(text: str) -> tuple[Scheduled, ...]:
    """Parse a faults file. Raises BadInput."""
    try:
        rows = tomllib.loads(text).get("fault", [])
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the faults are no TOML: {error}") from error
    return tuple(sorted((_scheduled(row, number) for number, row in enumerate(rows, 1)), key=lambda row: row.at_s))


def _scheduled(row: Any, number: int) -> Scheduled:
    try:
        made = Scheduled(**row)
    except TypeError:
        raise BadInput(f"fault {number}: the keys are at_s, select, fault, for_s") from None
    if made.fault not in KINDS:
        raise BadInput(f"fault {number}: {made.fault!r} is none of {', '.join(KINDS)}")
    return made


class Faults:
    """Who has which fault, and until when (in the farm's own seconds)."""

    def __init__(self, machines: Sequence[Machine], physics: Physics, seed: int) -> None:
        self._machines = machines
        self._physics = physics
        self._seed = seed
        self._until: dict[int, tuple[str, float]] = {}

    def of(self, index: int) -> str | None:
        """Return the fault of one machine."""
        found = self._until.get(index)
        return found[0] if found is not None else None

    def select(self, select: str) -> list[int]:
        """Return the machines that "*", "HOST", "HOST:PORT", "make:M" or "50%" names. Raises BadInput."""
        everybody = [machine.index for machine in self._machines]
        if select == "*":
            return everybody
        if select.endswith("%") and select[:-1].replace(".", "", 1).isdigit():
            chance = random.Random(f"{self._seed}/select")  # noqa: S311 - a draw that repeats
            chance.shuffle(everybody)
            return everybody[: round(len(everybody) * float(select[:-1]) / 100)]
        if select.startswith("make:"):
            return [m.index for m in self._machines if m.make.lower() == select[5:].lower()]
        found = [m.index for m in self._machines if select in {m.host, f"{m.host}:{m.port}"}]
        if not found:
            raise BadInput(f"select: no machine is {select!r}")
        return found

    def inject(self, select: str, fault: str, for_s: float | None, now_s: float) -> int:
        """Begin a fault; returns how many machines have it. Raises BadInput."""
        if fault not in KINDS:
            raise BadInput(f"fault: {fault!r} is none of {', '.join(KINDS)}")
        chosen = self.select(select)
        for index in chosen:
            self._end(index)
            if fault not in ONCE:
                self._until[index] = (fault, now_s + for_s if for_s is not None else np.inf)
        flags = self._flags(chosen)
        match fault:
            case "wake":
                self._physics.wake_alone(flags)
            case "reboot":
                self._physics.reboot(flags)
            case "board":
                self._physics.lose_board(flags)
            case "pool":
                self._physics.pool_alive[flags] = False
            case "powercut":
                self._physics.cut_power(flags)
        return len(chosen)

    def step(self, now_s: float) -> None:
        """End what is over."""
        for index in [index for index, (_, until) in self._until.items() if until <= now_s]:
            self._end(index)

    def _end(self, index: int) -> None:
        fault, _ = self._until.pop(index, (None, 0.0))
        flags = self._flags([index])
        match fault:
            case "board":
                self._physics.mend_boards(flags)
            case "pool":
                self._physics.pool_alive[flags] = True
            case "powercut":
                self._physics.return_power(flags)

    def _flags(self, chosen: list[int]) -> Flags:
        flags = np.zeros(len(self._machines), np.bool_)
        flags[chosen] = True
        return flags
