"""Energy at the price of its interval: day-ahead and real-time series."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.explain import explain
from agent.tariffs.load import Load
from agent.tariffs.series import Prices, Series
from tests.tariffs.loads import BERLIN, HOUR, QUARTER, instants, rate, tariff
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure
START = datetime(2026, 10, 24, 22, tzinfo=UTC)  # the day of 25 hours in Berlin begins


def series(values, start=START, step=HOUR, **told):
    return Series(name="spot", file=Prices(start=start, step=step, values=tuple(map(Decimal, values))), **told)


def load(kwh, start=START, step=HOUR):
    return Load(start=start, step=step, kwh=tuple(map(Decimal, kwh)))


def test_each_interval_has_its_price_also_below_zero_and_in_the_hour_that_comes_twice():
    prices = [str(at) for at in range(25)]
    prices[3] = "-50"
    found = bill(tariff(series(prices)), load(["10"] * 25), BERLIN)
    assert found.amount == 10 * (sum(range(25)) - 3 - 50)


def test_losses_and_margins_are_laid_on_the_price():
    told = {"per": "MWh", "loss_pct": Decimal(2), "margin_pct": Decimal(10), "margin_per_kwh": rate("0.001")}
    found = bill(tariff(series(["50", "100"], **told)), load(["1000", "1000"]), BERLIN)
    assert found.amount == 150 * Decimal("1.02") * Decimal("1.1") + 2


def test_an_hour_of_energy_is_even_over_its_quarters():
    found = bill(tariff(series(["1", "2", "3", "4"] * 2, step=QUARTER)), load(["100", "40"]), BERLIN)
    assert found.amount == 25 * 10 + 10 * 10


def test_an_interval_without_a_price_has_none():
    with pytest.raises(Unpriced, match="no price for 2026-10-25T00:00Z: they are known from 2026-10-24T22:00Z until"):
        bill(tariff(series(["1", "2"])), load(["1"] * 3), BERLIN)
    with pytest.raises(Unpriced, match="no price for 2026-10-24T21:00Z"):
        bill(tariff(series(["1", "2"])), load(["1"] * 3, START - HOUR), BERLIN)


def test_its_words_tell_each_days_prices():
    priced = tariff(series(["10", "-5"]))
    page = "\n".join(explain(bill(priced, load(["3", "1"]), BERLIN), priced, BERLIN))
    assert "2026-10-25, 2 prices from -5 to 10: 4 kWh x 6.25 KGS/kWh = 25" in page


KWH = st.lists(st.decimals(min_value=0, max_value=900, places=2), min_size=2, max_size=80)


@given(start=instants(), kwh=KWH, data=st.data(), zone=st.sampled_from(ZONES), minutes=st.sampled_from([15, 30, 60]))
@settings(max_examples=50, deadline=None)
def test_a_series_is_what_pricing_every_quarter_of_an_hour_gives(start, kwh, data, zone, minutes):
    step = timedelta(minutes=minutes)
    prices = data.draw(st.lists(st.decimals(-90, 900, places=2), min_size=len(kwh), max_size=len(kwh)))
    begin = start - timedelta(minutes=start.minute % minutes)
    component = series(prices * 2, begin, step, margin_per_kwh=rate("0.5"), loss_pct=Decimal(3))
    slow = Fraction(0)
    for at, taken in enumerate(kwh):
        for quarter in range(minutes // 15):
            when = begin + at * step + quarter * QUARTER
            price = Fraction(prices[(when - begin) // step]) * Fraction(103, 100) + Fraction(1, 2)
            slow += Fraction(taken) * 15 / minutes * price
    found = bill(tariff(component), load(kwh, begin, step), zone).amount
    assert abs(Fraction(found) - slow) < Fraction(1, 10**12)
