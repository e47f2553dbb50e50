"""Energy by metering intervals: what the meter counted, and what of it miners and house explain.

Beliefs are integrated as columns at each tick. Whatever meter and beliefs differ by is unexplained, of either sign, so
that the parts add up to the meter. What is cut by a start, a stop or an absence is a piece of its interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np

from agent.control.energy_piece import HOUR_S, Piece, Power, whole_wh, word_of
from agent.control.energy_shares import Shares
from agent.control.metering import Metering
from agent.facts import AnyFact
from agent.facts.energy import EnergyInterval, MeterInterval
from agent.fleet.fleet import Fleet
from agent.fleet.view import Floats
from agent.tariffs.periods import interval_start
from agent.values import Moment

STEP_S = 5.0
"""Civil time that moves by more against monotonic time was stepped: the piece ends there."""
PATIENCE_S = 60.0
"""So long the meter may take to speak at the start, and to say what an interval was."""
MOST_PIECES = 20_000
"""The longest absence that a register is spread over."""


class Accounting:
    """Adds up the energy of one site. It has no clock: `tick` and `close` are handed `now` and return facts."""

    def __init__(self, fleet: Fleet, metering: Metering, *, interval_s: float) -> None:
        self._fleet = fleet
        self._metering = metering
        self._interval = timedelta(seconds=interval_s)
        self._rolls_over_wh = None if metering.policy is None else metering.policy.rolls_over_wh
        self._shares = Shares(fleet)
        self._piece: Piece | None = None
        self._ended: list[Piece] = []
        self._told: dict[datetime, MeterInterval] = {}
        self._last: EnergyInterval | None = None
        self._since: float | None = None
        self._now: Moment | None = None
        self._power: Power | None = None
        self.columns: dict[datetime, tuple[Floats, Floats]] = {}
        """What each row drew (Wh) and hashed (TH) in told intervals, by their starts, until somebody takes it."""

    @property
    def interval(self) -> timedelta:
        """How long a metering interval is."""
        return self._interval

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

    def drawn_wh(self, since: datetime, now: Moment) -> float:
        """Return what was drawn since an instant and stands in no interval that was told yet, until this moment."""
        pieces = [*self._ended, *(() if self._piece is None else (self._piece,))]
        counted_wh = sum((piece.drawn_wh for piece in pieces if piece.start >= since), 0.0)
        return counted_wh + self._since_tick_wh(since, now)

    def _since_tick_wh(self, since: datetime, now: Moment) -> float:
        """Return what the seconds drew that no tick has added yet, by what the meter shows before and after."""
        if self._now is None or self._power is None:
            return 0.0
        seconds = (now.at - max(since, self._now.at)).total_seconds()
        if not 0 < seconds <= self._interval.total_seconds():
            return 0.0
        meter = self._metering.state(now.mono)
        shown_w = None if meter is None else meter.last_w
        before_w = self._power.site_w
        return (before_w + (before_w if shown_w is None else shown_w)) / 2 * seconds / HOUR_S

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
        facts = self.tick(now) if self._piece is not None and self._now is not now else []
        if self._piece is not None:
            self._end(self._piece, now.at, now.mono, None if self._power is None else self._power.register_wh)
        self._piece = None
        return facts + self._closed(float("inf"))

    def _look(self, now: Moment) -> Power:
        fleet, meter, policy = self._fleet, self._metering.state(now.mono), self._metering.policy
        is_own = policy is not None and meter is not None and meter.fresh and meter.id == policy.id
        read = fleet.fresh(now.mono) & ~np.isnan(fleet.hashrate_ths)
        return Power(
            miners_w=fleet.believed_w.copy(),
            house_w=self._metering.house.in_force_w(now.mono),
            meter_w=meter.last_w if meter is not None and meter.fresh else None,
            hashrate_ths=np.where(read, fleet.hashrate_ths, 0.0),
            register_wh=self._metering.energy_wh if is_own else None,
        )

    # pieces --------------------------------------------------------------------------------------------------

    def _began(self, power: Power, now: Moment) -> list[EnergyInterval]:
        """Begin once everybody was heard and the meter spoke; what nobody saw before is told with it."""
        self._since = now.mono if self._since is None else self._since
        waits = self._metering.policy is not None and power.meter_w is None and now.mono - self._since < PATIENCE_S
        if waits or not self._fleet.everyone_known():
            return []
        self._piece = self._new(now.at, power.register_wh, begun=True)
        self._now, self._power = now, power
        absence = [*self._absence(power, now)]
        self._last = absence[-1] if absence else self._last
        return absence

    def _new(self, start: datetime, register_wh: float | None, *, begun: bool = False) -> Piece:
        rows = len(self._fleet)
        return Piece(
            start=start, begun=begun, register_wh=register_wh, miners_wh=np.zeros(rows), hashed_th=np.zeros(rows)
        )

    def _add(self, power: Power, now: Moment) -> None:
        at = self._now.at if self._now is not None else now.at
        while self._piece is not None and at < now.at:
            turn = interval_start(at, self._interval) + self._interval
            until = min(turn, now.at)
            self._piece.add(power, (until - at).total_seconds())
            if until == turn:
                self._end(self._piece, turn, now.mono, power.register_wh)
                self._piece = self._new(turn, power.register_wh)
            at = until

    def _end(self, piece: Piece, at: datetime, mono: float, register_wh: float | None) -> None:
        if at > piece.start:
            piece.end, piece.end_register_wh, piece.waits_until = at, register_wh, mono + PATIENCE_S
            self._ended.append(piece)

    def _closed(self, mono: float) -> list[EnergyInterval]:
        """Tell the pieces that the meter has spoken of, or was waited for long enough, in their order."""
        facts: list[EnergyInterval] = []
        while self._ended and (self._is_told(self._ended[0]) or mono >= self._ended[0].waits_until):
            piece = self._ended.pop(0)
            self.columns[piece.start] = (piece.miners_wh, piece.hashed_th)
            self._last = self._fact(piece, self._told.pop(interval_start(piece.start, self._interval), None))
            facts.append(self._last)
        if not self._ended and self._piece is not None:
            under_way = interval_start(self._piece.start, self._interval)
            self._told = {start: told for start, told in self._told.items() if start >= under_way}
        return facts

    def _is_told(self, piece: Piece) -> bool:
        return self._metering.policy is None or interval_start(piece.start, self._interval) in self._told

    # facts ---------------------------------------------------------------------------------------------------

    def _fact(self, piece: Piece, told: MeterInterval | None) -> EnergyInterval:
        end = piece.end or piece.start
        miners_wh, house_wh = round(float(piece.miners_wh.sum())), round(piece.house_wh)
        believed_wh = float(miners_wh + house_wh)
        word = word_of(self._follow_on(piece, told), told, believed_wh, self._interval, self._rolls_over_wh)
        models, models_th = self._shares.by_model(piece.miners_wh, miners_wh, piece.hashed_th)
        return EnergyInterval(
            at=end,
            start=piece.start,
            end=end,
            site_wh=word.site_wh,
            miners_wh=miners_wh,
            house_wh=house_wh,
            unexplained_wh=word.site_wh - miners_wh - house_wh,
            source=word.source,
            quality="partial" if end - piece.start < self._interval else word.quality,
            register_wh=word.register_wh,
            hashed_th=round(float(piece.hashed_th.sum()), 3),
            feeders=self._shares.by_feeder(piece.miners_wh, miners_wh),
            owners=self._shares.by_owner(piece.miners_wh, miners_wh),
            models=models,
            owners_th=self._shares.hashed_by_owner(piece.hashed_th),
            models_th=models_th,
        )

    def _follow_on(self, piece: Piece, told: MeterInterval | None) -> Piece:
        """Begin at the register at which the piece before ended, so that no Wh falls between two pieces."""
        last = self._last
        if not piece.begun and last is not None and last.end == piece.start and last.register_wh is not None:
            was_set_back = told is not None and told.register_start_wh is None
            piece.register_wh = None if was_set_back else last.register_wh
            piece.begun = True
        return piece

    def _absence(self, power: Power, now: Moment) -> Iterator[EnergyInterval]:
        """Tell what was drawn while nobody looked: by the register, else by the power around a short while."""
        last = self._last
        if last is None or last.end >= now.at:
            return
        away, register_wh = now.at - last.end, power.register_wh
        counted = None
        if register_wh is not None and last.register_wh is not None:
            counted = whole_wh(last.register_wh, register_wh, self._rolls_over_wh)
        if counted is not None:
            drawn_wh, source = float(counted), "register"
        elif away <= self._interval:
            before_w = last.site_wh * HOUR_S / (last.end - last.start).total_seconds()
            drawn_wh, source = (before_w + power.site_w) / 2 * away.total_seconds() / HOUR_S, power.source
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
