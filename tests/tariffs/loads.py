"""Loads and tariffs that the tests bill."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from agent.tariffs.figures import Dated, Figure
from agent.tariffs.flat import Flat
from agent.tariffs.load import Load
from agent.tariffs.tariff import Tariff
from agent.tariffs.time_of_use import Period, TimeOfUse

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
BISHKEK, ALMATY, BERLIN = (ZoneInfo(name) for name in ("Asia/Bishkek", "Asia/Almaty", "Europe/Berlin"))


def rate(value, **told):
    return Dated(figures=(Figure(value=Decimal(value), **told),))


def rates(*figures):
    return Dated(figures=figures)


def figure(value, from_=None, until=None, **told):
    return Figure(value=None if value is None else Decimal(value), from_=from_, until=until, **told)


def even(start, end, kwh="250", step=QUARTER):
    """The same energy in every step between two instants."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    return Load(start=start, step=step, kwh=(Decimal(kwh),) * int((end - start) / step))


def days(first, last, zone, kwh="250", step=QUARTER):
    """The same energy in every step from the start of one local day to the start of another."""
    return even(datetime(*first, tzinfo=zone), datetime(*last, tzinfo=zone), kwh, step)


def tariff(*components, **told):
    return Tariff(**{"currency": "KGS", "components": components, **told})


def flat(price="6.06", name="energy"):
    return Flat(name=name, per_kwh=rate(price))


def day_and_night(day="46", night="26", hours="08:30-23:00", name="energy"):
    return TimeOfUse(
        name=name,
        period=(Period(name="day", per_kwh=rate(day), hours=(hours,)), Period(name="night", per_kwh=rate(night))),
    )


def amounts(month):
    return {line.component.name: line.amount for line in month.lines}


JUMPS = [  # just before clocks jump: Almaty; Berlin on and back; Lord Howe; Havana
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 10, tzinfo=UTC),
    datetime(2026, 11, 1, 0, tzinfo=UTC),
]


def instants(minutes=15):
    """Instants of three years, many of them near one at which a clock jumps."""
    steps = st.integers(0, 3 * 365 * 24 * 60 // minutes)
    anywhere = steps.map(lambda step: datetime(2023, 9, 1, tzinfo=UTC) + step * timedelta(minutes=minutes))
    return st.one_of(anywhere, st.sampled_from(JUMPS))
