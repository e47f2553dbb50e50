"""Sets stuck machines going again, where the owner lets it: a new start of the program, of the machine, of its power.

A remedy goes only where machine and site could bear what it may draw at once: its draw at full is within every limit.
Power is switched off and on only by an outlet behind which everybody is stuck, and nobody's loop must stay pumped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from agent.control.cutting import Cutting
from agent.control.dispatcher import Dispatcher
from agent.facts import AnyFact
from agent.facts.remedies import Remedied
from agent.fleet.fleet import Fleet
from agent.fleet.outlets import Outlets
from agent.fleet.remedies import CYCLE, REBOOT, RESTART, Remedies, RemedyPolicy, ailing
from agent.fleet.view import Flags, FleetView
from agent.planning.part import Part
from agent.values import Moment
from drivers.interface import Command, Reboot, Restart

LOOKS_EACH_S = 10.0
COMMANDS: dict[str, Command] = {RESTART: Restart(), REBOOT: Reboot()}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearing:
    """What one tick knows: the machines, whether all of them at what they are set to fit, and whose evidence it is."""

    view: FleetView
    fits: Callable[[], bool]
    parts: Sequence[Part]  # limits upon some: whom one of them stops is left alone, whatever he can do
    writable: bool
    orders: list[str]
    enforce: bool
    now: Moment


class Remedying:
    """One site's remedies; nothing is looked at where none is allowed."""

    def __init__(
        self, fleet: Fleet, policy: RemedyPolicy, outlets: Outlets, cutting: Cutting, dispatcher: Dispatcher
    ) -> None:
        self.remedies = Remedies(len(fleet), policy)
        self._fleet = fleet
        self._outlets = outlets
        self._cutting = cutting
        self._dispatcher = dispatcher
        self._looked_at = -np.inf
        self._due: list[tuple[int, str]] = []

    def look(self, seen: Bearing) -> list[AnyFact]:
        """Return what is to be done; it is done by `send`, once that is written."""
        self._due.clear()
        if not self.remedies.policy.remedies or seen.now.mono - self._looked_at < LOOKS_EACH_S:
            return []
        self._looked_at = seen.now.mono
        fleet = self._fleet
        tries = np.zeros(len(fleet), np.int64)
        for row in np.flatnonzero((seen.view.setpoint == 0) & (seen.view.seen > 0)).tolist():
            tries[row] = fleet.tries(row)
        energised = self._cutting.energised(seen.now.mono)
        ails = ailing(seen.view, fleet.hashrate_ths, tries, energised)
        for part in seen.parts:
            if part.stop:
                ails[part.commanded] = 0
        stuck = self.remedies.look(ails, seen.now.mono)
        if not len(stuck) or not seen.writable or not seen.fits():
            return []
        ill = np.isin(np.arange(len(fleet)), stuck)
        return [fact for row in stuck.tolist() for fact in self._treat(row, ill, seen)]

    def _treat(self, row: int, ill: Flags, seen: Bearing) -> list[AnyFact]:
        miner, now = self._fleet.miners[row].id, seen.now
        outlet = self._cutting.cyclable(row, ill, now.mono)
        remedy = self.remedies.next_for(miner, self._able(row, seen.view, outlet), now.at)
        if remedy is None:
            return []
        why = self.remedies.why(row)
        named = outlet if remedy == CYCLE else None
        fact = Remedied(
            at=now.at, miner=miner, remedy=remedy, why=why, dry=not seen.enforce, outlet=named, orders=seen.orders
        )
        self.remedies.apply(fact)
        self.remedies.begun(row, now.mono)
        log.warning("a stuck machine is treated", miner_id=miner, remedy=remedy, why=why, dry=fact.dry)
        if fact.dry:
            return [fact]
        if named is None:
            self._due.append((row, remedy))
            return [fact]
        for other in np.flatnonzero(self._cutting.behind(named)).tolist():
            self.remedies.begun(other, now.mono)
        return [fact, *self._cutting.cycle(named, f"{miner} is stuck: {why}", seen.orders, now)]

    def _able(self, row: int, view: FleetView, outlet: str | None) -> set[str]:
        """Return what can be done to a machine: only who answers can be told."""
        identity = self._fleet.identities[row]
        able = {CYCLE} if outlet is not None else set[str]()
        if identity is not None and view.fresh[row]:
            able |= {RESTART} if identity.abilities.restart else set()
            able |= {REBOOT} if identity.abilities.reboot else set()
        return able

    def replayed(self, fact: AnyFact) -> None:
        """Take in what was done in a life before this one: it counts towards the bounds."""
        if isinstance(fact, Remedied):
            self.remedies.apply(fact)

    def send(self, *, written: bool) -> None:
        """Tell those that are due; who is under way with something else has had his turn all the same."""
        for row, remedy in self._due if written else ():
            if self._fleet.setpoint[row] == 0:  # nobody lowered it since
                self._dispatcher.tell(row, COMMANDS[remedy])
        self._due.clear()
