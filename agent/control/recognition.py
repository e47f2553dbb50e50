"""Whose machine answered: judges every identification, lets rows follow their machines, and keeps each case as a fact.

A row whose machine is unclear is told down and never up, and nothing that is read at its address counts as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec
import numpy as np
import structlog

from agent.clock import Clock
from agent.facts import AnyFact, MinerSeen
from agent.facts.identity import (
    BoardExchanged,
    FirmwareChanged,
    MarkDoubled,
    MinerClear,
    MinerMoved,
    MinersSwapped,
    MinerUnclear,
)
from agent.fleet.belief import CODES
from agent.fleet.cells import Cells
from agent.fleet.fleet import Fleet
from agent.fleet.identity import NOTHING, SAME, Judgement, Mark, Seen, Verdict, judge, says_less, uptime_breaks
from agent.fleet.places import Place, exchange, put
from agent.fleet.remembered import Remembered
from agent.fleet.view import Flags
from drivers.interface import Identity, Reading, State, Target

SHOWN_FOR_S = 90.0
"""So long what an address showed counts for what it shows, while another row waits to know."""
SETTLED_S = 60.0
"""So long after an identification no uptime makes a machine doubtful: firmware may tell two of them by turns."""
INCOMPLETE_FOR_S, INCOMPLETE_EACH_S = 600.0, 20.0
"""So long, and asked again so often, a machine may say less of who it is than it did before."""
UNCLEAR = "unknown:identity"
"""The reason of a machine's state while it is not known whose it is."""
UNREACHABLE = CODES[State.UNREACHABLE]
log = structlog.get_logger()


class Asking(Protocol):
    """The part of the poller that this needs."""

    busy: Flags

    def soon(self, row: int) -> None:
        """Poll a machine at the next opportunity."""

    def forget(self, row: int) -> None:
        """Drop a row's driver: it speaks with another machine."""

    def cannot_ask(self, row: int) -> bool:
        """Whether a row's machine is left alone."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a row's address showed, and when."""

    seen: Seen
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Who answers at a machine's address that need not be it: why, since when, and what he says of himself."""

    reason: str
    since: datetime
    found: Identity | None = None


class Recognition:
    """Knows whose machines answer. `doubtful` rows are identified before they are read, and not raised till then."""

    def __init__(self, fleet: Fleet, targets: list[Target], asking: Asking, clock: Clock) -> None:
        self.doubtful = np.zeros(len(fleet), np.bool_)
        self.on_facts: Callable[[list[AnyFact]], None] = lambda _facts: None
        self.open_orders: Callable[[], list[str]] = list  # whose evidence a case belongs to
        self._stated: dict[int, Place] = {}  # where the inventory says, of those that are elsewhere
        self.bindings = Remembered().bindings(fleet.miners)
        self._fleet = fleet
        self._targets = targets
        self._asking = asking
        self._clock = clock
        self._remembered: dict[str, MinerSeen] = {}
        self._shown: dict[int, _Shown] = {}
        self._waiting: dict[int, set[int]] = {}  # who waits, by the row that is asked
        self.unclear: dict[int, Stranger] = {}  # rows that are so by a fact, and who answers there
        self._incomplete_since: dict[int, float] = {}  # who says less than before of who he is, since when
        self._ask_at = np.full(len(fleet), np.inf)  # when such a one is asked again
        self._settled_until = np.full(len(fleet), -np.inf)  # until then no uptime makes it doubtful
        self._cells = Cells(self)

    def restore(self, remembered: Remembered) -> None:
        """Go on with what earlier lives knew: what binds whom, and who is elsewhere than the inventory says."""
        self.bindings = remembered.bindings(self._fleet.miners)
        self._remembered = remembered.seen
        for row, place in remembered.places(self._fleet.miners).items():
            self._leave(row)
            put(self._fleet, self._targets, row, place)

    def asks(self, row: int) -> bool:
        """Whether a machine is asked who it is; one out of reach is only read, which costs least, until it answers."""
        waits = row in self._incomplete_since
        due = self._cells.doubtful[row] or (waits and self._ask_at[row] <= self._clock.now().mono)
        return due and bool(self._fleet.state[row] != UNREACHABLE)

    def may_raise(self, row: int) -> bool:
        """Whether it is known whose machine a raising command would reach."""
        return not (self.doubtful[row] or self._fleet.unclear[row] or self.says_less(row))

    def says_less(self, row: int) -> bool:
        """Whether a machine, since it was lost, says less of who it is than before: its page may not be up yet.

        It is read and told down as the machine that it was.
        """
        return row in self._incomplete_since

    def is_strange(self, row: int) -> bool:
        """Whether somebody answers at a row's address who need not be the row's machine: he can be told down."""
        return bool(self._fleet.unclear[row]) and row in self._shown

    # what polls tell -----------------------------------------------------------------------------------------

    def lost(self, row: int) -> None:
        """Take in that a machine is out of reach: whoever answers there next says first who he is."""
        self.doubtful[row] = True
        self._shows(row, NOTHING)

    def mute(self, row: int) -> None:
        """Take in that somebody answered and did not say who he is."""
        self._shows(row, NOTHING)

    def doubts(self, row: int, reading: Reading, now: float) -> bool:
        """Whether a reading need not be of the machine that was read before; then it is identified first."""
        before, mine, theirs = self._fleet.readings[row], self._cells, self._fleet.cells
        if theirs.state[row] == UNREACHABLE:
            self._fleet.garbled(row, UNCLEAR)
        if before is None or mine.doubtful[row] or now < mine.settled_until[row]:
            return bool(mine.doubtful[row])
        if uptime_breaks(before.uptime_s, reading.uptime_s, now - theirs.heard_at[row]):
            self.doubtful[row] = True
        return bool(mine.doubtful[row])

    def admits(self, row: int, found: Identity) -> bool:
        """Take in who answered at a row's address; returns whether it is the row's own machine."""
        now = self._clock.now()
        self._settled_until[row] = max(now.mono + SETTLED_S, float(self._settled_until[row]))
        seen = seen_of(found)
        if self._is_incomplete(row, seen, now.mono, partial=found.partial):
            self._shows(row, seen)
            return False
        judgement = judge(self.bindings, row, seen, self._there)
        facts = [self._doubled(row, mark, now.at) for mark in judgement.doubled]
        if judgement.verdict in SAME:
            facts += self._same(row, found, judgement, now.at)
        elif judgement.verdict is Verdict.UNCLEAR:
            facts += self._unclear(row, seen, judgement, now.at)
            if row in self.unclear:
                self.unclear[row] = replace(self.unclear[row], found=found)
        else:
            facts += self._follow(row, judgement, now.at)
        if facts:
            self.on_facts(facts)
        if judgement.verdict in SAME | {Verdict.UNCLEAR}:
            self._shows(row, seen)
        return judgement.verdict in SAME

    def judge_elsewhere(self, seen: Seen) -> Judgement:
        """Return whose machine showed this at an address that no row has; nothing is changed by it."""
        return judge(self.bindings, None, seen, self._there)

    def follow_elsewhere(self, row: int, place: Place, by: str) -> None:
        """Let a row's machine be where it was found, at an address that no row has."""
        if self._asking.busy[row]:
            return
        was = str(self._leave(row))
        put(self._fleet, self._targets, row, place)
        self._begin_anew(row)
        miner, stated = self._fleet.miners[row].id, str(self._stated[row])
        log.warning("a machine has moved", miner_id=miner, place=str(place), was=was)
        at, orders = self._clock.now().at, self.open_orders()
        moved = MinerMoved(at=at, miner=miner, place=str(place), was=was, stated=stated, by=by, orders=orders)
        self.on_facts([moved])

    def told(self, row: int) -> None:
        """Take in that a machine took a command of ours: its firmware may begin anew, and no uptime is odd."""
        ladder = self._fleet.ladders[row]
        self._settled_until[row] = self._clock.now().mono + ladder.settle_s + ladder.wake_s

    def _is_incomplete(self, row: int, seen: Seen, mono: float, *, partial: bool) -> bool:
        """Whether it may be the row's machine that does not say all yet; after a while that is all it says."""
        less = says_less(self.bindings.known[row], seen, partial=partial)
        if not less or mono - self._incomplete_since.get(row, mono) >= INCOMPLETE_FOR_S:
            self._incomplete_since.pop(row, None)
            self._ask_at[row] = np.inf
            return False
        self._incomplete_since.setdefault(row, mono)
        self._ask_at[row] = mono + INCOMPLETE_EACH_S
        self.doubtful[row] = False
        return True

    # how it is judged ----------------------------------------------------------------------------------------

    def _there(self, row: int) -> Seen | None:
        """Return what a row's address shows now, None where it has to be asked."""
        shown = self._shown.get(row)
        if shown is not None and self._clock.now().mono - shown.at <= SHOWN_FOR_S:
            return shown.seen
        lost = self._fleet.state[row] == UNREACHABLE
        return NOTHING if lost or self._asking.cannot_ask(row) else None

    def _shows(self, row: int, seen: Seen) -> None:
        """Keep what an address showed, as long as somebody may want to know it, and let those ask again."""
        waiting = self._waiting.pop(row, None)
        if waiting is not None or self._fleet.unclear[row]:
            self._shown[row] = _Shown(seen, self._clock.now().mono)
        for one in waiting or ():
            self._asking.soon(one)

    def _same(self, row: int, found: Identity, judgement: Judgement, at: datetime) -> list[AnyFact]:
        miner, was, orders = self._fleet.miners[row], self.bindings.known[row], self.open_orders()
        facts: list[AnyFact] = []
        if judgement.verdict is Verdict.BOARD:
            facts.append(
                BoardExchanged(
                    at=at,
                    miner=miner.id,
                    mac=found.mac,
                    was_mac=was.mac,
                    stated_mac=miner.mac,
                    serial=found.serial,
                    by=judgement.by or "",
                    orders=orders,
                )
            )
        if judgement.verdict is Verdict.FIRMWARE:
            facts.append(
                FirmwareChanged(
                    at=at,
                    miner=miner.id,
                    firmware=found.firmware,
                    firmware_version=found.firmware_version,
                    was_firmware=was.firmware,
                    was_version=was.firmware_version,
                    driver=found.driver,
                    was_driver=was.driver,
                    orders=orders,
                )
            )
        for fact in facts:
            log.warning("a machine has changed", miner_id=miner.id, fact=type(fact).__name__)
        self.bindings.bind(row, seen_of(found))
        return facts + self._cleared(row, at) + self._remember(row, found, at)

    def _cleared(self, row: int, at: datetime) -> list[AnyFact]:
        self.doubtful[row] = self._fleet.unclear[row] = False
        self._shown.pop(row, None)
        if self.unclear.pop(row, None) is None:
            return []
        return [MinerClear(at=at, miner=self._fleet.miners[row].id, orders=self.open_orders())]

    def _remember(self, row: int, found: Identity, at: datetime) -> list[AnyFact]:
        """Note who a miner is where that is new."""
        miner = self._fleet.miners[row]
        seen = MinerSeen(
            at=at,
            miner=miner.id,
            host=miner.host,
            port=miner.port,
            http_port=miner.http_port,
            driver=found.driver,
            make=found.make,
            model=found.model,
            firmware=found.firmware,
            firmware_version=found.firmware_version,
            mac=found.mac or self.bindings.known[row].mac,
            serial=found.serial or self.bindings.known[row].serial,
            feeder=miner.feeder,
            tags=list(miner.tags),
            credentials=miner.credentials,
            intended=miner.intended,
            priority=miner.priority,
        )
        before = self._remembered.get(miner.id)
        if before is not None and msgspec.structs.replace(seen, at=before.at) == before:
            return []
        self._remembered[miner.id] = seen
        return [seen]

    def _unclear(self, row: int, seen: Seen, judgement: Judgement, at: datetime) -> list[AnyFact]:
        miner, reason = self._fleet.miners[row].id, judgement.reason or ""
        self.doubtful[row] = self._fleet.unclear[row] = True
        self._shown[row] = _Shown(seen, self._clock.now().mono)
        if (other := judgement.ask) is not None:
            self.ask(other, row)
            return []
        if row in self.unclear and self.unclear[row].reason == reason:
            return []
        self.unclear[row] = Stranger(reason=reason, since=at)
        log.error("it is unclear whose machine answers: it is not raised", miner_id=miner, reason=reason)
        return [MinerUnclear(at=at, miner=miner, reason=reason, orders=self.open_orders())]

    def ask(self, other: int, row: int | None = None) -> None:
        """Have a row's own address asked who is there, for another row or for discovery."""
        self._waiting.setdefault(other, set()).update(() if row is None else (row,))
        self._shown.pop(other, None)
        self.doubtful[other] = True
        self._asking.soon(other)

    def _follow(self, row: int, judgement: Judgement, at: datetime) -> list[AnyFact]:
        """Let the row whose machine answered here have this address, and this row that one's, where both are free."""
        mover = judgement.row
        assert mover is not None
        if self._asking.busy[mover]:  # its conversation is with another machine: let it end first
            self._unclear(row, self.bindings.known[mover], Judgement(verdict=Verdict.UNCLEAR, ask=mover), at)
            return []
        self._leave(row)
        self._leave(mover)
        exchange(self._fleet, self._targets, row, mover)
        self._begin_anew(row)
        self._begin_anew(mover)
        facts = [self._swapped(row, mover, judgement, at)] if judgement.verdict is Verdict.SWAPPED else []
        return facts or self._moved(row, mover, judgement, at)

    def _leave(self, row: int) -> Place:
        """Return where a row's machine is, before it is elsewhere: the first time that is where the inventory says."""
        place = Place.of(self._fleet.miners[row])
        self._stated.setdefault(row, place)
        return place

    def _begin_anew(self, row: int) -> None:
        """Ask who is at a row's new address, before anything is read there; those who wait on the row ask again."""
        self._shown.pop(row, None)
        self._asking.forget(row)
        self.doubtful[row] = self._fleet.unclear[row] = True
        self._fleet.garbled(row, UNCLEAR)
        for one in (row, *self._waiting.pop(row, ())):
            self._asking.soon(one)

    def _moved(self, row: int, mover: int, judgement: Judgement, at: datetime) -> list[AnyFact]:
        """Say where the machine is now that was found, and where the one is looked for whose address it has."""
        miners, orders = self._fleet.miners, self.open_orders()
        place, was = str(Place.of(miners[mover])), str(Place.of(miners[row]))
        log.warning("a machine has moved", miner_id=miners[mover].id, place=place, was=was, displaced=miners[row].id)
        return [
            MinerMoved(
                at=at,
                miner=miners[one].id,
                place=place if one == mover else was,
                was=was if one == mover else place,
                stated=str(self._stated[one]),
                by=judgement.by or "",
                found=one == mover,
                orders=orders,
            )
            for one in (mover, row)
        ]

    def _swapped(self, row: int, mover: int, judgement: Judgement, at: datetime) -> AnyFact:
        ids = {one: self._fleet.miners[one].id for one in (mover, row)}
        log.warning("two machines have exchanged addresses", miners=list(ids.values()))
        return MinersSwapped(
            at=at,
            miners=list(ids.values()),
            places={miner: str(Place.of(self._fleet.miners[one])) for one, miner in ids.items()},
            stated={miner: str(self._stated[one]) for one, miner in ids.items()},
            by=judgement.by or "",
            orders=self.open_orders(),
        )

    def _doubled(self, row: int, mark: Mark, at: datetime) -> AnyFact:
        kind, text = mark
        owner = self.bindings.owner(mark)
        self.bindings.double(mark)
        rows: Iterable[int] = (row,) if owner is None else (owner, row)
        miners = [self._fleet.miners[one].id for one in rows]
        log.error("one mark answers at two addresses: it tells them apart no more", kind=kind, mark=text, miners=miners)
        return MarkDoubled(at=at, miners=miners, kind=kind, mark=text, orders=self.open_orders())


def seen_of(found: Identity) -> Seen:
    """Return what of an identity tells machines apart."""
    return Seen(
        mac=found.mac,
        serial=found.serial,
        model=found.model,
        driver=found.driver,
        firmware=found.firmware,
        firmware_version=found.firmware_version,
    )
