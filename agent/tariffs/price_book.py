"""Prices at instants, looked up again and again: what has one price by the tariff's calendar is worked out once."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal

from agent.tariffs.bill import price_at
from agent.tariffs.flat import Flat
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.load import DAYS, NOTHING, Taken
from agent.tariffs.periods import MIDNIGHT
from agent.tariffs.tariff import Tariff
from agent.tariffs.time_of_use import TimeOfUse
from agent.tariffs.vat import Vat
from agent.tariffs.when import cuts

_BY_THE_CLOCK = Flat | TimeOfUse | LevyPerKwh | LevyPercent | Vat
"""What a kWh costs by these follows from the local date and time of day alone."""
Place = tuple[int, str, int, int]
"""A month, what a day is to the tariff, where in it, and between which changes of figures: there is one price to it."""


@dataclass(slots=True)
class PriceBook:
    """What one more kWh costs at an instant, as `price_at` has it."""

    tariff: Tariff
    zone: tzinfo
    _cuts: list[int] | None = field(init=False)  # None: the price depends on more than the clock
    _changes: list[date] = field(init=False)
    _known: dict[Place, Decimal] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.tariff = self.tariff.running()
        is_sized = any(one.only is not None for one in self.tariff.settlings.values())
        is_plain = not is_sized and all(isinstance(one, _BY_THE_CLOCK) for one in self.tariff.components)
        timed = [one for one in self.tariff.components if isinstance(one, TimeOfUse)]
        self._cuts = sorted(MIDNIGHT.union(*(cuts(one.period) for one in timed))) if is_plain else None
        held = [one.coefficient for one in self.tariff.settlings.values() if one.coefficient is not None]
        rates = [*self.tariff.fx.values(), *held, *(rate for one in self.tariff.components for _, rate in one.rates())]
        figures = [figure for rate in rates for figure in rate.figures]
        self._changes = sorted({day for one in figures for day in (one.from_, one.until) if day is not None})

    def at(self, instant: datetime, taken: Taken = NOTHING) -> Decimal:
        """Return the price of one more kWh after what its month drew before it. Raises Unpriced."""
        if self._cuts is None:
            return price_at(self.tariff, instant, self.zone, taken)
        local = instant.astimezone(self.zone)
        day = local.date()
        kind = self.tariff.days.get(day) or DAYS[day.weekday()]
        part = bisect_right(self._cuts, local.hour * 60 + local.minute)
        key = (day.month, kind, part, bisect_right(self._changes, day))
        price = self._known.get(key)
        if price is None:
            price = self._known[key] = price_at(self.tariff, instant, self.zone, taken)
        return price
