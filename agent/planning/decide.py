"""The decision of one tick: what binds against what is, and from it setpoints and commands.

A function of values. Shed on doubt, restore on proof: lowering goes by the forecast, raising only within
draw + reserve + step <= cap, along the ramps, and never in a tick that lowers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.power import BELIEF_MARGIN
from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning import reconcile, restoring, shedding
from agent.planning.headroom import Gauges, Power, at_step, on_its_way, power, reserves
from agent.planning.ramp import Ramp
from agent.values import Watts

SITE = 0
"""The root's position in the feeder tree."""
UNREAD_SHARE = 0.1
"""Above this share of nameplate unread, and without a meter, the farm is blind (design 3.3)."""
DEADBAND = 0.5
"""Shedding begins when the forecast is within this share of the margin of the cap, and ends a margin below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the farm is run, whatever binds."""

    margin: float = 0.01
    reserve_unreachable: float = 1.0
    blind_s: float = 120.0
    restore_w_per_s: float = 500_000 / 60
    shed_w_per_s: float | None = None  # bound on what may not step
    max_step_w: Watts | None = None
    rotation: int = 0  # shifts the order of ids among equals


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The feeders as arrays, the site first, each after its parent; caps inf where there is none."""

    parent: tuple[int, ...] = (-1,)
    cap_w: tuple[Watts, ...] = (float("inf"),)
    ramp_w_per_s: tuple[float, ...] = (float("inf"),)

    def below(self, view: FleetView, feeder: int) -> Flags:
        """Return which miners hang below this feeder."""
        below: Flags = self.inside(feeder)[view.feeder]
        return below

    def inside(self, feeder: int) -> Flags:
        """Return which feeders are this one or below it."""
        inside = np.zeros(len(self.parent), np.bool_)
        inside[feeder] = True
        for position in range(feeder + 1, len(self.parent)):
            inside[position] |= inside[self.parent[position]]
        return inside

    def sums(self, view: FleetView, column: Floats) -> Floats:
        """Add a column up below each feeder."""
        sums = np.bincount(view.feeder, weights=column, minlength=len(self.parent)).astype(np.float64)
        for position in range(len(self.parent) - 1, SITE, -1):
            sums[self.parent[position]] += sums[position]
        return sums

    def flows(self, view: FleetView, told: Floats, measured: Mapping[int, Watts], metered: Metered) -> Floats:
        """Return what flows through each feeder: by its meter, else by what is told of its machines and flows below."""
        flows = np.bincount(view.feeder, weights=told, minlength=len(self.parent)).astype(np.float64)
        changes, least = self.sums(view, metered.changes), self.sums(view, metered.least)
        for position in range(len(self.parent) - 1, SITE, -1):
            if position in measured:
                flows[position] = max(measured[position] + changes[position], least[position])
            flows[self.parent[position]] += flows[position]
        return flows


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a feeder's meter does not show yet, and the least that flows whatever it shows, W by miner."""

    changes: Floats
    least: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What binds now at the site's meter, over all orders and the connection."""

    cap_w: Watts | None = None
    stop: bool = False  # no machine may hash
    law: bool = False  # a law binds: lost machines count in full
    may_step: bool = False  # law, grid emergency or the connection: shedding needs no ramp
    shed_w_per_s: float | None = None  # the ramp of the order that binds
    restore_w_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the shell knows beside the machines."""

    now: float  # monotonic seconds
    gauges: Gauges = field(default_factory=Gauges)
    proved: bool = True  # two poll rounds are over, or everybody was heard
    may_raise: bool = True  # intent can be written


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one tick leaves to the next: the ramps, by feeder, and the shedding's."""

    restore: Mapping[int, Ramp] = field(default_factory=dict)
    shed: Ramp = field(default_factory=Ramp)
    unread_since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Setpoints that change, commands that are due, and the figures they rest on."""

    rows: Indices
    steps: Array
    cause: str  # intended | stop | shed | doubt | restore | ""
    lower: Indices  # miners to command down, or to command again
    higher: Indices  # miners to command up
    power: Power
    cap_w: Watts | None
    excess_w: Watts
    headroom_w: Watts | None
    shortfall_w: Watts
    restore_pending_w: Watts
    memory: Memory


def decide(
    view: FleetView, tree: Tree, demand: Demand, situation: Situation, policy: Policy, memory: Memory
) -> Decision:
    """Compare what must be with what is."""
    tick = _Tick(
        view=view,
        tree=tree,
        demand=demand,
        situation=situation,
        policy=policy,
        unread_since=_unread_since(view, situation, memory),
        rank=(view.rank + policy.rotation) % max(len(view), 1),
    )
    setpoint, cause = tick.intended()
    if demand.stop:
        setpoint, cause = tick.stopped(setpoint, cause)
    lowered, shed_ramp = tick.lowered(setpoint, memory.shed)
    if (lowered != setpoint).any():
        setpoint, cause = lowered, "doubt" if tick.blind else "shed"
    ramps: Mapping[int, Ramp] = {}
    if not cause and tick.may_restore:
        raised, ramps = tick.raised(setpoint, memory.restore)
        if (raised != setpoint).any():
            setpoint, cause = raised, "restore"
    return tick.decision(setpoint, cause, Memory(restore=ramps, shed=shed_ramp, unread_since=tick.unread_since))


def _unread_since(view: FleetView, situation: Situation, memory: Memory) -> float | None:
    """Return since when over a tenth of the farm is unread while no meter speaks."""
    meter = situation.gauges.meter
    if meter is not None and meter.fresh:
        return None
    nameplate_w = view.step_w[:, 0]
    unread_w = float(nameplate_w[~view.fresh & ~view.sealed].sum())
    if unread_w <= UNREAD_SHARE * float(nameplate_w.sum()):
        return None
    return memory.unread_since if memory.unread_since is not None else situation.now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tick:
    """One tick's inputs, and the steps of its decision over a setpoint column."""

    view: FleetView
    tree: Tree
    demand: Demand
    situation: Situation
    policy: Policy
    unread_since: float | None
    rank: Array
    weighed: list[tuple[Array, Power]] = field(default_factory=list)  # setpoint columns are never changed in place

    @property
    def blind(self) -> bool:
        return self.unread_since is not None and self.situation.now - self.unread_since >= self.policy.blind_s

    @property
    def may_restore(self) -> bool:
        return self.situation.proved and self.situation.may_raise and not self.demand.stop

    @property
    def cap_w(self) -> Watts:
        """The least of the demand's cap and the connection's; inf where there is none."""
        own = self.tree.cap_w[SITE]
        return own if self.demand.cap_w is None else min(own, self.demand.cap_w)

    def weigh(self, setpoint: Array) -> Power:
        """Weigh these setpoints, each column once a tick."""
        for column, weighed in self.weighed:
            if column is setpoint:
                return weighed
        share = 1.0 if self.demand.law else self.policy.reserve_unreachable
        weighed = power(self.view, setpoint, self.situation.gauges, lost_share=share, blind=self.blind)
        self.weighed.append((setpoint, weighed))
        return weighed

    def intended(self) -> tuple[Array, str]:
        """Bring down at once whom the owner wants lower than they are set."""
        setpoint = np.maximum(self.view.setpoint, self.view.intended)
        return setpoint, "intended" if (setpoint != self.view.setpoint).any() else ""

    def stopped(self, setpoint: Array, cause: str) -> tuple[Array, str]:
        """Put everybody to the deepest step there is."""
        stopped = np.maximum(setpoint, self.view.last_step)
        return stopped, "stop" if (stopped != setpoint).any() else cause

    def lowered(self, setpoint: Array, ramp: Ramp) -> tuple[Array, Ramp]:
        """Shed below each feeder that is over its cap, then at the site."""
        for feeder in range(len(self.tree.cap_w) - 1, SITE, -1):
            if np.isfinite(self.tree.cap_w[feeder]) and self.situation.proved:
                setpoint = self._shed_feeder(setpoint, feeder)
        excess_w = self._site_excess(setpoint)
        rate = self._shed_rate()
        if rate is not None:
            step_w = self.policy.max_step_w or float(np.nanmax(self.view.step_w, initial=0.0))
            ramp = ramp.filled(rate_w_per_s=rate, mono=self.situation.now, step_w=step_w) if excess_w > 0 else Ramp()
            excess_w = min(excess_w, ramp.tokens_w, self.policy.max_step_w or float("inf"))
        if excess_w <= 0:
            return setpoint, ramp
        after, freed_w = self._shed(setpoint, self._sheddable(), excess_w)
        if freed_w < excess_w:
            after, more_w = self._shed(after, self._unread(), excess_w - freed_w - self._told_unread_w(setpoint))
            freed_w += more_w
        return after, ramp.spent(freed_w) if rate is not None else ramp

    def _site_excess(self, setpoint: Array) -> Watts:
        """Return what must go so that the forecast is a margin under the cap; 0 while it is inside the deadband."""
        cap_w = self.cap_w
        if not np.isfinite(cap_w):
            return 0.0
        weighed = self.weigh(setpoint)
        over_meter = weighed.measured_w is not None and weighed.measured_w > cap_w
        if not self.situation.proved and not over_meter:
            return 0.0
        forecast_w = weighed.forecast_w
        if over_meter and weighed.metered_forecast_w is not None:
            by_meter_w = weighed.metered_forecast_w
            forecast_w = max(forecast_w, by_meter_w) if self.situation.proved else by_meter_w
        over = forecast_w > cap_w * (1 - DEADBAND * self.policy.margin)
        return forecast_w - cap_w * (1 - self.policy.margin) if over else 0.0

    def _shed_rate(self) -> float | None:
        """Return the W/s that shedding keeps to, None where it may step."""
        if self.demand.may_step:
            return None
        rates = [rate for rate in (self.demand.shed_w_per_s, self.policy.shed_w_per_s) if rate is not None]
        if not rates and self.policy.max_step_w is not None:
            return self.policy.max_step_w
        return min(rates, default=None)

    def _shed_feeder(self, setpoint: Array, feeder: int) -> Array:
        cap_w = self.tree.cap_w[feeder]
        forecast_w, share = self._feeder_forecast(setpoint, feeder)
        if forecast_w <= cap_w * (1 - DEADBAND * self.policy.margin):
            return setpoint
        excess_w = (forecast_w - cap_w * (1 - self.policy.margin)) / share
        return self._shed(setpoint, self.tree.below(self.view, feeder) & self._sheddable(), excess_w)[0]

    def _feeder_forecast(self, setpoint: Array, feeder: int) -> tuple[Watts, float]:
        """Return what will flow through a feeder, by meters or else by beliefs, and the least a W shed counts in it."""
        expected, measured = self.weigh(setpoint).expected, self.situation.gauges.feeders
        metered = Metered(changes=on_its_way(self.view, expected), least=np.zeros(len(self.view)))
        forecast_w = self.tree.flows(self.view, BELIEF_MARGIN * expected, measured, metered)[feeder]
        is_measured = bool(self.tree.inside(feeder)[list(measured)].any())
        return float(forecast_w), 1.0 if is_measured else BELIEF_MARGIN

    def _sheddable(self) -> Flags:
        return self.view.fresh & ~self.view.sealed

    def _unread(self) -> Flags:
        """Return who answers nothing that can be read: the last to be shed, for it may obey and nobody would see."""
        unread: Flags = self.view.heard & ~self.view.fresh & ~self.view.sealed & (self.view.state == Code.UNKNOWN)
        return unread

    def _told_unread_w(self, setpoint: Array) -> Watts:
        """Return what those may be freeing: it does not count as freed, and nobody else is told in their place yet."""
        told = self._unread() & self.view.trusted
        return float((self.view.believed_w - at_step(self.view.step_w, setpoint))[told & (setpoint > 0)].sum())

    def _shed(self, setpoint: Array, among: Flags, free_w: Watts) -> tuple[Array, Watts]:
        expected = self.weigh(setpoint).expected
        rows, steps, freed_w = shedding.shed(self.view, setpoint, expected, among=among, free_w=free_w, rank=self.rank)
        after = setpoint.copy()
        after[rows] = steps
        return after, freed_w

    def raised(self, setpoint: Array, ramps: Mapping[int, Ramp]) -> tuple[Array, Mapping[int, Ramp]]:
        """Raise who fits into headroom and ramp of the site and of every feeder above them."""
        index = restoring.candidates(self.view, setpoint, self.rank)
        if not len(index):
            return setpoint, {}
        weighed = self.weigh(setpoint)
        nominal_w = at_step(self.view.step_w, self.view.intended) - at_step(self.view.step_w, setpoint)
        filled = {feeder: self._filled(ramps, feeder, float(nominal_w[index].max())) for feeder in self._ramped()}
        headroom_w = self._headroom_w(weighed, setpoint)
        for feeder in range(len(self.tree.cap_w) - 1, SITE - 1, -1):
            if not np.isfinite(headroom_w[feeder]) and feeder not in filled:
                continue
            below = None if feeder == SITE else self.tree.below(self.view, feeder)
            index = restoring.admit(index, weighed.rise, float(headroom_w[feeder]), below)
            if feeder in filled:
                index = restoring.admit(index, nominal_w, filled[feeder].tokens_w, below)
        spent = {feeder: ramp.spent(self._moved(feeder, index, nominal_w)) for feeder, ramp in filled.items()}
        after = setpoint.copy()
        after[index] = self.view.intended[index]
        return after, spent

    def _ramped(self) -> list[int]:
        return [SITE] + [f for f in range(1, len(self.tree.cap_w)) if np.isfinite(self.tree.ramp_w_per_s[f])]

    def _filled(self, ramps: Mapping[int, Ramp], feeder: int, step_w: Watts) -> Ramp:
        rate = self.tree.ramp_w_per_s[feeder]
        if feeder == SITE:
            order_rate = self.demand.restore_w_per_s
            rate = min(rate, self.policy.restore_w_per_s, float("inf") if order_rate is None else order_rate)
        return ramps.get(feeder, Ramp()).filled(rate_w_per_s=rate, mono=self.situation.now, step_w=step_w)

    def _moved(self, feeder: int, index: Indices, nominal_w: Floats) -> Watts:
        inside = index if feeder == SITE else index[self.tree.below(self.view, feeder)[index]]
        return float(nominal_w[inside].sum())

    def _headroom_w(self, weighed: Power, setpoint: Array) -> Floats:
        """Return what may be added below each feeder: by its meter, else by beliefs with a margin."""
        headroom_w = np.array(self.tree.cap_w) * (1 - self.policy.margin)
        if np.isfinite(headroom_w[SITE + 1 :]).any():
            reserve = reserves(self.view, setpoint, metered=False, lost_share=1.0)
            not_shown = reserves(self.view, setpoint, metered=True, lost_share=1.0)
            metered = Metered(changes=not_shown, least=self.view.believed_w + reserve)
            told = BELIEF_MARGIN * self.view.believed_w + reserve
            headroom_w -= self.tree.flows(self.view, told, self.situation.gauges.feeders, metered)
        headroom_w[SITE] = self.cap_w * (1 - self.policy.margin) - weighed.draw_w - weighed.reserve_w
        return headroom_w

    def decision(self, setpoint: Array, cause: str, memory: Memory) -> Decision:
        """State the setpoints that change, the commands that are due, and the figures they rest on."""
        weighed = self.weigh(setpoint)
        cap_w = self.cap_w if np.isfinite(self.cap_w) else None
        room_w = None if cap_w is None else cap_w - weighed.draw_w - weighed.reserve_w
        rows = np.flatnonzero(setpoint != self.view.setpoint)
        admitted = self.may_restore and (room_w is None or room_w >= 0)
        lower, higher = reconcile.due(self.view, setpoint, changed=rows, may_raise=admitted)
        pending = setpoint > self.view.intended
        pending_w = at_step(self.view.step_w, self.view.intended) - at_step(self.view.step_w, setpoint)
        return Decision(
            rows=rows,
            steps=setpoint[rows],
            cause=cause,
            lower=lower,
            higher=higher,
            power=weighed,
            cap_w=cap_w,
            excess_w=0.0 if cap_w is None else max(0.0, weighed.draw_w - cap_w),
            headroom_w=room_w,
            shortfall_w=self._shortfall(setpoint, weighed, cap_w),
            restore_pending_w=float(pending_w[pending & ~self.view.held].sum()),
            memory=memory,
        )

    def _shortfall(self, setpoint: Array, weighed: Power, cap_w: Watts | None) -> Watts:
        """Return the W above the cap that nobody is left to free."""
        if cap_w is None or (self._sheddable() & (setpoint < self.view.last_step)).any():
            return 0.0
        return max(0.0, max(weighed.forecast_w, weighed.metered_forecast_w or 0.0) - cap_w)
