"""URDB records under net metering, and negative prices: billed as NREL's SAM bills them, else refused by name."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.inputs import urdb
from agent.inputs.tariff_file import parse_tariff
from agent.problems import ConfigError
from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.blocks import Block, BlockPeriod, Blocks
from agent.tariffs.levies import LevyPerKwh
from agent.tariffs.load import Load
from tests.tariffs.loads import HOUR, amounts, rate

pytestmark = pytest.mark.pure
FLAT, BY_DAY = [[0] * 24] * 12, [[0] * 8 + [1] * 12 + [0] * 4] * 12
BY_SEASON = [*BY_DAY[:5], *[[0] * 8 + [2] * 12 + [0] * 4] * 4, *BY_DAY[:3]]


def tiers(*prices):
    return [{"rate": price, "unit": "kWh", **({"max": 100_000} if at == 0 else {})} for at, price in enumerate(prices)]


def record(structure, schedule=BY_DAY, **told):
    fixed = {"fixedchargefirstmeter": 10, "fixedchargeunits": "$/month"}
    schedules = {"energyweekdayschedule": schedule, "energyweekendschedule": schedule}
    return {"name": "made", "energyratestructure": structure, "dgrules": "Net Metering", **fixed, **schedules, **told}


TWO = record([[{"rate": 0.1}], [{"rate": 0.2}]])
TIERED = record([tiers(0.1, 0.2), tiers(0.15, 0.3)])
NEGATIVE = record([[{"rate": -0.02}], [{"rate": 0.2}]])
ALL_NEGATIVE = record([[{"rate": -0.02}], [{"rate": -0.01}]])
ONE = record([[{"rate": 0.1}]], FLAT)


def in_winter(hour):
    return 2500 if 8 <= hour % 24 < 18 and hour < 59 * 24 else 0


def in_december(hour):
    return 2300 if 8 <= hour % 24 < 18 and hour > 320 * 24 else 0


def every_other_day(hour):
    return 900 if 10 <= hour % 24 < 15 and hour // 24 % 2 else 0


def made_load(generated):
    """8760 hours of 2018, whose 1 January is a Monday as SAM's is: what is drawn less what is generated, in kW."""
    net = [300 + (hour * 7919) % 401 + (200 if 8 <= hour % 24 < 20 else 0) - generated(hour) for hour in range(8760)]
    return Load(
        start=datetime(2018, 1, 1, tzinfo=UTC),
        step=HOUR,
        kwh=tuple(Decimal(max(kw, 0)) for kw in net),
        export_kwh=tuple(Decimal(max(-kw, 0)) for kw in net),
    )


def read(told):
    return parse_tariff(json.dumps(told), file="record.json")


# What utilityrate5 of NREL's PySAM 7.1.1 bills a month, after its own URDBv8_to_ElectricityRates; no year-end price
SAM = [
    (
        TWO,
        in_winter,
        "18685.40 16821.50 18517.10 18065.10 18573.50 27332.40 70486.40 70889.90 68148.50 70898.70 68220.40 70947.60",
    ),
    (
        TIERED,
        in_winter,
        (
            "27360.80 23633.00 27024.20 26120.20 27137.00 38981.35 102100.80 102728.60 "
            "98282.61 102774.78 98371.26 102809.39"
        ),
    ),
    (
        ONE,
        in_december,
        "44809.50 40332.40 44553.10 43292.40 44545.60 43313.60 44538.10 44767.00 43058.30 44799.60 10879.50 10.00",
    ),
    (
        NEGATIVE,
        in_winter,
        "10.00 10.00 10.00 10.00 10.00 5701.68 48190.64 48528.98 46598.78 48470.10 46706.08 48595.68",
    ),
    (ALL_NEGATIVE, every_other_day, "10.00 10.00 10.00 10.00 10.00 10.00 10.00 10.00 10.00 10.00 10.00 10.00"),
]


@pytest.mark.parametrize(("told", "generated", "billed"), SAM, ids=["two", "tiered", "one", "negative", "all negative"])
def test_a_year_is_billed_within_a_cent_as_sam_bills_it(told, generated, billed):
    found = bill(read(told), made_load(generated), UTC)
    for month, due in zip(found.months, billed.split(), strict=True):
        assert abs(month.amount - Decimal(due)) <= Decimal("0.01")


def test_what_is_left_over_in_a_period_that_holds_no_more_is_refused_by_name():
    told = read(record([[{"rate": 0.1}], [{"rate": 0.2}], [{"rate": 0.3}]], BY_SEASON))
    with pytest.raises(Unpriced, match="export is left over in a period that does not hold in 2018-06: which period"):
        bill(told, made_load(in_winter), UTC)


def test_a_load_that_exports_nothing_is_billed_as_ever_and_other_rules_refuse_by_name():
    load = made_load(lambda _: 0)
    plain = {key: value for key, value in TWO.items() if key != "dgrules"}
    assert bill(read(TWO), load, UTC).amount == bill(read(plain), load, UTC).amount
    assert read(TWO).export_refused == ""
    assert read({**plain, "usenetmetering": True}).export_refused == ""
    assert read(plain).export_refused == "is required: the load exports"
    assert read({**plain, "dgrules": "Net Sharing"}).export_refused.startswith("Net Sharing is none of the rules")
    assert read({**plain, "dgrules": "Net Billing Hourly"}).nets_by_hour


SOLD = record([[{"rate": 0.05, "sell": 0.03}], [{"rate": 0.12, "sell": 0.06}]])
# As above; bought and sold in full are all that is drawn, and all that is generated
BOUGHT = "-5803.38 -5371.17 40506.75 39310.31 40458.27 39356.40 40437.86 40674.53 39097.29 40674.17 39143.38 40709.90"


def test_where_all_is_bought_and_all_is_sold_both_sums_are_priced_step_by_step():
    drawn = [300 + (hour * 7919) % 401 + (200 if 8 <= hour % 24 < 20 else 0) for hour in range(8760)]
    load = Load(
        start=datetime(2018, 1, 1, tzinfo=UTC),
        step=HOUR,
        kwh=tuple(map(Decimal, drawn)),
        export_kwh=tuple(Decimal(in_winter(hour)) for hour in range(8760)),
    )
    found = bill(read({**SOLD, "dgrules": "Buy All Sell All"}), load, UTC)
    by_hour = bill(read({**SOLD, "dgrules": "Net Billing Hourly"}), load, UTC)
    for month, due in zip(found.months, BOUGHT.split(), strict=True):
        assert abs(month.amount - Decimal(due)) <= Decimal("0.01")
    assert by_hour.amount == found.amount


def test_an_hour_that_both_takes_and_exports_is_known():
    quarters = {"start": datetime(2018, 1, 1, tzinfo=UTC), "step": HOUR / 4}
    assert Load(kwh=(Decimal(1),) * 8, export_kwh=(Decimal(0),) * 8, **quarters).hour_of_both() is None
    exported = tuple(map(Decimal, (0, 0, 0, 0, 0, 0, 0, 1)))
    assert Load(kwh=(Decimal(1),) * 8, export_kwh=exported, **quarters).hour_of_both() == datetime(
        2018, 1, 1, 1, tzinfo=UTC
    )


def test_under_net_billing_a_negative_price_is_a_credit_of_its_month():
    told = read({**ALL_NEGATIVE, "dgrules": "Net Billing Instantaneous"})
    assert amounts(bill(told, made_load(lambda _: 0), UTC).months[0])["energy"] < 0


def test_blocks_that_cannot_be_netted_are_refused():
    period = (BlockPeriod(name="all", block=(Block(per_kwh=rate("1")),)),)
    for told in ({"over": "year"}, {"fill": "in_order"}):
        with pytest.raises(ValueError, match="net_export is for blocks over the month, filled together"):
            Blocks(name="energy", period=period, net_export=True, **told)


def test_fuel_is_adjusted_for_the_kwh_that_energy_bills():
    """By day 100 kWh are billed; by night 40 kWh more are exported than taken, and count next month."""
    night_and_day = [[0] * 8 + [1] * 16] * 12
    told = {
        "label": "made",
        "dgrules": "Net Metering",
        "energyratestructure": [[{"rate": 0.1}], [{"rate": 0.2}]],
        "energyweekdayschedule": night_and_day,
        "energyweekendschedule": night_and_day,
        "fueladjustmentsmonthly": [0.01] * 6 + [0.02] * 6,
    }
    start = datetime(2026, 1, 31, tzinfo=UTC)
    kwh = (Decimal(10), *[Decimal(0)] * 7, Decimal(100), *[Decimal(0)] * 15)
    export = (Decimal(50), *[Decimal(0)] * 47)
    load = Load(start=start, step=HOUR, kwh=kwh + kwh, export_kwh=export)
    first, second = bill(parse_tariff(json.dumps(told), file="record.json"), load, UTC).months
    assert [line.amount for line in first.lines] == [20, 1]
    assert [line.amount for line in second.lines] == [20, 1]  # the night's 10 kWh are of what was left over
    assert first.lines[1].component.name == "fuel adjustment of months 1, 2, 3, 4, 5, 6"


def test_fuel_without_energy_is_adjusted_for_what_netting_leaves():
    told = {"label": "made", "fueladjustmentsmonthly": [0.01] * 12, "fixedmonthlycharge": 10}
    start = datetime(2026, 1, 1, tzinfo=UTC)
    load = Load(start=start, step=HOUR, kwh=(Decimal(100), Decimal(0)), export_kwh=(Decimal(0), Decimal(40)))
    for rule, amount in (("Net Metering", "0.6"), ("Net Billing Hourly", "1")):
        read = parse_tariff(json.dumps(told | {"dgrules": rule}), file="record.json")
        assert amounts(bill(read, load, UTC).months[0])["fuel adjustment"] == Decimal(amount)


def test_components_that_make_no_tariff_are_refused_by_the_key_that_they_are_of(monkeypatch):
    levy = LevyPerKwh(name="fuel adjustment", per_kwh=rate("1"), on=("nothing",))
    monkeypatch.setattr(urdb, "fuel", lambda reader: reader.part("fueladjustmentsmonthly", lambda: levy))
    with pytest.raises(ConfigError) as refused:
        parse_tariff(json.dumps(ONE), file="record.json")
    assert "fueladjustmentsmonthly: fuel adjustment: on names nothing" in str(refused.value.problems[0])
