"""Bills and reports in words and tables; what nobody knows shows as a dash."""

from __future__ import annotations

import sys
from decimal import Decimal, localcontext
from typing import Any

from agent.cli.show import UNKNOWN, figure, plain, table
from agent.tariffs.money import EXACT, rounded

BASELINES = {"before_after": "before and after", "ten_of_ten": "10-of-10", "same_day": "same day, 3+2"}
CENTS = Decimal("0.01")


def money(amount: str | None, currency: str) -> str:
    """Return an amount to the hundredth with its currency; None shows as unknown."""
    return UNKNOWN if amount is None else f"{rounded(Decimal(amount), 2) + 0:,f} {currency}".rstrip()


def kwh(energy_kwh: float | None) -> str:
    """Return an energy; None shows as unknown."""
    return figure(energy_kwh, "kWh", 3)


def show_bill(told: dict[str, Any]) -> None:
    """Print the bill of the agent's ledger."""
    from agent.tariffs.explain import shown  # noqa: PLC0415 - quick help needs it not

    currency = told["currency"]
    rows = [
        (month["month"], component["name"], component["party"], shown(Decimal(component["amount"])))
        for month in told["months"]
        for component in month["components"]
    ]
    if rows:
        table(("month", "component", "party", "amount "), rows)
    for month in told["months"]:
        print(f"{plain(month['month'])}: {kwh(month['kwh'])}, {_total(month['total'], currency)}")
    print(f"total {_total(told['total'], currency)}")
    _doubts([*told["warnings"], *((told.get("now") or {}).get("doubts") or ())])


def _total(total: str | None, currency: str) -> str:
    return UNKNOWN if total is None else f"{Decimal(total):,f} {plain(currency)}"


def show_energy(told: dict[str, Any]) -> None:
    """Print of what each month's energy was made."""
    for month in told["months"]:
        energy = month["energy"]
        rows = [
            ("miners", energy["miners_kwh"]),
            ("house", energy["house_kwh"]),
            ("unexplained", energy["unexplained_kwh"]),
        ]
        if energy["losses_kwh"]:
            rows += [("at the meter", energy["metered_kwh"]), ("losses to the boundary", energy["losses_kwh"])]
        rows.append(("billed", month["kwh"]))
        table((f"energy of {plain(month['month'])}", "kWh "), [(name, f"{of:,.3f}") for name, of in rows])
        for group in ("owners", "feeders", "models"):
            if energy[group]:
                named = [(plain(name) or f"(no {group[:-1]})", f"{of:,.3f}") for name, of in energy[group].items()]
                table((f"miners by {group[:-1]}", "kWh "), named)
        for code, earned in month["revenue"].items():
            print(f"revenue {money(earned, plain(code))}")


def show_order(told: dict[str, Any]) -> None:
    """Print what an order cost and saved."""
    currency = plain(told["currency"])
    print(
        f"order     {plain(told['order_id'])} ({plain(told['class'])}, {plain(told['issuer'])}) {plain(told['state'])}"
    )
    for span in told["spans"]:
        print(f"in force  {plain(span['from'])} to {plain(span['until'])}")
    print(f"counted   {figure(told['hours'], 'h', 2)} in whole intervals, {figure(told['unknown_h'], 'h', 2)} unknown")
    print(f"before    {figure(told['base_kw'], 'kW', 3)} by {plain(told['base'])}")
    print(f"not drawn {kwh(told['not_drawn_kwh'])}, not paid {money(told['cost_not_incurred'], currency)}")
    _components(told["not_incurred"], told["cost_not_incurred"], currency)
    print(f"drawn     {kwh(told['drawn_kwh'])}, cost {money(told['cost'], currency)}")
    _components(told["components"], told["cost"], currency)
    if told["excess"] is not None:
        above = told["excess"]
        print(f"above it  {figure(above['kwh'], 'kWh', 3)}, by the order {money(above['amount'], above['currency'])}")
    print(f"revenue   not earned {money(told['revenue_not_earned'], currency)}")
    print(f"saved     {money(told['saved'], currency)}: what was not paid less what was not earned")
    for one in told["baselines"]:
        what = one["why"] or f"{figure(one['mean_kw'], 'kW', 3)}, not drawn {kwh(one['not_drawn_kwh'])}"
        doubt = "" if one.get("doubt") is None else f" ({plain(one['doubt'])})"
        print(f"baseline  {BASELINES.get(one['method'], plain(one['method']))}: {what}{doubt}")
    if len(told["days"]) > 1:
        table(("day", "not drawn kWh ", "not paid ", "drawn kWh ", "cost ", "not earned "), map(_day, told["days"]))
    _doubts(told["doubts"])


def _components(components: list[dict[str, str]], cost: str | None, currency: str) -> None:
    for component in components:
        amount = money(component["amount"], currency)
        print(f"            {plain(component['name'])} (to: {plain(component['party'])}) {amount}")
    if cost is not None and components:
        with localcontext(EXACT):
            back = sum((Decimal(one["amount"]) for one in components), -Decimal(cost))
        if abs(back) >= CENTS:
            print(f"            of these {money(str(back), currency)} come back")


def _day(day: dict[str, Any]) -> tuple[object, ...]:
    return (
        day["day"],
        figure(day["not_drawn_kwh"], "", 3),
        money(day["cost_not_incurred"], ""),
        figure(day["drawn_kwh"], "", 3),
        money(day["cost"], ""),
        money(day["revenue_not_earned"], ""),
    )


def _doubts(doubts: list[str]) -> None:
    for doubt in dict.fromkeys(doubts):  # a tariff's are a month's and today's
        print(f"in doubt: {plain(doubt)}", file=sys.stderr)
