"""Hashprice and break-even against the figures worked out in the reference, and quotes through time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.planning.economics import (
    Earning,
    Network,
    blocks_per_day,
    break_even_per_kwh,
    earned,
    subsidy_btc,
)
from agent.planning.hashprice import Quote, Quotes, Revenue, rate_on
from tests.tariffs.loads import figure, rate, rates

pytestmark = pytest.mark.pure
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHECKED = Network(difficulty=Decimal(10**14), height=900_000, fees_btc=Decimal(0), price=Decimal(100_000))
FEE = Earning(per_ph_day=Decimal("62.86"), currency="USD", pool_fee_pct=Decimal(1), rate=Decimal(1))


def near(found, told, digits):
    return round(found, digits) == Decimal(told)


def test_the_checked_example_of_a_petahash_a_day():
    assert near(blocks_per_day(Decimal(10**15), CHECKED.difficulty) * 10**4, "2.0117", 4)
    assert near(CHECKED.per_ph_day / CHECKED.price * 10**4, "6.286", 3)
    assert near(CHECKED.per_ph_day, "62.86", 2)
    assert near(CHECKED.difficulty * 2**32 / 600 / 10**18, "715.8", 1)  # EH/s of the network


@pytest.mark.parametrize(
    ("height", "told"),
    [
        (0, "50"), (209_999, "50"), (210_000, "25"), (839_999, "6.25"), (840_000, "3.125"), (1_049_999, "3.125"),
        (1_050_000, "1.5625"), (33 * 210_000, "0"), (70 * 210_000, "0"),
    ],
)  # fmt: skip
def test_the_subsidy_halves_each_210_000_blocks(height, told):
    assert subsidy_btc(height) == Decimal(told)


def test_fees_are_earned_beside_the_subsidy():
    with_fees = Network(difficulty=CHECKED.difficulty, height=900_000, fees_btc=Decimal("3.125"), price=CHECKED.price)
    assert with_fees.per_ph_day == pytest.approx(CHECKED.per_ph_day * 2)


@pytest.mark.parametrize(("j_th", "told"), [("17.5", "0.1482"), ("21.5", "0.1206"), ("30", "0.0864"), ("34", "0.0763")])
def test_the_checked_break_evens(j_th, told):
    assert near(break_even_per_kwh(FEE, Decimal(j_th)), told, 4)


def test_pool_revenue_tax_pue_and_exchange_all_bear_on_break_even():
    taxed = Earning(
        per_ph_day=Decimal(100), currency="USD", pool_fee_pct=Decimal(2), revenue_tax_pct=Decimal(10),
        pue=Decimal("1.25"), rate=Decimal(80),
    )  # fmt: skip
    # 100 x 0.98 x 0.9 x 80 / (24 x 20 x 1.25)
    assert break_even_per_kwh(taxed, Decimal(20)) == Decimal("11.76")
    assert break_even_per_kwh(taxed, Decimal(0)) is None
    mostly = replace(taxed, uptime_pct=Decimal(95))
    assert break_even_per_kwh(mostly, Decimal(20)) == Decimal("11.172")
    day_th = Decimal(1000 * 86_400)
    assert earned(mostly, day_th) == earned(taxed, day_th)  # what was hashed is paid


@given(st.decimals("0.01", "1000", places=2), st.integers(5, 120))
def test_at_the_break_even_price_a_machine_earns_what_its_energy_costs(per_ph_day, j_th):
    told = Earning(per_ph_day=per_ph_day, currency="USD", pool_fee_pct=Decimal("1.5"), rate=Decimal(1))
    price = break_even_per_kwh(told, Decimal(j_th))
    day_th = Decimal(1000 * 86_400)
    assert price * 24 * j_th == pytest.approx(earned(told, day_th), rel=Decimal("1e-8"), abs=Decimal("1e-8"))


# quotes -------------------------------------------------------------------------------------------------------


def quote(at, price):
    return Quote(at=at, per_ph_day=Decimal(price), said="csv")


def test_the_last_quote_holds_until_it_is_too_old_then_what_is_known_by_hand():
    quotes = Quotes(by_hand=Decimal(40), stale=HOUR, source="csv")
    assert (quotes.per_ph_day(NOON), "no hashprice came" in quotes.doubt(NOON)) == (40, True)
    assert quotes.heard(quote(NOON, "50"))
    assert quotes.heard(quote(NOON + HOUR / 2, "55"))
    told = [quotes.per_ph_day(NOON + minutes * timedelta(minutes=1)) for minutes in (-1, 0, 29, 30, 90, 91)]
    assert told == [40, 50, 50, 55, 55, 40]
    assert quotes.doubt(NOON) is None
    assert "the last hashprice is of 2026-06-01 12:30Z: 40 by hand holds" in quotes.doubt(NOON + 2 * HOUR)


def test_without_a_figure_by_hand_a_stale_feed_earns_nothing_that_is_known():
    quotes = Quotes(stale=HOUR, source="http", trouble="it answers 500")
    quotes.heard(quote(NOON, "50"))
    assert quotes.per_ph_day(NOON + 2 * HOUR) is None
    assert quotes.doubt(NOON + 2 * HOUR).endswith("nothing is known to be earned; it answers 500")
    terms = Revenue(quotes=quotes, currency="USD")
    assert terms.earning(NOON, "USD", UTC).per_ph_day == 50
    assert terms.earning(NOON + 2 * HOUR, "USD", UTC) is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=12), st.integers(0, 25))
def test_quotes_may_come_in_any_order(told, at):
    """Against looking through all of them for the latest; of one instant the last that came counts."""
    quotes = Quotes(stale=5 * HOUR, source="mqtt")
    for hour, price in told:
        quotes.heard(quote(NOON + hour * HOUR, price))
    known = [(hour, came, price) for came, (hour, price) in enumerate(told) if at - 5 <= hour <= at]
    assert quotes.per_ph_day(NOON + at * HOUR) == (max(known)[2] if known else None)


def test_a_rate_of_exchange_is_that_of_the_day_by_the_pair_or_its_inverse():
    fx = {
        "USD/KGS": rates(figure("86", None, date(2026, 1, 1)), figure("88", date(2026, 1, 1), date(2026, 7, 1))),
        "KZT/USD": rate("0.002"),
    }
    assert rate_on(fx, "USD", "KGS", date(2025, 12, 31)) == 86
    assert rate_on(fx, "USD", "KGS", date(2026, 1, 1)) == 88
    assert rate_on(fx, "USD", "KGS", date(2026, 7, 1)) is None
    assert rate_on(fx, "USD", "KZT", date(2026, 1, 1)) == 500
    assert rate_on(fx, "USD", "EUR", date(2026, 1, 1)) is None
    assert rate_on(fx, "USD", "USD", date(2026, 1, 1)) == 1
