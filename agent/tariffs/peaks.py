"""Where a month's charges on power stand now: what new highest draw would cost, by the tariff and the month so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.burden import burden
from agent.tariffs.charging import load_of
from agent.tariffs.demand import Demand
from agent.tariffs.excess_power import ExcessPower
from agent.tariffs.figures import NoFigure
from agent.tariffs.load import Load, Register, Unmetered, Usage
from agent.tariffs.money import EXACT
from agent.tariffs.periods import CIVIL, ReadTime, Span, interval_start, months
from agent.tariffs.power import KW_OF
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.settling import AS_IT_IS
from agent.tariffs.standing import Standing
from agent.tariffs.tariff import Tariff

_LONGEST_MONTH = timedelta(days=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Whose clock, when bills begin, and how energy is metered."""

    zone: tzinfo
    read: ReadTime = CIVIL
    interval: timedelta = timedelta(minutes=15)


def guards_peaks(tariff: Tariff) -> bool:
    """Whether a new highest draw can cost anything by this tariff."""
    return any(isinstance(one, Demand | ReservedPower | AuthorisedEnergy) for one in tariff.components)


def unguarded(tariff: Tariff) -> Iterator[tuple[str, str]]:
    """Yield by component why a new highest draw costs something that nobody can guard against beforehand."""
    for one in tariff.components:
        if isinstance(one, ExcessPower):
            yield one.name, "every window above the contract counts, and no window alone"
        if not isinstance(one, Demand | ReservedPower) or (isinstance(one, ReservedPower) and not one.excess):
            continue
        if one.measure not in KW_OF:
            yield one.name, f"it is in {one.measure}, and nobody counts the farm's reactive energy"
        elif isinstance(one, Demand) and one.power_factor is not None:
            yield one.name, "it goes by the power factor, and nobody counts the farm's reactive energy"
        elif isinstance(one, Demand) and one.is_of_all_days:
            yield one.name, "what it bills hangs on the whole month, and on no window alone"


def standings(
    tariff: Tariff, drawn: Sequence[tuple[datetime, Decimal]], at: datetime, month: Month
) -> Iterator[Standing]:
    """Yield each charge on power that is measured at an instant, its money all in.

    `drawn` are the billed kWh by the starts of their intervals, of this month and those before that it looks back on.
    A charge whose measure the load lacks (kVA, power factor), or whose figure is not known, is passed over.
    """
    if not guards_peaks(tariff):
        return
    with localcontext(EXACT):
        usage = _usage(tariff, drawn, at, month)
        for component in tariff.components:
            if not isinstance(component, Demand | ReservedPower | AuthorisedEnergy):
                continue
            only = tariff.settlings.get(component.name, AS_IT_IS).only
            if only is not None and not only.holds(usage):
                continue
            try:
                scale = burden(tariff, component.name, usage.last)
                found = [] if scale is None else list(component.standing(usage, at))
            except (NoFigure, Unmetered):
                continue
            yield from (_scaled(one, scale or Decimal(0)) for one in found)


def _scaled(one: Standing, scale: Decimal) -> Standing:
    later = tuple(replace(month, bands=_times(month.bands, scale)) for month in one.later)
    return replace(one, jump=one.jump * scale, bands=_times(one.bands, scale), later=later)


def _times(bands: tuple[tuple[Decimal, Decimal], ...], scale: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((start, price * scale) for start, price in bands)


def _month_of(at: datetime, month: Month) -> datetime:
    """Return when the billing month of an instant begins."""
    return month.read.month(at, month.zone).start


def _usage(tariff: Tariff, drawn: Sequence[tuple[datetime, Decimal]], at: datetime, month: Month) -> Usage:
    """Return the month of an instant as though nothing more were drawn in it, behind those before it."""
    step = month.interval
    first = interval_start(at, step)
    told = sorted(one for one in drawn if one[0] < first)
    begun = min(at, told[0][0]) if told else at
    known = load_of([(_month_of(begun, month), Decimal(0)), *told, (first, Decimal(0))], step)
    whole = Span(start=known.start, end=at + _LONGEST_MONTH)
    end = next(span.end for span in months(whole, month.zone, month.read) if span.start <= at < span.end)
    steps = -((known.start - end) // step)
    load = Load(start=known.start, step=step, kwh=(*known.kwh, *[Decimal(0)] * (steps - len(known.kwh))))
    register, found = Register(load), list[Usage]()
    for span in months(Span(start=load.start, end=end), month.zone, month.read):
        found.append(
            Usage(
                span=span,
                zone=month.zone,
                register=register,
                days=tariff.days,
                earlier=tuple(found),
                read=month.read,
            )
        )
    return found[-1]
