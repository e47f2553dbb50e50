"""Energy bought by the hour: imbalances, dead band, excuses."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.authorised import Event
from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.explain import explain
from agent.tariffs.load import Load
from agent.tariffs.schedule import Bought, Purchases, Schedule
from tests.tariffs.loads import ALMATY, HOUR, QUARTER, tariff

pytestmark = pytest.mark.pure
START = datetime(2026, 7, 6, 19, tzinfo=UTC)


def schedule(*bought, step=HOUR, **told):
    intervals = tuple(Bought(**{name: Decimal(value) for name, value in one.items()}) for one in bought)
    factors = {"above_factor": Decimal("1.5"), "below_factor": Decimal("0.5")}
    return Schedule(name="market", file=Purchases(start=START, step=step, intervals=intervals), **{**factors, **told})


def load(*kwh, step=HOUR):
    return Load(start=START, step=step, kwh=tuple(map(Decimal, kwh)))


def amount(component, taken):
    return bill(tariff(component), taken, ALMATY).amount


HUNDRED = {"kwh": 100, "price": 10}


def test_what_was_bought_is_paid_and_imbalances_at_their_price():
    assert amount(schedule(HUNDRED, HUNDRED), load(100, 100)) == 2000
    assert amount(schedule(HUNDRED, HUNDRED), load(120, 100)) == 2000 + 20 * 15
    assert amount(schedule(HUNDRED, HUNDRED), load(70, 100)) == 2000 - 30 * 5
    both = {**HUNDRED, "above": 30, "below": -2}
    assert amount(schedule(both, both), load(120, 70)) == 2000 + 20 * 30 + 30 * 2


def test_a_dead_band_forgives_at_the_price_that_was_paid():
    assert amount(schedule(HUNDRED, HUNDRED, dead_band_pct=Decimal(5)), load(120, 90)) == 2000 + 50 + 15 * 15 - 50 - 25


def test_what_an_order_excuses_is_given_back_at_the_price_that_was_paid():
    excused = (Event(from_=START + HOUR, until=START + 2 * HOUR),)
    assert amount(schedule(HUNDRED, HUNDRED, excused=excused), load(0, 0)) == 2000 - 500 - 1000


def test_an_hour_is_weighed_as_a_whole_and_prices_may_be_by_the_megawatt_hour():
    quarters = load(50, 0, 25, 25, 100, 0, 0, 0, step=QUARTER)
    assert amount(schedule(HUNDRED, HUNDRED), quarters) == 2000
    assert amount(schedule({"kwh": 100, "price": 10_000}, HUNDRED, per="MWh"), load(100, 100)) == 1000 + 1


def test_what_was_not_bought_has_no_price_and_factors_are_said():
    with pytest.raises(Unpriced, match="nothing was bought for 2026-07-06T21:00Z"):
        amount(schedule(HUNDRED, HUNDRED), load(1, 1, 1))
    with pytest.raises(ValueError, match="needs below_factor, since the file has no column below"):
        schedule({**HUNDRED, "above": 1}, below_factor=None)
    with pytest.raises(ValueError, match="dead_band_pct is not negative"):
        schedule(HUNDRED, dead_band_pct=Decimal(-1))


def test_the_words_tell_what_was_bought_and_what_was_not_drawn():
    priced = tariff(schedule(HUNDRED, HUNDRED))
    page = "\n".join(explain(bill(priced, load(70, 120), ALMATY), priced, ALMATY))
    assert "2026-07-07, bought: 200 kWh x 10 KGS/kWh = 2,000" in page
    assert "2026-07-07, not drawn: -30 kWh x 5 KGS/kWh = -150" in page
    assert "2026-07-07, above: 20 kWh x 15 KGS/kWh = 300" in page


KWH = st.decimals(min_value=0, max_value=300, places=1)


@given(
    hours=st.lists(st.tuples(KWH, KWH, st.decimals(-5, 50, places=2)), min_size=2, max_size=50), band=st.integers(0, 20)
)
@settings(max_examples=40, deadline=None)
def test_a_schedule_is_what_weighing_hour_by_hour_gives(hours, band):
    slow = Fraction(0)
    for bought, drawn, price in ((Fraction(one) for one in hour) for hour in hours):
        near = bought * band / 100
        deviation = drawn - bought
        within = max(-near, min(near, deviation))
        beyond = deviation - within
        slow += price * (bought + within) + beyond * price * (Fraction(3, 2) if beyond > 0 else Fraction(1, 2))
    made = schedule(*({"kwh": one, "price": price} for one, _, price in hours), dead_band_pct=Decimal(band))
    found = amount(made, load(*(drawn for _, drawn, _ in hours)))
    assert abs(Fraction(found) - slow) < Fraction(1, 10**12)
