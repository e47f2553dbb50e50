"""Bills that others published: amounts are the source's own; where a bill contradicts itself the test says so."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.blocks import Block, BlockPeriod, Blocks
from agent.tariffs.coincident import CoincidentPeak
from agent.tariffs.demand import Demand, DemandPeriod, PowerFactor
from agent.tariffs.fixed import Fixed
from agent.tariffs.full_load_hours import FullLoadHours, HoursBranch
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.money import even, rounded
from agent.tariffs.only import Only
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.reactive import Reactive
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.settling import Settling
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

# Taipower's published examples (August; contracted power is charged whole, demand stayed within it), TWD: price and kWh
# of peak, half-peak, Saturday's half-peak, off-peak; price and kW of the contract, charge a month; its two parts
TAIWAN = [
    (("4.41", "2.76", "1.78", "1.26"), (10_000, 15_000, 5_000, 20_000), ("223.60", 500, "0"), ("111800", "119600")),
    (("7.49", "2.76", "1.78", "1.26"), (3_000, 22_000, 5_000, 20_000), ("223.60", 500, "0"), ("111800", "117290")),
    (("3.11", "0", "1.95", "1.32"), (160_000, 0, 50_000, 130_000), ("217.30", 10_000, "0"), ("2173000", "766700")),
    (("3.13", "0", "1.97", "1.35"), (15_600, 0, 5_000, 13_000), ("223.60", 150, "0"), ("33540", "76228")),
    (("3.24", "0", "2.14", "1.39"), (6_000, 0, 1_000, 4_000), ("236.20", 95, "262.50"), ("22701.50", "27140")),
    (("3.24", "0", "2.14", "1.39"), (2_000, 0, 1_000, 1_500), ("137.50", 30, "105"), ("4230", "10705")),
]


@pytest.mark.parametrize(("prices", "taken", "contract", "stated"), TAIWAN, ids=[row[-1][1] for row in TAIWAN])
def test_energy_and_contracted_power_in_taiwan(prices, taken, contract, stated):
    periods = [
        Period(name=name, per_kwh=rate(price), days=days_, hours=hours)
        for (name, (days_, hours, _)), price in zip(WHEN.items(), prices, strict=False)
    ]
    energy = TimeOfUse(name="energy", period=(*periods, Period(name="off", per_kwh=rate(prices[3]))))
    per_kw, kw, monthly = contract
    power = ReservedPower(name="power", kw=rate(kw), per_kw=rate(per_kw))
    customer = Fixed(name="customer", per_month=rate(monthly))
    moments = [*(at for *_, at in WHEN.values()), OFF]
    month = _billed((energy, power, customer), dict(zip(moments, taken, strict=True)))
    found = amounts(month)
    assert (found["power"] + found["customer"], found["energy"]) == (Decimal(stated[0]), Decimal(stated[1]))
    assert month.total == Decimal(stated[0]) + Decimal(stated[1])


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
    assert _billed((energy,), dict(zip(moments, taken, strict=True))).amount == Decimal(stated)


def _billed(components, taken):
    start = datetime(2025, 8, 1, tzinfo=UTC)
    steps = [start + timedelta(hours=at) for at in range(24 * 31)]
    load = Load(start=start, step=timedelta(hours=1), kwh=tuple(Decimal(taken.get(at, 0)) for at in steps))
    return bill(tariff(*components, currency="TWD", digits=2), load, UTC).months[0]


def _month(kwh, kvarh=None, start=datetime(2020, 1, 1, tzinfo=UTC)):
    """A month whose first hour takes all of it, so that its kWh are its kW too."""
    hours = 24 * ((start.replace(day=28) + timedelta(days=4)).replace(day=1) - start.replace(day=1)).days
    rest = (Decimal(0),) * (hours - 1)
    reactive = None if kvarh is None else (Decimal(kvarh), *rest)
    return Load(start=start, step=timedelta(hours=1), kwh=(Decimal(kwh), *rest), kvarh=reactive)


def test_an_indian_high_tension_month():
    """INR; an exercise on a printed bill, Scribd 471158390. Rates of fuel and tax are worked back from their amounts.

    The incentive for power factor is 7 % of demand, energy, fuel and time of day, to the paisa what the source
    subtracts. Lines are rounded by themselves. The time-of-day line is printed as a sum, so that it is one here.
    """
    demand = Demand(name="demand", period=(DemandPeriod(name="any time", per_kw=rate("295")),), measure="kVA")
    fuel, tax = (LevyPerKwh(name=name, per_kwh=rate(price)) for name, price in (("FAC", "0.2779"), ("tax", "0.0904")))
    time_of_day = Fixed(name="TOD", per_month=rate("-1122.50"))
    incentive = LevyPercent(name="PF", pct=rate("-7"))
    lines = (demand, flat("8.41"), fuel, time_of_day, incentive, tax)
    rounded = {name: Settling(round=2) for name in ("FAC", "PF", "tax")}
    energy = Load(  # 75,895 kWh, and 220 kVA in one of the hours
        start=datetime(2020, 1, 1, tzinfo=UTC),
        step=timedelta(hours=1),
        kwh=(Decimal(132), *[Decimal(75_763) / 743] * 743),
        kvarh=(Decimal(176), *[Decimal(0)] * 743),
    )
    [month] = bill(tariff(*lines, currency="INR", settlings=rounded), energy, UTC).months
    told = {name: round(amount, 2) for name, amount in amounts(month).items()}
    assert told == {
        "demand": Decimal("64900.00"),
        "energy": Decimal("638276.95"),
        "FAC": Decimal("21091.22"),
        "TOD": Decimal("-1122.50"),
        "PF": Decimal("-50620.20"),
        "tax": Decimal("6860.91"),
    }
    assert month.total == Decimal("679386.38")
    assert bill(tariff(demand), _month(108, 144), UTC).amount == 53_100  # the variant of 180 kVA


def test_a_year_of_medium_voltage_network_in_munich():
    """EUR net; SWM Infrastruktur, example from 2024: 25 GWh and 5,000 kW, above 2,500 hours of use, 859,250 in all.

    The page has no prices below 2,500 hours; those here are made, and a year of so many hours never meets them.
    """
    hours = 8784
    low = (Decimal(25_000_000) - 5_000) / (hours - 1)
    load = Load(
        start=datetime(2024, 1, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal(5000), *[low] * (hours - 1))
    )
    above = Decimal(2500)
    capacity = FullLoadHours(
        name="capacity",
        branch=(HoursBranch(per_kw_year=rate("20")), HoursBranch(hours_from=above, per_kw_year=rate("147.35"))),
    )
    energy = FullLoadHours(
        name="energy", branch=(HoursBranch(per_kwh=rate("0.05")), HoursBranch(hours_from=above, per_kwh=rate("0.0049")))
    )
    found = bill(tariff(capacity, energy, currency="EUR"), load, UTC)
    parts = {"capacity": Decimal(0), "energy": Decimal(0)}
    for month in found.months:
        for name, amount in amounts(month).items():
            parts[name] += amount
    assert {name: round(amount, 2) for name, amount in parts.items()} == {"capacity": 736_750, "energy": 122_500}
    assert found.total == 859_250


def test_a_reactive_charge_at_orange_and_rockland():
    """USD 0.40 a kvar beyond a third of the kW at the peak, 1,000 kW and 750 kvar; the source bills 416.7 kvar."""
    told = {"per_kvarh": rate("0.40"), "tan_phi": even(Decimal(1) / 3), "over": "peak"}
    metered = _month(1000, 750)
    assert bill(tariff(Reactive(name="r", digits=1, **told), currency="USD"), metered, UTC).total == Decimal("166.68")
    assert bill(tariff(Reactive(name="r", **told), currency="USD"), metered, UTC).total == Decimal("166.67")


def _at_factor(kw, factor):
    """A month whose highest hour has this power at this power factor."""
    share = Decimal(factor)
    return _month(kw, even(Decimal(kw) * (1 - share * share).sqrt() / share))


def _demand(price="1", **told):
    return tariff(Demand(name="d", period=(DemandPeriod(name="any time", per_kw=rate(price)),), **told), currency="USD")


def test_demand_raised_for_power_factor():
    """Austin Energy: 13.5 kW at 87 % of 90 % are 14.0; Powerside: 4,855.68 kW at 0.7997333 of 0.95 are 5,768.04."""
    austin = _demand(power_factor=PowerFactor(target=Decimal("0.9")), digits=1)
    assert bill(austin, _at_factor("13.5", "0.87"), UTC).amount == 14
    powerside = _demand(power_factor=PowerFactor(target=Decimal("0.95")), digits=2)
    assert bill(powerside, _at_factor("4855.68", "0.7997333"), UTC).amount == Decimal("5768.04")
    assert Decimal("5768.04") - Decimal("4855.68") == Decimal("912.36")  # the source's penalty


def test_demand_in_kilowatt_and_in_kilovoltampere():
    """Foretag Group: 800 kW at 80 % are 1,000 kVA, or 900 kW at a target of 90 %; Electro Systems: 100 kW, 125 kVA."""
    load = _month(800, 600)
    assert bill(_demand("10", measure="kVA"), load, UTC).amount == 10_000
    raised = bill(_demand("10", power_factor=PowerFactor(target=Decimal("0.9"))), load, UTC).amount
    assert raised - bill(_demand("10"), load, UTC).amount == 1_000
    brisbane = _month(100, 75)
    assert bill(_demand("24"), brisbane, UTC).amount == 2_400
    assert bill(_demand("24", measure="kVA"), brisbane, UTC).amount == 3_000


# Ergon Energy, FY 2016-17, aguinane/qld-tariffs at 0aaaa0f, AUD with 10 % GST; a month's charge is 12/365.25 a day.
# supply a day; usage lines; days; the source's cents of supply, of each usage line, and in all. Of tariff 11 the lines
# add up to 6,026 and the total is 6,025: it is rounded from unrounded parts, as ours is.
GST = Decimal("1.1")
QUEENSLAND = [
    ("0.89572", [("142.50", "0.2461")], 22, [2168, 3858], 6025),
    ("1.01306", [("75.49", "0.55865"), ("109.5", "0.19859")], 31, [3455, 4639, 2392], 10486),
]


@pytest.mark.parametrize(("supply", "usage", "length", "lines", "total"), QUEENSLAND, ids=["tariff 11", "tariff 12"])
def test_supply_and_usage_in_queensland(supply, usage, length, lines, total):
    start = datetime(2016, 7, 1, tzinfo=UTC)
    taken = [Decimal(kwh) for kwh, _ in usage] + [Decimal(0)] * (24 * length - len(usage))
    hours = [(f"{at:02}:00-{at + 1:02}:00",) for at in range(len(usage))]
    periods = [Period(name=f"line {at}", per_kwh=rate(price), hours=hours[at]) for at, (_, price) in enumerate(usage)]
    energy = TimeOfUse(name="energy", period=(*periods, Period(name="rest", per_kwh=rate("0"))))
    priced = tariff(Fixed(name="supply", per_day=rate(supply)), energy, Vat(name="GST", pct=rate("10")), currency="AUD")
    load = Load(start=start, step=timedelta(hours=1), kwh=tuple(taken))
    [month] = bill(priced, load, UTC).months
    parts = [month.lines[0].amount, *(part.amount for part in month.lines[1].parts if part.amount)]
    assert [round(amount * GST * 100) for amount in parts] == lines
    assert round(month.amount * 100) == total


@pytest.mark.parametrize(
    ("monthly", "least", "line", "total"), [("61.79", 0, 4846, 9941), ("11.258", 3, 3784, 8879)], ids=["peak", "other"]
)
def test_demand_of_tariff_14_in_queensland(monthly, least, line, total):
    load = Load(  # 183.92 kWh in 31 days, 0.7 kW at most
        start=datetime(2017, 1, 1, tzinfo=UTC),
        step=timedelta(hours=1),
        kwh=(Decimal("0.7"), *[Decimal("183.22") / 743] * 743),
    )
    supply = Fixed(name="supply", per_day=rate("0.60514"))
    period = DemandPeriod(name="any time", per_kw=rate(monthly))
    demand = Demand(name="demand", period=(period,), least=Decimal(least), prorate="mean_month")
    priced = tariff(supply, flat("0.14984"), demand, Vat(name="GST", pct=rate("10")), currency="AUD")
    [month] = bill(priced, load, UTC).months
    assert round(amounts(month)["demand"] * GST * 100) == line
    assert round(month.amount * 100) == total


def test_a_two_part_price_in_astrakhan_whose_source_cuts_digits_off():
    """RUB, January 2011, docme.ru 498315. The source adds parts of four decimals, cut off: 2,474.8729 and 832.5238."""
    start = datetime(2011, 1, 1, tzinfo=UTC)
    kwh = Decimal("201.1695")
    low = (kwh - Decimal("1.88633")) / 743
    load = Load(start=start, step=timedelta(hours=1), kwh=(Decimal("1.88633"), *[low] * 743))
    period = DemandPeriod(name="any time", per_kw=rate("1140.75749"))
    priced = tariff(flat("1.60575"), Demand(name="capacity", period=(period,)), currency="RUB", digits=4)
    found = bill(priced, load, UTC)
    assert {name: round(amount, 5) for name, amount in amounts(found.months[0]).items()} == {
        "energy": Decimal("323.02792"),
        "capacity": Decimal("2151.84508"),
    }
    assert found.total == Decimal("2474.8730")
    assert bill(tariff(flat("4.13842"), currency="RUB", digits=4), load, UTC).total == Decimal("832.5239")


def test_four_coincident_peaks_in_texas_and_three_triads_in_britain():
    """Arcadia: Oncor's four of 2017, 510, 510, 520 and 500 kW, are 510 a month; sbs.eco: 100 kW are GBP 3,000."""
    peaks = {(6, 23, 16, 30): 510, (7, 28, 16, 45): 510, (8, 16, 16, 45): 520, (9, 20, 16, 30): 500}
    chicago, quarter = ZoneInfo("America/Chicago"), timedelta(minutes=15)
    at = {datetime(2017, *when, tzinfo=chicago).astimezone(UTC): kw for when, kw in peaks.items()}
    start = datetime(2017, 6, 1, tzinfo=chicago).astimezone(UTC)
    steps = int((datetime(2018, 2, 1, tzinfo=chicago).astimezone(UTC) - start) / quarter)
    load = Load(
        start=start, step=quarter, kwh=tuple(Decimal(at.get(start + one * quarter, 100)) / 4 for one in range(steps))
    )
    found = CoincidentPeak(name="4CP", per_kw=rate("1"), intervals=tuple(at), months=(1,))
    assert [month.amount for month in bill(tariff(found, currency="USD"), load, chicago).months] == [*[0] * 7, 510]
    triads = CoincidentPeak(name="triad", per_kw=rate("30"), kw=Decimal(100), months=(3,))
    march = _month(100, start=datetime(2020, 3, 1, tzinfo=UTC))
    assert bill(tariff(triads, currency="GBP"), march, UTC).total == 3_000


def test_demand_ratchets():
    """PNNL: 80 % of the highest of 11 months; Energy Toolbase: half of 200 kW holds May's 80 to 100, not June's 105."""
    whole = [_month(kw, start=datetime(2026, at + 1, 1, tzinfo=UTC)).kwh for at, kw in enumerate([1000, *[100] * 11])]
    load = Load(
        start=datetime(2026, 1, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=tuple(kwh for one in whole for kwh in one)
    )
    found = bill(_demand(ratchet=(Ratchet(pct=Decimal(80)),)), load, UTC)
    assert [month.amount for month in found.months] == [1000, *[800] * 11]
    half = _demand(ratchet=(Ratchet(pct=Decimal(50), measured={"2025-08": Decimal(200)}),))
    assert bill(half, _month(80, start=datetime(2026, 5, 1, tzinfo=UTC)), UTC).amount == 100
    assert bill(half, _month(105, start=datetime(2026, 6, 1, tzinfo=UTC)), UTC).amount == 105


def test_small_published_products():
    """TNB, July 2018: 200 kWh at 0.4350 MYR, 150 at 0.5090; Omnium: 50 kVA at 3.18 p a day; lumisa.es: 3.45 kW."""
    blocks = (Block(up_to=Decimal(200), per_kwh=rate("0.4350")), Block(per_kwh=rate("0.5090")))
    energy = Blocks(name="energy", period=(BlockPeriod(name="all", block=blocks),))
    [month] = bill(tariff(energy, currency="MYR"), _month(350, start=datetime(2018, 7, 1, tzinfo=UTC)), UTC).months
    assert [part.amount for part in month.lines[0].parts] == [Decimal("87.00"), Decimal("76.35")]
    capacity = ReservedPower(name="capacity", kw=rate(50), per_kw=rate("0.0318"), per="day")
    day = Load(start=datetime(2020, 1, 1, tzinfo=UTC), step=timedelta(hours=12), kwh=(Decimal(1), Decimal(1)))
    assert bill(tariff(capacity, currency="GBP"), day, UTC).total == Decimal("1.59")
    power = ReservedPower(name="power", kw=rate("3.45"), per_kw=rate("0.104229"), per="day")
    june = _month(1, start=datetime(2020, 6, 1, tzinfo=UTC))
    assert bill(tariff(power, currency="EUR"), june, UTC).total == Decimal("10.79")


# City of Seymour (Missouri), "Billing Calculation Examples", cityofseymour.org: blocks, cost of power, base, 1 % of tax
SEYMOUR = [
    ((("250", "0.064"), ("700", "0.049"), (None, "0.0446")), 1200, datetime(2026, 1, 1, tzinfo=UTC),
     ["16.00", "22.05", "22.30"], "102.00", ("169.85", "1.70", "171.55")),
    ((("250", "0.064"), ("700", "0.049"), ("1250", "0.0475"), (None, "0.0446")), 2000, datetime(2026, 7, 1, tzinfo=UTC),
     ["16.00", "22.05", "26.125", "33.45"], "170.00", ("275.13", "2.75", "277.88")),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "kwh", "start", "lines", "power", "sums"), SEYMOUR, ids=["winter", "summer"])
def test_blocks_and_a_cost_of_power_in_seymour(blocks, kwh, start, lines, power, sums):
    told = tuple(Block(up_to=None if up_to is None else Decimal(up_to), per_kwh=rate(price)) for up_to, price in blocks)
    parts = (
        Blocks(name="energy", period=(BlockPeriod(name="all", block=told),)),
        flat("0.085", name="cost of power"),
        Fixed(name="base", per_month=rate("7.50")),
    )
    taxed = tariff(*parts, LevyPercent(name="tax", pct=rate("1")), currency="USD")
    [month] = bill(taxed, _month(kwh, start=start), UTC).months
    found = amounts(month)
    assert [part.amount for part in month.lines[0].parts] == [Decimal(line) for line in lines]
    assert found["cost of power"] == Decimal(power)
    before = month.amount - found["tax"]
    assert tuple(str(rounded(one, 2)) for one in (before, found["tax"], month.amount)) == sums


def test_a_manufacturers_month_in_nebraska_whose_reactive_line_is_a_cent_off():
    """University of Nebraska, Extension bulletin G2312 (2018), table I: a factory's bill of August 2016.

    470,600 kWh for 12,470.90 are 0.0265 each; 13,617.50 are 650 kW, "minimum billing", at 20.95, though 986.40 were
    drawn; 482.60 kvar are 88.04 above 40 % of the kW. At 2.595 they come to 228.46, and 228.47 is printed.
    """
    peak, rest = Decimal("986.40"), Decimal(470_600) - Decimal("986.40")
    load = Load(
        start=datetime(2016, 7, 8, tzinfo=UTC),
        step=timedelta(hours=1),
        kwh=(peak, *[rest / 500] * 500),
        kvarh=(Decimal("482.60"), *[Decimal(0)] * 500),
    )
    parts = (
        Fixed(name="customer", per_month=rate("250"), prorate="none"),
        flat("0.0265"),
        ReservedPower(name="demand", kw=rate(650), per_kw=rate("20.95"), prorate="none"),
        Reactive(name="kvar", per_kvarh=rate("2.595"), tan_phi=Decimal("0.4"), over="peak"),
    )
    [month] = bill(tariff(*parts, currency="USD"), load, UTC).months
    found = {name: rounded(amount, 2) for name, amount in amounts(month).items()}
    stated = {"customer": "250.00", "energy": "12470.90", "demand": "13617.50", "kvar": "228.46"}
    assert {name: str(amount) for name, amount in found.items()} == stated
    assert month.total == Decimal("26566.87") - Decimal("0.01")


def test_blocks_by_thirty_days_and_a_fuel_adjustment_in_sri_lanka():
    """Ceylon Electricity Board, as lankafreezone.com works it out: 210 units in 31 days, LKR, 40 % of fuel adjustment.

    Blocks of 30, 60, 90, 120 and 180 units are of 30 days, and of 31 days here.
    """
    steps = (("1", "3"), ("2", "4.70"), ("3", "7.50"), ("4", "21"), ("6", "24"), (None, "36"))
    blocks = tuple(
        Block(up_to=None if up_to is None else Decimal(up_to), unit="kWh/day", per_kwh=rate(price))
        for up_to, price in steps
    )
    energy = Blocks(name="energy", period=(BlockPeriod(name="all", block=blocks),))
    [month] = bill(tariff(energy, LevyPercent(name="FAC", pct=rate("40")), currency="LKR"), _month(210), UTC).months
    units = [part.amount for part in month.lines[0].parts]
    assert units == [Decimal(line) for line in ("93", "145.70", "232.50", "651", "1488", "864")]
    stated = ("130.20", "203.98", "325.50", "911.40", "2083.20", "1209.60")
    assert [rounded(one * Decimal("1.4"), 2) for one in units] == [Decimal(line) for line in stated]
    assert month.amount == sum(map(Decimal, stated))


@pytest.mark.parametrize(("kwh", "total"), [(80, "100"), (130, "215"), (230, "520")])
def test_price_lists_that_the_whole_consumption_chooses_in_tamil_nadu(kwh, total):
    """TANGEDCO, June 2012, as headlinesnewsworld.blogspot.com has it: INR, up to 100, 200, 500 units and above."""
    first_200 = (("200", "2"), (None, "3"))
    beyond_500 = (("200", "3"), ("500", "4"), (None, "5.75"))
    lists = (
        (None, "101", ((None, "1"),), "20"),
        ("101", "201", ((None, "1.50"),), "20"),
        ("201", "501", first_200, "30"),
        ("501", None, beyond_500, "40"),
    )
    components, settlings = [], {}
    for least, below, steps, fixed in lists:
        only = Only(kwh_from=Decimal(least or 0), kwh_below=None if below is None else Decimal(below))
        blocks = tuple(
            Block(up_to=None if up_to is None else Decimal(up_to), per_kwh=rate(price)) for up_to, price in steps
        )
        components += [
            Blocks(name=f"energy {least}", period=(BlockPeriod(name="all", block=blocks),)),
            Fixed(name=f"fixed {least}", per_month=rate(fixed), prorate="none"),
        ]
        settlings |= {f"energy {least}": Settling(only=only), f"fixed {least}": Settling(only=only)}
    told = tariff(*components, currency="INR", settlings=settlings)
    assert bill(told, _month(kwh), UTC).amount == Decimal(total)


def test_a_large_commercial_month_in_goodland():
    """City of Goodland (Kansas), goodlandks.gov: 1,000 kWh at 0.09 and a meter make USD 105; 10 kW at 9.50 make 95."""
    load = Load(start=datetime(2026, 6, 1, tzinfo=UTC), step=timedelta(hours=1), kwh=(Decimal(10),) * 100)
    demand = Demand(name="demand", period=(DemandPeriod(name="any time", per_kw=rate("9.50")),))
    told = tariff(flat("0.09"), Fixed(name="meter", per_month=rate("15"), prorate="none"), demand, currency="USD")
    found = amounts(bill(told, load, UTC).months[0])
    assert (found["energy"] + found["meter"], found["demand"]) == (105, 95)
