"""Where a drill is asked for, stopped and looked at. One at a time; whatever binds ends it at once.

A drill that ends, by whatever cause, leaves its machines to the controller: their setpoints go back to what is wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import structlog

from agent.control.controller import Controller
from agent.control.drill import MEASURED_S, Gauge, Group, GroupDrill, spread_over
from agent.control.journal import Unwritten
from agent.facts import AnyFact
from agent.facts.drill import DrillBegan, DrillEnded, ModelMeasured
from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet
from agent.fleet.own_figures import key_of
from agent.fleet.seals import Objection
from agent.fleet.selector import TURN, Turns, matches
from agent.fleet.view import Flags, FleetView
from agent.planning.decide import Decision
from agent.values import Moment

LOOKS_EACH_S = 1.0
RESPONDS_EACH_S = 60.0
STARTS_WITHIN = timedelta(minutes=10)
"""A drill gives way to an order that starts so soon."""
AGENT_ENDED = "the agent ended meanwhile"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """What a drill would do: whom it measures, who is left out and why, how long it lasts; `against` why it may not."""

    feeder: str
    percent: float
    groups: tuple[Group, ...]
    left_out: Mapping[str, str]
    gauge: Gauge | None
    lasts_s: float
    against: str | None


@dataclass(slots=True, kw_only=True)
class Course:
    """A drill that goes, or the last that went."""

    plan: DrillPlan
    by: str
    since: datetime
    at: int = 0  # which group
    ended: datetime | None = None
    reason: str | None = None  # why it did not go to its end
    failures: dict[int, str] = field(default_factory=dict)  # by group
    measured: list[ModelMeasured] = field(default_factory=list)


class DrillDesk:
    """Runs drills of one site. `over` is asked each tick, `run` watches the meter each second."""

    def __init__(self, controller: Controller) -> None:
        self.course: Course | None = None
        self._controller = controller
        self._parts = controller.parts
        self._one: GroupDrill | None = None
        self._usual_respond_s = controller.parts.book.policy.respond_s
        self._responds_at = float("-inf")
        controller.drills = self

    # what a hand asks ----------------------------------------------------------------------------------------

    def planning(self, feeder: str, percent: float) -> Turns[DrillPlan]:
        """Find whom a drill of a feeder would measure; raises ValueError for a feeder that is not there."""
        fleet, now = self._parts.fleet, self._parts.clock.now()
        below = yield from matches(fleet, "feeder", feeder)
        fresh = fleet.fresh(now.mono)
        alike: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
        left_out: dict[str, str] = {}
        for place, row in enumerate(np.flatnonzero(below).tolist(), 1):
            why = self._excuse(row, fresh=bool(fresh[row]))
            if why is not None:
                left_out[fleet.miners[row].id] = why
            elif (key := key_of(fleet.identities[row])) is not None:
                alike.setdefault((*key, _levels(fleet, row)), []).append(row)
            if place % TURN == 0:
                yield
        groups = [self._group(model, driver, levels, rows, percent) for (model, driver, levels), rows in alike.items()]
        groups.sort(key=lambda group: (group.model, group.driver, group.levels))
        gauge = yield from self._gauge(feeder, now)
        return DrillPlan(
            feeder=feeder,
            percent=percent,
            groups=tuple(groups),
            left_out=left_out,
            gauge=gauge,
            lasts_s=sum(self._lasts_s(group) for group in groups),
            against=self._against(groups, gauge, feeder, now),
        )

    async def begin(self, plan: DrillPlan, *, by: str) -> Objection | None:
        """Begin the drill that was planned; returns why not. Raises Unwritten."""
        async with self._controller.turn:
            now = self._parts.clock.now()
            against = plan.against or self.against(now)
            if against is not None or plan.gauge is None:
                return Objection(field="feeder", reason=against or "no meter")
            miners = [self._parts.fleet.miners[row].id for group in plan.groups for row in group.rows]
            fact = DrillBegan(
                at=now.at, feeder=plan.feeder, percent=plan.percent, meter=plan.gauge.id, miners=miners, by=by
            )
            if not await self._parts.journal.attempt([fact]):
                raise Unwritten("the ledger cannot be written: is its disk full?")
            self.course = Course(plan=plan, by=by, since=now.at)
            self._one = None
        log.info("drill", feeder=plan.feeder, meter=plan.gauge.id, miners=len(miners), by=by)
        self._controller.wake()
        return None

    async def stop(self, *, by: str) -> bool:
        """End a drill by hand: its machines go back at once. False where none goes."""
        if not self._goes:
            return False
        self._give_up(f"stopped by {by}")
        await self._close()
        return True

    def figures(self) -> Sequence[ModelMeasured]:
        """Return whatever was measured and is in force."""
        return self._parts.own_figures.all()

    @property
    def one(self) -> GroupDrill | None:
        """The group that is measured now."""
        return self._one if self._goes else None

    @property
    def _goes(self) -> bool:
        return self.course is not None and self.course.ended is None

    # what the controller asks --------------------------------------------------------------------------------

    def over(self, view: FleetView, now: Moment) -> FleetView:
        """Return the view with what the drill wants in it; nothing any more from the moment that something binds."""
        if self._one is None or not self._goes:
            return view
        against = self.against(now, running=True)
        if against is not None:
            self._give_up(against)
            return view
        return self._one.over(view, now)

    def caused(self, decision: Decision) -> Decision:
        """Name the drill where it alone brings machines down."""
        if self._one is None or decision.cause != "intended" or not len(decision.rows):
            return decision
        return replace(decision, cause="drill") if set(decision.rows.tolist()) <= {*self._one.group.rows} else decision

    def against(self, now: Moment, *, running: bool = False) -> str | None:
        """Return why no drill may be now, None where it may."""
        parts = self._parts
        orders, start = parts.book.begun_ids(), parts.book.next_start()
        reasons = {
            "observe: nothing is sent": not self._controller.limits.enforce,
            f"order {orders[0] if orders else ''} is not closed": bool(orders),
            "an order starts within ten minutes": start is not None and start - now.latest <= STARTS_WITHIN,
            "a safety input has tripped": bool(parts.safety.trips),
            "the ledger cannot be written": not parts.journal.writable,
            "the start is not over: not every machine was heard yet": not parts.proved(),
            "another drill goes": not running and self._goes,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    # what it does by itself ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Watch the drill that goes, for ever; and how soon machines respond by what was measured."""
        while True:
            await self._parts.clock.sleep(LOOKS_EACH_S)
            await self.look()

    async def look(self) -> None:
        """Take in a second."""
        now = self._parts.clock.now()
        await self._end_broken_off(now)
        if now.mono - self._responds_at >= RESPONDS_EACH_S:
            self._responds_at = now.mono
            await self._respond()
        course = self.course
        if course is None or course.plan.gauge is None:
            return
        if course.ended is None:
            one = self._one or self._next(course, now)
            before = one.level
            one.look(now)
            if one.level != before or one.is_over:
                self._controller.wake()
            if one.is_over:
                await self._finish(course, one)
        elif course.reason is not None and self._one is not None:
            await self._close()

    async def _end_broken_off(self, now: Moment) -> None:
        """Write the end of a drill that went when the agent ended: the model under way was not measured."""
        own = self._parts.own_figures
        if own.broken_off is not None:
            (began, measured), own.broken_off = own.broken_off, None
            await self._record([DrillEnded(at=now.at, feeder=began.feeder, measured=measured, reason=AGENT_ENDED)])

    def _next(self, course: Course, now: Moment) -> GroupDrill:
        gauge, group = course.plan.gauge, course.plan.groups[course.at]
        assert gauge is not None  # a drill without a meter does not begin
        self._one = GroupDrill(self._parts.fleet, group, gauge, self._controller.limits.policy, now)
        return self._one

    async def _finish(self, course: Course, one: GroupDrill) -> None:
        """Keep what a group came to, and go to the next."""
        facts: list[AnyFact] = []
        if one.measured is not None:
            course.measured.append(one.measured)
            facts.append(one.measured)
            log.info("measured", model=one.measured.model, levels_w=one.measured.levels_w, error_w=one.measured.error_w)
        else:
            course.failures[course.at] = one.failure or ""
            log.warning("not measured", model=one.group.model, reason=one.failure)
        self._one = None
        course.at += 1
        if course.at == len(course.plan.groups):
            course.ended = self._parts.clock.now().at
            facts.append(self._ended(course))
        await self._record(facts)
        if one.measured is not None:
            await self._refit(one.measured)

    def _give_up(self, reason: str) -> None:
        course = self.course
        if course is not None and course.ended is None:
            course.ended, course.reason = self._parts.clock.now().at, reason
            log.warning("the drill ends", reason=reason)
            self._controller.wake()

    async def _close(self) -> None:
        """Write down that a drill was given up."""
        self._one = None
        if self.course is not None:
            await self._record([self._ended(self.course)])

    def _ended(self, course: Course) -> DrillEnded:
        at = course.ended or self._parts.clock.now().at
        reason = course.reason or next(iter(course.failures.values()), None)
        return DrillEnded(at=at, feeder=course.plan.feeder, measured=len(course.measured), reason=reason)

    async def _record(self, facts: Sequence[AnyFact]) -> None:
        async with self._controller.turn:
            await self._parts.journal.record(facts)

    async def _refit(self, measured: ModelMeasured) -> None:
        """Plan with what was measured from now on."""
        fleet, own = self._parts.fleet, self._parts.own_figures
        own.apply(measured)
        for row, identity in enumerate(fleet.identities):
            if identity is not None and key_of(identity) == (measured.model, measured.driver):
                fleet.identified(row, identity, own.ladder(identity))
            if (row + 1) % TURN == 0:
                await asyncio.sleep(0)
        await self._respond()

    async def _respond(self) -> None:
        """Let orders be expected to be met as soon as the machines were measured to respond."""
        book, own, fleet = self._parts.book, self._parts.own_figures, self._parts.fleet
        if not own.all():
            return
        slowest_s = 0.0
        for start in range(0, len(fleet), TURN):
            slowest_s = max(slowest_s, own.respond_s(fleet.identities[start : start + TURN], self._usual_respond_s))
            await asyncio.sleep(0)
        book.policy = replace(book.policy, respond_s=slowest_s + 2 * fleet.policy.poll_s)

    # whom ----------------------------------------------------------------------------------------------------

    def _excuse(self, row: int, *, fresh: bool) -> str | None:
        fleet = self._parts.fleet
        reasons: Iterator[tuple[bool, str]] = iter(
            (
                (not fresh, "is out of reach"),
                (bool(fleet.held[row]), "is held"),
                (bool(fleet.sealed[row]), "is sealed"),
                (bool(fleet.unclear[row]), "need not be the machine that it was"),
                (key_of(fleet.identities[row]) is None, "is of an unknown model"),
                (fleet.intended_name(row) != "full", f"is wanted at {fleet.intended_name(row)}"),
                (not fleet.ladders[row].sleeps, "cannot sleep"),
                (fleet.state[row] != Code.HASHING, f"is {fleet.state_name(row)}"),
                (fleet.seen[row] != 0 or fleet.setpoint[row] != 0, "is not at full"),
            )
        )
        return next((why for holds, why in reasons if holds), None)

    def _group(self, model: str, driver: str, levels: tuple[str, ...], alike: list[int], percent: float) -> Group:
        fleet, rows = self._parts.fleet, spread_over(alike, percent)
        identities = (fleet.identities[row] for row in rows)
        nominal_w = [self._parts.own_figures.plain(one).steps[0].power_w for one in identities if one is not None]
        return Group(
            model=model,
            driver=driver,
            rows=rows,
            levels=levels,
            alike=len(alike),
            nominal_w=sum(nominal_w) / len(nominal_w),
        )

    def _against(self, groups: Sequence[Group], gauge: Gauge | None, feeder: str, now: Moment) -> str | None:
        if not groups:
            return f"no machine of feeder {feeder} can be measured now"
        if gauge is None:
            return f"no meter tells what feeder {feeder} draws"
        return self.against(now)

    def _lasts_s(self, group: Group) -> float:
        ladder = self._parts.fleet.ladders[group.rows[0]]
        asleep_s = max(ladder.settle_s, self._parts.fleet.policy.min_off_s)
        levels = len(group.levels) - 2
        ways_s = asleep_s + ladder.wake_s * (1 + (levels > 0)) + levels * ladder.settle_s
        return ways_s + MEASURED_S * (len(group.levels) + 1 + (levels > 0))

    def _gauge(self, feeder: str, now: Moment) -> Turns[Gauge | None]:
        """Return the meter nearest above these machines that speaks: the feeder's own, one above it, the site's."""
        fleet, metering = self._parts.fleet, self._parts.metering
        tree = fleet.tree
        place = tree.positions[feeder]
        while place > 0:
            if (meter := metering.feeder_meter(place, now.mono)) is not None:
                below: Flags = yield from matches(fleet, "feeder", tree.feeders[place].id)
                return Gauge(
                    id=meter.policy.id,
                    feeder=feeder,
                    error=meter.policy.error,
                    lag_s=fleet.policy.meter_lag_s,
                    below=below,
                    alone=True,
                    state=meter.state,
                )
            place = tree.positions[tree.feeders[place].parent or "site"]
        site = metering.state(now.mono)
        if metering.policy is None or site is None or not site.fresh:
            return None
        return Gauge(
            id=metering.policy.id,
            feeder=feeder,
            error=metering.policy.error,
            lag_s=fleet.policy.meter_lag_s,
            below=np.ones(len(fleet), np.bool_),
            alone=False,
            state=lambda mono: metering.state(mono) or site,
        )


def _levels(fleet: Fleet, row: int) -> tuple[str, ...]:
    return tuple(step.level for step in fleet.ladders[row].steps)
