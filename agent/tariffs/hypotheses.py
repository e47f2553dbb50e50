"""What our bill would be were one thing otherwise: what then agrees with an invoice is the likely cause.

The meter's ratio and losses left out, reads as they were corrected, clocks that are off, another rate's dates, another
read day or hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo
from decimal import Decimal
from itertools import chain
from typing import Any

from agent.tariffs.bill import MonthBill, Unpriced, bill
from agent.tariffs.corrections import Correction, corrected, corrected_bill
from agent.tariffs.figures import Dated, Figure, swapped
from agent.tariffs.invoice import Cause, InvoiceMonth, agrees, same_kwh, same_money
from agent.tariffs.load import Load
from agent.tariffs.metering import Metering
from agent.tariffs.money import rounded, written
from agent.tariffs.periods import ReadTime
from agent.tariffs.periods import months as months_of
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat

_SHIFTS_MIN = (-60, 60, -30, 30, -15, 15, -120, 120)
_MOST_FIGURES = 24
_ZERO, _WHOLE = Decimal(0), Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """All that our bill was made of."""

    tariff: Tariff
    load: Load
    zone: tzinfo
    metering: Metering
    corrections: Sequence[Correction] = ()

    def months(self) -> tuple[MonthBill, ...]:
        """Return its bill. Raises Unpriced."""
        return corrected_bill(self.tariff, self.load, self.corrections, self.zone, self.metering).months


def by_trial(billed: Billed, ours: Sequence[InvoiceMonth], theirs: Sequence[InvoiceMonth]) -> dict[str, list[Cause]]:
    """Return by month each single change to our bill that makes it the invoice's."""
    known = {month.month: month for month in ours}
    differ = [month for month in theirs if month.month in known and not agrees(known[month.month], month)]
    found: dict[str, list[Cause]] = {month.month: [] for month in differ}
    in_energy = any(not same_kwh(known[month.month].kwh, month.kwh) for month in differ)
    in_money = any(same_kwh(known[month.month].kwh, month.kwh) for month in differ)
    trials = chain(_trials(billed, in_energy=in_energy, in_money=in_money), _of_vat(billed, differ) if in_money else ())
    for cause, trial in trials:
        try:
            months = {month.month: month for month in trial()}
        except Unpriced:
            continue
        for month in differ:
            told = months.get(month.month)
            if told is not None and _is(told, month) and not _is(told, known[month.month]):
                found[month.month].append(cause)
    return found


def _is(told: MonthBill, theirs: InvoiceMonth) -> bool:
    """Whether a month of ours is an invoice's, by all that it says."""
    return same_kwh(told.kwh, theirs.kwh) and same_money(told.amount, theirs.amount)


Trial = tuple[Cause, Callable[[], tuple[MonthBill, ...]]]


def _trials(ours: Billed, *, in_energy: bool, in_money: bool) -> Iterator[Trial]:
    """Yield what may be otherwise: whatever differs in money alone is of clocks and dates."""
    if in_money:
        yield from _of_dates(ours)
        yield from _of_clock(ours)
    if in_energy:
        yield from _of_metering(ours)
        yield from _of_reads(ours)
        yield from _of_labels(ours)
        yield from _of_days(ours)
    if in_money or in_energy:
        yield from _of_zones(ours)


def _of_reads(ours: Billed) -> Iterator[Trial]:
    if ours.corrections:
        load = ours.metering.load(corrected(ours.load, ours.corrections), ours.zone)
        said = "the invoice is the bill of the corrected reads, ours of what was known when the month was closed"
        read = ours.metering.read
        yield (
            Cause(cause="estimate", sentence=said),
            lambda: bill(ours.tariff, load, ours.zone, read=read).months,
        )
        said = "the invoice is the bill of the reads before they were corrected"
        yield Cause(cause="estimate", sentence=said), replace(ours, corrections=()).months


def _of_days(ours: Billed) -> Iterator[Trial]:
    known = ours.metering.read
    days = [ReadTime(day, known.hour) for day in range(1, 29)]
    for read in [*days, *(ReadTime(known.day, hour) for hour in range(24))]:
        if read != known:
            metering = replace(ours.metering, read=read)
            said = f"the invoice is of a month from {read.in_words()}, ours from {known.in_words()}"
            yield Cause(cause="period", sentence=said), replace(ours, metering=metering).months


def _of_metering(ours: Billed) -> Iterator[Trial]:
    metering = ours.metering
    if metering.multiplier != 1:
        said = f"the invoice is the bill without our multiplier of {written(metering.multiplier)}"
        changed = replace(ours, metering=replace(metering, multiplier=Decimal(1)))
        yield Cause(cause="multiplier", sentence=said), changed.months
    if metering.loss_pct:
        said = f"the invoice is the bill without our losses of {written(metering.loss_pct)} %"
        changed = replace(ours, metering=replace(metering, loss_pct=Decimal(0)))
        yield Cause(cause="losses", sentence=said), changed.months
    if metering.no_load_kwh_per_month:
        told = written(metering.no_load_kwh_per_month)
        said = f"the invoice is the bill without our {told} kWh a month of losses without load"
        changed = replace(ours, metering=replace(metering, no_load_kwh_per_month=Decimal(0)))
        yield Cause(cause="losses", sentence=said), changed.months


def _of_clock(ours: Billed) -> Iterator[Trial]:
    """Yield clocks that are off within each month, whose energy they leave as it is."""
    months = _steps_of_months(ours)
    for said, count in _shifts(ours.load):
        load = _turned(ours.load, count, months)
        yield Cause(cause="wrong hour", sentence=said), replace(ours, load=load).months


def _of_labels(ours: Billed) -> Iterator[Trial]:
    """Yield loads whose rows are all named by another hour, so that months have other hours at their ends."""
    for said, count in _shifts(ours.load):
        load = _turned(ours.load, count, [(0, len(ours.load.kwh))])
        yield Cause(cause="wrong hour", sentence=said), replace(ours, load=load).months


def _shifts(load: Load) -> Iterator[tuple[str, int]]:
    for minutes in _SHIFTS_MIN:
        count, rest = divmod(timedelta(minutes=minutes), load.step)
        if not rest and count:
            yield (
                f"the invoice is the bill of our load {abs(minutes)} min {'later' if minutes > 0 else 'earlier'}",
                count,
            )


def _of_zones(ours: Billed) -> Iterator[Trial]:
    """Yield clocks without summer time."""
    offsets = {at.astimezone(ours.zone).utcoffset() or timedelta() for at in (ours.load.span.start, ours.load.span.end)}
    for offset in sorted({timedelta(), *offsets}):
        zone = timezone(offset)
        said = f"the invoice is the bill by a clock that is always {zone.tzname(None)}"
        yield Cause(cause="wrong hour", sentence=said), replace(ours, zone=zone).months


def _steps_of_months(ours: Billed) -> list[tuple[int, int]]:
    """Return the steps of each month of a load, from the first until before the last."""
    load = ours.load
    spans = months_of(load.span, ours.zone, ours.metering.read)
    return [((span.start - load.start) // load.step, (span.end - load.start) // load.step) for span in spans]


def _turned(load: Load, count: int, pieces: Sequence[tuple[int, int]]) -> Load:
    """Return a load with its energy so many steps later; what falls out of a piece comes in at its other end."""

    def turned(column: tuple[Any, ...] | None) -> Any:
        if column is None:
            return None
        parts = [column[first:end] for first, end in pieces]
        return tuple(one for part in parts for one in (*part[-count:], *part[:-count]))

    return replace(
        load,
        kwh=turned(load.kwh),
        export_kwh=turned(load.export_kwh),
        kvarh=turned(load.kvarh),
        kvarh_lead=turned(load.kvarh_lead),
        quality=turned(load.quality),
    )


def _of_dates(ours: Billed) -> Iterator[Trial]:
    """Yield each figure of each rate that has several, as though it held for all time."""
    trials = 0
    for at, component in enumerate(ours.tariff.components):
        for label, rate in component.rates():
            for figure in rate.figures if len(rate.figures) > 1 else ():
                trials += 1
                if figure.value is None or trials > _MOST_FIGURES:
                    continue
                always = Dated(figures=(Figure(value=figure.value),))
                changed = [*ours.tariff.components]
                changed[at] = swapped(component, rate, always)
                tariff = replace(ours.tariff, components=tuple(changed))
                what = f"{component.name} {label}".rstrip()
                said = f"the invoice is the bill with {what} at {written(figure.value)}, in force {_dates(figure)}"
                word = "VAT date" if isinstance(component, Vat) else "rate date"
                yield Cause(cause=word, sentence=said), replace(ours, tariff=tariff).months


def _of_vat(ours: Billed, differ: Sequence[InvoiceMonth]) -> Iterator[Trial]:
    """Yield each VAT that has one rate at the one that a month's amount would have it at, to a tenth of a percent."""
    for at, component in enumerate(ours.tariff.components):
        if not isinstance(component, Vat) or len(component.pct.figures) > 1 or component.pct.figures[0].value is None:
            continue
        pct, rates = component.pct.figures[0].value, set[Decimal]()
        before, after = (_amounts(_with_vat(ours, at, rate)) for rate in (pct, pct + 1))
        for month in differ:
            slope = after.get(month.month, _ZERO) - before.get(month.month, _ZERO)
            if month.amount is not None and slope:
                rates.add(rounded(pct + (month.amount - before[month.month]) / slope, 1))
        for rate in sorted(rates - {pct}):
            if 0 <= rate < _WHOLE:
                said = f"the invoice is the bill with {component.name} at {written(rate)}, ours at {written(pct)}"
                cause = Cause(
                    cause="VAT date", sentence=f"{said}: the rate of another date of supply, or of another law"
                )
                yield cause, _with_vat(ours, at, rate).months


def _with_vat(ours: Billed, at: int, rate: Decimal) -> Billed:
    changed = [*ours.tariff.components]
    changed[at] = swapped(changed[at], changed[at].pct, Dated(figures=(Figure(value=rate),)))  # type: ignore[union-attr]
    return replace(ours, tariff=replace(ours.tariff, components=tuple(changed)))


def _amounts(billed: Billed) -> dict[str, Decimal]:
    return {month.month: month.amount for month in billed.months()}


def _dates(figure: Figure) -> str:
    since = f"from {figure.from_}" if figure.from_ else ""
    until = f"until {figure.until}" if figure.until else ""
    return f"{since} {until}".strip() or "until the next one"
