"""The demand of a URDB record: by month, by period of the day, reactive; windows, units and ratchets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from agent.inputs.urdb_reader import PARTY, Reader, Tiers, bound, hours_of, lists, price
from agent.inputs.urdb_record import MONTHS
from agent.inputs.urdb_times import ALL_MONTHS, said, whens
from agent.tariffs.demand import Demand, DemandBlock, DemandPeriod
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.kinds import Component
from agent.tariffs.power import Measure
from agent.tariffs.ratchet import Ratchet

_TIER = {"max", "rate", "adj", "unit"}
_UNITS: Mapping[str, Measure] = {"kw": "kW", "kva": "kVA", "hp": "hp"}
_LOOK_BACK = 11
_HUNDRED = Decimal(100)
_REACTIVE = "demandreactivepowercharge"


def flat_demand(reader: Reader) -> Iterator[Component]:
    """Yield what is charged for the highest demand of a month, at whatever time."""
    key = "flatdemandstructure"
    structure = reader.structure(key, _TIER)
    if not structure:
        if reader.record.get("flatdemandmonths") and key not in reader.record:
            reader.bad(key, "is required by flatdemandmonths")
        return
    told = reader.record.get("flatdemandmonths", [0] * MONTHS if len(structure) == 1 else None)
    if not isinstance(told, list) or len(told) != MONTHS:
        reader.bad("flatdemandmonths", "must be twelve periods, one a month")
        return
    before = len(reader.problems)
    for at, one in enumerate(told):
        reader.is_place(f"flatdemandmonths.{at}", one, len(structure))
    if len(reader.problems) > before:
        return
    months = {
        at: [month for month, place in zip(ALL_MONTHS, told, strict=True) if place == at]
        for at in range(len(structure))
    }
    periods = [
        (f"months of period {at}", structure[at], {"months": () if len(of) == MONTHS else tuple(of)})
        for at, of in months.items()
        if of
    ]
    yield from _demand(reader, key, "flat demand", "flatdemandunit", periods)


def timed_demand(reader: Reader) -> Iterator[Component]:
    """Yield what is charged for the highest demand in each period of the day."""
    key = "demandratestructure"
    structure = reader.structure(key, _TIER)
    before = len(reader.problems)
    cells = reader.cells("demand", len(structure)) if structure else {}
    if not structure or len(reader.problems) > before:
        return
    used = sorted({place for places in cells.values() for place in places.values()})
    periods = [(f"period {at}", structure[at], said(whens(hours_of(cells, at)))) for at in used]
    yield from _demand(reader, key, "time-of-use demand", "demandrateunit", periods)


def _demand(
    reader: Reader, key: str, name: str, unit_key: str, periods: list[tuple[str, Tiers, dict[str, Any]]]
) -> Iterator[Component]:
    measure, every = _unit(reader, unit_key, [tier for _, tiers, _ in periods for tier in tiers])
    made: list[DemandPeriod] = []
    for label, tiers, times in periods:
        if any(tier.get("rate") or tier.get("adj") for tier in tiers):
            blocks = tuple(DemandBlock(up_to=bound(tier), per_kw=price(tier)) for tier in tiers)
            try:
                made.append(DemandPeriod(name=label, block=blocks, **times))
            except ValueError as error:
                reader.bad(key, f"{label}: {error}")
    if made:
        yield from reader.part(
            key,
            lambda: Demand(
                name=name,
                party=PARTY,
                period=tuple(made),
                measure=measure,
                every=every,
                window_min=window(reader),
                ratchet=ratchets(reader),
            ),
        )


def _unit(reader: Reader, key: str, tiers: Tiers) -> tuple[Measure, Literal["month", "day"]]:
    """Return in what a demand is measured, and whether the highest of each day or of the month is charged."""
    own = {str(tier["unit"]).strip().lower(): str(tier["unit"]) for tier in tiers if tier.get("unit")}
    told = str(reader.record.get(key) or next(iter(own.values()), "kW"))
    if len({*own, told.strip().lower()}) > 1:
        reader.bad(key, f"is {told}, and tiers say {', '.join(sorted(own.values()))}")
    name, _, daily = told.strip().lower().partition(" ")
    if name not in _UNITS or daily not in {"", "daily"}:
        reader.bad(key, f"is {told}, and none of kW, kVA, hp and their daily forms")
    return _UNITS.get(name, "kW"), "day" if daily else "month"


def window(reader: Reader) -> int | None:
    """Return the minutes over which demand is measured; None: the step of the load."""
    told = reader.told("demandwindow")
    if told != int(told) or not 0 <= told <= 1440:
        reader.bad("demandwindow", "must be whole minutes of at most a day")
        return None
    return int(told) or None


def ratchets(reader: Reader) -> tuple[Ratchet, ...]:
    """Return what earlier months hold a demand to."""
    return (*_look_back(reader), *_by_month(reader))


def _look_back(reader: Reader) -> Iterator[Ratchet]:
    share = reader.told("lookbackpercent")
    if not share:
        return
    months, back = lists(reader.record.get("lookbackmonths")), reader.told("lookbackrange")
    of = tuple(month for month, counts in zip(ALL_MONTHS, months, strict=False) if counts)
    if len(months) not in {0, MONTHS}:
        reader.bad("lookbackmonths", "must be twelve of true or false, one a month")
    elif not of and not back:
        reader.bad("lookbackpercent", "is of months that neither lookbackrange nor lookbackmonths names")
    elif not (0 < share <= _HUNDRED and back in range(25)):
        reader.bad("lookbackpercent", "must be a part of 1, or percent, with a lookbackrange of at most 24 months")
    else:
        named = () if len(of) == MONTHS else of
        yield Ratchet(pct=_percent(share), months=int(back) or _LOOK_BACK, of=named)


def _by_month(reader: Reader) -> Iterator[Ratchet]:
    """Yield the ratchet of each percentage, in the months that have it."""
    key = "demandratchetpercentage"
    is_one = isinstance(reader.record.get(key), int | Decimal)
    told = [reader.told(key)] * MONTHS if is_one else reader.numbers(key)
    for share in sorted({one for one in told if one}):
        if not 0 < share <= _HUNDRED:
            reader.bad(key, "must be parts of 1, or percent")
            return
        months = tuple(month for month, one in zip(ALL_MONTHS, told, strict=True) if one == share)
        yield Ratchet(pct=_percent(share), months=_LOOK_BACK, in_=() if len(months) == MONTHS else months)


def _percent(share: Decimal) -> Decimal:
    """Return percent of what is written as a part of 1 or as percent already."""
    return share * _HUNDRED if share <= 1 else share


def reactive(reader: Reader) -> Iterator[Component]:
    """Yield what a kvar of the month's highest lagging power costs."""
    told = reader.told(_REACTIVE)
    if told:
        period = DemandPeriod(name="any time", per_kw=Dated(figures=(Figure(value=told),)))
        yield from reader.part(
            _REACTIVE,
            lambda: Demand(
                name="reactive demand", party=PARTY, period=(period,), measure="kvar", window_min=window(reader)
            ),
        )
