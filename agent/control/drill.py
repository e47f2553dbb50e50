"""One drill: a few machines of a model go to sleep, back and through their levels while a meter is watched.

It has no clock and no I/O: each second it is handed `now`. What it wants of machines is laid over their owner's wish,
as price's is: the controller moves the setpoints, and a drill that is gone leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from agent.facts.drill import ModelMeasured
from agent.fleet.belief import Code
from agent.fleet.fleet import MOVED, Fleet
from agent.fleet.power import MeterState
from agent.fleet.view import Array, Flags, FleetView
from agent.planning.decide import Decision
from agent.planning.measuring import Mean, fallen_w, lasted_s, mean_of
from agent.planning.ramp import Ramp
from agent.planning.situation import Policy
from agent.values import FULL, SLEEP, Moment, Watts

MEASURED_S = 60.0
LONGEST_S, SHARE_OF_WAKE = 300.0, 0.25
"""Awake, a machine that tunes for long is watched for so long a share of that: a hill of its draw is no plain."""
STEADY = 0.01
"""Of the group's full draw: so close together the means of a steady stretch lie, where the meter itself is steadier."""
UNSTEADY = 0.1
"""Of it: a meter that moves by more with nobody told cannot see so few machines."""
BACK = 0.03
"""A group is back at full within this share of what it freed."""
REPEATED_S = 5.0
"""A figure that stays the same is a new one after so long."""
LOST_S = 240.0
"""Much firmware begins anew as it changes its level, and answers nothing meanwhile."""
PATIENCE, PATIENCE_S = 3.0, 600.0
"""A level must be reached within so many times what the ladder says, and so long on top."""


class Drills(Protocol):
    """What a drill adds to a tick."""

    def over(self, view: FleetView, now: Moment) -> FleetView:
        """Return the view with what a drill wants in it."""

    def caused(self, decision: Decision) -> Decision:
        """Name the drill where it brings machines down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Machines of one model and firmware family with the same levels; `alike` is how many of them the feeder has."""

    model: str
    driver: str
    rows: tuple[int, ...]
    levels: tuple[str, ...]
    alike: int
    nominal_w: Watts  # of one at full, by what machine and tables say


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The meter that a drill is measured at; `below` whom it measures."""

    id: str
    feeder: str
    error: float
    lag_s: float
    below: Flags
    alone: bool  # it measures machines and nothing else
    state: Callable[[float], MeterState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One stage that was measured."""

    step: int
    mean: Mean
    told: tuple[float, ...]
    until: float


class GroupDrill:
    """The drill of one group. `failure` is why it ended without figures; `measured` the figures; None while it goes."""

    def __init__(self, fleet: Fleet, group: Group, gauge: Gauge, policy: Policy, now: Moment) -> None:
        self.group = group
        self.failure: str | None = None
        self.measured: ModelMeasured | None = None
        last = len(group.levels) - 1
        self.stages: tuple[int, ...] = (0, last, 0) if last == 1 else (0, last, 0, *range(1, last), 0)
        self.done: list[Done] = []
        self._fleet = fleet
        self._gauge = gauge
        self._policy = policy
        self._rows = np.array(group.rows, np.intp)
        self._nominal_w = float(fleet.view(now.mono).step_w[self._rows, 0].sum())
        others = gauge.below.copy()
        others[self._rows] = False
        self._others = others
        self._reference_w = fleet.believed_w.copy()
        self._moved_w = 0.0
        self._quiet_since = now.mono
        self._samples: list[tuple[float, Watts]] = []
        self._lost_since = np.full(len(fleet), np.inf)
        self._told: dict[int, float] = {}
        self._ready_since: float | None = None
        self._progress_at = now.mono
        self._wanted = np.zeros(len(fleet), np.int8)
        self._ramp = Ramp()
        self._standby: tuple[Watts, str] = (0.0, "model")

    @property
    def is_over(self) -> bool:
        """Whether nothing is wanted of its machines any more."""
        return self.failure is not None or self.measured is not None

    @property
    def level(self) -> str:
        """The level that is measured now."""
        return self.group.levels[self.stages[min(len(self.done), len(self.stages) - 1)]]

    @property
    def doing(self) -> str:
        """What is waited for: `telling`, `settling` or `measuring`."""
        if self._ready_since is not None:
            return "measuring"
        return "settling" if len(self._told) == len(self._rows) else "telling"

    def over(self, view: FleetView, now: Moment) -> FleetView:
        """Return the view with what the drill wants in it: down along the ramp of what may not step."""
        if self.is_over:
            return view
        if (view.intended[self._rows] > 0).any():
            self.failure = "its machines are wanted lower, by their owner or by price"
            return view
        step = self.stages[len(self.done)]
        due = self._rows[self._wanted[self._rows] < step]
        if len(due):
            self._lower(view, due, step, now)
        self._wanted[self._rows] = np.minimum(self._wanted[self._rows], step)
        return replace(view, intended=np.maximum(view.intended, self._wanted))

    def _lower(self, view: FleetView, due: Array, step: int, now: Moment) -> None:
        rate = self._policy.shed_w_per_s
        if rate is None:
            self._wanted[due] = step
            return
        freed_w = view.step_w[due, self._wanted[due]] - view.step_w[due, step]
        self._ramp = self._ramp.filled(rate_w_per_s=rate, mono=now.mono, step_w=float(freed_w.max()))
        admitted = np.cumsum(freed_w) <= self._ramp.tokens_w
        self._wanted[due[admitted]] = step
        self._ramp = self._ramp.spent(float(freed_w[admitted].sum()))

    # what is seen --------------------------------------------------------------------------------------------

    def look(self, now: Moment) -> None:
        """Take in a second: the meter, the machines; go to the next level once this one is measured."""
        self._sample(now.mono)
        self.failure = self._fault(now.mono)
        if self.failure is not None:
            return
        step = self.stages[len(self.done)]
        self._note_told(step, now.mono)
        if not self._is_there(step):
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = now.mono
        if self._ready_since is not None and (mean := self._settled(now.mono)) is not None:
            self._next(step, mean, now)
        elif now.mono - self._progress_at > self._patience_s():
            self.failure = self._too_late(step)

    def _sample(self, mono: float) -> None:
        state = self._gauge.state(mono)
        moved = self._fleet.believed_w - self._reference_w
        moved_w = float(moved[self._others & (np.abs(moved) > MOVED * self._fleet.most_w)].sum())
        if abs(moved_w - self._moved_w) > STEADY / 2 * self._nominal_w:
            self._moved_w, self._quiet_since = moved_w, mono
        if state.last_w is None:
            self._quiet_since = mono
            return
        power_w = state.last_w - self._moved_w
        last = self._samples[-1] if self._samples else None
        if last is None or last[1] != power_w or mono - last[0] >= REPEATED_S:
            self._samples.append((mono, power_w))

    def _fault(self, mono: float) -> str | None:
        fleet, rows = self._fleet, self._rows
        lowest = max(self.stages[max(0, len(self.done) - 1) : len(self.done) + 1])
        for flags, why in (
            (self._is_lost(mono), "is out of reach"),
            (fleet.held | fleet.sealed, "is held or sealed"),
            (fleet.unclear, "need not be the machine that it was"),
            (fleet.setpoint > lowest, "is lowered by what binds"),
        ):
            if flags[rows].any():
                return f"{fleet.miners[int(rows[flags[rows]][0])].id} {why}"
        return None

    def _is_lost(self, mono: float) -> Flags:
        """Return who is out of reach for longer than a firmware that begins anew."""
        gone = self._fleet.state == Code.UNREACHABLE
        self._lost_since = np.where(gone, np.minimum(self._lost_since, mono), np.inf)
        lost: Flags = mono - self._lost_since > LOST_S
        return lost

    def _note_told(self, step: int, mono: float) -> None:
        fleet = self._fleet
        for row in self.group.rows:
            reached = fleet.seen[row] == step
            if row not in self._told and fleet.setpoint[row] == step and (reached or fleet.tries(row) > 0):
                self._told[row] = self._progress_at = mono

    def _is_there(self, step: int) -> bool:
        state = Code.SLEEPING if step == len(self.group.levels) - 1 else Code.HASHING
        fleet, rows = self._fleet, self._rows
        at_level = (fleet.seen[rows] == step) & (fleet.state[rows] == state)
        return len(self._told) == len(rows) and bool(at_level.all())

    def _settled(self, mono: float) -> Mean | None:
        """Return the mean of the latest stretch, None while it may still move, or somebody else has."""
        until, window_s = mono - self._gauge.lag_s, self._window_s()
        began = max(self._ready_since or mono, self._quiet_since) + self._gauge.lag_s
        if until - window_s < began or (mean := mean_of(self._samples, until - window_s, until)) is None:
            return None
        if not self.done:
            return mean
        first = self.done[0].mean
        if mean.spread_w > max(STEADY * self._nominal_w, 2 * first.spread_w):
            return None
        away_w, freed_w = abs(mean.power_w - first.power_w), abs(first.power_w - self.done[-1].mean.power_w)
        is_back = self.stages[len(self.done)] > 0 or away_w <= max(BACK * freed_w, 2 * first.spread_w)
        return mean if is_back else None

    def _window_s(self) -> float:
        if not self.done or self.level == SLEEP:
            return MEASURED_S
        wake_s = max(self._fleet.ladders[row].wake_s for row in self.group.rows)
        return max(MEASURED_S, min(SHARE_OF_WAKE * wake_s, LONGEST_S))

    def _patience_s(self) -> float:
        ladders = [self._fleet.ladders[row] for row in self.group.rows]
        longest_s = max(max(ladder.wake_s, ladder.settle_s) for ladder in ladders)
        return PATIENCE * longest_s + PATIENCE_S + self._fleet.policy.min_off_s

    def _too_late(self, step: int) -> str:
        level, fleet = self.group.levels[step], self._fleet
        waits_s = f"within {self._patience_s():.0f} s"
        missing = [fleet.miners[row].id for row in self.group.rows if fleet.seen[row] != step]
        if missing:
            return f"{len(missing)} machines were not seen at {level} {waits_s}, {missing[0]} among them"
        return f"meter {self._gauge.id} did not settle with the machines at {level} {waits_s}"

    # what it comes to ----------------------------------------------------------------------------------------

    def _next(self, step: int, mean: Mean, now: Moment) -> None:
        if not self.done and mean.spread_w > UNSTEADY * self._nominal_w:
            count, share_w = len(self._rows), f"{mean.spread_w:.0f} W"
            self.failure = f"meter {self._gauge.id} moves by {share_w} of itself: {count} machines are too few to see"
            return
        if self.group.levels[step] == SLEEP:
            self._standby = self._asleep(mean, now.mono)
        self.done.append(Done(step=step, mean=mean, told=tuple(self._told.values()), until=now.mono))
        self._told, self._ready_since, self._progress_at, self._ramp = {}, None, now.mono, Ramp()
        if len(self.done) == len(self.stages):
            self.measured = self._result(now)

    def _asleep(self, mean: Mean, mono: float) -> tuple[Watts, str]:
        """Return what one machine draws asleep, and who says so."""
        if self._gauge.alone and not self._others.any():
            return mean.power_w / len(self._rows), "meter"
        view = self._fleet.view(mono)
        by = "model" if (view.model_w[self._rows] > 0).any() else "miner"
        return float(view.believed_w[self._rows].mean()), by

    def _result(self, now: Moment) -> ModelMeasured:
        count, levels = len(self._rows), self.group.levels
        dropped = {levels[one.step]: self._dropped_w(at) for at, one in enumerate(self.done) if one.step > 0}
        standby_w, by = self._standby
        full_w = standby_w + dropped[SLEEP][0] / count
        levels_w = {FULL: full_w} | {level: full_w - drop_w / count for level, (drop_w, _) in dropped.items()}
        error_w = max(error_w for _, error_w in dropped.values()) + self._gauge.error * dropped[SLEEP][0]
        return ModelMeasured(
            at=now.at,
            model=self.group.model,
            driver=self.group.driver,
            feeder=self._gauge.feeder,
            meter=self._gauge.id,
            machines=count,
            nominal_w=self.group.nominal_w,
            levels_w={level: round(levels_w[level], 1) for level in levels},
            error_w=round(error_w / count, 1),
            sleep_s=self._lasted_s(1),
            wake_s=self._lasted_s(2),
            standby_by=by,
        )

    def _dropped_w(self, at: int) -> tuple[Watts, Watts]:
        before = next(one for one in reversed(self.done[:at]) if one.step == 0)
        after = next(one for one in self.done[at:] if one.step == 0)
        return fallen_w(before.mean, after.mean, self.done[at].mean)

    def _lasted_s(self, at: int) -> float:
        one, before = self.done[at], self.done[at - 1]
        seconds = lasted_s(
            self._samples,
            one.told,
            start_w=before.mean.power_w,
            end_w=one.mean.power_w,
            until=one.until,
            unsteady_w=self.done[0].mean.spread_w,
        )
        return round(max(seconds, 1.0), 1)


def spread_over(rows: Sequence[int], percent: float) -> tuple[int, ...]:
    """Return so many per cent of rows, one at the least, evenly from among them."""
    count = min(len(rows), max(1, int(np.ceil(len(rows) * percent / 100))))
    return tuple(rows[int(place * len(rows) / count)] for place in range(count))
