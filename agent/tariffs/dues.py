"""When a levy is to be paid, as a jurisdiction says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from agent.tariffs.shape import SHAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A levy is paid for each month or quarter, until a day of the month after it."""

    __pydantic_config__ = SHAPE

    component: str
    every: Literal["month", "quarter"]
    day: int
    source: str

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 28:
            raise ValueError("day must be 1 to 28")

    def on(self, month: str) -> date:
        """Return the last day on which what is owed for a month, YYYY-MM, may be paid."""
        year, number = int(month[:4]), int(month[5:])
        last = number if self.every == "month" else (number + 2) // 3 * 3
        return date(year + last // 12, last % 12 + 1, self.day)
