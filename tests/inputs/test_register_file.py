"""A load of registers: differences, a register that begins again, an exchanged meter, the first read that is wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.inputs.load_file import parse_load
from agent.problems import ConfigError

pytestmark = pytest.mark.pure
HEAD = "at,register_kwh,meter\n"


def read(text, digits=None):
    return parse_load(text, register_digits=digits).load


def test_what_a_step_counted_is_the_difference_of_two_reads():
    text = (
        "at,register_kwh,export_register_kwh,register_kvarh,quality\n"
        "2026-01-01T00:00+06:00,1000.5,10,0,\n"
        "2026-01-01T01:00+06:00,1003.25,10,1,E\n"
        "2026-01-01T02:00+06:00,1004,12.5,1,\n"
        "2026-01-01T03:00+06:00,1004,12.5,1,\n"
    )
    found = read(text)
    assert (found.start, found.step) == (datetime(2025, 12, 31, 18, tzinfo=UTC), timedelta(hours=1))
    assert found.kwh == (Decimal("2.75"), Decimal("0.75"), 0)
    assert (found.export_kwh, found.kvarh, found.kvarh_lead) == ((0, Decimal("2.5"), 0), (1, 0, 0), None)
    assert found.quality == ("E", "E", "")


def test_a_register_that_begins_again_is_told_by_its_digits():
    text = HEAD + "2026-01-01T00:00Z,99990,A\n2026-01-01T01:00Z,99998.5,A\n2026-01-01T02:00Z,7.5,A\n"
    assert read(text, digits=5).kwh == (Decimal("8.5"), 9)
    with pytest.raises(ConfigError, match=r"goes back from 99998\.5 to 7\.5: --register-digits says when it begins"):
        read(text)
    with pytest.raises(ConfigError, match="which a register of 6 digits that begins again does not"):
        read(text, digits=6)


def test_an_exchanged_meter_counts_until_the_exchange_and_the_new_one_from_it():
    rows = ("00:00Z,500,A", "00:15Z,510,A", "00:22Z,514,A", "00:22Z,3,B", "00:30Z,9,B", "00:45Z,19,B", "00:45Z,0,C",
            "01:00Z,4,C")  # fmt: skip
    found = read(HEAD + "".join(f"2026-01-01T{row}\n" for row in rows))
    assert found.step == timedelta(minutes=15)
    assert found.kwh == (10, 10, 10, 4)


def test_a_time_without_an_offset_is_of_the_tariffs_clock_also_where_an_hour_comes_twice():
    hours = ["25.10.2026 01:00", "25.10.2026 02:00", "25.10.2026 02:00", "25.10.2026 03:00", "25.10.2026 04:00"]
    text = "at,register_kwh\n" + "".join(f"{hour},{2 * at}\n" for at, hour in enumerate(hours))
    found = parse_load(text, zone=ZoneInfo("Europe/Berlin"))
    assert (found.load.start, found.load.kwh) == (datetime(2026, 10, 24, 23, tzinfo=UTC), (2, 2, 2, 2))
    assert parse_load(HEAD + "2026-01-01T00:00,1,A\n2026-01-01T01:00,2,A\n").clock is UTC


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("at,register_kwh\n2026-01-01T00:00Z,1\n", "needs at least two reads"),
        ("register_kwh,x\n1,2\n", "header: x is none of at, register_kwh"),
        ("register_kwh\n1\n", "header: needs the columns at and register_kwh"),
        ("at,register_kwh\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,x\n", "register_kwh: must be a number from 0"),
        ("at,register_kwh\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n2026-01-01T03:00Z,3\n", "is due"),
        ("at,register_kwh\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n2026-01-01T01:20Z,3\n", "is due"),
        ("at,register_kwh\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n2026-01-01T00:30Z,3\n", "stands out of order"),
        ("at,register_kwh\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n2026-01-01T01:00Z,2\n", "is read twice"),
        (
            HEAD + "2026-01-01T00:00Z,1,A\n2026-01-01T01:00Z,2,A\n2026-01-01T02:00Z,3,B\n",
            "meter B follows A: the last read",
        ),
        ("at,register_kwh\n2026-01-01T00:00Z\n2026-01-01T01:00Z,2\n", "row 1 (line 2): has 1 cells"),
    ],
)
def test_the_first_read_that_is_wrong_is_named(text, sentence):
    with pytest.raises(ConfigError) as told:
        read(text)
    assert sentence in "; ".join(f"{one.key}: {one.reason}" for one in told.value.problems)
