"""The energy of a URDB record: prices by period, or blocks by period, and fuel adjustments by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from agent.inputs.urdb_demand import ratchets, window
from agent.inputs.urdb_reader import PARTY, Cells, Reader, Tiers, bound, hours_of, price
from agent.inputs.urdb_times import ALL_MONTHS, said, whens
from agent.tariffs.blocks import Block, BlockPeriod, Blocks, Unit
from agent.tariffs.export import ExportCredit
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.kinds import Component
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.time_of_use import Period, TimeOfUse

KEY = "energyratestructure"
_ENERGY = "energy"
_FUEL = "fueladjustmentsmonthly"
_UNITS: Mapping[str, Unit] = {
    "kwh": "kWh",
    "kwh/kw": "kWh/kW",
    "kwh daily": "kWh/day",
    "kwh/kw daily": "kWh/kW/day",
}
_TIER = {"max", "unit", "rate", "adj", "sell"}
_NET = "net metering"
BY_HOUR = "net billing hourly"
STEPWISE = {"net billing instantaneous", BY_HOUR, "buy all sell all"}
"""Under these rules SAM prices step by step; under net metering, or where no rule is named, a month's sums.

What is exported in a step is paid by its `sell`. Where all is bought and all is sold, the load has both sums.
"""
Bounds = tuple[tuple[Decimal | None, Unit], ...]


def nets(reader: Reader) -> bool:
    """Whether a record's rule is net metering, under which export counts against what is taken."""
    return rule_of(reader) == _NET or (not rule_of(reader) and reader.record.get("usenetmetering") is True)


def is_floored(reader: Reader) -> bool:
    """Whether a month's energy charge is never below 0: SAM has it so where it nets, and where no rule is named."""
    told = [price(tier) for tiers in reader.structure(KEY, _TIER) for tier in tiers]
    has_negative = any(figure.value is not None and figure.value < 0 for one in told for figure in one.figures)
    return has_negative and rule_of(reader) in {"", _NET}


def rule_of(reader: Reader) -> str:
    """Return a record's rule for who generates, "" where it names none."""
    return str(reader.record.get("dgrules", "")).strip().lower()


def energy(reader: Reader) -> Iterator[Component]:
    """Yield what is charged for the energy taken."""
    structure = reader.structure(KEY, _TIER)
    before = len(reader.problems)
    cells = reader.cells("energy", len(structure)) if structure else {}
    if not structure or len(reader.problems) > before:
        return
    used = sorted({place for places in cells.values() for place in places.values()})
    if all(len(structure[at]) == 1 and bound(structure[at][0]) is None for at in used):
        periods = [
            Period(name=f"period {at}", per_kwh=price(structure[at][0]), **said(whens(hours_of(cells, at))))
            for at in used
        ]
        told, net = tuple(periods), nets(reader)
        yield from reader.part(KEY, lambda: TimeOfUse(name=_ENERGY, party=PARTY, period=told, net_export=net))
        return
    listed = _lists(reader, structure, cells)
    if listed:
        yield from reader.part(
            KEY,
            lambda: Blocks(
                name=_ENERGY,
                party=PARTY,
                period=tuple(listed),
                fill="in_order" if rule_of(reader) in STEPWISE else "together",
                window_min=window(reader),
                ratchet=ratchets(reader),
                net_export=nets(reader),
            ),
        )


def _lists(reader: Reader, structure: list[Tiers], cells: Cells) -> list[BlockPeriod]:
    """Return the price list of each period; one without bounds has those of its month, at its one price."""
    months_of: dict[tuple[int, Bounds], list[int]] = {}
    for month in ALL_MONTHS:
        used = sorted(set(cells[month].values()))
        bounds: dict[int, Bounds] = {
            at: _open_ended(tuple((bound(tier), _unit(reader, tier)) for tier in structure[at])) for at in used
        }
        tiered = {of for of in bounds.values() if len(of) > 1 or of[0][0] is not None}
        if len(tiered) > 1:
            reader.bad(KEY, f"periods of month {month} have tiers with different bounds: how they add up is not said")
            return []
        for at in used:
            months_of.setdefault((at, next(iter(tiered), bounds[at])), []).append(month)
    found: list[BlockPeriod] = []
    for (at, of), months in months_of.items():
        tiers = structure[at]
        blocks = tuple(
            Block(up_to=upper, unit=unit, per_kwh=price(tiers[min(place, len(tiers) - 1)]))
            for place, (upper, unit) in enumerate(of)
        )
        is_split = sum(other == at for other, _ in months_of) > 1
        name = f"period {at}" + (f" of months {', '.join(map(str, months))}" if is_split else "")
        try:
            found.append(BlockPeriod(name=name, block=blocks, **said(whens(hours_of(cells, at, months)))))
        except ValueError as error:
            reader.bad(f"{KEY}.{at}", str(error))
            return []
    return found


def _open_ended(bounds: Bounds) -> Bounds:
    """Return bounds whose open last one counts what all before it do: without a bound it counts nothing of its own."""
    *before, (last, _) = bounds
    units = {unit for _, unit in before}
    return (*before, (None, units.pop())) if last is None and len(units) == 1 else bounds


def _unit(reader: Reader, tier: Mapping[str, Any]) -> Unit:
    told = str(tier.get("unit") or "kWh").strip()
    unit = _UNITS.get(told.lower())
    if unit is None:
        reader.bad(f"{KEY}.unit", f"is {told}, and none of kWh, kWh/kW, kWh daily, kWh/kW daily")
    return unit or "kWh"


def exported(reader: Reader) -> Iterator[Component]:
    """Yield what is paid for export, where the record's rule pays each step's by itself."""
    if rule_of(reader) not in STEPWISE:
        return
    structure = reader.structure(KEY, _TIER)
    cells = reader.cells("energy", len(structure)) if structure else {}
    used = sorted({place for places in cells.values() for place in places.values()})
    if any(len({tier.get("sell") or 0 for tier in structure[at]}) > 1 for at in used):
        reader.bad(f"{KEY}.sell", "differs by tier: which tier export fills is not said")
        return
    sold = [
        Period(
            name=f"period {at}",
            per_kwh=Dated(figures=(Figure(value=Decimal(structure[at][0].get("sell") or 0)),)),
            **said(whens(hours_of(cells, at))),
        )
        for at in used
    ]
    if any(period.per_kwh.figures[0].value for period in sold):
        yield from reader.part(KEY, lambda: ExportCredit(name="export", party=PARTY, period=tuple(sold)))


def fuel(reader: Reader) -> Iterator[Component]:
    """Yield the adjustment of each month's kWh."""
    told = reader.numbers(_FUEL)
    if not any(told):
        return
    months: dict[Decimal, list[int]] = {}
    for month, value in zip(ALL_MONTHS, told, strict=True):
        months.setdefault(value, []).append(month)
    if nets(reader) and _ENERGY in reader.keys:
        yield from _fuel_of_net(reader, months)
        return
    periods = [
        Period(
            name="all months" if len(of) == len(told) else f"months {', '.join(map(str, of))}",
            months=() if len(of) == len(told) else tuple(of),
            per_kwh=Dated(figures=(Figure(value=value),)),
        )
        for value, of in months.items()
    ]
    yield from reader.part(
        _FUEL,
        lambda: TimeOfUse(name="fuel adjustment", party=PARTY, period=tuple(periods), net_export=nets(reader)),
    )


def _fuel_of_net(reader: Reader, months: Mapping[Decimal, list[int]]) -> Iterator[Component]:
    """Yield the adjustment of the kWh that energy bills where export counts against them, each amount by itself."""
    for value, of in months.items():
        if value:
            label = "" if len(of) == len(ALL_MONTHS) else f" of months {', '.join(map(str, of))}"
            made = partial(
                LevyPerKwh,
                name=f"fuel adjustment{label}",
                party=PARTY,
                per_kwh=Dated(figures=(Figure(value=value),)),
                on=(_ENERGY,),
                months=() if not label else tuple(of),
            )
            yield from reader.part(_FUEL, made)
