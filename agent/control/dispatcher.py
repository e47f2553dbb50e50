"""Turns due rows into commands and sends them. What it sends was recorded before; an ack is not an effect.

It keeps no queue: who could not be told now is due again at the next tick. Lowering goes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import structlog

from agent.clock import Clock
from agent.control.poller import Poller, nowhere
from agent.control.receipts import Receipts
from agent.facts import AnyFact, CommandRefused, Escalated, ModesBefore
from agent.fleet.fleet import Fleet
from agent.fleet.own_levels import is_set
from agent.fleet.view import Indices
from agent.values import FULL, LOW, SLEEP
from drivers.errors import DeviceError, NotPermitted, Refused, Unsupported
from drivers.interface import Command, LimitPower, Receipt, SetMode, Sleep, Wake, preparing

MOST_UNDER_WAY = 2000
TELLING_S, SLICE = 0.5, 8
"""A tick tells for so long at the most, and so many before the loop turns; who was not told is told in the next."""
PREPARED_FOR_S, PREPARED_AGAIN_S = 1200.0, 120.0
"""So long a machine stays ready for commands, and so soon one that could not be made ready now is tried again."""
MOST_DOUBLED = 6
"""Who permits nothing is tried again after twice as long each time, up to a day."""
LEAST_PREPARED, PREPARING_TICKS, LOOKED_AT = 20, 10, 256
"""So many, or such a share of all, are begun in one tick: polls go on beside it. After so many looks the loop turns."""
ESCALATES_AFTER = 3
"""Commands without proof after which a miner is named as one that does not obey."""
log = structlog.get_logger()


class CommandCounts(Protocol):
    """Where commands are counted."""

    def command(self, command: str, result: str) -> None:
        """Count one command by what became of it."""


class Dispatcher:
    """Sends to each miner what takes it to its setpoint."""

    def __init__(self, fleet: Fleet, poller: Poller, clock: Clock, most_under_way: int = MOST_UNDER_WAY) -> None:
        self.fleet = fleet
        self.counts: CommandCounts | None = None
        self.on_facts: Callable[[list[AnyFact]], None] = nowhere
        self.open_orders: Callable[[], list[str]] = list  # whose evidence a refusal belongs to
        self.next_means: Callable[[int], str] = lambda _row: "none left"  # what is left for one that does not obey
        self.receipts = Receipts(fleet)
        self.under_way = 0
        self.most_under_way = most_under_way
        self.is_behind = False  # whether more could be told this instant than the latest tick took
        self._poller = poller
        self._clock = clock
        self._prepared_at = np.full(len(fleet), -np.inf)
        self._unready: dict[int, int] = {}  # how often in a row one refused to be made ready

    def tell_of(self, orders: Callable[[], list[str]]) -> None:
        """Let what befalls machines belong to the evidence of these orders."""
        self.open_orders = self._poller.recognition.open_orders = orders

    async def send(self, rows: Indices, *, still: Callable[[], bool] = lambda: True) -> int:
        """Tell these miners to go to their setpoints, as many as this tick may take; returns how many were told.

        A few at a time, so that the loop turns in between: beginning a thousand conversations takes a quarter second.
        `still` is asked before each few whether they may be told yet.
        """
        told, until = 0, self._clock.now().mono + TELLING_S
        self.is_behind = False
        for row in rows.tolist():
            if self.under_way >= self.most_under_way or (told % SLICE == 0 and not still()):
                break
            if told and told % SLICE == 0 and self._clock.now().mono >= until:
                self.is_behind = True
                self._poller.give_way()
                break
            if self._poller.drivers[row] is None or self._poller.busy[row] or self._is_left_alone(row):
                continue
            if self.fleet.seen[row] > self.fleet.setpoint[row] and not self._poller.recognition.may_raise(row):
                continue  # whoever is there is asked who he is first
            self._start(row)
            told += 1
            if told % SLICE == 0:
                await asyncio.sleep(0)
        return told

    def _start(self, row: int) -> None:
        command = command_for(self.fleet, row)
        driver = self._poller.drivers[row]
        if driver is None:
            return
        self._poller.busy[row] = True
        self.under_way += 1
        tries = self.fleet.tries(row)
        self.fleet.attempted(row, self._clock.now().mono)
        self.receipts.sent(row, again=tries > 0)
        if tries == ESCALATES_AFTER:
            self._name(row)
        self._poller.start(row, driver.send(command), lambda found: self._done(row, command, found))

    async def prepare(self, rows: Indices) -> int:
        """Let some of these miners get ready for commands, whoever is not and can; returns how many began.

        Such a machine is told with one exchange where it took four, and a wrong password is found before it matters.
        """
        now, begun, most = self._clock.now().mono, 0, max(LEAST_PREPARED, len(rows) // PREPARING_TICKS)
        unready = rows[now - self._prepared_at[rows] >= PREPARED_FOR_S]
        for looked, row in enumerate(unready.tolist(), 1):
            if begun >= most:
                break
            driver = self._poller.drivers[row]
            if driver is None or self._poller.busy[row] or self._is_left_alone(row):
                continue
            self._prepared_at[row] = now
            if (prepares := preparing(driver)) is not None:
                self._poller.busy[row] = True
                self._poller.start(row, prepares.prepare(), partial(self._prepared, row))
                begun += 1
            if looked % LOOKED_AT == 0 or (prepares is not None and begun % SLICE == 0):
                await asyncio.sleep(0)
        return begun

    def tell(self, row: int, command: Command) -> bool:
        """Give a miner a command that changes no level; False where it is under way with something else."""
        driver = self._poller.drivers[row]
        if driver is None or self._poller.busy[row]:
            return False
        self._poller.busy[row] = True
        self._poller.start(row, driver.send(command), partial(self._told, row, type(command).__name__.lower()))
        return True

    def _told(self, row: int, command: str, found: Receipt | DeviceError) -> None:
        self._poller.busy[row] = False
        match found:
            case Receipt():
                self._poller.lockout.taken(row)
                self._count(command, "ok")
            case Refused():
                self._refused(row, command, found)
            case _:
                self._count(command, "unreachable")

    def _is_left_alone(self, row: int) -> bool:
        return self._poller.lockout.leaves_alone(row, self._clock.now().mono)

    def _prepared(self, row: int, found: DeviceError | None) -> None:
        """Take in how it went. Who refuses is named once and asked less and less often; when it must, it is told."""
        self._poller.busy[row] = False
        if not isinstance(found, Refused):
            self._count("prepare", "ok" if found is None else "unreachable")
        if found is None:
            self._poller.lockout.taken(row)
            self._unready.pop(row, None)
            return
        again_s = PREPARED_AGAIN_S
        if isinstance(found, Refused):
            refusals = self._unready[row] = self._unready.get(row, 0) + 1
            self._count("prepare", "refused")
            if refusals == 1:
                self._tell_refused(row, "prepare", found)
            if isinstance(found, NotPermitted):
                again_s = PREPARED_FOR_S * 2 ** min(refusals - 1, MOST_DOUBLED)
        self._prepared_at[row] += again_s - PREPARED_FOR_S

    def _refused(self, row: int, command: str, error: Refused) -> None:
        self._count(command, "refused")
        if isinstance(error, NotPermitted):
            self._poller.deny(row, error)
        self._tell_refused(row, command, error)

    def _tell_refused(self, row: int, command: str, error: Refused) -> None:
        miner, at = self.fleet.miners[row].id, self._clock.now().at
        log.warning("miner refused", miner_id=miner, command=command, error=str(error))
        orders = self.open_orders()
        self.on_facts([CommandRefused(at=at, miner=miner, command=command, error=str(error), orders=orders)])

    def _name(self, row: int) -> None:
        miner = self.fleet.miners[row].id
        log.warning("miner does not obey", miner_id=miner, setpoint=self.fleet.level_of(row, self.fleet.setpoint[row]))
        at, orders = self._clock.now().at, self.open_orders()
        self.on_facts([Escalated(at=at, miners=[miner], means=self.next_means(row), orders=orders)])

    def _done(self, row: int, command: Command, found: Receipt | DeviceError) -> None:
        self._poller.busy[row] = False
        self.under_way -= 1
        name, now = type(command).__name__.lower(), self._clock.now()
        match found:
            case Receipt():
                self._poller.lockout.taken(row)
                self._count(name, "already" if found.already else "ok")
                self._keep_mode(row, command, found)
                self.receipts.received(row)
                self._poller.recognition.told(row)
                self._poller.soon(row)
            case Refused():
                final = isinstance(found, NotPermitted | Unsupported) or self.fleet.tries(row) > ESCALATES_AFTER
                self.fleet.failed(row, now.mono, give_up=final)
                self._refused(row, name, found)
            case _:
                self.fleet.failed(row, now.mono, give_up=False)
                self._count(name, "unreachable")

    def _keep_mode(self, row: int, command: Command, found: Receipt) -> None:
        """Keep the owner's own mode for the way back; what one was in that an order had lowered is not his."""
        miner, was_full = self.fleet.miners[row].id, self.fleet.seen[row] == 0
        known = self.fleet.modes_before.get(miner)
        if not found.before or known == found.before or self.fleet.own_levels.of(row, found.before) is not None:
            return
        if was_full and _lowers(command):
            self.fleet.modes_before[miner] = found.before
            self.on_facts([ModesBefore(at=self._clock.now().at, modes={miner: found.before})])

    def _count(self, command: str, result: str) -> None:
        if self.counts is not None:
            self.counts.command(command, result)


def _lowers(command: Command) -> bool:
    return isinstance(command, Sleep | LimitPower) or (isinstance(command, SetMode) and command.mode != FULL)


def command_for(fleet: Fleet, row: int) -> Command:
    """Return what takes this miner from where it is to its setpoint; to full by what was in force before us."""
    seen = fleet.level_of(row, int(fleet.seen[row]))
    before = fleet.modes_before.get(fleet.miners[row].id)
    level = fleet.level_of(row, int(fleet.setpoint[row]))
    if level == FULL and seen == SLEEP:
        return Wake(mode=None if before is None or is_set(before) else before)
    if level == FULL and before is not None and is_set(before):
        level = before
    kind, _, argument = str(level).partition(":")
    match kind:
        case "sleep" | "off":
            return Sleep()
        case "limit":
            return LimitPower(limit_w=float(argument))
        case "profile":
            return SetMode(mode=argument)
        case "low":
            return SetMode(mode=LOW)
        case _:
            return SetMode(mode=FULL)
