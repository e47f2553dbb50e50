"""A month's machines: what each drew, cost and earned, and who earned less than its energy cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from agent.fleet.view import Floats
from agent.outputs.machine_book import Machines
from agent.outputs.month_shares import PH_DAY_TH, Whole


def machines_told(machines: Machines | None, whole: Whole, *, listed: bool) -> dict[str, Any]:
    """Return who did not earn what it cost, None where that is not known, and where asked for each machine.

    What the month as a whole is charged is borne by energy.
    """
    if machines is None:
        return {"machines": None, "below_cost": None}
    cost, earned = _costs(machines, whole), _earned(machines, whole)
    margin = None if cost is None or earned is None else earned - cost
    below = None if margin is None else [machines.ids[row] for row in np.flatnonzero(margin < 0).tolist()]
    found: dict[str, Any] = {"machines": None, "below_cost": below}
    if listed:
        found["machines"] = _rows(machines, cost, earned, margin)
    return found


def _costs(machines: Machines, whole: Whole) -> Floats | None:
    if machines.cost is None or whole.cost is None:
        return None
    evenly = float((whole.beside - whole.for_orders) / whole.site_wh) if whole.site_wh else 0.0
    return machines.cost + machines.energy_wh * evenly


def _earned(machines: Machines, whole: Whole) -> Floats | None:
    rate = whole.rates.get(machines.revenue_currency or "")
    return None if machines.revenue is None or rate is None else machines.revenue * float(rate)


def _rows(
    machines: Machines, cost: Floats | None, earned: Floats | None, margin: Floats | None
) -> list[dict[str, Any]]:
    days = machines.hashed_th / float(PH_DAY_TH)
    return [
        {
            "miner": miner,
            "kwh": round(float(machines.energy_wh[row]) / 1000, 3),
            "ph_days": round(float(days[row]), 6),
            "cost": _cents(cost, row),
            "revenue_exchanged": _cents(earned, row),
            "margin": _cents(margin, row),
            "margin_per_ph_day": None if margin is None or not days[row] else _money(margin[row] / days[row]),
        }
        for row, miner in enumerate(machines.ids)
    ]


def _cents(column: Floats | None, row: int) -> str | None:
    return None if column is None else _money(float(column[row]))


def _money(amount: float) -> str:
    return str(Decimal(str(round(amount, 2))).quantize(Decimal("0.01")))
