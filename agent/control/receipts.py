"""What became of commands on their way, for the evidence: each first receipt, and how often was told again.

A receipt is no proof: a reading is. Told again is counted by the hour, and when orders come or go.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.facts import AnyFact, CommandsResent, CommandsTaken
from agent.fleet.fleet import Fleet
from agent.values import Moment

EACH_S = 3600.0


class Receipts:
    """Notes commands by row; `facts` tells of them."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._told: list[str | None] = [None] * len(fleet)  # by name: a step may be another by the time it is told of
        self._taken: list[str | None] = [None] * len(fleet)  # at the last receipt
        self._fresh: list[int] = []
        self._again = 0
        self._since: Moment | None = None
        self._orders: list[str] = []

    def sent(self, row: int, *, again: bool) -> None:
        """Note that a machine is told to go to its setpoint, `again` without proof of the last time."""
        self._told[row] = self._fleet.level_of(row, int(self._fleet.setpoint[row]))
        self._again += again

    def received(self, row: int) -> None:
        """Note that a machine acknowledged what it was told last."""
        if self._taken[row] != self._told[row]:
            self._taken[row] = self._told[row]
            self._fresh.append(row)

    def facts(self, orders: Collection[str], now: Moment) -> list[AnyFact]:
        """Return what happened since the last call; `orders` are open now."""
        facts: list[AnyFact] = []
        if self._fresh:
            levels: dict[str, list[str]] = {}
            for row in self._fresh:
                levels.setdefault(self._taken[row] or "", []).append(self._fleet.miners[row].id)
            self._fresh.clear()
            facts.append(CommandsTaken(at=now.at, levels=levels, orders=list(orders)))
        self._since = self._since or now
        if now.mono - self._since.mono >= EACH_S or list(orders) != self._orders:
            if self._again:
                facts.append(CommandsResent(at=now.at, since=self._since.at, count=self._again, orders=self._orders))
            self._again, self._since, self._orders = 0, now, list(orders)
        return facts
