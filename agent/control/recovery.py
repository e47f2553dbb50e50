"""What remembered facts put back at the start: orders, setpoints, wishes, holds, seals, last powers.

The ledger replays into the very objects that live facts change; nothing is sent and nobody is woken by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from agent.clock import Ran
from agent.facts import (
    AnyFact,
    HoldLifted,
    HoldPlaced,
    IntendedChanged,
    LastPowers,
    LevelsSeen,
    LoginsRefused,
    ModesBefore,
    SealBroken,
    SealLifted,
    SealPlaced,
    SealQuiet,
    SetpointsChanged,
)
from agent.facts.clock import ClockStepped, ClockTrusted, HostRan
from agent.fleet.fleet import Fleet
from agent.fleet.holds import BY_TIME, Hold, Holds
from agent.fleet.own_levels import is_set
from agent.fleet.peaks import Peaks
from agent.fleet.power import HouseLoad
from agent.fleet.remembered import Remembered
from agent.fleet.seals import Seal, Seals
from agent.orders.order_book import OrderBook
from agent.values import FULL

RESTORE = "restore"
"""The cause of setpoints that machines come back by."""


class Recovery:
    """Takes in every remembered fact, in order; `finish` hands the sums to the fleet."""

    def __init__(
        self, fleet: Fleet, book: OrderBook, holds: Holds, seals: Seals, house: HouseLoad, peaks: Peaks | None = None
    ) -> None:
        self.last_at: datetime | None = None
        self.clock_doubted = False  # the last step of civil time was not confirmed
        self.ran: Ran | None = None  # the run of the host that was seen last
        self.remembered = Remembered()  # who and where machines are
        self.left_alone: dict[str, datetime] = {}  # until when, by miner
        self._fleet = fleet
        self._book = book
        self._holds = holds
        self._seals = seals
        self._house = house
        self._peaks = peaks or Peaks(None)
        self.rising: set[str] = set()  # who was told last to come back
        self._setpoints: dict[str, str] = {}
        self._intended: dict[str, str] = {}
        self._told: dict[str, set[str]] = {}
        self._powers: dict[str, float] = {}
        self._house_w = 0.0

    def replay(self, facts: Iterable[AnyFact]) -> None:
        """Take in the facts of the lives before this one."""
        for fact in facts:
            self._take(fact)
            self._take_levels(fact)
            self._take_seal(fact)
            self.remembered.take(fact)
            self._book.apply(fact)
            self._peaks.apply(fact)
            self.last_at = fact.at if self.last_at is None else max(self.last_at, fact.at)
            if isinstance(fact, ClockStepped | ClockTrusted):
                self.clock_doubted = isinstance(fact, ClockStepped)
            elif isinstance(fact, HostRan):
                self.ran = Ran(fact.boot, fact.began_at)
        self._fleet.restore_names(setpoints=self._setpoints, intended=self._intended)
        index = self._fleet.index
        self._fleet.own_levels.restore({index[miner]: told for miner, told in self._told.items() if miner in index})
        self._fleet.restore_powers(self._powers)
        self._house.remember(self._house_w)
        self._fleet.hold(self._holds.by_miner())
        self._fleet.seal(self._seals.by_miner(), self._seals.broken)

    def _take(self, fact: AnyFact) -> None:
        match fact:
            case IntendedChanged(level=level, miners=miners):
                self._intended |= dict.fromkeys(miners, level)
            case HoldPlaced():
                hold = Hold(kind=fact.kind, by=fact.by, since=fact.at, until=fact.until)
                self._holds.place(fact.miners, hold)
            case HoldLifted(miners=miners, by=by, over_at=over_at) if by == BY_TIME:
                self._holds.lift_over(miners, over_at or fact.at)
            case HoldLifted(miners=miners):
                self._holds.lift(miners)
            case LoginsRefused(miners=miners, until=until):
                self.left_alone |= dict.fromkeys(miners, until)
            case ModesBefore(modes=modes):
                self._fleet.modes_before |= modes
            case LastPowers(powers_w=powers_w, house_w=house_w):
                self._powers, self._house_w = powers_w, house_w or 0.0
            case _:
                return

    def _take_levels(self, fact: AnyFact) -> None:
        """Keep each setpoint, and the limits and profiles that machines were told since they were last seen at full."""
        match fact:
            case SetpointsChanged(levels=levels):
                told = [miner for ids in levels.values() for miner in ids]
                (self.rising.update if fact.cause == RESTORE else self.rising.difference_update)(told)
                self._setpoints |= {miner: level for level, ids in levels.items() for miner in ids}
                for level in filter(is_set, levels):
                    for miner in levels[level]:
                        self._told.setdefault(miner, set()).add(level)
            case LevelsSeen(levels=levels):
                for miner in levels.get(FULL, ()):
                    self._told.pop(miner, None)
            case _:
                return

    def _take_seal(self, fact: AnyFact) -> None:
        match fact:
            case SealPlaced():
                self._seals.place(fact.miners, Seal(number=fact.number, act=fact.act, by=fact.by, since=fact.at))
            case SealLifted():
                self._seals.lift(fact.miners)
            case SealBroken():
                self._seals.broke(fact.powers_w, fact.feeders_w)
            case SealQuiet():
                self._seals.calmed(fact.miners, fact.feeders)
            case _:
                return
