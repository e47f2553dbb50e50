"""Energy by metering intervals: what the meter counted, and what of it miners and house explain.

Beliefs are integrated as columns at each tick. Whatever meter and beliefs differ by is unexplained, of either sign, so
that the parts add up to the meter. What is cut by a start, a stop or an absence is a piece of its interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from agent.control.energy_shares import Shares
from agent.control.metering import Metering
from agent.facts import AnyFact, EnergyInterval, MeterInterval
from agent.fleet.fleet import Fleet
from agent.fleet.view import Floats
from agent.tariffs.periods import interval_start
from agent.values import Moment, Watts

STEP_S = 5.0
"""Civil time that moves by more against monotonic time was stepped: the piece ends there."""
PATIENCE_S = 60.0
"""So long the meter may take to speak at the start, and to say what an interval was."""
COVERED = 0.98
"""The share of a piece that the meter must have spoken for."""
MOST_PIECES = 20_000
"""The longest absence that a register is spread over."""
HOUR_S = 3600.0


@dataclass(slots=True, kw_only=True)
class _Piece:
    """What has been added up since `start`."""

    start: datetime
    begun: bool  # in the middle of an interval, at a figure of the meter that we saw
    register_wh: float | None
    miners_wh: Floats
    house_wh: float = 0.0
    meter_wh: float = 0.0
    metered_s: float = 0.0
    hashed_th: float = 0.0
    end: datetime | None = None
    end_register_wh: float | None = None
    waits_until: float = 0.0

    def add(self, power: _Power, seconds: float) -> None:
        """Take in what was drawn for so long."""
        hours = seconds / HOUR_S
        self.miners_wh += power.miners_w * hours
        self.house_wh += power.house_w * hours
        self.hashed_th += power.hashrate_ths * seconds
        if power.meter_w is not None:
            self.meter_wh += power.meter_w * hours
            self.metered_s += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Power:
    """What is drawn at one moment; meter None where it does not speak."""

    miners_w: Floats
    house_w: Watts
    meter_w: Watts | None
    hashrate_ths: float

    @property
    def site_w(self) -> Watts:
        """The draw at the meter, by whoever says it."""
        return self.meter_w if self.meter_w is not None else float(self.miners_w.sum()) + self.house_w

    def mean(self, earlier: _Power) -> _Power:
        """Return what was drawn between two moments."""
        meter_w = self.meter_w
        if meter_w is not None and earlier.meter_w is not None:
            meter_w = (meter_w + earlier.meter_w) / 2
        return _Power(
            miners_w=(self.miners_w + earlier.miners_w) / 2,
            house_w=(self.house_w + earlier.house_w) / 2,
            meter_w=meter_w,
            hashrate_ths=(self.hashrate_ths + earlier.hashrate_ths) / 2,
        )


class Accounting:
    """Adds up the energy of one site. It has no clock: `tick` and `close` are handed `now` and return facts."""

    def __init__(self, fleet: Fleet, metering: Metering, *, interval_s: float) -> None:
        self._fleet = fleet
        self._metering = metering
        self._interval = timedelta(seconds=interval_s)
        self._shares = Shares(fleet)
        self._piece: _Piece | None = None
        self._ended: list[_Piece] = []
        self._told: dict[datetime, MeterInterval] = {}
        self._last: EnergyInterval | None = None
        self._since: float | None = None
        self._now: Moment | None = None
        self._power: _Power | None = None

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        if isinstance(fact, EnergyInterval):
            self._last = fact

    def heard(self, facts: Iterable[AnyFact]) -> None:
        """Take in facts of this life: what the billing meter says of an interval."""
        policy = self._metering.policy
        for fact in facts:
            if isinstance(fact, MeterInterval) and policy is not None and fact.meter == policy.id:
                self._told[fact.start] = fact

    def tick(self, now: Moment) -> list[EnergyInterval]:
        """Add what was drawn since the last call; return the pieces that are told in full."""
        power = self._look(now)
        if self._piece is None or self._now is None or self._power is None:
            return self._began(power, now)
        elapsed_s, civil_s = now.mono - self._now.mono, (now.at - self._now.at).total_seconds()
        if elapsed_s > self._interval.total_seconds() or abs(civil_s - elapsed_s) > STEP_S:
            facts = self.close(self._now)
            return facts + self._began(power, now)
        self._add(power.mean(self._power), now)
        self._now, self._power = now, power
        return self._closed(now.mono)

    def close(self, now: Moment) -> list[EnergyInterval]:
        """End the piece under way, as at the agent's end; return all that is not told yet."""
        if self._piece is not None:
            self._end(self._piece, now.at, now.mono)
        self._piece = None
        return self._closed(float("inf"))

    def _look(self, now: Moment) -> _Power:
        fleet, meter = self._fleet, self._metering.state(now.mono)
        read = fleet.fresh(now.mono) & ~np.isnan(fleet.hashrate_ths)
        return _Power(
            miners_w=fleet.believed_w.copy(),
            house_w=self._metering.house.in_force_w(now.mono),
            meter_w=meter.last_w if meter is not None and meter.fresh else None,
            hashrate_ths=float(fleet.hashrate_ths[read].sum()),
        )

    # pieces --------------------------------------------------------------------------------------------------

    def _began(self, power: _Power, now: Moment) -> list[EnergyInterval]:
        """Begin once everybody was heard and the meter spoke; what nobody saw before is told with it."""
        self._since = now.mono if self._since is None else self._since
        waits = self._metering.policy is not None and power.meter_w is None and now.mono - self._since < PATIENCE_S
        if waits or not self._fleet.everyone_known():
            return []
        register_wh = self._metering.energy_wh
        self._piece = self._new(now.at, register_wh, begun=True)
        self._now, self._power = now, power
        return self._kept([*self._absence(power, register_wh, now)])

    def _new(self, start: datetime, register_wh: float | None, *, begun: bool = False) -> _Piece:
        return _Piece(start=start, begun=begun, register_wh=register_wh, miners_wh=np.zeros(len(self._fleet)))

    def _add(self, power: _Power, now: Moment) -> None:
        at = self._now.at if self._now is not None else now.at
        while self._piece is not None and at < now.at:
            turn = interval_start(at, self._interval) + self._interval
            until = min(turn, now.at)
            self._piece.add(power, (until - at).total_seconds())
            if until == turn:
                self._end(self._piece, turn, now.mono)
                self._piece = self._new(turn, self._metering.energy_wh)
            at = until

    def _end(self, piece: _Piece, at: datetime, mono: float) -> None:
        if at > piece.start:
            piece.end, piece.end_register_wh, piece.waits_until = at, self._metering.energy_wh, mono + PATIENCE_S
            self._ended.append(piece)

    def _closed(self, mono: float) -> list[EnergyInterval]:
        """Tell the pieces that the meter has spoken of, or was waited for long enough, in their order."""
        facts: list[EnergyInterval] = []
        while self._ended and (self._is_told(self._ended[0]) or mono >= self._ended[0].waits_until):
            piece = self._ended.pop(0)
            facts.append(self._fact(piece, self._told.pop(interval_start(piece.start, self._interval), None)))
        if not self._ended and self._piece is not None:
            self._told = {start: told for start, told in self._told.items() if start >= self._piece.start}
        return self._kept(facts)

    def _is_told(self, piece: _Piece) -> bool:
        return self._metering.policy is None or interval_start(piece.start, self._interval) in self._told

    def _kept(self, facts: list[EnergyInterval]) -> list[EnergyInterval]:
        self._last = facts[-1] if facts else self._last
        return facts

    # facts ---------------------------------------------------------------------------------------------------

    def _fact(self, piece: _Piece, told: MeterInterval | None) -> EnergyInterval:
        end = piece.end or piece.start
        miners_wh, house_wh = round(float(piece.miners_wh.sum())), round(piece.house_wh)
        word = _word(piece, told, float(miners_wh + house_wh), whole=end - piece.start == self._interval)
        return EnergyInterval(
            at=end,
            start=piece.start,
            end=end,
            site_wh=round(word.site_wh),
            miners_wh=miners_wh,
            house_wh=house_wh,
            unexplained_wh=round(word.site_wh) - miners_wh - house_wh,
            source=word.source,
            quality="partial" if end - piece.start < self._interval else word.quality,
            register_wh=word.register_wh,
            hashed_th=round(piece.hashed_th, 3),
            feeders=self._shares.by_feeder(piece.miners_wh, miners_wh),
            owners=self._shares.by_owner(piece.miners_wh, miners_wh),
            models=self._shares.by_model(piece.miners_wh, miners_wh),
        )

    def _absence(self, power: _Power, register_wh: float | None, now: Moment) -> Iterator[EnergyInterval]:
        """Tell what was drawn while nobody looked: by the register, else by the power around a short while."""
        last = self._last
        if last is None or last.end >= now.at:
            return
        away = now.at - last.end
        if register_wh is not None and last.register_wh is not None and register_wh >= last.register_wh:
            drawn_wh, source = register_wh - last.register_wh, "register"
        elif away <= self._interval:
            before_w = last.site_wh * HOUR_S / (last.end - last.start).total_seconds()
            drawn_wh, source = (before_w + power.site_w) / 2 * away.total_seconds() / HOUR_S, power_source(power)
        else:
            return
        if away / self._interval <= MOST_PIECES:
            yield from self._spread(last.end, now.at, drawn_wh, source, register_wh)

    def _spread(
        self, start: datetime, end: datetime, drawn_wh: float, source: str, register_wh: float | None
    ) -> Iterator[EnergyInterval]:
        """Cut an absence at the intervals, its energy evenly among them; whole Wh that add up."""
        away, at, done = end - start, start, 0
        while at < end:
            until = min(interval_start(at, self._interval) + self._interval, end)
            upto = round(drawn_wh * ((until - start) / away))
            yield EnergyInterval(
                at=end,
                start=at,
                end=until,
                site_wh=upto - done,
                unexplained_wh=upto - done,
                source=source,
                quality="estimated" if until - at == self._interval else "partial",
                register_wh=register_wh if until == end else None,
            )
            at, done = until, upto


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What a piece was at the meter, and who says so."""

    site_wh: float
    source: str
    quality: str
    register_wh: float | None = None


def _word(piece: _Piece, told: MeterInterval | None, believed_wh: float, *, whole: bool) -> _Word:
    """Take the register, else the meter's mean, else its figures at each tick, and beliefs where it was silent."""
    ended = piece.end is not None and told is not None and piece.end == told.end
    start_wh = piece.register_wh if piece.begun or told is None else told.register_start_wh
    end_wh = told.register_end_wh if ended and told is not None else piece.end_register_wh
    if start_wh is not None and end_wh is not None and end_wh >= start_wh:
        return _Word(site_wh=end_wh - start_wh, source="register", quality="measured", register_wh=end_wh)
    seconds = ((piece.end or piece.start) - piece.start).total_seconds()
    covered = piece.metered_s / seconds if seconds else 0.0
    if whole and told is not None and told.mean_w is not None and covered >= COVERED:
        return _Word(site_wh=told.mean_w * seconds / HOUR_S, source="meter", quality="measured")
    site_wh = piece.meter_wh + believed_wh * (1 - covered)
    return _Word(
        site_wh=site_wh,
        source="meter" if covered > 0 else "beliefs",
        quality="measured" if covered >= COVERED else "estimated",
    )


def power_source(power: _Power) -> str:
    """Return who says a power."""
    return "beliefs" if power.meter_w is None else "meter"
