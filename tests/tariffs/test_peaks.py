"""What a new highest draw would cost, against two whole bills: with it and without."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.bill import bill, cost, last_month
from agent.tariffs.charging import load_of
from agent.tariffs.demand import Demand, DemandBlock, DemandPeriod, PowerFactor
from agent.tariffs.levies import LevyPercent
from agent.tariffs.load import Load
from agent.tariffs.peaks import Month, standings, unguarded
from agent.tariffs.periods import ReadTime
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.reserved import Excess, ReservedPower
from agent.tariffs.settling import Settling
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BERLIN, BISHKEK, QUARTER, flat, rate, tariff
from tests.tariffs.test_demand import ANY, PEAK, demand

pytestmark = pytest.mark.pure
BLOCKS = DemandPeriod(
    name="blocks",
    block=(DemandBlock(up_to=Decimal(120), per_kw=rate("4")), DemandBlock(per_kw=rate("9"))),
)
RESERVED = ReservedPower(
    name="reserved",
    kw=rate("100"),
    per_kw=rate("2"),
    excess=(Excess(up_to_pct=Decimal(20), per_kw=rate("5")), Excess(per_kw=rate("11"))),
    tolerance_pct=Decimal(10),
    window_min=30,
)
AUTHORISED = AuthorisedEnergy(name="energy", kw=rate("90"), per_kwh=rate("3"), per_kwh_above=rate("20"))
TARIFFS = {
    "any time": tariff(flat("0"), demand()),
    "half hours": tariff(flat("0"), demand(window_min=30)),
    "hours, two periods": tariff(flat("0"), demand(ANY, PEAK, window_min=60)),
    "above the peak": tariff(flat("0"), demand(PEAK, replace(ANY, above="peak"))),
    "above the peak, by blocks": tariff(flat("0"), demand(PEAK, replace(BLOCKS, name="any", above="peak"))),
    "each day": tariff(flat("0"), demand(every="day")),
    "free and least": tariff(flat("0"), demand(free=Decimal(40), least=Decimal(70))),
    "blocks": tariff(flat("0"), demand(BLOCKS, free=Decimal(10))),
    "ratchet": tariff(flat("0"), demand(ratchet=(Ratchet(pct=Decimal(80), measured={"2026-03": Decimal(130)}),))),
    "taxes": tariff(
        flat("0"), demand(), LevyPercent(name="levy", pct=rate("7"), on=("demand",)), Vat(pct=rate("12")),
        LevyPercent(name="more", pct=rate("3")), Vat(name="VAT back", pct=rate("20"), recoverable=True),
    ),
    "its own currency": tariff(
        flat("0"), demand(), settlings={"demand": Settling(currency="USD", coefficient=rate("1.5"))},
        fx={"USD": rate("87.4")},
    ),
    "reserved": tariff(flat("0"), RESERVED),
    "authorised": tariff(AUTHORISED),
}  # fmt: skip
FIRST = datetime(2026, 4, 1, tzinfo=BISHKEK).astimezone(UTC)
LAST = datetime(2026, 5, 1, tzinfo=BISHKEK).astimezone(UTC)


def billed(told, drawn, zone=BISHKEK):
    """What a month costs in which nothing is drawn after these."""
    known = load_of(drawn, QUARTER)
    steps = (LAST - known.start) // QUARTER
    load = Load(start=known.start, step=QUARTER, kwh=(*known.kwh, *[Decimal(0)] * (steps - len(known.kwh))))
    return cost(last_month(told, load, zone))


def dearer(found, kw):
    """What these charges add where the window's mean comes to so many kW."""
    total = Decimal(0)
    for one in found:
        starts = [start for start, _ in one.bands] + [max(kw, one.kw)]
        total += one.jump if kw > one.kw else 0
        for (start, price), end in zip(one.bands, starts[1:], strict=True):
            total += max(min(kw, end) - start, Decimal(0)) * price
    return total


@pytest.mark.parametrize("name", TARIFFS)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_what_a_new_peak_costs_is_what_the_bill_with_it_is_more(name, data):
    told = TARIFFS[name]
    at = FIRST + data.draw(st.integers(1, 400)) * QUARTER + timedelta(minutes=data.draw(st.integers(0, 14)))
    kwh = data.draw(st.lists(st.integers(0, 40), min_size=4, max_size=8))
    first = FIRST + max(0, ((at - FIRST) // QUARTER) - len(kwh)) * QUARTER
    drawn = [(first + place * QUARTER, Decimal(of)) for place, of in enumerate(kwh)]
    found = list(standings(told, drawn, at, Month(zone=BISHKEK)))
    if not found:
        assert name == "hours, two periods"
        return
    window = max((one.window for one in found), key=lambda one: one.end - one.start)
    assert window.start <= at < window.end
    before = [one for one in drawn if one[0] < window.start] or [(FIRST, Decimal(0))]
    steps = (window.end - window.start) // QUARTER
    standing = list(standings(told, before, window.start, Month(zone=BISHKEK)))
    kw = Decimal(data.draw(st.integers(0, 400)))
    low = [(window.start + place * QUARTER, Decimal(0)) for place in range(steps)]
    high = [(window.start + place * QUARTER, kw / 4) for place in range(steps)]
    more = billed(told, [*before, *high]) - billed(told, [*before, *low])
    if name == "authorised":  # each kWh costs 3 in any case
        more -= kw / 4 * 3
    assert dearer(standing, kw) == more


def test_what_a_ratchet_bills_later_is_what_later_bills_are_more():
    """80 % of April's peak in the five months after it, but for those of autumn; 90 kW of March bind until July."""
    ratchet = Ratchet(pct=Decimal(80), months=5, in_=(4, 5, 6, 7, 8), measured={"2026-02": Decimal(110)})
    told = tariff(flat("0"), demand(ratchet=(ratchet,), least=Decimal(30)))
    [found] = standings(told, [], FIRST, Month(zone=BISHKEK))
    assert [(one.months, one.share, one.kw) for one in found.later] == [
        (3, Decimal("0.8"), 88),
        (1, Decimal("0.8"), 30),
    ]
    assert found.later[0].hours == 720
    for kw in (50, 100, 120, 200):
        load = load_of([(FIRST, Decimal(kw) / 4), (FIRST + timedelta(days=152), Decimal(0))], QUARTER)
        [_, *months] = bill(told, load, BISHKEK).months  # May to August
        bare = bill(told, load_of([(FIRST, Decimal(0)), (load.span.end, Decimal(0))], QUARTER), BISHKEK).months[1:]
        more = sum(cost(one) for one in months[:4]) - sum(cost(one) for one in bare[:4])
        expected = Decimal(0)
        for one in found.later:
            [(_, price)] = one.bands
            expected += one.months * max(kw * one.share - one.kw, Decimal(0)) * price
        assert more == expected


def test_a_ratchet_charges_what_rises_later_and_not_what_it_takes_away_from():
    """Where the base rises, what is billed above it pays for no peak of its own in later months."""
    ratchet = Ratchet(pct=Decimal(80), months=5)
    told = tariff(flat("0"), demand(PEAK, replace(ANY, above="peak"), ratchet=(ratchet,)))
    at = FIRST + timedelta(hours=12)  # within the peak hours
    found = {one.period: one.later for one in standings(told, [(FIRST, Decimal(20))], at, Month(zone=BISHKEK))}
    assert [bool(later) for later in found.values()] == [True, False]


def test_horsepower_is_told_in_kw():
    """What a kW more costs is what the bill with it is more."""
    at, month = FIRST + timedelta(hours=3), Month(zone=BISHKEK)
    drawn = [(FIRST, Decimal(20))]  # 80 kW
    [kw], [hp] = (list(standings(tariff(demand(measure=one)), drawn, at, month)) for one in ("kW", "hp"))
    assert (kw.kw, round(hp.kw, 6)) == (80, 80)
    told = tariff(demand(measure="hp"))
    more = billed(told, [*drawn, (at, Decimal(25))]) - billed(told, drawn)
    assert round(dearer([hp], Decimal(100)), 6) == round(more, 6) > 0


def test_what_is_left_are_the_hours_of_the_month_in_which_it_is_measured():
    at = datetime(2026, 4, 30, 12, 7, tzinfo=BISHKEK)
    [any_time, peak] = standings(tariff(flat(), demand(ANY, PEAK)), [], at, Month(zone=BISHKEK))
    hours = [sum((one.end - one.start for one in found.left), timedelta()) for found in (any_time, peak)]
    assert hours == [timedelta(hours=12), timedelta(hours=8)]
    [any_time] = standings(
        tariff(flat(), demand(ANY, PEAK)), [], datetime(2026, 4, 30, 21, tzinfo=BISHKEK), Month(zone=BISHKEK)
    )
    assert any_time.period == "any time"


def test_bills_that_begin_on_another_day_and_clocks_that_jump():
    at = datetime(2026, 3, 20, tzinfo=BERLIN)
    [found] = standings(tariff(flat(), demand()), [], at, Month(zone=BERLIN, read=ReadTime(15)))
    assert sum((one.end - one.start for one in found.left), timedelta()) == timedelta(days=26) - timedelta(hours=1)


def test_what_cannot_be_measured_or_has_no_figure_is_passed_over():
    by_factor = demand(power_factor=PowerFactor(target=Decimal("0.9")))
    at = datetime(2026, 4, 30, 12, tzinfo=BISHKEK)
    drawn = [(at.astimezone(UTC) - QUARTER, Decimal(10))]
    for component in (by_factor, demand(measure="kVA"), demand(measure="kvar")):
        assert list(standings(tariff(flat(), component), drawn, at, Month(zone=BISHKEK))) == []
    rest = Demand(name="d", period=(DemandPeriod(name="x", per_kw=rate("1", until=date(2026, 1, 1))),))
    assert list(standings(tariff(flat(), rest), drawn, at, Month(zone=BISHKEK))) == []
    assert list(standings(tariff(flat()), drawn, at, Month(zone=BISHKEK))) == []


def test_what_no_guard_can_keep_is_named_with_why():
    contract = ReservedPower(name="r", kw=rate("5"), per_kw=rate("1"), measure="kVA")
    told = [
        (demand(), None),
        (demand(measure="hp"), None),
        (demand(measure="kVA"), "it is in kVA"),
        (demand(power_factor=PowerFactor(target=Decimal("0.9"))), "it goes by the power factor"),
        (demand(every="mean_of_days"), "hangs on the whole month"),
        (contract, None),
        (replace(contract, excess=(Excess(per_kw=rate("2")),)), "it is in kVA"),
    ]
    for component, why in told:
        found = [said for _, said in unguarded(tariff(flat(), component))]
        assert len(found) == (why is not None)
        assert all(why in said for said in found)
