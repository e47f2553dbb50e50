"""The charges on power that a day to come is measured by, and what of a new peak's cost is that day's. Pure.

A peak that the day sets may be used until the month is over: the day bears its part of the hours that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from agent.outputs.money_desk import MoneyDesk
from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.demand import Demand
from agent.tariffs.peaks import Month, guards_peaks, standings
from agent.tariffs.periods import Span, months_before
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.standing import Later, Standing
from agent.tariffs.tariff import Tariff
from agent.tariffs.when import cuts

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Found:
    standing: Standing
    places: tuple[int, ...]  # of the day's intervals, in which it is measured


def day_peaks(desk: MoneyDesk, starts: Sequence[datetime], step: timedelta) -> list[dict[str, Any]]:
    """Return them with the windows of the day by the places of its intervals; kW and money are at the meter."""
    tariff, terms = desk.terms.tariff, desk.terms
    if tariff is None or not guards_peaks(tariff) or not starts:
        return []
    month = Month(zone=terms.zone, read=terms.metering.read, interval=step)
    drawn, first = billed_intervals(desk, starts[0]), _begun(desk, starts[0])
    found: dict[str, _Found] = {}
    for at in _sampled(tariff, starts, terms.zone):
        for one in standings(tariff, drawn, at, month):
            name = f"{one.component} {one.period}".rstrip()
            name = f"{name} {at.isoformat()}" if one.each else name
            if name not in found and one.since > first - HOUR:
                found[name] = _Found(one, _places(one.left, starts))
    return [_told(name, one, step, float(terms.metering.factor), starts) for name, one in found.items()]


def _sampled(tariff: Tariff, starts: Sequence[datetime], zone: tzinfo) -> list[datetime]:
    """Return the intervals at which another charge may begin to be measured; all, where one is by the step."""
    if any(isinstance(one, AuthorisedEnergy) for one in tariff.components):
        return list(starts)
    minutes: set[int] = set()
    for one in tariff.components:
        if isinstance(one, Demand):
            minutes |= cuts(one.period)
        if isinstance(one, ReservedPower):
            minutes |= cuts([one.when])
    local = [at.astimezone(zone) for at in starts]
    return [at for at, civil in zip(starts, local, strict=True) if civil.hour * 60 + civil.minute in minutes]


def billed_intervals(desk: MoneyDesk, at: datetime) -> list[tuple[datetime, Decimal]]:
    """Return the kWh that are billed, by their starts, of an instant's month and those that it looks back on."""
    totals, tariff = desk.totals, desk.terms.tariff
    name = totals.month_of(at)
    back = 0 if tariff is None else tariff.months_back
    names = {name, *months_before(date.fromisoformat(f"{name}-01"), back)} & totals.months.keys()
    return [
        (datetime.fromtimestamp(start, UTC), kwh)
        for one in sorted(names)
        for start, kwh in list(totals.months[one].billed())
    ]


def _begun(desk: MoneyDesk, at: datetime) -> datetime:
    """Return since when the ledger knows what was drawn."""
    return min((month.start for month in desk.totals.months.values()), default=at)


def _places(left: Sequence[Span], starts: Sequence[datetime]) -> tuple[int, ...]:
    return tuple(place for place, at in enumerate(starts) if any(span.start <= at < span.end for span in left))


def _told(name: str, one: _Found, step: timedelta, factor: float, starts: Sequence[datetime]) -> dict[str, Any]:
    standing = one.standing
    length = standing.window.end - standing.window.start
    windows: dict[int, list[int]] = {}
    for place in one.places:
        windows.setdefault((starts[place] - standing.window.start) // length, []).append(place)
    hours = sum(((span.end - span.start) / HOUR for span in standing.left), 0.0)
    # what a higher base takes away of a charge above it is not counted on: falling costs have no best in a linear plan
    share = 1.0 if standing.each or not hours else min(1.0, len(one.places) * (step / HOUR) / hours)
    return {
        "name": name,
        "windows": list(windows.values()),
        "kw": float(standing.kw) / factor,
        "bands": [[float(start) / factor, max(float(price), 0.0) * factor * share] for start, price in standing.bands],
        "jump": float(standing.jump) * share,
        "share": share,
        "later": [_later(told, factor) for told in standing.later],
    }


def _later(one: Later, factor: float) -> dict[str, Any]:
    """Return months to come that a ratchet has pay for this one's peak."""
    return {
        "months": one.months,
        "share": float(one.share),
        "kw": float(one.kw) / factor,
        "bands": [[float(start) / factor, float(price) * factor] for start, price in one.bands],
        "hours": float(one.hours),
    }
