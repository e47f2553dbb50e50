"""From what a meter counted to what is billed: transformer ratios, and losses up to the boundary of supply.

Billed = counted x multiplier x (1 + loss %) + losses without load, which run evenly over the hours of a billing month.
What is exported loses on its way; kvarh are multiplied alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, PERCENT, even, written
from agent.tariffs.periods import CIVIL, ReadTime, Span

_ONE = Decimal(1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """How a meter's figures become those of the bill. `multiplier` is CT x VT; bills begin when meters are `read`."""

    multiplier: Decimal = _ONE
    loss_pct: Decimal = Decimal(0)
    no_load_kwh_per_month: Decimal = Decimal(0)
    read: ReadTime = CIVIL

    @property
    def factor(self) -> Decimal:
        """How many kWh are billed for one more that is counted."""
        with localcontext(EXACT):
            return self.multiplier * (1 + self.loss_pct * PERCENT)

    @property
    def is_plain(self) -> bool:
        """Whether what is counted is what is billed."""
        return self.factor == 1 and self.multiplier == 1 and not self.no_load_kwh_per_month

    def kwh(self, counted: Decimal, span: Span, zone: tzinfo) -> Decimal:
        """Return what is billed for the kWh that were counted in a span."""
        if self.is_plain:
            return counted
        with localcontext(EXACT):
            [no_load] = self._no_load([span], zone)
            return counted * self.factor + no_load

    def load(self, counted: Load, zone: tzinfo) -> Load:
        """Return a load as it is billed; over a whole month its losses without load add up to the month's."""
        if self.is_plain:
            return counted
        start, step = counted.start, counted.step
        spans = (Span(start=start + at * step, end=start + (at + 1) * step) for at in range(len(counted.kwh)))
        with localcontext(EXACT):
            factor, returned = self.factor, self.multiplier * (1 - self.loss_pct * PERCENT)
            no_load = self._no_load(spans, zone)
            kwh = tuple(one * factor + lost for one, lost in zip(counted.kwh, no_load, strict=True))
            return replace(
                counted,
                kwh=kwh,
                export_kwh=_times(counted.export_kwh, returned),
                kvarh=_times(counted.kvarh, self.multiplier),
                kvarh_lead=_times(counted.kvarh_lead, self.multiplier),
            )

    def in_words(self) -> str:
        """Return it as one sentence; empty where what is counted is what is billed."""
        if self.is_plain:
            return ""
        told = []
        if self.multiplier != 1:
            told.append(f"the meter's figures x {written(self.multiplier)}")
        if self.loss_pct:
            told.append(f"{written(self.loss_pct)} % of losses to the boundary")
        if self.no_load_kwh_per_month:
            told.append(f"{written(self.no_load_kwh_per_month)} kWh a month of losses without load")
        return "billed is what was metered with " + ", ".join(told)

    def _no_load(self, spans: Iterable[Span], zone: tzinfo) -> list[Decimal]:
        """Return what transformers lose without load in each of these spans, each as far as months had come."""
        monthly, found = self.no_load_kwh_per_month, []
        month: Span | None = None
        for span in spans:
            lost, start = Decimal(0), span.start
            while monthly and start < span.end:
                if month is None or not month.start <= start < month.end:
                    month = self.month(start, zone)
                end = min(span.end, month.end)
                lost += _share(monthly, month, end) - _share(monthly, month, start)
                start = end
            found.append(lost)
        return found

    def month(self, at: datetime, zone: tzinfo) -> Span:
        """Return the whole billing month that an instant lies in."""
        return self.read.month(at, zone)


AS_COUNTED = Metering()


def _share(monthly: Decimal, month: Span, at: datetime) -> Decimal:
    return even(monthly * ((at - month.start) // _TICK) / ((month.end - month.start) // _TICK))


def _times(column: tuple[Decimal, ...] | None, factor: Decimal) -> tuple[Decimal, ...] | None:
    return None if column is None else tuple(one * factor for one in column)
