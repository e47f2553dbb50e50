"""The billing meter as control sees it: its window, the rest beneath it, the house load, its intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent.facts import AnyFact, MeterBack, MeterInterval, MeterLost
from agent.fleet.fleet import Fleet
from agent.fleet.power import HouseLoad, HouseSample, Meter, MeterState, RestObserver, belief_error_w
from agent.planning.headroom import Gauges
from agent.values import Moment, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPolicy:
    """One billing meter, from the configuration."""

    id: str
    window_s: float = 15.0
    stale_s: float = 30.0
    error: float = 0.01
    interval_s: float = 900.0


class Metering:
    """Takes in the meter's figures and says what they mean; without a meter it says so."""

    def __init__(
        self, fleet: Fleet, house: HouseLoad, policy: MeterPolicy | None, *, memory_s: float, now: Moment
    ) -> None:
        self.fleet = fleet
        self.house = house
        self.policy = policy
        self._rest = RestObserver(memory_s=memory_s)
        self._meter = _meter(policy, now.mono)
        self._fresh = False
        self._were_known = False
        self._interval: _Interval | None = None
        self._closed: list[MeterInterval] = []
        self.energy_wh: float | None = None

    def heard(self, power_w: Watts, energy_wh: float | None, now: Moment) -> None:
        """Take in one figure of the billing meter."""
        if self._meter is None or self.policy is None:
            return
        self._meter.heard(power_w, now.mono)
        self.energy_wh = energy_wh if energy_wh is not None else self.energy_wh
        self._count(power_w, now)
        if self.fleet.everyone_known():
            if not self._were_known:
                self._were_known = True
                self._rest.forget()
            self._learn(power_w, now.mono)

    def _learn(self, power_w: Watts, mono: float) -> None:
        view = self.fleet.view(mono)
        least_w, most_w = float(view.metered_least_w.sum()), float(view.metered_most_w.sum())
        self._rest.observe(power_w, least_w=least_w, most_w=most_w, mono=mono)
        rest, meter = self._rest.state(), self.state(mono)
        if rest is None or self.policy is None or meter is None or not meter.covered:
            return
        believed_error_w = belief_error_w(float(view.believed_w.sum()), float(view.model_w.sum()))
        error_w = self.policy.error * power_w + believed_error_w + rest.doubt_w
        self.house.learn(HouseSample(mono=mono, power_w=rest.now_w, error_w=error_w))

    def state(self, mono: float) -> MeterState | None:
        """Return what the meter says now, None where there is no meter."""
        return None if self._meter is None else self._meter.state(mono)

    def gauges(self, mono: float) -> Gauges:
        """Return the site's instruments as planning reads them."""
        return Gauges(meter=self.state(mono), rest=self._rest.state(), house_w=self.house.in_force_w(mono))

    def facts(self, now: Moment) -> list[AnyFact]:
        """Return what happened at the meter since the last call: lost, back, intervals that ended."""
        facts: list[AnyFact] = list(self._closed)
        self._closed.clear()
        meter = self.state(now.mono)
        if meter is not None and meter.fresh != self._fresh:
            facts.append(MeterBack(at=now.at, meter=meter.id) if meter.fresh else MeterLost(at=now.at, meter=meter.id))
            self._fresh = meter.fresh
        return facts

    def _count(self, power_w: Watts, now: Moment) -> None:
        if self.policy is None:
            return
        start = _floor(now.at, self.policy.interval_s)
        if self._interval is not None and self._interval.start != start:
            self._closed.append(self._interval.closed(self.policy, self.energy_wh, now.at))
            self._interval = None
        if self._interval is None:
            self._interval = _Interval(start=start)
        self._interval.add(power_w)


class _Interval:
    """The metering interval under way."""

    def __init__(self, *, start: datetime) -> None:
        self.start = start
        self._sum_w = 0.0
        self._samples = 0

    def add(self, power_w: Watts) -> None:
        self._sum_w += power_w
        self._samples += 1

    def closed(self, policy: MeterPolicy, energy_wh: float | None, at: datetime) -> MeterInterval:
        return MeterInterval(
            at=at,
            meter=policy.id,
            start=self.start,
            end=self.start + timedelta(seconds=policy.interval_s),
            mean_w=self._sum_w / self._samples,
            samples=self._samples,
            energy_wh=energy_wh,
        )


def _meter(policy: MeterPolicy | None, mono: float) -> Meter | None:
    if policy is None:
        return None
    return Meter(policy.id, window_s=policy.window_s, stale_s=policy.stale_s, since=mono)


def _floor(at: datetime, interval_s: float) -> datetime:
    seconds = int(at.timestamp() // interval_s * interval_s)
    return datetime.fromtimestamp(seconds, UTC)
