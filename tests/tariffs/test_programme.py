"""Programmes: availability, energy delivered when called, and the penalty of what lacked."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inputs.tariff_file import parse_tariff
from agent.problems import ConfigError
from agent.tariffs.authorised import Event
from agent.tariffs.bill import bill
from agent.tariffs.charging import charged
from agent.tariffs.explain import explain
from agent.tariffs.load import Load
from agent.tariffs.programme import Call, Programme
from tests.tariffs.loads import BISHKEK, HOUR, QUARTER, days, rate, tariff

pytestmark = pytest.mark.pure
APRIL = days((2026, 4, 1), (2026, 5, 1), BISHKEK, "1000", HOUR)


def local(*day):
    return datetime(*day, tzinfo=BISHKEK)


def drawn(kwh, load=APRIL, steps=4):
    """The load with other kWh in the steps of the call."""
    first = (local(2026, 4, 10, 18) - load.start) // load.step
    return Load(
        start=load.start, step=load.step, kwh=(*load.kwh[:first], *[Decimal(kwh)] * steps, *load.kwh[first + steps :])
    )


def call(hours=4, **told):
    start = local(2026, 4, 10, 18)
    return Call(**{"from_": start, "until": start + hours * HOUR, "baseline_kw": Decimal(1000), **told})


def amount(load, **told):
    return bill(tariff(Programme(name="dr", kw=Decimal(800), **told)), load, BISHKEK).amount


def test_availability_is_paid_by_the_time_that_a_site_was_available():
    told = {"per_kw_month": rate("5")}
    assert amount(APRIL, **told) == -4000
    away = (Event(from_=local(2026, 4, 1), until=local(2026, 4, 4)),)
    assert amount(APRIL, unavailable=away, **told) == -3600
    assert amount(days((2026, 4, 1), (2026, 4, 16), BISHKEK), **told) == -2000


def test_what_was_delivered_is_paid_and_what_lacked_is_charged():
    prices = {"per_kwh": rate("0.5"), "penalty_per_kwh": rate("2")}
    assert amount(drawn("200"), events=(call(),), **prices) == -4 * 800 * Decimal("0.5")
    assert amount(drawn("300"), events=(call(),), **prices) == -4 * 700 * Decimal("0.5") + 4 * 100 * 2
    assert amount(drawn("0"), events=(call(),), **prices) == -4 * 800 * Decimal("0.5")  # no more than was called for
    assert amount(drawn("1200"), events=(call(),), **prices) == 4 * 800 * 2  # drew more than its baseline
    assert amount(drawn("600"), events=(call(kw=Decimal(400)),), **prices) == -4 * 400 * Decimal("0.5")


@settings(max_examples=20, deadline=None)
@given(kwh=st.lists(st.integers(0, 400), min_size=8, max_size=8), minutes=st.integers(1, 119))
def test_it_is_what_a_minute_by_minute_count_gives(kwh, minutes):
    start = local(2026, 4, 10, 18)
    load = Load(start=start, step=QUARTER, kwh=tuple(map(Decimal, kwh)))
    until = start + minutes * HOUR / 60
    found = amount(load, per_kwh=rate("60"), events=(Call(from_=start, until=until, baseline_kw=Decimal(900)),))
    by_minute = [Decimal(kwh[minute // 15]) * 4 for minute in range(minutes)]
    assert float(found) == pytest.approx(-float(sum(min(max(900 - kw, 0), 800) for kw in by_minute)))


def test_the_words_name_the_order_and_each_unit():
    priced = tariff(
        Programme(name="dr", kw=Decimal(800), per_kw_month=rate("5"), per_kwh=rate("1"), events=(call(order="o-7"),))
    )
    words = "\n".join(explain(bill(priced, drawn("200"), BISHKEK), priced, BISHKEK))
    assert "available: 800 kW-month x 5 KGS/kW-month = -4,000" in words
    assert "delivered 2026-04-10 18:00, order o-7: 3,200 kWh x 1 KGS/kWh = -3,200" in words


def test_no_interval_bears_it():
    priced = tariff(Programme(name="dr", kw=Decimal(8), per_kw_month=rate("5")))
    assert charged(priced, 1000, APRIL.start, APRIL.start + QUARTER, BISHKEK).cost == 0


FILE = """
currency = "USD"
[[component]]
kind = "programme"
name = "dr"
kw = 800
per_kwh = "0.2"
events = [{ from = 2026-04-10T18:00:00+06:00, until = 2026-04-10T20:00:00+06:00, baseline_kw = 1000, order = "o-7" }]
"""


def test_a_file_says_it_and_what_cannot_be_is_refused():
    [component] = parse_tariff(FILE).components
    assert component.events[0].order == "o-7"
    for old, new, said in (
        ("+06:00, until", ", until", "from and until need an offset"),
        ("kw = 800", "kw = 0", "kw must be above 0"),
        ('per_kwh = "0.2"', "", "needs per_kw_month, per_kwh or penalty_per_kwh"),
        ("baseline_kw = 1000", "baseline_kw = -1", "baseline_kw is not negative"),
        (" }]", " }, { from = 2026-04-10T19:00:00Z, until = 2026-04-11T20:00:00Z, baseline_kw = 1 }]", None),
    ):
        if said is not None:
            with pytest.raises(ConfigError, match=said):
                parse_tariff(FILE.replace(old, new, 1))
        else:
            assert len(parse_tariff(FILE.replace(old, new, 1)).components[0].events) == 2
    earlier = "{ from = 2026-04-10T19:00:00+06:00, until = 2026-04-10T19:30:00+06:00, baseline_kw = 1 }"
    twice = FILE.replace("events = [", f"events = [{earlier}, ")
    with pytest.raises(ConfigError, match="two of its times overlap"):
        parse_tariff(twice)
