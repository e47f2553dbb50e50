"""A month's report in words and tables; what nobody knows shows as a dash."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from agent.cli.money_show import kwh, money
from agent.cli.show import UNKNOWN, figure, plain, table
from agent.outputs.cents import in_cents
from agent.tariffs.explain import shown
from agent.tariffs.money import EXACT, rounded

NAMED = 10
"""So many machines are named in a line."""


def show_month(told: dict[str, Any]) -> None:
    """Print what a month earned, what is left of it and with whom, what is owed, its orders, and each statement."""
    told, currency = in_cents(told), plain(told["currency"])
    left = f"margin {money(told['margin'], currency)}, a PH/s and day {money(told['margin_per_ph_day'], '')}"
    print(f"revenue {money(told['revenue_exchanged'], currency)}, cost {money(told['cost'], currency)}; {left}")
    for party in told["parties"]:
        print(f"invoice {plain(party['party'])} {money(party['amount'], currency)}")
    _rounding(told, currency)
    for levy in told["levies"]:
        due = "no date is known" if levy["due"] is None else f"due {plain(levy['due'])}"
        print(f"levy    {plain(levy['name'])} {money(levy['amount'], currency)}: {due}")
    for price in told["price"]:
        verb = "earned" if price["act"] else "would have earned"
        print(f"price   acting on it {verb} {money(price['gained'], plain(price['currency']))}")
    if (under := told.get("under_break_even")) is not None:
        print(f"under   {len(under)} machines hash below their break-even now{_names(under)}")
    if (below := told["below_cost"]) is not None:
        print(f"below   {len(below)} machines earned less in this month than their energy cost{_names(below)}")
    _orders(told["orders"], currency)
    _shares("owner", [(one["owner"] or "(no owner)", one) for one in told["owners"]], told["rest"], currency)
    _shares("model", [(one["model"], one) for one in told["models"]], None, currency)
    _curtailed(told["owners"], currency)
    if told["machines"] is not None:
        _machines(told["machines"], currency)


def show_statement(told: dict[str, Any], owner: str) -> None:
    """Print one owner's statement of a month: what his machines drew, cost and earned, by charges and by orders."""
    told, currency = in_cents(told), plain(told["currency"])
    [one] = [one for one in told["owners"] if one["owner"] == owner]
    print(f"statement of {plain(owner) or '(no owner)'}, {plain(told['month'])}")
    rows = [(plain(of["name"]), plain(of["party"]), shown(Decimal(of["amount"]))) for of in one["components"]]
    if rows and one["exact_cost"] is not None:
        with localcontext(EXACT):
            whole = sum((Decimal(of["amount"]) for of in one["components"]), Decimal(0))
            back = whole - Decimal(one["exact_cost"])
        rows.append(("sum", "", shown(whole)))
        if rounded(back, 2):
            rows.append(("of it comes back", "", shown(-back)))
        table(("charge", "invoice of", f"amount, {currency} "), rows)
    print(f"drew {kwh(one['kwh'])}, cost {money(one['cost'], currency)}")
    left = f"margin {money(one['margin'], currency)}, a PH/s and day {money(one['margin_per_ph_day'], '')}"
    print(f"revenue {money(one['revenue_exchanged'], currency)}; {left}")
    _curtailed([one], currency)
    print(f"credit due {money(one['credit_due'], currency)}")


def _rounding(told: dict[str, Any], currency: str) -> None:
    """Print what invoices, each rounded by itself, come to beside their sum, and what of it comes back."""
    amounts = [Decimal(party["amount"]) for party in told["parties"]]
    if not amounts or told["cost"] is None:
        return
    with localcontext(EXACT):
        cents, whole = sum((rounded(one, 2) for one in amounts), Decimal(0)), sum(amounts, Decimal(0))
    if cents != rounded(whole, 2):
        print(f"invoices together {money(str(cents), currency)}, since each is rounded by itself")
    if back := rounded(whole - Decimal(told["exact_cost"]), 2):
        print(f"of the bill {money(str(back), currency)} comes back")


def _names(miners: list[str]) -> str:
    more = f" and {len(miners) - NAMED} more" if len(miners) > NAMED else ""
    return f": {', '.join(map(plain, miners[:NAMED]))}{more}" if miners else ""


def _orders(orders: list[dict[str, Any]], currency: str) -> None:
    rows = [
        (
            plain(one["order_id"]),
            UNKNOWN if one["class"] is None else plain(one["class"]),
            figure(one["hours"], "", 2),
            kwh(one["not_drawn_kwh"]).removesuffix(" kWh"),
            money(one["cost_not_incurred"], ""),
            money(one["revenue_not_earned"], ""),
            money(one["saved"], ""),
            money(one["credit"], ""),
        )
        for one in orders
    ]
    if rows:
        heads = ("order", "class", "h ", "not drawn kWh ", "not paid ", "not earned ", "saved ", f"credit, {currency} ")
        table(heads, rows)


def _shares(what: str, shares: list[tuple[str, dict[str, Any]]], rest: dict[str, Any] | None, currency: str) -> None:
    rows = [
        (
            plain(name),
            f"{one['kwh']:,.3f}",
            money(one["cost"], ""),
            money(one["revenue_exchanged"], ""),
            money(one["margin"], ""),
            money(one["margin_per_ph_day"], ""),
        )
        for name, one in shares
    ]
    if rest is not None:
        cost, earned, margin = (money(rest[key], "") for key in ("cost", "revenue_exchanged", "margin"))
        house = (f"{rest['kwh']:,.3f}", cost, earned, margin, "")
        rows.append(("house and unexplained", *house))
    if rows:
        table((what, "kWh ", "cost ", "revenue ", f"margin, {currency} ", "a PH/s and day "), rows)


def _curtailed(owners: list[dict[str, Any]], currency: str) -> None:
    rows = [
        (
            one["owner"] or "(no owner)",
            of["order_id"],
            of["class"],
            f"{of['minutes']:,.1f}",
            f"{of['kwh']:,.3f}",
            money(of["credit"], ""),
        )
        for one in owners
        for of in one["curtailed"]
    ]
    if rows:
        table(("owner", "curtailed by", "class", "minutes ", "kWh not drawn ", f"credit due, {currency} "), rows)


def _machines(machines: list[dict[str, Any]], currency: str) -> None:
    rows = [
        (
            plain(one["miner"]),
            f"{one['kwh']:,.3f}",
            money(one["cost"], ""),
            money(one["revenue_exchanged"], ""),
            money(one["margin"], ""),
            money(one["margin_per_ph_day"], ""),
        )
        for one in machines
    ]
    table(("machine", "kWh ", "cost ", "revenue ", f"margin, {currency} ", "a PH/s and day "), rows)
