"""The site's meters as control sees them: the billing meter or its stand-in, the rest beneath it, the house, feeders.

Several billing meters, one a connection, are one: their sum, as long as each of them speaks. Where it is silent a check
meter stands in with its error added, and what it was seen to show less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import structlog

from agent.control.comparison import Comparison
from agent.control.instrument import Instrument, MeterPolicy, Said
from agent.facts import AnyFact
from agent.facts.energy import MetersDiffer
from agent.fleet.fleet import Fleet
from agent.fleet.followers import Followers
from agent.fleet.meter_view import MeterView
from agent.fleet.peaks import Peaks
from agent.fleet.power import BELIEF_MARGIN, HouseLoad, HouseSample, MeterState, RestObserver, belief_error_w
from agent.orders.averaging import Means
from agent.planning.headroom import Gauges, expectations
from agent.values import Moment, Watts

__all__ = ["MeterPolicy", "Metering", "Said"]
ROOT = "site"
BEFORE_S = 900.0
"""The stretch before an order that a reduction is reckoned from (contract 4)."""
log = structlog.get_logger()


class Metering:
    """Takes in the meters' figures and says what they mean; without a billing meter it says so.

    `policy` is the billing meter's, None without one; `others` are the meters of every other role. With several
    billing meters, one a connection, `policy` is that of their sum, and they are among the others as `connection`.
    """

    def __init__(
        self,
        fleet: Fleet,
        house: HouseLoad,
        policy: MeterPolicy | None,
        *,
        others: Sequence[MeterPolicy] = (),
        memory_s: float,
        now: Moment,
    ) -> None:
        self.fleet = fleet
        self.house = house
        self.policy = policy
        self.followers = Followers()
        self.peaks = Peaks(None if policy is None else policy.id)
        self._rest = RestObserver(memory_s=memory_s)
        self._site = None if policy is None else Instrument(policy, now.mono)
        self._others = {other.id: Instrument(other, now.mono) for other in others}
        self._parts = self._of("connection")
        self._comparisons = [] if policy is None else [(one, _comparison(policy, one)) for one in self._of("check")]
        self._were_known = False
        self._stood_in: str | None = None

    @property
    def energy_wh(self) -> float | None:
        """The last of the billing meter's import register."""
        return None if self._site is None else self._site.energy_wh

    @property
    def late_s(self) -> float:
        """How old the billing meter's figures are when they come."""
        return 0.0 if self._site is None else self._site.policy.delay_s

    @property
    def has_spoken(self) -> bool:
        """Whether the billing meter was heard since the start, or there is none to wait for."""
        return self._site is None or self._site.has_spoken

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Every meter by its id, the sum of connections among them."""
        site = {} if self._site is None else {self._site.policy.id: self._site}
        return {**site, **self._others}

    def _of(self, role: str) -> list[Instrument]:
        return [one for one in self._others.values() if one.policy.role == role]

    # what meters say -----------------------------------------------------------------------------------------

    def heard(self, power_w: Watts, energy_wh: float | None, now: Moment) -> None:
        """Take in one figure of the billing meter."""
        if self._site is not None:
            self._hear_site(self._site, Said(power_w=power_w, energy_wh=energy_wh), now)

    def take(self, meter: str, said: Said, now: Moment) -> None:
        """Take in what a meter said, by its id."""
        if self._site is not None and meter == self._site.policy.id:
            self._hear_site(self._site, said, now)
        elif meter in self._others:
            self._hear_other(self._others[meter], said, now)

    def _hear_site(self, site: Instrument, said: Said, now: Moment) -> None:
        power_w = site.heard(said, now)
        if power_w is not None and self.fleet.everyone_known():
            if not self._were_known:
                self._were_known = True
                self._rest.forget()
            self._learn(power_w, now.mono)

    def _hear_other(self, other: Instrument, said: Said, now: Moment) -> None:
        if other.heard(said, now) is None:
            return
        match other.policy.role:
            case "connection" if self._site is not None:
                total = _sum(self._parts, now.mono)
                if total is not None:
                    self._hear_site(self._site, total, now)
            case "house":
                self._measure_house(now.mono)
            case _:
                return

    def _measure_house(self, mono: float) -> None:
        meters = self._of("house")
        total = _sum(meters, mono)
        if total is not None:
            error_w = max(one.policy.error for one in meters) * abs(total.power_w)
            self._learn_house(HouseSample(mono=mono, power_w=total.power_w, error_w=error_w))

    def _learn(self, power_w: Watts, mono: float) -> None:
        view = self.fleet.view(mono)
        least_w, most_w = float(view.metered_least_w.sum()), float(view.metered_most_w.sum())
        self._rest.observe(power_w, least_w=least_w, most_w=most_w, mono=mono)
        rest, meter = self._rest.state(), self.state(mono)
        is_measured = any(one.state(mono).fresh for one in self._of("house"))
        if rest is None or self.policy is None or meter is None or not meter.covered or is_measured:
            return
        believed_error_w = belief_error_w(float(view.believed_w.sum()), float(view.model_w.sum()))
        under_way_w = float(np.abs(expectations(view, view.setpoint) - view.believed_w).sum())
        error_w = self.policy.error * power_w + believed_error_w + rest.doubt_w + under_way_w
        self._learn_house(HouseSample(mono=mono, power_w=rest.now_w, error_w=error_w))

    def _learn_house(self, sample: HouseSample) -> None:
        self.house.learn(sample)
        if sample.is_sharp and self.fleet.everyone_known():
            self.followers.observe(self._load_w(), sample.power_w, sample.mono)
        else:
            self.followers.moved(self._load_w(), sample.mono)

    def _load_w(self) -> Watts:
        return float(self.fleet.believed_w.sum())

    # what they mean ------------------------------------------------------------------------------------------

    def state(self, mono: float) -> MeterState | None:
        """Return what the billing meter says now, or who stands in for it; None where there is no billing meter."""
        if self._site is None:
            return None
        stand_in = self._stand_in(self._site, mono)
        if stand_in is None:
            return self._own_state(self._site, mono)
        check, comparison = stand_in
        return _with_margin(check.state(mono), error=check.policy.error, more_w=comparison.excess_w)

    def before_w(self, mono: float) -> Watts | None:
        """Return the billing meter's mean of the last quarter of an hour, None where it says nothing now."""
        means = self.means(mono)
        return None if means is None else means(BEFORE_S, 0.0)

    def means(self, mono: float) -> Means | None:
        """Return the billing meter's means of past stretches, None where it says nothing now."""
        if self._site is None or not self._own_state(self._site, mono).fresh:
            return None
        told = self._site.trail.means(mono)
        if not self.late_s:
            return told
        # What was shed since is in no figure of its yet; what is over is told by its figures alone.
        believed_w = BELIEF_MARGIN * self._load_w() + self.house.in_force_w(mono)
        at_most = self._site.trail.means(mono, most_w=believed_w)
        return lambda first, last: told(first, last) if last >= self.late_s else at_most(first, last)

    def feeder_meter(self, place: int, mono: float) -> Instrument | None:
        """Return the meter that tells what flows through a feeder now; of several the one that shows the most."""
        told = [
            one
            for one in self._others.values()
            if one.policy.role in {"feeder", "connection"}
            and self.fleet.tree.positions[one.policy.feeder] == place
            and one.state(mono).fresh
        ]
        return max(told, key=lambda one: one.state(mono).last_w or 0.0, default=None)

    def views(self, mono: float) -> tuple[MeterView, ...]:
        """Return every meter as it is shown, the billing meter first."""
        others = self._others.values()
        if self._site is None:
            return tuple(one.view(mono) for one in others)
        own, stand_in = self._site.view(mono, self._own_state(self._site, mono)), self._stand_in(self._site, mono)
        filled = {} if stand_in is None else {stand_in[0].policy.id: own.id}
        return (own, *(one.view(mono, standing_in_for=filled.get(one.policy.id)) for one in others))

    def _stand_in(self, site: Instrument, mono: float) -> tuple[Instrument, Comparison] | None:
        """Return the check that fills the billing meter's silence, with its comparison; None where none does."""
        if self._own_state(site, mono).fresh:
            return None
        return next((pair for pair in self._comparisons if pair[0].state(mono).fresh), None)

    def _own_state(self, site: Instrument, mono: float) -> MeterState:
        own = site.state(mono)
        silent_s = max((one.state(mono).silent_s for one in self._parts), default=own.silent_s)
        if all(one.state(mono).fresh for one in self._parts):
            return own
        return MeterState(id=own.id, fresh=False, silent_s=silent_s)

    def gauges(self, mono: float) -> Gauges:
        """Return the site's instruments as planning reads them."""
        return Gauges(
            meter=self.state(mono),
            rest=self._rest.state(),
            house_w=self.house.in_force_w(mono),
            feeders=self._feeders(mono),
            follows_w=self.followers.expected_w(self._load_w(), mono),
            follow_share=self.followers.share,
        )

    def _feeders(self, mono: float) -> dict[int, Watts]:
        """Return what is measured to flow through feeders now, with each meter's error, by their places in the tree."""
        drawn: dict[int, Watts] = {}
        for one in self._others.values():
            policy, draw_w = one.policy, one.state(mono).draw_w
            if policy.role in {"feeder", "connection"} and policy.feeder != ROOT and draw_w is not None:
                at = self.fleet.tree.positions[policy.feeder]
                drawn[at] = max(drawn.get(at, 0.0), draw_w * (1 + policy.error))
        return drawn

    def facts(self, now: Moment) -> list[AnyFact]:
        """Return what happened at the meters since the last call: lost, back, intervals that ended, who differs."""
        facts = [fact for one in self.instruments.values() for fact in one.facts(now)]
        for fact in facts:
            self.peaks.apply(fact)
        if self._site is not None:
            self._say_who_stands_in(self._site, now.mono)
            own = self._own_state(self._site, now.mono)
            for check, comparison in self._comparisons:
                told = comparison.seen(own, check.state(now.mono), now)
                for fact in told:
                    if isinstance(fact, MetersDiffer):
                        log.warning("meters differ", meter_w=fact.meter_w, check_w=fact.check_w, check=fact.check)
                facts += told
        return facts

    def _say_who_stands_in(self, site: Instrument, mono: float) -> None:
        stand_in = self._stand_in(site, mono)
        name = None if stand_in is None else stand_in[0].policy.id
        if name is not None and name != self._stood_in:
            log.warning("a check stands in for the billing meter", check=name, meter_id=site.policy.id)
        self._stood_in = name


def _comparison(policy: MeterPolicy, check: Instrument) -> Comparison:
    window_s = max(policy.window_s, check.policy.window_s)
    return Comparison(check.policy.id, error=policy.error, check_error=check.policy.error, window_s=window_s)


def _sum(parts: Sequence[Instrument], mono: float) -> Said | None:
    """Return the sum of what meters say, None where one of them is silent."""
    powers_w = [one.state(mono).last_w for one in parts]
    known_w = [power_w for power_w in powers_w if power_w is not None]
    if not parts or len(known_w) != len(parts):
        return None
    registers_wh = [one.energy_wh for one in parts if one.energy_wh is not None]
    energy_wh = sum(registers_wh) if len(registers_wh) == len(parts) else None
    return Said(power_w=sum(known_w), energy_wh=energy_wh)


def _with_margin(state: MeterState, *, error: float, more_w: Watts) -> MeterState:
    def raised(power_w: Watts | None) -> Watts | None:
        return None if power_w is None else power_w + error * abs(power_w) + more_w

    return replace(state, last_w=raised(state.last_w), mean_w=raised(state.mean_w))
