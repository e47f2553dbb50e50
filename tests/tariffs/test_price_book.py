"""Prices that are looked up are those that are worked out, at every instant."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, price_at
from agent.tariffs.blocks import Block, BlockPeriod, Blocks
from agent.tariffs.flat import Flat
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import Taken
from agent.tariffs.price_book import PriceBook
from agent.tariffs.settling import Settling
from agent.tariffs.time_of_use import Period, TimeOfUse
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BERLIN, BISHKEK, figure, instants, rate, rates, tariff
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure
CHANGE = date(2025, 5, 1)
PRICED = tariff(
    TimeOfUse(
        name="energy",
        period=(
            Period(name="peak", per_kwh=rate("46"), days=("mon-fri",), hours=("08:30-23:10",)),
            Period(name="winter", per_kwh=rate("30"), days=("sat-sun", "holiday"), months=(1, 12)),
            Period(name="rest", per_kwh=rate("26")),
        ),
    ),
    LevyPerKwh(name="fee", per_kwh=rates(figure("1", until=CHANGE), figure("2", from_=CHANGE))),
    Vat(pct=rate("12")),
    settlings={"energy": Settling(currency="USD", round=2)},
    fx={"USD": rates(figure("87", until=date(2026, 2, 10)), figure("88", from_=date(2026, 2, 10)))},
    days={date(2026, 1, 1): "holiday", date(2026, 3, 28): "fri"},
)


@given(found=st.lists(instants(5), min_size=1, max_size=20), zone=st.sampled_from(ZONES))
@settings(max_examples=25, deadline=None)
def test_a_price_is_the_same_however_often_it_is_asked(found, zone):
    book = PriceBook(PRICED, zone)
    for at in [one + shift for one in found for shift in (timedelta(0), timedelta(minutes=7), timedelta(hours=1))]:
        assert book.at(at) == price_at(PRICED, at, zone)


def test_a_price_that_depends_on_what_was_drawn_is_worked_out_each_time():
    listed = (Block(up_to=Decimal(100), per_kwh=rate("1")), Block(per_kwh=rate("2")))
    book = PriceBook(tariff(Blocks(name="energy", period=(BlockPeriod(name="all", block=listed),))), BERLIN)
    at = datetime(2026, 1, 7, 12, tzinfo=UTC)
    assert [book.at(at, Taken(month_kwh=Decimal(kwh))) for kwh in (0, 100)] == [1, 2]


def test_a_day_without_a_figure_has_no_price():
    book = PriceBook(tariff(Flat(name="e", per_kwh=rates(figure("1", from_=CHANGE)))), BISHKEK)
    with pytest.raises(Unpriced, match="no figure for 2025-04-30"):
        book.at(datetime(2025, 4, 30, 12, tzinfo=BISHKEK))
    assert book.at(datetime(2025, 5, 1, 12, tzinfo=BISHKEK)) == 1
