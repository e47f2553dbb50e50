"""One price for every kilowatt-hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, per_kwh
from agent.tariffs.figures import Dated
from agent.tariffs.load import Energy, Usage
from agent.tariffs.shape import SHAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """Energy at one price, whatever the hour."""

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = False

    kind: Literal["flat"] = "flat"
    name: str
    party: str = "energy"
    per_kwh: Dated
    measure: Energy = "kWh"

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return self.measure

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.per_kwh)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterable[Part]:  # noqa: ARG002 - nothing before it counts
        """Return each day's energy at that day's price. Raises Unmetered."""
        return per_kwh(usage, self.per_kwh, self.measure)
