"""Fixed charges: by the month, the day and the year, and of parts of months."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import bill
from agent.tariffs.explain import explain
from agent.tariffs.fixed import Fixed
from agent.tariffs.load import Load
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BERLIN, BISHKEK, HOUR, days, figure, flat, instants, rate, rates, tariff
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure


def fixed(**told):
    return Fixed(name="service", **told)


def charged(component, load, zone=BISHKEK):
    return [month.amount for month in bill(tariff(component), load, zone).months]


YEAR = days((2026, 1, 1), (2027, 1, 1), BISHKEK, step=timedelta(days=1))
TEN_DAYS = days((2026, 4, 21), (2026, 5, 11), BISHKEK)


def test_a_month_a_day_and_a_year_are_charged_by_the_calendar():
    assert charged(fixed(per_month=rate("300")), YEAR) == [300] * 12
    assert charged(fixed(per_year=rate("1200")), YEAR) == [100] * 12
    assert charged(fixed(per_day=rate("1.5")), YEAR)[:4] == [Decimal("46.5"), 42, Decimal("46.5"), 45]
    assert charged(fixed(per_month=rate("300"), months=(11, 12, 1)), YEAR) == [300, *[0] * 9, 300, 300]


def test_a_part_of_a_month_is_charged_the_share_of_its_days_or_the_whole():
    assert charged(fixed(per_month=rate("300")), TEN_DAYS) == [100, pytest.approx(Decimal("96.774193548"))]
    assert charged(fixed(per_month=rate("300"), prorate="none"), TEN_DAYS) == [300, 300]
    assert charged(fixed(per_day=rate("2")), TEN_DAYS) == [20, 20]


def test_every_day_may_be_charged_alike_however_long_its_month():
    [january, february, *_] = charged(fixed(per_month=rate("365.25"), prorate="mean_month"), YEAR)
    assert (january, february) == (31 * 12, 28 * 12)


def test_a_figure_that_changes_within_a_month_holds_for_its_own_days_and_so_does_vat():
    change = date(2026, 4, 11)
    service = fixed(per_month=rates(figure("300", until=change), figure("600", from_=change)))
    vat = Vat(pct=rates(figure("10", until=change), figure("20", from_=change)))
    april = days((2026, 4, 1), (2026, 5, 1), BISHKEK)
    [month] = bill(tariff(service, vat), april, BISHKEK).months
    assert [line.amount for line in month.lines] == [100 + 400, 10 + 80]


def test_an_hour_that_is_jumped_over_or_comes_twice_is_of_one_day():
    assert charged(fixed(per_day=rate("1")), days((2026, 3, 1), (2026, 4, 1), BERLIN), BERLIN) == [31]
    assert charged(fixed(per_day=rate("1")), days((2026, 10, 1), (2026, 11, 1), BERLIN), BERLIN) == [31]


@pytest.mark.parametrize("told", [{}, {"per_day": rate("1"), "per_month": rate("1")}])
def test_exactly_one_unit_is_named(told):
    with pytest.raises(ValueError, match="needs exactly one of per_month, per_day and per_year"):
        fixed(**told)


@given(
    start=instants(),
    hours=st.integers(2, 1500),
    zone=st.sampled_from(ZONES),
    amount=st.decimals(min_value=-5, max_value=5000, places=4),
    unit=st.sampled_from(["per_month", "per_day", "per_year"]),
)
@settings(max_examples=30, deadline=None)
def test_a_fixed_charge_is_what_counting_its_days_hour_by_hour_gives(start, hours, zone, amount, unit):
    load = Load(start=start, step=HOUR, kwh=(Decimal(1),) * hours)
    touched = {(start + at * timedelta(minutes=15)).astimezone(zone).date() for at in range(hours * 4)}
    slow = Fraction(0)
    for day in touched:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        length = (following - day.replace(day=1)).days
        slow += Fraction(amount) / {"per_month": length, "per_day": 1, "per_year": 12 * length}[unit]
    found = bill(tariff(fixed(**{unit: rate(str(amount))}), flat("0")), load, zone).amount
    assert abs(Fraction(found) - slow) < Fraction(1, 10**12)


def test_the_words_of_a_fixed_charge_tell_its_days():
    priced = tariff(fixed(per_month=rate("300", source="order 5")))
    page = "\n".join(explain(bill(priced, TEN_DAYS, UTC), priced, UTC))
    assert "service (fixed, on the invoice of: energy)" in page
    assert "month x 300 KGS/month" in page
    assert "source: order 5" in page
