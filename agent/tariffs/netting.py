"""Net metering: what is exported counts against what is taken, kWh for kWh, by the periods of a month.

What a period has left over counts in the months that follow, until the calendar year ends; then nothing is paid for it.
So NREL's System Advisor Model has it ("net energy metering with kWh credits"), which PySAM was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent.tariffs.load import Unmetered, Usage
from agent.tariffs.when import Calendar, Times, cuts

_ZERO = Decimal(0)


def netted(usage: Usage, name: str, periods: Sequence[Times]) -> Mapping[int, Decimal]:
    """Return by period the kWh that a month is charged for; of a component called `name`. Raises Unmetered."""
    return _month(usage, name, periods)[0]


def _month(usage: Usage, name: str, periods: Sequence[Times]) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    key = ("net", name, usage.span)
    known: Any = usage.register.known
    if key not in known:
        net = _taken(usage, periods)
        for at, kwh in _carried(usage, name, periods, net).items():
            net[at] -= kwh
        charged = {at: max(kwh, _ZERO) for at, kwh in net.items()}
        known[key] = charged, {at: -kwh for at, kwh in net.items() if kwh < 0}
    found: tuple[dict[int, Decimal], dict[int, Decimal]] = known[key]
    return found


def _taken(usage: Usage, periods: Sequence[Times]) -> dict[int, Decimal]:
    calendar, found = Calendar(periods), dict[int, Decimal]()
    for segment in usage.segments(cuts(periods)):
        [at] = calendar.holding(segment.day.month, usage.day_kind(segment.day), segment.minute)
        net = segment.kwh - usage.register.kwh(segment.span, "export_kwh")
        found[at] = found.get(at, _ZERO) + net
    return found


def _carried(usage: Usage, name: str, periods: Sequence[Times], net: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Return by period what earlier months of the year left over; all of it where the month has one period."""
    if not usage.earlier or usage.earlier[-1].month[:4] != usage.month[:4]:
        return {}
    left = _month(usage.earlier[-1], name, periods)[1]
    if len(net) == 1:
        return {at: sum(left.values(), _ZERO) for at in net}
    for at in left:
        if at not in net:
            where = f"a period that does not hold in {usage.month}"
            raise Unmetered(f"export is left over in {where}: which period takes it is not said")
    return left
