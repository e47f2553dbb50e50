"""The decision of one tick: what binds against what is, and from it setpoints and commands.

A function of values. Shed on doubt, restore on proof: lowering goes by the forecast, raising only within
draw + reserve + step <= cap, along the ramps, and never in a tick that lowers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.power import BELIEF_MARGIN
from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning import reconcile, restoring, shedding
from agent.planning.headroom import Power, at_step, on_its_way, power, reserves
from agent.planning.part import Part
from agent.planning.ramp import Ramp
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import SITE, Metered, Tree
from agent.values import Watts

Found = TypeVar("Found")

UNREAD_SHARE = 0.1
"""Above this share of nameplate unread, and without a meter, the farm is blind (design 3.3)."""
DEADBAND = 0.5
"""Shedding begins when the forecast is within this share of the margin of the cap, and ends a margin below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one tick leaves to the next: the ramps, by feeder, and the shedding's."""

    restore: Mapping[int, Ramp] = field(default_factory=dict)
    shed: Ramp = field(default_factory=Ramp)
    parts: Mapping[str, Ramp] = field(default_factory=dict)  # by the order whose limit it is
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
    binding_order: str | None = None  # whose limit `cap_w` is; None: the connection's


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
    for part in demand.parts:
        if part.stop:
            setpoint, cause = tick.stopped(setpoint, cause, part.commanded)
    lowered, shed_ramp = tick.lowered(setpoint, memory.shed)
    lowered, part_ramps = tick.lowered_by_parts(lowered, memory.parts)
    if (lowered != setpoint).any():
        setpoint, cause = lowered, "doubt" if tick.blind else "shed"
    ramps: Mapping[int, Ramp] = {}
    if not cause and tick.may_restore:
        raised, ramps = tick.raised(setpoint, memory.restore)
        if (raised != setpoint).any():
            setpoint, cause = raised, "restore"
    return tick.decision(
        setpoint, cause, Memory(restore=ramps, shed=shed_ramp, parts=part_ramps, unread_since=tick.unread_since)
    )


def fits(view: FleetView, tree: Tree, demand: Demand, situation: Situation, policy: Policy) -> bool:
    """Return whether draw and reserve at the present setpoints are within every limit, none of them with a margin."""
    if demand.stop:
        return False
    tick = _Tick(
        view=view, tree=tree, demand=demand, situation=situation, policy=policy, unread_since=None, rank=view.rank
    )
    weighed = tick.weigh(view.setpoint)
    if np.isfinite(tick.cap_w) and weighed.draw_w + weighed.reserve_w > tick.cap_w:
        return False
    return all(part.stop or tick.fits(part, view.setpoint) for part in demand.parts)


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


def _once(kept: list[tuple[Array, Found]], setpoint: Array, find: Callable[[], Found]) -> Found:
    """Return what was found for this very column, or find it."""
    for column, found in kept:
        if column is setpoint:
            return found
    kept.append((setpoint, find()))
    return kept[-1][1]


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
    flowing: list[tuple[Array, Floats]] = field(default_factory=list)
    roomy: list[tuple[Array, Floats]] = field(default_factory=list)

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
        caps = [part.cap_w for part in self.demand.parts if part.is_of_site]
        return min(own, *caps, own if self.demand.cap_w is None else self.demand.cap_w)

    def weigh(self, setpoint: Array) -> Power:
        """Weigh these setpoints, each column once a tick."""
        share = 1.0 if self.demand.law else self.policy.reserve_unreachable
        gauges = self.situation.gauges
        return _once(
            self.weighed, setpoint, lambda: power(self.view, setpoint, gauges, lost_share=share, blind=self.blind)
        )

    def intended(self) -> tuple[Array, str]:
        """Bring down at once whom the owner wants lower than they are set."""
        setpoint = np.maximum(self.view.setpoint, self.view.intended)
        return setpoint, "intended" if (setpoint != self.view.setpoint).any() else ""

    def stopped(self, setpoint: Array, cause: str, among: Flags | None = None) -> tuple[Array, str]:
        """Put everybody, or those among, to the deepest step there is."""
        deepest = self.view.last_step if among is None else np.where(among, self.view.last_step, 0)
        stopped = np.maximum(setpoint, deepest)
        return stopped, "stop" if (stopped != setpoint).any() else cause

    def lowered(self, setpoint: Array, ramp: Ramp) -> tuple[Array, Ramp]:
        """Shed below each feeder that is over its cap, then at the site."""
        for feeder in range(len(self.tree.cap_w) - 1, SITE, -1):
            if np.isfinite(self.tree.cap_w[feeder]) and self.situation.proved:
                setpoint = self._shed_feeder(setpoint, feeder)
        own_w = self.tree.cap_w[SITE]
        excess_w = self._site_excess(setpoint, own_w if self.demand.cap_w is None else min(own_w, self.demand.cap_w))
        rate = self._shed_rate(self.demand.may_step, self.demand.shed_w_per_s)
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

    def _site_excess(self, setpoint: Array, cap_w: Watts) -> Watts:
        """Return what must go so that the forecast is a margin under the cap; 0 while it is inside the deadband."""
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

    def _shed_rate(self, may_step: bool, own_w_per_s: float | None) -> float | None:  # noqa: FBT001
        """Return the W/s that shedding keeps to, None where it may step."""
        if may_step:
            return None
        rates = [rate for rate in (own_w_per_s, self.policy.shed_w_per_s) if rate is not None]
        return min(rates, default=self.policy.max_step_w)

    def lowered_by_parts(self, setpoint: Array, ramps: Mapping[str, Ramp]) -> tuple[Array, Mapping[str, Ramp]]:
        """Shed for each limit that is on some of the machines, or leaves some out."""
        kept: dict[str, Ramp] = {}
        for part in self.demand.parts:
            excess_w = self._part_excess(setpoint, part)
            if excess_w <= 0:
                continue
            rate, ramp = self._shed_rate(part.may_step, part.shed_w_per_s), ramps.get(part.key, Ramp())
            if rate is not None:
                step_w = self.policy.max_step_w or float(np.nanmax(self.view.step_w, initial=0.0))
                ramp = ramp.filled(rate_w_per_s=rate, mono=self.situation.now, step_w=step_w)
                excess_w = min(excess_w, ramp.tokens_w, self.policy.max_step_w or float("inf"))
            setpoint, freed_w = self._shed(setpoint, part.commanded & self._sheddable(), excess_w)
            if rate is not None:
                kept[part.key] = ramp.spent(freed_w)
        return setpoint, kept

    def _part_excess(self, setpoint: Array, part: Part) -> Watts:
        if part.is_of_site:
            return self._site_excess(setpoint, part.cap_w)
        if not self.situation.proved or not np.isfinite(part.cap_w):
            return 0.0
        forecast_w, share = self._part_forecast(setpoint, part)
        is_within = forecast_w <= part.cap_w * (1 - DEADBAND * self.policy.margin)
        return 0.0 if is_within else (forecast_w - part.cap_w * (1 - self.policy.margin)) / share

    def _part_forecast(self, setpoint: Array, part: Part) -> tuple[Watts, float]:
        """Return what a part will draw, and the least a W shed counts in it."""
        if part.feeder is not None:
            return self._feeder_forecast(setpoint, part.feeder)
        assert part.counted is not None  # what is neither the site's nor a feeder's counts some machines
        return float(BELIEF_MARGIN * self.weigh(setpoint).expected[part.counted].sum()), BELIEF_MARGIN

    def _shed_feeder(self, setpoint: Array, feeder: int) -> Array:
        cap_w = self.tree.cap_w[feeder]
        forecast_w, share = self._feeder_forecast(setpoint, feeder)
        if forecast_w <= cap_w * (1 - DEADBAND * self.policy.margin):
            return setpoint
        excess_w = (forecast_w - cap_w * (1 - self.policy.margin)) / share
        return self._shed(setpoint, self.tree.below(self.view, feeder) & self._sheddable(), excess_w)[0]

    def _feeder_forecast(self, setpoint: Array, feeder: int) -> tuple[Watts, float]:
        """Return what will flow through a feeder, by meters or else by beliefs, and the least a W shed counts in it."""
        is_measured = bool(self.tree.inside(feeder)[list(self.situation.gauges.feeders)].any())
        return float(self._flows_w(setpoint)[feeder]), 1.0 if is_measured else BELIEF_MARGIN

    def _flows_w(self, setpoint: Array) -> Floats:
        def found() -> Floats:
            expected = self.weigh(setpoint).expected
            metered = Metered(changes=on_its_way(self.view, expected), least=np.zeros(len(self.view)))
            return self.tree.flows(self.view, BELIEF_MARGIN * expected, self.situation.gauges.feeders, metered)

        return _once(self.flowing, setpoint, found)

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
        view = self.view if self.demand.lasts else self.view.briefly()
        rows, steps, freed_w = shedding.shed(view, setpoint, expected, among=among, free_w=free_w, rank=self.rank)
        after = setpoint.copy()
        after[rows] = steps
        return after, freed_w

    def raised(self, setpoint: Array, ramps: Mapping[int, Ramp]) -> tuple[Array, Mapping[int, Ramp]]:
        """Raise who fits into headroom and ramp of the site and of every feeder above them."""
        index = restoring.candidates(self.view, setpoint, self.rank)
        for part in self.demand.parts:
            index = index[~part.commanded[index]] if part.stop else index
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
            rise = weighed.rise * (1 + self.situation.gauges.follow_share) if feeder == SITE else weighed.rise
            index = restoring.admit(index, rise, float(headroom_w[feeder]), below)
            if feeder in filled:
                index = restoring.admit(index, nominal_w, filled[feeder].tokens_w, below)
        for part in self.demand.parts:
            if part.counted is not None and part.feeder is None:
                index = restoring.admit(index, weighed.rise, self._part_room_w(part, setpoint), part.counted)
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
        return _once(self.roomy, setpoint, lambda: self._headroom_found_w(weighed, setpoint))

    def _headroom_found_w(self, weighed: Power, setpoint: Array) -> Floats:
        caps_w = np.array(self.tree.cap_w)
        for part in self.demand.parts:
            if part.feeder is not None:
                caps_w[part.feeder] = min(caps_w[part.feeder], part.cap_w)
        headroom_w = caps_w * (1 - self.policy.margin)
        if np.isfinite(headroom_w[SITE + 1 :]).any():
            reserve = reserves(self.view, setpoint, metered=False, lost_share=1.0)
            not_shown = reserves(self.view, setpoint, metered=True, lost_share=1.0)
            metered = Metered(changes=not_shown, least=self.view.believed_w + reserve)
            told = BELIEF_MARGIN * self.view.believed_w + reserve
            headroom_w -= self.tree.flows(self.view, told, self.situation.gauges.feeders, metered)
        headroom_w[SITE] = self.cap_w * (1 - self.policy.margin) - weighed.draw_w - weighed.reserve_w
        return headroom_w

    def fits(self, part: Part, setpoint: Array) -> bool:
        """Whether a part's draw and reserve are within its limit: else nobody in it is told to rise again."""
        if part.is_of_site or part.stop:
            return not part.stop
        if part.feeder is not None:
            return float(self._headroom_w(self.weigh(setpoint), setpoint)[part.feeder]) >= 0.0
        return self._part_room_w(part, setpoint) >= 0.0

    def _part_room_w(self, part: Part, setpoint: Array) -> Watts:
        reserve = reserves(self.view, setpoint, metered=False, lost_share=1.0)
        told = (BELIEF_MARGIN * self.view.believed_w + reserve)[part.counted]
        return part.cap_w * (1 - self.policy.margin) - float(told.sum())

    def decision(self, setpoint: Array, cause: str, memory: Memory) -> Decision:
        """State the setpoints that change, the commands that are due, and the figures they rest on."""
        weighed = self.weigh(setpoint)
        cap_w = self.cap_w if np.isfinite(self.cap_w) else None
        room_w = None if cap_w is None else cap_w - weighed.draw_w - weighed.reserve_w
        rows = np.flatnonzero(setpoint != self.view.setpoint)
        admitted = self.may_restore and (room_w is None or room_w >= 0)
        lower, higher = reconcile.due(self.view, setpoint, changed=rows, may_raise=admitted)
        for part in self.demand.parts:
            higher = higher if self.fits(part, setpoint) else higher[~part.counts(higher)]
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
            restore_pending_w=float(pending_w[(setpoint > self.view.intended) & ~self.view.held].sum()),
            memory=memory,
            binding_order=self.demand.order_of(cap_w),
        )

    def _shortfall(self, setpoint: Array, weighed: Power, cap_w: Watts | None) -> Watts:
        """Return the W above the cap that nobody is left to free."""
        if cap_w is None or (self._sheddable() & (setpoint < self.view.last_step)).any():
            return 0.0
        return max(0.0, max(weighed.forecast_w, weighed.metered_forecast_w or 0.0) - cap_w)
