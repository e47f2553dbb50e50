"""Excess power by every window: the root of the sum of squares of what each drew above the contract.

As in Spain for contracts above 50 kW (CNMC, Circular 3/2020, article 9): each period's coefficient times the price of
excess power times the root, in quarter-hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from agent.tariffs.charge import Line, Part, share_of
from agent.tariffs.figures import Dated
from agent.tariffs.load import Prorate, Usage
from agent.tariffs.money import even
from agent.tariffs.power import Window, powers
from agent.tariffs.shape import SHAPE
from agent.tariffs.when import Calendar, Times, cuts, exactly_one

_ZERO = Decimal(0)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessPeriod(Times):
    """When a contracted power holds, and what a kW of the root costs; one that says nothing is the rest."""

    __pydantic_config__ = SHAPE

    name: str
    kw: Dated
    per_kw: Dated

    def __post_init__(self) -> None:
        Times.__post_init__(self)
        if any(figure.value is None or figure.value < 0 for figure in self.kw.figures):
            raise ValueError("kw must be known, and not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcessPower:
    """So much a kW of the root of the summed squares of the kW above the contract, each period by itself.

    A step of the load that is longer than a window is as many windows of its own mean.
    """

    __pydantic_config__ = SHAPE
    unit: ClassVar[str] = "kW"
    by_month: ClassVar[bool] = True

    kind: Literal["excess_power"] = "excess_power"
    name: str
    party: str = "network"
    period: tuple[ExcessPeriod, ...]
    window_min: int = 15
    prorate: Prorate = "none"

    def __post_init__(self) -> None:
        exactly_one(self.period, [period.name for period in self.period])
        if not 1 <= self.window_min <= 60:
            raise ValueError("window_min must be 1 to 60")

    def rates(self) -> Iterable[tuple[str, Dated]]:
        """Return each period's rate."""
        return [(period.name, period.per_kw) for period in self.period]

    def parts(self, usage: Usage, before: Sequence[Line]) -> Iterator[Part]:  # noqa: ARG002 - nothing before it counts
        """Yield each period's excess as of the month's last day. Raises NoFigure."""
        calendar, squares, counts = Calendar(self.period), dict[int, Decimal](), dict[int, int]()
        window = timedelta(minutes=self.window_min)
        of_step = Decimal(max(usage.register.load.step, window) // _SECOND) / (window // _SECOND)
        segments = iter(usage.segments(cuts(self.period)))
        segment = next(segments)
        for start, kw in powers(usage, Window(minutes=self.window_min)):
            while segment.span.end <= start:
                segment = next(segments)
            [at] = calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
            above = kw - (self.period[at].kw.on(segment.day).value or _ZERO)
            if above > 0:
                squares[at] = squares.get(at, _ZERO) + above * above * of_step
                counts[at] = counts.get(at, 0) + 1
        for at, square in sorted(squares.items()):
            period = self.period[at]
            words = f"{period.name}, root of the squares of {counts[at]} steps above the contract"
            figure, share = period.per_kw.on(usage.last), usage.share_of_month(self.prorate)
            yield from share_of(usage.last, words, even(square.sqrt()), figure, share)
