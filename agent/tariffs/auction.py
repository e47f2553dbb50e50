"""When a market takes bids for a day of supply, as a jurisdiction says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from agent.tariffs.shape import SHAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Auction:
    """An auction so many days before the day of supply, by the local clock; each hour is bid for by itself."""

    __pydantic_config__ = SHAPE

    name: str
    opens: time
    closes: time
    source: str
    days_before: int = 1
    prepay_by: time | None = None  # of the day of the auction
    note: str = ""
    unconfirmed: bool = False

    def __post_init__(self) -> None:
        if self.closes <= self.opens:
            raise ValueError("closes must be after opens")
        if not 0 <= self.days_before <= 7:
            raise ValueError("days_before must be 0 to 7")

    def at(self, told: time, day: date, zone: tzinfo) -> datetime:
        """Return the instant of a time of the auction for a day of supply."""
        civil = datetime.combine(day - timedelta(days=self.days_before), told, tzinfo=zone)
        return civil.astimezone(UTC)
