"""Least charges: by the month and by the year, on what they name."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import bill
from agent.tariffs.fixed import Fixed
from agent.tariffs.load import Load
from agent.tariffs.minimum import Minimum
from tests.tariffs.loads import BISHKEK, amounts, days, flat, rate, tariff

pytestmark = pytest.mark.pure
YEAR = days((2026, 1, 1), (2027, 1, 1), BISHKEK, "10", timedelta(days=1))
SERVICE = Fixed(name="service", per_month=rate("50"))


def short(least, load=YEAR, *components):
    priced = tariff(*(components or (flat("1"), SERVICE)), least)
    return [amounts(month).get("least", 0) for month in bill(priced, load, BISHKEK).months]


def test_what_a_month_comes_short_of_is_charged():
    assert short(Minimum(name="least", per_month=rate("360")))[:4] == [0, 30, 0, 10]
    assert short(Minimum(name="least", per_month=rate("310"), on=("energy",)))[:4] == [0, 30, 0, 10]


def test_what_a_year_comes_short_of_is_charged_at_its_end():
    assert short(Minimum(name="least", per_year=rate("5000"))) == [*[0] * 11, 5000 - 3650 - 600]
    assert short(Minimum(name="least", per_year=rate("4000"))) == [0] * 12
    ends_in_june = short(Minimum(name="least", per_year=rate("6000"), year_ends=6))
    assert ends_in_june == [*[0] * 5, 3000 - 1810 - 300, *[0] * 6]  # six months of the year are in the load


def test_a_part_of_a_month_is_held_to_its_days():
    half = days((2026, 4, 1), (2026, 4, 16), BISHKEK, "1", timedelta(days=1))
    assert short(Minimum(name="least", per_month=rate("300")), half, flat("1")) == [150 - 15]
    assert short(Minimum(name="least", per_month=rate("300"), prorate="none"), half, flat("1")) == [300 - 15]


def test_a_credit_does_not_make_it_larger():
    assert short(Minimum(name="least", per_month=rate("300")), YEAR, flat("-5"))[0] == 300


@pytest.mark.parametrize("told", [{}, {"per_month": rate("1"), "per_year": rate("1")}])
def test_exactly_one_unit_is_named(told):
    with pytest.raises(ValueError, match="needs either per_month or per_year"):
        Minimum(name="least", **told)


@given(
    kwh=st.lists(st.decimals(min_value=0, max_value=40, places=2), min_size=90, max_size=90),
    least=st.decimals(min_value=0, max_value=900, places=2),
)
@settings(max_examples=15, deadline=None)
def test_a_bill_is_never_below_its_least_and_above_it_by_nothing(kwh, least):
    load = Load(start=YEAR.start, step=YEAR.step, kwh=tuple(kwh))
    priced = tariff(flat("1"), Minimum(name="least", per_month=rate(str(least)), prorate="none"))
    for month in bill(priced, load, BISHKEK).months:
        assert month.amount == max(month.kwh, Decimal(least))
