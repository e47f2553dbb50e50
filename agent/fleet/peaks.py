"""The highest interval mean of the last twelve months, which some limits and charges are reckoned from."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.facts import AnyFact
from agent.facts.energy import MeterInterval
from agent.values import Watts

YEAR = timedelta(days=365)


class Peaks:
    """The highest interval of each day, rebuilt from the facts of one meter."""

    def __init__(self, meter: str | None) -> None:
        self._meter = meter
        self._by_day: dict[datetime, Watts] = {}

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, new or remembered; only this meter's intervals matter."""
        if not isinstance(fact, MeterInterval) or fact.meter != self._meter or fact.mean_w is None:
            return
        day = fact.start.replace(hour=0, minute=0, second=0, microsecond=0)
        self._by_day[day] = max(self._by_day.get(day, fact.mean_w), fact.mean_w)

    def highest_w(self, now: datetime) -> Watts | None:
        """Return the highest interval mean of twelve months, None where none is known."""
        self._by_day = {day: power_w for day, power_w in self._by_day.items() if now - day <= YEAR}
        return max(self._by_day.values(), default=None)
