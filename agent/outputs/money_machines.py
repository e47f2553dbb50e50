"""Each machine's own break-even, at the J/TH at which it hashes now, and who does not earn what a kWh costs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet
from agent.fleet.view import Flags, Floats
from agent.outputs.money_desk import MoneyDesk
from agent.planning.economics import break_even_per_kwh


def efficiencies_j_th(fleet: Fleet) -> Floats:
    """Return each machine's J/TH at the wall: as it hashes now, else by the highest step of its ladder; NaN unknown."""
    hashing = (fleet.state == Code.HASHING) & (fleet.hashrate_ths > 0)
    measured = np.full(len(fleet), np.nan)
    np.divide(fleet.believed_w, fleet.hashrate_ths, out=measured, where=hashing)
    for row in np.flatnonzero(~hashing).tolist():
        full = fleet.ladders[row].steps[0]
        measured[row] = full.power_w / full.hashrate_ths if full.hashrate_ths > 0 else np.nan
    return measured


def own_break_even(money: MoneyDesk, row: int, at: datetime) -> Decimal | None:
    """Return the price of a kWh at which one machine earns nothing, in the site's money; None where nobody knows."""
    earning, joules = money.terms.earning_at(at), efficiencies_j_th(money.fleet)[row]
    return None if earning is None or np.isnan(joules) else break_even_per_kwh(earning, Decimal(str(round(joules, 3))))


def under_break_even(money: MoneyDesk, at: datetime) -> list[str] | None:
    """Return the machines that hash now and earn less than a kWh costs; None where price or earning is not known.

    A machine of e J/TH earns as much as it costs where e = break-even at 1 J/TH / price.
    """
    earning, price = money.terms.earning_at(at), money.price_now(at)
    at_one = None if earning is None else break_even_per_kwh(earning, Decimal(1))
    if at_one is None or price is None:
        return None
    if price <= 0:
        return []
    fleet = money.fleet
    under: Flags = (fleet.state == Code.HASHING) & (efficiencies_j_th(fleet) > float(at_one / price))
    return [fleet.miners[row].id for row in np.flatnonzero(under).tolist()]
