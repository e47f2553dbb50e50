"""Who was told last to come back by the lives of the agent before this one: each has time to get there from now on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agent.fleet.belief import UNSEEN, Code
from agent.fleet.view import Array, Flags

NEVER = float("-inf")


class Rising:
    """Since when each is waited for, in monotonic seconds, a row a machine; not once it is there or told anything else.

    The word of the life before may never have left, so that the first time each is told begins its time anew.
    """

    def __init__(self, n: int) -> None:
        self.wake_s = np.zeros(n)  # what each takes to wake, by its ladder
        self._since = np.full(n, NEVER)
        self._untold = np.zeros(n, np.bool_)

    def restore(self, rows: Iterable[int], now: float) -> None:
        """Replay who was told."""
        told = np.fromiter(rows, np.int64)
        self._since[:], self._untold[:] = NEVER, False
        self._since[told], self._untold[told] = now, True

    def attempted(self, row: int, now: float) -> None:
        """Note that a machine is told."""
        if self._untold[row]:
            self._since[row], self._untold[row] = now, False

    def ended(self, row: int) -> None:
        """Wait no longer for a machine: it is set to another level, or did not take what it was told."""
        self._since[row], self._untold[row] = NEVER, False

    def among(self, setpoint: Array, seen: Array, state: Array, now: float) -> Flags:
        """Return who is on its way up; who is seen at its setpoint, or above it, is waited for no longer."""
        there = (seen != UNSEEN) & (seen <= setpoint) & (state != Code.STARTING)
        self._since[there] = NEVER
        self._untold &= ~there
        rising: Flags = now < self._since + self.wake_s
        return rising
