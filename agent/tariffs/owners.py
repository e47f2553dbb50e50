"""What price may do to an owner's machines, and what they earn the site: a rule for each owner that has one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from agent.tariffs.money import written
from agent.tariffs.shape import SHAPE

_ALL = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRule:
    """A rule for the machines with the tag `owner:NAME`; what is left out is as `[price]` says."""

    __pydantic_config__ = SHAPE

    name: str
    act: bool = True  # False: price never moves its machines
    levels: Literal["all", "full_or_sleep"] = "all"
    pays_per_kwh: Decimal | None = None  # to the site while they hash, whatever they earn; in the tariff's money
    min_on_s: Decimal | None = None
    min_off_s: Decimal | None = None
    hysteresis_pct: Decimal | None = None
    restart_cost: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is that of a tag owner:NAME")
        told = (self.pays_per_kwh, self.min_on_s, self.min_off_s, self.hysteresis_pct, self.restart_cost)
        if any(one is not None and one < 0 for one in told):
            raise ValueError("pays_per_kwh, times, hysteresis_pct and restart_cost are not negative")
        if self.hysteresis_pct is not None and self.hysteresis_pct > _ALL:
            raise ValueError("hysteresis_pct is at most 100")

    def in_words(self, currency: str) -> str:
        """Return the rule as a sentence without a full stop."""
        if not self.act:
            return f"owner {self.name}: price never moves its machines"
        told = (
            ("pays {} " + currency + " a kWh", self.pays_per_kwh),
            ("at least {} s on", self.min_on_s),
            ("at least {} s off", self.min_off_s),
            ("a band of {} %", self.hysteresis_pct),
            ("a start costs {} " + currency, self.restart_cost),
        )
        parts = ["full or sleep"] if self.levels == "full_or_sleep" else []
        parts += [words.format(written(figure)) for words, figure in told if figure is not None]
        return f"owner {self.name}: {', '.join(parts) or 'as everybody'}"
