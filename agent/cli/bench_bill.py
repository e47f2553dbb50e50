"""`hashwatt bench bill`: how long a year of quarter hours takes under tariffs of every sort, and one price."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.cli.bench import Row
from agent.inputs.tariff_file import parse_tariff
from agent.tariffs.bill import bill
from agent.tariffs.load import Load
from agent.tariffs.price_book import PriceBook
from agent.tariffs.series import Prices, Series
from agent.tariffs.tariff import Tariff

TARGET_S = 1.0
PRICE_US = 20.0
RUNS = 3
ZONE = "Europe/Berlin"
STEP = timedelta(minutes=15)
HEAD = 'currency = "EUR"\n'
LEVIED = (
    '[[component]]\nkind = "levy_per_kwh"\nname = "levy"\nper_kwh = "0.01"\n[[component]]\nkind = "vat"\npct = 19\n'
)
TARIFFS = {
    "times of use": """
[[component]]
kind = "time_of_use"
name = "energy"
period = [
  { name = "peak", months = [11, 12, 1], days = ["mon-fri"], hours = ["08:00-12:00", "17:30-21:00"], per_kwh = "0.31" },
  { name = "half", days = ["mon-fri"], hours = ["06:00-08:00", "21:00-23:15"], per_kwh = "0.2" },
  { name = "rest", per_kwh = "0.11234" },
]
""",
    "hours of use": """
[[component]]
kind = "blocks"
name = "energy"
window_min = 30
ratchet = [{ pct = 80 }]
[[component.period]]
name = "day"
hours = ["08:00-20:00"]
block = [{ up_to = 200, unit = "kWh/kW", per_kwh = "0.2" }, { per_kwh = "0.1", unit = "kWh/kW" }]
[[component.period]]
name = "night"
block = [{ up_to = 200, unit = "kWh/kW", per_kwh = "0.1" }, { per_kwh = "0.05", unit = "kWh/kW" }]
""",
    "demand": """
[[component]]
kind = "flat"
name = "energy"
per_kwh = "0.1"
[[component]]
kind = "demand"
name = "demand"
window_min = 60
ratchet = [{ pct = 80 }]
power_factor = { target = "0.95" }
period = [{ name = "any", per_kw = 10 }, { name = "peak", days = ["mon-fri"], hours = ["08:00-20:00"], per_kw = 5 }]
[[component]]
kind = "reactive"
name = "reactive"
per_kvarh = "0.02"
tan_phi = "0.33"
over = "step"
""",
}


def bench_bill() -> list[Row]:
    """Return how long each tariff takes, the median of some runs."""
    load = _load()
    tariffs = {name: parse_tariff(HEAD + text + LEVIED) for name, text in TARIFFS.items()}
    rows = [_row(name, tariff, load) for name, tariff in {**tariffs, "price series": _series(load)}.items()]
    return [*rows, _price(tariffs["times of use"], load)]


def _price(tariff: Tariff, load: Load) -> Row:
    """Return how long a price at an instant takes, each quarter hour of a year asked once of a new book."""
    spent: list[float] = []
    for _ in range(RUNS):
        book, began = PriceBook(tariff, ZoneInfo(ZONE)), time.perf_counter()
        for at in range(len(load.kwh)):
            book.at(load.start + at * STEP)
        spent.append((time.perf_counter() - began) / len(load.kwh) * 1e6)
    value = statistics.median(spent)
    detail = f"{len(load.kwh):,} instants of times of use, median of {RUNS}"
    return Row(name="price at an instant", value=value, unit="us", target=PRICE_US, ok=value < PRICE_US, detail=detail)


def _row(name: str, tariff: Tariff, load: Load) -> Row:
    spent: list[float] = []
    for run in range(RUNS):
        sys.stderr.write(f"{name}: run {run + 1} of {RUNS}\n")
        began = time.perf_counter()
        bill(tariff, load, ZoneInfo(ZONE))
        spent.append(time.perf_counter() - began)
    value = statistics.median(spent)
    detail = f"{len(load.kwh):,} quarter hours, median of {RUNS}"
    return Row(name=f"a year, {name}", value=value, unit="s", target=TARGET_S, ok=value < TARGET_S, detail=detail)


def _load() -> Load:
    """Return a year of a farm of 10 MW; steps are as unlike as those of a meter."""
    start = datetime(2025, 12, 31, 23, tzinfo=UTC)
    kwh = tuple(Decimal(2_400_000 + at * 7919 % 100_003).scaleb(-3) for at in range(365 * 96))
    return Load(start=start, step=STEP, kwh=kwh, kvarh=tuple(one / 4 for one in kwh))


def _series(load: Load) -> Tariff:
    values = tuple(Decimal(at * 104_729 % 20_011 - 3_000).scaleb(-2) for at in range(len(load.kwh)))
    prices = Prices(start=load.start, step=STEP, values=values)
    return Tariff(currency="EUR", components=(Series(name="spot", file=prices, per="MWh", loss_pct=Decimal(2)),))
