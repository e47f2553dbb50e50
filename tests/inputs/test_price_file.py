"""A file of prices: three headings, every step, both edges of summer time, and the first row that is wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.inputs.price_file import parse_prices, parse_purchases
from agent.problems import ConfigError
from agent.tariffs.schedule import Bought
from tests.tariffs.loads import BERLIN, BISHKEK

pytestmark = pytest.mark.pure
HOUR = timedelta(hours=1)


def test_rows_are_named_by_their_start_or_their_end():
    started = parse_prices("start,price\n2026-01-01T00:00,1\n2026-01-01T00:15,-2.5\n", BISHKEK)
    ended = parse_prices("end,price\n2026-01-01T00:15,1\n2026-01-01T00:30,-2.5\n", BISHKEK)
    assert started == ended
    assert (started.start, started.step) == (datetime(2025, 12, 31, 18, tzinfo=UTC), timedelta(minutes=15))
    assert started.values == (Decimal(1), Decimal("-2.5"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)])
def test_hours_of_a_day_are_counted_from_one_as_many_as_it_has(day, hours):
    rows = "\n".join(f"{day},{hour},{hour}" for hour in range(1, hours + 1))
    found = parse_prices(f"date,hour,price\n{rows}\n", BERLIN)
    assert (found.start.astimezone(BERLIN).isoformat()[:16], len(found.values)) == (f"{day}T00:00", hours)
    with pytest.raises(ConfigError, match=f"{day} has no hour {hours + 1}"):
        parse_prices(f"date,hour,price\n{rows}\n{day},{hours + 1},1\n", BERLIN)


def test_local_times_of_the_hour_that_comes_twice_follow_from_their_place():
    rows = [f"2026-10-25T0{hour}:00,{at}" for at, hour in enumerate((1, 2, 2, 3))]
    found = parse_prices("start,price\n" + "\n".join(rows), BERLIN)
    assert (found.start, found.step, len(found.values)) == (datetime(2026, 10, 24, 23, tzinfo=UTC), HOUR, 4)
    ends = [f"2026-10-25T0{hour}:00,{at}" for at, hour in enumerate((2, 2, 3, 4))]
    assert parse_prices("end,price\n" + "\n".join(ends), BERLIN) == found


def test_what_was_bought_is_read_with_the_prices_of_imbalances_where_it_has_them():
    rows = "2026-01-01T00:00,100,12.5,20,-1\n2026-01-01T01:00,0,12.5,20,3\n"
    found = parse_purchases(f"start,kwh,price,above,below\n{rows}", BISHKEK)
    assert (found.start, found.step) == (datetime(2025, 12, 31, 18, tzinfo=UTC), HOUR)
    assert found.intervals[0] == Bought(kwh=Decimal(100), price=Decimal("12.5"), above=Decimal(20), below=Decimal(-1))
    plain = parse_purchases("date,hour,kwh,price\n2026-01-01,1,5,2\n2026-01-01,2,5,2\n", BISHKEK)
    assert plain.intervals[1] == Bought(kwh=Decimal(5), price=Decimal(2))
    with pytest.raises(ConfigError, match=r"bought.csv: row 1 \(line 2\): kwh: must not be below 0"):
        parse_purchases("start,kwh,price\n2026-01-01T00:00,-1,2\n2026-01-01T01:00,1,2\n", BISHKEK)
    with pytest.raises(ConfigError, match=r"must be start,kwh,price or .* or date,hour,kwh,price\[,above\]\[,below\]"):
        parse_purchases("start,price\n", BISHKEK)


WRONG = [
    ("", "header: must be start,price or end,price or date,hour,price"),
    ("start,kwh\n", "header: must be start,price or"),
    ("start,price\n2026-01-01T00:00,1\n", "needs at least two rows, which set the step"),
    ("start,price\n2026-01-01T00:00,1\n2026-01-01T02:00,1\n", "row 2 (line 3): is 2:00:00 after the first, and a step"),
    ("start,price\n2026-01-01T00:00,1\n2026-01-01T01:00,1\n2026-01-01T03:00,1\n", "row 3 (line 4): starts at "),
    ("start,price\n2026-01-01T00:00,1\n2026-01-01T01:00,\n", "row 2 (line 3): price: must be a number such as -12.5"),
    (
        "start,price\n2026-01-01T00:00,1\n2026-01-01T01:00,nan\n",
        "row 2 (line 3): price: must be a number such as -12.5, ",
    ),
    ("start,price\n2026-01-01T00:00\n", "row 1 (line 2): has 1 cells, and the header 2"),
    ("start,price\nnoon,1\n", "row 1 (line 2): start: noon is no instant such as 2026-01-31T18:00:00+06:00"),
    ("date,hour,price\n2026-01-01,x,1\n", "row 1 (line 2): 2026-01-01 x is no date with an hour of 1 to 25"),
    ("date,hour,price\n2026-01-01,0,1\n", "row 1 (line 2): 2026-01-01 has no hour 0"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_the_first_row_that_is_wrong_is_named(text, said):
    with pytest.raises(ConfigError) as told:
        parse_prices(text, ZoneInfo("UTC"))
    assert str(told.value).startswith(f"prices.csv: {said}")
