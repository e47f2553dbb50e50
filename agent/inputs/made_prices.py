"""A made year of prices: seasons, mornings and evenings, sunny noons below zero, and spikes; the same for each seed.

It is no forecast and no record of any market. Intervals are of a local clock, so that its days of 23 and 25 h are so.
"""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from decimal import Decimal

import numpy as np

from agent.tariffs.periods import midnight
from agent.tariffs.series import Prices

STEP = timedelta(minutes=15)
MEAN = 70.0
"""Of a MWh, about what it costs on average."""


def made_prices(year: int, zone: tzinfo, seed: int) -> Prices:
    """Return a local year of prices by the quarter of an hour, per MWh, to the cent."""
    start, end = midnight(date(year, 1, 1), zone), midnight(date(year + 1, 1, 1), zone)
    count = (end - start) // STEP
    random = np.random.default_rng(seed)
    local = [(start + at * STEP).astimezone(zone) for at in range(count)]
    hour = np.array([at.hour + at.minute / 60 for at in local])
    day = np.array([at.timetuple().tm_yday for at in local])
    weekend = np.array([at.weekday() >= 5 for at in local])
    summer = -np.cos(2 * np.pi * (day - 15) / 365)
    peaks = 28 * np.exp(-((hour - 8.5) ** 2) / 3) + 45 * np.exp(-((hour - 19.5) ** 2) / 4)
    sun = (45 + 35 * summer) * np.exp(-((hour - 13) ** 2) / 7) * np.repeat(random.uniform(0.3, 1.5, 400), 96)[:count]
    drift, noise = np.zeros(count), random.normal(0, 3.0, count)
    for at in range(1, count):
        drift[at] = 0.985 * drift[at - 1] + noise[at]
    prices = MEAN - 12 * summer + peaks - sun - 14 * weekend + drift
    for at in random.choice(count, 45, replace=False):
        prices[at : at + int(random.integers(2, 13))] += random.uniform(150, 1500)
    values = tuple(Decimal(f"{price:.2f}") for price in prices)
    return Prices(start=start, step=STEP, values=values)
