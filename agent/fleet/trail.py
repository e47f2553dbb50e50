"""What a meter showed over time, as far back as a limit or a base looks: means of any stretch in it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

from agent.values import Watts

CUT_AT = 4096
"""So many figures that have grown too old are dropped at once."""


class Trail:
    """A meter's figures, each held until the next; `kept_s` back."""

    def __init__(self, *, kept_s: float) -> None:
        self.kept_s = kept_s
        self._at: list[float] = []
        self._power_w: list[Watts] = []
        self._joules: list[float] = []  # up to each figure

    def heard(self, power_w: Watts, mono: float) -> None:
        """Take in one figure."""
        joules = self._joules[-1] + self._power_w[-1] * (mono - self._at[-1]) if self._at else 0.0
        self._at.append(mono)
        self._power_w.append(power_w)
        self._joules.append(joules)
        old = bisect_right(self._at, mono - self.kept_s) - 1
        if old >= CUT_AT:
            del self._at[:old], self._power_w[:old], self._joules[:old]

    def mean_w(self, since: float, until: float, *, most_w: Watts = math.inf) -> Watts | None:
        """Return the mean of a stretch, as far as there were figures; None where there were none.

        Since the last figure its own W are taken for drawn, and `most_w` at the most.
        """
        first = max(since, self._at[0]) if self._at else until
        if until <= first:
            return None
        return (self._upto(until, most_w) - self._upto(first, most_w)) / (until - first)

    def means(self, now: float, *, most_w: Watts = math.inf) -> Callable[[float, float], Watts | None]:
        """Return the means of stretches, told by how many seconds ago they began and ended."""
        return lambda first, last: self.mean_w(now - first, now - last, most_w=most_w)

    def _upto(self, mono: float, most_w: Watts) -> float:
        place = bisect_right(self._at, mono) - 1
        is_last = place == len(self._at) - 1
        power_w = min(self._power_w[place], most_w) if is_last else self._power_w[place]
        return self._joules[place] + power_w * (mono - self._at[place])
