"""What several countries' tariffs need: means of days, months of 30 days, taxes inside, power factors by rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.burden import burden
from agent.tariffs.coincident import CoincidentPeak
from agent.tariffs.demand import Demand, DemandPeriod, PowerFactor
from agent.tariffs.factor_percent import FactorPercent, FactorRow
from agent.tariffs.fixed import Fixed
from agent.tariffs.flat import Flat
from agent.tariffs.levies import LevyPercent
from agent.tariffs.load import Load, Register
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.settling import Settling
from agent.tariffs.when import Times
from tests.tariffs.loads import ALMATY, HOUR, amounts, day_and_night, days, flat, rate, tariff

pytestmark = pytest.mark.pure
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def hours(kw_of, count=28 * 24, **columns):
    kw = [Decimal(kw_of(FEBRUARY + at * HOUR)) for at in range(count)]
    return Load(start=FEBRUARY, step=HOUR, kwh=tuple(kw), **columns)


def billed(*components, load, **told):
    [month] = bill(tariff(*components, **told), load, UTC).months
    return amounts(month)


def test_network_power_in_russia_is_the_mean_over_working_days_of_the_highest_in_planned_hours():
    def kw(at):  # 100, 101 … by the day at noon, a night peak that does not count, a weekend that does not
        return 500 if at.hour == 3 or at.weekday() > 4 else 100 + at.day if at.hour == 12 else 50

    period = DemandPeriod(name="planned", per_kw=rate("10"), days=("mon-fri",), hours=("08:00-21:00",))
    made = Demand(name="power", period=(period,), every="mean_of_days")
    working = [100 + day for day in range(1, 29) if datetime(2026, 2, day, tzinfo=UTC).weekday() < 5]
    assert billed(made, load=hours(kw))["power"] == Decimal(sum(working) * 10) / len(working)
    holidays = {datetime(2026, 2, 23, tzinfo=UTC).date(): "holiday"}
    rest = [one for one in working if one != 123]
    found = billed(made, load=hours(kw), days=holidays)["power"]
    assert found == pytest.approx(Decimal(sum(rest) * 10) / len(rest), abs=Decimal("1e-15"))
    for told in ({"ratchet": (Ratchet(pct=Decimal(80)),)}, {"power_factor": PowerFactor(target=Decimal("0.9"))}):
        with pytest.raises(ValueError, match="a mean of days has no ratchet and no power_factor"):
            Demand(name="power", period=(period,), every="mean_of_days", **told)


def test_generating_power_is_each_months_mean_at_the_hours_of_its_own_days():
    def kw(at):
        return at.month * 100 + at.day

    starts = [datetime(2026, month, day, 10, tzinfo=UTC) for month, day in ((2, 2), (2, 3), (3, 2), (3, 4))]
    load = Load(start=FEBRUARY, step=HOUR, kwh=tuple(Decimal(kw(FEBRUARY + at * HOUR)) for at in range(59 * 24)))
    made = CoincidentPeak(name="peak", per_kw=rate("2"), intervals=tuple(starts), interval_min=60, own_month=True)
    months = bill(tariff(made), load, UTC).months
    assert [month.amount for month in months] == [Decimal("202.5") * 2, 303 * 2]
    assert made.expected(FEBRUARY, 2, "mon", 0) == 0
    with pytest.raises(ValueError, match="own_month is for intervals"):
        CoincidentPeak(name="peak", per_kw=rate("2"), kw=Decimal(1), own_month=True)


def test_a_month_of_thirty_days_and_a_capacity_by_the_day():
    """Hydro-Québec bills power by 30 days; a British capacity of 3.18 p/kVA and day is one of 95.4 p by 30 days."""
    demand = Demand(name="power", period=(DemandPeriod(name="all", per_kw=rate("15")),), prorate="thirty_days")
    monthly = Fixed(name="access", per_month=rate("30"), prorate="thirty_days")
    capacity = ReservedPower(name="capacity", kw=rate(50), per_kw=rate("0.954"), prorate="thirty_days")
    found = billed(demand, monthly, capacity, load=hours(lambda _: 10))
    assert found == {"power": 140, "access": 28, "capacity": Decimal("1.59") * 28}


def test_the_higher_of_the_highest_kw_and_of_a_share_of_the_highest_kva_is_billed():
    """As at Hydro-Québec and in Ontario: 90 % of kVA, which need not stand where the kW do."""
    kw, kvar = (400, 1000, 900, 100), (0, 0, 900, 0)
    load = Load(start=FEBRUARY, step=HOUR, kwh=tuple(map(Decimal, kw)), kvarh=tuple(map(Decimal, kvar)))
    told = {"name": "power", "period": (DemandPeriod(name="all", per_kw=rate("1")),)}
    made = Demand(power_factor=PowerFactor(target=Decimal("0.9"), at="apparent"), **told)
    assert billed(made, load=load)["power"] == pytest.approx(Decimal("1145.51299"))
    assert billed(Demand(power_factor=PowerFactor(target=Decimal("0.9")), **told), load=load)["power"] == 1000
    less = Demand(power_factor=PowerFactor(target=Decimal("0.7"), at="apparent"), **told)
    assert billed(less, load=load)["power"] == 1000


def test_energy_is_charged_by_the_kvah_of_its_steps():
    """As Indian states bill high tension: 30 and 40, 50; a step that leads counts as one that lags."""
    load = Load(
        start=FEBRUARY, step=HOUR, kwh=(Decimal(30), Decimal(3), Decimal(6)),
        kvarh=(Decimal(40), Decimal(0), Decimal(0)), kvarh_lead=(Decimal(0), Decimal(4), Decimal(0)),
    )  # fmt: skip
    energy = Flat(name="energy", per_kwh=rate("2"), measure="kVAh")
    by_time = day_and_night(day="1", night="3", hours="01:00-02:00", name="TOD")
    by_time = replace(by_time, measure="kVAh")
    assert billed(energy, by_time, load=load) == {"energy": 2 * 61, "TOD": 3 * 50 + 5 + 3 * 6}
    register = Register(load)
    assert register.kwh(load.span, "kvah") == 61
    with patch.object(Load, "kvah", None):  # a year's is worked out once, not once a day
        assert register.kwh(load.span, "kvah") == 61
    with pytest.raises(Unpriced, match="the load has no column kvarh"):
        billed(energy, load=Load(start=FEBRUARY, step=HOUR, kwh=(Decimal(1),)))
    with pytest.raises(ValueError, match="net_export is for kWh"):
        replace(by_time, net_export=True)


def test_overruns_of_each_day_cost_at_most_what_the_months_highest_does():
    """Hydro-Québec's rate L: so much a day and kW above 110 % of the contract, at most so much of the highest."""

    def kw(days_over):
        return lambda at: 1200 if at.day <= days_over and at.hour == 18 else 1000

    period = DemandPeriod(name="overrun", per_kw=rate("8"))
    told = {"every": "day", "free": Decimal(1100), "period": (period,)}
    made = Demand(name="overrun", most_per_kw=rate("24"), **told)
    assert [billed(made, load=hours(kw(count)))["overrun"] for count in (1, 2, 3, 4, 9)] == [
        800,
        1600,
        2400,
        2400,
        2400,
    ]
    with pytest.raises(ValueError, match='most_per_kw is for every = "day"'):
        Demand(name="overrun", period=(period,), most_per_kw=rate("24"))


def test_a_tax_inside_its_own_sum():
    """As Brazil's ICMS and taxes upon gross receipts: 18 % of 1,000 that have 180 in them is of 820 without."""
    told = (flat("0.82"), LevyPercent(name="tax", pct=rate("18"), inside=True))
    load = days((2026, 2, 1), (2026, 2, 2), ALMATY, kwh="1000", step=timedelta(days=1))
    assert bill(tariff(*told), load, ALMATY).amount == 1000
    assert burden(tariff(*told), "energy", FEBRUARY.date()) == pytest.approx(Decimal(1) / Decimal("0.82"))
    with pytest.raises(ValueError, match="must be 0 to below 100"):
        LevyPercent(name="tax", pct=rate("100"), inside=True)


@pytest.mark.parametrize(
    ("kvarh", "amount"), [(0, "-2"), (40, "-1"), (45, "0"), (52, "0.9"), (75, "14.5"), (133, "54.5")]
)
def test_a_power_factor_adds_or_takes_percent(kvarh, amount):
    """1 % a hundredth below 0.90 and 2 % below 0.85, 1 % off from 0.92, 2 % off from 0.98; of 100 kWh at 1."""
    rows = (
        FactorRow(factor_from=Decimal(0), pct=rate("4.5"), per_point=Decimal(2)),
        FactorRow(factor_from=Decimal("0.85"), pct=rate("0"), per_point=Decimal("0.9")),
        FactorRow(factor_from=Decimal("0.90"), pct=rate("0")),
        FactorRow(factor_from=Decimal("0.92"), pct=rate("-1")),
        FactorRow(factor_from=Decimal("0.98"), pct=rate("-2")),
    )
    load = Load(start=FEBRUARY, step=HOUR, kwh=(Decimal(100),), kvarh=(Decimal(kvarh),))
    found = billed(flat("1"), FactorPercent(name="factor", row=rows, digits=2), load=load)
    assert found["factor"] == Decimal(amount)


def test_a_power_factor_may_be_that_of_some_hours():
    """As in Japan from 8 to 22: 1 % off for each hundredth above 0.85."""
    rows = (FactorRow(factor_from=Decimal(0), pct=rate("-15"), per_point=Decimal(1)),)
    load = Load(start=FEBRUARY, step=HOUR, kwh=(Decimal(100), Decimal(80)), kvarh=(Decimal(100), Decimal(60)))
    hours = Times(hours=("01:00-22:00",))
    told = FactorPercent(name="factor", row=rows, when=hours)
    assert billed(flat("1"), told, load=load)["factor"] == 9
    assert [label for label, _ in told.rates()] == ["from 0, 1 a hundredth below the next, and"]
    ratio = FactorRow(factor_from=Decimal(0), target=Decimal("0.9"), share=Decimal("0.6"))
    assert ratio.in_words() == ", 0.6 x (0.9 / factor - 1), and"


@pytest.mark.parametrize(("way", "due"), [("half_up", "2.35"), ("half_even", "2.34"), ("down", "2.34"), ("up", "2.35")])
def test_a_line_is_rounded_as_its_invoice_rounds(way, due):
    load = Load(start=FEBRUARY, step=HOUR, kwh=(Decimal(1),))
    settled = {"energy": Settling(round=2, rounding=way)}
    assert billed(flat("2.345"), load=load, settlings=settled)["energy"] == Decimal(due)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((), "the first row is from 0"),
        ((("0.1", 0),), "the first row is from 0"),
        ((("0", 0), ("0.9", 0), ("0.8", 0)), "the row from 0.8 stands after the one from 0.9"),
        ((("0", 0), ("1.1", 0)), "no power factor is above 1"),
    ],
)
def test_rows_of_power_factors_that_make_no_sense_are_refused(rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        FactorPercent(name="f", row=tuple(FactorRow(factor_from=Decimal(of), pct=rate(pct)) for of, pct in rows))
