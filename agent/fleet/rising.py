"""Who was told last to come back by the lives of the agent before this one: each has time to get there from now on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.fleet.miner import Ladder
from agent.fleet.view import Flags


class Rising:
    """Since when each is waited for, in monotonic seconds, by row; empty once their time is over.

    The word of the life before may never have left, so that the first time each is told begins its time anew.
    """

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._untold: set[int] = set()

    def restore(self, rows: Iterable[int], now: float) -> None:
        """Replay who was told."""
        self._since = dict.fromkeys(rows, now)
        self._untold = set(self._since)

    def attempted(self, row: int, now: float) -> None:
        """Note that a machine is told."""
        if row in self._untold:
            self._untold.remove(row)
            self._since[row] = now

    def among(self, trusted: Flags, ladders: Sequence[Ladder], now: float) -> Flags:
        """Return who is trusted to do what it was told: these too, for as long as their models take to wake."""
        if not self._since:
            return trusted
        self._since = {row: since for row, since in self._since.items() if now < since + ladders[row].wake_s}
        trusted = trusted.copy()
        trusted[list(self._since)] = True
        return trusted
