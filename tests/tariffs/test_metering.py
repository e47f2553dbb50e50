"""From what was counted to what is billed: ratios, losses, and how sure a row is."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tariffs.bill import bill
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.explain import explain
from agent.tariffs.fixed import Fixed
from agent.tariffs.metering import Metering
from agent.tariffs.periods import ReadTime, Span, months
from agent.tariffs.quality import estimated_kwh, estimates
from tests.tariffs.loads import BERLIN, BISHKEK, HOUR, amounts, days, even, flat, instants, rate, tariff

pytestmark = pytest.mark.pure
APRIL = days((2026, 4, 1), (2026, 5, 1), BISHKEK, "1", HOUR)  # 720 h of 1 kWh
ALL = Metering(multiplier=Decimal(40), loss_pct=Decimal("1.5"), no_load_kwh_per_month=Decimal(1000))


def test_a_month_is_billed_with_its_ratio_and_its_losses():
    billed = bill(tariff(flat("2")), ALL.load(APRIL, BISHKEK), BISHKEK)
    assert billed.months[0].kwh == 720 * 40 * Decimal("1.015") + 1000 == 30232
    assert amounts(billed.months[0]) == {"energy": 60464}
    assert round(billed.months[0].peak_kw, 6) == round(Decimal("40.6") + Decimal(1000) / 720, 6)


def test_what_is_plain_is_left_alone():
    assert Metering(read=ReadTime(7)).load(APRIL, BISHKEK) is APRIL
    assert Metering().in_words() == ""


def test_export_loses_on_its_way_and_reactive_energy_is_multiplied_alone():
    load = replace(APRIL, export_kwh=APRIL.kwh, kvarh=APRIL.kwh, kvarh_lead=APRIL.kwh)
    found = ALL.load(load, BISHKEK)
    assert (found.export_kwh[0], found.kvarh[0], found.kvarh_lead[0]) == (Decimal("39.4"), 40, 40)


READS = st.builds(ReadTime, day=st.integers(1, 28), hour=st.integers(0, 23))


@given(start=instants(), hours=st.integers(1, 3000), read=READS, zone=st.sampled_from([BISHKEK, BERLIN]))
def test_losses_without_load_add_up_to_the_months(start, hours, read, zone):
    metering = Metering(no_load_kwh_per_month=Decimal(1000), read=read)
    span = Span(start=start, end=start + hours * HOUR)
    pieces = [Span(start=start + at * HOUR, end=start + (at + 1) * HOUR) for at in range(hours)]
    whole = metering.kwh(Decimal(0), span, zone)
    assert sum(metering.kwh(Decimal(0), piece, zone) for piece in pieces[:50]) == metering.kwh(
        Decimal(0), Span(start=start, end=pieces[:50][-1].end), zone
    )
    inner = [*months(span, zone, read)][1:-1]
    assert all(metering.kwh(Decimal(0), month, zone) == 1000 for month in inner)
    assert 0 < whole < 1000 * (len(inner) + 2)


def test_bills_begin_on_their_day_and_each_has_a_months_losses():
    metering = Metering(no_load_kwh_per_month=Decimal(300), read=ReadTime(10))
    load = metering.load(days((2026, 3, 10), (2026, 5, 10), BISHKEK, "0", HOUR), BISHKEK)
    billed = bill(tariff(flat("1")), load, BISHKEK, read=ReadTime(10))
    assert [(month.month, month.kwh) for month in billed.months] == [("2026-03", 300), ("2026-04", 300)]


@given(at=instants(), read=READS, zone=st.sampled_from([BISHKEK, BERLIN, ZoneInfo("America/Havana")]))
def test_a_month_goes_from_one_reading_to_the_next(at, read, zone):
    month = read.month(at, zone)
    assert month.start <= at < month.end
    for cut in month.start, month.end:
        civil = cut.astimezone(zone)
        before = (cut - timedelta(minutes=1)).astimezone(zone)
        jumped = before.utcoffset() != civil.utcoffset()
        assert (civil.day, civil.hour) == (read.day, read.hour) or jumped
        assert read.month_of(cut, zone) != read.month_of(cut - timedelta(microseconds=1), zone)
    assert read.month_of(at, zone) == read.month_of(month.start, zone) == f"{month.start.astimezone(zone):%Y-%m}"


@pytest.mark.parametrize(("month", "kwh"), [(3, 743), (10, 745), (6, 720)])
def test_a_month_that_is_read_at_an_hour_has_the_hours_between_its_readings(month, kwh):
    first, ends = (datetime(2026, one, 1, 10, tzinfo=BERLIN) for one in (month, month + 1))
    load = even(first - timedelta(days=9), ends + timedelta(days=9), "1", HOUR)
    daily = Fixed(name="meter", per_day=rate("1"))
    [_, billed, _] = bill(tariff(flat("1"), daily), load, BERLIN, read=ReadTime(1, 10)).months
    assert (billed.month, billed.kwh, billed.span.start) == (f"2026-{month:02}", kwh, first)
    assert amounts(billed)["meter"] == (ends.date() - first.date()).days
    peaks = Demand(name="demand", period=(DemandPeriod(name="all", per_kw=rate("1")),))
    spike = replace(load, kwh=tuple(Decimal(9 if at == 9 * 24 - 1 else 1) for at in range(len(load.kwh))))
    powers = [amounts(one)["demand"] for one in bill(tariff(peaks), spike, BERLIN, read=ReadTime(1, 10)).months]
    assert powers[:2] == [9, 1]


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
