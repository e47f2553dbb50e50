"""A ratchet: what earlier months drew is billed on, in part, for months."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from re import fullmatch

from agent.tariffs.load import Usage
from agent.tariffs.money import even
from agent.tariffs.periods import months_before
from agent.tariffs.shape import SHAPE

_ALL = Decimal(100)
_MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a month still bills, and of which."""

    month: str  # YYYY-MM
    measured: Decimal
    pct: Decimal
    power: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratchet:
    """So many percent of the highest of earlier months; a month that neither load nor `measured` knows drew nothing."""

    __pydantic_config__ = SHAPE

    pct: Decimal
    months: int = 11  # how many months back
    of: tuple[int, ...] = ()  # only months of these numbers count; none: all
    in_: tuple[int, ...] = ()  # it bills only in months of these numbers; none: in all
    measured: Mapping[str, Decimal] = field(default_factory=dict)  # by YYYY-MM, of months before the load

    def __post_init__(self) -> None:
        if not 0 < self.pct <= _ALL:
            raise ValueError("pct must be above 0 and at most 100")
        if not 1 <= self.months <= 24:
            raise ValueError("months must be 1 to 24")
        if any(month not in _MONTHS for month in (*self.of, *self.in_)):
            raise ValueError("of and in have months of 1 to 12")
        for name, power in self.measured.items():
            if fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name) is None or power < 0:
                raise ValueError(f"measured: {name} is no month such as 2026-01 with what it drew")

    def held(self, usage: Usage, measured: Callable[[Usage], Decimal]) -> Held | None:
        """Return what an earlier month holds this one to; `measured` tells what a month drew. None: nothing."""
        if self.in_ and int(usage.month[5:]) not in self.in_:
            return None
        return self.held_in(usage.month, {one.month: measured(one) for one in usage.earlier})

    def held_in(self, name: str, drawn: Mapping[str, Decimal]) -> Held | None:
        """Return what those before it hold a month to; `drawn` is what months of the load drew. None: nothing."""
        if self.in_ and int(name[5:]) not in self.in_:
            return None
        known = {**self.measured, **drawn}
        counted = [month for month in self.counted(name) if month in known]
        if not counted:
            return None
        best = max(counted, key=known.__getitem__)
        return Held(month=best, measured=known[best], pct=self.pct, power=even(known[best] * self.pct / _ALL))

    def counted(self, name: str) -> list[str]:
        """Return the months whose draw bears on a month's bill, the nearest first."""
        if self.in_ and int(name[5:]) not in self.in_:
            return []
        before = months_before(date.fromisoformat(f"{name}-01"), self.months)
        return [month for month in before if not self.of or int(month[5:]) in self.of]


def highest_held(ratchets: Iterable[Ratchet], usage: Usage, measured: Callable[[Usage], Decimal]) -> Held | None:
    """Return the most that any of them holds a month to. None: nothing."""
    found = [held for ratchet in ratchets if (held := ratchet.held(usage, measured)) is not None]
    return max(found, key=lambda held: held.power, default=None)
