"""Outlets in control: power is cut where a machine obeys no other means, and given back in steps.

Only where the owner allows it (`allow_hard_cut`), never from an essential feeder, which the configuration refuses, and
not from loops that must stay pumped, but for a safety input.
What is meant is written before it is told; cutting goes on where nothing can be written, giving back does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from agent.facts import AnyFact
from agent.facts.outlets import OutletSwitched
from agent.fleet.belief import UNSEEN
from agent.fleet.fleet import Fleet
from agent.fleet.outlets import Outlets
from agent.fleet.selector import matching
from agent.fleet.view import Flags, FleetView
from agent.planning.cutting import is_due, may_return, must_stop
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import Tree
from agent.values import Moment, Watts

if TYPE_CHECKING:
    from agent.control.dispatcher import Dispatcher

AGAIN_S = 30.0
TRIPPED = "safety:"
"""What the keys of parts begin with that a safety input made."""
OFF_S = 20.0
"""So long a power supply's capacitors take to forget, with some to spare."""
STEP_S = 60.0
"""At least so long lies between two outlets that are given back: machines boot in it."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one tick knows."""

    view: FleetView
    demand: Demand
    situation: Situation
    shortfall_w: Watts
    orders: list[str]
    proved: bool
    now: Moment


def _nowhere(_outlet: str, _on: bool) -> None:  # noqa: FBT001 - as an outlet is told
    return


class Cutting:
    """What outlets are meant to be. `switch` begins to tell one; what it says then comes back to `Outlets.heard`."""

    def __init__(self, fleet: Fleet, outlets: Outlets, tree: Tree, policy: Policy) -> None:
        self.switch: Callable[[str, bool], None] = _nowhere
        self.pumped: Callable[[], Flags] = lambda: np.zeros(len(fleet), np.bool_)  # whose loop must stay pumped
        self._fleet = fleet
        self._outlets = outlets
        self._tree = tree
        self._policy = policy
        self._rows = {name: self._behind(one.feeders) for name, one in outlets.policies.items()}
        self._bound_since: dict[str, float] = {}
        self._told_at: dict[str, float] = {}
        self._next_return = -np.inf
        self._cycled: set[str] = set()  # off for a remedy
        self._cleared: set[str] = set()  # given back, and nothing speaks against telling it so now

    def tell_of(self, dispatcher: Dispatcher) -> None:
        """Let whoever names a machine that does not obey name the outlet as the next means."""
        dispatcher.next_means = self._next_means

    def show(self, mono: float) -> None:
        """Let machines count as without power behind outlets that are seen off, and in full once they may have it."""
        if not self._rows:
            return
        fleet, off = self._fleet, np.zeros(len(self._fleet), np.bool_)
        for name, rows in self._rows.items():
            if self._outlets.is_on(name, mono) is False:
                off |= rows
        silent = np.flatnonzero((off != fleet.cut) & (fleet.seen == UNSEEN)).tolist()
        fleet.cut[:] = off
        fleet.restore_powers(
            {fleet.miners[row].id: 0.0 if off[row] else fleet.ladders[row].steps[0].power_w for row in silent}
        )

    def look(self, seen: Seen, *, enforce: bool) -> list[AnyFact]:
        """Return what outlets are seen to be, and what they are meant to be from now on."""
        facts = self._outlets.news(seen.orders, seen.now)
        self._cleared.clear()
        if enforce and seen.proved:
            for name, rows in self._rows.items():
                if self._outlets.may_cut or name in self._outlets.wanted:
                    facts += self._meant(name, rows, seen)
        return facts

    def send(self, now: Moment, *, written: bool) -> None:
        """Tell those that are not what they are meant to be."""
        for name, on in tuple(self._outlets.wanted.items()):
            is_on = self._outlets.is_on(name, now.mono)
            late = now.mono - self._told_at.get(name, -np.inf) >= AGAIN_S
            due = name in self._bound_since or name in self._cycled
            needed = is_on is not on if on else is_on is not False and due
            may_cut = self._outlets.may_cut and (written or name in self._bound_since)
            may = (written and name in self._cleared) if on else may_cut
            if late and needed and may:
                self._told_at[name] = now.mono
                self.switch(name, on)

    def _meant(self, name: str, rows: Flags, seen: Seen) -> list[AnyFact]:
        bound = must_stop(seen.view, seen.demand, rows, seen.shortfall_w)
        if not bound:
            self._bound_since.pop(name, None)
            return self._returned(name, rows, seen)
        since = self._bound_since.setdefault(name, seen.now.mono)
        self._outlets.waits.pop(name, None)
        wanted, is_on = self._outlets.wanted.get(name), self._outlets.is_on(name, seen.now.mono)
        loops = self._pumped_behind(rows, seen)
        if loops and wanted is not False:
            self._outlets.waits[name] = f"it is not cut: the loop of {loops[0]} must stay pumped"
            return []
        if wanted and is_on is not True and self._outlets.may_cut:
            return [self._fact(name, rows, seen, on=False, why="what is behind it must stop again")]
        if wanted is False or is_on is False or not self._outlets.may_cut:
            return []
        tries = np.zeros(len(self._fleet), np.int64)
        behind = np.flatnonzero(rows)
        tries[behind] = [self._fleet.tries(row) for row in behind.tolist()]
        due = is_due(seen.view, rows, tries, waited=seen.now.mono - since >= self._outlets.respond_s)
        if not due.any():
            return []
        who = ", ".join(self._ids(due)[:5])
        log.error("power is cut: machines do not obey", outlet=name, miners=int(due.sum()), first=who)
        return [self._fact(name, rows, seen, on=False, why=f"{int(due.sum())} do not obey: {who}")]

    def _returned(self, name: str, rows: Flags, seen: Seen) -> list[AnyFact]:
        """Give an outlet back where nothing speaks against it, one after the other; one on its way is asked again."""
        wanted = self._outlets.wanted.get(name)
        if wanted is None:
            return []
        waits = self._against_return(rows, seen)
        if waits is None and not wanted and seen.now.mono < self._next_return:
            waits = "another one was given back just now"
        if waits is not None:
            self._outlets.waits[name] = waits
            return []
        self._outlets.waits.pop(name, None)
        self._cleared.add(name)
        if wanted:
            return []
        self._cycled.discard(name)
        most_w = float(seen.view.most_w[rows].sum())
        self._next_return = seen.now.mono + max(STEP_S, most_w / self._policy.restore_w_per_s)
        log.warning("power is given back", outlet=name, miners=int(rows.sum()))
        return [self._fact(name, rows, seen, on=True, why="nothing binds it")]

    def _against_return(self, rows: Flags, seen: Seen) -> str | None:
        locked = rows & (self._fleet.held | self._fleet.sealed)
        if locked.any():
            return f"{self._ids(locked)[0]} is held or sealed"
        if not seen.situation.may_raise:
            return "intent cannot be written"
        if not may_return(seen.view, self._tree, seen.demand, seen.situation, self._policy, rows):
            return "there is no headroom for all that is behind it"
        return None

    def _fact(self, name: str, rows: Flags, seen: Seen, *, on: bool, why: str) -> OutletSwitched:
        fact = OutletSwitched(
            at=seen.now.at, outlet=name, on=on, miners=self._ids(rows), why=why, orders=list(seen.orders)
        )
        self._outlets.apply(fact)
        self._told_at.pop(name, None)
        return fact

    def _pumped_behind(self, rows: Flags, seen: Seen) -> list[str]:
        """Return whose loop must stay pumped behind an outlet; nobody's where a safety input stops all of it."""
        tripped = [part.commanded for part in seen.demand.parts if part.stop and part.key.startswith(TRIPPED)]
        return [] if any(bool(among[rows].all()) for among in tripped) else self._ids(rows & self.pumped())

    def behind(self, name: str) -> Flags:
        """Return who is behind an outlet."""
        return self._rows[name]

    def energised(self, mono: float) -> Flags:
        """Return who is behind an outlet that is seen on."""
        found = np.zeros(len(self._fleet), np.bool_)
        for name, rows in self._rows.items():
            if self._outlets.is_on(name, mono):
                found |= rows
        return found

    def cyclable(self, row: int, ill: Flags, mono: float) -> str | None:
        """Return the outlet of a machine that may be switched off and on: all behind it are ill, free and no loops."""
        kept = self._fleet.held | self._fleet.sealed | self.pumped()
        found = (name for name, rows in self._rows.items() if rows[row] and not (rows & (~ill | kept)).any())
        name = next(found, None)
        may = name is not None and self._outlets.may_cut and self._outlets.wanted.get(name) is not False
        return name if may and name is not None and self._outlets.is_on(name, mono) else None

    def cycle(self, name: str, why: str, orders: list[str], now: Moment) -> list[AnyFact]:
        """Switch an outlet off; it comes back as any other that we have cut, after some seconds at least."""
        self._next_return = max(self._next_return, now.mono + OFF_S)
        self._cycled.add(name)
        fact = OutletSwitched(
            at=now.at, outlet=name, on=False, miners=self._ids(self._rows[name]), why=why, orders=orders
        )
        self._outlets.apply(fact)
        self._told_at.pop(name, None)
        return [fact]

    def _next_means(self, row: int) -> str:
        if self.pumped()[row]:
            return "none left: its loop must stay pumped"
        name = next((name for name, rows in self._rows.items() if rows[row]), None)
        return "none left" if name is None or not self._outlets.may_cut else f"outlet {name}"

    def _ids(self, rows: Flags) -> list[str]:
        return [self._fleet.miners[row].id for row in np.flatnonzero(rows).tolist()]

    def _behind(self, feeders: tuple[str, ...]) -> Flags:
        behind = np.zeros(len(self._fleet), np.bool_)
        for feeder in feeders:
            behind[[*matching(self._fleet, "feeder", feeder)]] = True
        return behind
