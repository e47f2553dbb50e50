"""Where the month's charges on power stand now, as the guard sees them: from the tariff, the books and the meter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from agent.outputs.day_peaks import billed_intervals
from agent.outputs.money_desk import MoneyDesk
from agent.planning.guard import NO_WATCH, Later, Left, PeakCharge, Watch
from agent.tariffs.chances import expected_per_kwh
from agent.tariffs.peaks import Month, guards_peaks, standings
from agent.tariffs.periods import Span, interval_start
from agent.tariffs.standing import Later as LaterMonths
from agent.tariffs.standing import Standing
from agent.values import Moment, Watts

HOUR = timedelta(hours=1)
AT_ONCE = 48
"""Hours to come that are priced in one look: a month's are within half a minute, and no look takes long."""
PAST_HOURS = 168


Key = tuple[datetime, int]
"""The interval under way, and how many of the month are told."""
Found = tuple[tuple[Standing, ...], tuple[str, ...]]


@dataclass(slots=True, kw_only=True)
class PeakRoom:
    """Tells the guard of one site what to watch; empty where no charge is on power."""

    desk: MoneyDesk
    interval: timedelta
    under_way_wh: Callable[[datetime, Moment], float]  # drawn since an instant until now, in no interval told yet
    house_w: Callable[[Moment], Watts]
    measured_w: Callable[[Moment], Watts | None] = lambda _now: None  # what the billing meter shows, where it is fresh
    elsewhere: Callable[[Callable[[], Found]], Future[Found]] | None = None  # who works standings out; None: at once
    _told: tuple[Key, Found] | None = None
    _coming: tuple[Key, datetime, Future[Found]] | None = None
    _left: tuple[Left, ...] = ()  # of each standing, by the hours that are priced
    _waiting: list[datetime] = field(default_factory=list)  # hours to come that are still to be priced
    _past: list[datetime] = field(default_factory=list)  # the hours of the week before
    _hours: dict[datetime, float | None] = field(default_factory=dict)  # by their starts, what a kWh costs
    _drawn: dict[datetime, float] = field(default_factory=dict)  # by the window's start, Wh: never less than it was

    def watch(self, now: Moment) -> Watch:
        """Return the charges on power as they stand now."""
        tariff = self.desk.terms.tariff
        if tariff is None or not guards_peaks(tariff):
            return NO_WATCH
        found, unknown = self._standings(now.at)
        if self._waiting or len(self._left) != len(found):
            self._price()
            self._left = tuple(self._left_of(one) for one in found)
        starts = {one.window.start for one in found}
        self._drawn = {start: max(self._drawn.get(start, 0.0), self._drawn_wh(start, now)) for start in starts}
        charges = (self._charge(one, left, now.at) for one, left in zip(found, self._left, strict=True))
        return Watch(
            charges=tuple(charges), house_w=self.house_w(now), measured_w=self.measured_w(now), unknown=unknown
        )

    def _standings(self, at: datetime) -> Found:
        """Return those that are known, and the names of the others; both move with each interval.

        Where they are worked out elsewhere, those of the interval before are told until they are.
        """
        key = self._key(at)
        if self._told is None or self._told[0] != key:
            if self.elsewhere is None:
                self._take(key, at, self._found(at))
            elif self._coming is None:
                self._coming = (key, at, self.elsewhere(partial(self._found, at)))
            elif self._coming[2].done():
                (key, at, coming), self._coming = self._coming, None
                self._take(key, at, coming.result())
        return ((), ()) if self._told is None else self._told[1]

    def _key(self, at: datetime) -> Key:
        month = self.desk.totals.month_at(at)
        return interval_start(at, self.interval), 0 if month is None else len(month.starts)

    def _found(self, at: datetime) -> Found:
        """Work them out: months that a ratchet looks back on take a tenth of a second and more."""
        terms = self.desk.terms
        told = Month(zone=terms.zone, read=terms.metering.read, interval=self.interval)
        assert terms.tariff is not None
        found = list(standings(terms.tariff, billed_intervals(self.desk, at), at, told))
        first = min((month.start for month in list(self.desk.totals.months.values())), default=at)
        known = tuple(one for one in found if one.since > first - HOUR)
        return known, tuple(_name(one) for one in found if one not in known)

    def _take(self, key: Key, at: datetime, found: Found) -> None:
        self._told = (key, found)
        wanted = {hour for one in found[0] for hour in _hours_of(one.left)}
        self._past = _past(at) if wanted else []
        wanted |= set(self._past)
        self._hours = {hour: price for hour, price in self._hours.items() if hour in wanted}
        self._waiting, self._left = sorted(wanted - self._hours.keys()), ()

    def _drawn_wh(self, since: datetime, now: Moment) -> float:
        """Return what was drawn since a window began, Wh at the meter."""
        month, told_wh = self.desk.totals.month_at(since), 0
        if month is not None:
            for start, energy_wh in zip(reversed(month.starts), reversed(month.energies), strict=True):
                if start < since.timestamp():
                    break
                told_wh += energy_wh
        return told_wh + self.under_way_wh(since, now)

    def _price(self) -> None:
        """Learn what the hours to come cost, the nearest first, a few at a time."""
        terms, hours, self._waiting = self.desk.terms, self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        for hour in hours:
            middle = hour + HOUR / 2
            price = self.desk.price_then(middle)
            known = None if price is None or terms.tariff is None else float(price)
            if known is not None and terms.tariff is not None:
                known += float(expected_per_kwh(terms.tariff, middle, terms.zone) * terms.metering.factor)
            self._hours[hour] = known

    def _left_of(self, one: Standing) -> Left:
        told = [self._hours.get(hour) for hour in _hours_of(one.left)]
        if None in told:  # prices end before the month does: those of the week before stand beside what is known
            told += [self._hours.get(hour) for hour in self._past]
        prices = np.sort(np.array([price for price in told if price is not None]))
        return Left(hours=sum(((span.end - span.start) / HOUR for span in one.left), 0.0), prices=prices)

    def _charge(self, one: Standing, left: Left, at: datetime) -> PeakCharge:
        factor = float(self.desk.terms.metering.factor)
        return PeakCharge(
            name=_name(one),
            month=one.window.start.isoformat() if one.each else self.desk.totals.month_of(at),
            start=one.window.start.timestamp(),
            length_s=(one.window.end - one.window.start).total_seconds(),
            elapsed_s=(at - one.window.start).total_seconds(),
            drawn_wh=self._drawn[one.window.start],
            kw=float(one.kw) / factor,
            bands=tuple((float(start) / factor, float(price) * factor) for start, price in one.bands),
            jump=float(one.jump),
            left=left,
            later=tuple(self._later(told, factor) for told in one.later),
        )

    def _later(self, one: LaterMonths, factor: float) -> Later:
        """Return months to come: their prices are taken to be like those known of this one and the week before."""
        known = np.sort(np.array([price for price in self._hours.values() if price is not None]))
        return Later(
            months=one.months,
            share=float(one.share),
            kw=float(one.kw) / factor,
            bands=tuple((float(start) / factor, float(price) * factor) for start, price in one.bands),
            left=Left(hours=float(one.hours), prices=known),
        )


def _past(at: datetime) -> list[datetime]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return [hour - back * HOUR for back in range(1, PAST_HOURS + 1)]


def _name(one: Standing) -> str:
    return f"{one.component} {one.period}".rstrip()


def _hours_of(spans: Sequence[Span]) -> Iterator[datetime]:
    """Yield the whole hours that some spans touch."""
    for span in spans:
        hour = span.start.replace(minute=0, second=0, microsecond=0)
        while hour < span.end:
            yield hour
            hour += HOUR
