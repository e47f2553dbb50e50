"""Bills by hand, and what is true of every bill."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, bill, cost, price_at
from agent.tariffs.flat import Flat
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.money import minor_digits, rounded, written
from agent.tariffs.time_of_use import Period, TimeOfUse
from agent.tariffs.vat import Vat
from tests.tariffs.loads import (
    ALMATY,
    BERLIN,
    BISHKEK,
    HOUR,
    QUARTER,
    amounts,
    day_and_night,
    days,
    even,
    figure,
    flat,
    instants,
    rate,
    rates,
    tariff,
)  # fmt: skip
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure
JANUARY = days((2026, 1, 1), (2026, 2, 1), BISHKEK)


def test_a_flat_price_charges_every_kilowatt_hour():
    found = bill(tariff(flat("6.06")), JANUARY, BISHKEK)
    [month] = found.months
    assert (month.month, month.kwh, month.peak_kw) == ("2026-01", 744_000, 1000)
    assert amounts(month) == {"energy": Decimal("4508640.00")}
    assert (found.amount, found.total, found.currency) == (4_508_640, 4_508_640, "KGS")


def test_a_price_that_changes_within_a_month_charges_each_day_at_its_own():
    energy = Flat(
        name="energy", per_kwh=rates(figure("5", until=date(2026, 1, 11)), figure("7", from_=date(2026, 1, 11)))
    )
    [month] = bill(tariff(energy), JANUARY, BISHKEK).months
    assert month.amount == 24_000 * (10 * 5 + 21 * 7)


def test_a_levy_on_energy_a_levy_on_money_and_vat_are_charged_in_their_order():
    found = bill(
        tariff(
            flat("5"),
            LevyPerKwh(name="fee", per_kwh=rate("1")),
            Vat(pct=rate("12"), on=("energy",)),
            LevyPercent(name="mining tax", pct=rate("10")),
        ),
        JANUARY,
        BISHKEK,
    )
    assert amounts(found.months[0]) == {
        "energy": 3_720_000,
        "fee": 744_000,
        "VAT": 446_400,  # 12 % of the energy alone
        "mining tax": 491_040,  # 10 % of all three
    }
    assert found.total == 5_401_440


def test_vat_goes_by_the_day_of_supply_where_its_rate_changes_within_a_month():
    vat = Vat(pct=rates(figure("12", until=date(2026, 1, 16)), figure("16", from_=date(2026, 1, 16))))
    [month] = bill(tariff(flat("1"), vat), JANUARY, BISHKEK).months
    assert amounts(month)["VAT"] == 24_000 * (Decimal("0.12") * 15 + Decimal("0.16") * 16)


def test_recoverable_vat_stands_on_the_bill_and_is_no_cost():
    priced = tariff(flat("1"), Vat(pct=rate("12"), recoverable=True), LevyPercent(name="tax", pct=rate("10")))
    [month] = bill(priced, JANUARY, BISHKEK).months
    assert month.amount == 744_000 * Decimal("1.12") * Decimal("1.1")
    assert cost(month) == month.amount - 744_000 * Decimal("0.12")


def test_a_figure_that_nobody_knows_charges_nothing_and_a_day_without_one_is_refused():
    silent = Vat(pct=rates(figure(None)))
    [month] = bill(tariff(flat("1"), silent), JANUARY, BISHKEK).months
    assert amounts(month) == {"energy": 744_000}
    ended = LevyPerKwh(name="fee", per_kwh=rates(figure("1", until=date(2026, 1, 31))))
    with pytest.raises(Unpriced, match="no figure for 2026-01-31: they are known until 2026-01-31") as told:
        bill(tariff(flat("1"), ended), JANUARY, BISHKEK)
    assert told.value.component == "fee"
    begun = LevyPerKwh(name="fee", per_kwh=rates(figure("1", from_=date(2026, 1, 2))))
    with pytest.raises(Unpriced, match="no figure for 2026-01-01: they are known from 2026-01-02"):
        bill(tariff(flat("1"), begun), JANUARY, BISHKEK)


EDGES = [  # zone, first day, the day after, quarter hours by day and by night at 08:30-23:00
    (BISHKEK, (2026, 3, 29), (2026, 3, 30), 58, 38),
    (BERLIN, (2026, 3, 29), (2026, 3, 30), 58, 34),
    (BERLIN, (2026, 10, 25), (2026, 10, 26), 58, 42),
    (ALMATY, (2024, 2, 29), (2024, 3, 1), 58, 42),  # 23:00 to 24:00 came twice
]


@pytest.mark.parametrize(("zone", "first", "after", "day", "night"), EDGES, ids=str)
def test_an_hour_that_comes_twice_is_charged_twice_and_one_that_is_jumped_over_never(zone, first, after, day, night):
    found = bill(tariff(day_and_night("46", "26")), days(first, after, zone, "1"), zone)
    [line] = found.months[0].lines
    taken = {label: sum(part.quantity for part in line.parts if part.label == label) for label in ("day", "night")}
    assert taken == {"day": day, "night": night}
    assert found.amount == 46 * day + 26 * night


def test_a_period_within_the_hour_that_comes_twice_holds_twice():
    load = days((2026, 10, 25), (2026, 10, 26), BERLIN, "1")
    assert bill(tariff(day_and_night("100", "1", "02:15-02:45")), load, BERLIN).amount == 4 * 100 + 96


def test_a_step_that_a_period_cuts_is_taken_to_be_even():
    found = bill(tariff(day_and_night("46", "26")), days((2026, 1, 1), (2026, 1, 2), BISHKEK, "4", HOUR), BISHKEK)
    assert found.amount == 58 * 46 + 38 * 26


def test_a_month_is_rounded_once_half_up_and_so_is_the_whole_bill():
    load = days((2026, 1, 31), (2026, 2, 2), BISHKEK, "0.125", timedelta(days=1))
    found = bill(tariff(flat("1")), load, BISHKEK)
    assert [month.total for month in found.months] == [Decimal("0.13"), Decimal("0.13")]
    assert (found.amount, found.total) == (Decimal("0.250"), Decimal("0.25"))
    assert bill(tariff(flat("1"), currency="JPY"), load, BISHKEK).total == 0
    assert bill(tariff(flat("1"), digits=1), load, BISHKEK).total == Decimal("0.3")


@pytest.mark.parametrize(("currency", "digits"), [("KGS", 2), ("KZT", 2), ("JPY", 0), ("KWD", 3)])
def test_a_currency_is_paid_in_its_minor_unit(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("-0.00", "0"), ("1E+3", "1000"), ("1.2300", "1.23"), ("1E-7", "0.0000001"), ("-2.50", "-2.5")],
)
def test_an_exact_amount_is_written_without_exponent_and_idle_zeros(amount, text):
    assert written(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("amount", "told"), [("2.345", "2.35"), ("2.3449", "2.34"), ("-2.345", "-2.35"), ("1E+30", "1E+30")]
)
def test_half_a_cent_is_rounded_up_and_away_from_zero(amount, told):
    assert rounded(Decimal(amount), 2) == Decimal(told)


def test_the_price_at_an_instant_is_what_one_kilowatt_hour_costs_all_in():
    priced = tariff(day_and_night("46", "26"), Vat(pct=rate("12")), LevyPerKwh(name="fee", per_kwh=rate("1")))
    noon, night = (datetime(2026, 1, 7, hour, 3, 2, 77, tzinfo=BISHKEK) for hour in (12, 2))
    assert price_at(priced, noon, BISHKEK) == Decimal("52.52")
    assert price_at(priced, night, BISHKEK) == Decimal("30.12")


KWH = st.decimals(min_value=0, max_value=5000, places=3)
PRICE = st.decimals(min_value=-5, max_value=100, places=5)
LOADS = st.lists(KWH, min_size=2, max_size=400)
KINDS = ["mon-fri", "sat", "sun", "wed", "holiday"]
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE = st.one_of(st.integers(0, 95).map(lambda quarter: quarter * 15), st.sampled_from([0, 30, 105, 135, 150, 1395]))


def _clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def _priced(draw):
    start, end = draw(st.lists(MINUTE, min_size=2, max_size=2, unique=True))
    peak = Period(
        name="peak",
        per_kwh=rate(draw(PRICE)),
        hours=(f"{_clock(start)}-{_clock(end)}",),
        days=tuple(
            draw(st.lists(st.sampled_from(["mon-fri", "sat", "sun", "wed", "holiday"]), unique=True, max_size=2))
        ),
        months=tuple(draw(st.lists(st.integers(1, 12), unique=True, max_size=6))),
    )
    energy = TimeOfUse(name="energy", period=(peak, Period(name="rest", per_kwh=rate(draw(PRICE)))))
    changes = date(2026, 1, 1) + timedelta(days=draw(st.integers(-900, 300)))
    vat = Vat(pct=rates(figure("12", until=changes), figure("16", from_=changes)))
    fee = LevyPerKwh(name="fee", per_kwh=rate(draw(PRICE)))
    return tariff(energy, fee, vat, LevyPercent(name="tax", pct=rate(draw(PRICE)), on=("energy", "VAT")))


@given(
    priced=_priced(),
    zone=st.sampled_from(ZONES),
    start=instants(),
    kwh=LOADS,
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_a_bill_in_two_parts_is_the_bill_of_the_whole(priced, zone, start, kwh, data):
    begin = start
    cut = data.draw(st.integers(1, len(kwh) - 1))
    whole = bill(priced, Load(start=begin, step=QUARTER, kwh=tuple(kwh)), zone)
    first = bill(priced, Load(start=begin, step=QUARTER, kwh=tuple(kwh[:cut])), zone)
    last = bill(priced, Load(start=begin + cut * QUARTER, step=QUARTER, kwh=tuple(kwh[cut:])), zone)
    assert whole.amount == first.amount + last.amount
    assert sum(month.kwh for month in whole.months) == sum(kwh)


def _slowly(priced, load, zone):
    """The same bill a minute at a time, by the plainest reading of the tariff."""
    energy, fee, vat, tax = priced.components
    peak, rest = energy.period
    [hours] = peak.hours
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours.split("-"))
    weekdays = {
        day for told in peak.days for day in (["mon", "tue", "wed", "thu", "fri"] if told == "mon-fri" else [told])
    }
    total = Fraction(0)
    minutes = load.step // timedelta(minutes=1)
    for at in range(len(load.kwh) * minutes):
        local = (load.start + timedelta(minutes=at)).astimezone(zone)
        minute = local.hour * 60 + local.minute
        within = begin <= minute < end if begin < end else minute >= begin or minute < end
        weekday = WEEK[local.weekday()]
        is_peak = within and (not weekdays or weekday in weekdays) and (not peak.months or local.month in peak.months)
        kwh = Fraction(load.kwh[at // minutes]) / minutes
        paid = kwh * Fraction((peak if is_peak else rest).per_kwh.figures[0].value)
        levied = kwh * Fraction(fee.per_kwh.figures[0].value)
        changes = vat.pct.figures[1].from_
        taxed = (paid + levied) * Fraction(16 if local.date() >= changes else 12, 100)
        total += paid + levied + taxed + (paid + taxed) * Fraction(tax.pct.figures[0].value) / 100
    return total


@given(
    priced=_priced(),
    zone=st.sampled_from(ZONES),
    start=instants(),
    step_min=st.sampled_from([5, 15, 20, 60]),
    kwh=st.lists(KWH, min_size=2, max_size=60),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_bill_is_what_counting_every_minute_by_hand_gives(priced, zone, start, step_min, kwh):
    begin = start
    load = Load(start=begin, step=timedelta(minutes=step_min), kwh=tuple(kwh))
    assert abs(Fraction(bill(priced, load, zone).amount) - _slowly(priced, load, zone)) < Fraction(1, 10**12)


def test_a_year_of_quarter_hours_is_exact_to_the_last_digit():
    load = even(datetime(2025, 12, 31, 18, tzinfo=UTC), datetime(2026, 12, 31, 18, tzinfo=UTC), "249.123456789")
    found = bill(tariff(day_and_night("46.54321", "26.12345"), Vat(pct=rate("12"))), load, BISHKEK)
    by_day = Decimal("249.123456789") * (58 * Decimal("46.54321") + 38 * Decimal("26.12345")) * Decimal("1.12")
    assert found.amount == by_day * 365
    assert len(found.months) == 12
