"""The schedule of orders: which orders a file makes of which stretch of time, and each mistake by its key."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.inputs.order_schedule import parse_schedule
from agent.problems import ConfigError

pytestmark = pytest.mark.pure
HEAD = '[[order]]\nid = "w"\nissuer = "energo"\nclass = "law"\nlimit = { stop = true }\n'
WINTER = HEAD + 'season = { from = "11-01", to = "03-31", first_year = 2026, last_year = 2036 }\n'


def windows(text, first, days, zone="Asia/Bishkek"):
    begins = datetime.fromisoformat(first).replace(tzinfo=UTC)
    schedule = parse_schedule(text, "orders.toml", ZoneInfo(zone))
    return [
        (one.order_id, f"{one.starts_at:%m-%dT%H:%M}", f"{one.ends_at:%m-%dT%H:%M}")
        for one in schedule.windows(begins, begins + timedelta(days=days))
    ]


def test_a_season_goes_over_the_turn_of_the_year_and_both_its_days_belong_to_it():
    told = ("schedule.w.20261101", "10-31T18:00", "03-31T18:00")
    assert windows(WINTER, "2026-10-30", 2) == [told]
    assert windows(WINTER, "2027-02-01", 1) == [told]
    assert windows(WINTER, "2027-04-01", 1) == []
    assert windows(WINTER, "2037-03-01", 1) == [("schedule.w.20361101", "10-31T18:00", "03-31T18:00")]
    assert windows(WINTER, "2037-11-05", 1) == []


def test_a_season_of_leap_days_and_far_years_is_read():
    leap = HEAD + 'season = { from = "02-29", to = "02-29", first_year = 2026, last_year = 9000 }\n'
    assert windows(leap, "2027-02-27", 3, "UTC") == [("schedule.w.20270228", "02-28T00:00", "03-01T00:00")]
    assert windows(leap, "2028-02-27", 4, "UTC") == [("schedule.w.20280229", "02-29T00:00", "03-01T00:00")]


def test_a_daily_window_by_days_months_and_dates():
    text = HEAD + (
        'daily = { from = "18:00", to = "22:00", days = ["mon", "wed"], months = [11, 12], '
        "first = 2026-11-03, last = 2026-11-09 }\n"
    )
    assert windows(text, "2026-11-01", 20) == [
        ("schedule.w.20261104", "11-04T12:00", "11-04T16:00"),
        ("schedule.w.20261109", "11-09T12:00", "11-09T16:00"),
    ]


def test_a_window_may_go_over_midnight_and_to_its_end():
    night = HEAD + 'daily = { from = "23:00", to = "06:00" }\n'
    assert windows(night, "2026-11-01T12:00", 0.5, "UTC") == [("schedule.w.20261101", "11-01T23:00", "11-02T06:00")]
    day = HEAD + 'daily = { from = "22:00", to = "24:00" }\n'
    assert windows(day, "2026-11-01T23:30", 0.01, "UTC") == [("schedule.w.20261101", "11-01T22:00", "11-02T00:00")]


def test_both_copies_of_a_doubled_hour_belong_to_a_window_and_none_of_a_missing_one():
    text = HEAD + 'daily = { from = "23:15", to = "23:45" }\n'
    assert windows(text, "2024-02-29T12:00", 0.5, "Asia/Almaty") == [
        ("schedule.w.20240229", "02-29T17:15", "02-29T18:45")
    ]
    gone = HEAD + 'daily = { from = "02:15", to = "02:45" }\n'
    assert windows(gone, "2026-03-29T00:00", 0.2, "Europe/Berlin") == []
    late = HEAD + 'daily = { from = "02:30", to = "05:00" }\n'
    assert windows(late, "2026-03-29T00:00", 0.2, "Europe/Berlin") == [
        ("schedule.w.20260329", "03-29T01:00", "03-29T03:00")
    ]
    early = HEAD + 'daily = { from = "00:00", to = "02:30" }\n'
    assert windows(early, "2026-03-29T00:00", 0.2, "Europe/Berlin") == [
        ("schedule.w.20260329", "03-28T23:00", "03-29T01:00")
    ]


def test_what_is_announced_in_a_doubled_hour_has_its_hours_from_either_copy():
    text = HEAD + 'announced = { hours_per_year = 2, events = [{ starts = "2026-10-25T02:30", hours = 2 }] }\n'
    assert windows(text, "2026-10-25", 1, "Europe/Berlin") == [
        ("schedule.w.20261025T0230", "10-25T00:30", "10-25T03:30")
    ]


def test_announced_hours_are_counted_by_the_year():
    events = 'events = [{ starts = "2026-12-05T17:00", hours = 4 }, { starts = "2026-12-06T17:00", hours = 6.5 }]'
    text = HEAD + f"announced = {{ hours_per_year = 10.5, {events} }}\n"
    assert windows(text, "2026-12-01", 8) == [
        ("schedule.w.20261205T1700", "12-05T11:00", "12-05T15:00"),
        ("schedule.w.20261206T1700", "12-06T11:00", "12-06T17:30"),
    ]
    with pytest.raises(ConfigError, match=r"10.5 h are announced in 2026, 10 are agreed"):
        parse_schedule(text.replace("10.5", "10"), "orders.toml", ZoneInfo("UTC"))


def test_what_stands_beside_a_window_stands_in_its_document():
    text = WINTER + 'comply_by_s = 600\ntargets = { feeders = ["T1"] }\nnote = "decree 7"\n'
    schedule = parse_schedule(text, "orders.toml", ZoneInfo("UTC"))
    [window] = schedule.windows(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))
    assert window.told == {
        "issuer": "energo",
        "class": "law",
        "limit": {"stop": True},
        "starts_at": "2026-11-01T00:00:00.000Z",
        "ends_at": "2027-04-01T00:00:00.000Z",
        "comply_by_s": 600,
        "targets": {"feeders": ["T1"]},
        "note": "decree 7",
        "priority": 100,
        "resume": "auto",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "is no TOML"),
        ("colour = 1\n", "colour"),
        (HEAD, "say one of season, daily and announced"),
        (WINTER + WINTER, "two orders are called w"),
        (WINTER.replace("11-01", "11-31"), "season.from"),
        (WINTER.replace("11-01", "1 Nov"), "must be a day such as 11-01"),
        (WINTER.replace("2036", "99999"), "season.last_year"),
        (WINTER.replace('"law"', '"king"'), "class"),
        (WINTER.replace('id = "w"', 'id = "a b"'), "order.0.id"),
        (WINTER.replace("{ stop = true }", "{ max_import_kw = -1 }"), "max_import_kw"),
        (WINTER.replace("{ stop = true }", "{ half = true }"), "limit"),
        (WINTER + "comply_by_s = -1\n", "comply_by_s"),
        (HEAD + 'daily = { from = "6 pm", to = "22:00" }\n', "must be a time such as 18:00"),
        (HEAD + 'daily = { from = "18:00", to = "22:00", days = ["monday"] }\n', "daily.days"),
        (WINTER.replace("2036", "2020"), "order.0.season: 2020 comes before 2026"),
        (HEAD + 'daily = { from = "18:00", to = "22:00", days = [] }\n', "daily.days"),
        (HEAD + 'daily = { from = "18:00", to = "22:00", months = [] }\n', "daily.months"),
        (
            HEAD + 'daily = { from = "18:00", to = "22:00", first = 2027-01-01, last = 2026-12-31 }\n',
            "order.0.daily: 2026-12-31 comes before 2027-01-01",
        ),
        (
            HEAD + 'announced = { hours_per_year = 9, events = [{ starts = "2026-12-05T17:00", hours = 1 }, '
            '{ starts = "2026-12-05T17:00:30", hours = 2 }] }\n',
            "two of its events start at 2026-12-05T17:00",
        ),
        (HEAD + 'announced = { hours_per_year = 1, events = [{ starts = "soon", hours = 1 }] }\n', "starts"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(text, said):
    with pytest.raises(ConfigError) as caught:
        parse_schedule(text, "orders.toml", ZoneInfo("UTC"))
    assert said in str(caught.value)
    assert str(caught.value).startswith("orders.toml")
