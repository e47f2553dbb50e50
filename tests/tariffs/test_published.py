"""Bills that others published, as far as their lines are of components that there are; amounts are the source's own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.time_of_use import Period, TimeOfUse
from agent.tariffs.vat import Vat
from tests.tariffs.loads import amounts, flat, rate, tariff

pytestmark = pytest.mark.pure

WHEN = {  # a week of August 2025 has each of these; the hour in which all of a period's energy is taken
    "peak": (("mon-fri",), ("10:00-12:00",), datetime(2025, 8, 4, 10, tzinfo=UTC)),
    "half": (("mon-fri",), ("08:00-10:00", "12:00-22:30"), datetime(2025, 8, 5, 12, tzinfo=UTC)),
    "saturday": (("sat",), ("08:00-22:30",), datetime(2025, 8, 9, 9, tzinfo=UTC)),
}
OFF = datetime(2025, 8, 10, 3, tzinfo=UTC)

# Taipower's published examples (August, energy lines alone; demand is no component yet), TWD:
# price and kWh of peak, half-peak, Saturday's half-peak, off-peak; the source's energy part
TAIWAN = [
    (("4.41", "2.76", "1.78", "1.26"), (10_000, 15_000, 5_000, 20_000), "119600"),  # HV, three periods, fixed peak
    (("7.49", "2.76", "1.78", "1.26"), (3_000, 22_000, 5_000, 20_000), "117290"),  # HV, declared peak days
    (("3.11", "0", "1.95", "1.32"), (160_000, 0, 50_000, 130_000), "766700"),  # EHV, two periods, 10 MW
    (("3.13", "0", "1.97", "1.35"), (15_600, 0, 5_000, 13_000), "76228"),  # HV, two periods
    (("3.24", "0", "2.14", "1.39"), (6_000, 0, 1_000, 4_000), "27140"),  # LV, metered demand
    (("3.24", "0", "2.14", "1.39"), (2_000, 0, 1_000, 1_500), "10705"),  # LV, installed capacity
]


@pytest.mark.parametrize(("prices", "taken", "stated"), TAIWAN, ids=[row[-1] for row in TAIWAN])
def test_energy_by_time_of_use_in_taiwan(prices, taken, stated):
    periods = [
        Period(name=name, per_kwh=rate(price), days=days, hours=hours)
        for (name, (days, hours, _)), price in zip(WHEN.items(), prices, strict=False)
    ]
    energy = TimeOfUse(name="energy", period=(*periods, Period(name="off", per_kwh=rate(prices[3]))))
    moments = [*(at for *_, at in WHEN.values()), OFF]
    assert _billed(energy, dict(zip(moments, taken, strict=True))) == Decimal(stated)


# An open calculator of the Thai MEA's rates (energy lines; before fuel adjustment and VAT), THB
THAILAND = [
    (("4.1025", "2.5849"), (15_000, 25_000), "126160.00"),
    (("4.1839", "2.6037"), (12_000, 18_000), "97073.40"),
    (("4.5297", "2.6369"), (10_000, 15_000), "84850.50"),
]


@pytest.mark.parametrize(("prices", "taken", "stated"), THAILAND, ids=[row[-1] for row in THAILAND])
def test_energy_by_time_of_use_in_thailand(prices, taken, stated):
    on = Period(name="on", per_kwh=rate(prices[0]), days=("mon-fri",), hours=("09:00-22:00",))
    energy = TimeOfUse(name="energy", period=(on, Period(name="off", per_kwh=rate(prices[1]))))
    moments = (datetime(2025, 8, 4, 10, tzinfo=UTC), OFF)
    assert _billed(energy, dict(zip(moments, taken, strict=True))) == Decimal(stated)


def _billed(energy, taken):
    start = datetime(2025, 8, 1, tzinfo=UTC)
    steps = [start + timedelta(hours=at) for at in range(24 * 31)]
    load = Load(start=start, step=timedelta(hours=1), kwh=tuple(Decimal(taken.get(at, 0)) for at in steps))
    return bill(tariff(energy), load, UTC).months[0].amount


def test_energy_fuel_and_sale_tax_of_an_indian_high_tension_month():
    """75,895 kWh at 8.41 INR; the source's fuel and tax lines are amounts, their rates worked back from them."""
    load = Load(start=datetime(2020, 1, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal(75_895), Decimal(0)))
    fuel, tax = (LevyPerKwh(name=name, per_kwh=rate(price)) for name, price in (("FAC", "0.2779"), ("tax", "0.0904")))
    [month] = bill(tariff(flat("8.41"), fuel, tax, currency="INR"), load, UTC).months
    told = {name: round(amount, 2) for name, amount in amounts(month).items()}
    assert told == {"energy": Decimal("638276.95"), "FAC": Decimal("21091.22"), "tax": Decimal("6860.91")}


def test_goods_and_services_tax_on_a_queensland_usage_line_of_tariff_11():
    """142.50 kWh at 24.61 c and 10 % GST: 3,858 c in the source."""
    load = Load(start=datetime(2016, 7, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal("142.5"), Decimal(0)))
    found = bill(tariff(flat("0.2461"), Vat(name="GST", pct=rate("10")), currency="AUD"), load, UTC)
    assert found.total == Decimal("38.58")
