"""One meter as control keeps it: its window, its registers, its metering intervals, whether it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from agent.facts import AnyFact
from agent.facts.energy import MeterBack, MeterInterval, MeterLost
from agent.fleet.meter_view import MeterView
from agent.fleet.power import Meter, MeterState
from agent.fleet.support import Register, Support
from agent.fleet.trail import Trail
from agent.tariffs.periods import interval_start
from agent.values import Moment, Watts

KEPT_S = 7200.0
"""So far back means are told: two of the longest intervals that limits are measured in."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPolicy:
    """One meter, from the configuration. `most_w`: nothing gives more, and no register counts faster."""

    id: str
    role: str = "billing"  # billing | check | generation | export | house | feeder | connection
    feeder: str = "site"
    window_s: float = 15.0
    stale_s: float = 30.0
    error: float = 0.01
    delay_s: float = 0.0  # how old its figures are when they come
    interval_s: float = 900.0
    most_w: Watts = 1e9
    rolls_over_wh: float | None = None  # at which its registers begin again at 0
    kind: str | None = None  # what it is told by, None for a sum
    register_map: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a meter said once: W imported, and its registers, None where it has none."""

    power_w: Watts
    energy_wh: float | None = None
    export_wh: float | None = None
    reactive_var: float | None = None


class Instrument:
    """One meter's figures in, as far as a neighbour supports them; its state, facts and intervals out."""

    def __init__(self, policy: MeterPolicy, mono: float) -> None:
        self.policy = policy
        self.energy_wh: float | None = None  # the last that counts of its import register
        self.trail = Trail(kept_s=KEPT_S)
        self.reactive_var: float | None = None  # as it said with its latest figure
        self._taken_at: float | None = None
        self._meter = Meter(policy.id, window_s=policy.window_s, stale_s=policy.stale_s, since=mono)
        self._support = Support(forget_s=policy.stale_s)
        self._imported, self._exported = (
            Register(most_w=policy.most_w, rolls_over_wh=policy.rolls_over_wh) for _ in range(2)
        )
        self._fresh = False
        self._interval: _Interval | None = None
        self._closed: list[MeterInterval] = []

    def heard(self, said: Said, now: Moment) -> Watts | None:
        """Take in what it said; returns the power that counts now, None while nothing supports what it said."""
        self._turn(now)
        for register, value_wh in ((self._imported, said.energy_wh), (self._exported, said.export_wh)):
            if value_wh is not None:
                register.heard(value_wh, now.mono)
        self.energy_wh = self._imported.value_wh(now.mono, within_s=float("inf"))
        possible = said.power_w >= -self.policy.most_w  # above it is doubted too, and shed for
        power_w = self._support.taken(said.power_w, now.mono) if possible else None
        if power_w is not None:
            self.reactive_var = said.reactive_var
            self._meter.heard(power_w, now.mono)
            self.trail.heard(power_w, now.mono - self.policy.delay_s)
            self._taken_at = now.mono
            if self._interval is None:
                self._interval = self._opened(self._start(now.at), now.mono)
            self._interval.add(power_w)
        return power_w

    def state(self, mono: float) -> MeterState:
        """Return what it says at `mono`."""
        return self._meter.state(mono)

    def view(self, mono: float, state: MeterState | None = None, *, standing_in_for: str | None = None) -> MeterView:
        """Return it as it is shown; `state` where it is more than its own figures."""
        return MeterView(
            role=self.policy.role,
            feeder=self.policy.feeder,
            state=self.state(mono) if state is None else state,
            kind=self.policy.kind,
            register_map=self.policy.register_map,
            age_s=None if self._taken_at is None else mono - self._taken_at,
            energy_wh=self.energy_wh,
            reactive_var=self.reactive_var,
            standing_in_for=standing_in_for,
        )

    @property
    def has_spoken(self) -> bool:
        """Whether it was heard since the start."""
        return self._taken_at is not None

    def facts(self, now: Moment) -> list[AnyFact]:
        """Return what happened since the last call: lost, back, intervals that ended."""
        self._turn(now)
        facts: list[AnyFact] = list(self._closed)
        self._closed.clear()
        fresh = self.state(now.mono).fresh
        if fresh != self._fresh:
            self._fresh = fresh
            log.log(20 if fresh else 30, "meter speaks" if fresh else "meter silent", meter_id=self.policy.id)
            facts.append((MeterBack if fresh else MeterLost)(at=now.at, meter=self.policy.id))
        return facts

    def _turn(self, now: Moment) -> None:
        """Close the interval that is over."""
        if self._interval is None or self._start(now.at) == self._interval.start:
            return
        imported, exported = self._shown(self._imported, now.mono), self._shown(self._exported, now.mono)
        self._closed.append(self._interval.closed(self.policy, imported, exported, now.at))
        self._interval = None

    def _start(self, at: datetime) -> datetime:
        return interval_start(at, timedelta(seconds=self.policy.interval_s))

    def _opened(self, start: datetime, mono: float) -> _Interval:
        return _Interval(start, self._shown(self._imported, mono), self._shown(self._exported, mono))

    def _shown(self, register: Register, mono: float) -> _Shown:
        return register.value_wh(mono, within_s=self.policy.stale_s), register.set_back


_Shown = tuple[float | None, int]
"""What a register shows, and how often it was set back by then."""


class _Interval:
    """The metering interval under way."""

    def __init__(self, start: datetime, imported: _Shown, exported: _Shown) -> None:
        self.start = start
        self._imported = imported
        self._exported = exported
        self._sum_w = 0.0
        self._samples = 0

    def add(self, power_w: Watts) -> None:
        self._sum_w += power_w
        self._samples += 1

    def closed(self, policy: MeterPolicy, imported: _Shown, exported: _Shown, at: datetime) -> MeterInterval:
        return MeterInterval(
            at=at,
            meter=policy.id,
            start=self.start,
            end=self.start + timedelta(seconds=policy.interval_s),
            mean_w=self._sum_w / self._samples,
            samples=self._samples,
            energy_wh=imported[0],
            role=policy.role,
            register_start_wh=_unless_set_back(self._imported, imported),
            register_end_wh=imported[0],
            export_start_wh=_unless_set_back(self._exported, exported),
            export_end_wh=exported[0],
        )


def _unless_set_back(start: _Shown, end: _Shown) -> float | None:
    return start[0] if start[1] == end[1] else None
