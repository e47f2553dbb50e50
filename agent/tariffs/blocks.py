"""Energy by blocks: a price up to a bound, another above it, rising or falling, by the month or the year to date.

Where energy has one price list, blocks fill in the order in which it is taken. Where periods of the day have lists of
their own, all of a month's energy fills the blocks together, and each period has the same share of each block as it has
of the month: so NREL's System Advisor Model bills it (ssc, `lib_utility_rate_equations`). They may fill in order too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.money import even, written
from agent.tariffs.netting import netted
from agent.tariffs.power import Window, highest
from agent.tariffs.ratchet import Ratchet, highest_held
from agent.tariffs.shape import SHAPE
from agent.tariffs.tiers import rising, shares
from agent.tariffs.when import MONTHS, Calendar, Times, cuts, exactly_one

Unit = Literal["kWh", "kWh/day", "kWh/kW", "kWh/kW/day"]
"""What a bound counts: kWh; for each day of the month; for each kW of the month's demand; for each of both."""
_ZERO = Decimal(0)
_ENDLESS = Decimal("Infinity")
_ONE_LIST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The price of each kWh up to a bound; a bound per kW that is followed by bounds in kWh holds these steps.

    A bound may be both: 3,000 kWh and 100 more for each kW of the month's demand.
    """

    __pydantic_config__ = SHAPE

    up_to: Decimal | None = None
    unit: Unit = "kWh"
    plus_per_kw: Decimal = _ZERO  # kWh for each kW, beside a bound in kWh
    per_kwh: Dated

    def __post_init__(self) -> None:
        if self.plus_per_kw < 0:
            raise ValueError("plus_per_kw is not negative")
        if self.plus_per_kw and (self.up_to is None or self.is_per_kw):
            raise ValueError("plus_per_kw is added to an up_to in kWh")

    @property
    def is_per_kw(self) -> bool:
        """Whether its bound is so many kWh a kW of demand."""
        return "/kW" in self.unit

    @property
    def in_words(self) -> str:
        """Its bound."""
        more = f" and {written(self.plus_per_kw)} a kW" if self.plus_per_kw else ""
        return "" if self.up_to is None else f"up to {written(self.up_to)} {self.unit}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPeriod(Times):
    """A price list and when it holds; one that says neither months, days nor hours is the rest."""

    __pydantic_config__ = SHAPE

    name: str
    block: tuple[Block, ...]

    def __post_init__(self) -> None:
        Times.__post_init__(self)
        steps = [block for block in self.block if not block.is_per_kw]
        demands = [block for block in self.block if block.is_per_kw]
        if steps and demands and not self.block[0].is_per_kw:
            raise ValueError("bounds in kWh stand before those in kWh/kW, and not within one of them")
        for same in (demands, steps) if demands else (steps,):
            if same or not demands:
                rising([block.up_to for block in same])
        more = [block.plus_per_kw for block in steps if block.up_to is not None]
        if demands and any(more):
            raise ValueError("plus_per_kw and bounds in kWh/kW: one of them says what a kW is worth")
        if sorted(more) != more:
            raise ValueError("plus_per_kw falls from a block to the next: their bounds would cross")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Energy at the price of the block that the month, or the year, has come to."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kWh"
    by_month: ClassVar[bool] = False

    kind: Literal["blocks"] = "blocks"
    name: str
    party: str = "energy"
    period: tuple[BlockPeriod, ...]
    over: Literal["month", "year"] = "month"
    fill: Literal["together", "in_order"] = "together"  # where periods have lists of their own
    window_min: int | None = None  # of the demand that bounds per kW go by; None: the step of the load
    ratchet: tuple[Ratchet, ...] = ()  # of that demand
    net_export: bool = False  # what is exported counts against what is taken, by months and periods

    def __post_init__(self) -> None:
        exactly_one(self.period, [period.name for period in self.period])
        for month in MONTHS:
            bounds = {
                tuple((b.up_to, b.unit, b.plus_per_kw) for b in self.period[at].block) for at in self._lists(month)
            }
            if len(bounds) > 1:
                raise ValueError(f"two periods of month {month} have blocks with different bounds")
        if self.net_export and (self.over == "year" or self.fill == "in_order"):
            raise ValueError("net_export is for blocks over the month, filled together")
        every = [block for period in self.period for block in period.block]
        if self.over == "year" and any(block.unit != "kWh" or block.plus_per_kw for block in every):
            raise ValueError("blocks over the year have bounds in kWh")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rate of each block of each period."""
        for period in self.period:
            for block in period.block:
                yield f"{period.name} {block.in_words}".rstrip(), block.per_kwh

    def ends(self) -> Iterator[str]:
        """Yield in words where a price list has no price above its last block."""
        for period in self.period:
            if period.block[-1].up_to is not None:
                yield f"{period.name} has no price above its last block, {period.block[-1].in_words}"

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield each day's energy by period and block. Raises NoFigure."""
        taken = self._taken(usage)
        used = {at for _, at, _ in taken}
        bounds = self._bounds(usage, self.period[min(used)])
        fill = _in_order if len(used) == _ONE_LIST or self.fill == "in_order" else _together
        filled: dict[tuple[date, int, int], Decimal] = {}
        for day, at, place, kwh in fill(taken, self._start(usage), [upper for _, upper in bounds]):
            filled[day, at, place] = filled.get((day, at, place), _ZERO) + kwh
        for (day, at, place), kwh in filled.items():
            own, upper = bounds[place]
            label = self.period[at].name + ("" if upper is None else f" up to {written(upper)} kWh")
            yield from product(day, label, kwh, self.period[at].block[own].per_kwh.on(day))

    def _taken(self, usage: Usage) -> list[Taken]:
        if self.net_export and usage.register.has("export_kwh"):
            return [(usage.last, at, kwh) for at, kwh in sorted(netted(usage, self.name, self.period).items())]
        calendar, taken = Calendar(self.period), []
        for segment in usage.segments(cuts(self.period)):
            [at] = calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
            taken.append((segment.day, at, segment.kwh))
        return taken

    def _lists(self, month: int) -> set[int]:
        """Return the periods that hold in a month."""
        calendar, kinds = Calendar(self.period), ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
        return {at for kind in kinds for minute in cuts(self.period) for at in calendar.holding(month, kind, minute)}

    def _start(self, usage: Usage) -> Decimal:
        """Return what was taken before, of the month or of the year."""
        if self.over == "month":
            return _ZERO if usage.earlier else usage.taken.month_kwh
        this_year = [one for one in usage.earlier if one.month[:4] == usage.month[:4]]
        told = usage.taken.year_kwh if len(this_year) == len(usage.earlier) else _ZERO
        return sum((one.register.kwh(one.span) for one in this_year), told)

    def _bounds(self, usage: Usage, period: BlockPeriod) -> list[tuple[int, Decimal | None]]:
        """Return the places of the blocks that this month has, each with its bound in kWh."""
        days = usage.day_count
        is_by_power = any(block.is_per_kw or block.plus_per_kw for block in period.block)
        power = self._power(usage) if is_by_power else _ZERO
        bounds = [_bound(block, days, power) for block in period.block]
        if not period.block[0].is_per_kw:
            return [(at, None if bound == _ENDLESS else bound) for at, bound in enumerate(bounds)]
        per_kw = [block.is_per_kw for block in period.block]
        per_kw[-1] |= period.block[-1].up_to is None and per_kw[-2:][0]  # the rest of all, and no step within a bound
        found: list[tuple[int, Decimal]] = []
        ceiling = _ZERO
        for at, is_per_kw in enumerate(per_kw):
            is_header = is_per_kw and not all(per_kw[at + 1 : at + 2])
            ceiling = bounds[at] if is_per_kw else ceiling
            reached = found[-1][1] if found else _ZERO
            if not is_header and min(bounds[at], ceiling) > reached:
                found.append((at, min(bounds[at], ceiling)))
        return [(at, None if bound == _ENDLESS else bound) for at, bound in found] or [(len(bounds) - 1, None)]

    def _power(self, usage: Usage) -> Decimal:
        """Return the demand of the month that bounds per kW go by."""
        if usage.taken.peak_kw is not None:
            return usage.taken.peak_kw
        power = self._measured(usage)
        held = highest_held(self.ratchet, usage, self._measured)
        return max(power, held.power) if held else power

    def _measured(self, usage: Usage) -> Decimal:
        return highest(usage, [usage.span], Window(minutes=self.window_min)).power


def _bound(block: Block, days: int, power: Decimal) -> Decimal:
    if block.up_to is None:
        return _ENDLESS
    bound = block.up_to * (days if block.unit.endswith("/day") else 1) * (power if block.is_per_kw else 1)
    return bound + block.plus_per_kw * power


Taken = tuple[date, int, Decimal]
"""The energy of a stretch of a day, and the period that it lies in."""
Filled = Iterator[tuple[date, int, int, Decimal]]
"""What of it lies in a block."""


def _in_order(taken: Sequence[Taken], start: Decimal, bounds: Sequence[Decimal | None]) -> Filled:
    """Yield what lies in each block as the energy was taken."""
    for day, at, kwh in taken:
        for place, share in shares(bounds, start, start + kwh):
            yield day, at, place, share
        start += kwh


def _together(taken: Sequence[Taken], start: Decimal, bounds: Sequence[Decimal | None]) -> Filled:
    """Yield each stretch's part of each block: as much as it is of the whole."""
    total = sum((kwh for _, _, kwh in taken), _ZERO)
    filled = list(shares(bounds, start, start + total))
    sums: dict[tuple[date, int], Decimal] = {}
    for day, at, kwh in taken:
        sums[day, at] = sums.get((day, at), _ZERO) + kwh
    for (day, at), kwh in sums.items():
        left = kwh
        for place, width in filled:
            share = left if place == filled[-1][0] else even(kwh * width / total)
            left -= share
            yield day, at, place, share
