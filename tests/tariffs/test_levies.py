"""Levies on the kWh that other components bill; demand, factors and contracts where nothing is to be measured."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from agent.tariffs import power
from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.bill import bill
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.export import ExportCredit
from agent.tariffs.factor_percent import FactorPercent, FactorRow
from agent.tariffs.full_load_hours import FullLoadHours, HoursBranch
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.periods import ReadTime
from agent.tariffs.programme import Programme
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.settling import Settling
from agent.tariffs.time_of_use import Period, TimeOfUse
from agent.tariffs.when import Times
from tests.tariffs.loads import BERLIN, HOUR, amounts, days, even, figure, flat, rate, rates, tariff

pytestmark = pytest.mark.pure
MARCH = days((2026, 3, 1), (2026, 4, 1), BERLIN, "1", HOUR)  # 743 kWh
YEARS = FullLoadHours(name="of", branch=(HoursBranch(per_kwh=rate("1")),))
PROGRAMME = Programme(name="of", kw=Decimal(1), per_kw_month=rate("1"))
CREDIT = ExportCredit(name="of", period=(Period(name="all", per_kwh=rate("1")),))


def levy(*on, **told):
    return LevyPerKwh(name="levy", per_kwh=rate("2"), on=on, **told)


@pytest.mark.parametrize("of", [YEARS, PROGRAMME, CREDIT, LevyPerKwh(name="of", per_kwh=rate("1"))])
def test_a_levy_is_on_what_charges_each_kwh_taken_alone(of):
    with pytest.raises(ValueError, match=f"levy: on names of, a {of.kind} that does not charge each kWh taken"):
        tariff(of, levy("of"))


def test_a_levy_counts_kwh_whose_price_is_not_known():
    unknown = rates(figure(None, until=date(2026, 3, 16)), figure("1", from_=date(2026, 3, 16)))
    by_day = (Period(name="day", per_kwh=unknown, hours=("08:00-20:00",)), Period(name="night", per_kwh=rate("1")))
    times = TimeOfUse(name="energy", period=by_day)
    within = AuthorisedEnergy(name="within", kw=rate("100"), per_kwh=rates(figure(None)), per_kwh_above=rate("9"))
    for one in (times, within):
        [month] = bill(tariff(one, levy(one.name)), MARCH, BERLIN).months
        assert amounts(month)["levy"] == 2 * 743


def test_a_levy_leaves_out_what_charges_nothing_in_a_month_and_what_a_floor_adds():
    floored = tariff(flat("0"), levy("energy"), settlings={"energy": Settling(floor=Decimal(5000))})
    assert amounts(bill(floored, MARCH, BERLIN).months[0]) == {"energy": 5000, "levy": 2 * 743}


def test_months_of_a_levy_are_those_of_the_day():
    load = days((2026, 1, 20), (2026, 3, 10), BERLIN, "1", HOUR)
    for on in ((), ("energy",)):
        billed = bill(tariff(flat("0"), levy(*on, months=(2,))), load, BERLIN, read=ReadTime(day=15))
        by_month = [amounts(month).get("levy", 0) for month in billed.months]
        assert by_month == [2 * 14 * 24, 2 * 14 * 24]  # 1 to 14 February, then 15 to 28


def test_a_power_factor_says_nothing_of_a_month_in_which_its_times_never_hold():
    row = (FactorRow(factor_from=Decimal(0)), FactorRow(factor_from=Decimal("0.9"), pct=rate("-5")))
    factor = FactorPercent(name="factor", row=row, when=Times(months=(1,)))
    kwh = (Decimal(1),) * 24
    for month, found in ((1, {"energy": 24, "factor": Decimal("-1.2")}), (2, {"energy": 24})):
        load = Load(start=datetime(2026, month, 1, tzinfo=UTC), step=HOUR, kwh=kwh, kvarh=(Decimal(0),) * 24)
        assert amounts(bill(tariff(flat("1"), factor), load, UTC).months[0]) == found


@pytest.mark.parametrize(("least", "found"), [(0, {}), (7, {"demand": 70})])
def test_a_mean_of_rolling_windows_of_which_none_is_whole_bills_the_least(least, found):
    period = DemandPeriod(name="noon", per_kw=rate("10"), hours=("12:00-12:30",))
    rolling = Demand(
        name="demand",
        period=(period,),
        window_min=60,
        rolling=True,
        every="mean_of_windows",
        highest=4,
        least=Decimal(least),
    )
    assert amounts(bill(tariff(rolling), days((2026, 1, 1), (2026, 1, 3), UTC), UTC).months[0]) == found


def test_the_cap_by_load_factor_is_of_the_hours_that_there_are():
    period = (DemandPeriod(name="any", per_kw=rate("10")),)
    capped = Demand(name="demand", period=period, load_factor=Decimal(1))
    part = even(datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 3, 6, tzinfo=UTC), "1", HOUR)
    for load in (MARCH, part):  # 1 kW in all of 743 hours, in 42 of three days
        assert amounts(bill(tariff(capped), load, BERLIN).months[0]) == {"demand": 10}


def test_the_highest_kva_are_rooted_alone(monkeypatch):
    period = (DemandPeriod(name="any", per_kw=rate("10")),)
    told = Demand(name="demand", period=period, measure="kVA", every="mean_of_windows", highest=2)
    kwh, kvarh = map(Decimal, (3, 1, 6, 0, 2)), map(Decimal, (4, 1, 8, 0, 2))
    load = Load(start=datetime(2026, 1, 1, tzinfo=UTC), step=HOUR, kwh=tuple(kwh), kvarh=tuple(kvarh))
    rooted, told_by = [], power._power
    monkeypatch.setattr(power, "_power", lambda energy, *rest: rooted.append(energy) or told_by(energy, *rest))
    assert amounts(bill(tariff(told), load, UTC).months[0]) == {"demand": 75}
    assert rooted == [100, 25]


def test_power_reserved_by_the_year_counts_each_day_by_its_own_year():
    reserved = ReservedPower(name="power", kw=rate("1"), per_kw=rate("365"), per="year")
    load = days((2023, 12, 31), (2024, 1, 2), UTC, "1", HOUR)
    [month] = bill(tariff(reserved), load, UTC, read=ReadTime(day=15)).months
    assert round(month.amount, 6) == round(1 + Decimal(365) / 366, 6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FactorRow(factor_from=Decimal(0), share=Decimal("0.5")), "share is of a target, and the row has none"),
        (
            lambda: ReservedPower(name="power", kw=rate("1"), per_kw=rate("1"), per="day", prorate="none"),
            "prorate is for what is per month or year: each day is charged",
        ),
        (
            lambda: Demand(
                name="demand",
                period=(DemandPeriod(name="any", per_kw=rate("1")),),
                every="mean_of_months",
                highest=13,
            ),
            "highest of a mean_of_months is at most 12",
        ),
    ],
)
def test_a_key_that_would_do_nothing_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
