"""One life of the agent in the world: all that `app` builds, its long-lived works and its ledger, without a socket.

The works run as they do in a farm; only their clock is coarse. It dies of `Crash`, wherever that is raised.
"""

import asyncio
import logging
import traceback
from concurrent.futures import Executor, Future
from types import SimpleNamespace
from unittest import mock

import sqlalchemy as sql
import structlog

from agent import app
from agent.clock import TrustedClock
from agent.facts import AgentStarted
from agent.kept_up import kept_up
from agent.ledger.attest import Attest
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.proof.evidence_key import signing_key
from tests.winter.broker import Link
from tests.winter.wire import Crash
from tests.winter.world import settled

LEFT_OUT = ("pulse", "loop-lag", "garbage", "mqtt", "state", "capability", "heads", "devices")
"""Works that only show, speak over sockets, or keep a process small that lasts for months."""


class MortalStore(Store):
    """A store of a host that may lose its power: before a transaction is on the disk, or just after."""

    def __init__(self, url, folder):
        super().__init__(url, folder)
        self._connection.execute(sql.text("PRAGMA synchronous=OFF"))  # the test's own host keeps its power
        self.dies = None  # (transactions still to come, whether the last of them is on the disk)
        self.is_dead = False

    def append(self, rows, outbox):
        """Write; or die of it."""
        if self.is_dead:
            raise Crash("dead already")
        if self.dies is None:
            return super().append(rows, outbox)
        left, is_kept = self.dies
        self.dies = (left - 1, is_kept)
        if left > 0:
            return super().append(rows, outbox)
        if is_kept:
            super().append(rows, outbox)
        self.is_dead = True
        raise Crash("after a commit" if is_kept else "before a commit")


class StillClock(TrustedClock):
    """The agent's own clock, which is asked thousands of times in an instant that does not pass."""

    def __init__(self, host):
        super().__init__(host)
        self._seen = self._told = None

    def now(self):
        """Return the present moment."""
        seen = self._host.now()
        if self._told is None or seen is not self._seen:
            self._seen, self._told = seen, super().now()
        return self._told

    def begin(self, last_at, *, doubted, ran=None):
        """Go on from the last fact that is remembered."""
        super().begin(last_at, doubted=doubted, ran=ran)
        self._told = None

    def trust(self):
        """Take the host's clock for right."""
        super().trust()
        self._told = None


class InTurn(Executor):
    """Does the work of the ledger's thread in its order, and what is not waited for a little later."""

    def __init__(self):
        self.later = []

    def submit(self, work, /, *given, **named):
        """Do it now, after what waits; the ledger's own flush waits."""
        done = Future()
        if getattr(work, "__name__", "") == "_flush":
            self.later.append((done, work))
            return done
        self.flush()
        _do(done, work, *given, **named)
        return done

    def flush(self):
        """Do what waits."""
        later, self.later = self.later, []
        for done, work in later:
            _do(done, work)


def _do(done, work, *given, **named):
    try:
        done.set_result(work(*given, **named))
    except BaseException as error:  # noqa: BLE001 - Crash among them; who waits for it raises it
        done.set_exception(error)


class Life:
    """The agent from one start to one end."""

    def __init__(self, world, wires, broker, config, folder):
        self.world, self.broker = world, broker
        self.store = MortalStore("sqlite:///hashwatt.db", folder)
        self.ledger = Ledger(self.store)
        self.writer = self.ledger._writer = self.ledger._reader = InTurn()
        attest = Attest(self.ledger, signing_key(config, folder), config.schema.site.id, "1")
        with mock.patch.multiple(
            app,
            SystemClock=lambda: world.clock,
            TrustedClock=StillClock,
            Lanes=wires.lanes,
            identify=wires.identify,
            registry=SimpleNamespace(create=wires.create),
            MqttLink=lambda _broker, ledger, _chance: Link(broker, ledger),
        ):
            self.built = app._build(config, self.ledger, attest, 1.0)
        self.pulse = mock.Mock()
        self.tasks = []

    async def begin(self):
        """Put back what is remembered, and set to work."""
        built = self.built
        recovery = app._recovered(built, self.pulse)
        built.comings.bind(built.controller, built.poller, lambda: None)
        app._listen(built, self.pulse)
        built.poller.counts = None
        at, last_at = built.clock.now().at, recovery.last_at
        await built.journal.record([AgentStarted(at=at, version="1", mode="enforce", away_since=last_at)])
        works = app._works(built, self.pulse, recovery)
        self.tasks = [
            asyncio.create_task(kept_up(name, work), name=name) for name, work in works.items() if name not in LEFT_OUT
        ]
        await settled()
        self._look()
        return self

    async def step(self, seconds, *, meter):
        """Let time pass; raises Crash where the agent died."""
        self.world.pass_by(seconds)
        self.world.clock.on_moved = self._hear if meter else _nothing
        await self.world.clock.advance(seconds)
        await self.built.link.turn()
        await settled()
        self.writer.flush()
        self._look()

    def has_more(self):
        """Whether somebody is to be asked again at once."""
        return bool((self.built.poller._next <= self.world.clock.now().mono).any())

    def _hear(self):
        self.built.metering.heard(self.world.draw_w(), self.world.register_wh, self.built.clock.now())

    def _look(self):
        """Raise what a work died of."""
        for task in self.tasks:
            if task.done():
                task.result()
        if self.store.is_dead:
            raise Crash("the ledger died")

    async def kill(self):
        """Let it lose its power: what is not on the disk is lost."""
        self.store.is_dead = True
        self.writer.later.clear()
        await self._stop()

    async def end(self):
        """Let it end in good order."""
        await app._say_goodbye(self.built)
        self.writer.flush()
        await self._stop()

    async def _stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.world.clock._sleepers.clear()
        self.store.close()


def _nothing():
    """Let a silent meter say nothing."""


def watched(mistakes):
    """Let the agent log nothing, and keep which of its works failed."""

    def keep(_logger, _method, event):
        if "a task failed" in event["event"]:
            mistakes.append(f"{event['task']} failed: {traceback.format_exc(limit=-4)}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
