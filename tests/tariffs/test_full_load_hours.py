"""Full-load hours: the branch of a whole year, months that add up to it, and what is refused."""

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import bill
from agent.tariffs.full_load_hours import FullLoadHours, HoursBranch
from tests.tariffs.loads import BERLIN, HOUR, amounts, days, rate, tariff

pytestmark = pytest.mark.pure
LOAD = days((2025, 1, 1), (2026, 1, 1), BERLIN, "100", 24 * HOUR)


def two(first, second, key="per_kwh", bound="2500", **told):
    branches = (HoursBranch(**{key: rate(first)}), HoursBranch(hours_from=Decimal(bound), **{key: rate(second)}))
    return FullLoadHours(name="network", branch=branches, **told)


def months(component, load):
    return [amounts(month).get("network", 0) for month in bill(tariff(component), load, BERLIN).months]


def test_an_even_load_is_charged_alike_each_month_by_the_upper_branch():
    kwh = months(two("0.05", "0.005"), LOAD)
    assert kwh[0] == Decimal(LOAD.kwh[0]) * 31 * Decimal("0.005")
    assert months(two("10", "120", "per_kw_year"), LOAD)[0] == pytest.approx(LOAD.kwh[0] / 24 * 10)


def test_a_branch_that_changes_is_settled_for_the_year_so_far():
    load = replace(LOAD, kwh=(Decimal(24000), *[Decimal(2400)] * 364))  # one day of 1,000 kW, then 100 kW
    found = months(two("0.05", "0.005", bound="1100"), load)
    assert found[0] == (24000 + 30 * 2400) * Decimal("0.005")  # 96,000 kWh in January are 1,152 h a year
    assert sum(found) == sum(load.kwh) * Decimal("0.05")


@settings(max_examples=20, deadline=None)
@given(drawn=st.lists(st.integers(0, 5000), min_size=12, max_size=12), bound=st.integers(1, 8000))
def test_the_months_add_up_to_the_year_by_its_own_hours(drawn, bound):
    kwh = tuple(Decimal(drawn[min(at // 31, 11)]) for at in range(365))
    load = replace(LOAD, kwh=kwh)
    hours = sum(kwh) / (max(kwh) / 24) if any(kwh) else 0
    price = Decimal("0.02") if hours >= bound else Decimal("0.07")
    assert sum(months(two("0.07", "0.02", bound=bound), load)) == sum(kwh) * price


def test_years_are_settled_apart_and_end_when_they_are_told_to():
    load = days((2025, 1, 1), (2027, 1, 1), UTC, "24", 24 * HOUR)
    found = bill(tariff(two("12", "12", "per_kw_year", year_ends=6)), load, UTC)
    assert {round(amounts(month)["network"], 9) for month in found.months} == {1}


BAD = [
    ({"branch": ()}, "branch needs hours_from that rise from 0"),
    ({"branch": (HoursBranch(hours_from=Decimal(9), per_kwh=rate("1")),)}, "branch needs hours_from that rise from 0"),
    (
        {
            "branch": (
                HoursBranch(per_kwh=rate("1")),
                HoursBranch(hours_from=Decimal(1), per_kw_year=rate("1")),
            )
        },
        "branches are all per_kw_year or all per_kwh",
    ),
    ({"branch": (HoursBranch(per_kwh=rate("1")),), "year_ends": 13}, "year_ends must be 1 to 12"),
]


@pytest.mark.parametrize(("told", "sentence"), BAD, ids=[str(at) for at in range(len(BAD))])
def test_what_cannot_be_is_refused(told, sentence):
    with pytest.raises(ValueError, match=sentence):
        FullLoadHours(name="network", **told)


def test_a_branch_has_one_price():
    with pytest.raises(ValueError, match="needs either per_kw_year or per_kwh"):
        HoursBranch()
