"""What price wants of each machine: run below its break-even, the best level between, stop above. Functions of values.

A level earns hashrate x what a terahash keeps, less its watts at the meter x what one more kWh costs. Another level is
taken where that earns more by over `hysteresis` of the revenue that changes: for on and off that is a price above
(1 + h) or below (1 - h) of break-even. Stopping must save its restart within the least time off, an hour at least.
Price never lifts a machine above what its owner wants, and lowering keeps to a ramp; orders bind below it. Over what
each machine wants stands the guard of the month's peaks (`guard`), which lowers more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning.guard import NO_WATCH, GuardMemory, Running, Watch, no_guard
from agent.planning.guarding import hold
from agent.planning.ramp import Ramp
from agent.values import Watts

HOUR_S = 3600.0
UNKNOWN_FOR_S = 3600.0
"""What price wanted is held for so long without a price; then the owner's own levels hold."""
FACTOR_BOUNDS = (0.5, 2.0)
"""A machine's own J/TH against its model's is believed within these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePolicy:
    """How price may move machines; money is the site's. A column says it of each machine, by row."""

    min_on_s: float | Floats = 1800.0
    min_off_s: float | Floats = 1800.0
    hysteresis: float | Floats = 0.05
    restart_cost: float | Floats = 0.0  # of one machine
    shed_w_per_s: float | None = None
    max_step_w: Watts | None = None
    fixed: Flags | None = None  # whose machines price never moves
    whole: Flags | None = None  # who runs in full or sleeps
    pays_per_kwh: Floats | None = None  # what hashing keeps a kWh, NaN where it goes by the hashrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What one more kWh costs now, and what a TH/s keeps in an hour, in the site's money."""

    per_kwh: float
    per_ths_h: float
    pue: float = 1.0
    expected_per_kwh: float = 0.0  # what of the price is only the chance that this is the system's peak
    watch: Watch = NO_WATCH  # the charges on the month's peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMemory:
    """What one look leaves to the next, by row; steps are on each machine's ladder."""

    wanted: Array  # what price wants
    steps: Array  # as far as the ramp has come
    since: Floats  # when what is wanted last changed, monotonic seconds
    begun: Flags  # price has looked at it
    factor: Floats  # its own J/TH over its ladder's
    step_w: Floats  # the ladders that steps are on
    ramp: Ramp = field(default_factory=Ramp)
    guard: GuardMemory  # how deep the month's peaks hold whom
    known_at: float = -np.inf  # when a price was last known
    starts: int = 0  # machines that were let run again in this look
    start_cost: float = 0.0  # of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """What price does, or would do, now; money is the site's."""

    act: bool
    market: Market | None
    stopped: int
    lowered: int  # to a level between
    gain_per_h: float | None
    gained: float  # since `since`
    starts: int
    since: datetime | None
    guarded: int = 0  # of them, held lower by the guard of the month's peaks alone
    ceilings_kw: tuple[tuple[str, float], ...] = ()  # by charge, the mean that the guard keeps to, where it binds
    unknown: tuple[str, ...] = ()  # charges that the guard does not know the month's peak of
    avoided: float = 0.0  # of what was gained, charges on peaks that were not set


def nothing_yet(view: FleetView) -> PriceMemory:
    """Return the memory of one that never looked."""
    n = len(view)
    return PriceMemory(
        wanted=np.zeros(n, np.int8),
        steps=np.zeros(n, np.int8),
        since=np.full(n, -np.inf),
        begun=np.zeros(n, np.bool_),
        factor=np.ones(n),
        step_w=view.step_w,
        guard=no_guard(n),
    )


def look(
    view: FleetView, j_th: Floats, market: Market | None, policy: PricePolicy, memory: PriceMemory, *, now: float
) -> PriceMemory:
    """Return what price wants now. `j_th` is each machine's own as it hashes, NaN where it does not."""
    known, memory = memory.begun, _begun(view, j_th, memory, now)
    if market is None:
        wanted = memory.wanted if now - memory.known_at < UNKNOWN_FOR_S else view.intended
    else:
        wanted = _best(view, market, policy, memory)
    may = _may_move(view, policy, memory, now)
    wanted = np.where(may, wanted, memory.wanted).astype(np.int8)
    moved = wanted != memory.wanted
    since = np.where(moved, now, memory.since)
    guard = memory.guard if market is None else _guarded(view, wanted, market, policy, memory, now)
    before, target = np.maximum(memory.wanted, memory.guard.steps), np.maximum(wanted, guard.steps)
    woken = known & (before == view.last_step) & (target < view.last_step) & (view.last_step > 0)
    steps, ramp = _ramped(view, target, memory, policy, now)
    known_at = memory.known_at if market is None else now
    return replace(
        memory,
        wanted=wanted,
        steps=steps,
        since=since,
        ramp=ramp,
        guard=guard,
        known_at=known_at,
        starts=int(np.count_nonzero(woken)),
        start_cost=float(np.where(woken, policy.restart_cost, 0.0).sum()),
    )


def _guarded(
    view: FleetView, wanted: Array, market: Market, policy: PricePolicy, memory: PriceMemory, now: float
) -> GuardMemory:
    """Return how deep the month's peaks hold whom. Who is held, lost or unknown counts at what it draws."""
    if not market.watch.charges:
        return no_guard(len(view))
    movable = memory.begun & view.fresh & ~view.held & ~view.sealed & _is_weighed(view, policy)
    depth = int(view.last_step.max(initial=0)) + 1
    view = replace(view, step_w=view.step_w[:, :depth], step_ths=view.step_ths[:, :depth])
    hashes = view.step_ths > 0
    watts = np.where(hashes, view.step_w * memory.factor[:, None], view.step_w)
    revenue = view.step_ths * market.per_ths_h
    if policy.pays_per_kwh is not None:
        pays = policy.pays_per_kwh[:, None]
        revenue = np.where(np.isnan(pays), revenue, np.where(hashes, pays * watts / 1000, 0.0))
    if policy.whole is not None:  # levels between are none of theirs
        steps = np.arange(depth)[None, :]
        between = policy.whole[:, None] & (steps > view.intended[:, None]) & (steps < view.last_step[:, None])
        watts = np.where(between, np.nan, watts)
        view = replace(view, step_w=np.where(between, np.nan, view.step_w))
    running = Running(
        watts=watts if movable.all() else np.where(movable[:, None], watts, view.believed_w[:, None]),
        revenue=revenue,
        wanted=np.maximum(wanted, view.intended),
        movable=movable,
        pue=market.pue,
    )
    return hold(view, running, market.watch, memory.guard, min_off_s=policy.min_off_s, now=now)


def on_ladders(view: FleetView, memory: PriceMemory) -> PriceMemory:
    """Return the memory on the ladders as they are now: of whom it is another, price has not looked at yet."""
    if view.step_w is memory.step_w:
        return memory
    same = (view.step_w.view(np.int64) == memory.step_w.view(np.int64)).all(axis=1)  # bits: no step is NaN
    return replace(memory, begun=memory.begun & same, step_w=view.step_w)


def over(view: FleetView, memory: PriceMemory) -> FleetView:
    """Return the view with what price wants laid over what the owner does; who was never looked at is not raised.

    Who was woken just now, by whatever cause, is not put to sleep again for a price.
    """
    steps = np.where(memory.begun, memory.steps, view.setpoint)
    runs_on = view.young & (steps == view.last_step) & (view.setpoint < view.last_step)
    steps = np.where(runs_on, view.setpoint, steps)
    return replace(view, intended=np.maximum(view.intended, np.minimum(steps, view.last_step)).astype(np.int8))


def profit(view: FleetView, market: Market, factor: Floats) -> tuple[Floats, Floats]:
    """Return by machine and step what an hour earns after its energy, and before it; NaN where there is no such step.

    A machine's own J/TH shows as more or fewer watts at each step that hashes.
    """
    hashes = view.step_ths > 0
    watts = np.where(hashes, view.step_w * factor[:, None], view.step_w)
    revenue = view.step_ths * market.per_ths_h
    return revenue - watts / 1000 * market.pue * market.per_kwh, revenue


def _hourly(ths: Floats, step_w: Floats, market: Market, policy: PricePolicy, factor: Floats) -> tuple[Floats, Floats]:
    """Return the same at one step of each machine, by whose it is."""
    watts = np.where(ths > 0, factor, 1.0) * step_w
    kwh = watts / 1000 * market.pue
    revenue = ths * market.per_ths_h
    if policy.pays_per_kwh is not None:
        revenue = np.where(
            np.isnan(policy.pays_per_kwh), revenue, np.where(ths > 0, policy.pays_per_kwh * watts / 1000, 0.0)
        )
    return revenue - kwh * market.per_kwh, revenue


def _at(view: FleetView, market: Market, policy: PricePolicy, factor: Floats, steps: Array) -> tuple[Floats, Floats]:
    rows = np.arange(len(view))
    return _hourly(view.step_ths[rows, steps], view.step_w[rows, steps], market, policy, factor)


def gain_per_h(view: FleetView, market: Market, memory: PriceMemory, policy: PricePolicy, *, acts: bool) -> float:
    """Return what the levels that price wants earn more in an hour than the owner's own; what is bound counts 0."""
    held_at = memory.steps if acts else view.intended
    bound = np.where(view.setpoint > np.maximum(held_at, view.intended), view.setpoint, 0)
    with_it = np.maximum(np.maximum(memory.steps, view.intended), bound)
    without = np.maximum(view.intended, bound)
    counts = view.fresh & ~view.sealed & _is_weighed(view, policy) & (with_it != without)
    if not counts.any():
        return 0.0
    gained = _at(view, market, policy, memory.factor, with_it)[0]
    gained = gained - _at(view, market, policy, memory.factor, without)[0]
    return float(np.nansum(gained[counts]))


def _begun(view: FleetView, j_th: Floats, memory: PriceMemory, now: float) -> PriceMemory:
    """Begin with machines where they are set; again with those whose ladder is another now."""
    begun = on_ladders(view, memory).begun
    new = ~begun & view.heard & (view.last_step > 0)
    at = np.maximum(view.setpoint, view.intended)
    rows = np.arange(len(view))
    seen = np.maximum(view.seen, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = j_th / (view.step_w[rows, seen] / view.step_ths[rows, seen])
    factor = np.where(np.isfinite(own) & view.fresh, np.clip(own, *FACTOR_BOUNDS), memory.factor)
    return replace(
        memory,
        wanted=np.where(new, at, memory.wanted).astype(np.int8),
        steps=np.where(new, at, memory.steps).astype(np.int8),
        since=np.where(new, -np.inf, memory.since),
        begun=begun | new,
        factor=factor,
        step_w=view.step_w,
        guard=replace(memory.guard, steps=np.where(begun, memory.guard.steps, 0).astype(np.int8)),
        known_at=now if np.isneginf(memory.known_at) else memory.known_at,
    )


def _best(view: FleetView, market: Market, policy: PricePolicy, memory: PriceMemory) -> Array:
    """Return the step that earns most, where it is worth leaving the one that is wanted now."""
    at = np.maximum(memory.wanted, view.intended)
    earns_now, revenue_now = _at(view, market, policy, memory.factor, at)
    best, wanted = np.zeros(len(view)), at.astype(np.int8)
    horizon_h = np.maximum(policy.min_off_s, HOUR_S) / HOUR_S
    for step in range(int(view.last_step.max(initial=0)) + 1):
        ths = view.step_ths[:, step]
        earns, revenue = _hourly(ths, view.step_w[:, step], market, policy, memory.factor)
        score = earns - earns_now - policy.hysteresis * np.abs(revenue - revenue_now)
        stops = (ths <= 0) & (step == view.last_step) & (at != view.last_step)
        score = score - np.where(stops, policy.restart_cost / horizon_h, 0.0)
        better = (score > best) & (step >= view.intended) & (step <= view.last_step)
        if policy.whole is not None:
            better &= ~policy.whole | (step == view.intended) | (step == view.last_step)
        best, wanted = np.where(better, score, best), np.where(better, step, wanted).astype(np.int8)
    return np.where(_is_weighed(view, policy), wanted, view.intended)


def _is_weighed(view: FleetView, policy: PricePolicy) -> Flags:
    """Return whose levels are known to hash something, else nobody can say what they earn, and whom price may move."""
    weighed: Flags = (view.step_ths[:, 0] > 0) & (view.last_step > 0)
    return weighed if policy.fixed is None else weighed & ~policy.fixed


def _may_move(view: FleetView, policy: PricePolicy, memory: PriceMemory, now: float) -> Flags:
    """Return who has been at what is wanted of it for long enough. Who is held stays: we could not wake it again."""
    is_off = memory.wanted == view.last_step
    least_s = np.where(is_off, policy.min_off_s, policy.min_on_s)
    may: Flags = memory.begun & ~view.held & (now - memory.since >= least_s)
    return may


def _ramped(view: FleetView, wanted: Array, memory: PriceMemory, policy: PricePolicy, now: float) -> tuple[Array, Ramp]:
    """Go up to what is wanted at once (the way back has a ramp of its own), and down as far as the ramp lets."""
    steps = np.minimum(memory.steps, wanted)
    down = np.flatnonzero(wanted > steps)
    rate = policy.shed_w_per_s
    if not len(down):
        return steps, Ramp()
    freed = _freed(view, steps, wanted, down)
    if rate is None and policy.max_step_w is None:
        return wanted, Ramp()
    step_w = policy.max_step_w or float(freed.max())
    ramp = memory.ramp.filled(rate_w_per_s=rate or step_w, mono=now, step_w=step_w)
    budget_w = min(ramp.tokens_w, policy.max_step_w or np.inf)
    order = _costliest_first(view, memory, down)
    goes = order[np.cumsum(freed[order]) <= budget_w]
    after = steps.copy()
    after[down[goes]] = wanted[down[goes]]
    return after, ramp.spent(float(freed[goes].sum()))


def _freed(view: FleetView, steps: Array, wanted: Array, down: Indices) -> Floats:
    """Return the W that each of these machines draws less; one that is lower already frees none."""
    at = np.maximum(steps[down], view.setpoint[down])
    freed: Floats = np.maximum(view.step_w[down, at] - view.step_w[down, wanted[down]], 0.0)
    return freed


def _costliest_first(view: FleetView, memory: PriceMemory, down: Indices) -> Indices:
    with np.errstate(divide="ignore", invalid="ignore"):
        j_th = view.step_w[down, 0] / view.step_ths[down, 0] * memory.factor[down]
    return np.lexsort((view.rank[down], -j_th))
