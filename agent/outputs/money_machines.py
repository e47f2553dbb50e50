"""Each machine's own break-even, at the J/TH at which it hashes now, and who does not earn what a kWh costs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.view import Flags
from agent.outputs.money_desk import MoneyDesk
from agent.planning.economics import break_even_per_kwh


def own_break_even(money: MoneyDesk, row: int, at: datetime) -> Decimal | None:
    """Return the price of a kWh at which one machine earns nothing, in the site's money; None where nobody knows.

    By its J/TH at the wall: as it hashes now, else by the highest step of its ladder.
    """
    fleet, earning = money.fleet, money.terms.earning_at(at)
    full = fleet.ladders[row].steps[0]
    power_w, hashrate_ths = full.power_w, full.hashrate_ths
    if fleet.state[row] == Code.HASHING and fleet.hashrate_ths[row] > 0:
        power_w, hashrate_ths = float(fleet.believed_w[row]), float(fleet.hashrate_ths[row])
    if earning is None or hashrate_ths <= 0:
        return None
    return break_even_per_kwh(earning, Decimal(str(round(power_w / hashrate_ths, 3))))


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
    hashing = (fleet.state == Code.HASHING) & (fleet.hashrate_ths > 0)
    under: Flags = hashing & (fleet.believed_w > float(at_one / price) * fleet.hashrate_ths)
    return [fleet.miners[row].id for row in np.flatnonzero(under).tolist()]
