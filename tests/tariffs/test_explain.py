"""A bill in words, held against a page that was checked by hand: tests/tariffs/explained.txt."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.explain import explain, shown
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.time_of_use import Period, TimeOfUse
from agent.tariffs.vat import Vat
from tests.tariffs.loads import ALMATY, days, figure, flat, rate, rates, tariff

pytestmark = pytest.mark.pure
PAGE = Path(__file__).parent / "explained.txt"


def priced():
    energy = TimeOfUse(
        name="energy",
        party="seller",
        period=(
            Period(name="day", per_kwh=rate("46", source="contract 7, annex 2"), hours=("10:00-24:00",)),
            Period(name="night", per_kwh=rate("26", source="contract 7, annex 2")),
        ),
    )
    vat = Vat(
        party="seller",
        pct=rates(figure("12", until=date(2024, 3, 1), source="made up"), figure("16.5", date(2024, 3, 1))),
    )
    fee = LevyPerKwh(name="mining fee", per_kwh=rate("1", unconfirmed=True))
    return tariff(energy, vat, fee, currency="KZT", name="A farm near Ekibastuz")  # fmt: skip


def test_a_bill_in_words_is_the_page_that_was_checked_by_hand():
    load = days((2024, 2, 29), (2024, 3, 3), ALMATY, "250.125")
    billed = bill(priced(), load, ALMATY)
    assert "\n".join(explain(billed, priced(), ALMATY)) + "\n" == PAGE.read_text(encoding="utf-8")


def test_doubts_name_each_figure_in_use_that_is_not_known_or_not_confirmed():
    first, last = date(2024, 2, 29), date(2024, 3, 2)
    assert [*priced().doubts(first, last)] == ["mining fee: 1 of all times is not confirmed"]
    unknown = Vat(pct=rates(figure("12", until=date(2024, 3, 2)), figure(None, date(2024, 3, 2), source="nobody says")))
    assert [*tariff(flat(), unknown).doubts(first, first)] == []
    assert [*tariff(flat(), unknown).doubts(first, last)] == [
        "VAT: the figure from 2024-03-02 is not known, so that nothing is charged for it (nobody says)"
    ]


def test_doubts_name_each_year_in_which_holidays_are_priced_and_not_dated():
    holiday = Period(name="holiday", per_kwh=rate("1"), days=("holiday",))
    energy = TimeOfUse(name="energy", period=(holiday, Period(name="rest", per_kwh=rate("2"))))
    dated = tariff(energy, days={date(2025, 1, 1): "holiday", date(2026, 5, 9): "thu"})
    assert [*dated.doubts(date(2025, 6, 1), date(2026, 6, 1))] == [
        "energy: a period names holidays, and the tariff dates none in 2026"
    ]


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ((flat(), flat()), "energy: two components have this name"),
        ((Vat(pct=rate("12"), on=("energy",)), flat()), "VAT: on names energy"),
    ],
)
def test_a_component_is_charged_on_what_stands_before_it_alone(components, said):
    with pytest.raises(ValueError, match=said):
        tariff(*components)


def test_a_figure_that_does_not_end_is_cut_and_says_so():
    assert [shown(Decimal(one)) for one in ("1234.12345678", "-3976.55655058494", "0.000000004", "1E+3")] == [
        "1,234.12345678",
        "-3,976.55655…",
        "0…",
        "1,000",
    ]
