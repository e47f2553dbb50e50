"""OpenEI URDB records: billed as NREL's SAM bills them, in whatever form they come; refused key by key."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.inputs.tariff_file import parse_tariff
from agent.problems import ConfigError
from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.demand import Demand
from agent.tariffs.load import Load
from agent.tariffs.ratchet import Ratchet
from tests.tariffs.loads import HOUR, QUARTER, amounts, days

pytestmark = pytest.mark.pure
RECORDS = Path(__file__).parent / "urdb"

# What the utilityrate5 module of NREL's PySAM 7.1.1 bills a month for these made records and `made_load`, after its
# own UtilityRateTools.URDBv8_to_ElectricityRates: USD by month of a year that begins on a Monday
SAM = {
    "times_of_use": (
        "30711.74 28123.40 30507.77 29772.56 30542.44 56589.19 57761.55 58538.07 55916.61 30696.36 29700.12 30604.26"
    ),
    "tiers_and_times": (
        "34977.76 34000.00 34506.73 34000.00 34762.52 34000.00 34502.45 34965.23 34000.00 34969.46 34000.00 34395.44"
    ),
    "hours_of_use": (
        "37644.78 35630.08 37529.39 36942.73 37526.02 36971.62 37522.64 37625.65 36818.04 37640.32 36866.28 37636.94"
    ),
    "daily_tiers": (
        "44364.46 39782.81 43664.85 41955.75 44310.92 42356.29 43243.02 44662.98 41307.26 44357.56 42817.64 127176.46"
    ),
    "steps_in_blocks": (
        "23029.90 22134.48 22978.62 22712.28 22977.12 22730.72 22975.62 23021.40 22651.26 23027.92 22683.90 23026.42"
    ),
}


def made_load(step=HOUR):
    """8760 hours of 2018, whose 1 January is a Monday as SAM's is; kW of each by a plain formula."""
    parts = HOUR // step
    kw = [300 + (hour * 7919) % 401 + (200 if 8 <= hour % 24 < 20 else 0) for hour in range(8760)]
    kwh = tuple(Decimal(one) / parts for one in kw for _ in range(parts))
    return Load(start=datetime(2018, 1, 1, tzinfo=UTC), step=step, kwh=kwh)


def read(record):
    return parse_tariff(record if isinstance(record, str) else json.dumps(record), file="record.json")


@pytest.mark.parametrize("name", SAM)
def test_a_year_is_billed_within_a_cent_as_sam_bills_it(name):
    found = bill(read((RECORDS / f"{name}.json").read_text()), made_load(), UTC)
    for month, told in zip(found.months, SAM[name].split(), strict=True):
        assert abs(month.amount - Decimal(told)) <= Decimal("0.01")


def test_quarter_hours_of_the_same_power_are_billed_as_the_hours_are():
    tariff = read((RECORDS / "times_of_use.json").read_text())
    assert bill(tariff, made_load(QUARTER), UTC).total == bill(tariff, made_load(), UTC).total


FLAT = [[0] * 24 for _ in range(12)]
DAY = [[1 if 8 <= hour < 20 else 0 for hour in range(24)] for _ in range(12)]
ENERGY = {"energyratestructure": [[{"rate": 0.1}]], "energyweekdayschedule": FLAT, "energyweekendschedule": FLAT}
TIERED = [[{"max": 1000, "rate": 0.1, "unit": "kWh"}, {"rate": 0.2}]]


def record(**told):
    return {"label": "made", "name": "A rate", **ENERGY, **told}


JANUARY = days((2026, 1, 1), (2026, 2, 1), UTC)  # 744,000 kWh at 1000 kW


def billed(told, load=JANUARY, zone=UTC):
    [month, *_] = bill(read(told), load, zone).months
    return amounts(month)


def test_a_record_is_in_dollars_and_named_by_its_utility():
    found = read(record(utility="Made Electric"))
    assert (found.name, found.currency, found.zone) == ("Made Electric, A rate", "USD", None)


FORMS = {
    "within items": {"items": [record()]},
    "in a list": [record()],
    "without schedules": {"energyratestructure": [[{"rate": 0.1, "unit": "kWh"}]]},
    "of a bulk export": {
        "_id": {"$oid": "539f6a23ec4f024411ec8bf9"},
        "rateName": "A rate",
        "utilityName": "Made Electric",
        "effectiveDate": {"$date": "2013-01-01T00:00:00.000Z"},
        "energyRateStrux": [{"energyRateTiers": [{"rate": {"$numberDouble": "0.1"}, "unit": "kWh"}]}],
        "energyWeekdaySched": [[{"$numberInt": "0"}] * 24] * 12,
        "energyWeekendSched": FLAT,
        "demandRateUnits": "kW",
        "energyKeyVals": [{"key": "Adjustment", "val": "see the sheet"}],
    },
    "flat": {
        "label": "made",
        "energyratestructure/period0/tier0rate": 0.09,
        "energyratestructure/period0/tier0adj": "0.01",
        "energyweekdayschedule": "0" * 288,
        "energyweekendschedule": json.dumps(FLAT),
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_record_is_read(form):
    assert billed(FORMS[form]) == {"energy": 74_400}


def test_what_charges_is_charged():
    told = record(
        fueladjustmentsmonthly=[0.001, *[0.002] * 11],
        flatdemandstructure=[[{"max": 100, "rate": 1}, {"rate": 2, "adj": 0.5}]],
        flatdemandmonths=[0] * 12,
        demandratestructure=[[{"rate": 0}], [{"rate": 3}]],
        demandweekdayschedule=DAY,
        demandweekendschedule=FLAT,
        fixedmonthlycharge=20,
        minmonthlycharge=100_000,
        annualmincharge=0,
    )
    assert billed(told) == {
        "energy": 74_400,
        "fuel adjustment": 744,
        "flat demand": 100 + 900 * Decimal("2.5"),
        "time-of-use demand": 3000,
        "fixed monthly charge": 20,
        "minimum monthly charge": 100_000 - 80_514,
    }


@pytest.mark.parametrize(
    ("unit", "amount"), [("$/month", "12"), ("$/year", "1"), ("$/day", "365")], ids=["month", "year", "day"]
)
def test_fixed_charges_are_by_the_month_as_sam_has_them(unit, amount):
    assert billed(record(fixedchargefirstmeter=12, fixedchargeunits=unit))["fixed charge"] == Decimal(amount)


def test_a_fixed_charge_that_a_record_says_in_two_versions_is_charged_once():
    twice = record(fixedchargefirstmeter=20, fixedchargeunits="$/month", fixedmonthlycharge=20)
    assert billed(twice) == {"energy": 74_400, "fixed charge": 20}


def test_demand_goes_by_its_window_unit_and_day():
    load = days((2026, 1, 1), (2026, 2, 1), UTC, "25")
    peak = Load(start=load.start, step=load.step, kwh=(Decimal(75), *load.kwh[1:]))
    flat = {"flatdemandstructure": [[{"rate": 1}]], "flatdemandmonths": [0] * 12}
    assert billed(record(**flat), peak)["flat demand"] == 300
    assert billed(record(**flat, demandwindow=30), peak)["flat demand"] == 200
    units = {"flatdemandstructure": [[{"rate": 1, "unit": "kW"}]], "flatdemandunit": "kw"}  # the same in two spellings
    assert billed(record(**units), peak)["flat demand"] == 300
    assert billed(record(**flat, flatdemandunit="kW daily"), peak)["flat demand"] == 300 + 30 * 100
    assert float(billed(record(**flat, flatdemandunit="hp"), peak)["flat demand"]) == pytest.approx(402.306627)
    with pytest.raises(Unpriced, match="the load has no column kvarh"):
        billed(record(**flat, flatdemandunit="kVA"), peak)
    with pytest.raises(Unpriced, match="the load has no column kvarh"):
        billed(record(demandreactivepowercharge=0.4), peak)


RATCHETS = [
    ({"lookbackpercent": 0.8, "lookbackrange": 11}, [Ratchet(pct=Decimal(80), months=11)]),
    ({"lookbackPercent": 80, "lookbackRange": 6}, [Ratchet(pct=Decimal(80), months=6)]),
    (
        {"lookbackpercent": 0.5, "lookbackmonths": [False] * 5 + [True] * 4 + [False] * 3},
        [Ratchet(pct=Decimal(50), months=11, of=(6, 7, 8, 9))],
    ),
    ({"demandratchetpercentage": [0.35] * 12}, [Ratchet(pct=Decimal(35))]),
    ({"demandratchetpercentage": [0] * 6 + [60] * 6}, [Ratchet(pct=Decimal(60), in_=(7, 8, 9, 10, 11, 12))]),
    ({"demandratchetpercentage": 90, "lookbackpercent": 0}, [Ratchet(pct=Decimal(90))]),
]


@pytest.mark.parametrize(("told", "ratchets"), RATCHETS, ids=[str(told)[:60] for told, _ in RATCHETS])
def test_ratchets_hold_demand(told, ratchets):
    found = read(record(flatdemandstructure=[[{"rate": 1}]], **told))
    [demand] = [one for one in found.components if isinstance(one, Demand)]
    assert list(demand.ratchet) == ratchets


def test_a_period_without_tiers_has_one_price_in_all_of_its_month():
    told = record(energyratestructure=[*TIERED, [{"rate": 0.3}]], energyweekdayschedule=DAY)
    weekdays = 22 * 12 * 1000  # kWh of period 1; the rest shares the 1,000 kWh of the first tier
    rest = 744_000 - weekdays
    first = Decimal(1000) * rest / 744_000
    expected = Decimal("0.3") * weekdays + Decimal("0.1") * first + Decimal("0.2") * (rest - first)
    assert round(billed(told)["energy"], 6) == round(expected, 6)


@pytest.mark.parametrize("unit", ["kWh", "kWh/kW", "kWh daily", "kWh/kW daily"])
def test_what_an_open_last_tier_counts_does_not_matter(unit):
    bounded = {"max": 10, "rate": 0.1, "unit": unit}
    open_ones = [{"rate": 0.2}, {"rate": 0.2, "unit": unit}, {"rate": 0.2, "unit": "kWh daily"}]
    told = record(
        energyratestructure=[[bounded, one] for one in open_ones],
        energyweekdayschedule=[[0] * 8 + [1] * 8 + [2] * 8] * 12,
    )
    alike = record(energyratestructure=[[bounded, open_ones[1]]])
    assert round(billed(told)["energy"], 9) == round(billed(alike)["energy"], 9)


def test_export_is_paid_by_the_step_where_the_record_says_so():
    told = record(
        dgrules="Net Billing Instantaneous",
        energyratestructure=[[{"rate": 0.1, "sell": 0.02}], [{"rate": 0.3, "sell": 0.05}]],
        energyweekdayschedule=DAY,
    )
    load = Load(
        start=datetime(2026, 1, 7, 7, tzinfo=UTC), step=HOUR, kwh=(Decimal(0),) * 2, export_kwh=(Decimal(100),) * 2
    )
    assert read(told).export_refused == ""
    assert billed(told, load) == {"energy": 0, "export": -7}


def test_words_and_dates_of_a_record_are_told_as_warnings():
    told = record(
        energyattrs=[{"Transformation charge": "$0.50/kVA"}],
        servicetype="Delivery",
        startdate=1301641200,
        enddate=1735689600,
        fixedchargeeaaddl=4,
        eiaid=97,
        revisions=[1, 2],
        demandcomments="$0.50 a kVA can be voided",
        somethingnew="words",
    )
    assert [*read(told).doubts(date(2026, 1, 1), date(2026, 1, 31))] == [
        "energyattrs are words, and nothing is charged for them: Transformation charge $0.50/kVA",
        "the record is of Delivery alone: what others charge is not in it",
        "the tariff ends on 2025-01-01, and is used for days after that",
    ]


def test_whom_a_rate_is_meant_for_is_told_where_a_load_is_not_so():
    told = record(peakkwcapacitymin=20, peakkwcapacitymax=500, peakkwhusagemax=0, maxenergy=700_000)
    meant = read(told).meant
    months = ("2026-01", "2026-02")
    assert [*meant.misses({"2026-01": Decimal(812), "2026-02": Decimal(640)}, {"2026-01": Decimal(9)}, months)] == [
        "the tariff is meant for at most 500 kW a month: 2026-01 has 812, and 1 more of 2 months lie outside"
    ]
    assert [*meant.misses({"2026-01": Decimal(20)}, {"2026-01": Decimal(700_001)}, months)] == [
        "the tariff is meant for at most 700000 kWh a month: 2026-01 has 700001"
    ]
    third = Decimal(10) / 3
    assert [*meant.misses({"2026-01": third, "2026-02": third}, {}, months[1:])] == [  # January is a part
        "the tariff is meant for at least 20 kW a month: 2026-02 has 3.333"
    ]
    assert read(record(peakkwcapacitymax=500, demandunits="kVA")).meant.kw_most is None


BOTH = {"energyweekdayschedule": DAY}
REFUSED = [
    ("{", "is no JSON: "),
    ('{"items": []}', "holds 0 records where one is wanted"),
    ('{"items": [{}, {}]}', "holds 2 records where one is wanted"),
    ('{"items": [5]}', "is no URDB record, nor an object with items"),
    ('{"label": "a", "label": "b"}', "is no JSON: a key stands twice"),
    ('{"rate": NaN}', "is no JSON: NaN is no number"),
    ({"label": "made", "name": "Nothing"}, "charges nothing"),
    (record(country="KGZ"), "country: is KGZ, and a record names no currency: --currency"),
    (record(energyratestructure=[[]]), "energyratestructure: must be a list of periods, each a list of at least one"),
    (record(energyratestructure=[[{"unit": "kWh"}]]), "energyratestructure.0.0: has neither rate nor adj"),
    (record(energyratestructure=[[{"rate": "x"}]]), "energyratestructure.0.0.rate: must be a number"),
    (record(energyratestructure=[[{"rate": 1, "tax": 2}]]), "energyratestructure.0.0.tax: is no known key of a tier"),
    (record(energyratestructure=[[{"rate": 1, "max": -5}, {"rate": 2}]]), "energyratestructure.0.0.max: must be at le"),
    (
        record(energyratestructure=[[{"rate": 1, "max": 9}, {"rate": 2, "max": 5}]]),
        "energyratestructure.0: a block ends at 5, which is not above 9",
    ),
    (
        record(energyratestructure=[[{"rate": 1}, {"rate": 2}]]),
        "energyratestructure.0: only the last block may have no",
    ),
    (
        record(energyratestructure=[[{"rate": 1, "max": 9, "unit": "MWh"}, {"rate": 2}]]),
        "energyratestructure.unit: is MWh, and none of kWh, kWh/kW, kWh daily, kWh/kW daily",
    ),
    (
        record(energyratestructure=[[{"rate": 1, "max": 9}, {"rate": 2, "max": 5, "unit": "kWh/kW"}, {"rate": 1}]]),
        "energyratestructure.0: bounds in kWh stand before those in kWh/kW",
    ),
    (
        record(energyratestructure=[TIERED[0], [{"max": 500, "rate": 1}, {"rate": 2}]], **BOTH),
        "energyratestructure: periods of month 1 have tiers with different bounds",
    ),
    (
        record(
            dgrules="Net Billing Instantaneous",
            energyratestructure=[[{"rate": 1, "max": 9, "sell": 1}, {"rate": 1, "sell": 2}]],
        ),
        "energyratestructure.sell: differs by tier: which tier export fills is not said",
    ),
    (record(**BOTH), "energyweekdayschedule.0.8: is 1, and there is no such period"),
    (record(energyweekendschedule=[[0] * 23] * 12), "energyweekendschedule: must be twelve lists of 24 hours"),
    (
        {"energyratestructure": [[{"rate": 1}], [{"rate": 2}]], "energyweekdayschedule": DAY},
        "energyweekendschedule: is required, since energyratestructure has 2 periods",
    ),
    (record(fueladjustmentsmonthly=[1] * 11), "fueladjustmentsmonthly: must be twelve numbers, one a month"),
    (record(flatdemandmonths=[0] * 12), "flatdemandstructure: is required by flatdemandmonths"),
    (
        record(flatdemandstructure=[[{"rate": 1}]], flatdemandmonths=[0] * 11),
        "flatdemandmonths: must be twelve periods, one a month",
    ),
    (
        record(flatdemandstructure=[[{"rate": 1}]], flatdemandmonths=[0] * 11 + [1]),
        "flatdemandmonths.11: is 1, and there is no such period",
    ),
    (
        record(flatdemandstructure=[[{"rate": 1}]], flatdemandunit="MW"),
        "flatdemandunit: is MW, and none of kW, kVA, hp and their daily forms",
    ),
    (record(flatdemandstructure=[[{"rate": 1}]], demandwindow=7.5), "demandwindow: must be whole minutes of at most"),
    (
        record(flatdemandstructure=[[{"rate": 1}]], lookbackpercent=0.8),
        "lookbackpercent: is of months that neither lookbackrange nor lookbackmonths names",
    ),
    (
        record(flatdemandstructure=[[{"rate": 1}]], demandratchetpercentage=[150] * 12),
        "demandratchetpercentage: must be parts of 1, or percent",
    ),
    (record(fixedchargefirstmeter=5), "fixedchargeunits: is required by fixedchargefirstmeter"),
    (record(fixedchargefirstmeter=5, fixedchargeunits="$/kWh"), "fixedchargeunits: is $/kwh, and none of $/month, "),
    (
        record(fixedchargefirstmeter=5, fixedchargeunits="$/month", fixedmonthlycharge=6),
        "fixedmonthlycharge: is another amount than fixedchargefirstmeter",
    ),
    (record(mincharge=5), "minchargeunits: is required by mincharge"),
    (
        record(coincidentratestructure=[[{"rate": 5}]], coincidentrateschedule=FLAT),
        "coincidentratestructure: charges the demand at the system's peak, which no record tells",
    ),
    (record(greenenergyrate=0.01), "greenenergyrate: is no known key, and may charge something"),
]


@pytest.mark.parametrize(("told", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_honoured_is_refused_by_its_name(told, said):
    with pytest.raises(ConfigError) as refused:
        read(told)
    assert str(refused.value).startswith(f"record.json: {said}")


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as refused:
        read(record(mincharge=5, fixedchargefirstmeter=5, demandwindow=0.5, flatdemandstructure=[[{"rate": 1}]]))
    assert [problem.key for problem in refused.value.problems] == ["demandwindow", "fixedchargeunits", "minchargeunits"]


def test_what_is_taken_above_the_last_tier_has_no_price():
    with pytest.raises(Unpriced, match="no price above the last block, which ends at 1000"):
        billed(record(energyratestructure=[[{"max": 1000, "rate": 0.1}]]))


def test_hours_of_a_schedule_are_of_the_local_day_also_where_clocks_jump():
    start = datetime(2026, 3, 8, 6, tzinfo=UTC)  # midnight in Chicago; its 02:00 is jumped over
    load = Load(start=start, step=timedelta(hours=1), kwh=(Decimal(1),) * 6)
    hours = [list(range(24))] * 12
    told = record(
        energyratestructure=[[{"rate": hour}] for hour in range(24)],
        energyweekdayschedule=hours,
        energyweekendschedule=hours,
    )
    assert billed(told, load, ZoneInfo("America/Chicago"))["energy"] == 0 + 1 + 3 + 4 + 5 + 6
