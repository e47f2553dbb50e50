"""A month's money as a bookkeeper adds it up: in cents, so that every column and row of its tables has its sum.

Exact amounts stay in the JSON. Here each part is rounded down, and the cents that lack go to those that lost most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from agent.tariffs.money import EXACT, minor_digits, rounded

_MONEY = ("cost", "revenue_exchanged")
Told = Mapping[str, Any]


def apportioned(amounts: Sequence[Decimal], digits: int) -> list[Decimal]:
    """Return amounts in so many decimals, whose sum is the exact sum rounded half up."""
    least = Decimal(1).scaleb(-digits)
    found = [amount.quantize(least, rounding=ROUND_FLOOR, context=EXACT) for amount in amounts]
    lacking = int((rounded(sum(amounts, Decimal(0)), digits) - sum(found, Decimal(0))) / least)
    lost = sorted(range(len(amounts)), key=lambda at: found[at] - amounts[at])
    for at in lost[:lacking]:
        found[at] += least
    return found


def in_cents(report: Told) -> dict[str, Any]:
    """Return a month's report whose owners, rest, models and orders have money in cents.

    What is left or saved is their difference, and an owner's credits add up to what is due to him. Each share keeps
    its cost as it was, as `exact_cost`.
    """
    digits = minor_digits(str(report["currency"]))
    owners = _columns([*report["owners"], report["rest"]], digits)
    return {
        **_columns([report], digits)[0],
        "owners": [_credits(owner, digits) for owner in owners[:-1]],
        "rest": owners[-1],
        "models": _columns(report["models"], digits),
        "orders": [_order(one, digits) for one in report.get("orders", ())],
    }


def _order(told: Told, digits: int) -> dict[str, Any]:
    names = ("cost_not_incurred", "revenue_not_earned")
    found = dict(told) | {name: f"{rounded(Decimal(told[name]), digits):f}" for name in names if told[name] is not None}
    if None not in {told["saved"], *(told[name] for name in names)}:
        found["saved"] = f"{Decimal(found[names[0]]) - Decimal(found[names[1]]):f}"
    return found


def _credits(owner: Told, digits: int) -> dict[str, Any]:
    return {
        **owner,
        **{name: _credited(owner[name], digits) for name in ("curtailed", "curtailed_by_class") if name in owner},
    }


def _credited(rows: Sequence[Told], digits: int) -> list[dict[str, Any]]:
    found = [dict(row) for row in rows]
    known = [row for row in found if row["credit"] is not None]
    for row, amount in zip(known, apportioned([Decimal(one["credit"]) for one in known], digits), strict=True):
        row["credit"] = f"{amount + 0:f}"
    return found


def _columns(shares: Sequence[Told], digits: int) -> list[dict[str, Any]]:
    found = [{**share, "exact_cost": share["cost"]} for share in shares]
    for name in _MONEY:
        known = [share for share in found if share[name] is not None]
        for share, amount in zip(known, apportioned([Decimal(one[name]) for one in known], digits), strict=True):
            share[name] = f"{amount + 0:f}"
    for share in found:
        if share["margin"] is not None:
            share["margin"] = f"{Decimal(share['revenue_exchanged']) - Decimal(share['cost']):f}"
    return found
