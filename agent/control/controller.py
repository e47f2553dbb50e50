"""The loop that holds the farm to what binds: look, decide, write down, send. Level-triggered, for ever.

It decides nothing itself: the order book says what binds, `decide` says what to do about it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import structlog

from agent.control.apparent_watch import ApparentWatch
from agent.control.climate_watch import ClimateWatch
from agent.control.cutting import Cutting, Seen
from agent.control.demand import demand_of
from agent.control.drill import Drills
from agent.control.giving_back import GivingBack
from agent.control.minutes import MinuteBook, ScopedMinutes, look_of
from agent.control.observation import Site, observe
from agent.control.owners import OwnersTerms
from agent.control.parts import Limits, Parts
from agent.control.pricing import Pricing
from agent.control.remedying import Bearing, Remedying
from agent.control.safety import SafetyWatch
from agent.control.scopes import Scopes
from agent.control.seal_watch import SealWatch
from agent.control.setpoints import Decided, setpoints
from agent.control.turning import gathered, kept
from agent.facts import (
    AnyFact,
    CapChanged,
    HoldLifted,
    LastPowers,
    LevelsSeen,
    ShortfallChanged,
    UnauthorisedWake,
)
from agent.fleet.holds import BY_TIME
from agent.fleet.view import FleetView
from agent.orders.arbitration import Cap
from agent.orders.compliance import Observed
from agent.orders.order import Order
from agent.planning.decide import Decision, Memory, decide, fits
from agent.planning.situation import Demand, Situation
from agent.values import Moment, Watts

BUSY_S, QUIET_S = 1.0, 10.0
"""How often the whole is planned: under an order or on the way, and else."""
BEHIND_S = 0.02
"""So soon after a tick that could not tell everybody."""
PAST_S = 0.01
"""So long after an instant we look: a timer may come a thousandth early, and what has not begun would wait a turn."""
SHORTFALL_STEP_W = 1000.0
"""A shortfall that moves by less is not worth a fact."""
SLOPE_SHARE, SLOPE_S = 0.02, 60.0
"""A cap that slopes is told anew when it moved by so much of itself, or after so long."""
POWERS_EACH_S = 900.0
log = structlog.get_logger()

__all__ = ["Controller", "Limits", "Parts"]


class Controller:
    """One site's control. `decision` is the latest; `wake` asks for a tick now; `turn` is held while facts are made."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self.parts = parts
        self.limits = limits
        self.decision: Decision | None = None
        self.turn = asyncio.Lock()
        self.scopes = Scopes(parts.fleet, parts.metering)
        parts.book.ground = self.scopes
        self.minutes = MinuteBook(enforce=limits.enforce)
        self.scoped_minutes = ScopedMinutes(enforce=limits.enforce)
        parts.dispatcher.tell_of(parts.book.begun_ids)
        self._memory = Memory()
        self.pricing: Pricing | None = None
        self.drills: Drills | None = None
        self.owners: OwnersTerms | None = None
        self._seal_watch = SealWatch(parts.fleet, parts.seals)
        self._safety_watch = SafetyWatch(parts.fleet, parts.safety)
        self._giving_back = GivingBack()
        self._apparent_watch = ApparentWatch(parts.fleet, parts.metering)
        self.climate = ClimateWatch(parts.fleet, limits.climate)
        self.cutting = Cutting(parts.fleet, parts.outlets, limits.tree, limits.policy)
        self.cutting.pumped = self.climate.pumped
        self.cutting.tell_of(parts.dispatcher)
        self.remedying = Remedying(parts.fleet, limits.remedies, parts.outlets, self.cutting, parts.dispatcher)
        self._asked = asyncio.Event()
        self._binds, self._demand = Cap(), Demand()
        self._stated: tuple[Watts | None, str | None] | None = None
        self._stated_at = float("-inf")
        self._would: tuple[str, int] | None = None
        self._shortfall_w: Watts = 0.0
        self._powers_at = parts.clock.now().mono

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        self.minutes.replayed(fact)
        self.parts.safety.apply(fact)
        self.parts.outlets.apply(fact)
        self.parts.own_figures.apply(fact)
        self.remedying.replayed(fact)

    def wake(self) -> None:
        """Ask for a tick at once."""
        self._asked.set()

    async def run(self) -> None:
        """Tick for ever: each second while something is under way, else each ten, at starts, at ends, when asked."""
        while True:
            await self.tick()
            await self._pause(self._pause_s())

    def _pause_s(self) -> float:
        """Return the seconds until the next tick: an order's start or end is not slept through."""
        if self.parts.dispatcher.is_behind:
            return BEHIND_S
        now = self.parts.clock.now()
        seconds, at = BUSY_S if self.is_busy() else QUIET_S, self.parts.book.next_change(now)
        if at is None:
            return seconds
        until_s = (at - now.latest).total_seconds()
        return min(seconds, until_s + PAST_S) if until_s > 0 else BUSY_S

    async def _pause(self, seconds: float) -> None:
        waits = {
            asyncio.create_task(self.parts.clock.sleep(seconds), name="controller-pause"),
            asyncio.create_task(self._asked.wait(), name="controller-asked"),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._asked.clear()

    def is_busy(self) -> bool:
        """Whether an order is open, or machines are on their way."""
        decision = self.decision
        if decision is None or self.parts.book.is_open() or not self.parts.proved():
            return True
        return decision.restore_pending_w > 0 or bool(len(decision.lower) or len(decision.higher))

    async def tick(self) -> None:
        """Look, decide, write down, send."""
        async with self.turn:
            now = self.parts.clock.now()
            self.cutting.show(now.mono)
            facts = self.climate.look(now)
            async with kept(facts, self.parts.journal):
                view = self.view(now)
                facts += self.parts.metering.facts(now)
                facts += self._lift_holds(now)
                feeders_w = self.parts.metering.gauges(now.mono).feeders
                facts += self._seal_watch.look(feeders_w, self.parts.book.open_ids(), now)
                facts += self._safety_watch.look(self.parts.book.open_ids(), now)
                observed = self.observed(now, view)
                if await gathered(self.parts.book.steps(now, observed), facts, self.parts.clock):
                    view = self.view(now)  # who was identified meanwhile may have another ladder
                decision = self._decide(view, now)
                facts += self._facts(decision, now)
                facts += self._cut(view, decision, now)
                facts += self.remedying.look(self._bearing(view, now))
                facts += [] if self.pricing is None else self.pricing.facts()
                facts += self._minutes(observed, decision, now)
            decided = Decided(self.parts.fleet, decision)
            written = await self.parts.journal.record(facts)
            if self.limits.enforce:
                await self._send(decision, decided, written=written)
                self.cutting.send(now, written=written)
                self.remedying.send(written=written)
                await self._prepare(view)

    def _bearing(self, view: FleetView, now: Moment) -> Bearing:
        orders, enforce = self.parts.book.open_ids(), self.limits.enforce
        parts, may = self._demand.parts, self.parts.journal.writable
        return Bearing(view=view, fits=self._fits, parts=parts, writable=may, orders=orders, enforce=enforce, now=now)

    def _cut(self, view: FleetView, decision: Decision, now: Moment) -> list[AnyFact]:
        """Return what outlets are meant to be, and what they are seen to be."""
        if not self.parts.outlets.policies:
            return []
        seen = Seen(
            view=view,
            demand=self._demand,
            situation=self.situation(now),
            shortfall_w=decision.shortfall_w,
            orders=self.parts.book.open_ids(),
            proved=self.parts.proved(),
            now=now,
        )
        return self.cutting.look(seen, enforce=self.limits.enforce)

    def view(self, now: Moment) -> FleetView:
        """Return the machines as they are, with what price, where it may act, a drill and contracts want of them."""
        view = self.parts.fleet.view(now.mono)
        view = view if self.pricing is None else self.pricing.over(view, now)
        view = view if self.drills is None else self.drills.over(view, now)
        tripped = bool(self.parts.safety.trips)
        return view if self.owners is None else self.owners.over(view, self.parts.book.cap(now), tripped=tripped)

    def _minutes(self, observed: Observed, decision: Decision, now: Moment) -> list[AnyFact]:
        """Tell minutes: of the site for the orders upon it, and of each other order as it is judged."""
        caps_w = self.parts.book.own_caps_w(now)
        begun = self.parts.book.begun_ids()
        whole = [order_id for order_id in begun if order_id not in observed.of]
        scoped = {
            order_id: look_of(observed.at(order_id), caps_w.get(order_id))
            for order_id in begun
            if order_id in observed.of
        }
        told = self.minutes.seen(look_of(observed, decision.cap_w), whole, now)
        return told + self.scoped_minutes.seen(scoped, now)

    def observed(self, now: Moment, view: FleetView | None = None, coming: Order | None = None) -> Observed:
        """Return what orders, and one that is coming in, are judged by at this moment."""
        shed = self._safety_watch.parts()
        view = view if view is not None else self.parts.fleet.view(now.mono)
        if shed:  # what a safety input took over is no order's to give back
            view = replace(view, held=np.logical_or.reduce([view.held, *(part.commanded for part in shed)]))
        site = Site(
            metering=self.parts.metering,
            decision=None if shed else self.decision,
            proved=self.parts.proved(),
            connection_w=self.limits.tree.cap_w[0],
        )
        seen, scoped = observe(self.parts.fleet, view, site, now), self.parts.book.scoped()
        if coming is not None and (coming.is_of_site or self.scopes.unknown(coming) is not None):
            coming = None
        self.scopes.keep(order.scope for order in (*scoped, *([coming] if coming else [])))
        no_further = self._giving_back.comes_no_further(view, self.parts.fleet.owed, self._ramp_w_per_s(), now.mono)
        everybody, seen = np.ones(len(view), np.bool_), replace(seen, comes_no_further=no_further)
        return replace(
            seen,
            waiting=self.scopes.waiting(everybody, view, proved=seen.proved),
            of={order.order_id: self.scopes.observed(order, seen, view, now) for order in scoped},
            coming=None if coming is None else self.scopes.observed(coming, seen, view, now),
        )

    def _ramp_w_per_s(self) -> float:
        """Return the slowest ramp that anybody comes back by."""
        asked = self.parts.book.restore_kw_per_min()
        ramps = (self.limits.policy.restore_w_per_s, *self.limits.tree.ramp_w_per_s)
        return min(*ramps, float("inf") if asked is None else asked * 1000 / 60)

    def demand(self, now: Moment) -> Demand:
        """Return what binds at this instant."""
        book, policy = self.parts.book, self.limits.policy
        own = None if policy.shed_w_per_s is None else policy.shed_w_per_s * 60 / 1000
        standing = (*self._safety_watch.parts(), *self._apparent_watch.parts(now.mono))  # whatever is ordered
        cap = book.coming(now, shed_kw_per_min=own, most_w=self.limits.tree.cap_w[0])
        return demand_of(
            cap,
            connection_w=self.limits.tree.cap_w[0],
            restore_kw_per_min=book.restore_kw_per_min(),
            parts=(*(self.scopes.part(bound, now) for bound in cap.parts), *standing),
        )

    def situation(self, now: Moment) -> Situation:
        """Return what the shell knows beside the machines."""
        return Situation(
            now=now.mono,
            gauges=self.parts.metering.gauges(now.mono),
            proved=self.parts.proved(),
            may_raise=self.parts.journal.writable,
        )

    def _decide(self, view: FleetView, now: Moment) -> Decision:
        self._binds, self._demand = self.parts.book.cap(now), self.demand(now)
        known = self.limits.tree, self._demand, self.situation(now), self.limits.policy
        decision = decide(view, *known, self._memory)
        self._memory = decision.memory
        decision = decision if self.pricing is None else self.pricing.caused(decision)
        decision = decision if self.drills is None else self.drills.caused(decision)
        self.decision = decision
        return decision

    def _lift_holds(self, now: Moment) -> list[AnyFact]:
        if not (over := self.parts.holds.over(now.earliest)):
            return []
        self.parts.holds.lift_over(over, now.earliest)
        self.parts.fleet.hold(self.parts.holds.by_miner())
        return [HoldLifted(at=now.at, miners=over, by=BY_TIME, over_at=now.earliest)]

    def _facts(self, decision: Decision, now: Moment) -> list[AnyFact]:
        binding = decision.binding_order
        facts: list[AnyFact] = []
        if self._is_another(decision.cap_w, binding, now):
            self._stated, self._stated_at = (decision.cap_w, binding), now.mono
            facts.append(CapChanged(at=now.at, cap_w=decision.cap_w, binding_order=binding))
        if self.limits.enforce and len(decision.rows):
            orders = [*(bound.order.order_id for bound in self._binds.parts), *self.parts.book.freeing_ids()]
            facts.append(setpoints(self.parts.fleet, decision, orders, now))
        elif not self.limits.enforce:
            self._say_what_would_be(decision)
        if abs(decision.shortfall_w - self._shortfall_w) >= SHORTFALL_STEP_W or (
            decision.shortfall_w == 0.0 < self._shortfall_w
        ):
            self._shortfall_w = decision.shortfall_w
            log.warning("shortfall", shortfall_w=round(decision.shortfall_w), order_id=binding)
            facts.append(ShortfallChanged(at=now.at, shortfall_w=decision.shortfall_w, binding_order=binding))
        return facts + self._seen(now)

    def _is_another(self, cap_w: Watts | None, binding: str | None, now: Moment) -> bool:
        """Whether the cap is worth a fact: one that slopes is told step by step, and at last where it came to."""
        stated = self._stated
        if stated is None or stated[1] != binding or (stated[0] is None) != (cap_w is None):
            return True
        if cap_w is None or stated[0] is None or cap_w == stated[0]:
            return False
        return abs(cap_w - stated[0]) >= SLOPE_SHARE * stated[0] or now.mono - self._stated_at >= SLOPE_S

    def _say_what_would_be(self, decision: Decision) -> None:
        would = (decision.cause, len(decision.rows))
        if would != self._would:
            self._would = would
            if len(decision.rows):
                log.warning("observe: nothing is sent", would=decision.cause, miners=len(decision.rows))

    def _seen(self, now: Moment) -> list[AnyFact]:
        """Return what readings proved since the last tick: levels reached, machines awake against their setpoint."""
        fleet, orders = self.parts.fleet, self.parts.book.begun_ids()
        facts = self.parts.dispatcher.receipts.facts(orders, now)
        if fleet.proved:
            levels: dict[str, list[str]] = {}
            for row in fleet.proved:
                levels.setdefault(fleet.level_of(row, int(fleet.setpoint[row])) or "", []).append(fleet.miners[row].id)
            fleet.proved.clear()
            facts.append(LevelsSeen(at=now.at, levels=levels, orders=orders))
        if fleet.woken:
            ids = [fleet.miners[row].id for row in fleet.woken]
            fleet.woken.clear()
            log.warning("woken by somebody else", miners=len(ids), first=ids[0])
            facts.append(UnauthorisedWake(at=now.at, miners=ids, orders=orders))
        if now.mono - self._powers_at >= POWERS_EACH_S:
            self._powers_at = now.mono
            facts.append(self.powers(now))
        return facts

    def powers(self, now: Moment) -> LastPowers:
        """Return each machine's believed power, for the start after the next stop."""
        fleet = self.parts.fleet
        powers_w = {miner.id: round(float(fleet.believed_w[row]), 1) for row, miner in enumerate(fleet.miners)}
        return LastPowers(at=now.at, powers_w=powers_w, house_w=self.parts.metering.house.in_force_w(now.mono))

    async def _send(self, decision: Decision, decided: Decided, *, written: bool) -> None:
        """Set and send: lowering always, raising only where it was written and still fits at this instant."""
        fleet, now = self.parts.fleet, self.parts.clock.now()
        steps, stands = decided.steps()
        raised = steps < fleet.setpoint[decision.rows]
        keep = stands & (~raised | written)
        if (raised & keep).any():
            self._giving_back.raised(now.mono)
        fleet.set_steps(decision.rows[keep], steps[keep], now.mono)
        if not stands.all():
            self.wake()
        gone = np.isin(decision.lower, decision.rows[~stands])
        await self.parts.dispatcher.send(decision.lower[~gone])
        if self.parts.dispatcher.is_behind:
            return  # lowering goes first
        higher = decision.higher[fleet.seen[decision.higher] > fleet.setpoint[decision.higher]]
        if len(higher) and written:
            await self.parts.dispatcher.send(higher, still=self._fits)

    async def _prepare(self, view: FleetView) -> None:
        """While nobody has to be told, let those that may have to be get ready for it."""
        if self.decision is None or not len(self.decision.lower):
            awake = view.fresh & ~view.sealed & (view.seen < view.last_step)
            await self.parts.dispatcher.prepare(np.flatnonzero(awake))

    def _fits(self) -> bool:
        """Whether draw and reserve, with what was set, are within every limit of this instant."""
        now = self.parts.clock.now()
        view = self.parts.fleet.view(now.mono)
        return fits(view, self.limits.tree, self.demand(now), self.situation(now), self.limits.policy)
