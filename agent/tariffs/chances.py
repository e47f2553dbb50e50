"""What a kWh is expected to cost because its interval may be one in which the whole system draws most."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal, localcontext

from agent.tariffs.burden import burden
from agent.tariffs.coincident import CoincidentPeak
from agent.tariffs.figures import NoFigure
from agent.tariffs.load import DAYS
from agent.tariffs.money import EXACT
from agent.tariffs.tariff import Tariff

_ZERO = Decimal(0)


def expected_per_kwh(tariff: Tariff, at: datetime, zone: tzinfo) -> Decimal:
    """Return it in the tariff's money, all in; 0 where nobody names a chance, or a figure of the day is not known."""
    peaks = [one for one in tariff.components if isinstance(one, CoincidentPeak) and one.chance]
    if not peaks:
        return _ZERO
    local = at.astimezone(zone)
    day = local.date()
    kind = tariff.days.get(day) or DAYS[day.weekday()]
    total = _ZERO
    with localcontext(EXACT):
        for one in peaks:
            try:
                expected = one.expected(local, day.month, kind, local.hour * 60 + local.minute)
                total += expected * (burden(tariff, one.name, day) or _ZERO)
            except NoFigure:
                continue
    return total
