"""Places compared, as JSON: money as decimal text, None where nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

from agent.planning.compare import Compared
from agent.tariffs.money import EXACT, rounded, written

PRICE, AMOUNT = 6, 2
"""Decimals of a price and of an amount."""


def compared_json(found: Sequence[Compared], currency: str | None) -> dict[str, Any]:
    """Return every place with its figures in its own money, and in the revenue's where a rate is known."""
    return {"revenue_currency": currency, "places": [_place(one, currency) for one in found]}


def _place(one: Compared, currency: str | None) -> dict[str, Any]:
    return {
        "place": one.place.name,
        "tariff": one.place.tariff.name,
        "currency": one.place.tariff.currency,
        "hours": hours(one.hours),
        "hours_stopped": hours(one.stopped_h),
        "hours_not_confirmed": hours(one.doubtful_h),
        "stops": [stop.in_words() for stop in one.place.stops],
        "stops_of_unknown_length": [*one.unknown_stops],
        "kwh": float(rounded(one.kwh, 3)),
        "cost": text(one.cost, AMOUNT),
        "per_kwh": text(one.per_kwh, PRICE),
        "per_kwh_is_least": one.is_least,
        "components": [
            {"name": of.name, "kind": of.kind, "party": of.party, "amount": written(rounded(of.amount, AMOUNT))}
            for of in one.components
        ],
        "revenue": text(one.revenue, AMOUNT),
        "margin": text(one.margin, AMOUNT),
        "margin_per_ph_year": text(one.margin_per_ph_year, AMOUNT),
        "margin_is_most": one.is_least,
        "models": [
            {
                "model": of.model,
                "efficiency_j_th": float(rounded(of.efficiency_j_th, 3)),
                "break_even": text(of.break_even, PRICE),
                "margin_per_ph_year": text(of.margin_per_ph_year, AMOUNT),
            }
            for of in one.models
        ],
        "exchanged": exchanged(one, currency),
        "doubts": [*one.doubts],
    }


def exchanged(one: Compared, currency: str | None) -> dict[str, Any] | None:
    """Return what can be held against other places: figures in the revenue's money."""
    if currency is None or one.rate is None:
        return None
    return {
        "currency": currency,
        "rate": written(one.rate),
        "per_kwh": text(into(one.per_kwh, one.rate), PRICE),
        "margin_per_ph_year": text(into(one.margin_per_ph_year, one.rate), AMOUNT),
    }


def into(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """Return an amount of a place's money in the revenue's."""
    with localcontext(EXACT):
        return None if amount is None or not rate else (amount / rate).quantize(Decimal("1e-12"))


def hours(told: Decimal) -> float:
    """Return hours to the tenth."""
    return float(rounded(told, 1))


def text(amount: Decimal | None, digits: int) -> str | None:
    """Return an amount as decimal text."""
    return None if amount is None else written(rounded(amount, digits))
