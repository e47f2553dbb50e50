"""Time that is watched: how late the event loop runs, and whether civil time stepped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import structlog

from agent.clock import Clock, TrustedClock
from agent.control.absence import Away
from agent.control.controller import Controller
from agent.control.journal import Unwritten
from agent.facts import AnyFact
from agent.facts.clock import ClockStepped, ClockTrusted, ClockUnset, HostRan
from agent.facts.energy import Absence
from agent.trusted_time import Doubt, Standing, Stepped, Trusted, Unset
from agent.values import Moment, rfc3339

TICK_S = 0.1
LOOK_S = 1.0
log = structlog.get_logger()
REMEMBERED = 300
"""Ticks, half a minute: a scrape each 15 s misses no lateness."""


async def watch_loop(clock: Clock, report: Callable[[float], None]) -> None:
    """Report, each tenth of a second, by how many seconds the loop was late at the most in the last half minute."""
    late_s: deque[float] = deque(maxlen=REMEMBERED)
    while True:
        began = clock.now().mono
        await clock.sleep(TICK_S)
        late_s.append(max(0.0, clock.now().mono - began - TICK_S))
        report(max(late_s))


async def watch_civil_time(clock: TrustedClock, controller: Controller) -> None:
    """Look each second, and write down what befell civil time, for every order that is open, and the host's run."""
    while True:
        now, doubts, ran = clock.now(), clock.told(), clock.ran()
        orders = controller.parts.book.open_ids() if doubts else []
        facts = [_told(doubt, now, orders) for doubt in doubts]
        for fact in facts:
            log.warning(type(fact).__name__, step_s=getattr(fact, "step_s", None), trusted=now.is_trusted)
        if ran is not None:
            facts.append(HostRan(at=now.at, boot=ran.boot, began_at=ran.began_at))
        if facts:
            await _written(facts, controller)
        if doubts:
            controller.wake()
        await clock.sleep(LOOK_S)


def _told(doubt: Doubt, now: Moment, orders: list[str]) -> AnyFact:
    match doubt:
        case Stepped(step_s=step_s):
            return ClockStepped(at=now.at, step_s=round(step_s, 3), orders=orders)
        case Unset():
            return ClockUnset(at=now.at, orders=orders)
        case Trusted():
            return ClockTrusted(at=now.at, orders=orders)


class Confirming:
    """Lets a hand confirm the host's clock."""

    def __init__(self, clock: TrustedClock, controller: Controller) -> None:
        self._clock = clock
        self._controller = controller

    def standing(self) -> Standing:
        """Return how the host's clock stands to the time that is told."""
        return self._clock.standing()

    async def trust(self, *, by: str) -> bool:
        """Take the host's clock for right once that is written; False where it is not doubted. Raises Unwritten.

        A step meanwhile is not what the hand saw: that one stays doubted.
        """
        parts = self._controller.parts
        async with self._controller.turn:
            doubted = self._clock.standing().doubted_since
            if doubted is None:
                return False
            fact = ClockTrusted(at=self._clock.now().at, orders=parts.book.open_ids(), by=by)
            if not await parts.journal.attempt([fact]):
                raise Unwritten("the ledger cannot be written: is its disk full?")
            if self._clock.standing().doubted_since == doubted:
                self._clock.trust()
        log.warning("the clock is trusted by hand", by=by)
        self._controller.wake()
        return True


async def watch_absence(clock: Clock, away: Away, controller: Controller) -> None:
    """Each second let the time that the agent was away be told, once it can be, and the register be kept."""
    while True:
        for fact in (facts := away.tick(clock.now())):
            if isinstance(fact, Absence):
                log.info(
                    "was away", since=rfc3339(fact.since), until=rfc3339(fact.until), over_most_wh=fact.over_most_wh
                )
        if facts:
            await _written(facts, controller)
        await clock.sleep(LOOK_S)


async def _written(facts: Sequence[AnyFact], controller: Controller) -> None:
    async with controller.turn:
        await controller.parts.journal.record(facts)
