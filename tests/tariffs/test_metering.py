"""From what was counted to what is billed: ratios, losses, and how sure a row is."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tariffs.bill import bill
from agent.tariffs.explain import explain
from agent.tariffs.metering import Metering
from agent.tariffs.periods import Span, months
from agent.tariffs.quality import estimated_kwh, estimates
from tests.tariffs.loads import BERLIN, BISHKEK, HOUR, amounts, days, flat, instants, tariff

pytestmark = pytest.mark.pure
APRIL = days((2026, 4, 1), (2026, 5, 1), BISHKEK, "1", HOUR)  # 720 h of 1 kWh
ALL = Metering(multiplier=Decimal(40), loss_pct=Decimal("1.5"), no_load_kwh_per_month=Decimal(1000))


def test_a_month_is_billed_with_its_ratio_and_its_losses():
    billed = bill(tariff(flat("2")), ALL.load(APRIL, BISHKEK), BISHKEK)
    assert billed.months[0].kwh == 720 * 40 * Decimal("1.015") + 1000 == 30232
    assert amounts(billed.months[0]) == {"energy": 60464}
    assert round(billed.months[0].peak_kw, 6) == round(Decimal("40.6") + Decimal(1000) / 720, 6)


def test_what_is_plain_is_left_alone():
    assert Metering(first_day=7).load(APRIL, BISHKEK) is APRIL
    assert Metering().in_words() == ""


def test_export_loses_on_its_way_and_reactive_energy_is_multiplied_alone():
    load = replace(APRIL, export_kwh=APRIL.kwh, kvarh=APRIL.kwh, kvarh_lead=APRIL.kwh)
    found = ALL.load(load, BISHKEK)
    assert (found.export_kwh[0], found.kvarh[0], found.kvarh_lead[0]) == (Decimal("39.4"), 40, 40)


@given(start=instants(), hours=st.integers(1, 3000), day=st.integers(1, 28), zone=st.sampled_from([BISHKEK, BERLIN]))
def test_losses_without_load_add_up_to_the_months(start, hours, day, zone):
    metering = Metering(no_load_kwh_per_month=Decimal(1000), first_day=day)
    span = Span(start=start, end=start + hours * HOUR)
    pieces = [Span(start=start + at * HOUR, end=start + (at + 1) * HOUR) for at in range(hours)]
    whole = metering.kwh(Decimal(0), span, zone)
    assert sum(metering.kwh(Decimal(0), piece, zone) for piece in pieces[:50]) == metering.kwh(
        Decimal(0), Span(start=start, end=pieces[:50][-1].end), zone
    )
    inner = [*months(span, zone, day)][1:-1]
    assert all(metering.kwh(Decimal(0), month, zone) == 1000 for month in inner)
    assert 0 < whole < 1000 * (len(inner) + 2)


def test_bills_begin_on_their_day_and_each_has_a_months_losses():
    metering = Metering(no_load_kwh_per_month=Decimal(300), first_day=10)
    load = metering.load(days((2026, 3, 10), (2026, 5, 10), BISHKEK, "0", HOUR), BISHKEK)
    billed = bill(tariff(flat("1")), load, BISHKEK, first_day=10)
    assert [(month.month, month.kwh) for month in billed.months] == [("2026-03", 300), ("2026-04", 300)]


def test_the_calculation_says_how_the_load_was_metered():
    load = ALL.load(APRIL, BISHKEK)
    lines = [*explain(bill(tariff(flat("2")), load, BISHKEK), tariff(flat("2")), BISHKEK, ALL.in_words())]
    assert lines[1] == (
        "Billed is what was metered with the meter's figures x 40, 1.5 % of losses to the boundary, "
        "1000 kWh a month of losses without load"
    )


def test_estimated_steps_are_told_by_months():
    load = days((2026, 3, 30), (2026, 4, 3), BISHKEK, "10", HOUR)
    load = replace(load, quality=("",) * 24 + ("E",) * 24 + ("measured",) * 24 + ("estimated",) * 12 + ("",) * 12)
    billed = bill(tariff(flat("1")), load, BISHKEK)
    assert [estimated_kwh(load, month.span) for month in billed.months] == [240, 120]
    assert [*estimates(billed, load)][1] == "2026-04: 120 kWh are estimated reads, which may be corrected yet"
    assert estimated_kwh(APRIL, APRIL.span) is None
