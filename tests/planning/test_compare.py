"""Places compared against a slow working out by hand: stops, prices all in, margins, and what is not known."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.planning.compare import Place, Rig, compare, even_load
from agent.planning.hashprice import Quotes, Revenue
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import Load
from agent.tariffs.periods import Span, midnight
from agent.tariffs.stops import Stop
from tests.tariffs.loads import BISHKEK, day_and_night, figure, flat, rate, rates, tariff

pytestmark = pytest.mark.pure
YEAR = Span(start=midnight(date(2026, 1, 1), BISHKEK), end=midnight(date(2027, 1, 1), BISHKEK))
RIGS = [
    Rig(model="new", count=10, power_w=Decimal(35_000), hashrate_ths=Decimal(2000)),
    Rig(model="old", count=10, power_w=Decimal(30_000), hashrate_ths=Decimal(1000)),
]
REVENUE = Revenue(
    quotes=Quotes(by_hand=Decimal(50)), currency="USD", pool_fee_pct=Decimal(2), fx={"USD/KGS": rate("80")}
)
LOAD = even_load(YEAR, Decimal(65_000))


def place(*components, stops=(), **told):
    return Place(name="here", tariff=tariff(*(components or (flat("5"),)), **told), zone=BISHKEK, stops=stops)


def stop(**told):
    return Stop(name="winter", source="a newspaper", **told)


def test_a_year_without_a_stop():
    """65 kW and 3 PH/s: 569,400 kWh at 5 som; 1,095 PH-days at 50 x 0.98 x 80 = 3,920 som."""
    found = compare(place(), LOAD, RIGS, REVENUE, doubtful=False)
    assert (found.hours, found.stopped_h, found.kwh) == (8760, 0, 569_400)
    assert (found.cost, found.per_kwh) == (2_847_000, 5)
    assert found.revenue == pytest.approx(Decimal(1095 * 3920))
    assert found.margin_per_ph_year == pytest.approx(Decimal(1095 * 3920 - 2_847_000) / 3)
    # each at its own J/TH: 3,920 / (24 x 17.5) and / (24 x 30)
    assert [round(of.break_even, 4) for of in found.models] == [Decimal("9.3333"), Decimal("5.4444")]
    assert found.models[1].margin_per_ph_year == pytest.approx(Decimal(365 * (3920 - 24 * 30 * 5)))


def test_a_winter_stop_costs_its_hours_and_its_margin():
    found = compare(
        place(stops=(stop(from_=date(2025, 11, 12), until=date(2026, 4, 1)),)), LOAD, RIGS, REVENUE, doubtful=False
    )
    assert (found.stopped_h, found.kwh) == (90 * 24, 65 * (8760 - 2160))
    whole = compare(place(), LOAD, RIGS, REVENUE, doubtful=False)
    assert found.margin / whole.margin == pytest.approx(Decimal(6600) / 8760)


def test_stops_overlap_once_and_those_not_confirmed_count_only_where_asked():
    stops = (
        stop(from_=date(2026, 1, 1), until=date(2026, 2, 1)),
        stop(from_=date(2026, 1, 20), until=date(2026, 3, 1), unconfirmed=True),
        stop(),
    )
    found = compare(place(stops=stops), LOAD, RIGS, REVENUE, doubtful=False)
    assert (found.stopped_h, found.doubtful_h, len(found.unknown_stops)) == (31 * 24, 28 * 24, 1)
    both = compare(place(stops=stops), LOAD, RIGS, REVENUE, doubtful=True)
    assert (both.stopped_h, both.doubtful_h, both.kwh) == (59 * 24, 0, 65 * (8760 - 59 * 24))


def test_announced_hours_are_spread_and_may_leave_a_part():
    found = compare(
        place(stops=(stop(hours_per_year=Decimal(300), leaves_pct=Decimal(10)),)), LOAD, RIGS, None, doubtful=False
    )
    assert (found.stopped_h, found.kwh) == (300, 65 * 8460 + Decimal("6.5") * 300)


def test_an_energy_price_that_is_not_known_is_no_price_and_an_unknown_levy_makes_it_a_least():
    unknown = rates(figure(None, source="nobody says"))
    lost = compare(place(flat("5", "transit"), flat_unknown(unknown)), LOAD, RIGS, REVENUE, doubtful=False)
    assert (lost.cost, lost.per_kwh, lost.margin, lost.margin_per_ph_year) == (None,) * 4
    assert lost.models[0].margin_per_ph_year is None
    least = compare(place(flat("5"), LevyPerKwh(name="levy", per_kwh=unknown)), LOAD, RIGS, REVENUE, doubtful=False)
    assert (least.per_kwh, least.is_least, len(least.doubts)) == (5, True, 1)
    only = compare(place(LevyPerKwh(name="levy", per_kwh=rate("1"))), LOAD, RIGS, REVENUE, doubtful=False)
    assert only.per_kwh is None
    gone = compare(place(flat_unknown(rates(figure("5", None, date(2026, 2, 1))))), LOAD, RIGS, REVENUE, doubtful=False)
    assert gone.cost is None
    assert "no price: energy" in gone.doubts[-1]


def flat_unknown(dated):
    return type(flat())(name="energy", per_kwh=dated)


def test_without_a_rate_of_exchange_there_is_no_margin_and_no_break_even():
    found = compare(place(currency="EUR"), LOAD, RIGS, REVENUE, doubtful=False)
    assert (found.rate, found.margin, found.models[0].break_even, found.per_kwh) == (None, None, None, 5)


@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(1, 40), st.sampled_from([0, 25])), max_size=4),
    st.integers(0, 5).map(lambda steps: timedelta(minutes=15 * steps)),
)
def test_energy_is_what_a_minute_by_minute_look_leaves(told, offset):
    """Against each step's minutes: what a stop leaves of a minute is the least that any of them leaves."""
    start = datetime(2026, 6, 1, tzinfo=UTC) + offset
    load = Load(start=start, step=timedelta(hours=6), kwh=(Decimal(600),) * 40)
    stops = [
        stop(from_=date(2026, 6, 1) + timedelta(days=first), until=date(2026, 6, 1) + timedelta(days=first + days))
        if not leaves
        else stop(
            from_=date(2026, 6, 1) + timedelta(days=first),
            until=date(2026, 6, 1) + timedelta(days=first + days),
            leaves_pct=Decimal(leaves),
        )
        for first, days, leaves in told
    ]
    found = compare(place(day_and_night(), stops=tuple(stops)), load, RIGS, None, doubtful=False)
    by_step = []
    for at in range(40):
        begin = start + at * load.step
        shares = [1 - Decimal(_inside(one, begin, load.step)) / 24 * (1 - one.leaves_pct / 100) for one in stops]
        by_step.append(600 * min(shares, default=Decimal(1)))
    assert found.kwh == sum(by_step)


def _inside(one, begin, step):
    """The quarters of an hour of a step that lie in a stop."""
    count = 0
    for quarter in range(24):
        at = begin + quarter * timedelta(minutes=15)
        count += one.from_ <= at.astimezone(BISHKEK).date() < one.until
    return count
