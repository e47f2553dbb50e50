"""A levy whose rate goes by the average price that was paid."""

from decimal import Decimal

import pytest

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.charging import charged
from agent.tariffs.explain import explain
from agent.tariffs.fixed import Fixed
from agent.tariffs.levy_by_price import LevyByPrice, PriceRow
from tests.tariffs.loads import ALMATY, QUARTER, amounts, days, flat, rate, tariff

pytestmark = pytest.mark.pure
JANUARY = days((2026, 1, 1), (2026, 2, 1), ALMATY)  # 744,000 kWh


def row(price_from, per_kwh):
    return PriceRow(price_from=Decimal(price_from), per_kwh=rate(per_kwh))


ROWS = (row(0, "25"), row(10, "7"), row("20", "3"), row("24", "1"))


def levied(price, rows=ROWS, **told):
    priced = tariff(flat(price), LevyByPrice(name="fee", row=rows, **told), currency="KZT")
    return amounts(bill(priced, JANUARY, ALMATY).months[0])["fee"] / 744_000


@pytest.mark.parametrize(("price", "levy"), [("0", 25), ("9.99", 25), ("10", 7), ("23.999", 3), ("24", 1), ("99", 1)])
def test_the_row_is_that_of_the_average_price(price, levy):
    assert levied(price) == levy


def test_the_average_is_of_the_components_that_it_names():
    service = Fixed(name="service", per_month=rate("7440000"))  # 10 a kWh
    fee = LevyByPrice(name="fee", row=ROWS)
    priced = tariff(flat("15"), service, fee, LevyByPrice(name="other", row=ROWS, on=("energy",)))
    found = amounts(bill(priced, JANUARY, ALMATY).months[0])
    assert (found["fee"], found["other"]) == (744_000, 7 * 744_000)


def test_an_average_below_every_row_has_no_price_and_rows_rise():
    with pytest.raises(Unpriced, match="no row is for an average price of 4"):
        levied("4", ROWS[1:])
    with pytest.raises(ValueError, match="the row from 0 stands after the one from 10"):
        LevyByPrice(name="fee", row=(ROWS[1], ROWS[0]))
    with pytest.raises(ValueError, match="needs at least one row"):
        LevyByPrice(name="fee", row=())


def test_it_is_known_when_the_month_is_over_and_no_interval_bears_it():
    priced = tariff(flat("15"), LevyByPrice(name="fee", row=ROWS), currency="KZT")
    piece = charged(priced, 1000, JANUARY.start, JANUARY.start + QUARTER, ALMATY)
    assert [one.name for one in piece.amounts] == ["energy"]
    page = "\n".join(explain(bill(priced, JANUARY, ALMATY), priced, ALMATY))
    assert "average price 15: 744,000 kWh x 7 KZT/kWh = 5,208,000" in page
