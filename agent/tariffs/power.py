"""Power as a meter bills it: means over windows that the local clock sets, in kW, kVA or kvar.

Windows of a length follow one another from the local midnight on which a month begins; one that is shorter than the
load's step is the step itself. A window that the edge of a period cuts counts on both sides of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from agent.tariffs.load import Column, Usage
from agent.tariffs.money import even
from agent.tariffs.periods import Span, midnight

Measure = Literal["kW", "kVA", "kvar", "hp"]
"""Active power; apparent power; lagging reactive power less leading, never below 0; active power in horsepower."""
_KW_OF_HP = Decimal("0.74569987158227022")
"""550 foot-pounds-force a second."""
_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest mean power of a window, and when that window began; None where there was none."""

    power: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Windows:
    start: datetime
    length: timedelta
    energies: tuple[Decimal, ...]  # kWh or kvarh; of apparent power: its square

    def highest(self, spans: Iterable[Span]) -> tuple[Decimal, datetime] | None:
        best: tuple[Decimal, datetime] | None = None
        for span in spans:
            first = max((span.start - self.start) // self.length, 0)
            end = -((self.start - span.end) // self.length)
            for at in range(first, min(end, len(self.energies))):
                if best is None or self.energies[at] > best[0]:
                    best = self.energies[at], self.start + at * self.length
        return best


def highest(usage: Usage, spans: Iterable[Span], window_min: int | None, measure: Measure = "kW") -> Peak:
    """Return the highest mean power of a window in these spans. Raises Unmetered."""
    windows = _windows(usage, window_min, measure)
    found = windows.highest(spans)
    if found is None:
        return Peak(power=_ZERO)
    energy = found[0].sqrt() if measure == "kVA" else found[0]
    power = energy * _HOUR_TICKS / (windows.length // _TICK)
    power = power / _KW_OF_HP if measure == "hp" else power
    return Peak(power=even(power), at=found[1])


def at_window(usage: Usage, at: datetime, window_min: int | None, measure: Measure) -> Decimal:
    """Return the mean power of the window that begins at an instant. Raises Unmetered."""
    return highest(usage, [Span(start=at, end=at + _TICK)], window_min, measure).power


def peak_window(usage: Usage, window_min: int | None) -> Span:
    """Return when the highest mean power of a month was drawn; the first window of equals."""
    windows = _windows(usage, window_min, "kW")
    found = windows.highest([usage.span])
    start = usage.span.start if found is None else found[1]
    whole = usage.register.load.span
    return Span(start=max(start, whole.start), end=min(start + windows.length, whole.end))


def _windows(usage: Usage, window_min: int | None, measure: Measure) -> _Windows:
    key = ("windows", usage.span, window_min, measure)
    if key not in usage.register.known:
        usage.register.known[key] = _made(usage, window_min, measure)
    found: _Windows = usage.register.known[key]
    return found


def _made(usage: Usage, window_min: int | None, measure: Measure) -> _Windows:
    load, span = usage.register.load, usage.span
    length = max(timedelta(minutes=window_min or 0), load.step)
    anchor = load.start if length == load.step else midnight(usage.first, usage.zone)
    start = anchor + (span.start - anchor) // length * length
    count = -((start - span.end) // length)
    match measure:
        case "kW" | "hp":
            energies = _energies(usage, start, length, count, "kwh")
        case "kvar":
            energies = tuple(max(energy, _ZERO) for energy in _reactive(usage, start, length, count))
        case "kVA":
            active, reactive = _energies(usage, start, length, count, "kwh"), _reactive(usage, start, length, count)
            energies = tuple(one * one + other * other for one, other in zip(active, reactive, strict=True))
    return _Windows(start=start, length=length, energies=energies)


def _reactive(usage: Usage, start: datetime, length: timedelta, count: int) -> Sequence[Decimal]:
    lagging = _energies(usage, start, length, count, "kvarh")
    if not usage.register.has("kvarh_lead"):
        return lagging
    leading = _energies(usage, start, length, count, "kvarh_lead")
    return [one - other for one, other in zip(lagging, leading, strict=True)]


def _energies(usage: Usage, start: datetime, length: timedelta, count: int, column: Column) -> tuple[Decimal, ...]:
    whole = usage.register.load.span
    energy: Callable[[Span], Decimal] = lambda span: usage.register.kwh(span, column)  # noqa: E731 - one line of it
    return tuple(
        energy(Span(start=max(start + at * length, whole.start), end=min(start + (at + 1) * length, whole.end)))
        for at in range(count)
    )
