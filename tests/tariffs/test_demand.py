"""Demand: windows, periods, blocks, ratchets, power factor, least and free power."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.charging import charged
from agent.tariffs.demand import Demand, DemandBlock, DemandPeriod, PowerFactor
from agent.tariffs.explain import explain
from agent.tariffs.fixed import Fixed
from agent.tariffs.levies import LevyPercent
from agent.tariffs.load import Load
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BERLIN, BISHKEK, HOUR, QUARTER, days, flat, instants, rate, tariff
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure
ANY = DemandPeriod(name="any time", per_kw=rate("10"))
PEAK = DemandPeriod(name="peak", per_kw=rate("5"), days=("mon-fri",), hours=("08:00-20:00",))


def demand(*periods, **told):
    return Demand(name="demand", period=periods or (ANY,), **told)


def with_peaks(*peaks, month=(2026, 1, 1), after=(2026, 2, 1), step=QUARTER, zone=BISHKEK, **told):
    """A load of 100 kW but for some steps: (day, hour, minute, kWh of the step)."""
    even = days(month, after, zone, "25", step)
    kwh = list(even.kwh)
    for day, hour, minute, taken in peaks:
        at = (datetime(month[0], month[1], day, hour, minute, tzinfo=zone) - even.start) // step
        kwh[at] = Decimal(taken)
    return Load(start=even.start, step=step, kwh=tuple(kwh), **told)


def amount(component, load, zone=BISHKEK):
    return bill(tariff(component), load, zone).amount


def test_the_highest_quarter_hour_is_charged_by_the_kilowatt():
    load = with_peaks((7, 10, 15, "75"))  # a Wednesday: 300 kW
    assert amount(demand(), load) == 3000
    assert amount(demand(ANY, PEAK), load) == 3000 + 1500
    assert amount(demand(ANY, PEAK), with_peaks((10, 10, 15, "75"))) == 3000 + 500  # a Saturday


@pytest.mark.parametrize(("window", "kw"), [(None, 300), (15, 300), (30, 200), (60, 150), (5, 300)])
def test_the_mean_is_taken_over_windows_of_the_clock(window, kw):
    assert amount(demand(window_min=window), with_peaks((7, 10, 15, "75"))) == 10 * kw


def test_rolling_windows_begin_with_each_step_and_lie_whole_in_their_period():
    across = with_peaks((7, 9, 45, "75"), (7, 10, 0, "75"))  # two half hours of the clock, one that rolls
    assert amount(demand(window_min=30), across) == 2000
    assert amount(demand(window_min=30, rolling=True), across) == 3000
    edge = with_peaks((7, 19, 45, "75"), (7, 20, 0, "75"))  # half of it is after the peak hours
    assert amount(demand(PEAK, window_min=30, rolling=True), edge) == 5 * 200
    night = DemandPeriod(name="night", per_kw=rate("1"), hours=("22:00-06:00",))
    over_midnight = with_peaks((7, 23, 45, "75"), (8, 0, 0, "75"))
    assert amount(demand(night, window_min=30, rolling=True), over_midnight) == 300


def test_windows_begin_at_local_midnight_wherever_the_load_begins():
    load = with_peaks((7, 10, 0, "75"), (7, 9, 45, "75"))  # two steps in different half hours
    late = Load(start=load.start + QUARTER, step=QUARTER, kwh=load.kwh[1:])
    assert amount(demand(window_min=30), late) == amount(demand(window_min=30), load) == 2000


def test_blocks_of_demand_are_charged_one_above_the_other():
    period = DemandPeriod(
        name="any", block=(DemandBlock(up_to=Decimal(50), per_kw=rate("0")), DemandBlock(per_kw=rate("3.54")))
    )
    assert amount(demand(period), with_peaks((7, 10, 15, "75"))) == 250 * Decimal("3.54")
    assert amount(demand(free=Decimal(50)), with_peaks((7, 10, 15, "75"))) == 2500


def test_a_ratchet_bills_what_earlier_months_drew_for_so_many_months():
    kwh = []
    for month in range(1, 7):
        months = days((2026, month, 1), (2026, month + 1, 1), BISHKEK, "250" if month == 1 else "25", HOUR)
        kwh += months.kwh
    load = Load(start=datetime(2026, 1, 1, tzinfo=BISHKEK).astimezone(UTC), step=HOUR, kwh=tuple(kwh))

    def billed(**told):
        found = bill(tariff(demand(ratchet=(Ratchet(**{"pct": Decimal(80), **told}),))), load, BISHKEK)
        return [month.amount for month in found.months]

    assert billed() == [2500, 2000, 2000, 2000, 2000, 2000]
    assert billed(months=3) == [2500, 2000, 2000, 2000, 250, 250]
    assert billed(of=(2, 3)) == [2500, 250, 250, 250, 250, 250]
    assert billed(in_=(3, 4)) == [2500, 250, 2000, 2000, 250, 250]
    assert billed(months=1, measured={"2025-12": Decimal(1000)}) == [8000, 2000, 250, 250, 250, 250]


def test_a_ratchet_of_a_season_looks_back_on_the_months_of_the_other():
    winter = DemandPeriod(name="winter", per_kw=rate("10"), months=(11, 12, 1, 2, 3))
    summer = DemandPeriod(name="summer", per_kw=rate("20"), months=(4, 5, 6, 7, 8, 9, 10))
    kwh = [
        one for month in (3, 4) for one in days((2026, month, 1), (2026, month + 1, 1), BISHKEK, str(1200 / month)).kwh
    ]
    load = Load(start=datetime(2026, 3, 1, tzinfo=BISHKEK).astimezone(UTC), step=QUARTER, kwh=tuple(kwh))
    held = demand(winter, summer, ratchet=(Ratchet(pct=Decimal(90)),))  # 1600 kW in March, 1200 in April
    assert [month.amount for month in bill(tariff(held), load, BISHKEK).months] == [16_000, 20 * 1440]
    of_summer = demand(winter, summer, ratchet=(Ratchet(pct=Decimal(90), of=(6, 7, 8)),))
    assert [month.amount for month in bill(tariff(of_summer), load, BISHKEK).months] == [16_000, 20 * 1200]


def test_a_demand_has_its_least_and_may_be_rounded():
    load = with_peaks((7, 10, 15, "75.013"))
    assert amount(demand(least=Decimal(5000)), load) == 50_000
    assert amount(demand(digits=0), load) == 3000
    assert amount(demand(every="day"), load) == 30 * 1000 + Decimal("3000.52")


def reactive(kwh, kvarh, lead=None):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Load(
        start=start,
        step=QUARTER,
        kwh=tuple(map(Decimal, kwh)),
        kvarh=tuple(map(Decimal, kvarh)),
        kvarh_lead=None if lead is None else tuple(map(Decimal, lead)),
    )


def test_apparent_reactive_power_and_horsepower_are_measured():
    load = reactive(["300", "1"], ["400", "1"])
    assert amount(demand(measure="kVA"), load) == 20_000
    assert amount(demand(measure="kvar"), load) == 16_000
    assert amount(demand(measure="kVA"), reactive(["300", "1"], ["500", "1"], ["100", "0"])) == 20_000
    assert amount(demand(measure="kvar"), reactive(["300", "1"], ["0", "0"], ["100", "0"])) == 0
    assert float(amount(demand(measure="hp"), load)) == pytest.approx(12000 / 0.745699872)


def test_a_low_power_factor_raises_what_is_billed():
    load = reactive(["240", "240"], ["180", "0"])  # 960 kW at 0.8, then at 1; the first of equals is the peak
    factor = PowerFactor(target=Decimal("0.95"))
    assert amount(demand(power_factor=factor), load) == 11_400
    monthly = PowerFactor(target=Decimal("0.95"), at="month")  # 480 kWh, 180 kvarh: 0.936329
    assert float(amount(demand(power_factor=monthly), load)) == pytest.approx(9600 * 0.95 / 0.9363291776)
    assert amount(demand(power_factor=PowerFactor(target=Decimal("0.8"))), load) == 9600


def test_what_a_load_does_not_tell_is_named():
    with pytest.raises(Unpriced, match="the load has no column kvarh"):
        amount(demand(measure="kVA"), with_peaks())


BAD = [
    (lambda: demand(window_min=0), "window_min must be 1 to 1440"),
    (lambda: demand(ANY, ANY), "two periods have the same name"),
    (lambda: DemandPeriod(name="a"), "needs either per_kw or block"),
    (lambda: demand(least=Decimal(-1)), "least and free are not negative"),
    (lambda: demand(measure="kVA", power_factor=PowerFactor(target=Decimal(1))), "power_factor is for a demand in kW"),
    (lambda: PowerFactor(target=Decimal("1.1")), "target must be above 0 and at most 1"),
    (lambda: Ratchet(pct=Decimal(101)), "pct must be above 0 and at most 100"),
    (lambda: Ratchet(pct=Decimal(80), months=0), "months must be 1 to 24"),
    (lambda: Ratchet(pct=Decimal(80), measured={"May": Decimal(1)}), "May is no month such as 2026-01"),
]


@pytest.mark.parametrize(("make", "said"), BAD, ids=[said for _, said in BAD])
def test_a_demand_that_cannot_be_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@given(
    start=instants(),
    kwh=st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=2, max_size=250),
    zone=st.sampled_from(ZONES),
    window=st.sampled_from([15, 30]),
    pct=st.integers(10, 100),
)
@settings(max_examples=60, deadline=None)
def test_a_demand_is_what_looking_at_every_window_by_the_clock_gives(start, kwh, zone, window, pct):
    load = Load(start=start, step=QUARTER, kwh=tuple(kwh))
    seen, energy = {}, {}
    for at, taken in enumerate(kwh):
        local = (start + at * QUARTER).astimezone(zone)
        month = local.strftime("%Y-%m")
        kind = local.weekday() < 5 and 8 <= local.hour < 20
        if (start + at * QUARTER).astimezone(zone).utcoffset() % timedelta(minutes=15):
            return  # a window of such a zone is no step of the load
        half = (local.date(), local.hour, local.minute // window, local.utcoffset())
        energy[month, half] = energy.get((month, half), Fraction(0)) + Fraction(taken)
        seen.setdefault(month, {"any": set(), "peak": set()})["any"].add(half)
        if kind:
            seen[month]["peak"].add(half)
    slow, before = Fraction(0), []
    for month, halves in seen.items():
        powers = {
            name: max((energy[month, half] for half in found), default=Fraction(0)) * 60 / window
            for name, found in halves.items()
        }
        for name, price in ("any", 10), ("peak", 5):
            held = max((one[name] for one in before), default=Fraction(0)) * pct / 100
            slow += price * max(powers[name], held if halves[name] else 0)
        before.append(powers)
    component = demand(ANY, PEAK, window_min=window, ratchet=(Ratchet(pct=Decimal(pct)),))
    assert abs(Fraction(amount(component, load, zone)) - slow) < Fraction(1, 10**9)


def test_no_interval_bears_what_the_month_as_a_whole_is_charged():
    """The ledger charges intervals: energy and the tax on it; demand and service stand in the month's bill alone."""
    whole = tariff(
        flat("5"),
        demand(),
        Fixed(name="service", per_month=rate("300")),
        Vat(pct=rate("10")),
        LevyPercent(name="tax", pct=rate("1"), on=("demand",)),
        LevyPercent(name="fund", pct=rate("2"), on=("energy", "service")),
    )
    assert whole.unborne() == [
        "charged by the month as a whole, and borne by no interval, price or saving: demand, service"
    ]
    start = datetime(2026, 1, 7, tzinfo=UTC)
    piece = charged(whole, 100_000, start, start + QUARTER, BISHKEK)
    assert {one.name: one.amount for one in piece.amounts} == {"energy": 500, "VAT": 50, "fund": 10}


def test_the_words_of_a_demand_tell_its_peak_and_what_held_it():
    held = demand(ratchet=(Ratchet(pct=Decimal(80), measured={"2025-08": Decimal(1000)}),))
    priced = tariff(held)
    page = "\n".join(explain(bill(priced, with_peaks((7, 10, 15, "75")), BISHKEK), priced, BISHKEK))
    assert "any time, highest 300 kW at 2026-01-07 10:15+06:00; 80 % of 1000 kW of 2025-08: 800 kW x 10 KGS/kW" in page


def test_windows_hold_their_hour_where_clocks_jump():
    load = with_peaks((29, 10, 30, "75"), month=(2026, 3, 1), after=(2026, 4, 1), zone=BERLIN)
    assert amount(demand(window_min=60), load, BERLIN) == 1500


def test_off_peak_power_is_billed_above_that_of_the_peak_alone():
    """As Madison Gas and Electric bills "excess off-peak": its white paper 22 of 2009."""
    on = DemandPeriod(name="on", per_kw=rate("10"), days=("mon-fri",), hours=("08:00-20:00",))
    night = DemandPeriod(name="night", per_kw=rate("2"), hours=("00:00-06:00",), above="on")
    rest = DemandPeriod(name="rest", per_kw=rate("1"), hours=("20:00-24:00",), above="night")

    def found(on_kw, night_kw, rest_kw):
        load = with_peaks((5, 9, 0, on_kw / 4), (6, 1, 0, night_kw / 4), (7, 21, 0, rest_kw / 4))
        [month] = bill(tariff(demand(on, night, rest)), load, BISHKEK).months
        return [(int(part.quantity), part.amount) for part in month.lines[0].parts]

    assert found(400, 480, 500) == [(400, 4000), (80, 160), (20, 20)]
    assert found(400, 300, 420) == [(400, 4000), (20, 20)]
    assert found(400, 300, 200) == [(400, 4000)]
    with pytest.raises(ValueError, match="rest: above names night, and no period before it"):
        demand(on, rest)
    with pytest.raises(ValueError, match="above is not for a mean,"):
        demand(on, night, every="mean_of_days")
