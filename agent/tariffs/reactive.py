"""Reactive energy: kvarh beyond what tan φ allows for the kWh taken, and leading kvarh, each at its price.

Or reactive power in the window of the month's highest demand: kvar beyond what tan φ allows for its kW.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, product
from agent.tariffs.figures import Dated
from agent.tariffs.load import Column, Usage
from agent.tariffs.money import even, rounded, written
from agent.tariffs.power import Window, peak_window, spans_of
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import ALWAYS, Times

_ZERO = Decimal(0)
_TICK = timedelta(microseconds=1)
_HOUR_TICKS = timedelta(hours=1) // _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactive:
    """Lagging kvarh above `tan_phi` times the kWh, and leading kvarh above `tan_phi_lead` times them.

    Weighed `over` the whole month, or step by step, so that one hour's spare does not pay for another's excess; or in
    the window of the `peak`, where prices are per kvar and month. Only what `when` names counts, kWh and kvarh alike.
    `whole` charges all of it where it is beyond, and not the excess alone.
    """

    __pydantic_config__ = SHAPE
    by_month: ClassVar[bool] = True

    kind: Literal["reactive"] = "reactive"
    name: str
    party: str = "network"
    per_kvarh: Dated | None = None
    tan_phi: Decimal = _ZERO
    per_kvarh_lead: Dated | None = None
    tan_phi_lead: Decimal = _ZERO
    over: Literal["month", "step", "peak"] = "month"
    window_min: int | None = None  # of the peak; None: the step of the load
    digits: int | None = None  # decimals to which the excess is rounded
    when: Times = ALWAYS
    whole: bool = False

    def __post_init__(self) -> None:
        if self.per_kvarh is None and self.per_kvarh_lead is None:
            raise ValueError("needs per_kvarh or per_kvarh_lead")
        if self.tan_phi < 0 or self.tan_phi_lead < 0:
            raise ValueError("tan_phi is not negative")
        if self.digits is not None and not 0 <= self.digits <= 9:
            raise ValueError("digits must be 0 to 9")

    @property
    def unit(self) -> str:
        """What it is charged by."""
        return "kvar" if self.over == "peak" else "kvarh"

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return the rates of lagging and of leading energy."""
        return [(label, rate) for label, rate, _, _ in self._sides()]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield the excess of either side. Raises NoFigure, Unmetered."""
        for label, rate, column, allowed in self._sides():
            words = f"{label} beyond {written(allowed)} of what was active" if allowed else label
            for day, drawn, free in self._weighed(usage, column, allowed):
                if drawn > free:
                    due = drawn if self.whole else even(drawn - free)
                    yield from product(
                        day, words, due if self.digits is None else rounded(due, self.digits), rate.on(day)
                    )

    def _sides(self) -> Iterator[tuple[str, Dated, Column, Decimal]]:
        if self.per_kvarh is not None:
            yield "lagging", self.per_kvarh, "kvarh", self.tan_phi
        if self.per_kvarh_lead is not None:
            yield "leading", self.per_kvarh_lead, "kvarh_lead", self.tan_phi_lead

    def _weighed(self, usage: Usage, column: Column, allowed: Decimal) -> Iterator[tuple[date, Decimal, Decimal]]:
        """Yield by day what was drawn and what of it is free."""
        spans, register = spans_of(usage, self.when), usage.register
        if self.over == "step":
            for step in (step for span in spans for step in usage.steps(span)):
                day = step.start.astimezone(usage.zone).date()
                yield day, register.kwh(step, column), allowed * register.kwh(step)
        elif spans:
            hours = Decimal(1)
            if self.over == "peak":
                window = peak_window(usage, Window(minutes=self.window_min), spans)
                spans, hours = [window], Decimal((window.end - window.start) // _TICK) / _HOUR_TICKS
            drawn = sum((register.kwh(span, column) for span in spans), _ZERO)
            active = sum((register.kwh(span) for span in spans), _ZERO)
            yield usage.last, even(drawn / hours), even(allowed * active / hours)
