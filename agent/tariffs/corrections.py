"""Corrected reads: a month that is closed never changes; what was learned after its end is an adjustment line.

A month is closed at its end. What was learned before that is in its bill; what was learned later stands, by components,
in the bill of the month in which it was learned: the month's bill as it is known then, less as it was known before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.bill import Bill, MonthBill, bill
from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.load import Column, Load, Usage
from agent.tariffs.metering import Metering
from agent.tariffs.money import EXACT, rounded, written
from agent.tariffs.periods import Span
from agent.tariffs.tariff import Tariff

_ZERO = Decimal(0)
CORRECTED = "corrected"
"""The quality of a step that was corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a step of the load is known to be since an instant."""

    learned: datetime  # UTC
    at: int  # which step
    figures: Mapping[Column, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A component's part in an earlier month's correction."""

    of: str
    month: str
    party: str
    kind: str = "adjustment"
    unit: str = "kWh"
    by_month: bool = True

    @property
    def name(self) -> str:
        """What it is called: the component, and the month that it corrects."""
        return f"{self.of}, correction of {self.month}"

    def rates(self) -> Iterator[tuple[str, Dated]]:
        """Return no figures: it has none of its own."""
        return iter(())

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - any charge's
        """Return nothing: it is worked out of two bills."""
        return iter(())


def corrected(load: Load, corrections: Sequence[Correction]) -> Load:
    """Return a load with what is known of its steps, the last word of each."""
    if not corrections:
        return load
    columns: dict[str, list[Decimal]] = {}
    quality = [*(load.quality or [""] * len(load.kwh))]
    for one in sorted(corrections, key=lambda one: one.learned):
        quality[one.at] = CORRECTED
        for column, figure in one.figures.items():
            columns.setdefault(column, [*getattr(load, column)])[one.at] = figure
    told: dict[str, tuple[Decimal, ...]] = {name: tuple(column) for name, column in columns.items()}
    return Load(
        start=load.start,
        step=load.step,
        kwh=told.get("kwh", load.kwh),
        export_kwh=told.get("export_kwh", load.export_kwh),
        kvarh=told.get("kvarh", load.kvarh),
        kvarh_lead=told.get("kvarh_lead", load.kvarh_lead),
        quality=tuple(quality),
    )


def as_closed(load: Load, corrections: Sequence[Correction], zone: tzinfo, metering: Metering) -> Load:
    """Return a load as each of its months had it when it was closed."""
    starts = ((one, load.start + one.at * load.step) for one in corrections)
    return corrected(load, [one for one, start in starts if one.learned < metering.month(start, zone).end])


def corrected_bill(
    tariff: Tariff, counted: Load, corrections: Sequence[Correction], zone: tzinfo, metering: Metering
) -> Bill:
    """Return the bill of a load as it was counted, closed months as they were closed. Raises Unpriced."""
    known: dict[int, Bill] = {}
    by_time = sorted(corrections, key=lambda one: one.learned)

    def told(count: int) -> Bill:
        """Return the bill by the first so many corrections."""
        if count not in known:
            load = metering.load(corrected(counted, by_time[:count]), zone)
            known[count] = bill(tariff, load, zone, read=metering.read)
        return known[count]

    spans = [month.span for month in told(0).months]
    ends = [metering.month(span.start, zone).end for span in spans]
    months = [told(sum(one.learned < end for one in by_time)).months[at] for at, end in enumerate(ends)]
    found = {month.month: month for month in months}
    for before, after in _steps([one.learned for one in by_time]):
        learned = by_time[before].learned
        name = metering.read.month_of(learned, zone)
        for at, end in enumerate(ends):
            if end <= learned:
                lines = _differences(told(before).months[at], told(after).months[at], learned.astimezone(zone).date())
                if lines:
                    found[name] = _adjusted(found.get(name) or _empty(name, learned), lines, tariff)
    with localcontext(EXACT):
        amount = sum((month.amount for month in found.values()), _ZERO)
    return Bill(
        currency=tariff.currency,
        months=tuple(month for _, month in sorted(found.items())),
        amount=amount,
        total=rounded(amount, tariff.total_digits),
    )


def _steps(learned: Sequence[datetime]) -> Iterator[tuple[int, int]]:
    """Yield how many corrections were known before and after each instant at which some were learned."""
    before = 0
    for at, one in enumerate(learned, start=1):
        if at == len(learned) or learned[at] != one:
            yield before, at
            before = at


def _differences(before: MonthBill, after: MonthBill, day: date) -> list[Line]:
    was = {line.component.name: line for line in before.lines}
    now = {line.component.name: line for line in after.lines}
    lines = []
    with localcontext(EXACT):
        for name, line in {**was, **now}.items():
            amount = (now[name].amount if name in now else _ZERO) - (was[name].amount if name in was else _ZERO)
            if amount:
                said = f"{written(after.kwh)} kWh in place of {written(before.kwh)}, known since {day}"
                part = Part(day=day, label=said, quantity=_ZERO, figure=Figure(), amount=amount, is_rest=True)
                component = Adjustment(of=name, month=before.month, party=line.component.party)
                lines.append(Line(component=component, parts=(part,), amount=amount))
    return lines


def _adjusted(month: MonthBill, lines: Sequence[Line], tariff: Tariff) -> MonthBill:
    with localcontext(EXACT):
        amount = month.amount + sum((line.amount for line in lines), _ZERO)
    total = rounded(amount, tariff.total_digits)
    return replace(month, lines=_merged([*month.lines, *lines]), amount=amount, total=total)


def _merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return lines with those of one name as one: what was corrected twice in a month."""
    found: dict[str, Line] = {}
    with localcontext(EXACT):
        for line in lines:
            was = found.get(line.component.name)
            if was is not None:
                line = replace(line, parts=(*was.parts, *line.parts), amount=was.amount + line.amount)  # noqa: PLW2901
            found[line.component.name] = line
    return tuple(found.values())


def _empty(name: str, learned: datetime) -> MonthBill:
    """Return the month of which the load has nothing, and in which a correction was learned."""
    span = Span(start=learned, end=learned)
    return MonthBill(month=name, span=span, kwh=_ZERO, peak_kw=_ZERO, lines=(), amount=_ZERO, total=_ZERO)
