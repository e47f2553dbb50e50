"""What goes wrong with simulated machines, by command and by schedule.

dead     the network interface is gone, whatever the machine did goes on; connections are reset
hang     it accepts and says nothing        half     half a reply, then the connection closes
garbage  bytes that are no reply            slow     one byte each fifth of a second
rst      a reset instead of a reply         lie      it acknowledges commands and does nothing
wake     it wakes by itself, once           reboot   it restarts, once
board    its last hashboard breaks          pool     its pools are dead
powercut no power; back, and booting from cold, when the fault ends

A machine has at most one fault of the wire (the first six); the others come on top, one of a kind.
"""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.machines import BadInput, Machine
from simulators.physics import Flags, Physics

WIRE = ("dead", "hang", "half", "garbage", "slow", "rst")
ONCE = ("wake", "reboot")
MOST_S = 1e9
KINDS = (*WIRE, "lie", *ONCE, "board", "pool", "powercut")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A fault to come; `for_s` None lasts until another takes its place, 0 ends the one that there is."""

    at_s: float
    select: str
    fault: str
    for_s: float | None = None


def read_schedule(text: str) -> tuple[Scheduled, ...]:
    """Parse a faults file. Raises BadInput."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the faults are no TOML: {error}") from error
    rows = document.get("fault", [])
    if not isinstance(rows, list) or set(document) - {"fault"}:
        raise BadInput("a faults file has [[fault]] tables and nothing else")
    return tuple(sorted((_scheduled(row, number) for number, row in enumerate(rows, 1)), key=lambda row: row.at_s))


def _scheduled(row: Any, number: int) -> Scheduled:
    if not isinstance(row, dict) or "at_s" not in row:
        raise BadInput(f"fault {number}: at_s: is missing")
    try:
        return demanded(row)
    except BadInput as error:
        raise BadInput(f"fault {number}: {error}") from None


def demanded(row: dict[str, Any]) -> Scheduled:
    """Return the fault that a table or a JSON object asks for, at once where it has no `at_s`. Raises BadInput."""
    unknown = set(row) - {"at_s", "select", "fault", "for_s"}
    if unknown:
        raise BadInput(f"{min(unknown)}: is unknown; the keys are at_s, select, fault, for_s")
    if row.get("fault") not in KINDS:
        raise BadInput(f"fault: {row.get('fault')!r} is none of {', '.join(KINDS)}")
    if not isinstance(row.get("select"), str):
        raise BadInput("select: must be a string")
    for_s = row.get("for_s")
    return Scheduled(
        at_s=seconds(row.get("at_s", 0), "at_s"),
        select=row["select"],
        fault=row["fault"],
        for_s=None if for_s is None else seconds(for_s, "for_s"),
    )


def seconds(told: Any, name: str) -> float:
    """Return a span that was told. Raises BadInput."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= MOST_S:
        raise BadInput(f"{name}: must be a number of seconds, 0 or more")
    return float(told)


class Faults:
    """Who has which fault, and until when (in the farm's own seconds)."""

    def __init__(self, machines: Sequence[Machine], physics: Physics, seed: int) -> None:
        self._machines = machines
        self._physics = physics
        self._seed = seed
        self._until: dict[tuple[int, str], tuple[str, float]] = {}
        self._begins: dict[str, Callable[[Flags], None]] = {
            "wake": physics.wake_alone,
            "reboot": physics.reboot,
            "board": physics.lose_board,
            "pool": physics.lose_pool,
            "powercut": physics.cut_power,
        }
        self._ends: dict[str, Callable[[Flags], None]] = {
            "board": physics.mend_boards,
            "pool": physics.find_pool,
            "powercut": physics.return_power,
        }

    def of(self, index: int) -> str | None:
        """Return the fault of one machine's wire."""
        found = self._until.get((index, "wire"))
        return found[0] if found is not None else None

    def obeys(self, index: int) -> bool:
        """Whether one machine does what it acknowledges."""
        return (index, "lie") not in self._until

    def every(self, index: int) -> list[str]:
        """Return all faults of one machine."""
        return [fault for (at, _), (fault, _) in self._until.items() if at == index]

    def select(self, select: str) -> list[int]:
        """Return the machines that "*", "HOST", "HOST:PORT", "make:M" or "50%" names. Raises BadInput."""
        everybody = [machine.index for machine in self._machines]
        if select == "*":
            return everybody
        if select.endswith("%"):
            chance = random.Random(f"{self._seed}/select")  # noqa: S311 - a draw that repeats
            chance.shuffle(everybody)
            return everybody[: round(len(everybody) * _share(select))]
        if select.startswith("make:"):
            return [m.index for m in self._machines if m.make.lower() == select[5:].lower()]
        found = [m.index for m in self._machines if select in {m.host, f"{m.host}:{m.port}"}]
        if not found:
            raise BadInput(f"select: no machine is {select!r}")
        return found

    def inject(self, demand: Scheduled, now_s: float) -> int:
        """Begin a fault; returns how many machines have it. Raises BadInput."""
        chosen, fault = self.select(demand.select), demand.fault
        slot = "wire" if fault in WIRE else fault
        self._end([index for index in chosen if (index, slot) in self._until], slot)
        if demand.for_s == 0:
            return len(chosen)
        if fault not in ONCE:
            until = math.inf if demand.for_s is None else now_s + demand.for_s
            self._until |= dict.fromkeys(((index, slot) for index in chosen), (fault, until))
        if fault in self._begins:
            self._begins[fault](self._flags(chosen))
        return len(chosen)

    def step(self, now_s: float) -> None:
        """End what is over."""
        for index, slot in [key for key, (_, until) in self._until.items() if until <= now_s]:
            self._end([index], slot)

    def _end(self, indices: list[int], slot: str) -> None:
        for index in indices:
            del self._until[index, slot]
        if indices and slot in self._ends:
            self._ends[slot](self._flags(indices))

    def _flags(self, chosen: list[int]) -> Flags:
        flags = np.zeros(len(self._machines), np.bool_)
        flags[chosen] = True
        return flags


def _share(select: str) -> float:
    try:
        share = float(select[:-1]) / 100
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise BadInput(f"select: {select!r} is no share of the farm")
    return share
