"""What a site would have drawn without an order, by the rules that markets settle by. Pure.

By the meter before and after; 10-of-10: the same hours of the ten latest days of the same type without an order,
adjusted by the three hours before by a fifth at most (as CAISO and MISO do); same day, 3+2: three hours before and two
after, an hour left out on each side (as PJM does). Days and hours are local; no holiday is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import fmean

from agent.facts_energy import EnergyInterval
from agent.tariffs.periods import Span, interval_start
from agent.values import Watts

HOUR = timedelta(hours=1)
DAYS, LOOKED_BACK = 10, 60
PAST = timedelta(days=LOOKED_BACK + 1)
"""What is older than this before an order is no matter."""
MOST_ADJUSTED = 0.2
SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What one rule takes for the mean draw without the order, and the Wh not drawn; None: `why` says the reason."""

    method: str  # before_after | ten_of_ten | same_day
    mean_w: Watts | None = None
    not_drawn_wh: float | None = None
    why: str | None = None
    adjusted: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Mean draws of whole metering intervals by their starts, and when orders were in force."""

    draws_w: Mapping[datetime, Watts]
    step: timedelta
    events: Sequence[Span]
    zone: tzinfo

    @staticmethod
    def of(intervals: Iterable[EnergyInterval], step: timedelta, events: Sequence[Span], zone: tzinfo) -> Measured:
        """Gather what is known of whole intervals."""
        hours = step / HOUR
        draws_w = {fact.start: fact.site_wh / hours for fact in intervals if fact.end - fact.start == step}
        return Measured(draws_w=draws_w, step=step, events=events, zone=zone)

    def between(self, start: datetime, end: datetime) -> list[Watts]:
        """Return the draws from one instant to another, as far as they are known."""
        at, found = interval_start(start, self.step), list[Watts]()
        at = at if at >= start else at + self.step
        while at + self.step <= end:
            found += [self.draws_w[at]] if at in self.draws_w else []
            at += self.step
        return found

    def slots(self, spans: Iterable[Span]) -> list[datetime]:
        """Return the starts of the known intervals that lie in spans."""
        return sorted(at for at in self.draws_w if any(span.start <= at < span.end for span in spans))


def baselines(measured: Measured, span: Span, counted: Sequence[Span], *, over: bool) -> list[Baseline]:
    """Return what each rule gives for an order in force within `span`, whose intervals are `counted`."""
    slots = measured.slots(counted)
    if not slots:
        return []
    return [
        _before_after(measured, span, slots, over=over),
        _ten_of_ten(measured, span, slots),
        _same_day(measured, span, slots, over=over),
    ]


def _before_after(measured: Measured, span: Span, slots: Sequence[datetime], *, over: bool) -> Baseline:
    before = measured.between(span.start - 2 * measured.step, span.start)[-1:]
    after = measured.between(span.end, span.end + 2 * measured.step)[:1] if over else []
    if not before:
        return Baseline(method="before_after", why="the interval before it is not known")
    return _flat("before_after", fmean([*before, *after]), measured, slots)


def _same_day(measured: Measured, span: Span, slots: Sequence[datetime], *, over: bool) -> Baseline:
    if not over:
        return Baseline(method="same_day", why="it is in force, and the hours after it are not over")
    before = measured.between(span.start - 4 * HOUR, span.start - HOUR)
    after = measured.between(span.end + HOUR, span.end + 3 * HOUR)
    if not before or not after:
        return Baseline(method="same_day", why="the hours around it are not known")
    mean_w = (3 * fmean(before) + 2 * fmean(after)) / 5
    return _flat("same_day", mean_w, measured, slots)


def _flat(method: str, mean_w: Watts, measured: Measured, slots: Sequence[datetime]) -> Baseline:
    not_drawn_wh = sum((mean_w - measured.draws_w[at]) * (measured.step / HOUR) for at in slots)
    return Baseline(method=method, mean_w=mean_w, not_drawn_wh=not_drawn_wh)


def _ten_of_ten(measured: Measured, span: Span, slots: Sequence[datetime]) -> Baseline:
    """Take each interval for the mean of the same local time on the days before."""
    days = _days(measured, span.start)
    by_time = _by_time(measured, days)
    usual = {at: by_time.get(_local(at, measured.zone)[1]) for at in slots}
    missing = sum(draw_w is None for draw_w in usual.values())
    if len(days) < DAYS or missing:
        short = f"{len(days)} of {DAYS} days without an order are known before it"
        return Baseline(
            method="ten_of_ten", why=short if len(days) < DAYS else "hours of the days before are not known"
        )
    adjusted = _adjustment(measured, span, by_time)
    draws_w = {at: adjusted * draw_w for at, draw_w in usual.items() if draw_w is not None}
    not_drawn_wh = sum((draw_w - measured.draws_w[at]) * (measured.step / HOUR) for at, draw_w in draws_w.items())
    return Baseline(
        method="ten_of_ten", mean_w=fmean(draws_w.values()), not_drawn_wh=not_drawn_wh, adjusted=round(adjusted, 4)
    )


def _days(measured: Measured, start: datetime) -> set[date]:
    """Return the ten latest days of the same type before an instant without an order, of which the draw is known."""
    known = {_local(at, measured.zone)[0] for at in measured.draws_w}
    touched = {day for span in measured.events for day in _touched(span, measured.zone)}
    first = _local(start, measured.zone)[0]
    past = (first - timedelta(days=back) for back in range(1, LOOKED_BACK + 1))
    is_weekend = first.weekday() >= SATURDAY
    found = [day for day in past if (day.weekday() >= SATURDAY) == is_weekend and day in known and day not in touched]
    return set(found[:DAYS])


def _touched(span: Span, zone: tzinfo) -> Iterable[date]:
    first, last = _local(span.start, zone)[0], _local(span.end, zone)[0]
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _by_time(measured: Measured, days: set[date]) -> dict[time, Watts]:
    """Return the mean draw of these days by local times."""
    found: dict[time, list[Watts]] = {}
    for at, draw_w in measured.draws_w.items():
        day, clock = _local(at, measured.zone)
        if day in days:
            found.setdefault(clock, []).append(draw_w)
    return {clock: fmean(draws_w) for clock, draws_w in found.items()}


def _adjustment(measured: Measured, span: Span, by_time: Mapping[time, Watts]) -> float:
    """Return by what the three hours before differ from the same hours of the days before, within a fifth."""
    hours = [Span(start=span.start - 3 * HOUR, end=span.start - measured.step + timedelta.resolution)]
    told = [(measured.draws_w[at], by_time.get(_local(at, measured.zone)[1])) for at in measured.slots(hours)]
    pairs = [(draw_w, usual_w) for draw_w, usual_w in told if usual_w]
    if not pairs:
        return 1.0
    ratio = sum(draw_w for draw_w, _ in pairs) / sum(usual_w for _, usual_w in pairs)
    return min(1 + MOST_ADJUSTED, max(1 - MOST_ADJUSTED, ratio))


def _local(at: datetime, zone: tzinfo) -> tuple[date, time]:
    local = at.astimezone(zone)
    return local.date(), local.time()
