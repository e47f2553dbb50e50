"""The local calendar in UTC, where clocks go on, back, by half an hour and at midnight."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.load import Register, Usage
from agent.tariffs.periods import Span, midnight, months, pieces
from tests.tariffs.loads import ALMATY, BERLIN, BISHKEK, QUARTER, days, even, instants

pytestmark = pytest.mark.pure
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Bishkek", "Asia/Almaty", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
        "America/Havana", "Asia/Kathmandu", "America/Asuncion", "UTC",
    )
]  # fmt: skip

LENGTHS = [
    (BISHKEK, (2026, 3, 29), 96),
    (BERLIN, (2026, 3, 28), 96),
    (BERLIN, (2026, 3, 29), 92),
    (BERLIN, (2026, 10, 25), 100),
    (ALMATY, (2024, 2, 28), 96),
    (ALMATY, (2024, 2, 29), 100),
    (ALMATY, (2024, 3, 1), 96),
    (ZoneInfo("Australia/Lord_Howe"), (2026, 10, 4), 94),
    (ZoneInfo("Australia/Lord_Howe"), (2026, 4, 5), 98),
    (ZoneInfo("Africa/Cairo"), (2026, 4, 24), 92),
    (ZoneInfo("America/Havana"), (2026, 3, 8), 92),
    (ZoneInfo("America/Havana"), (2026, 11, 1), 100),
]


@pytest.mark.parametrize(("zone", "day", "quarters"), LENGTHS, ids=str)
def test_a_day_has_as_many_quarter_hours_as_its_clock_shows(zone, day, quarters):
    first = date(*day)
    assert midnight(first + timedelta(days=1), zone) - midnight(first, zone) == quarters * QUARTER


def test_the_hour_that_kazakhstan_had_twice_belongs_to_the_last_day_of_february():
    assert midnight(date(2024, 2, 29), ALMATY) == datetime(2024, 2, 28, 18, tzinfo=UTC)
    assert midnight(date(2024, 3, 1), ALMATY) == datetime(2024, 2, 29, 19, tzinfo=UTC)


def test_a_span_is_cut_at_the_firsts_of_local_months():
    span = Span(start=datetime(2026, 1, 15, tzinfo=UTC), end=datetime(2026, 3, 2, tzinfo=UTC))
    edges = [(part.start.isoformat(), part.end.isoformat()) for part in months(span, BISHKEK)]
    assert edges == [
        ("2026-01-15T00:00:00+00:00", "2026-01-31T18:00:00+00:00"),
        ("2026-01-31T18:00:00+00:00", "2026-02-28T18:00:00+00:00"),
        ("2026-02-28T18:00:00+00:00", "2026-03-02T00:00:00+00:00"),
    ]


@given(
    zone=st.sampled_from(ZONES),
    start=instants(minutes=1),
    hours=st.integers(1, 24 * 40),
    minutes=st.frozensets(st.integers(0, 1439), max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_pieces_fill_the_span_and_each_is_of_one_day_and_between_two_minutes(zone, start, hours, minutes):
    begin = start
    span = Span(start=begin, end=begin + timedelta(hours=hours))
    found = [*pieces(span, zone, minutes | {0})]
    assert (found[0].start, found[-1].end) == (span.start, span.end)
    assert all(one.end == other.start for one, other in pairwise(found))
    for piece in found:
        first, last = (at.astimezone(zone) for at in (piece.start, piece.end - timedelta(minutes=1)))
        assert first.utcoffset() == last.utcoffset()
        assert first.date() == last.date()
        marks = {hour * 60 + minute for hour, minute in ((first.hour, first.minute), (last.hour, last.minute))}
        assert not any(min(marks) < minute <= max(marks) for minute in minutes)


@given(
    zone=st.sampled_from(ZONES),
    start=instants(minutes=1),
    step_min=st.sampled_from([5, 7, 15, 30, 60, 1440]),
    kwh=st.decimals(min_value=0, max_value=10_000, places=3),
    minutes=st.frozensets(st.integers(0, 1439), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_no_kilowatt_hour_is_lost_or_made_by_cutting(zone, start, step_min, kwh, minutes):
    begin = start
    step = timedelta(minutes=step_min)
    load = even(begin, begin + max(step, timedelta(days=9) // step * step), str(kwh), step)
    usage = Usage(span=load.span, zone=zone, register=Register(load))
    total = sum((segment.kwh for segment in usage.segments(minutes)), Decimal(0))
    assert abs(total - kwh * len(load.kwh)) < Decimal("1e-18")


def test_a_local_day_of_a_load_has_its_quarter_hours():
    load = days((2024, 2, 28), (2024, 3, 2), ALMATY, "1")
    usage = Usage(span=load.span, zone=ALMATY, register=Register(load))
    assert [(str(one.day), one.kwh) for one in usage.segments()] == [
        ("2024-02-28", 96), ("2024-02-29", 96), ("2024-02-29", 4), ("2024-03-01", 96),
    ]  # fmt: skip
