"""Which machines are stuck, and what may be done about it: one remedy after the other, within bounds by day and hour.

Stuck is who is wanted at full and, for a long time without a break, hashes nothing though it says that it works or has
failed, does not do what it is told, or says nothing at all behind an outlet that is seen on. Who is held, sealed, or
lowered by an order, an owner or a price is never stuck: a new start would wake it. Nor is who waits for a pool or for
cooler air.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from agent.facts.remedies import Remedied
from agent.fleet.belief import UNSEEN, Code
from agent.fleet.view import Array, Flags, FleetView, Floats

RESTART, REBOOT, CYCLE = "restart", "reboot", "outlet_cycle"
ORDER = (RESTART, REBOOT, CYCLE)
"""The mildest first."""
STUCK_S = 1200.0
"""Longer than any firmware is known to take from a start to its rate: SealMiners tune for twelve minutes."""
NOTHING = 0.01
"""Of its full rate: less is none."""
TRIES = 3
"""After so many commands without effect, with the next one, a machine does not obey."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WHY = {1: "it hashes nothing", 2: "it does not do what it is told", 3: "it says nothing, and has power"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyPolicy:
    """What may be done, and how often."""

    remedies: tuple[str, ...] = ()
    per_machine_per_day: int = 3
    farm_per_hour: int = 20


def ailing(view: FleetView, hashrate_ths: Floats, tries: Array, energised: Flags) -> Array:
    """Return of each machine what ails it now, as `WHY` numbers it; 0 for nothing. `energised`: an outlet says so."""
    wanted = view.heard & ~view.held & ~view.sealed & (view.setpoint == 0) & (view.intended == 0)
    works = (view.state == Code.HASHING) | (view.state == Code.STARTING)
    barren = works & (hashrate_ths <= NOTHING * view.step_ths[:, 0]) & (view.step_ths[:, 0] > 0)
    barren = view.fresh & (view.seen == 0) & (barren | (view.state == Code.FAULT))
    deaf = view.fresh & (view.seen != 0) & (view.seen != UNSEEN) & (tries > TRIES)
    lost = (view.state == Code.UNREACHABLE) | (view.state == Code.UNKNOWN)
    return np.select([~wanted, barren, deaf, ~view.fresh & lost & energised], [0, 1, 2, 3], 0)


class Remedies:
    """Since when each machine is stuck, and what was done to it within the day."""

    def __init__(self, n: int, policy: RemedyPolicy) -> None:
        self.policy = policy
        self._ails = np.zeros(n, np.int64)
        self._since = np.full(n, np.inf)
        self._done: dict[str, deque[tuple[datetime, str]]] = {}
        self._hour: deque[datetime] = deque()

    def look(self, ails: Array, mono: float) -> Array:
        """Take in what ails each machine now; returns who is stuck, longest first."""
        changed = ails != self._ails
        self._ails = ails
        self._since[changed] = np.where(ails[changed] > 0, mono, np.inf)
        stuck = np.flatnonzero(mono - self._since >= STUCK_S)
        return stuck[np.argsort(self._since[stuck], kind="stable")]

    def why(self, row: int) -> str:
        """Return what ails a machine."""
        return WHY[int(self._ails[row])]

    def next_for(self, miner: str, able: Collection[str], now: datetime) -> str | None:
        """Return what is to be done to a machine now, of what can be; None where bounds speak against all of it."""
        self._forget(now)
        done = self._done.get(miner, ())
        kinds = [kind for kind in ORDER if kind in self.policy.remedies and kind in able]
        if not kinds or len(done) >= self.policy.per_machine_per_day or len(self._hour) >= self.policy.farm_per_hour:
            return None
        last = next((kind for _, kind in reversed(done) if kind in kinds), None)
        return kinds[0] if last is None else kinds[(kinds.index(last) + 1) % len(kinds)]

    def begun(self, row: int, mono: float) -> None:
        """Give a machine its time anew: what was done to it takes long to show."""
        self._since[row] = mono

    def apply(self, fact: Remedied) -> None:
        """Take in a remedy, done now or in a life before this one."""
        self._done.setdefault(fact.miner, deque()).append((fact.at, fact.remedy))
        self._hour.append(fact.at)

    def _forget(self, now: datetime) -> None:
        while self._hour and now - self._hour[0] >= HOUR:
            self._hour.popleft()
        for miner in [name for name, done in self._done.items() if now - done[0][0] >= DAY]:
            done = self._done[miner]
            while done and now - done[0][0] >= DAY:
                done.popleft()
            if not done:
                del self._done[miner]

    def counts(self) -> Mapping[str, int]:
        """Return how many machines are stuck, by what ails them."""
        return {WHY[ail]: int((self._ails == ail).sum()) for ail in WHY}
