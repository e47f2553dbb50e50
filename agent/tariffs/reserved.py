"""Reserved power: contracted kW are charged whether they are drawn or not; what is drawn above them at a multiple."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product, share_of
from agent.tariffs.figures import Dated
from agent.tariffs.load import Prorate, Usage
from agent.tariffs.money import PERCENT, rounded, written
from agent.tariffs.power import KW_OF, Measure, Window, highest, spans_of, window_at
from agent.tariffs.shape import SHAPE
from agent.tariffs.standing import Standing, bands_above, in_kw, remaining
from agent.tariffs.tiers import rising, shares
from agent.tariffs.when import ALWAYS, Times

_ZERO = Decimal(0)
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """What a kW above the contract costs, up to so many percent of it above it."""

    __pydantic_config__ = SHAPE

    up_to_pct: Decimal | None = None
    per_kw: Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedPower:
    """So much a kW of contracted power and month, `per` day or year; the highest power above it by bands of excess.

    What is per year is for each of its days, or without `prorate` a twelfth; what is excess is always of the month.
    Within `tolerance_pct` above the contract nothing is excess; beyond it all that is above the contract is.
    """

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["reserved_power"] = "reserved_power"
    name: str
    party: str = "network"
    kw: Dated
    per_kw: Dated
    per: Literal["month", "day", "year"] = "month"
    excess: tuple[Excess, ...] = ()
    tolerance_pct: Decimal = _ZERO
    measure: Measure = "kW"
    window_min: int | None = None  # None: the step of the load
    when: Times = ALWAYS
    prorate: Prorate = "days"

    def __post_init__(self) -> None:
        if self.excess:
            rising([band.up_to_pct for band in self.excess])
        if self.per == "day" and self.prorate != "days":
            raise ValueError("prorate is for what is per month or year: each day is charged")
        if self.tolerance_pct < 0:
            raise ValueError("tolerance_pct is not negative")
        if any(figure.value is None or figure.value < 0 for figure in self.kw.figures):
            raise ValueError("kw must be known, and not negative")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return self.measure

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return what the contract costs and what each band of excess does."""
        yield "contracted", self.per_kw
        for band in self.excess:
            bound = "" if band.up_to_pct is None else f" up to {written(band.up_to_pct)} %"
            yield f"above{bound}", band.per_kw

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the contracted power as of the month's last day, then what was drawn above it. Raises NoFigure."""
        day = usage.last
        contracted = self.kw.on(day).value or _ZERO
        said = "contracted" if self.per == "month" else f"contracted, {usage.day_count} days"
        yield from share_of(day, said, contracted, self.per_kw.on(day), self._share(usage))
        peak = highest(usage, spans_of(usage, self.when), Window(minutes=self.window_min), self.measure)
        above = peak.power - contracted
        if not self.excess or peak.at is None or above <= contracted * self.tolerance_pct * PERCENT:
            return
        at = peak.at.astimezone(usage.zone).isoformat(sep=" ", timespec="minutes")
        said = f"above it, {written(rounded(peak.power, 3))} {self.measure} at {at}"
        bounds = [None if one.up_to_pct is None else contracted * one.up_to_pct * PERCENT for one in self.excess]
        for place, power in shares(bounds, _ZERO, above):
            yield from product(day, said, power, self.excess[place].per_kw.on(day))

    def _share(self, usage: Usage) -> Fraction:
        """Return how many of its units a month is."""
        if self.per == "day":
            return Fraction(usage.day_count)
        if self.per == "year" and self.prorate == "days":
            days = (usage.first + timedelta(days=at) for at in range(usage.day_count))
            return sum((Fraction(1, 366 if isleap(day.year) else 365) for day in days), Fraction(0))
        return usage.share_of_month(self.prorate) / (1 if self.per == "month" else _MONTHS_OF_YEAR)

    def standing(self, usage: Usage, at: datetime) -> Iterator[Standing]:
        """Yield what may be drawn at an instant before it costs more; kW and hp. Raises NoFigure, Unmetered."""
        spans = spans_of(usage, self.when)
        if self.measure not in KW_OF or not self.excess or not any(span.start <= at < span.end for span in spans):
            return
        day, contracted = usage.last, self.kw.on(usage.last).value or _ZERO
        window = Window(minutes=self.window_min)
        peak = highest(usage, spans, window, self.measure)
        starts = [contracted]
        starts += [contracted * (1 + one.up_to_pct * PERCENT) for one in self.excess if one.up_to_pct is not None]
        prices = [one.per_kw.on(day).value or _ZERO for one in self.excess]
        allowed = contracted * (1 + self.tolerance_pct * PERCENT)
        under = window_at(usage, at, window)
        found = Standing(
            component=self.name,
            period="",
            window=under,
            since=spans[0].start,
            kw=max(peak.power, allowed),
            bands=bands_above(max(peak.power, allowed), list(zip(starts, prices, strict=False))),
            jump=_ZERO if peak.power > allowed else (allowed - contracted) * prices[0],
            left=remaining(spans, under),
        )
        yield in_kw(found, KW_OF[self.measure])
