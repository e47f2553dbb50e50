"""A bill in words: every product with its quantity, rate, dates and source, so that a bookkeeper can do it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.bill import Bill, MonthBill
from agent.tariffs.charge import Line, Part
from agent.tariffs.figures import Figure
from agent.tariffs.money import EXACT, rounded, written
from agent.tariffs.tariff import Tariff

_MOST_DIGITS, _FEWER_DIGITS = 8, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """What one figure was charged on under one label, and on how many days."""

    label: str
    figure: Figure
    coefficient: Figure | None
    exchange: Figure | None
    unit: str
    is_rest: bool
    quantity: Decimal
    amount: Decimal
    first: date
    last: date


def explain(billed: Bill, tariff: Tariff, zone: tzinfo, metered: str = "") -> Iterator[str]:
    """Yield the lines of a bill's whole calculation; `metered` says how what was counted became what is billed."""
    yield f"Bill in {billed.currency}" + (f", tariff {tariff.name}" if tariff.name else "")
    if metered:
        yield metered[:1].upper() + metered[1:]
    for month in billed.months:
        yield ""
        yield from _month(month, tariff, zone)
    if len(billed.months) > 1:
        yield ""
        yield f"All months: {shown(billed.amount)}, rounded once: {billed.total:,f} {billed.currency}"


def _month(month: MonthBill, tariff: Tariff, zone: tzinfo) -> Iterator[str]:
    yield f"{month.month}: {_clock(month.span.start, zone)} to {_clock(month.span.end, zone)}"
    yield f"  taken {shown(month.kwh)} kWh, at most {rounded(month.peak_kw, 3):,f} kW on average over one step"
    for line in month.lines:
        component = line.component
        yield f"  {component.name} ({component.kind.replace('_', ' ')}, on the invoice of: {component.party})"
        yield from (f"    {sentence}" for sentence in _products(line, tariff.currency))
        yield f"    = {shown(line.amount)} {tariff.currency}"
    yield f"  sum of the month {shown(month.amount)}, rounded once: {month.total:,f} {tariff.currency}"


def _products(line: Line, currency: str) -> Iterator[str]:
    for one in _sums(line.parts):
        label = f"{one.label}: " if one.label else ""
        if one.is_rest:
            yield f"{label}{shown(one.amount)}"
            continue
        rate, told = amount(one.figure.value or Decimal(0)), line.currency or currency
        if line.component.unit == "%":
            product = f"{label}{rate} % of {shown(one.quantity)} {told}{_on(line)}"
        else:
            unit = one.unit or line.component.unit
            product = f"{label}{shown(one.quantity)} {unit} x {rate} {told}/{unit}"
        at = "" if one.coefficient is None else f" x coefficient {amount(one.coefficient.value or Decimal(0))}"
        at += "" if one.exchange is None else f" x {amount(one.exchange.value or Decimal(0))} {currency}/{told}"
        yield f"{product}{at} = {shown(one.amount)}"
        dates = [f"supplied {one.first} to {one.last}", f"rate {_in_words(one.figure)}"]
        dates += [] if one.coefficient is None else [f"coefficient {_in_words(one.coefficient)}"]
        dates += [] if one.exchange is None else [f"exchange {_in_words(one.exchange)}"]
        yield f"  {'; '.join(dates)}"


def _on(line: Line) -> str:
    named: Iterable[str] = getattr(line.component, "on", ())
    return f" ({' + '.join(named)})" if named else " (all before it)"


def _in_words(figure: Figure) -> str:
    since = f"in force from {figure.from_}" if figure.from_ else "in force"
    until = f" until {figure.until}" if figure.until else ""
    doubt = "; NOT CONFIRMED" if figure.unconfirmed else ""
    return f"{since}{until}{doubt}" + (f"; source: {figure.source}" if figure.source else "")


def _sums(parts: Iterable[Part]) -> Iterator[_Sum]:
    """Yield what belongs to one label and figure as one sum, in the order of their first days."""
    groups: dict[tuple[str, Figure, Figure | None, Figure | None], list[Part]] = {}
    for part in parts:
        groups.setdefault((part.label, part.figure, part.coefficient, part.exchange), []).append(part)
    with localcontext(EXACT):
        for (label, figure, coefficient, exchange), found in groups.items():
            yield _Sum(
                label=label,
                figure=figure,
                coefficient=coefficient,
                exchange=exchange,
                unit=found[0].unit,
                is_rest=found[0].is_rest,
                quantity=sum((part.quantity for part in found), Decimal(0)),
                amount=sum((part.amount for part in found), Decimal(0)),
                first=min(part.day for part in found),
                last=max(part.day for part in found),
            )


def amount(figure: Decimal) -> str:
    """Write an exact figure with commas between thousands."""
    whole, dot, rest = written(figure).partition(".")
    return f"{int(whole):,}{dot}{rest}" if whole != "-0" else f"-0{dot}{rest}"


def shown(figure: Decimal) -> str:
    """Write a figure with six decimals and an ellipsis where it has more than eight, as a root has."""
    if -int(figure.normalize().as_tuple().exponent) <= _MOST_DIGITS:
        return amount(figure)
    return f"{amount(rounded(figure, _FEWER_DIGITS, 'down'))}…"


def _clock(at: datetime, zone: tzinfo) -> str:
    """Write an instant by the local clock; an hour that comes twice is told apart by its offset."""
    return at.astimezone(zone).isoformat(sep=" ", timespec="minutes")
