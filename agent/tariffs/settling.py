"""What is done to a component's line in a month: class coefficient, exchange, bounds and rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agent.tariffs.charge import Part
from agent.tariffs.figures import Dated, Figure, NoFigure
from agent.tariffs.money import Rounding, even, rounded, written
from agent.tariffs.only import Only
from agent.tariffs.shape import SHAPE

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """A line's class coefficient, own currency, least and most a month in the tariff's currency, decimals, months."""

    __pydantic_config__ = SHAPE

    coefficient: Dated | None = None  # by which the class of the customer multiplies its figures
    currency: str | None = None
    floor: Decimal | None = None
    cap: Decimal | None = None
    round: int | None = None
    rounding: Rounding = "half_up"
    only: Only | None = None  # in which months it charges at all

    def __post_init__(self) -> None:
        if self.floor is not None and self.cap is not None and self.cap < self.floor:
            raise ValueError(f"cap {written(self.cap)} is below floor {written(self.floor)}")
        if self.round is not None and not -6 <= self.round <= 9:
            raise ValueError("round must be -6 to 9 decimals")
        if self.currency is not None and not (len(self.currency) == 3 and self.currency.isupper()):
            raise ValueError("currency must be an ISO 4217 code such as KGS")

    def settled(self, parts: Sequence[Part], rate: Dated | None, day: date) -> tuple[Part, ...]:
        """Return the parts of a month's line, exchanged at the rate of each day, and what its bounds and rounding add.

        Raises NoFigure.
        """
        found = [*parts] if self.coefficient is None else [_times(part, self.coefficient) for part in parts]
        found = found if self.currency is None else [_exchanged(part, rate, self.currency) for part in found]
        amount = sum((part.amount for part in found), _ZERO)
        for label, due in self._dues(amount):
            if due != amount:
                rest = Part(day=day, label=label, quantity=_ZERO, figure=Figure(), amount=due - amount, is_rest=True)
                found, amount = [*found, rest], due
        return tuple(found)

    def _dues(self, amount: Decimal) -> list[tuple[str, Decimal]]:
        held = amount
        dues: list[tuple[str, Decimal]] = []
        if self.floor is not None and held < self.floor:
            held = self.floor
            dues.append((f"at least {written(self.floor)}", held))
        if self.cap is not None and held > self.cap:
            held = self.cap
            dues.append((f"at most {written(self.cap)}", held))
        if self.round is not None:
            way = "" if self.rounding == "half_up" else f", {self.rounding.replace('_', ' ')}"
            dues.append((f"rounded to {self.round} decimals{way}", rounded(held, self.round, self.rounding)))
        return dues


def _times(part: Part, coefficient: Dated) -> Part:
    figure = coefficient.on(part.day)
    if figure.value is None:
        raise NoFigure(f"the coefficient is not known for {part.day}")
    return replace(part, amount=part.amount * figure.value, coefficient=figure)


def _exchanged(part: Part, rate: Dated | None, currency: str) -> Part:
    figure = None if rate is None else rate.on(part.day)
    if figure is None or figure.value is None:
        raise NoFigure(f"there is no exchange rate of {currency} for {part.day}")
    return replace(part, amount=even(part.amount * figure.value), exchange=figure)


AS_IT_IS = Settling()
