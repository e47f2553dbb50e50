"""What a WhatsMiner does when it is told, whichever API version told it.

A mode and a limit outlast a stop and a new start; a stop does not outlast a new start.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from simulators.machines import Machine
from simulators.physics import Level, Physics

#: spans in seconds, before the farm's delay scale: until a stop, a start and a change of mode take place
STOP_AFTER_S, START_AFTER_S, CHANGE_AFTER_S = (1, 4), (1, 3), (2, 8)


class Levers:
    """Stops, starts, limits and reboots machines; each is told under the name that its owner's log has it by."""

    def __init__(self, physics: Physics, obeys: Callable[[int], bool], wrote: Callable[[int, str], None]) -> None:
        self._physics = physics
        self._obeys = obeys
        self._wrote = wrote
        self._orders = 0

    def told(self, machine: Machine, command: str) -> bool:
        """Note a command; says whether the machine does what it acknowledges."""
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def stop(self, machine: Machine, command: str) -> None:
        """Stop hashing."""
        if self.told(machine, command):
            self._order(machine, Level.SLEEP, STOP_AFTER_S)

    def start(self, machine: Machine, command: str) -> None:
        """Hash again; nothing to one that does."""
        if self.told(machine, command) and self._level_to_be(machine) is Level.SLEEP:
            self._order(machine, self._awake(machine), START_AFTER_S)

    def restart(self, machine: Machine, command: str) -> None:
        """Start the miner anew, also one that was stopped."""
        if self.told(machine, command):
            self._order(machine, self._awake(machine), START_AFTER_S)

    def set_level(self, machine: Machine, command: str, level: Level) -> None:
        """Keep the mode and restart in it; one that is stopped stays so."""
        if self.told(machine, command):
            self._physics.awake_level[machine.index] = level
            self._restart_awake(machine)

    def limit(self, machine: Machine, command: str, limit_w: float) -> None:
        """Keep the limit, infinite for none, and restart under it; one that is stopped stays so."""
        if self.told(machine, command):
            self._physics.limit_w[machine.index] = limit_w
            self._restart_awake(machine)

    def reboot(self, machine: Machine, command: str) -> None:
        """Start the whole machine anew."""
        if self.told(machine, command):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)

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
