"""A day's plan beside what the day made, by intervals, as JSON. Pure; money is the site's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from agent.facts.energy import DayPlanned, EnergyInterval
from agent.outputs.terms import Terms
from agent.tariffs.charging import kwh_of
from agent.values import rfc3339


def made_of(day: date, planned: DayPlanned | None, intervals: Sequence[EnergyInterval], terms: Terms) -> dict[str, Any]:
    """Return it. What an interval cost and earned is null where nobody knows; sums are of what is known."""
    rows = [_row(fact, terms) for fact in sorted(intervals, key=lambda one: one.start)]
    known = [row for row in rows if row["revenue"] is not None and row["cost"] is not None]
    return {
        "day": day.isoformat(),
        "currency": terms.currency,
        "planned": None if planned is None else _planned(planned),
        "made": {
            "kwh": sum(row["kwh"] for row in rows),
            "revenue": sum(row["revenue"] for row in known),
            "cost": sum(row["cost"] for row in known),
            "money": sum(row["revenue"] - row["cost"] for row in known),
            "unknown": len(rows) - len(known),
            "intervals": rows,
        },
    }


def _planned(fact: DayPlanned) -> dict[str, Any]:
    rows = [
        {
            "start": rfc3339(fact.start + place * timedelta(seconds=fact.step_s)),
            "kwh": fact.kwh[place],
            "revenue": fact.revenue[place],
            "cost": fact.energy_cost[place] + fact.start_cost[place],
        }
        for place in range(len(fact.kwh))
    ]
    return {
        "at": rfc3339(fact.at),
        "by": fact.by,
        "kwh": sum(fact.kwh),
        "revenue": sum(fact.revenue),
        "cost": sum(fact.energy_cost) + sum(fact.start_cost),
        "peaks": fact.peaks,
        "money": sum(fact.revenue) - sum(fact.energy_cost) - sum(fact.start_cost) - fact.peaks,
        "intervals": rows,
    }


def _row(fact: EnergyInterval, terms: Terms) -> dict[str, Any]:
    return {
        "start": rfc3339(fact.start),
        "kwh": float(kwh_of(fact.site_wh)),
        "revenue": _revenue(fact, terms),
        "cost": None if fact.cost is None or fact.currency != terms.currency else float(fact.cost),
    }


def _revenue(fact: EnergyInterval, terms: Terms) -> float | None:
    """Return what an interval's hashes earned in the site's money."""
    earning = terms.earning_at(fact.start)
    if fact.revenue is None or earning is None:
        return None
    if fact.revenue_currency == terms.currency:
        return float(fact.revenue)
    is_same = fact.revenue_currency == earning.currency
    return float(Decimal(fact.revenue) * earning.rate) if is_same and earning.rate is not None else None
