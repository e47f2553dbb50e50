"""Reactive energy: kvarh beyond what tan φ allows for the kWh taken, and leading kvarh, each at its price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Column, Usage
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactive:
    """Lagging kvarh above `tan_phi` times the kWh, and leading kvarh above `tan_phi_lead` times them.

    Weighed `over` the whole month, or step by step, so that one hour's spare does not pay for another's excess.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kvarh"
    by_month: ClassVar[bool] = True

    kind: Literal["reactive"] = "reactive"
    name: str
    party: str = "network"
    per_kvarh: Dated | None = None
    tan_phi: Decimal = _ZERO
    per_kvarh_lead: Dated | None = None
    tan_phi_lead: Decimal = _ZERO
    over: Literal["month", "step"] = "month"

    def __post_init__(self) -> None:
        if self.per_kvarh is None and self.per_kvarh_lead is None:
            raise ValueError("needs per_kvarh or per_kvarh_lead")
        if self.tan_phi < 0 or self.tan_phi_lead < 0:
            raise ValueError("tan_phi is not negative")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rates of lagging and of leading energy."""
        return [(label, rate) for label, rate, _, _ in self._sides()]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the excess of either side. Raises NoFigure, Unmetered."""
        for label, rate, column, allowed in self._sides():
            words = f"{label} beyond {allowed} of the kWh" if allowed else label
            for day, excess in self._excess(usage, column, allowed):
                yield from product(day, words, excess, rate.on(day))

    def _sides(self) -> Iterator[tuple[str, Dated, Column, Decimal]]:
        if self.per_kvarh is not None:
            yield "lagging", self.per_kvarh, "kvarh", self.tan_phi
        if self.per_kvarh_lead is not None:
            yield "leading", self.per_kvarh_lead, "kvarh_lead", self.tan_phi_lead

    def _excess(self, usage: Usage, column: Column, allowed: Decimal) -> Iterator[tuple[date, Decimal]]:
        if self.over == "month":
            excess = usage.register.kwh(usage.span, column) - allowed * usage.register.kwh(usage.span)
            if excess > 0:
                yield usage.last, excess
            return
        for step in usage.steps():
            excess = usage.register.kwh(step, column) - allowed * usage.register.kwh(step)
            if excess > 0:
                yield step.start.astimezone(usage.zone).date(), excess
