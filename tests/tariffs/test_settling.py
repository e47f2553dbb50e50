"""What is done to a component's line: exchanged by dated rates, held between bounds, rounded by itself."""

from datetime import date
from decimal import Decimal

import pytest

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.charging import charged
from agent.tariffs.explain import explain
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.price_book import PriceBook
from agent.tariffs.settling import Settling
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BISHKEK, QUARTER, amounts, days, figure, flat, rate, rates, tariff

pytestmark = pytest.mark.pure
CHANGE = date(2026, 1, 11)
FX = {"USD": rates(figure("87", until=CHANGE, source="NBKR"), figure("88", from_=CHANGE, unconfirmed=True))}
JANUARY = days((2026, 1, 1), (2026, 2, 1), BISHKEK)  # 24,000 kWh a day


def settled(fx=None, components=None, **settlings):
    made = components or (flat("0.05"), Vat(pct=rate("10")))
    return tariff(*made, settlings={name: Settling(**told) for name, told in settlings.items()}, fx=fx or {})


def test_each_days_energy_is_exchanged_at_the_rate_of_its_day():
    found = amounts(bill(settled(FX, energy={"currency": "USD"}), JANUARY, BISHKEK).months[0])
    energy = 24_000 * Decimal("0.05") * (10 * 87 + 21 * 88)
    assert found == {"energy": energy, "VAT": energy / 10}


def test_the_words_tell_the_rate_and_doubts_its_doubt():
    priced = settled(FX, energy={"currency": "USD"})
    page = "\n".join(explain(bill(priced, JANUARY, BISHKEK), priced, BISHKEK))
    assert "240,000 kWh x 0.05 USD/kWh x 87 KGS/USD = 1,044,000" in page
    assert "504,000 kWh x 0.05 USD/kWh x 88 KGS/USD = 2,217,600" in page
    assert [*priced.doubts(date(2026, 1, 1), date(2026, 1, 31))] == ["fx USD: 88 from 2026-01-11 is not confirmed"]


def test_a_class_coefficient_multiplies_each_days_line_by_its_date_and_the_ledgers_intervals_too():
    coefficient = rates(figure("2", until=date(2026, 1, 2)), figure("2.5", from_=date(2026, 1, 2), unconfirmed=True))
    priced = tariff(flat("2.52"), Vat(pct=rate("10")), settlings={"energy": Settling(coefficient=coefficient)})
    load = days((2026, 1, 1), (2026, 1, 3), BISHKEK, "1")
    billed = bill(priced, load, BISHKEK)
    assert amounts(billed.months[0])["energy"] == 96 * Decimal("2.52") * Decimal("4.5")
    assert amounts(billed.months[0])["VAT"] == amounts(billed.months[0])["energy"] / 10
    assert "96 kWh x 2.52 KGS/kWh x coefficient 2 = 483.84" in "\n".join(explain(billed, priced, BISHKEK))
    assert charged(priced, 1000, load.start, load.start + QUARTER, BISHKEK).cost == Decimal("5.544")
    assert PriceBook(priced, BISHKEK).at(load.span.end - QUARTER) == Decimal("6.93")
    assert [*priced.doubts(date(2026, 1, 1), date(2026, 1, 2))] == [
        "energy coefficient: 2.5 from 2026-01-02 is not confirmed"
    ]


def test_a_day_without_a_rate_has_no_price_and_a_currency_without_rates_is_refused():
    late = {"USD": rates(figure("88", from_=CHANGE))}
    with pytest.raises(Unpriced, match="no figure for 2026-01-01"):
        bill(settled(late, energy={"currency": "USD"}), JANUARY, BISHKEK)
    with pytest.raises(ValueError, match="energy: fx has no rate of EUR in KGS"):
        settled(FX, energy={"currency": "EUR"})


def test_a_line_is_held_between_its_bounds_and_rounded_by_itself():
    load = days((2026, 1, 1), (2026, 2, 1), BISHKEK, "0.333")  # 991.008 kWh

    def energy(**told):
        return amounts(bill(settled(components=(flat("1"), Vat(pct=rate("10"))), energy=told), load, BISHKEK).months[0])

    assert energy(round=0) == {"energy": 991, "VAT": Decimal("99.1")}
    assert energy(round=-2)["energy"] == 1000
    assert energy(floor=Decimal(1200))["energy"] == 1200
    assert energy(cap=Decimal("500.5"), round=0)["energy"] == 501
    assert energy(floor=Decimal(1), cap=Decimal(2000))["energy"] == Decimal("991.008")


def test_the_words_tell_what_bounds_and_rounding_add():
    priced = settled(components=(flat("1"),), energy={"cap": Decimal("500.5"), "round": 0})
    page = "\n".join(explain(bill(priced, JANUARY, BISHKEK), priced, BISHKEK))
    assert "at most 500.5: -743,499.5" in page
    assert "rounded to 0 decimals: 0.5" in page


def test_intervals_of_the_ledger_are_exchanged_and_neither_bounded_nor_rounded():
    priced = settled(
        FX, (flat("0.05"), LevyPerKwh(name="fee", per_kwh=rate("1"))), energy={"currency": "USD", "round": 0}
    )
    piece = charged(priced, 1_010, JANUARY.start, JANUARY.start + QUARTER, BISHKEK)
    assert [one.amount for one in piece.amounts] == [Decimal("1.01") * Decimal("0.05") * 87, Decimal("1.01")]


BAD = [
    ({"floor": Decimal(2), "cap": Decimal(1)}, "cap 1 is below floor 2"),
    ({"round": 12}, "round must be -6 to 9"),
    ({"currency": "som"}, "currency must be an ISO 4217 code"),
]


@pytest.mark.parametrize(("told", "said"), BAD, ids=[said for _, said in BAD])
def test_a_settling_that_cannot_be_is_refused(told, said):
    with pytest.raises(ValueError, match=said):
        Settling(**told)
