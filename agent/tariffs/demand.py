"""Demand: so much a kW (kVA, kvar) of the highest mean power of a month, at any time or by periods.

What is billed is what was measured, raised by a bad power factor, by what earlier months drew (a ratchet), and to a
least. Nothing of it belongs to one kilowatt-hour: it is charged by the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, groupby
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, share_of
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.load import Prorate, Usage
from agent.tariffs.money import PERCENT, even, rounded, written
from agent.tariffs.periods import Span, months_after
from agent.tariffs.power import KW_OF, Measure, Peak, Window, factor_at, highest, highest_means, window_at
from agent.tariffs.ratchet import Ratchet, highest_held
from agent.tariffs.shape import SHAPE
from agent.tariffs.standing import Later, Standing, bands_above, bands_left, in_kw, remaining
from agent.tariffs.tiers import rising, shares
from agent.tariffs.when import Calendar, Times, cuts, distinct

_ONE = Decimal(1)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK
Every = Literal["month", "day", "mean_of_days", "mean_of_windows", "mean_of_months"]
"""What is charged: a month's highest power, each day's, or a mean of the highest: of days, windows, twelve months."""
_MEANS = ("mean_of_days", "mean_of_windows", "mean_of_months")
YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFactor:
    """A power factor that must be reached: below it, demand is billed as if it had been drawn at it.

    Of `apparent` power: the highest kVA times it are billed where they are above the highest kW, whenever either was.
    By `points`, demand is raised by a hundredth for each by which the factor falls short.
    """

    __pydantic_config__ = SHAPE

    target: Decimal
    at: Literal["peak", "month", "apparent"] = "peak"  # in the window of the peak, over the month's energy, or by kVA
    by: Literal["ratio", "points"] = "ratio"

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise ValueError("target must be above 0 and at most 1")
        if self.by == "points" and self.at == "apparent":
            raise ValueError("points are of a power factor at the peak or of the month")

    def raised(self, power: Decimal, factor: Decimal) -> Decimal:
        """Return what is billed of a power that was drawn at a factor below the target."""
        return power * (self.target / factor if self.by == "ratio" else 1 + self.target - factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandBlock:
    """The price of each kW up to a bound."""

    __pydantic_config__ = SHAPE

    up_to: Decimal | None = None
    per_kw: Dated


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandPeriod(Times):
    """When a demand is measured and what a kW of it costs; one that says nothing measures at any time."""

    __pydantic_config__ = SHAPE

    name: str
    above: str | None = None  # the period above whose demand alone it bills
    per_kw: Dated | None = None
    block: tuple[DemandBlock, ...] = ()

    def __post_init__(self) -> None:
        Times.__post_init__(self)
        if (self.per_kw is None) == (not self.block):
            raise ValueError("needs either per_kw or block")
        rising([block.up_to for block in self.blocks])

    @property
    def blocks(self) -> tuple[DemandBlock, ...]:
        """Its blocks; a single price is one."""
        return self.block if self.per_kw is None else (DemandBlock(per_kw=self.per_kw),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The highest mean power of each of its periods, each charged by itself; periods may overlap."""

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["demand"] = "demand"
    name: str
    party: str = "network"
    period: tuple[DemandPeriod, ...]
    measure: Measure = "kW"
    window_min: int | None = None  # None: the step of the load
    rolling: bool = False  # windows begin with each step of the load, and not by the clock
    every: Every = "month"
    highest: int | None = None  # how many of the highest a mean is of; None: of all
    most_per_kw: Dated | None = None  # where each day is charged: so much at most of a kW of the month's highest
    least: Decimal = Decimal(0)
    free: Decimal = Decimal(0)  # kW that are not charged
    ratchet: tuple[Ratchet, ...] = ()
    power_factor: PowerFactor | None = None
    digits: int | None = None  # decimals to which what is billed is rounded
    load_factor: Decimal | None = None  # at which the month's energy is the most that is billed
    prorate: Prorate = "none"

    def __post_init__(self) -> None:
        distinct([period.name for period in self.period])
        self._check_above()
        self._check_most()
        if not self.period:
            raise ValueError("needs at least one period")
        if self.window_min is not None and not 1 <= self.window_min <= 1440:
            raise ValueError("window_min must be 1 to 1440")
        if self.least < 0 or self.free < 0:
            raise ValueError("least and free are not negative")
        if self.digits is not None and not 0 <= self.digits <= 9:
            raise ValueError("digits must be 0 to 9")
        if self.every in _MEANS and (self.ratchet or self.power_factor):
            raise ValueError(f"a {self.every.replace('_', ' ')} has no ratchet and no power_factor")
        if self.power_factor is not None and self.measure != "kW":
            raise ValueError("power_factor is for a demand in kW")

    def _check_most(self) -> None:
        if (self.highest is not None and self.highest < 1) or (self.highest is not None and self.every not in _MEANS):
            raise ValueError("highest is at least 1, and of a mean_of_days, mean_of_windows or mean_of_months")
        if self.every == "mean_of_months" and self.highest is not None and self.highest > YEAR:
            raise ValueError("highest of a mean_of_months is at most 12")
        if self.every == "mean_of_windows" and self.highest is None:
            raise ValueError("a mean of windows needs highest: of how many")
        if self.most_per_kw is not None and (self.every != "day" or any(period.block for period in self.period)):
            raise ValueError('most_per_kw is for every = "day", and not for prices by block')
        if self.load_factor is not None and not 0 < self.load_factor <= 1:
            raise ValueError("load_factor must be above 0 and at most 1")
        if self.load_factor is not None and (self.measure != "kW" or self.every != "month"):
            raise ValueError('load_factor is for a demand in kW and every = "month"')

    def _check_above(self) -> None:
        for at, period in enumerate(self.period):
            if period.above is not None and period.above not in [one.name for one in self.period[:at]]:
                raise ValueError(f"{period.name}: above names {period.above}, and no period before it is called so")
            if period.above is not None and (self.every in _MEANS or self.free):
                raise ValueError("above is not for a mean, nor where kW are free")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return self.measure

    def ends(self) -> Iterator[str]:
        """Yield in words where a period has no price above its last block."""
        for period in self.period:
            if (bound := period.blocks[-1].up_to) is not None:
                yield f"{period.name} has no price above its last block, up to {written(bound)} {self.measure}"

    @property
    def is_of_all_days(self) -> bool:
        """Whether what is billed hangs on the rest of the month too, so that no instant alone sets it."""
        return self.every in _MEANS or self.most_per_kw is not None or self.load_factor is not None

    @property
    def _window(self) -> Window:
        return Window(minutes=self.window_min, is_rolling=self.rolling)

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rate of each block of each period."""
        for period in self.period:
            for block in period.blocks:
                bound = "" if block.up_to is None else f" up to {written(block.up_to)} {self.measure}"
                above = "" if period.above is None else f" above {period.above}"
                yield f"{period.name}{above}{bound}", block.per_kw
        if self.most_per_kw is not None:
            yield "at most", self.most_per_kw

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield what each period bills, by blocks, as of the last day of the month or of each day. Raises NoFigure."""
        levels: Levels = {}
        for period in self.period:
            times = list(self._times(usage, period))
            if self.every in _MEANS:
                yield from self._mean(usage, period, [spans for _, spans in times])
                continue
            parts: list[Part] = []
            for day, spans in times:
                peak = self._measured(usage, spans)
                billed, said = self._billed(usage, period, peak)
                base = _level(levels, period, day, billed)
                if base:
                    said = f"{said}; above {written(rounded(base, 3))} of {period.above}"
                parts += self._charged(usage, period, day, max(billed - base, Decimal(0)), said)
            yield from parts
            yield from self._held(usage, period, parts)

    def _mean(self, usage: Usage, period: DemandPeriod, days: Sequence[Sequence[Span]]) -> Iterator[Part]:
        """Yield the mean of the highest of each day, of windows, or of each of twelve months."""
        if not days:
            return
        match self.every:
            case "mean_of_windows":
                spans, most = chain.from_iterable(days), self.highest or 1
                powers, of = highest_means(usage, spans, self._window, self.measure, most), "windows"
            case "mean_of_months":
                months = (*usage.earlier, usage)[-YEAR:]
                powers, of = [max(self._of_month(one, period), self.least) for one in months], "months"
            case _:
                powers, of = [self._measured(usage, spans).power for spans in days], "days"
        chosen = sorted(powers, reverse=True)[: self.highest]
        billed = max(even(sum(chosen, Decimal(0)) / max(len(chosen), 1)), self.least)
        billed = billed if self.digits is None else rounded(billed, self.digits)
        each = f"the highest of each of {len(chosen)}" if of != "windows" else f"the {len(chosen)} highest"
        said = f"mean of {each} {of}" if chosen else "no window lies whole in it"
        yield from self._charged(usage, period, usage.last, billed, said)

    def _held(self, usage: Usage, period: DemandPeriod, parts: Sequence[Part]) -> Iterator[Part]:
        """Yield what days came to above what a month costs at most, as an amount below 0."""
        if self.most_per_kw is None:
            return
        highest_kw = max((part.quantity for part in parts), default=Decimal(0))
        figure = self.most_per_kw.on(usage.last)
        above = sum((part.amount for part in parts), Decimal(0)) - highest_kw * (figure.value or Decimal(0))
        if figure.value is not None and above > 0:
            label = f"{period.name}, at most {written(figure.value)} for each of {written(highest_kw)} {self.measure}"
            yield Part(day=usage.last, label=label, quantity=Decimal(0), figure=figure, amount=-above, is_rest=True)

    def standing(self, usage: Usage, at: datetime) -> Iterator[Standing]:
        """Yield what each period that is measured at an instant bills so far; kW and hp. Raises NoFigure, Unmetered."""
        if self.measure not in KW_OF or self.is_of_all_days:
            return
        window = window_at(usage, at, self._window)
        levels: Levels = {}
        later: tuple[Later, ...]
        rising: dict[tuple[str | None, date], Sequence[Span]] = {}  # measured now, or what they are above is
        for period in self.period:
            for day, spans in self._times(usage, period):
                if any(span.start <= at < span.end for span in spans):
                    rising[period.name, day] = spans
                elif all(one.above is None for one in self.period):
                    continue
                peak = self._measured(usage, spans)
                billed, _ = self._billed(usage, period, peak)
                base = _level(levels, period, day, billed)
                kw, bands = max(billed, base, self.free), self._bands(period, day)
                if (period.above, day) in rising:
                    rising[period.name, day] = rising[period.above, day]
                    kw, told, later = base, bands_left(base, kw, bands), ()
                else:
                    told = bands_above(kw, [(base + start, price) for start, price in bands])
                    later = self._later(usage, period, peak.power, spans)
                measured = rising.get((period.name, day))
                if measured is None or not told:
                    continue
                found = Standing(
                    component=self.name,
                    period=period.name,
                    window=window,
                    since=measured[0].start,
                    kw=kw,
                    bands=told,
                    later=later,
                    left=remaining(measured, window),
                )
                yield in_kw(found, KW_OF[self.measure])

    def _later(self, usage: Usage, period: DemandPeriod, kw: Decimal, spans: Sequence[Span]) -> tuple[Later, ...]:
        """Return what months to come bill of this month's peak; their hours are taken to be as many as this one's."""
        found: list[Later] = []
        drawn = {one.month: self._of_month(one, period) for one in usage.earlier if self.ratchet}
        drawn[usage.month] = kw
        hours = sum((Decimal(round((one.end - one.start).total_seconds())) for one in spans), Decimal(0)) / 3600
        for name, day in months_after(usage.month, max((one.months for one in self.ratchet), default=0)):
            bearing = [one for one in self.ratchet if usage.month in one.counted(name)]
            if not bearing or (period.months and day.month not in period.months):
                continue
            held = [one.power for ratchet in self.ratchet if (one := ratchet.held_in(name, drawn)) is not None]
            later = Later(
                months=1,
                share=max(one.pct for one in bearing) * PERCENT,
                kw=max(self.free, self.least, *held),
                bands=tuple(self._bands(period, day)),
                hours=hours,
            )
            if found and replace(found[-1], months=1) == later:
                found[-1] = replace(later, months=found[-1].months + 1)
            else:
                found.append(later)
        return tuple(found)

    def _bands(self, period: DemandPeriod, day: date) -> list[tuple[Decimal, Decimal]]:
        starts = [self.free, *(self.free + block.up_to for block in period.blocks if block.up_to is not None)]
        prices = [block.per_kw.on(day).value or Decimal(0) for block in period.blocks]
        return list(zip(starts, prices, strict=False))

    def _charged(self, usage: Usage, period: DemandPeriod, day: date, billed: Decimal, said: str) -> Iterator[Part]:
        quantity = max(billed - self.free, Decimal(0))
        share = usage.share_of_month("none" if self.every == "day" else self.prorate)
        for at, power in shares([block.up_to for block in period.blocks], Decimal(0), quantity):
            figure: Figure = period.blocks[at].per_kw.on(day)
            yield from share_of(day, f"{period.name}, {said}", power, figure, share)

    def _times(
        self, usage: Usage, period: DemandPeriod, *, in_any_month: bool = False
    ) -> Iterator[tuple[date, list[Span]]]:
        """Yield when a period holds: as of the month's last day, or day by day."""
        calendar = Calendar([period])
        held = [
            segment
            for segment in usage.segments(cuts([period]))
            if calendar.holding(
                None if in_any_month else segment.day.month, usage.day_kind(segment.day), segment.minute
            )
        ]
        if self.every == "month":
            if held:
                yield usage.last, [segment.span for segment in held]
            return
        for day, segments in groupby(held, key=lambda segment: segment.day):
            yield day, [segment.span for segment in segments]

    def _measured(self, usage: Usage, spans: Sequence[Span]) -> Peak:
        """Return the highest power of some times, raised where its power factor was too low."""
        peak = highest(usage, spans, self._window, self.measure)
        if self.power_factor is not None and self.power_factor.at == "apparent":
            apparent = highest(usage, spans, self._window, "kVA")
            raised = even(apparent.power * self.power_factor.target)
            return Peak(power=raised, at=apparent.at) if raised > peak.power else peak
        if self.power_factor is not None and peak.at is not None:
            factor = self._factor(usage, peak)
            if factor < self.power_factor.target:
                peak = Peak(power=even(self.power_factor.raised(peak.power, factor)), at=peak.at)
        return peak

    def _factor(self, usage: Usage, peak: Peak) -> Decimal:
        """Return the power factor of the peak, or of the month's energy; 1 where nothing was drawn."""
        if self.power_factor is None or peak.at is None:
            return _ONE
        if self.power_factor.at == "peak":
            return factor_at(usage, peak.at, self._window)
        active, reactive = usage.register.kwh(usage.span), usage.register.kwh(usage.span, "kvarh")
        return active / (active * active + reactive * reactive).sqrt() if active else _ONE

    def _billed(self, usage: Usage, period: DemandPeriod, peak: Peak) -> tuple[Decimal, str]:
        """Return what is billed, and why in words."""
        billed, said = peak.power, "nothing drawn"
        if peak.at is not None:
            at = peak.at.astimezone(usage.zone).isoformat(sep=" ", timespec="minutes")
            said = f"highest {written(rounded(peak.power, 3))} {self.measure} at {at}"
        if self.load_factor is not None:
            hours = Decimal((usage.span.end - usage.span.start) // _TICK) / _HOUR_TICKS
            most = even(usage.register.kwh(usage.span) / (hours * self.load_factor))
            if most < billed:
                billed, said = (
                    most,
                    f"{said}; at most the month's energy at a load factor of {written(self.load_factor)}",
                )
        held = highest_held(self.ratchet, usage, lambda month: self._of_month(month, period))
        if held is not None and held.power > billed:
            pct, power = written(held.pct), written(rounded(held.measured, 3))
            billed, said = held.power, f"{said}; {pct} % of {power} {self.measure} of {held.month}"
        if self.least > billed:
            billed, said = self.least, f"{said}; at least {written(self.least)}"
        return (billed if self.digits is None else rounded(billed, self.digits)), said

    def _of_month(self, usage: Usage, period: DemandPeriod) -> Decimal:
        """Return what an earlier month drew in the days and hours of a period, of whatever season the period is."""
        key = ("demand", self.name, period.name, usage.span)
        if key not in usage.register.known:
            times = self._times(usage, period, in_any_month=True)
            spans = [span for _, held in times for span in held]
            usage.register.known[key] = self._measured(usage, spans).power if spans else Decimal(0)
        found: Decimal = usage.register.known[key]
        return found


Levels = dict[tuple[str, date], Decimal]
"""By period and day, the power that is billed in it and in those that it is above."""


def _level(levels: Levels, period: DemandPeriod, day: date, billed: Decimal) -> Decimal:
    """Return the power above which a period bills, and note its own."""
    base = Decimal(0) if period.above is None else levels.get((period.above, day), Decimal(0))
    levels[period.name, day] = max(billed, base)
    return base
