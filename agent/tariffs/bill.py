"""A bill: what a tariff says of a load, by local months and components. Exact; only a total is rounded, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.charge import Line
from agent.tariffs.figures import NoFigure
from agent.tariffs.kinds import Component
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import NOTHING, Load, Register, Taken, Unmetered, Usage
from agent.tariffs.money import EXACT, rounded
from agent.tariffs.periods import CIVIL, ReadTime, Span, months
from agent.tariffs.settling import AS_IT_IS
from agent.tariffs.tariff import Tariff, priced
from agent.tariffs.vat import Vat


class Unpriced(Exception):
    """A component has no figure for the load, or the load lacks what it charges for."""

    def __init__(self, component: str, reason: str) -> None:
        super().__init__(reason)
        self.component = component


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthBill:
    """What one local month costs, or the part of it that the load covers."""

    month: str  # YYYY-MM
    span: Span
    kwh: Decimal
    peak_kw: Decimal
    lines: tuple[Line, ...]
    amount: Decimal  # exact
    total: Decimal  # rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a load costs under a tariff."""

    currency: str
    months: tuple[MonthBill, ...]
    amount: Decimal  # exact
    total: Decimal  # rounded once, from the exact sum


def bill(tariff: Tariff, load: Load, zone: tzinfo, taken: Taken = NOTHING, read: ReadTime = CIVIL) -> Bill:
    """Return the bill for a load by the local clock of `zone`; `taken` is what its first month drew before it.

    Bills begin when meters are `read`. Raises Unpriced.
    """
    with localcontext(EXACT):
        billed = tuple(_month(tariff, usage) for usage in _usages(tariff, load, zone, taken, read))
        amount = sum((month.amount for month in billed), Decimal(0))
    return Bill(currency=tariff.currency, months=billed, amount=amount, total=rounded(amount, tariff.total_digits))


def last_month(tariff: Tariff, load: Load, zone: tzinfo, read: ReadTime = CIVIL) -> MonthBill:
    """Return the last month of a load's bill, going through earlier ones only as far as it needs. Raises Unpriced."""
    with localcontext(EXACT):
        usages = _usages(tariff, load, zone, NOTHING, read)
        return [_month(tariff, usage) for usage in (usages if tariff.settles_years else usages[-1:])][-1]


def _usages(tariff: Tariff, load: Load, zone: tzinfo, taken: Taken, read: ReadTime) -> list[Usage]:
    register = Register(load)
    found: list[Usage] = []
    for span in months(load.span, zone, read):
        found.append(
            Usage(
                span=span,
                zone=zone,
                register=register,
                days=tariff.days,
                earlier=tuple(found),
                taken=taken,
                read=read,
            )
        )
    return found


def price_at(tariff: Tariff, at: datetime, zone: tzinfo, taken: Taken = NOTHING) -> Decimal:
    """Return what one more kWh costs at an instant, all in, after what the month drew before it.

    VAT that is recoverable is no cost, nor is what the month as a whole is charged. Of authorised energy it is the
    price within the authorised power. Raises Unpriced.
    """
    moment = at.replace(microsecond=0)
    load = Load(start=moment, step=timedelta(seconds=1), kwh=(Decimal(1),))
    [month] = bill(_within(tariff.running()), load, zone, taken).months
    return cost(month)


def _within(tariff: Tariff) -> Tariff:
    """Return a tariff whose authorised energy costs the same above: one more kWh of an instant has no power."""
    components = [
        replace(one, per_kwh_above=one.per_kwh) if isinstance(one, AuthorisedEnergy) else one
        for one in tariff.components
    ]
    return tariff if components == list(tariff.components) else replace(tariff, components=tuple(components))


def cost(month: MonthBill) -> Decimal:
    """Return what a month really costs, exact: without the VAT that comes back."""
    with localcontext(EXACT):
        return sum((line.amount for line in month.lines if not _comes_back(line)), Decimal(0))


def _comes_back(line: Line) -> bool:
    return isinstance(line.component, Vat) and line.component.recoverable


def _month(tariff: Tariff, usage: Usage) -> MonthBill:
    lines: list[Line] = []
    for component in tariff.components:
        lines += _line(tariff, component, usage, lines)
    amount = sum((line.amount for line in lines), Decimal(0))
    return MonthBill(
        month=usage.month,
        span=usage.span,
        kwh=usage.register.kwh(usage.span),
        peak_kw=usage.register.peak_kw(usage.span),
        lines=tuple(lines),
        amount=amount,
        total=rounded(amount, tariff.total_digits),
    )


def _line(tariff: Tariff, component: Component, usage: Usage, before: Sequence[Line]) -> list[Line]:
    """Return the one line of a component, or none where it charges nothing known."""
    settling = tariff.settlings.get(component.name, AS_IT_IS)
    if settling.only is not None and not settling.only.holds(usage):
        return []
    try:
        parts = tuple(component.parts(usage, _counted(tariff, component, usage, before)))
        parts = settling.settled(parts, tariff.fx.get(settling.currency or ""), usage.last)
    except (NoFigure, Unmetered) as error:
        raise Unpriced(component.name, str(error)) from None
    if not parts:
        return []
    amount = sum((part.amount for part in parts), Decimal(0))
    return [Line(component=component, parts=parts, amount=amount, currency=settling.currency)]


def _counted(tariff: Tariff, component: Component, usage: Usage, before: Sequence[Line]) -> Sequence[Line]:
    """Return the lines that a component is charged on: of a levy on kWh those whose price is not known too."""
    if not isinstance(component, LevyPerKwh) or not component.on:
        return before
    lines = {line.component.name: line for line in before}
    for one in tariff.components:
        settling = tariff.settlings.get(one.name, AS_IT_IS)
        if one.name not in component.on or (settling.only is not None and not settling.only.holds(usage)):
            continue
        if (known := priced(one, Decimal(0))) is not one:
            lines[one.name] = Line(component=one, parts=tuple(known.parts(usage, before)), amount=Decimal(0))
    return list(lines.values())
