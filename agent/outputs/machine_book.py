"""What each machine drew, hashed, cost and earned in a month, added up interval by interval.

A machine's cost is its share of an interval's by energy, its revenue by hashes: floats, while the sums of the site are
exact. It is kept each hour, of few machines after each interval, and for good when the month is over.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.facts import AnyFact
from agent.facts.energy import EnergyInterval, MachinesMonth, MachinesSoFar
from agent.fleet.view import Floats

FEW = 1000
"""So few machines are kept after each interval."""
FAST = 1
"""The level of deflation, for it is done on the loop."""
COLUMNS = ("energy_wh", "hashed_th", "cost", "revenue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """A month's machines as columns, read from its fact; None where no currency was known."""

    ids: Sequence[str]
    energy_wh: Floats
    hashed_th: Floats
    cost: Floats | None
    revenue: Floats | None
    revenue_currency: str | None

    @staticmethod
    def of(fact: MachinesMonth) -> Machines:
        """Read them."""
        columns = {name: _unpacked(getattr(fact, name)) for name in COLUMNS}
        return Machines(
            ids=_ids(fact.miners),
            energy_wh=columns["energy_wh"],
            hashed_th=columns["hashed_th"],
            cost=columns["cost"] if fact.currency is not None else None,
            revenue=columns["revenue"] if fact.revenue_currency is not None else None,
            revenue_currency=fact.revenue_currency,
        )


class MachineBook:
    """The month under way, of a fleet whose rows are `ids`; `month_of` says in which month an instant lies."""

    def __init__(self, ids: Sequence[str], month_of: Callable[[datetime], str]) -> None:
        self._ids = [*ids]
        self._fleet = len(self._ids)
        self._month_of = month_of
        self._month: str | None = None
        self._columns = np.zeros((len(COLUMNS), self._fleet))
        self._currencies: tuple[str | None, str | None] = (None, None)
        self._told_at: datetime | None = None
        self._is_new = False
        self._packed: tuple[int, bytes] | None = None  # ids, of so many

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        if isinstance(fact, MachinesSoFar):
            self._restore(fact.told)
        elif isinstance(fact, MachinesMonth) and fact.month == self._month:
            self._begin(None)

    def take(self, fact: EnergyInterval, columns: tuple[Floats, Floats] | None) -> list[AnyFact]:
        """Add an interval that was charged, with what each row drew and hashed in it; return what is to be kept."""
        kept: list[AnyFact] = []
        name = self._month_of(fact.start)
        if self._month is not None and name > self._month:
            kept.append(self._told(self._month, fact.at))
            self._begin(None)
        if self._month is None:
            self._month, self._told_at = name, fact.end
        if name == self._month and columns is not None:
            self._add(fact, *columns)
        if len(self._ids) <= FEW or self._told_at is None or _hour(self._told_at) < _hour(fact.end):
            kept += self.so_far(fact.at)
        return kept

    def so_far(self, at: datetime) -> list[AnyFact]:
        """Return the month under way as it is to be kept, where there is anything new."""
        if self._month is None or not self._is_new:
            return []
        self._is_new, self._told_at = False, at
        return [MachinesSoFar(at=at, told=self._told(self._month, at))]

    def _begin(self, month: str | None) -> None:
        del self._ids[self._fleet :]
        self._packed = None
        self._month, self._is_new = month, False
        self._columns = np.zeros((len(COLUMNS), self._fleet))
        self._currencies = (None, None)

    def _restore(self, told: MachinesMonth) -> None:
        self._begin(told.month)
        ids, places = _ids(told.miners), {one: at for at, one in enumerate(self._ids)}
        for one in ids:
            if one not in places:
                places[one] = len(self._ids)
                self._ids.append(one)
        self._columns = np.zeros((len(COLUMNS), len(self._ids)))
        self._columns[:, [places[one] for one in ids]] = [_unpacked(getattr(told, name)) for name in COLUMNS]
        self._currencies, self._told_at = (told.currency, told.revenue_currency), told.at

    def _add(self, fact: EnergyInterval, energy_wh: Floats, hashed_th: Floats) -> None:
        own, rows = self._columns, slice(0, self._fleet)
        own[0, rows] += energy_wh
        own[1, rows] += hashed_th
        if fact.cost is not None and fact.site_wh:
            own[2, rows] += energy_wh * (float(fact.cost) / fact.site_wh)
        if fact.revenue is not None and fact.hashed_th:
            own[3, rows] += hashed_th * (float(fact.revenue) / fact.hashed_th)
        before, earned = self._currencies
        self._currencies = (fact.currency or before, fact.revenue_currency or earned)
        self._is_new = True

    def _told(self, month: str, at: datetime) -> MachinesMonth:
        columns: dict[str, Any] = {name: _packed(self._columns[n]) for n, name in enumerate(COLUMNS)}
        currency, revenue_currency = self._currencies
        if self._packed is None or self._packed[0] != len(self._ids):
            self._packed = (len(self._ids), zlib.compress("\n".join(self._ids).encode(), FAST))
        return MachinesMonth(
            at=at, month=month, miners=self._packed[1], currency=currency, revenue_currency=revenue_currency, **columns
        )


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _ids(packed: bytes) -> list[str]:
    text = zlib.decompress(packed).decode()
    return text.split("\n") if text else []


def _packed(column: Floats) -> bytes:
    return zlib.compress(column.astype("<f4").tobytes(), FAST)


def _unpacked(packed: bytes) -> Floats:
    read: NDArray[np.float32] = np.frombuffer(zlib.decompress(packed), "<f4")
    return read.astype(np.float64)
