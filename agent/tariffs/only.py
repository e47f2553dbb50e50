"""In which months a component charges at all: by what the month takes, and by its highest mean power.

So price lists that the month's whole consumption chooses are told, and charges for customers of a size: each as a
component of its own, for its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agent.tariffs.load import Usage
from agent.tariffs.money import written
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Bounds of a month: from one on, and below the other. Power is the mean of a step of the load."""

    __pydantic_config__ = SHAPE

    kwh_from: Decimal = _ZERO
    kwh_below: Decimal | None = None
    kw_from: Decimal = _ZERO
    kw_below: Decimal | None = None

    def __post_init__(self) -> None:
        for first, below in (self.kwh_from, self.kwh_below), (self.kw_from, self.kw_below):
            if first < 0 or (below is not None and below <= first):
                raise ValueError("only: each from is at least 0, and each below is above it")

    def in_words(self) -> str:
        """Return the bounds as people say them."""
        pairs = ((self.kwh_from, self.kwh_below, "kWh"), (self.kw_from, self.kw_below, "kW"))
        said = [
            " ".join(
                [
                    *([f"from {written(first)}"] if first else []),
                    *([] if below is None else [f"below {written(below)}"]),
                    unit,
                ]
            )
            for first, below, unit in pairs
            if first or below is not None
        ]
        return f"only in months {' and '.join(said)}"

    def holds(self, usage: Usage) -> bool:
        """Whether a month is such a one, by what is known of it."""
        before = _ZERO if usage.earlier else usage.taken.month_kwh
        kwh = before + usage.register.kwh(usage.span)
        kw = usage.register.peak_kw(usage.span) if usage.taken.peak_kw is None else usage.taken.peak_kw
        within_kwh = self.kwh_from <= kwh and (self.kwh_below is None or kwh < self.kwh_below)
        return within_kwh and self.kw_from <= kw and (self.kw_below is None or kw < self.kw_below)
