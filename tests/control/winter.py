"""Months of a farm's life in seconds: a control room whose time is coarse while nothing happens, and a counting meter.

Nothing is left out but looks: every metering interval ends in the ledger, or is told as part of an absence. The world
goes on while the agent is off.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sql

from agent.clock import ManualClock
from agent.control.absence import Away
from agent.facts import AgentStarted, AgentStopped
from tests.control.site import Machines, Site
from tests.winter.life import InTurn

ZONE = ZoneInfo("Asia/Bishkek")
QUIET_S, PAIR_S = 3600.0, 1.0
"""How coarse quiet time is, a metering interval here; how far apart the two figures of the meter are that agree."""


def local(*at):
    return datetime(*at, tzinfo=ZONE)


class World(Machines):
    """Machines, and the register of the meter above them: it counts whoever looks."""

    def __init__(self, count, began):
        super().__init__(count)
        self.clock = ManualClock(began)
        self.register_wh = 1_000_000.0

    async def advance(self, seconds):
        """Let time pass at what is drawn now."""
        await self.clock.advance(seconds)
        self.register_wh += self.draw_w() * seconds / 3600


class Season(Site):
    """One life of the agent in this world."""

    def __init__(self, world, folder, **how):
        super().__init__(world, folder, clock=world.clock, interval_s=QUIET_S, **how)
        self.world = world
        self.ledger._writer = self.ledger._reader = self.writer = InTurn()
        self.store._connection.execute(sql.text("PRAGMA synchronous=OFF"))  # nobody pulls the plug of the test's host
        self.away.began(self.recovery.last_at, self.clock.now())

    def _remembered(self):
        self.away = Away(self.metering, self.book)
        for fact in super()._remembered():
            self.away.replayed(fact)
            yield fact

    async def began(self):
        """Write down that this life began."""
        at, last_at = self.clock.now().at, self.recovery.last_at
        await self.journal.record([AgentStarted(at=at, version="1", mode="enforce", away_since=last_at)])
        return self

    async def live(self, seconds, step_s=1.0):
        """Let time pass closely: each step the meter's figure, the polls that are due, a tick, what was drawn."""
        for _ in range(round(seconds / step_s)):
            await self.world.advance(step_s)
            self._hear()
            await self._turn()

    async def until(self, at, step_s=QUIET_S):
        """Let quiet time pass in long steps that end where metering intervals do."""
        while (now := self.clock.now().at) < at:
            past_s = (now.minute * 60 + now.second) % step_s
            left_s = min(step_s - past_s, (at - now).total_seconds())
            await self.world.advance(max(left_s - PAIR_S, 0.0))
            self._hear()
            await self.world.advance(min(left_s, PAIR_S))
            self._hear()
            await self._turn()

    def _hear(self):
        now = self.clock.now()
        self.metering.heard(self.world.draw_w(), self.world.register_wh, now)
        self.poller.poll_due(now.mono)

    async def _turn(self):
        await self.controller.tick()
        now = self.clock.now()
        self.journal.note([*self.accounting.tick(now), *self.away.tick(now)])
        self.writer.flush()

    async def end(self, *, gracefully=True):
        """End this life: in good order, or as a power cut would."""
        if gracefully:
            now = self.clock.now()
            last = [self.controller.powers(now), *self.accounting.close(now), *self.away.last_words(now)]
            await self.journal.record([*last, AgentStopped(at=now.at)])
        await self.close()
