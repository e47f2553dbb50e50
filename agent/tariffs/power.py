"""Power as a meter bills it: means over windows that the local clock sets, in kW, kVA or kvar.

Windows of a length follow one another from the local midnight on which a month begins; one that is shorter than the
load's step is the step itself. A window that the edge of a period cuts counts on both sides of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from agent.tariffs.load import Column, Usage
from agent.tariffs.money import even
from agent.tariffs.periods import Span, midnight
from agent.tariffs.when import Calendar, Times, cuts

Measure = Literal["kW", "kVA", "kvar", "hp"]
"""Active power; apparent power; lagging reactive power less leading, never below 0; active power in horsepower."""
_KW_OF_HP = Decimal("0.74569987158227022")
"""550 foot-pounds-force a second."""
KW_OF: Mapping[Measure, Decimal] = {"kW": Decimal(1), "hp": _KW_OF_HP}
"""The kW of one of what is measured, where that does not depend on reactive power."""
_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest mean power of a window, and when that window began; None where there was none."""

    power: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Over what power is a mean; rolling windows begin with each step of the load and lie whole in what is measured."""

    minutes: int | None = None  # None: the step of the load
    is_rolling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Means:
    start: datetime
    stride: timedelta
    length: timedelta
    energies: tuple[Decimal, ...]  # kWh or kvarh; of apparent power: its square

    def highest(self, spans: Iterable[Span]) -> tuple[Decimal, datetime] | None:
        best: tuple[Decimal, datetime] | None = None
        for first, end in self._places(spans):
            for at in range(max(first, 0), min(end, len(self.energies))):
                if best is None or self.energies[at] > best[0]:
                    best = self.energies[at], self.start + at * self.stride
        return best

    def each(self, spans: Iterable[Span]) -> list[Decimal]:
        """Return every window of these spans once."""
        places = {at for first, end in self._places(spans) for at in range(max(first, 0), end)}
        return [self.energies[at] for at in sorted(places) if at < len(self.energies)]

    def _places(self, spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
        if self.stride == self.length:
            for span in spans:
                yield (span.start - self.start) // self.length, -((self.start - span.end) // self.length)
            return
        for span in _joined(spans):
            yield -((self.start - span.start) // self.stride), (span.end - self.length - self.start) // self.stride + 1


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans with those that follow at once as one."""
    held: Span | None = None
    for span in spans:
        if held is not None and held.end == span.start:
            held = Span(start=held.start, end=span.end)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def highest_means(usage: Usage, spans: Iterable[Span], window: Window, measure: Measure, most: int) -> list[Decimal]:
    """Return the mean power of so many windows in these spans, the highest first. Raises Unmetered."""
    means = _means(usage, window, measure)
    chosen = sorted(means.each(spans), reverse=True)[:most]  # of kVA by squares: a root of each is slow
    return [even(_power(energy, means.length, measure)) for energy in chosen]


def highest(usage: Usage, spans: Iterable[Span], window: Window, measure: Measure = "kW") -> Peak:
    """Return the highest mean power of a window in these spans. Raises Unmetered."""
    means = _means(usage, window, measure)
    found = means.highest(spans)
    if found is None:
        return Peak(power=_ZERO)
    return Peak(power=even(_power(found[0], means.length, measure)), at=found[1])


def _power(energy: Decimal, length: timedelta, measure: Measure) -> Decimal:
    power = (energy.sqrt() if measure == "kVA" else energy) * _HOUR_TICKS / (length // _TICK)
    return power / _KW_OF_HP if measure == "hp" else power


def powers(usage: Usage, window: Window) -> Iterator[tuple[datetime, Decimal]]:
    """Yield the mean kW of each window that begins within a month, and its start."""
    means = _means(usage, window, "kW")
    for at, energy in enumerate(means.energies):
        start = means.start + at * means.stride
        if start >= usage.span.start:
            yield start, energy * _HOUR_TICKS / (means.length // _TICK)


def factor_at(usage: Usage, at: datetime, window: Window) -> Decimal:
    """Return the power factor in the window that begins at an instant; 1 where nothing was drawn. Raises Unmetered."""
    length = _length(usage, window)
    active, reactive = _energies(usage, at, length, length, 1, "kwh")[0], _reactive(usage, at, length, length, 1)[0]
    return active / (active * active + reactive * reactive).sqrt() if active else Decimal(1)


def window_at(usage: Usage, at: datetime, window: Window) -> Span:
    """Return the window that an instant lies in; of rolling ones the step, for they begin with every one."""
    length = usage.register.load.step if window.is_rolling else _length(usage, window)
    anchor = usage.register.load.start
    if length != usage.register.load.step:
        anchor = midnight(usage.first, usage.zone)
    start = anchor + (at - anchor) // length * length
    return Span(start=start, end=start + length)


def spans_of(usage: Usage, when: Times) -> list[Span]:
    """Return when something holds within a month; of what names neither months, days nor hours that is all of it."""
    if when.is_open:
        return [usage.span]
    calendar = Calendar([when])
    return [
        segment.span
        for segment in usage.segments(cuts([when]))
        if calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
    ]


def peak_window(usage: Usage, window: Window, spans: Iterable[Span]) -> Span:
    """Return when the highest mean power of these spans was drawn; the first window of equals."""
    means = _means(usage, window, "kW")
    found = means.highest(spans)
    start = usage.span.start if found is None else found[1]
    whole = usage.register.load.span
    return Span(start=max(start, whole.start), end=min(start + means.length, whole.end))


def _length(usage: Usage, window: Window) -> timedelta:
    return max(timedelta(minutes=window.minutes or 0), usage.register.load.step)


def _means(usage: Usage, window: Window, measure: Measure) -> _Means:
    key = ("means", usage.span, window, measure)
    if key not in usage.register.known:
        usage.register.known[key] = _made(usage, window, measure)
    found: _Means = usage.register.known[key]
    return found


def _made(usage: Usage, window: Window, measure: Measure) -> _Means:
    load, span, length = usage.register.load, usage.span, _length(usage, window)
    stride = load.step if window.is_rolling else length
    anchor = load.start if stride == load.step else midnight(usage.first, usage.zone)
    start = anchor + (span.start - anchor) // stride * stride
    told = (usage, start, stride, length, -((start - span.end) // stride))
    match measure:
        case "kW" | "hp":
            energies = _energies(*told, "kwh")
        case "kvar":
            energies = tuple(max(energy, _ZERO) for energy in _reactive(*told))
        case "kVA":
            active, reactive = _energies(*told, "kwh"), _reactive(*told)
            energies = tuple(one * one + other * other for one, other in zip(active, reactive, strict=True))
    return _Means(start=start, stride=stride, length=length, energies=energies)


def _reactive(usage: Usage, start: datetime, stride: timedelta, length: timedelta, count: int) -> Sequence[Decimal]:
    lagging = _energies(usage, start, stride, length, count, "kvarh")
    if not usage.register.has("kvarh_lead"):
        return lagging
    leading = _energies(usage, start, stride, length, count, "kvarh_lead")
    return [one - other for one, other in zip(lagging, leading, strict=True)]


def _energies(
    usage: Usage, start: datetime, stride: timedelta, length: timedelta, count: int, column: Column
) -> tuple[Decimal, ...]:
    whole, register = usage.register.load.span, usage.register
    starts = (start + at * stride for at in range(count))
    return tuple(
        register.kwh(Span(start=max(at, whole.start), end=min(at + length, whole.end)), column) for at in starts
    )
