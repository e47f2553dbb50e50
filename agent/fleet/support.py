"""Which of a meter's words to take: a figure that a neighbour supports, a register that can have counted so far.

One figure alone that is far from those before and after it (a garbled register, a late answer) is left out: it neither
sheds nor raises. What truly leaps is so taken in one figure late. Where nothing supports anything, nothing was heard.
"""

from __future__ import annotations

from agent.values import Watts

NEAR, NEAR_W = 0.05, 100.0
"""Figures this near to each other, by share or in W, support each other."""
SPREAD = 1.5
SLACK_WH = 1000.0
"""A register moves in steps of up to so much, and may be read later than it is dated."""


def near(one: Watts, other: Watts) -> bool:
    """Whether two figures support each other."""
    return abs(one - other) <= max(NEAR_W, NEAR * max(abs(one), abs(other)))


class Support:
    """The power figures of one meter; what was taken longer than `forget_s` ago supports nothing."""

    def __init__(self, *, forget_s: float) -> None:
        self._forget_s = forget_s
        self._taken: tuple[float, Watts] | None = None
        self._before: Watts | None = None

    def taken(self, power_w: Watts, mono: float) -> Watts | None:
        """Return the figure to take in now that this one has come, None where nothing supports it yet.

        A leap is taken as the middle one of the last that was taken, the one before and this.
        """
        before, self._before = self._before, power_w
        if self._taken is not None and mono - self._taken[0] > self._forget_s:
            self._taken = None
        value_w = self._supported(power_w, before)
        if value_w is not None:
            self._taken = (mono, value_w)
        return value_w

    def _supported(self, power_w: Watts, before: Watts | None) -> Watts | None:
        last_w = None if self._taken is None else self._taken[1]
        if last_w is not None and near(power_w, last_w):
            return power_w
        if before is None:
            return None
        if last_w is None:
            return power_w if near(power_w, before) else None
        middle_w = sorted((last_w, before, power_w))[1]
        return None if middle_w == last_w else middle_w


def counted_wh(before_wh: float, after_wh: float, rolls_over_wh: float | None) -> float | None:
    """Return what a register counted between two values, None where it was set back.

    One that begins again at 0 at `rolls_over_wh` has gone round where that is less than half of its range.
    """
    if after_wh >= before_wh:
        return after_wh - before_wh
    if rolls_over_wh is None or not after_wh <= before_wh <= rolls_over_wh:
        return None
    round_wh = after_wh + rolls_over_wh - before_wh
    return round_wh if round_wh < rolls_over_wh / 2 else None


class Register:
    """A meter's register of energy, Wh: it only rises, and no faster than `most_w` lets it, until it begins again.

    Another value counts once the next one follows from it; the register was then set back or exchanged.
    """

    def __init__(self, *, most_w: Watts, rolls_over_wh: float | None = None) -> None:
        self._most_w = most_w
        self._rolls_over_wh = rolls_over_wh
        self._last: tuple[float, float] | None = None
        self._doubted: tuple[float, float] | None = None
        self.set_back = 0  # how often

    def heard(self, energy_wh: float, mono: float) -> None:
        """Take in what it shows."""
        now = (mono, energy_wh)
        if self._last is None or self._follows(self._last, now):
            self._last, self._doubted = now, None
        elif self._doubted is not None and self._follows(self._doubted, now):
            self._last, self._doubted = now, None
            self.set_back += 1
        else:
            self._doubted = now

    def value_wh(self, mono: float, *, within_s: float) -> float | None:
        """Return what it last showed, None where that is longer ago than `within_s`."""
        if self._last is None or mono - self._last[0] > within_s:
            return None
        return self._last[1]

    def _follows(self, before: tuple[float, float], now: tuple[float, float]) -> bool:
        most_wh = SPREAD * self._most_w * (now[0] - before[0]) / 3600 + SLACK_WH
        counted = counted_wh(before[1], now[1], self._rolls_over_wh)
        return counted is not None and counted <= most_wh
