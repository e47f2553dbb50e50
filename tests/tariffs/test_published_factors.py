"""Published months whose power factor, excess or reactive energy go by rules of their own; amounts are the source's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.demand import Demand, DemandPeriod, PowerFactor
from agent.tariffs.excess_power import ExcessPeriod, ExcessPower
from agent.tariffs.factor_percent import FactorPercent, FactorRow
from agent.tariffs.fixed import Fixed
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.money import even
from agent.tariffs.reactive import Reactive
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.vat import Vat
from agent.tariffs.when import Times
from tests.tariffs.loads import amounts, flat, rate, tariff

pytestmark = pytest.mark.pure


def _month(kwh, kvarh=None, start=datetime(2020, 1, 1, tzinfo=UTC)):
    """A month whose first hour takes all of it, so that its kWh are its kW too."""
    hours = 24 * ((start.replace(day=28) + timedelta(days=4)).replace(day=1) - start.replace(day=1)).days
    rest = (Decimal(0),) * (hours - 1)
    reactive = None if kvarh is None else (Decimal(kvarh), *rest)
    return Load(start=start, step=timedelta(hours=1), kwh=(Decimal(kwh), *rest), kvarh=reactive)


def test_a_mexican_month_whose_power_factor_adds_percent():
    """MXN; CFE, tariff GDMTO, 9 July to 8 August 2018, a receipt and its calculation (kupdf 642e9824e2b6f54c34294ae4).

    6,538 kWh and 3,320 kvarh: below 0.9 the tariff adds 3/5 of 90 / factor - 1 in percent, to one decimal, and takes
    off 1/4 of 1 - 90 / factor above it. 2 % are for metering at low tension. Lines are told as the receipt has
    them. Of demand 15 kW are billed: less than the energy comes to at a load factor of 0.55.
    """
    lines = {"basic service": "645.84", "distribution": "953.33", "transmission": "1036.27", "CENACE": "45.12"}
    lines |= {"energy": "8418.33", "capacity": "4615.19", "other services": "35.30"}
    fixed = [Fixed(name=name, per_month=rate(amount), prorate="none") for name, amount in lines.items()]
    rows = (
        FactorRow(factor_from=Decimal(0), target=Decimal("0.9"), share=Decimal("0.6")),
        FactorRow(factor_from=Decimal("0.9"), target=Decimal("0.9"), share=Decimal("0.25")),
    )
    factor = FactorPercent(name="power factor", row=rows, digits=4, pct_digits=1)
    low = LevyPercent(name="low tension", pct=rate("2"))
    told = (*fixed, low, factor, Vat(name="IVA", pct=rate("16")))
    metered = _month(6_538, 3_320)
    [month] = bill(tariff(*told, currency="MXN"), metered, UTC).months
    found = amounts(month)
    assert round(found["power factor"], 2) == Decimal("96.39")  # 0.6 % for 0.8916
    assert round(month.amount - found["IVA"], 2) == Decimal("16160.75")
    assert round(found["IVA"], 2) == Decimal("2585.72")
    assert month.total == Decimal("18746.47")
    discount = amounts(bill(tariff(*told, currency="MXN"), _month(6_538, 0), UTC).months[0])["power factor"]
    assert round(discount / Decimal("16064.3676"), 3) == Decimal("-0.025")  # the most that the tariff takes off

    demand = Demand(
        name="capacity",
        period=(DemandPeriod(name="any time", per_kw=rate("1")),),
        load_factor=Decimal("0.55"),
        every="month",
    )
    days30 = Load(start=datetime(2018, 6, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal(6_538) / 720,) * 720)
    assert bill(tariff(demand), days30, UTC).amount == even(Decimal(6_538) / 720)  # as even as can be: no cap
    one_hour = _month(6_538, start=datetime(2018, 6, 1, tzinfo=UTC))
    assert round(bill(tariff(demand), one_hour, UTC).amount, 2) == Decimal("16.51")  # 6,538 / (24 x 30 x 0.55)


def test_a_public_service_month_in_new_jersey():
    """USD; PSE&G general service, worked in a handbook of civil engineering, 18.5.1: 17,588 kWh, 30 kW, June, 1,624.72.

    Of the demand line only its amount is printed.
    """
    told = (
        Fixed(name="customer", per_month=rate("3.74")),
        flat("0.09444"),
        LevyPerKwh(name="energy cost adjustment", per_kwh=rate("-0.017192")),
        Fixed(name="demand", per_month=rate("262.34")),
    )
    [month] = bill(tariff(*told, currency="USD"), _month(17_588, start=datetime(2005, 6, 1, tzinfo=UTC)), UTC).months
    found = {name: round(amount, 2) for name, amount in amounts(month).items()}
    assert (found["energy"], found["energy cost adjustment"]) == (Decimal("1661.01"), Decimal("-302.37"))
    assert month.total == Decimal("1624.72")


def test_demand_raised_by_points_of_power_factor_in_wisconsin():
    """Madison Gas and Electric, White Paper 22 of 2009: a factor 10 % below 95 % raises a measured demand by 10 %."""
    told = {"period": (DemandPeriod(name="any time", per_kw=rate("1")),)}
    points = PowerFactor(target=Decimal("0.95"), by="points")
    metered = Load(start=datetime(2009, 1, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal(85),))
    sine = (1 - Decimal("0.85") ** 2).sqrt() * 100
    metered = Load(start=metered.start, step=metered.step, kwh=metered.kwh, kvarh=(sine,))
    found = bill(tariff(Demand(name="demand", **told, power_factor=points)), metered, UTC).amount
    assert round(found, 9) == Decimal("93.5")


SPAIN = {"P1": "1", "P2": "1", "P3": "0.542746", "P4": "0.41026", "P5": "0.026371", "P6": "0.026371"}


def test_excess_power_by_quarter_hours_in_spain():
    """EUR; tariff 6.1TD above 50 kW: coefficient x 1.4064 x root of summed squares (Som Energia, article 1094; 2021).

    No bill with amounts is published with it; the amount is the formula's.
    """
    price = {name: even(Decimal(share) * Decimal("1.4064")) for name, share in SPAIN.items()}
    told = ExcessPower(
        name="excess",
        period=(
            ExcessPeriod(name="P1", days=("mon-fri",), hours=("09:00-14:00",), kw=rate(100), per_kw=rate(price["P1"])),
            ExcessPeriod(name="P6", kw=rate(200), per_kw=rate(price["P6"])),
        ),
    )
    kw = {36: 130, 37: 140, 40: 99, 80: 230}  # by quarter-hours of Monday 4 January 2021
    quarters = tuple(Decimal(kw.get(at, 50)) / 4 for at in range(96))
    load = Load(start=datetime(2021, 1, 4, tzinfo=UTC), step=timedelta(minutes=15), kwh=quarters)
    found = bill(tariff(told, currency="EUR"), load, UTC).amount
    assert round(found, 9) == round(Decimal("1.4064") * 50 + price["P6"] * 30, 9)
    hours = Load(start=load.start, step=timedelta(hours=1), kwh=tuple(Decimal(kw.get(at * 4, 50)) for at in range(24)))
    found = bill(tariff(told, currency="EUR"), hours, UTC).amount  # four quarter-hours of one hour's mean each
    assert round(found, 9) == round(Decimal("1.4064") * 60 + price["P6"] * 60, 9)


def test_reactive_energy_by_periods_in_spain():
    """3,000 kWh leave 990 kvarh free (fornieles.es, on RD 1164/2001); what the last period draws is never charged."""
    month = Load(
        start=datetime(2020, 1, 6, 8, tzinfo=UTC),  # a Monday: an hour by day, then one by night
        step=timedelta(hours=12),
        kwh=(Decimal(3_000), Decimal(1_000)),
        kvarh=(Decimal(1_500), Decimal(1_530)),
    )
    by_day = Times(days=("mon-fri",), hours=("08:00-20:00",))
    told = Reactive(name="r", per_kvarh=rate("0.041554"), tan_phi=Decimal("0.33"), when=by_day)
    assert bill(tariff(told, currency="EUR"), month, UTC).amount == 510 * Decimal("0.041554")


def test_the_three_highest_hours_of_working_days_in_sollentuna():
    """SEK with VAT; Seom, 2020: the mean of the month's three highest hours from 7 to 19 on working days, 5.7 kW."""
    on = Times(days=("mon-fri",), hours=("07:00-19:00",))
    prices = {"summer": ("55.75", (4, 5, 6, 7, 8, 9, 10)), "winter": ("111.50", (1, 2, 3, 11, 12))}
    told = Demand(
        name="power",
        every="mean_of_windows",
        highest=3,
        window_min=60,
        period=tuple(
            DemandPeriod(name=name, days=on.days, hours=on.hours, months=months, per_kw=rate(price))
            for name, (price, months) in prices.items()
        ),
    )
    for month, due in ((4, "317.78"), (11, "635.55")):
        start = datetime(2020, month, 2, tzinfo=UTC)
        taken = {0: "9.9", 8: "5.2", 9: "6.3", 24 + 18: "5.6", 24 + 19: "8"}  # nights are not measured
        kwh = tuple(Decimal(taken.get(at, "1")) for at in range(48))
        load = Load(start=start, step=timedelta(hours=1), kwh=kwh)
        assert bill(tariff(told, currency="SEK"), load, UTC).total == Decimal(due)


def test_a_fuse_customers_december_in_kristinehamn_whose_sum_is_of_whole_kronor():
    """SEK with VAT; Kristinehamns Energi, prices of 2023: lines of 234, 280, 415 and 417, in all 1346."""
    told = (
        Fixed(name="fixed", per_month=rate("234"), prorate="none"),
        Demand(
            name="power",
            window_min=60,
            period=(
                DemandPeriod(name="all year", per_kw=rate("35")),
                DemandPeriod(name="high", days=("mon-fri",), hours=("07:00-17:00",), per_kw=rate("83")),
            ),
        ),
        flat("0.1513"),
    )
    hours = [Decimal(8), *[Decimal(1)] * 6, Decimal(5), *[Decimal(1)] * 15, Decimal(2756 - 8 - 6 - 5 - 15)]
    start = datetime(2022, 12, 1, tzinfo=UTC)  # a Thursday
    load = Load(start=start, step=timedelta(hours=1), kwh=(*hours[:-1], Decimal(8), *[hours[-1] / 2 - 4] * 2))
    [month] = bill(tariff(*told, currency="SEK"), load, UTC).months
    assert round(amounts(month)["energy"], 2) == Decimal("416.98")
    small = Load(start=start, step=timedelta(hours=1), kwh=tuple(hours[:-1]))
    power = amounts(bill(tariff(*told, currency="SEK"), small, UTC).months[0])["power"]
    assert power == 280 + 415
    assert round(234 + power + amounts(month)["energy"]) == 1346


FLANDERS = ("0.632", "4.6", "0", "1.028", "3.444", "4.164", "4.564", "6", "9.2", "5", "4.12", "4.88")


def test_the_mean_of_twelve_months_highest_quarter_hours_in_flanders():
    """Wikibooks, Energietransitie/Capaciteitstarief: from May to April, each at least 2.5 kW.

    The page prints a mean of 4.546 kW and 1.782 times the least: its row comes to 4.456, which is 1.782 times 2.5.
    """
    told = Demand(
        name="power",
        every="mean_of_months",
        least=Decimal("2.5"),
        period=(DemandPeriod(name="any time", per_kw=rate("1")),),
    )
    start, end = datetime(2021, 5, 1, tzinfo=UTC), datetime(2022, 5, 1, tzinfo=UTC)
    days = [start + timedelta(days=at) for at in range((end - start).days)]
    kwh = [Decimal(FLANDERS[(day.month - 5) % 12]) * 24 if day.day == 1 else Decimal(0) for day in days]
    months = bill(tariff(told), Load(start=start, step=timedelta(days=1), kwh=tuple(kwh)), UTC).months
    assert [round(month.amount, 3) for month in months[:2]] == [Decimal("2.5"), Decimal("3.55")]
    assert round(months[-1].amount, 3) == Decimal("4.456")
    assert round(months[-1].amount / Decimal("2.5"), 3) == Decimal("1.782")
    two = replace(told, highest=2)  # as in Chile
    assert bill(tariff(two), Load(start=start, step=timedelta(days=1), kwh=tuple(kwh)), UTC).months[-1].amount == (
        Decimal("7.6")
    )


def test_a_contract_per_year_is_of_its_days_or_of_twelfths():
    """As Spain's and France's networks charge it, by days; Germany's by twelfths."""
    told = {"name": "contract", "kw": rate(100), "per_kw": rate("36.5"), "per": "year"}
    february = _month(1, start=datetime(2021, 2, 1, tzinfo=UTC))
    assert bill(tariff(ReservedPower(**told)), february, UTC).amount == 280
    assert round(bill(tariff(ReservedPower(**told, prorate="none")), february, UTC).amount, 9) == round(
        Decimal(3650) / 12, 9
    )
    leap = _month(1, start=datetime(2024, 2, 1, tzinfo=UTC))
    assert round(bill(tariff(ReservedPower(**told)), leap, UTC).amount, 9) == round(Decimal(3650) * 29 / 366, 9)
