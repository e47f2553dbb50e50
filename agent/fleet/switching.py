"""How often machines may be switched: the least time asleep, the least time awake, the times they may be raised."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from agent.fleet.view import Flags

if TYPE_CHECKING:  # what holds this
    from agent.fleet.fleet import FleetPolicy

HOUR_S = 3600.0
AT_ONCE = 12
"""So often an hour a machine that somebody else wakes is put back at once; then it is told once a `FOUGHT_EACH_S`."""
FOUGHT_EACH_S = 60.0


class Switching:
    """When each machine fell asleep, was woken and was raised, in monotonic seconds.

    What was before the start is taken for long ago, but for those that are first seen asleep.
    """

    def __init__(self, n: int, policy: FleetPolicy) -> None:
        self._policy = policy
        self._off_since = np.full(n, -np.inf)
        self._on_since = np.full(n, -np.inf)
        self._woken_at = np.full(n, -np.inf)  # by us, as long as it was not seen to wake
        self._raised_at = np.full((n, max(1, policy.switches_per_hour)), -np.inf)
        self._fought_at: dict[int, deque[float]] = {}  # by row: few are ever woken by somebody else

    def seen(self, row: int, step: int, before: int, *, asleep: int, now: float) -> None:
        """Take in the step that a reading proves, and the one before it; `asleep` is the lowest that there is."""
        if step == before:
            return
        self._off_since[row] = now if step == asleep > 0 else -np.inf
        if before == asleep > step >= 0:
            self._on_since[row] = now
            self._woken_at[row] = -np.inf

    def raised(self, row: int, now: float, *, woken: bool) -> None:
        """Note that a machine is told to draw more; `woken` if it was set to sleep."""
        self._raised_at[row, np.argmin(self._raised_at[row])] = now
        if woken:
            self._on_since[row] = self._woken_at[row] = now

    def fought(self, row: int, now: float) -> float:
        """Take in that somebody else woke a machine; return from when on it may be told to sleep again.

        Two programs that switch a machine against one another wear it out.
        """
        times = self._fought_at.setdefault(row, deque(maxlen=AT_ONCE))
        often = len(times) == AT_ONCE and now - times[0] < HOUR_S
        times.append(now)
        return now + FOUGHT_EACH_S if often else -np.inf

    def may_be_rising(self, row: int, wake_s: float, now: float) -> bool:
        """Whether a wake of ours that was not seen yet may only now take effect."""
        return bool(now - self._woken_at[row] < wake_s + self._policy.fresh_s)

    def rested(self, now: float) -> Flags:
        """Return whose least time asleep is over and who may be raised once more within the hour."""
        raises = (self._raised_at > now - HOUR_S).all(axis=1)
        rested: Flags = (now - self._off_since >= self._policy.min_off_s) & ~raises
        return rested

    def young(self, now: float) -> Flags:
        """Return who was woken, or seen to wake, within the least time awake."""
        young: Flags = now - self._on_since < self._policy.min_on_s
        return young
