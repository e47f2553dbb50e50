"""Machines that took none of our logins: after so many refusals they are left alone, longer each time.

A wrong password must not lock thousands of machines, nor fill their logs. A restart goes on with the wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from agent.values import Moment

FIRST_S, LAST_S = 3600.0, 86_400.0
USUAL_AFTER = 3


class Lockout:
    """Which machines are left alone, and until when; by row."""

    def __init__(self, after: Sequence[int]) -> None:
        self._after = tuple(after)
        self._refusals: dict[int, int] = {}
        self._until: dict[int, float] = {}

    def refused(self, row: int, now: Moment) -> datetime | None:
        """Take in that no login was taken; returns until when the machine is left alone, where it is from now on."""
        refusals = self._refusals[row] = self._refusals.get(row, 0) + 1
        if refusals < self._after[row]:
            return None
        wait_s = min(FIRST_S * 2 ** min(refusals - self._after[row], 10), LAST_S)
        self._until[row] = now.mono + wait_s
        return now.at + timedelta(seconds=wait_s)

    def taken(self, row: int) -> None:
        """Take in that a login was taken, or that none was wanted."""
        self._refusals.pop(row, None)
        self._until.pop(row, None)

    def leaves_alone(self, row: int, mono: float) -> bool:
        """Whether a machine is not to be spoken to now."""
        return mono < self._until.get(row, mono)

    def restore(self, until: Mapping[int, datetime], now: Moment) -> None:
        """Go on with the waits of the life before; one refusal more and the next begins."""
        for row, at in until.items():
            left_s = (at - now.at).total_seconds()
            if left_s > 0:
                self._refusals[row] = self._after[row]
                self._until[row] = now.mono + min(left_s, LAST_S)
