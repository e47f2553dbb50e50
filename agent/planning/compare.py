"""The same machines and load in one place after another: what a kWh costs all in, what is stopped, what is left.

Nothing here is a forecast: the tariff is that of the days of the load, and a stop costs the hours that it is known for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from decimal import Decimal, localcontext

from agent.planning.economics import HOURS, Earning, break_even_per_kwh
from agent.planning.hashprice import Revenue
from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.charging import Amount, charged_for
from agent.tariffs.figures import Dated
from agent.tariffs.load import Load
from agent.tariffs.money import EXACT, even
from agent.tariffs.periods import Span
from agent.tariffs.stops import Stop, merged
from agent.tariffs.tariff import Tariff

ENERGY_KINDS = frozenset({"flat", "time_of_use", "blocks", "series", "authorised_energy"})
"""Without one of these a kWh has no price, however many levies are known."""
_ZERO = Decimal(0)
_HOUR_S = Decimal(3600)
_YEAR_DAYS = Decimal(365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """Machines of one model at their highest level."""

    model: str
    count: int
    power_w: Decimal  # of all of them, at the wall
    hashrate_ths: Decimal

    @property
    def efficiency_j_th(self) -> Decimal:
        """What a terahash costs at the wall."""
        return even(self.power_w / self.hashrate_ths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the farm would be: its tariff, and the stops that the place is known for."""

    name: str
    tariff: Tariff
    zone: tzinfo
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfModel:
    """What one model makes of a place; money is the place's."""

    model: str
    efficiency_j_th: Decimal
    break_even: Decimal | None  # per kWh
    margin_per_ph_year: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One place's figures; money in the tariff's currency, None where nobody knows."""

    place: Place
    hours: Decimal  # that the load covers
    stopped_h: Decimal
    doubtful_h: Decimal  # of stops that are not confirmed, not counted as stopped
    unknown_stops: tuple[str, ...]  # known to happen, for hours that nobody knows
    kwh: Decimal
    cost: Decimal | None
    per_kwh: Decimal | None  # all in
    is_least: bool  # a figure is not known, so that it costs more
    components: tuple[Amount, ...]
    revenue: Decimal | None
    margin: Decimal | None
    margin_per_ph_year: Decimal | None
    rate: Decimal | None  # one unit of the revenue's currency in the place's money
    models: tuple[OfModel, ...]
    doubts: tuple[str, ...]


def compare(place: Place, load: Load, rigs: Sequence[Rig], revenue: Revenue | None, *, doubtful: bool) -> Compared:
    """Work out one place; `doubtful` counts stops that are not confirmed as well.

    What the load's energy hashes goes by the fleet's mean J/TH x PUE. A PH/s is one of the fleet, or where the load is
    more than the fleet draws, one of as many such machines as it feeds.
    """
    certain = [stop for stop in place.stops if doubtful or not stop.unconfirmed]
    stopped, hours = _without(load, certain, place.zone), _hours(load)
    stopped_h = _stopped_h(load, certain, place.zone)
    all_h = _stopped_h(load, place.stops, place.zone)
    priced = _priced(place, stopped)
    earning = None if revenue is None else revenue.earning(load.start, place.tariff.currency, place.zone)
    taken = earning if earning is not None and earning.rate is not None else None
    kwh = sum(stopped.kwh, _ZERO)
    with localcontext(EXACT):
        per_kwh = even(priced.cost / kwh) if priced.cost is not None and kwh else None
        pue = Decimal(1) if revenue is None else revenue.pue
        ph_days = _ph_days(kwh, rigs, pue)
        earned = None if taken is None else even(ph_days * taken.expected_per_ph_day * (taken.rate or _ZERO))
        margin = None if earned is None or priced.cost is None else earned - priced.cost
        whole = sum(load.kwh, _ZERO)
        installed = sum((rig.hashrate_ths for rig in rigs), _ZERO) / 1000 * hours / HOURS
        ph_years = max(installed, _ph_days(whole, rigs, pue)) / _YEAR_DAYS
        share = kwh / whole if whole else _ZERO
        models = tuple(_of_model(rig, earning, per_kwh, share) for rig in rigs)
        per_ph_year = None if margin is None or not ph_years else even(margin / ph_years)
    return Compared(
        place=place,
        hours=hours,
        stopped_h=stopped_h,
        doubtful_h=all_h - stopped_h,
        unknown_stops=tuple(stop.in_words() for stop in place.stops if _is_unknown(stop)),
        kwh=kwh,
        cost=priced.cost,
        per_kwh=per_kwh,
        is_least=priced.is_least,
        components=priced.components,
        revenue=earned,
        margin=margin,
        margin_per_ph_year=per_ph_year,
        rate=None if earning is None else earning.rate,
        models=models,
        doubts=priced.doubts,
    )


def even_load(span: Span, power_w: Decimal) -> Load:
    """Return a load of one power by the hour."""
    kwh = even(power_w / 1000)
    return Load(start=span.start, step=timedelta(hours=1), kwh=(kwh,) * ((span.end - span.start) // timedelta(hours=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    cost: Decimal | None
    is_least: bool
    components: tuple[Amount, ...]
    doubts: tuple[str, ...]


def fed_by(load: Load, rigs: Sequence[Rig], pue: Decimal) -> Decimal:
    """Return how many times a load is what the fleet draws at full in its hours."""
    with localcontext(EXACT):
        full = sum((rig.power_w for rig in rigs), _ZERO) / 1000 * pue * _hours(load)
        return even(sum(load.kwh, _ZERO) / full)


def _priced(place: Place, load: Load) -> _Priced:
    first, last = load.days(place.zone)
    doubts = [*place.tariff.doubts(first, last)]
    unknown = {component.kind for component in place.tariff.components if _is_open(component.rates(), first, last)}
    try:
        charges = charged_for(bill(place.tariff, load, place.zone))
    except Unpriced as error:
        return _Priced(
            cost=None, is_least=False, components=(), doubts=(*doubts, f"no price: {error.component}: {error}")
        )
    kinds = {component.kind for component in place.tariff.components}
    known = bool(kinds & ENERGY_KINDS) and not unknown & ENERGY_KINDS
    return _Priced(
        cost=charges.cost if known else None,
        is_least=bool(unknown),
        components=charges.amounts,
        doubts=tuple(doubts),
    )


def _is_open(rates: Iterable[tuple[str, Dated]], first: date, last: date) -> bool:
    return any(figure.value is None for _, rate in rates for figure in rate.within(first, last))


def _ph_days(kwh: Decimal, rigs: Sequence[Rig], pue: Decimal) -> Decimal:
    """Return the PH/s and days that energy hashes: kWh / (24 x J/TH x PUE), by the fleet's mean J/TH."""
    hashrate_ths = sum((rig.hashrate_ths for rig in rigs), _ZERO)
    joules = sum((rig.power_w for rig in rigs), _ZERO) / hashrate_ths
    return even(kwh / (HOURS * joules * pue))


def _of_model(rig: Rig, earning: Earning | None, per_kwh: Decimal | None, share: Decimal) -> OfModel:
    break_even = None if earning is None else break_even_per_kwh(earning, rig.efficiency_j_th)
    margin = None
    if break_even is not None and per_kwh is not None and earning is not None:
        kwh_per_ph = HOURS * rig.efficiency_j_th * earning.pue * _YEAR_DAYS
        margin = even((break_even - per_kwh) * kwh_per_ph * share)
    return OfModel(
        model=rig.model, efficiency_j_th=rig.efficiency_j_th, break_even=break_even, margin_per_ph_year=margin
    )


# stops --------------------------------------------------------------------------------------------------------


def _is_unknown(stop: Stop) -> bool:
    return not stop.is_dated and stop.hours_per_year is None


def _hours(load: Load) -> Decimal:
    return Decimal(round((load.span.end - load.span.start).total_seconds())) / _HOUR_S


def _stopped_h(load: Load, stops: Sequence[Stop], zone: tzinfo) -> Decimal:
    """Return the hours of stops: dated ones once where they overlap, announced ones in what is left beside them."""
    spans = merged(span for stop in stops for span in stop.spans(load.span, zone))
    dated_h = sum((Decimal(round((one.end - one.start).total_seconds())) for one in spans), _ZERO) / _HOUR_S
    announced_h = sum((stop.hours(load.span) for stop in stops), _ZERO)
    return dated_h + min(announced_h, _hours(load) - dated_h)


def _without(load: Load, stops: Sequence[Stop], zone: tzinfo) -> Load:
    """Return the load without what stops take of it; announced hours fall on steps that are spread over all of it."""
    kept = [Decimal(1)] * len(load.kwh)
    for stop in stops:
        leaves = stop.leaves_pct / 100
        for span in stop.spans(load.span, zone):
            _cut(kept, load, span, leaves)
        steps = int((stop.hours(load.span) * _HOUR_S / Decimal(round(load.step.total_seconds()))).to_integral_value())
        for at in range(min(steps, len(kept))):
            place = at * len(kept) // max(steps, 1)
            kept[place] = min(kept[place], leaves)
    kwh = tuple(even(energy * share) for energy, share in zip(load.kwh, kept, strict=True))
    return replace(load, kwh=kwh, kvarh=None, kvarh_lead=None, export_kwh=None)


def _cut(kept: list[Decimal], load: Load, span: Span, leaves: Decimal) -> None:
    """Leave so much of each step that a span touches; of one that it cuts, the part outside stays."""
    first = max(0, (span.start - load.start) // load.step)
    end = min(len(kept), -((load.start - span.end) // load.step))
    step_s = Decimal(round(load.step.total_seconds()))
    for at in range(first, end):
        start = load.start + at * load.step
        within = min(span.end, start + load.step) - max(span.start, start)
        inside = Decimal(round(within.total_seconds())) / step_s
        kept[at] = min(kept[at], 1 - inside * (1 - leaves))
