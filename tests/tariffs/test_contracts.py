"""What was agreed beforehand: reserved power, authorised energy, take or pay."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.authorised import AuthorisedEnergy, Event
from agent.tariffs.bill import bill, price_at
from agent.tariffs.charging import charged
from agent.tariffs.explain import explain
from agent.tariffs.load import Load
from agent.tariffs.reserved import Excess, ReservedPower
from agent.tariffs.take_or_pay import TakeOrPay
from agent.tariffs.when import Times
from tests.tariffs.loads import BISHKEK, HOUR, QUARTER, amounts, days, figure, instants, rate, rates, tariff
from tests.tariffs.test_demand import with_peaks
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure


def amount(component, load, zone=BISHKEK):
    return bill(tariff(component), load, zone).amount


def reserved(**told):
    bands = (Excess(up_to_pct=Decimal(10), per_kw=rate("20")), Excess(per_kw=rate("30")))
    return ReservedPower(name="power", **{"kw": rate("200"), "per_kw": rate("10"), "excess": bands, **told})


def test_contracted_power_is_charged_drawn_or_not_and_excess_by_bands():
    assert amount(reserved(), with_peaks()) == 2000  # 100 kW drawn of 200
    assert amount(reserved(), with_peaks((7, 10, 0, "75"))) == 2000 + 20 * 20 + 80 * 30
    assert amount(reserved(excess=()), with_peaks((7, 10, 0, "75"))) == 2000


def test_a_tolerance_forgives_what_stays_within_it_and_nothing_beyond():
    assert amount(reserved(tolerance_pct=Decimal(5)), with_peaks((7, 10, 0, "52.5"))) == 2000  # 210 kW
    assert amount(reserved(tolerance_pct=Decimal(5)), with_peaks((7, 10, 0, "53"))) == 2000 + 12 * 20


def test_a_contract_goes_by_its_window_hours_dates_and_part_of_a_month():
    load = with_peaks((7, 10, 0, "75"))  # a Wednesday
    assert amount(reserved(window_min=60), load) == 2000
    night = Times(hours=("22:00-06:00",))
    assert amount(reserved(when=night), load) == 2000
    raised = rates(figure("200", until=datetime(2026, 1, 1, tzinfo=UTC).date()), figure("300", from_=_day(2026, 1, 1)))
    assert amount(reserved(kw=raised), load) == 3000
    half = days((2026, 4, 1), (2026, 4, 16), BISHKEK)
    assert amount(reserved(excess=()), half) == 1000


def _day(year, month, day):
    return datetime(year, month, day, tzinfo=UTC).date()


def authorised(**told):
    return AuthorisedEnergy(
        name="energy", **{"kw": rate("1000"), "per_kwh": rate("4"), "per_kwh_above": rate("17"), **told}
    )


def test_energy_above_the_authorised_power_of_its_step_has_its_own_price():
    load = Load(start=datetime(2026, 1, 1, tzinfo=UTC), step=QUARTER, kwh=tuple(map(Decimal, (100, 250, 300))))
    assert amount(authorised(), load) == 4 * (100 + 250 + 250) + 17 * 50


def test_a_limit_may_hold_in_named_hours_alone():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    load = Load(start=start, step=HOUR, kwh=(Decimal(1000),) * 6)
    event = Event(from_=start + 90 * timedelta(minutes=1), until=start + 3 * HOUR)
    within = authorised(kw=rate("50"), per_kwh=rate("0"), per_kwh_above=rate("1"), events=(event,))
    assert amount(within, load) == 500 - 25 + 1000 - 50


def test_intervals_of_the_ledger_add_up_to_the_bill_of_authorised_energy():
    load = with_peaks((7, 10, 0, "75"), (8, 3, 0, "9"), step=HOUR)
    priced = tariff(authorised(kw=rate("20")))
    pieces = (
        charged(priced, int(kwh * 1000), load.start + at * HOUR, load.start + (at + 1) * HOUR, BISHKEK).cost
        for at, kwh in enumerate(load.kwh)
    )
    assert sum(pieces) == bill(priced, load, BISHKEK).amount


@given(
    start=instants(),
    kwh=st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=2, max_size=120),
    zone=st.sampled_from(ZONES),
)
@settings(max_examples=40, deadline=None)
def test_authorised_energy_is_what_looking_at_every_step_gives(start, kwh, zone):
    load = Load(start=start, step=QUARTER, kwh=tuple(kwh))
    slow = sum(4 * min(Fraction(one), 30) + 17 * max(Fraction(one) - 30, 0) for one in kwh)
    assert abs(Fraction(amount(authorised(kw=rate("120")), load, zone)) - slow) < Fraction(1, 10**12)


MONTHS = days((2026, 1, 1), (2027, 1, 1), BISHKEK, "100", timedelta(days=1))  # 36,500 kWh


def test_what_was_bought_and_not_taken_is_paid():
    monthly = TakeOrPay(name="guarantee", kwh_per_month=Decimal(3100), per_kwh=rate("2"))
    found = bill(tariff(monthly), MONTHS, BISHKEK).months
    assert [amounts(month).get("guarantee", 0) for month in found][:4] == [0, 600, 0, 200]
    yearly = TakeOrPay(name="guarantee", kwh_per_year=Decimal(40_000), per_kwh=rate("2"))
    found = bill(tariff(yearly), MONTHS, BISHKEK).months
    assert [amounts(month).get("guarantee", 0) for month in found] == [*[0] * 11, 7000]
    page = "\n".join(explain(bill(tariff(yearly), MONTHS, BISHKEK), tariff(yearly), BISHKEK))
    assert "40000 kWh bought, 36500 taken: 3,500 kWh x 2 KGS/kWh = 7,000" in page


BAD = [
    (lambda: reserved(tolerance_pct=Decimal(-1)), "tolerance_pct is not negative"),
    (lambda: reserved(kw=rate("-1")), "kw must be known, and not negative"),
    (lambda: authorised(kw=rates(figure(None))), "kw must be known, and not negative"),
    (lambda: reserved(excess=(Excess(per_kw=rate("1")), Excess(per_kw=rate("2")))), "only the last block may have no"),
    (lambda: Event(from_=datetime(2026, 1, 1), until=datetime(2026, 1, 2, tzinfo=UTC)), "need an offset"),  # noqa: DTZ001
    (lambda: Event(from_=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)), "is not after"),
    (lambda: TakeOrPay(name="t", per_kwh=rate("1")), "needs either kwh_per_month or kwh_per_year"),
    (lambda: TakeOrPay(name="t", kwh_per_month=Decimal(0), per_kwh=rate("1")), "must be above 0"),
]


@pytest.mark.parametrize(("make", "said"), BAD, ids=[said for _, said in BAD])
def test_a_contract_that_cannot_be_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_one_more_kwh_of_an_instant_costs_what_it_does_within_the_authorised_power():
    assert price_at(tariff(authorised(kw=rate("20"))), datetime(2026, 1, 7, tzinfo=UTC), BISHKEK) == 4
