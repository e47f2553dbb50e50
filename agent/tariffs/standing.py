"""What a charge on power stands at: the kW that are billed in any case, and what each one more would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from agent.tariffs.money import even
from agent.tariffs.periods import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What a ratchet makes of a new peak in months to come, that are alike: they bill `share` of it if above `kw`."""

    months: int
    share: Decimal
    kw: Decimal  # billed there in any case
    bands: tuple[tuple[Decimal, Decimal], ...]  # from so many kW on, what one more costs there
    hours: Decimal  # of such a month, in which it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One charge on the mean power of a window, as it stands at an instant within that window.

    Money is the charge's own: before class coefficient, exchange and taxes.
    """

    component: str
    period: str  # empty where the component has no periods
    window: Span
    since: datetime  # what was drawn from then on it goes by
    kw: Decimal  # billed, free or allowed in any case
    bands: tuple[tuple[Decimal, Decimal], ...]  # from so many kW on, what one more costs; by rising kW
    jump: Decimal = Decimal(0)  # due at once with the first kW above
    each: bool = False  # every window is charged by itself, and not the month's highest
    later: tuple[Later, ...] = ()
    left: tuple[Span, ...]  # when it is still measured, and a new peak would be free to use: from the window's start on


def in_kw(one: Standing, unit_kw: Decimal) -> Standing:
    """Return a charge on another unit of power in kW, of which one has so many."""

    def told(bands: tuple[tuple[Decimal, Decimal], ...]) -> tuple[tuple[Decimal, Decimal], ...]:
        return tuple((start * unit_kw, even(price / unit_kw)) for start, price in bands)

    if unit_kw == 1:
        return one
    later = tuple(replace(month, kw=month.kw * unit_kw, bands=told(month.bands)) for month in one.later)
    return replace(one, kw=one.kw * unit_kw, bands=told(one.bands), later=later)


def bands_above(kw: Decimal, bands: list[tuple[Decimal, Decimal]]) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the bands that lie above a power, the first of them from it on."""
    below = [price for start, price in bands if start <= kw]
    first = [(kw, below[-1])] if below else []
    return (*first, *((start, price) for start, price in bands if start > kw))


def bands_left(
    base: Decimal, kw: Decimal, bands: Sequence[tuple[Decimal, Decimal]]
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the bands of a charge on what `kw` is above a base, where it is the base that rises: it takes kW away."""
    width = kw - base
    if width <= 0:
        return ()
    ends = [min(start, width) for start, _ in bands[1:]] + [width]
    back = [(kw - end, -price) for (start, price), end in zip(bands, ends, strict=True) if start < width]
    return (*reversed(back), (kw, Decimal(0)))


def remaining(spans: Sequence[Span], window: Span) -> tuple[Span, ...]:
    """Return what of some spans lies at or after a window's start."""
    return tuple(Span(start=max(span.start, window.start), end=span.end) for span in spans if span.end > window.start)
