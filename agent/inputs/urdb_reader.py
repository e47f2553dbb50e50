"""What a URDB record says, key by key, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agent.inputs.urdb_record import HOURS, MONTHS
from agent.inputs.urdb_times import ALL_HOURS, ALL_MONTHS, WEEKDAYS, WEEKENDS, Cell
from agent.problems import Problem
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.kinds import Component
from agent.tariffs.money import written

PARTY = "utility"
Tiers = list[dict[str, Any]]
Cells = dict[int, dict[Cell, int]]
"""By month the period of each hour."""
_ENDLESS = Decimal("1e15")
"""A bound so high is none: records say 1e38, or as many nines as fit."""


@dataclass(slots=True, kw_only=True)
class Reader:
    """A record that is being read, and what is wrong with it."""

    record: dict[str, Any]
    file: str
    problems: list[Problem] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)

    def bad(self, key: str, reason: str) -> None:
        """Note what is wrong with a key."""
        self.problems.append(Problem(file=self.file, key=key, reason=reason))

    def number(self, key: str, value: Any, *, least: Decimal | None = None) -> Decimal | None:
        """Return a number, or None with a problem."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.bad(key, "must be a number")
        elif least is not None and value < least:
            self.bad(key, f"must be at least {written(least)}")
        else:
            return Decimal(value)
        return None

    def told(self, key: str) -> Decimal:
        """Return the number of a key; 0 where it is missing or wrong."""
        return (self.number(key, self.record[key]) or Decimal(0)) if key in self.record else Decimal(0)

    def numbers(self, key: str) -> list[Decimal]:
        """Return the twelve numbers of a key, one a month; none where it is missing or wrong."""
        value = self.record.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) != MONTHS:
            self.bad(key, "must be twelve numbers, one a month")
            return []
        return [self.number(f"{key}.{at}", one) or Decimal(0) for at, one in enumerate(value)]

    def part(self, key: str, make: Callable[[], Component]) -> list[Component]:
        """Return the component that a key makes; none where its own rules refuse it."""
        try:
            made = make()
        except ValueError as error:
            self.bad(key, str(error))
            return []
        self.keys[made.name] = key
        return [made]

    def structure(self, key: str, known: set[str]) -> list[Tiers]:
        """Return the tiers of each period; none where it is missing or wrong."""
        told = self.record.get(key)
        if told is None:
            return []
        before = len(self.problems)
        if not isinstance(told, list) or not all(isinstance(period, list) and period for period in told):
            self.bad(key, "must be a list of periods, each a list of at least one tier")
            return []
        for at, period in enumerate(told):
            for place, tier in enumerate(period):
                self._check_tier(f"{key}.{at}.{place}", tier, known)
        return told if len(self.problems) == before else []

    def _check_tier(self, where: str, tier: Any, known: set[str]) -> None:
        if not isinstance(tier, dict):
            self.bad(where, "must be an object")
            return
        for name, value in tier.items():
            if name not in known and value not in {None, ""}:
                self.bad(f"{where}.{name}", "is no known key of a tier")
            elif name != "unit" and value is not None:
                self.number(f"{where}.{name}", value, least=Decimal(0) if name == "max" else None)
        if all(tier.get(name) is None for name in ("rate", "adj", "sell")):
            self.bad(where, "has neither rate nor adj")

    def cells(self, of: str, periods: int) -> Cells:
        """Return the period of each hour of each month by the two schedules; one period needs none."""
        cells: Cells = {month: {} for month in ALL_MONTHS}
        for days, name in ((WEEKDAYS, "weekday"), (WEEKENDS, "weekend")):
            key = f"{of}{name}schedule"
            told = self.record.get(key)
            if told is None and periods == 1:
                told = [[0] * HOURS] * MONTHS
            if told is None:
                self.bad(key, f"is required, since {of}ratestructure has {periods} periods")
            elif not isinstance(told, list) or len(told) != MONTHS or any(len(lists(one)) != HOURS for one in told):
                self.bad(key, "must be twelve lists of 24 hours")
            else:
                for month, hours in zip(ALL_MONTHS, told, strict=True):
                    for hour, place in zip(ALL_HOURS, hours, strict=True):
                        if self.is_place(f"{key}.{month - 1}.{hour}", place, periods):
                            cells[month][month, days, hour] = int(place)
        return cells

    def is_place(self, key: str, place: Any, periods: int) -> bool:
        """Whether a schedule names a period that there is; a problem where it does not."""
        is_one = isinstance(place, int | Decimal) and not isinstance(place, bool) and place in range(periods)
        if not is_one:
            self.bad(key, f"is {place}, and there is no such period")
        return is_one


def lists(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []


def bound(tier: Mapping[str, Any]) -> Decimal | None:
    """Return the upper bound of a tier; None where it has none."""
    told = tier.get("max")
    return None if told is None or told >= _ENDLESS else Decimal(told)


def price(tier: Mapping[str, Any]) -> Dated:
    """Return what a unit of a tier costs: its rate and its adjustment."""
    value = sum((Decimal(tier.get(name) or 0) for name in ("rate", "adj")), Decimal(0))
    return Dated(figures=(Figure(value=value),))


def hours_of(cells: Cells, at: int, months: Sequence[int] = ALL_MONTHS) -> list[Cell]:
    """Return the hours of some months that are of one period."""
    return [cell for month in months for cell, place in cells[month].items() if place == at]
