"""A load's file: one fixed step, local or offset clocks, and the first row that is wrong named."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inputs.load_file import parse_load, read_load
from agent.problems import ConfigError
from agent.tariffs.periods import midnight
from tests.tariffs.loads import ALMATY, BERLIN, BISHKEK, instants
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure


def rows(*starts, kwh="1"):
    return "start,kwh\n" + "".join(f"{start},{kwh}\n" for start in starts)


def local(zone, day, steps, step):
    """What a local clock shows at the start of each step of a day."""
    begin = midnight(day, zone)
    return [(begin + at * step).astimezone(zone).replace(tzinfo=None).isoformat() for at in range(steps)]


def test_rows_are_read_exactly_with_or_without_a_header():
    body = "2026-01-01T00:00+06:00,250.125\n2026-01-01T00:15+06:00,1e-3\n"
    for text in (body, "start,kwh\n" + body, "\ufeffStart, kWh\r\n".lstrip("\ufeff") + body + "\n\n"):
        read = parse_load(text)
        assert read.load.start == datetime(2025, 12, 31, 18, tzinfo=UTC)
        assert (read.load.step, read.load.kwh) == (timedelta(minutes=15), (Decimal("250.125"), Decimal("0.001")))
        assert read.load.export_kwh is read.load.quality is None
        assert read.clock == timezone(timedelta(hours=6))


def test_the_largest_and_the_longest_energy_are_read_exactly():
    for told in ("1000000000000", "999999999999.00000000000000000001"):
        assert str(parse_load(rows("2026-01-01T00:00Z", "2026-01-01T00:15Z", kwh=told)).load.kwh[0]) == told


def test_the_other_columns_are_kept_and_what_none_says_is_unknown():
    text = "kwh,start,quality,kvarh,export_kwh\n1,2026-01-01T00:00Z,,2,\n3,2026-01-01T01:00Z,estimated,0,\n"
    load = parse_load(text).load
    assert load.kvarh == (2, 0)
    assert load.quality == ("", "estimated")
    assert (load.export_kwh, load.kvarh_lead) == (None, None)


def test_starts_without_an_offset_are_of_the_zone_or_stand_as_they_are():
    text = rows("2026-01-01 00:00", "2026-01-01 01:00")
    assert parse_load(text, zone=BISHKEK).load.start == datetime(2025, 12, 31, 18, tzinfo=UTC)
    read = parse_load(text)
    assert (read.load.start, read.clock) == (datetime(2026, 1, 1, tzinfo=UTC), UTC)


CLOCKS = [
    (BERLIN, date(2026, 3, 29), 92, "2026-03-29T03:00:00", 8),  # 02:00 is not there
    (BERLIN, date(2026, 10, 25), 100, "2026-10-25T02:00:00", 12),  # and once more
    (ALMATY, date(2024, 2, 29), 100, "2024-02-29T23:00:00", 96),
]


@pytest.mark.parametrize(("zone", "day", "steps", "shown", "at"), CLOCKS, ids=str)
def test_a_local_clock_that_jumps_is_followed(zone, day, steps, shown, at):
    starts = local(zone, day, steps, timedelta(minutes=15))
    assert starts[at] == shown
    assert parse_load(rows(*starts), zone=zone).load.span.end == midnight(day + timedelta(days=1), zone)


def test_a_file_may_begin_in_the_hour_that_comes_twice():
    read = parse_load(rows("2026-10-25T02:30", "2026-10-25T02:00", "2026-10-25T02:30"), zone=BERLIN)
    assert (read.load.start, read.load.step) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), timedelta(minutes=30))


@given(zone=st.sampled_from(ZONES), start=instants(), steps=st.integers(2, 200), kwh=st.decimals(0, 5000, places=4))
@settings(max_examples=60, deadline=None)
def test_a_printed_load_is_read_back_as_it_was(zone, start, steps, kwh):
    told = [(start + at * timedelta(minutes=15)).astimezone(zone) for at in range(steps)]
    load = parse_load(rows(*(at.isoformat() for at in told), kwh=kwh), zone=zone).load
    assert (load.start, load.step, load.kwh) == (start, timedelta(minutes=15), (kwh,) * steps)
    if told[0].fold == 0:
        naive = parse_load(rows(*(at.replace(tzinfo=None).isoformat() for at in told), kwh=kwh), zone=zone).load
        assert naive == load


HOURS = [f"2026-01-01T{hour:02}:00Z" for hour in range(6)]
FAR = "row 2 (line 3): must start after the first row, and at most a day after it"
MISTAKES = [
    (
        rows(*HOURS[:3], *HOURS[4:]),
        "row 4 (line 5): starts at 2026-01-01T04:00:00+00:00 where 2026-01-01T03:00:00+00:00 is due: there is a gap",
    ),
    (
        rows(*HOURS[:3], HOURS[2]),
        "row 4 (line 5): starts at 2026-01-01T02:00:00+00:00 where 2026-01-01T03:00:00+00:00 is due: it stands twice",
    ),
    (rows(HOURS[0], HOURS[1], "2026-01-01T01:30Z"), "row 3 (line 4): starts at"),
    (rows(HOURS[1], HOURS[0]), FAR),
    (rows(HOURS[0], "2026-01-03T00:00Z"), FAR),
    (rows(HOURS[0]), "needs at least two rows, which set the step"),
    ("", "needs at least two rows, which set the step"),
    ("start,kwh\n2026-13-01,1\n", "row 1 (line 2): start: 2026-13-01 is no instant such as 2026-01-31T18:00:00+06:00"),
    (rows(*HOURS, kwh="-1"), "row 1 (line 2): kwh: must be a number from 0, such as 12.5, and not -1"),
    (rows(*HOURS, kwh=""), "row 1 (line 2): kwh: must be a number from 0, such as 12.5"),
    (rows(*HOURS, kwh="nan"), "row 1 (line 2): kwh: must be a number"),
    (rows(*HOURS, kwh="1e-21"), "row 1 (line 2): kwh: must be a number"),
    (rows("1600-01-01", "1600-01-02"), "row 1 (line 2): start: 1600-01-01 is no instant"),
    (rows(*HOURS, kwh="1e13"), "row 1 (line 2): kwh: must be a number"),
    (rows(*HOURS, kwh="1,2"), "row 1 (line 2): has more cells than there are columns"),
    (f"start,kwh,kvarh\n{HOURS[0]},1,2\n{HOURS[1]},1,\n", "row 2 (line 3): kvarh: must be a number from 0"),
    (f"{HOURS[0]},1\n{HOURS[1]}\n", "row 2 (line 2): kwh: must be a number from 0, such as 12.5"),
    ("start,energy\n", "header: energy is none of start, kwh, export_kwh"),
    ("start,kwh,kwh\n", "header: kwh stands twice"),
    ("start,quality\n", "header: needs the columns start and kwh"),
    ('start,kwh\n"2026', "is no CSV: "),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_names_its_row(text, said):
    with pytest.raises(ConfigError) as told:
        parse_load(text, file="my.csv")
    [problem] = told.value.problems
    assert str(problem).startswith(f"my.csv: {said}")


def test_a_file_is_read_with_its_byte_order_mark_or_refused_by_its_name(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(rows(*HOURS), encoding="utf-8-sig")
    assert len(read_load(path).load.kwh) == 6
    path.write_bytes(b"\xff")
    for bad in (path, tmp_path / "none.csv"):
        with pytest.raises(ConfigError, match="csv: cannot be read: "):
            read_load(bad)


def test_a_zone_is_whose_months_are_billed_even_where_rows_name_an_offset():
    assert parse_load(rows(*HOURS), zone=ZoneInfo("Asia/Bishkek")).clock == BISHKEK


TWO_HOURS = "start,kwh\n2026-06-01T22:00,1.5\n2026-06-01T23:00,1002.25\n"


@pytest.mark.parametrize(
    "text",
    [
        "start;kwh\n2026-06-01 22:00;1,5\n2026-06-01 23:00;1.002,25\n",
        "start;kwh\r\n01.06.2026 22:00;1,5\r\n01.06.2026 23:00;1002,25\r\n",
        '"start";"kwh"\n"2026-06-01T22:00";"1,5"\n"2026-06-01T23:00";"1002,25"\n',
        "start\tkwh\n2026-06-01 22:00\t1.5\n2026-06-01 23:00\t1002.25\n",
        "end,kwh\n2026-06-01T23:00,1.5\n2026-06-01T24:00,1002.25\n",
        "End;kWh\n01.06.2026 23:00;1,5\n01.06.2026 24:00;1002,25\n",
        "end,kwh\n2026-06-01T23:00+02:00,1.5\n2026-06-01T24:00:00+02:00,1002.25\n",
    ],
)
def test_spreadsheets_of_several_countries_say_the_same(text):
    assert parse_load(text, zone=BERLIN).load == parse_load(TWO_HOURS, zone=BERLIN).load


def test_rows_that_are_named_by_their_end_keep_the_hours_of_clocks_that_jump():
    labels = [*(f"2026-10-25T{hour:02}:00" for hour in (1, 2, 2, 3, 4)), "2026-10-25T05:00"]
    found = parse_load("end,kwh\n" + "".join(f"{label},1\n" for label in labels), zone=BERLIN).load
    assert found.span.start == datetime(2026, 10, 25, tzinfo=BERLIN)
    assert found.span.end == datetime(2026, 10, 25, 5, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Datum;Verbrauch\n2026-06-01T00:00;1\n", "header: datum is none of start, kwh"),
        ("start;kwh\n2026-06-01 22:00;0,5\n2026-06-01 23:00;1.002\n", "line 3: 1.002 may be of thousands"),
        ('start,kwh\n2026-06-01T00:00,950\n2026-06-01T01:00,"1,234"\n', "line 3: 1,234: decimal commas go between"),
        ("kwh,start\n2,2026-06-01T00:00\n1\n", "row 2 (line 3): start: "),
        ("start,end,kwh\n", "header: needs the columns start and kwh, or end and kwh"),
        ("start,kwh\n31.02.2026 00:00,1\n", "row 1 (line 2): start: 31.02.2026 00:00 is no instant"),
    ],
)
def test_what_may_mean_two_things_is_refused(text, said):
    with pytest.raises(ConfigError) as told:
        parse_load(text, file="my.csv")
    assert str(told.value).startswith(f"my.csv: {said}")
