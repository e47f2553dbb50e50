"""`plan --day`: the levels of a day that earn most, what they are expected to make, and what a past day made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.cli.failure import NO, UNREACHABLE, Failure
from agent.cli.show import figure, plain, table

if TYPE_CHECKING:
    from agent.cli.client import Agent
    from agent.planning.day import Day, DayPlan

PATH = "/api/v1/plan/day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A day, its terms as the agent told them, and the plan."""

    terms: dict[str, Any]
    day: Day
    plan: DayPlan
    gap: float

    @property
    def zone(self) -> ZoneInfo:
        """Whose clock the day goes by."""
        return ZoneInfo(self.terms["timezone"])

    def starts(self) -> list[datetime]:
        """Return when its intervals begin."""
        return [datetime.fromisoformat(one) for one in self.terms["starts"]]


def made(agent: Agent, day: str) -> dict[str, Any]:
    """Return what a day made so far, as the agent tells it: `is_past` where it is over."""
    told: dict[str, Any] = agent.get(f"{PATH}/made", {"day": day})
    return told


def planned(agent: Agent, day: str) -> Planned:
    """Plan a day by the agent's terms of it. Raises Failure where they are not known."""
    from agent.cli.plan_terms import read  # noqa: PLC0415 - likewise
    from agent.cli.solve import Unsolved, solved  # noqa: PLC0415 - numpy is not for every command
    from agent.planning.day import plan_of  # noqa: PLC0415 - likewise
    from agent.planning.day_programme import counts_of, programme  # noqa: PLC0415 - likewise

    terms = agent.get(PATH, {"day": day})
    told = read(terms)
    try:
        solution = solved(programme(told))
    except Unsolved as error:
        raise Failure(UNREACHABLE, str(error)) from None
    plan = plan_of(told, counts_of(told, solution.columns))
    return Planned(terms=terms, day=told, plan=plan, gap=solution.gap)


def keep(agent: Agent, found: Planned) -> None:
    """Have the agent remember a plan, to be held against what the day makes."""
    plan = found.plan
    agent.post(
        PATH,
        {
            "day": found.terms["day"],
            "start": found.terms["starts"][0],
            "step_s": found.terms["step_s"],
            "currency": found.terms["currency"],
            "kwh": [round(one, 4) for one in plan.kwh],
            "revenue": [round(one, 6) for one in plan.revenue],
            "energy_cost": [round(one, 6) for one in plan.energy_cost],
            "start_cost": [round(one, 6) for one in plan.start_cost],
            "peaks": round(sum(one.cost + one.later_cost for one in plan.peaks), 6),
        },
    )


# shown -------------------------------------------------------------------------------------------------------


def as_told(found: Planned) -> dict[str, Any]:
    """Return a plan as JSON."""
    plan = found.plan
    return {
        "day": found.terms["day"],
        "currency": found.terms["currency"],
        "timezone": found.terms["timezone"],
        "step_s": found.terms["step_s"],
        "orders": found.terms["orders"],
        "kwh": sum(plan.kwh),
        "revenue": sum(plan.revenue),
        "energy_cost": sum(plan.energy_cost),
        "start_cost": sum(plan.start_cost),
        "peaks": [
            {"charge": one.name, "kw": one.kw, "cost": one.cost, "later_cost": one.later_cost} for one in plan.peaks
        ],
        "money": plan.money,
        "shortfall_kw": max(plan.shortfall_kw),
        "shortfalls": [{"limit": name, "kw": max(over_kw)} for name, over_kw in plan.shortfalls],
        "gap": found.gap,
        "intervals": [
            {
                "start": found.terms["starts"][place],
                "per_kwh": found.terms["per_kwh"][place],
                "kwh": plan.kwh[place],
                "revenue": plan.revenue[place],
                "energy_cost": plan.energy_cost[place],
                "start_cost": plan.start_cost[place],
                "shortfall_kw": plan.shortfall_kw[place],
                "shortfalls": [
                    {"limit": name, "kw": over_kw[place]} for name, over_kw in plan.shortfalls if over_kw[place] > 0
                ],
                "levels": [
                    {
                        "model": kind.name,
                        "feeder": kind.feeder,
                        "level": level,
                        "machines": column[place],
                        "under": _under(found.day, number, place),
                    }
                    for number, (kind, levels) in enumerate(zip(found.day.kinds, plan.counts, strict=True))
                    for level, column in zip(kind.levels, levels, strict=True)
                    if column[place]
                ],
            }
            for place in range(len(plan.kwh))
        ],
    }


def _under(day: Day, kind: int, place: int) -> list[str]:
    """Return the limits in force on a kind in an interval, beside the site's cap."""
    return [bound.name for bound in day.bounds if kind in bound.kinds and isfinite(bound.caps_w[place])]


def show(found: Planned) -> None:
    """Print a plan hour by hour, and what it is expected to make."""
    plan, terms = found.plan, found.terms
    hours: dict[str, list[int]] = {}
    for place, at in enumerate(found.starts()):
        hours.setdefault(at.astimezone(found.zone).strftime("%H:00 %z"), []).append(place)
    rows = [(hour[:5], *_hour(found, places)) for hour, places in hours.items()]
    table(("hour", "a kWh ", "kWh ", "revenue ", "cost ", "machines"), rows)
    currency = plain(terms["currency"])
    print(
        f"{plain(terms['day'])}: {sum(plan.kwh):,.0f} kWh; revenue {sum(plan.revenue):,.2f}, "
        f"energy {sum(plan.energy_cost):,.2f}, starts {sum(plan.start_cost):,.2f} {currency}"
    )
    for peak in plan.peaks:
        if peak.cost or peak.later_cost:
            later = (
                f", and {peak.later_cost:,.2f} of what its ratchet adds in months to come" if peak.later_cost else ""
            )
            print(
                f"a new peak of {plain(peak.name)}: {peak.kw:,.1f} kW; "
                f"the day's part of its charge is {peak.cost:,.2f} {currency}{later}"
            )
    print(f"expected: {plan.money:,.2f} {currency}")
    if terms["orders"]:
        print(f"bound by orders {plain(', '.join(terms['orders']))}")
    if max(plan.shortfall_kw) > 0:
        print(f"shortfall {max(plan.shortfall_kw):,.1f} kW: the caps cannot be met by these machines")
    for name, over_kw in plan.shortfalls:
        lasts_h = sum(over > 0 for over in over_kw) * found.day.hours
        print(f"shortfall {max(over_kw):,.1f} kW for {lasts_h:g} h: {plain(name)} cannot be met by its machines")


def _hour(found: Planned, places: list[int]) -> tuple[str, str, str, str, str]:
    plan, counts = found.plan, Counter[str]()
    for kind, levels in zip(found.day.kinds, found.plan.counts, strict=True):
        for level, column in zip(kind.levels, levels, strict=True):
            counts[level.partition(":")[0]] += round(sum(column[place] for place in places) / len(places))
    price = sum(found.terms["per_kwh"][place] for place in places) / len(places)
    costs = sum(plan.energy_cost[place] + plan.start_cost[place] for place in places)
    told = ", ".join(f"{count} {plain(level)}" for level, count in counts.items() if count)
    kwh, revenue = sum(plan.kwh[place] for place in places), sum(plan.revenue[place] for place in places)
    return f"{price:.4f}", f"{kwh:,.1f}", f"{revenue:,.2f}", f"{costs:,.2f}", told


def show_past(told: dict[str, Any]) -> None:
    """Print what a day made, and beside it what was planned of it. Raises Failure where nobody knows it."""
    made, plan = told["made"], told["planned"]
    if not made["intervals"]:
        raise Failure(NO, f"the ledger knows nothing of {plain(told['day'])}")
    rows = [
        (name, "-" if plan is None else figure(plan[key], "", 2), figure(made[key], "", 2))
        for name, key in (("kWh", "kwh"), ("revenue", "revenue"), ("cost of energy and starts", "cost"))
    ]
    if plan is not None and plan["peaks"]:
        rows.append(("its part of new peaks", figure(plan["peaks"], "", 2), "-"))
    rows.append(("money", "-" if plan is None else figure(plan["money"], "", 2), figure(made["money"], "", 2)))
    table((f"{plain(told['day'])}, {plain(told['currency'])}", "planned ", "made "), rows)
    if plan is None:
        print("no plan of it was kept: hashwatt plan --day, on the day before")
    else:
        print(f"planned {plain(plan['at'])} by {plain(plan['by'])}")
    if made["unknown"]:
        print(f"of {made['unknown']} intervals nobody knows what they cost or earned")
