"""Price over a running site: what it wants of machines, laid over the owner's wish where it may act; else only said.

It has no clock and no I/O: each tick of control hands it the view and `now`. What it earned, or would have, is told by
the hour.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from agent.facts.energy import PriceActed
from agent.fleet.belief import Code
from agent.fleet.fleet import AVERAGES_SETTLE_S, Fleet
from agent.fleet.view import Array, FleetView, Floats
from agent.planning.decide import Decision
from agent.planning.guard import NO_WATCH, Watch
from agent.planning.peak_books import PeakBooks, as_guarded, seen
from agent.planning.price import (
    Acting,
    Market,
    PriceMemory,
    PricePolicy,
    gain_per_h,
    look,
    nothing_yet,
    on_ladders,
    over,
)
from agent.values import Moment

LOOKS_EACH_S = 5.0
RAMPS_EACH_S = 1.0
"""While some are still to go down."""
TOLD_EACH_S = 3600.0
LONGEST_S = 60.0
"""A time without a tick that is longer earns nothing that anybody saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look found."""

    memory: PriceMemory
    gain_per_h: float | None
    last_step: Array
    moved: bool  # price wants another level of somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glance:
    """What one look goes by; values that nobody changes any more."""

    view: FleetView
    own_j_th: Floats
    market: Market | None
    policy: PricePolicy
    memory: PriceMemory
    acts: bool
    now: float

    def looked(self) -> Looked:
        view, market, policy = self.view, self.market, self.policy
        memory = look(view, self.own_j_th, market, policy, self.memory, now=self.now)
        gain = None if market is None else gain_per_h(view, market, memory, policy, acts=self.acts)
        moved = not np.array_equal(self.memory.steps, memory.steps)
        return Looked(memory=memory, gain_per_h=gain, last_step=view.last_step, moved=moved)


Elsewhere = Callable[[Callable[[], Looked]], Future[Looked]]
"""Begins a look beside the loop."""


@dataclass(slots=True, kw_only=True)
class Pricing:
    """One site's acting on price. `market` says what a kWh costs and a TH/s keeps now, None where nobody knows.

    A look at 100,000 machines takes 20 to 30 ms: where it is done `elsewhere`, what the one before found holds until
    it is.
    """

    fleet: Fleet
    policy: PricePolicy
    market: Callable[[Moment], Market | None]
    currency: str
    act: bool
    watch: Callable[[Moment], Watch] = lambda _now: NO_WATCH  # the charges on the month's peaks
    elsewhere: Elsewhere | None = None  # who looks; None: at once
    _coming: Future[Looked] | None = None
    _peaks: PeakBooks = field(default_factory=PeakBooks)
    _unknown: tuple[str, ...] = ()
    _memory: PriceMemory | None = None
    _looked_at: float = -np.inf
    _market: Market | None = None
    _gain_per_h: float | None = None
    _gained: float = 0.0
    _starts: int = 0
    _since: datetime | None = None
    _last_step: Array | None = None
    _seen: Array | None = None
    _steady_since: Floats | None = None  # since when each hashes at the step that it is seen at
    _told: list[PriceActed] = field(default_factory=list)
    _told_gain: tuple[float, int] = (0.0, 0)
    _told_at: Moment | None = None

    def over(self, view: FleetView, now: Moment) -> FleetView:
        """Look, where it is time to, and return the view with what price wants in it; as it was where it only says."""
        if self._coming is not None and self._coming.done():
            coming, self._coming = self._coming, None
            self._take(coming.result())
        if self._coming is None and self._is_due(view, now):
            self._begin(view, now)
        memory = on_ladders(view, self._memory or nothing_yet(view))
        return over(view, memory) if self.act else view

    def _is_due(self, view: FleetView, now: Moment) -> bool:
        memory = self._memory
        if memory is None or memory.step_w is not view.step_w:
            return True
        each_s = RAMPS_EACH_S if (memory.wanted > memory.steps).any() else LOOKS_EACH_S
        return now.mono - self._looked_at >= each_s

    def _begin(self, view: FleetView, now: Moment) -> None:
        self._add_up(now)
        self._market = self._watched(self.market(now), now)
        self._looked_at = now.mono
        glance = _Glance(
            view=view,
            own_j_th=self._own_j_th(view, now),
            market=self._market,
            policy=self.policy,
            memory=self._memory or nothing_yet(view),
            acts=self.act,
            now=now.mono,
        )
        if self.elsewhere is None:
            self._take(glance.looked())
        else:
            self._coming = self.elsewhere(glance.looked)

    def _take(self, looked: Looked) -> None:
        self._memory, self._last_step, self._gain_per_h = looked.memory, looked.last_step, looked.gain_per_h
        self._starts += looked.memory.starts
        self._gained -= looked.memory.start_cost

    def _watched(self, market: Market | None, now: Moment) -> Market | None:
        """Lay the charges on peaks beside the price, and count what the guard has kept from them."""
        watch = self.watch(now)
        self._unknown = watch.unknown
        if market is None or not watch.charges:
            return market
        elapsed_s = min(now.mono - self._looked_at, LONGEST_S)
        spared_w = 0.0 if self._memory is None else self._memory.guard.spared_w
        before = self._peaks.avoided
        self._peaks = seen(self._peaks, watch, spared_w, elapsed_s, acts=self.act)
        self._gained += self._peaks.avoided - before
        return replace(market, watch=as_guarded(self._peaks, watch, acts=self.act))

    def _own_j_th(self, view: FleetView, now: Moment) -> Floats:
        """Return what each machine takes for a terahash, where its averages have had time to tell."""
        fleet = self.fleet
        if self._seen is None or self._steady_since is None:
            self._seen, self._steady_since = view.seen, np.full(len(view), now.mono)
        steady = (view.state == Code.HASHING) & (view.seen == self._seen)
        self._seen, self._steady_since = view.seen, np.where(steady, self._steady_since, now.mono)
        hashing = (now.mono - self._steady_since >= AVERAGES_SETTLE_S) & (fleet.hashrate_ths > 0)
        own = np.full(len(fleet), np.nan)
        np.divide(fleet.believed_w, fleet.hashrate_ths, out=own, where=hashing)
        return own

    def _add_up(self, now: Moment) -> None:
        """Count what was gained since the last look, and tell it by the hour."""
        self._since = self._since or now.at
        self._told_at = self._told_at or now
        elapsed_s = now.mono - self._looked_at
        if self._gain_per_h is not None and elapsed_s <= LONGEST_S:
            self._gained += self._gain_per_h * elapsed_s / 3600
        if now.mono - self._told_at.mono >= TOLD_EACH_S:
            fact = self._fact(self._told_at.at, now.at)
            self._told += [fact] if fact.stopped or fact.lowered or fact.starts or float(fact.gained) else []
            self._told_at = now

    def _fact(self, start: datetime, end: datetime) -> PriceActed:
        gained, starts = self._told_gain
        acting = self.acting()
        self._told_gain = self._gained, self._starts
        return PriceActed(
            at=end,
            start=start,
            act=self.act,
            currency=self.currency,
            gained=f"{self._gained - gained:.6f}",
            starts=self._starts - starts,
            stopped=acting.stopped,
            lowered=acting.lowered,
            per_kwh=None if acting.market is None else f"{acting.market.per_kwh:.6f}",
        )

    def factors(self) -> Floats:
        """Return by row each machine's own J/TH over its ladder's, 1 where it is not known."""
        return np.ones(len(self.fleet)) if self._memory is None else self._memory.factor

    def facts(self) -> list[PriceActed]:
        """Return what is to be remembered since the last call."""
        told, self._told = self._told, []
        return told

    def acting(self) -> Acting:
        """Return what price does, or would do, now."""
        memory, fleet = self._memory, self.fleet
        if memory is None:
            below = np.zeros(len(fleet), np.bool_)
            asleep = below
        else:
            below = memory.steps > fleet.intended
            asleep = below & (memory.steps == self._last_step)
        return Acting(
            act=self.act,
            market=self._market,
            stopped=int(np.count_nonzero(asleep)),
            lowered=int(np.count_nonzero(below & ~asleep)),
            gain_per_h=self._gain_per_h,
            gained=self._gained,
            starts=self._starts,
            since=self._since,
            guarded=0 if memory is None else int(np.count_nonzero(memory.guard.steps > memory.wanted)),
            ceilings_kw=() if memory is None else memory.guard.ceiling_kw,
            unknown=self._unknown,
            avoided=self._peaks.avoided,
        )

    def caused(self, decision: Decision) -> Decision:
        """Name price where it alone brings machines down."""
        by_price = self.act and decision.cause == "intended" and bool(len(decision.rows))
        if by_price and (decision.steps > self.fleet.intended[decision.rows]).all():
            return replace(decision, cause="price")
        return decision
