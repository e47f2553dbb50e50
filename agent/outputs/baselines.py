"""What a site would have drawn without an order, by the rules that markets settle by. Pure.

By the meter before and after, an interval left out after it, in which machines begin; 10-of-10: the same hours of the
ten latest days of the same type without an order, adjusted by the three hours before by a fifth at most (as CAISO and
MISO do); same day, 3+2: three hours before and two after, an hour left out on each side (as PJM does). Days and hours
are local; holidays are those that the tariff dates. What another order touched, or is known in part, is no base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import fmean

from agent.facts.energy import EnergyInterval
from agent.tariffs.periods import Span, interval_start
from agent.values import Watts

HOUR = timedelta(hours=1)
DAYS, LOOKED_BACK = 10, 60
PAST = timedelta(days=LOOKED_BACK + 1)
"""What is older than this before an order is no matter."""
MOST_ADJUSTED = 0.2
METHODS = ("before_after", "ten_of_ten", "same_day")
SATURDAY = 5
REST = frozenset({"sat", "sun", "holiday"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What one rule takes for the mean draw without the order, and the Wh not drawn; None: `why` says the reason."""

    method: str  # before_after | ten_of_ten | same_day
    mean_w: Watts | None = None
    not_drawn_wh: float | None = None
    why: str | None = None
    adjusted: float = 1.0
    taken: tuple[datetime, ...] = ()  # starts of the intervals that it rests on
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Mean draws of whole metering intervals by their starts, and when orders were in force."""

    draws_w: Mapping[datetime, Watts]
    step: timedelta
    events: Sequence[Span]
    zone: tzinfo
    days: Mapping[date, str] = field(default_factory=dict)  # that are not what their weekday says: mon … sun, holiday

    @staticmethod
    def of(
        intervals: Iterable[EnergyInterval],
        step: timedelta,
        events: Sequence[Span],
        zone: tzinfo,
        days: Mapping[date, str] | None = None,
    ) -> Measured:
        """Gather what is known of whole intervals."""
        hours = step / HOUR
        draws_w = {fact.start: fact.site_wh / hours for fact in intervals if fact.end - fact.start == step}
        return Measured(draws_w=draws_w, step=step, events=events, zone=zone, days=days or {})

    def is_rest(self, day: date) -> bool:
        """Whether a day is one of the weekend or a holiday."""
        return self.days.get(day, "sat" if day.weekday() >= SATURDAY else "mon") in REST

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the starts of the whole intervals from one instant to another, known or not."""
        at, found = interval_start(start, self.step), list[datetime]()
        at = at if at >= start else at + self.step
        while at + self.step <= end:
            found.append(at)
            at += self.step
        return found

    def flaw(self, starts: Sequence[datetime], own: Span) -> str | None:
        """Return why these intervals are no base for an order in force within `own`, None where they are."""
        if not starts or any(at not in self.draws_w for at in starts):
            return "not known"
        others = [span for span in self.events if not (own.start <= span.start and span.end <= own.end)]
        if any(span.start < at + self.step and at < span.end for span in others for at in starts):
            return "under another order"
        return None

    def mean_w(self, starts: Iterable[datetime]) -> Watts:
        """Return the mean draw of intervals that are known."""
        return fmean(self.draws_w[at] for at in starts)

    def slots(self, spans: Iterable[Span]) -> list[datetime]:
        """Return the starts of the known intervals that lie in spans."""
        return sorted(at for at in self.draws_w if any(span.start <= at < span.end for span in spans))


def baselines(measured: Measured, span: Span, counted: Sequence[Span], *, over: bool) -> list[Baseline]:
    """Return what each rule gives for an order in force within `span`, whose intervals are `counted`."""
    slots = measured.slots(counted)
    if not slots:
        return [Baseline(method=method, why="no whole interval of the order is known") for method in METHODS]
    return [
        _before_after(measured, span, slots, over=over),
        _ten_of_ten(measured, span, slots),
        _same_day(measured, span, slots, over=over),
    ]


def _before_after(measured: Measured, span: Span, slots: Sequence[datetime], *, over: bool) -> Baseline:
    step = measured.step
    before = measured.between(span.start - 2 * step, span.start)[-1:]
    after = measured.between(span.end + step, span.end + 3 * step)[:1]
    if (flaw := measured.flaw(before, span)) is not None:
        return Baseline(method="before_after", why=f"the interval before it is {flaw}")
    flaw = measured.flaw(after, span) if over else "not over"
    taken = before if flaw is not None else [*before, *after]
    doubt = None if flaw is None else f"by the interval before alone: the one after is {flaw}"
    return _flat("before_after", measured.mean_w(taken), measured, slots, taken, doubt)


def _same_day(measured: Measured, span: Span, slots: Sequence[datetime], *, over: bool) -> Baseline:
    if not over:
        return Baseline(method="same_day", why="it is in force, and the hours after it are not over")
    before = measured.between(span.start - 4 * HOUR, span.start - HOUR)
    after = measured.between(span.end + HOUR, span.end + 3 * HOUR)
    for which, starts in (("three hours before", before), ("two hours after", after)):
        if (flaw := measured.flaw(starts, span)) is not None:
            return Baseline(method="same_day", why=f"the {which} it, the next one left out, are {flaw}")
    mean_w = (3 * measured.mean_w(before) + 2 * measured.mean_w(after)) / 5
    return _flat("same_day", mean_w, measured, slots, [*before, *after])


def _flat(
    method: str,
    mean_w: Watts,
    measured: Measured,
    slots: Sequence[datetime],
    taken: Sequence[datetime],
    doubt: str | None = None,
) -> Baseline:
    not_drawn_wh = sum((mean_w - measured.draws_w[at]) * (measured.step / HOUR) for at in slots)
    return Baseline(method=method, mean_w=mean_w, not_drawn_wh=not_drawn_wh, taken=tuple(taken), doubt=doubt)


def _ten_of_ten(measured: Measured, span: Span, slots: Sequence[datetime]) -> Baseline:
    """Take each interval for the mean of the same local time on the days before."""
    days = _days(measured, span.start)
    if len(days) < DAYS:
        short = f"{len(days)} of {DAYS} days of its type without an order are known before it"
        return Baseline(method="ten_of_ten", why=f"too little history: {short}")
    past = _by_time(measured, days)
    usual = {at: past.get(_local(at, measured.zone)[1], []) for at in slots}
    if not all(usual.values()):
        return Baseline(method="ten_of_ten", why="too little history: hours of the days before are not known")
    adjusted, adjusted_by = _adjustment(measured, span, past)
    draws_w = {at: adjusted * measured.mean_w(starts) for at, starts in usual.items()}
    thin = sum(len(starts) < DAYS for starts in usual.values())
    return Baseline(
        method="ten_of_ten",
        mean_w=fmean(draws_w.values()),
        not_drawn_wh=sum((draw_w - measured.draws_w[at]) * (measured.step / HOUR) for at, draw_w in draws_w.items()),
        adjusted=round(adjusted, 4),
        taken=tuple(sorted({*adjusted_by, *(at for starts in usual.values() for at in starts)})),
        doubt=f"{thin} of its intervals have fewer than {DAYS} days" if thin else None,
    )


def _days(measured: Measured, start: datetime) -> set[date]:
    """Return the ten latest days of the same type before an instant without an order, of which the draw is known."""
    known = {_local(at, measured.zone)[0] for at in measured.draws_w}
    touched = {day for span in measured.events for day in _touched(span, measured.zone)}
    first = _local(start, measured.zone)[0]
    past = (first - timedelta(days=back) for back in range(1, LOOKED_BACK + 1))
    is_rest = measured.is_rest(first)
    found = [day for day in past if measured.is_rest(day) == is_rest and day in known and day not in touched]
    return set(found[:DAYS])


def _touched(span: Span, zone: tzinfo) -> Iterable[date]:
    first, last = _local(span.start, zone)[0], _local(span.end, zone)[0]
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _by_time(measured: Measured, days: set[date]) -> dict[time, list[datetime]]:
    """Return the intervals of these days by local times."""
    found: dict[time, list[datetime]] = {}
    for at in measured.draws_w:
        day, clock = _local(at, measured.zone)
        if day in days:
            found.setdefault(clock, []).append(at)
    return found


def _adjustment(
    measured: Measured, span: Span, past: Mapping[time, Sequence[datetime]]
) -> tuple[float, list[datetime]]:
    """Return by what the three hours before differ from the same of the days before, within a fifth, and all of these.

    Without an adjustment where an hour of them is not known or another order touched it.
    """
    hours = measured.between(span.start - 3 * HOUR, span.start)
    usual = [past.get(_local(at, measured.zone)[1], []) for at in hours]
    if measured.flaw(hours, span) is not None or not all(usual):
        return 1.0, []
    usual_w = sum(measured.mean_w(starts) for starts in usual)
    ratio = 1.0 if usual_w == 0 else sum(measured.draws_w[at] for at in hours) / usual_w
    adjusted = min(1 + MOST_ADJUSTED, max(1 - MOST_ADJUSTED, ratio))
    return adjusted, [*hours, *(at for starts in usual for at in starts)]


def _local(at: datetime, zone: tzinfo) -> tuple[date, time]:
    local = at.astimezone(zone)
    return local.date(), local.time()
