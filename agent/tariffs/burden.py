"""What one unit of a component's own money costs in the end: class, exchange, and the levies and taxes upon it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from agent.tariffs.levies import LevyPercent
from agent.tariffs.money import PERCENT
from agent.tariffs.settling import AS_IT_IS
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat


def burden(tariff: Tariff, name: str, day: date) -> Decimal | None:
    """Return it in the tariff's currency, without VAT that comes back; None where a rate of the day is not known.

    Least and most amounts of a line are left out: they say nothing of one more unit. Raises NoFigure.
    """
    settling = tariff.settlings.get(name, AS_IT_IS)
    rates = [settling.coefficient, None if settling.currency is None else tariff.fx.get(settling.currency)]
    own = Decimal(1)
    for rate in rates:
        if rate is not None:
            value = rate.on(day).value
            if value is None:
                return None
            own *= value
    return _with_taxes(tariff, name, day, own)


def _with_taxes(tariff: Tariff, name: str, day: date, own: Decimal) -> Decimal:
    amounts: dict[str, Decimal] = {name: own}
    back = Decimal(0)
    names = [component.name for component in tariff.components]
    for component in tariff.components[names.index(name) + 1 :]:
        if not isinstance(component, LevyPercent | Vat):
            continue
        base = sum((amount for of, amount in amounts.items() if not component.on or of in component.on), Decimal(0))
        pct = component.pct.on(day).value or Decimal(0)
        amounts[component.name] = base * pct * PERCENT if isinstance(component, Vat) else component.of(base, pct)
        if isinstance(component, Vat) and component.recoverable:
            back += amounts[component.name]
    return sum(amounts.values(), Decimal(0)) - back
