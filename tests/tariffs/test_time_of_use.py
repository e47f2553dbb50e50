"""Time of use: which period holds when, and which tariffs are refused since none or two would."""

from datetime import date

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.time_of_use import Period, TimeOfUse
from tests.tariffs.loads import BISHKEK, days, rate, tariff

pytestmark = pytest.mark.pure


def period(name, price="1", **told):
    return Period(name=name, per_kwh=rate(price), **told)


def energy(*periods):
    return TimeOfUse(name="energy", period=periods)


REST = period("rest", "1")
WINTER = period("winter", "10", months=(11, 12, 1, 2))
PEAK = period("peak", "100", days=("mon-fri",), hours=("08:00-12:00", "18:00-21:30"))
HOLIDAY = period("holiday", "1000", days=("holiday",))
NIGHT = period("night", "10", hours=("22:00-06:00",))
SUNDAY = period("sunday", "10", days=("sun",))
HALF = period("half", "10", hours=("08:10-08:40",))

# periods, the local day and how it is dated, what its 96 quarter hours of 4 kWh cost
TABLE = [
    ((REST,), "2026-07-07", {}, 384),
    ((REST, WINTER), "2026-07-07", {}, 384),
    ((REST, WINTER), "2026-01-07", {}, 3840),
    ((REST, PEAK), "2026-07-07", {}, 30 * 400 + 66 * 4),  # a Tuesday
    ((REST, PEAK), "2026-07-11", {}, 384),  # a Saturday
    ((REST, PEAK), "2026-07-11", {"2026-07-11": "thu"}, 30 * 400 + 66 * 4),  # one that is worked
    ((REST, PEAK), "2026-07-07", {"2026-07-07": "holiday"}, 384),  # a holiday is a Sunday
    ((REST, SUNDAY), "2026-07-07", {"2026-07-07": "holiday"}, 3840),
    ((REST, HOLIDAY), "2026-07-07", {"2026-07-07": "holiday"}, 384_000),
    ((REST, HOLIDAY), "2026-07-07", {"2026-07-08": "holiday"}, 384),
    ((REST, NIGHT), "2026-07-07", {}, 32 * 40 + 64 * 4),
    ((REST, HALF), "2026-07-07", {}, 30 * 16 // 60 * 10 + 384 - 8),  # a third of one quarter hour, two of the next
]


@pytest.mark.parametrize(("periods", "day", "dated", "cost"), TABLE)
def test_energy_costs_what_the_period_says_in_which_it_is_taken(periods, day, dated, cost):
    told = date.fromisoformat(day)
    load = days((told.year, told.month, told.day), (told.year, told.month, told.day + 1), BISHKEK, "4")
    calendar = {date.fromisoformat(on): kind for on, kind in dated.items()}
    assert round(bill(tariff(energy(*periods), days=calendar), load, BISHKEK).amount, 20) == cost


BAD = [
    ((PEAK,), "no period holds at 00:00 on mon in month 1"),
    ((PEAK, NIGHT), "no period holds at 06:00 on mon in month 1"),
    ((REST, PEAK, HALF), "peak and half both hold at 08:10 on mon in month 1"),
    ((REST, WINTER, NIGHT), "winter and night both hold at 00:00 on mon in month 1"),
    ((REST, period("other")), "rest and other both hold"),
    ((REST, period("rest", hours=("08:00-09:00",))), "two periods have the same name"),
    ((), "no period holds"),
]


@pytest.mark.parametrize(("periods", "said"), BAD, ids=[said for _, said in BAD])
def test_at_every_minute_exactly_one_period_holds(periods, said):
    with pytest.raises(ValueError, match=said):
        energy(*periods)


WORDS = [
    ({"months": (0,)}, "month 0"),
    ({"days": ("monday",)}, "monday is none of"),
    ({"days": ("fri-mon",)}, "runs backwards"),
    ({"days": ("mon-holiday",)}, "no range"),
    (
        {"months": (13,), "hours": ("8-12", "x")},
        "month 13 is none of 1 to 12; 8-12 is no time such as 08:00-23:30; x is no time",
    ),
    ({"hours": ("8-12",)}, "no time such as"),
    ({"hours": ("08:00-08:00",)}, "no time such as"),
    ({"hours": ("24:00-08:00",)}, "no time such as"),
    ({"hours": ("08:00-24:01",)}, "no time such as"),
    ({"hours": ("08:60-09:00",)}, "no time such as"),
]


@pytest.mark.parametrize(("told", "said"), WORDS, ids=[said for _, said in WORDS])
def test_a_period_names_months_days_and_hours_that_there_are(told, said):
    with pytest.raises(ValueError, match=said):
        period("bad", **told)


def test_hours_may_run_to_the_end_of_the_day_and_over_it():
    assert period("a", hours=("22:00-24:00",)).windows == ((1320, 1440),)
    assert period("a", hours=("22:00-00:00",)).windows == ((1320, 1440),)
    assert period("a", hours=("22:00-06:30",)).windows == ((1320, 1440), (0, 390))
