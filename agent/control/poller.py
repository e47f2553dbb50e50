"""Asks every machine how it is, spread over the interval, and hands what it says to the fleet.

One conversation with a machine at a time, and a command goes before a poll. A dead machine costs a timer and is
asked less often; whatever one machine says or does not say concerns that machine alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import structlog

from agent.clock import Clock
from agent.control.lockout import USUAL_AFTER, Lockout
from agent.control.recognition import UNCLEAR, Recognition
from agent.facts import AnyFact, CommandRefused, LoginsRefused
from agent.fleet.belief import Code
from agent.fleet.cells import Cells
from agent.fleet.fleet import Fleet
from agent.fleet.miner import Ladder
from agent.values import rfc3339
from drivers.errors import DeviceError, DriverBug, NotPermitted, Refused, Unreachable
from drivers.interface import Conversation, Driver, Identity, Reading, Target, Want

PACE_S = 0.02
FAREST_BACKOFF = 6
"""A machine that does not answer is asked each so many intervals at the least often."""
GIVES_WAY_S, MOST_GIVEN_S = 1.0, 10.0
"""So long polls wait for commands that wait to be sent, each time and in all: a reading too has its use."""
CATCHING_UP, BATCH = 3.0, 32
"""How much faster than usual polls that have piled up are begun, and after how many the loop turns."""
IDENTIFIED_ANEW_AFTER = 3
"""Answers in a row that its driver cannot read after which a machine may run another firmware."""
IDENTIFIED_AGAIN_S = 600.0
"""How often a machine that cannot be told to sleep is asked whether it can by now: its web page may have been away."""
QUICK, FULL = Want.QUICK, Want.FULL

Done = Callable[[Any], None]
log = structlog.get_logger()


class Runner(Protocol):
    """Runs conversations: a drivers.transports.lanes.Lanes."""

    def start(self, target: Target, conversation: Conversation[Any], done: Done) -> None:
        """Begin; `done` is called once on the loop with the result or a DeviceError."""


class PollCounts(Protocol):
    """Where polls are counted."""

    def polls(self, result: str) -> None:
        """Count one poll by its result."""

    def poll_duration(self, seconds: float) -> None:
        """Observe how long one poll took."""

    def poll_lag(self, seconds: float) -> None:
        """Observe how late the latest polls began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers:
    """How machines are identified and spoken to: handed in, so that this room knows no family."""

    identify: Callable[[Target, str], Conversation[Identity]]  # the name of a driver, or "auto"
    create: Callable[[Identity, Target], Driver]
    ladder: Callable[[Identity], Ladder]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPolicy:
    """How often, and each how many polls everything is asked for."""

    interval_s: float = 10.0
    full_every: int = 6


class Poller:
    """The polls of one fleet. `busy` machines are under way, with a poll or with a command."""

    def __init__(
        self,
        fleet: Fleet,
        targets: list[Target],
        runner: Runner,
        drivers: Drivers,
        policy: PollPolicy,
        clock: Clock,
    ) -> None:
        self.fleet = fleet
        self.targets = targets
        self.drivers: list[Driver | None] = [None] * len(fleet)
        self.busy = np.zeros(len(fleet), np.bool_)
        self.counts: PollCounts | None = None
        self.recognition = Recognition(fleet, targets, self, clock)
        self.rounds = 0.0
        self.lockout = Lockout([USUAL_AFTER] * len(fleet))
        self._runner = runner
        self._ways = drivers
        self._policy = policy
        self._clock = clock
        self._polls, self._misses = [0] * len(fleet), [0] * len(fleet)
        self._named: set[int] = set()
        self._denied: set[int] = set()  # who does not even let itself be read without a login
        self._identified_at = np.full(len(fleet), -np.inf)
        self._phase = np.array([_phase(m.id) for m in fleet.miners]) * policy.interval_s
        self._next = np.empty(0)
        self._cells = Cells(self)
        self._began = 0.0
        self._given_way = (-np.inf, -np.inf)  # since when, and until
        self._looked_at, self._may_begin = 0.0, 0.0  # when was looked last, and how many may be begun

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            while self.poll_due(self._clock.now().mono, BATCH):  # noqa: ASYNC110 - the loop turns in between
                await asyncio.sleep(0)
            await self._clock.sleep(PACE_S)

    def poll_due(self, now: float, batch: int | None = None) -> bool:
        """Begin the polls whose time has come, `batch` of them at the most; returns whether more are due.

        The first call begins the first round.
        """
        if not len(self._next):
            self._began = now
            self._next = now + self._phase
            self._cells = Cells(self)
            self._looked_at, self._may_begin = now, float(len(self._next))
        self.rounds = (now - self._began) / self._policy.interval_s
        rate = CATCHING_UP * len(self._next) / self._policy.interval_s
        self._may_begin = min(self._may_begin + rate * (now - self._looked_at), float(len(self._next)))
        self._looked_at = now
        if now < self._given_way[1]:
            return False
        due = np.flatnonzero((self._next <= now) & ~self.busy)
        if len(due):
            self._lag(now, due)
        are_due, most = len(due), min(len(due), int(self._may_begin), batch or len(due))
        if 0 < most < len(due):
            first = np.sort(np.argpartition(self._next[due], most - 1)[:most])  # to sort all would be done each batch
            due = due[first[np.argsort(self._next[due[first]], kind="stable")]]
        self._may_begin -= most
        for row in due[:most].tolist():
            if row in self._denied and self.cannot_ask(row):
                self._next[row] = now + self._policy.interval_s
            else:
                self._poll(row, now)
        return most < are_due and self._may_begin >= 1.0

    def give_way(self) -> None:
        """Put all polls off for a moment: thousands are to be told, and a command goes before a poll."""
        now = self._clock.now().mono
        since, until = self._given_way
        if now > until + MOST_GIVEN_S:
            since = now
        if now - since < MOST_GIVEN_S:
            self._next += now + GIVES_WAY_S - max(now, until)
            self._given_way = since, now + GIVES_WAY_S

    def soon(self, row: int) -> None:
        """Poll a machine at the next opportunity, because something was done to it."""
        if len(self._next):
            self._next[row] = self._clock.now().mono

    def forget(self, row: int) -> None:
        """Drop a row's driver: another machine answers at its address now."""
        self.drivers[row] = None
        self._misses[row] = 0

    def cannot_ask(self, row: int) -> bool:
        """Whether a machine is left alone, and says nothing to who has no login."""
        return row in self._denied and self.lockout.leaves_alone(row, self._clock.now().mono)

    @property
    def on_facts(self) -> Callable[[list[AnyFact]], None]:
        """Where facts go."""
        return self.recognition.on_facts

    @on_facts.setter
    def on_facts(self, take: Callable[[list[AnyFact]], None]) -> None:
        self.recognition.on_facts = take

    def start(self, row: int, conversation: Conversation[Any], done: Done) -> None:
        """Run a conversation with a machine; the caller keeps its busy bit."""
        self._runner.start(self.targets[row], conversation, done)

    def _lag(self, now: float, due: np.ndarray[Any, Any]) -> None:
        if self.counts is not None:
            self.counts.poll_lag(float(now - self._next[due].min()))

    def _poll(self, row: int, now: float) -> None:
        driver, cell, interval_s = self.drivers[row], self._cells, self._policy.interval_s
        missed = min(self._misses[row], FAREST_BACKOFF)
        next_at = cell.next[row] + interval_s * max(1, missed - 1)
        cell.next[row] = next_at if next_at > now else now + interval_s
        cell.busy[row] = True
        if driver is None or self.recognition.asks(row):
            asking = self._ways.identify(self.targets[row], self.fleet.miners[row].driver)
            self._runner.start(self.targets[row], asking, partial(self._identified, row))
            return
        want = QUICK if self._polls[row] % self._policy.full_every else FULL
        self._polls[row] += 1
        self._runner.start(self.targets[row], driver.read(want), partial(self._read, row, now))

    def _identified(self, row: int, found: Identity | DeviceError) -> None:
        self.busy[row] = False
        if isinstance(found, DeviceError):
            self._missed(row, found)
            return
        self._misses[row] = 0
        self._identified_at[row] = self._clock.now().mono
        before = self.fleet.identities[row]
        if found.shut is not None:
            self._shut(row, found.shut, is_new=before is None or before.shut is None)
        elif before is not None and before.shut is not None:
            self.lockout.taken(row)
        if self.recognition.admits(row, found):
            half_read = found.partial and before is not None and before.driver == found.driver
            if half_read:
                self._goes_on(row, found)
            else:
                self._takes(row, found)
            self.soon(row)
        elif self.recognition.says_less(row):
            self._goes_on(row, found)
            self.soon(row)
        elif self.recognition.is_strange(row):
            self._takes(row, replace(found, mac=None, serial=None))
            self.fleet.garbled(row, UNCLEAR)

    def _shut(self, row: int, error: str, *, is_new: bool) -> None:
        """Name a machine that can be read and, for want of a login, not told anything; the refusal counts."""
        miner, command = self.fleet.miners[row].id, "identify"
        if is_new:
            log.warning("miner refused", miner_id=miner, command=command, error=error)
            self.on_facts([CommandRefused(at=self._clock.now().at, miner=miner, command=command, error=error)])
        self.deny(row, NotPermitted(error))

    def _goes_on(self, row: int, found: Identity) -> None:
        """Speak with a machine as with the one that it was before, where that is known."""
        before = self.fleet.identities[row]
        if before is None:
            self._takes(row, found)
        elif self.drivers[row] is None:
            self.drivers[row] = self._ways.create(before, self.targets[row])

    def _takes(self, row: int, found: Identity) -> None:
        """Speak with who answers from now on; one that is known as it is keeps its driver, and its session."""
        if self.drivers[row] is not None and self.fleet.identities[row] == found:
            return
        self.drivers[row] = self._ways.create(found, self.targets[row])
        if self.fleet.identities[row] != found:
            self.fleet.identified(row, found, self._ways.ladder(found))

    def _read(self, row: int, began: float, found: Reading | DeviceError) -> None:
        self._cells.busy[row] = False
        now = self._clock.now().mono
        counts = self.counts
        if counts is not None:
            counts.poll_duration(now - began)
        if isinstance(found, DeviceError):
            self._missed(row, found)
            return
        self._misses[row] = 0
        if self._named:
            self._named.discard(row)
        if row in self._denied:
            self._denied.discard(row)
            self.lockout.taken(row)
        if counts is not None:
            counts.polls("ok")
        if self.recognition.doubts(row, found, now):
            self.soon(row)
            return
        self.fleet.heard(row, found, now)
        is_due = not self.fleet.ladders[row].sleeps and now - self._identified_at[row] >= IDENTIFIED_AGAIN_S
        if is_due and not self.lockout.leaves_alone(row, now):
            self.drivers[row] = None

    def _missed(self, row: int, error: DeviceError) -> None:
        self._misses[row] += 1
        match error:
            case Unreachable():
                self.fleet.silent(row)
                self._count("unreachable")
                if self.fleet.state[row] == Code.UNREACHABLE:
                    self.recognition.lost(row)
                return
            case NotPermitted():
                self.fleet.garbled(row, "unknown:denied")
                self._count("denied")
                self._denied.add(row)
                self.deny(row, error)
            case Refused():
                # Who talks nonsense does not say who he is either: that makes him no stranger.
                talks_nonsense = self.fleet.reasons[row] == "unknown:garbled"
                self.fleet.garbled(row, "unknown:garbled" if talks_nonsense else "unknown:unsupported")
                self._count("refused")
            case _:
                self.fleet.garbled(row)
                self._count("garbled")
        self._name(row, error)
        self.recognition.mute(row)
        if self._misses[row] >= IDENTIFIED_ANEW_AFTER:
            self.drivers[row] = None

    def deny(self, row: int, error: NotPermitted) -> None:
        """Take in that a machine permits nothing, or takes no login; after some such it is left alone, and named."""
        now = self._clock.now()
        until = self.lockout.refused(row, now)
        if until is None:
            return
        miner = self.fleet.miners[row].id
        log.error("nothing is permitted: left alone", miner_id=miner, until=rfc3339(until), error=str(error))
        self.on_facts([LoginsRefused(at=now.at, miners=[miner], until=until, error=str(error))])

    def _name(self, row: int, error: DeviceError) -> None:
        """Log what a machine answered instead of a reading, once until it is read again."""
        if row in self._named:
            return
        self._named.add(row)
        trace = error.__cause__ if isinstance(error, DriverBug) else None
        kind = type(error).__name__
        log.warning("miner not read", miner_id=self.fleet.miners[row].id, kind=kind, error=str(error), exc_info=trace)

    def _count(self, result: str) -> None:
        if self.counts is not None:
            self.counts.polls(result)


def _phase(miner_id: str) -> float:
    """Place a miner in the interval, 0 to 1, by a hash of its id: polls never come in a burst."""
    return int.from_bytes(hashlib.blake2b(miner_id.encode(), digest_size=4).digest()) / 2**32


def nowhere(_facts: list[AnyFact]) -> None:
    """Drop facts: what is built without a ledger remembers nothing."""
