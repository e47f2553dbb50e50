"""Where hands and dispatchers put what they want: orders, releases, levels, holds. Written down, then in force.

Each call takes the controller's turn, so that what it changes is seen whole by the next tick.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import structlog

from agent.control.controller import Controller
from agent.control.drill_desk import DrillDesk
from agent.control.errands import Errands
from agent.control.journal import Unwritten
from agent.control.safety import SafetyDesk
from agent.control.sealing import Sealing
from agent.facts import AnyFact, HoldLifted, HoldPlaced, IntendedChanged, OrderMoved, OrderRefused
from agent.fleet.fleet import Fleet
from agent.fleet.holds import Hold
from agent.orders.order import Order, Rejection
from agent.orders.trust import is_grave
from agent.planning.decide import Decision, Memory, decide
from agent.planning.headroom import at_step
from agent.planning.situation import Demand
from agent.values import Watts

TURN = 100
"""So many wishes are taken in before the loop may turn."""
HELD_S = 0.1
"""So long documents that wait may hold the turn; a document is never cut in two."""
Parse = Callable[[bytes, str | None], Order | Rejection]
"""Turns a document's bytes, and the id that its topic names, into an order."""
LONG = 16_384
"""A document of more bytes, as of a long trajectory, is read beside the loop."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What would be done under a cap: every miner's level, and the figures at the meter."""

    levels: Mapping[str, str]
    power_w: Watts
    hashrate_ths: float
    shortfall_w: Watts


class Desk:
    """The one way in for whatever changes what binds or what is wanted."""

    def __init__(self, controller: Controller, parse: Parse) -> None:
        self._controller = controller
        self._parts = controller.parts
        self._parse = parse
        self.errands = Errands(controller.parts, controller.limits)
        self.sealing = Sealing(controller)
        self.safety = SafetyDesk(controller)
        self.drills = DrillDesk(controller)

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return its long-lived tasks by name."""
        return {"errands": self.errands.run, "drills": self.drills.run}

    @property
    def fleet(self) -> Fleet:
        """The machines."""
        return self._parts.fleet

    async def take_in(
        self, raw: bytes, *, transport: str, topic_id: str | None = None, by: str | None = None
    ) -> tuple[AnyFact, ...]:
        """Take in an order's document; returns what followed, nothing for one that is known already."""
        return await self.take_in_all([(topic_id, raw)], transport=transport, by=by)

    async def take_in_all(
        self, documents: Sequence[tuple[str | None, bytes]], *, transport: str, by: str | None = None
    ) -> tuple[AnyFact, ...]:
        """Take in documents in their order, each with the id that its topic names: in one turn and one transaction.

        After `HELD_S` in the turn the rest waits for the next one, so that ticks are not kept waiting.
        """
        waiting: deque[tuple[bytes, Order | Rejection]] = deque()
        for topic_id, raw in documents:
            waiting.append((raw, await self._parsed(raw, topic_id)))
            if len(documents) > 1:
                await asyncio.sleep(0)
        facts: list[AnyFact] = []
        while waiting:
            facts += await self._take_turn(waiting, transport, by)
        return tuple(facts)

    async def _take_turn(
        self, waiting: deque[tuple[bytes, Order | Rejection]], transport: str, by: str | None
    ) -> list[AnyFact]:
        """Take in what waits for as long as a turn may be held; what followed is written whatever ends it."""
        facts: list[AnyFact] = []
        async with self._controller.turn:
            now, seen = self._parts.clock.now(), None
            until = now.mono + HELD_S
            try:
                while waiting:
                    raw, order = waiting.popleft()
                    now = self._parts.clock.now()
                    coming = order if isinstance(order, Order) else None
                    if seen is None or (coming is not None and not coming.is_of_site):
                        seen = self._controller.observed(now, coming=coming)  # one look serves all that come in a turn
                    text = raw.decode("utf-8", "replace")
                    told = self._parts.book.receive(text, order, transport=transport, now=now, observed=seen, by=by)
                    facts += told
                    if told and coming is not None and (not coming.is_of_site or coming.order_id in seen.of):
                        seen = None  # another is judged by less than the site, or no longer by the same
                    if waiting:
                        await asyncio.sleep(0)
                    if self._parts.clock.now().mono >= until:
                        break
            finally:
                await self._parts.journal.record(facts)
                self._tell(facts)
                self._controller.wake()
        return facts

    async def _parsed(self, raw: bytes, topic_id: str | None) -> Order | Rejection:
        return await asyncio.to_thread(self._parse, raw, topic_id) if len(raw) > LONG else self._parse(raw, topic_id)

    async def keep(self, fact: AnyFact) -> None:
        """Remember what somebody said that changes nothing. Raises Unwritten."""
        await self._write([fact])

    async def vanish(self, order_id: str) -> None:
        """Take in that a retained order was cleared on the broker: it changes nothing."""
        async with self._controller.turn:
            facts = self._parts.book.vanish(order_id, self._parts.clock.now())
            await self._parts.journal.record(facts)
        if facts:
            log.error("a retained order was cleared on the broker: it stays in force", order_id=order_id)

    async def release(self, order_id: str, *, by: str, second: str | None = None) -> OrderMoved | Rejection:
        """Release an order by hand, a law's by two; returns its last step, or why not."""
        async with self._controller.turn:
            now = self._parts.clock.now()
            observed = self._controller.observed(now)
            found = self._parts.book.release(order_id, by=by, now=now, observed=observed, second=second)
            if isinstance(found, Rejection):
                return found
            await self._write(found)
        self._tell(found)
        self._controller.wake()
        return next(fact for fact in reversed(found) if isinstance(fact, OrderMoved))

    async def answer(self, order_id: str, *, accept: bool, by: str) -> OrderMoved | Rejection:
        """Accept or decline an offer by hand; returns its last step, or why not."""
        async with self._controller.turn:
            now = self._parts.clock.now()
            observed = self._controller.observed(now)
            found = self._parts.book.answer(order_id, accept=accept, by=by, now=now, observed=observed)
            if isinstance(found, Rejection):
                return found
            await self._write(found)
        self._tell(found)
        self._controller.wake()
        return next(fact for fact in reversed(found) if isinstance(fact, OrderMoved))

    async def set_level(self, miners: Sequence[str], level: str, *, by: str) -> None:
        """Set the level that the owner wants of these machines when nothing binds. Raises Unwritten."""
        fleet = self._parts.fleet
        async with self._controller.turn:
            now = self._parts.clock.now()
            await self._attempt(IntendedChanged(at=now.at, level=level, miners=list(miners), by=by))
            for at, miner in enumerate(miners, 1):
                fleet.intend(fleet.index[miner], level)
                if at % TURN == 0:
                    await asyncio.sleep(0)
        log.info("intended", level=level, miners=len(miners), by=by)
        self._controller.wake()

    async def hold(self, miners: Sequence[str], *, kind: str, by: str, until: datetime | None) -> None:
        """Lock these machines. Raises Unwritten."""
        holds = self._parts.holds
        async with self._controller.turn:
            now = self._parts.clock.now()
            holds.place(miners, Hold(kind=kind, by=by, since=now.at, until=until))
            self._parts.fleet.hold(holds.by_miner())
            await self._write([HoldPlaced(at=now.at, miners=list(miners), kind=kind, by=by, until=until)])
        log.info("held", kind=kind, miners=len(miners), by=by)

    async def unhold(self, miners: Sequence[str], *, by: str) -> None:
        """Unlock these machines. Raises Unwritten."""
        holds = self._parts.holds
        async with self._controller.turn:
            await self._attempt(HoldLifted(at=self._parts.clock.now().at, miners=list(miners), by=by))
            holds.lift(miners)
            self._parts.fleet.hold(holds.by_miner())
        log.info("no longer held", miners=len(miners), by=by)
        self._controller.wake()

    def plan(self, max_import_w: Watts) -> Planned:
        """Return what would be done under this cap at the meter, from the present state."""
        now = self._parts.clock.now()
        fleet, limits = self._parts.fleet, self._controller.limits
        view = self._controller.view(now)
        demand = Demand(cap_w=max_import_w, law=True, may_step=True)
        decision = decide(view, limits.tree, demand, self._controller.situation(now), limits.policy, Memory())
        setpoint = view.setpoint.copy()
        setpoint[decision.rows] = decision.steps
        levels = {miner.id: fleet.level_of(row, int(setpoint[row])) or "" for row, miner in enumerate(fleet.miners)}
        ths = np.where(view.sealed, 0.0, at_step(view.step_ths, setpoint))
        return Planned(
            levels=levels,
            power_w=self._forecast_w(decision),
            hashrate_ths=float(ths.sum()),
            shortfall_w=decision.shortfall_w,
        )

    @staticmethod
    def _forecast_w(decision: Decision) -> Watts:
        return max(decision.power.forecast_w, decision.power.metered_forecast_w or 0.0)

    async def _attempt(self, fact: AnyFact) -> None:
        if not await self._parts.journal.attempt([fact]):
            raise Unwritten("the ledger cannot be written: is its disk full?")

    async def _write(self, facts: Sequence[AnyFact]) -> None:
        if not await self._parts.journal.record(facts):
            raise Unwritten("the ledger cannot be written: is its disk full?")

    def _tell(self, facts: Sequence[AnyFact]) -> None:
        for fact in facts:
            match fact:
                case OrderMoved():
                    log.info("order", order_id=fact.order_id, state=fact.state, cap_w=fact.cap_w, reason=fact.reason)
                case OrderRefused():
                    grave = is_grave(fact, self._parts.book.policy.trust) or fact.code == "revision_conflict"
                    say = log.critical if grave else log.warning
                    say("order refused", order_id=fact.order_id, code=fact.code, reason=fact.reason)
                case _:
                    continue
