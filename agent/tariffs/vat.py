"""Value-added tax: the rate of the day of supply, on the components that it names or on all before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, percent_of, supplied
from agent.tariffs.figures import Dated
from agent.tariffs.load import Usage
from agent.tariffs.shape import SHAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Vat:
    """VAT. It stands on the bill in any case; where it is recoverable it is no cost."""

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "%"
    by_month: ClassVar[bool] = False

    kind: Literal["vat"] = "vat"
    name: str = "VAT"
    party: str = "energy"
    pct: Dated
    on: tuple[str, ...] = ()  # none: every component before it
    recoverable: bool = False

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return its one rate."""
        return [("", self.pct)]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterable[Part]:  # noqa: ARG002 - it charges money alone
        """Return the tax on what each day's supply costs before it."""
        return percent_of(supplied(before, self.on), self.pct)
