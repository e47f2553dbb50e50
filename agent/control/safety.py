"""Safety inputs in control: what trips is told, stops its feeder at once, and waits for a hand.

A trip stops as a law's order does: no ramp, no dwell. Clearing it loosens, and is done only once it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import structlog

from agent.control.cutting import TRIPPED
from agent.control.journal import Journal, Unwritten
from agent.facts import AnyFact
from agent.facts.safety import SafetyCleared
from agent.fleet.fleet import Fleet
from agent.fleet.safety import Safety
from agent.fleet.seals import Objection
from agent.fleet.selector import matching
from agent.fleet.view import Flags
from agent.planning.part import Part
from agent.values import Moment

if TYPE_CHECKING:  # what holds this
    from agent.control.controller import Controller

UNWRITTEN = "the ledger cannot be written: is its disk full?"
log = structlog.get_logger()


class SafetyWatch:
    """What safety inputs ask of planning."""

    def __init__(self, fleet: Fleet, safety: Safety) -> None:
        self._fleet = fleet
        self._safety = safety
        self._below: dict[str, Flags] = {}

    def look(self, orders: list[str], now: Moment) -> list[AnyFact]:
        """Return what trips at this moment; it is in force from here on, whether it can be written or not."""
        facts = self._safety.look(orders, now)
        for fact in facts:
            log.error("a safety input tripped: its feeder is shed", input=fact.input, feeder=fact.feeder, why=fact.why)
        return list(facts)

    def parts(self) -> tuple[Part, ...]:
        """Return what has tripped as stops of its feeders."""
        return tuple(
            Part(key=f"{TRIPPED}{name}", commanded=self._machines(trip.feeder), stop=True, may_step=True)
            for name, trip in self._safety.trips.items()
        )

    def _machines(self, feeder: str) -> Flags:
        """Return who hangs below a feeder; below one that is configured no longer: everybody, for it may be anybody."""
        if feeder not in self._below:
            among = np.zeros(len(self._fleet), np.bool_)
            known = feeder in self._fleet.tree.positions
            among[[*matching(self._fleet, "feeder", feeder if known else "site")]] = True
            self._below[feeder] = among
        return self._below[feeder]


class SafetyDesk:
    """Where a hand clears what has tripped."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def clear(self, name: str, *, by: str) -> Objection | None:
        """Clear an input; returns why not, where nothing was changed. Raises Unwritten."""
        parts = self._controller.parts
        journal: Journal = parts.journal
        async with self._controller.turn:
            now = parts.clock.now()
            objection = parts.safety.against_clearing(name, now.mono)
            if objection is not None:
                return objection
            fact = SafetyCleared(at=now.at, input=name, by=by, orders=parts.book.open_ids())
            if not await journal.attempt([fact]):
                raise Unwritten(UNWRITTEN)
            parts.safety.apply(fact)
        log.warning("a safety input was cleared", input=name, by=by)
        self._controller.wake()
        return None
