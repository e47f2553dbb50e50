"""A tariff's file: what it may say, one sentence for each mistake, and the packs."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inputs.tariff_file import parse_tariff, read_pack, read_tariff
from agent.problems import ConfigError
from agent.tariffs.bill import bill, price_at
from agent.tariffs.demand import PowerFactor
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.kinds import KINDS
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.series import Prices
from agent.tariffs.settling import Settling
from agent.tariffs.when import When
from tests.tariffs.loads import ALMATY, BISHKEK, amounts, days

pytestmark = pytest.mark.pure
HEAD = 'currency = "KGS"\n'
FLAT = 'kind = "flat"\nname = "e"\n'


def component(text, head=HEAD):
    return f"{head}[[component]]\n{text}\n"


EVERY = """
name = "Every key"
currency = "KZT"
zone = "Asia/Almaty"
digits = 0

[fx]
"USD/KZT" = [{ value = 450, until = 2026-01-01 }, { value = "452.5", from = 2026-01-01, source = "NBK" }]

[days]
2026-01-01 = "holiday"
2026-03-14 = "fri"

[[component]]
kind = "flat"
name = "transit"
party = "network"
per_kwh = 1.10

[[component]]
kind = "time_of_use"
name = "energy"
party = "seller"

[[component.period]]
name = "day"
per_kwh = "46"
months = [1, 2]
days = ["mon-fri", "sat"]
hours = ["08:30-23:00"]

[[component.period]]
name = "rest"
per_kwh = [
  { value = "26", until = 2026-07-01, source = "contract" },
  { value = "27", from = 2026-07-01, unconfirmed = true },
]

[[component]]
kind = "blocks"
name = "grid"
party = "network"
over = "month"
window_min = 30
ratchet = [{ pct = 50, months = 6, of = [6, 7], in = [1], measured = { "2025-12" = 900 } }]

[[component.period]]
name = "summer"
months = [6, 7]
also = [{ months = [8], days = ["sat"], hours = ["00:00-12:00"] }]
block = [{ up_to = 200, unit = "kWh/kW", per_kwh = "0.07" }, { per_kwh = [{ value = "0.04", source = "sheet" }] }]

[[component.period]]
name = "rest"
block = [{ up_to = 200, unit = "kWh/kW", per_kwh = "0.05" }, { per_kwh = "0.03" }]

[[component]]
kind = "authorised_energy"
name = "authorised"
kw = { value = 900, from = 2020-01-01 }
per_kwh = 4
per_kwh_above = "17.45"
events = [{ from = 2026-01-07T18:00:00+05:00, until = 2026-01-07T20:00:00+05:00 }]

[[component]]
kind = "take_or_pay"
name = "guarantee"
kwh_per_year = 1_000_000
year_ends = 6
per_kwh = 3

[[component]]
kind = "export_credit"
name = "fed in"
period = [{ name = "all", per_kwh = "0.5" }]

[[component]]
kind = "reserved_power"
name = "contract"
kw = 500
per_kw = "12"
currency = "USD"
floor = 100
cap = "9000"
round = 2
excess = [{ up_to_pct = 10, per_kw = 24 }, { per_kw = 36 }]
tolerance_pct = "5"
measure = "kVA"
per = "year"
window_min = 15
when = { hours = ["06:00-22:00"] }
prorate = "none"

[[component]]
kind = "coincident_peak"
name = "4CP"
per_kw = 4
intervals = [2025-06-23T16:30:00-05:00, 2025-07-28T16:45:00-05:00]
interval_min = 15
factor = "1.11"
months = [1, 2]

[[component]]
kind = "fixed"
name = "service"
per_month = "140"
prorate = "none"
months = [1, 2]

[[component]]
kind = "demand"
name = "power"
party = "network"
measure = "kW"
window_min = 60
every = "month"
least = 5000
free = 50
digits = 1
prorate = "days"
ratchet = [{ pct = "80" }]
power_factor = { target = 0.95, at = "month" }

[[component.period]]
name = "any time"
block = [{ up_to = 100, per_kw = "3.54" }, { per_kw = "36" }]

[[component.period]]
name = "peak"
days = ["mon-fri"]
hours = ["08:00-20:00"]
per_kw = { value = "5", source = "sheet" }

[[component]]
kind = "reactive"
name = "kvarh"
party = "network"
per_kvarh = "0.2"
tan_phi = "0.33"
per_kvarh_lead = "0.3"
tan_phi_lead = 0
over = "step"
whole = true
when = { days = ["mon-fri"], hours = ["08:00-20:00"] }

[[component]]
kind = "power_factor"
name = "factor"
row = [{ factor_from = 0, pct = 3, per_point = 1 }, { factor_from = "0.9", target = "0.9", share = "0.25" }]
on = ["power"]
digits = 2
pct_digits = 1

[[component]]
kind = "minimum"
name = "least"
per_year = 60000
year_ends = 3
on = ["energy", "grid"]
prorate = "none"

[[component]]
kind = "levy_per_kwh"
name = "fee"
party = "state"
on = ["energy"]
months = [1, 12]
per_kwh = { value = "1", from = 2022-01-01 }

[[component]]
kind = "levy_by_price"
name = "mining fee"
on = ["energy"]
row = [{ price_from = 0, per_kwh = 25 }, { price_from = "24.5", per_kwh = 1 }]

[[component]]
kind = "vat"
name = "VAT"
party = "seller"
pct = 16
on = ["transit", "energy"]
recoverable = true

[[component]]
kind = "levy_percent"
name = "tax"
party = "state"
pct = "10"
on = ["VAT"]

[[component]]
kind = "excess_power"
name = "squares"
window_min = 15
period = [{ name = "P1", hours = ["09:00-14:00"], kw = 100, per_kw = "1.4064" }, { name = "P6", kw = 200, per_kw = 1 }]
"""


def test_every_key_is_read_exactly():
    found = parse_tariff(EVERY)
    assert (found.name, found.currency, found.zone, found.digits) == ("Every key", "KZT", "Asia/Almaty", 0)
    assert found.days == {date(2026, 1, 1): "holiday", date(2026, 3, 14): "fri"}
    transit, energy, grid, authorised, guarantee, fed_in, contract, peaks, service, power, *rest = found.components
    kvarh, factor, least, fee, mining, vat, tax, squares = rest
    assert (kvarh.whole, kvarh.when.days, squares.period[1].kw.figures[0].value) == (True, ("mon-fri",), 200)
    assert (factor.pct_digits, factor.row[1].target, factor.row[1].share) == (1, Decimal("0.9"), Decimal("0.25"))
    assert {one.kind for one in found.components} == set(KINDS) - {"series", "schedule", "programme", "full_load_hours"}
    assert (factor.digits, factor.row[0].per_point, factor.on) == (2, 1, ("power",))
    assert (authorised.kw.figures[0].value, authorised.events[0].from_.hour) == (900, 18)
    assert (guarantee.kwh_per_year, guarantee.year_ends, fed_in.period[0].name) == (1_000_000, 6, "all")
    assert (contract.excess[0].up_to_pct, contract.when.hours, contract.measure) == (10, ("06:00-22:00",), "kVA")
    assert contract.per == "year"
    assert (len(peaks.intervals), peaks.factor, peaks.months) == (2, Decimal("1.11"), (1, 2))
    assert found.settlings == {"contract": Settling(currency="USD", floor=Decimal(100), cap=Decimal(9000), round=2)}
    assert [one.value for one in found.fx["USD"].figures] == [450, Decimal("452.5")]
    assert [one.price_from for one in mining.row] == [0, Decimal("24.5")]
    assert transit.per_kwh == Dated(figures=(Figure(value=Decimal("1.10")),))
    day, rest = energy.period
    assert (day.months, day.days, day.hours) == ((1, 2), ("mon-fri", "sat"), ("08:30-23:00",))
    assert rest.per_kwh.figures == (
        Figure(value=Decimal(26), until=date(2026, 7, 1), source="contract"),
        Figure(value=Decimal(27), from_=date(2026, 7, 1), unconfirmed=True),
    )
    assert grid.period[0].also == (When(months=(8,), days=("sat",), hours=("00:00-12:00",)),)
    assert (grid.period[0].block[0].up_to, grid.period[0].block[0].unit) == (200, "kWh/kW")
    held = Ratchet(pct=Decimal(50), months=6, of=(6, 7), in_=(1,), measured={"2025-12": Decimal(900)})
    assert grid.ratchet == (held,)
    assert (service.per_month.figures[0].value, service.prorate, service.months) == (140, "none", (1, 2))
    assert (power.least, power.free, power.digits, power.prorate) == (5000, 50, 1, "days")
    assert (power.period[0].block[1].per_kw.figures[0].value, power.period[1].per_kw.figures[0].source) == (36, "sheet")
    assert power.power_factor == PowerFactor(target=Decimal("0.95"), at="month")
    assert (kvarh.tan_phi, kvarh.per_kvarh_lead.figures[0].value, kvarh.over) == (
        Decimal("0.33"),
        Decimal("0.3"),
        "step",
    )
    assert (least.per_year.figures[0].value, least.year_ends, least.on) == (60000, 3, ("energy", "grid"))
    assert (fee.on, fee.months) == (("energy",), (1, 12))
    assert fee.per_kwh.figures == (Figure(value=Decimal(1), from_=date(2022, 1, 1)),)
    assert (vat.on, vat.recoverable, tax.on, tax.pct.figures[0].value) == (("transit", "energy"), True, ("VAT",), 10)


@given(
    price=st.decimals(min_value=-1000, max_value=1000, places=7),
    first=st.dates(date(2000, 1, 1), date(2020, 1, 1)),
    length=st.integers(1, 3000),
    name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_a_printed_tariff_is_read_back_as_it_was(price, first, length, name):
    until = date.fromordinal(first.toordinal() + length)
    text = component(
        f'kind = "flat"\nname = "{name}"\nper_kwh = [{{ value = "{price}", from = {first}, until = {until} }}]'
    )
    [found] = parse_tariff(text).components
    assert found.name == name
    assert found.per_kwh.figures == (Figure(value=price, from_=first, until=until),)


PERIODS = 'kind = "time_of_use"\nname = "e"\nperiod = [{{ name = "a", per_kwh = 1{} }}]'
BLOCKS = 'kind = "blocks"\nname = "e"\nperiod = [{{ name = "a", block = [{}] }}]'
SERIES = 'kind = "series"\nname = "e"\n{}'
DEMAND = 'kind = "demand"\nname = "e"\n{}\nperiod = [{{ name = "a", per_kw = 1 }}]'
MISTAKES = [
    ("x", "is no TOML: Expected '=' after a key in a key/value pair (at end of document)"),
    ("a = " + "[" * 2000, "is no TOML: "),
    (component(FLAT + "per_kwh = 1", ""), "currency: is required"),
    (HEAD, "component: needs at least one"),
    (component(FLAT + "per_kwh = 1", 'currency = "som"\n'), "currency: must be an ISO 4217 code such as KGS"),
    (
        component(FLAT + "per_kwh = 1", HEAD + 'zone = "Bishkek"\n'),
        "zone: must be an IANA time zone such as Asia/Bishkek",
    ),
    (component(FLAT + "per_kwh = 1", HEAD + 'curency = "KGS"\n'), "curency: is no known key; did you mean currency?"),
    (component(FLAT + "per_kwh = 1", HEAD + "digits = -1\n"), "digits: must be at least 0"),
    (component(FLAT + "per_kwh = 1", HEAD + "digits = 99\n"), "digits: must be at most 9"),
    (component(FLAT + "per_kwh = 1", HEAD + "digits = true\n"), "digits: must be a whole number"),
    (component(FLAT + "per_kwh = 1", HEAD + "[days]\nx = 'mon'\n"), "days.x: must be a date such as 2026-01-01"),
    (component(FLAT + "per_kwh = 1", HEAD + "[days]\n2026-01-01 = 'may'\n"), "days.2026-01-01: must be 'mon', 'tue', "),
    (component(FLAT + "per_kwh = 1", HEAD + 'class = "mining"\n'), "class: is a class of a pack, and no pack is named"),
    (component('name = "e"'), "component.e.kind: is required: flat or time_of_use or blocks"),
    (component('kind = "free"'), "component.0.kind: must be flat or time_of_use or blocks"),
    (component('name = ["VAT"]\nkind = "flat"\nper_kwh = 1', 'pack = "KG"\n'), "component.0.name: must be text"),
    (component('kind = ["flat"]'), "component.0.kind: must be flat or"),
    (component(FLAT), "component.e.per_kwh: is required"),
    (component('kind = "flat"\nper_kwh = 1'), "component.0.name: is required"),
    (component('kind = "flat"\nper_kwh = 1\nname = 5'), "component.0.name: must be text"),
    (component(FLAT + "per_kwh = true"), "component.e.per_kwh: must be a figure or a list of them"),
    (component(FLAT + "per_kwh = 2026-01-01"), "component.e.per_kwh: must be a figure or a list of them"),
    (
        component(FLAT + "per_kwh = 1e10"),
        "component.e.per_kwh.0: 1E+10 is beyond 1000000000 or has more than 20 decimals",
    ),
    (component(FLAT + "per_kwh = -1e-21"), "component.e.per_kwh.0: -1E-21 is beyond"),
    (component(FLAT + "per_kwh = []"), "component.e.per_kwh: needs at least one figure"),
    (component(FLAT + "per_kwh = nan"), "component.e.per_kwh.0.value: must be a finite number"),
    (component(FLAT + 'per_kwh = "5,04"'), 'component.e.per_kwh.0.value: must be a decimal number such as "6.06"'),
    (component(FLAT + "per_kwh = [{ value = true }]"), "component.e.per_kwh.0.value: must be a decimal number such as"),
    (
        component(FLAT + "per_kwh = [{ vaule = 1 }]"),
        "component.e.per_kwh.0.vaule: is no known key; did you mean value?",
    ),
    (component(FLAT + 'per_kwh = [{ from = "May" }]'), "component.e.per_kwh.0.from: must be a date such as 2026-01-01"),
    (
        component(FLAT + "per_kwh = [{ unconfirmed = 'yes' }]"),
        "component.e.per_kwh.0.unconfirmed: must be true or false",
    ),
    (
        component(FLAT + "per_kwh = [{ value = 1, until = 2026-01-01 }, { value = 2, from = 2026-02-01 }]"),
        "component.e.per_kwh: there is a gap from 2026-01-01 until 2026-02-01",
    ),
    (component(FLAT + "per_kwh = 1\npct = 1"), "component.e.pct: is no known key"),
    (component(FLAT + "per_kwh = 1\nparty = 1"), "component.e.party: must be text"),
    (component('kind = "time_of_use"\nname = "e"\nperiod = 1'), "component.e.period: must be a list"),
    (component('kind = "time_of_use"\nname = "e"\nperiod = [1]'), "component.e.period.0: must be a table"),
    (component(PERIODS.format(", hour = ['8-9']")), "component.e.period.0.hour: is no known key; did you mean hours?"),
    (component(PERIODS.format(", hours = ['8-9']")), "component.e.period.0: 8-9 is no time such as 08:00-23:30"),
    (component(PERIODS.format(", months = ['May']")), "component.e.period.0.months.0: must be a whole number"),
    (component(PERIODS.format(", months = [true]")), "component.e.period.0.months.0: must be a whole number"),
    (component(PERIODS.format(", hours = ['08:00-09:00']")), "component.e: no period holds at 00:00 on mon in month 1"),
    (component('kind = "fixed"\nname = "e"'), "component.e: needs exactly one of per_month, per_day and per_year"),
    (component('kind = "fixed"\nname = "e"\nper_month = true'), "component.e.per_month: must be a figure or a list"),
    (component(BLOCKS.format("{ up_to = -5, per_kwh = 1 }")), "component.e.period.0: a block ends at -5, which is not"),
    (component(BLOCKS.format("{ up_to = 5 }")), "component.e.period.0.block.0.per_kwh: is required"),
    (
        component(BLOCKS.format("{ up_to = true, per_kwh = 1 }")),
        "component.e.period.0.block.0.up_to: must be a decimal",
    ),
    (
        component(BLOCKS.format("{ unit = 'MWh', per_kwh = 1 }")),
        "component.e.period.0.block.0.unit: must be 'kWh', 'kWh/",
    ),
    (component(BLOCKS.format("1")), "component.e.period.0.block.0: must be a table"),
    (component(SERIES.format("")), "component.e.file: is required"),
    (component(SERIES.format('file = "p.csv"')), "component.e.file: must name a CSV of prices beside the tariff"),
    (component(FLAT + "per_kwh = 1\ncap = 1\nfloor = 2"), "component.e: cap 1 is below floor 2"),
    (component(FLAT + "per_kwh = 1\nround = 'x'"), "component.e.round: must be a whole number"),
    (component(FLAT + "per_kwh = 1\nfloor = 'x'"), 'component.e.floor: must be a decimal number such as "6.06"'),
    (component(FLAT + 'per_kwh = 1\ncurrency = "USD"'), "component: e: fx has no rate of USD in KGS"),
    (component(FLAT + "per_kwh = 1", HEAD + '[fx]\n"KGS/USD" = 1\n'), "fx.KGS/USD: must be a pair such as USD/KGS"),
    (component(FLAT + "per_kwh = 1", HEAD + '[fx]\n"USD/KGS" = "x"\n'), "fx.USD/KGS.0.value: must be a decimal"),
    (component(DEMAND.format("window_min = true")), "component.e.window_min: must be a whole number"),
    (component(DEMAND.format("measure = 'MW'")), "component.e.measure: must be 'kW', 'kVA', 'kvar' or 'hp'"),
    (component(DEMAND.format("ratchet = [80]")), "component.e.ratchet.0: must be a table"),
    (
        component(DEMAND.format("ratchet = [{ pct = 180 }]")),
        "component.e.ratchet.0: pct must be above 0 and at most 100",
    ),
    (component(DEMAND.format("ratchet = [{ pct = 80, month = 2 }]")), "component.e.ratchet.0.month: is no known key"),
    (
        component('kind = "vat"\npct = 1\non = ["e"]'),
        "component: VAT: on names e, and no component before it is called so",
    ),
    (
        component('kind = "fixed"\nname = "e"\nper_month = 1')
        + '\n[[component]]\nkind = "levy_per_kwh"\nname = "fee"\nper_kwh = 1\non = ["e"]\n',
        "component: fee: on names e, which is charged by month and not by kWh",
    ),
    ('pack = "XX"', "pack: must be IR or KG or KZ or PY or QC or RU or TX or UZ"),
    ('pack = "../packs/KG"', "pack: must be IR or KG or KZ or PY or QC or RU or TX or UZ"),
    ('pack = "KG"\nclass = "bakery"', "class: must be mining"),
    ('pack = "KZ"', "component: needs one named energy: the pack KZ has no figure for it"),
    (
        component('name = "VAT"\npct = "x"', 'pack = "KG"\n'),
        'component.VAT.pct.0.value: must be a decimal number such as "6.06"',
    ),
    (
        component('name = "VAT"\npct = 1\n[[component]]\nname = "VAT"', 'pack = "KG"\n'),
        "component: VAT: two components have",
    ),
    (component(FLAT + "per_kwh = 1") + "\n[[owner]]\nact = true", "owner.0.name: is required"),
    (component(FLAT + "per_kwh = 1") + "\n[[owner]]\nname = 'a'\nact = 1", "owner.a.act: must be true or false"),
    (component(FLAT + "per_kwh = 1") + "\n[[owner]]\nname = 'a'\nlevel = 'all'", "owner.a.level: is no known key; did"),
    (component(FLAT + "per_kwh = 1") + "\n[[owner]]\nname = 'a'\nmin_on_s = -1", "owner.a: pays_per_kwh, times,"),
    (
        component(FLAT + "per_kwh = 1") + "\n[[owner]]\nname = 'a'\n[[owner]]\nname = 'a'",
        "component: two rules are for the same owner",
    ),
    ('{"items": [{}]}', "charges nothing: it has neither energy, demand, fixed nor minimum charges"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_clear_sentence(text, said):
    with pytest.raises(ConfigError) as told:
        parse_tariff(text, file="my.toml")
    [problem] = told.value.problems
    assert str(problem).startswith(f"my.toml: {said}")


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_component_takes_a_key_that_it_does_not_know(kind):
    with pytest.raises(ConfigError) as told:
        parse_tariff(component(f'kind = "{kind}"\nname = "e"\nbogus = 1'))
    assert "component.e.bogus: is no known key" in str(told.value)


def test_every_mistake_is_told_at_once():
    with pytest.raises(ConfigError) as told:
        parse_tariff('[[component]]\nkind = "x"\n[[component]]\nkind = "flat"\nperkwh = 1\n')
    assert [problem.key for problem in told.value.problems] == [
        "currency", "component.0.kind", "component.1.name", "component.1.per_kwh", "component.1.perkwh",
    ]  # fmt: skip


def test_a_file_is_read_with_its_byte_order_mark_or_refused_by_its_name(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(component(FLAT + "per_kwh = 1"), encoding="utf-8-sig")
    assert read_tariff(path).currency == "KGS"
    path.write_bytes(b"\xff")
    for bad in (path, tmp_path / "none.toml"):
        with pytest.raises(ConfigError, match="toml: cannot be read: "):
            read_tariff(bad)


def test_the_largest_and_the_longest_figure_are_read_exactly():
    for told in ("1000000000", "999999999.00000000000000000001"):
        [found] = parse_tariff(component(FLAT + f'per_kwh = "{told}"')).components
        assert str(found.per_kwh.figures[0].value) == told


def test_a_currency_may_be_told_beside_a_file_that_names_none():
    text = component(FLAT + "per_kwh = 1", "")
    assert parse_tariff(text, currency="USD").currency == "USD"
    assert parse_tariff(HEAD + text, currency="USD").currency == "KGS"


def test_kyrgyzstan_in_december_2025_costs_what_a_hand_works_out():
    """1,000 kW for 31 days: 744,000 kWh at 6.06 som, the mining tax on it, VAT and sales tax unknown."""
    pack = read_pack("KG")
    found = bill(pack, days((2025, 12, 1), (2026, 1, 1), BISHKEK), BISHKEK)
    assert amounts(found.months[0]) == {"energy": 4_508_640, "mining tax": 450_864}
    assert found.total == Decimal("4959504.00")
    assert price_at(pack, datetime(2025, 12, 1, tzinfo=UTC), BISHKEK) == Decimal("6.666")
    doubts = [*pack.doubts(date(2025, 12, 1), date(2025, 12, 31))]
    assert [doubt.partition(":")[0] for doubt in doubts] == ["VAT", "sales tax", "mining tax"]


PRICES = [
    ("2021-10-01", "5.796"),
    ("2022-12-31", "5.796"),
    ("2023-01-01", "5.544"),
    ("2024-05-01", "6.1424"),
    ("2025-05-01", "6.666"),
]


@pytest.mark.parametrize(("day", "price"), PRICES)
def test_kyrgyz_prices_follow_their_dates(day, price):
    noon = datetime.fromisoformat(f"{day}T12:00+06:00")
    assert price_at(read_pack("KG", "mining"), noon, BISHKEK) == Decimal(price)


def test_a_figure_of_a_pack_is_overridden_by_name_and_the_rest_of_it_stays():
    text = 'pack = "KG"\n[[component]]\nname = "VAT"\npct = "12"\n[[component]]\nname = "sales tax"\npct = "2"\n'
    text += '[[component]]\nkind = "flat"\nname = "transit"\nparty = "grid"\nper_kwh = "1"\n'
    found = bill(parse_tariff(text), days((2025, 12, 1), (2025, 12, 2), BISHKEK), BISHKEK)
    assert amounts(found.months[0]) == {
        "transit": 24_000,
        "energy": 145_440,
        "VAT": Decimal("20332.80"),  # 12 % of both
        "sales tax": Decimal("2908.80"),  # 2 % of the energy
        "mining tax": Decimal("19268.160"),  # 10 % of the bill with both taxes
    }


KZ = 'pack = "KZ"\n[[component]]\nkind = "flat"\nname = "energy"\nper_kwh = "26"\n'


def test_kazakhstans_vat_goes_by_the_day_of_supply_and_its_fee_is_not_taxed():
    """Over new year 2026: 12 % before, 16 % from 2026-01-01; one tenge a kilowatt-hour beside."""
    found = bill(parse_tariff(KZ), days((2025, 12, 31), (2026, 1, 2), ALMATY), ALMATY)
    assert [amounts(month) for month in found.months] == [
        {"energy": 624_000, "VAT": 74_880, "digital mining fee": 24_000},
        {"energy": 624_000, "VAT": 99_840, "digital mining fee": 24_000},
    ]


def test_kazakhstans_fee_begins_in_2022_and_is_confirmed_for_that_year_alone():
    fees = [
        amounts(month)["digital mining fee"]
        for month in bill(parse_tariff(KZ), days((2021, 12, 31), (2022, 1, 2), ALMATY), ALMATY).months
    ]
    assert fees == [0, 24_000]
    doubts = {year: [*parse_tariff(KZ).doubts(date(year, 6, 1), date(year, 6, 2))] for year in (2022, 2023, 2026)}
    assert {year: len(told) for year, told in doubts.items()} == {2022: 0, 2023: 1, 2026: 1}


def test_a_series_has_the_prices_of_a_file_beside_it(tmp_path):
    (tmp_path / "spot.csv").write_text("start,price\n2026-01-01T00:00,100\n2026-01-01T01:00,-20\n")
    (tmp_path / "tariff.toml").write_text(component(SERIES.format('file = "spot.csv"\nper = "MWh"\nloss_pct = 2')))
    with pytest.raises(ConfigError, match=r"zone: is required, since spot.csv has prices by the hour"):
        read_tariff(tmp_path / "tariff.toml")
    for zone in {"zone": "Asia/Bishkek"}, {"zone_else": "Asia/Bishkek"}:
        [found] = read_tariff(tmp_path / "tariff.toml", **zone).components
        assert (found.per, found.loss_pct) == ("MWh", 2)
        assert found.file == Prices(
            start=datetime(2025, 12, 31, 18, tzinfo=UTC), step=timedelta(hours=1), values=(Decimal(100), Decimal(-20))
        )
    (tmp_path / "bought.csv").write_text("start,kwh,price\n2026-01-01T00:00,100,1\n2026-01-01T01:00,90,1\n")
    market = 'kind = "schedule"\nname = "m"\nfile = "bought.csv"\nabove_factor = 2\nbelow_factor = 0\ndead_band_pct = 5'
    (tmp_path / "market.toml").write_text(component(market))
    with pytest.raises(ConfigError, match=r"component.m.per: is required: kWh or MWh, of which bought.csv has prices"):
        read_tariff(tmp_path / "market.toml", zone="Asia/Bishkek")
    (tmp_path / "market.toml").write_text(component(market + '\nper = "kWh"'))
    [bought] = read_tariff(tmp_path / "market.toml", zone="Asia/Bishkek").components
    assert ([one.kwh for one in bought.file.intervals], bought.above_factor, bought.dead_band_pct) == ([100, 90], 2, 5)
    (tmp_path / "spot.csv").unlink()
    with pytest.raises(ConfigError, match=r"spot.csv: cannot be read: No such file or directory"):
        read_tariff(tmp_path / "tariff.toml", zone="Asia/Bishkek")


URDB = {
    "utility": "U", "name": "R", "label": "x", "energyratestructure": [[{"rate": 0.1}]],
    "energyweekdayschedule": [[0] * 24] * 12, "energyweekendschedule": [[0] * 24] * 12,
}  # fmt: skip


def test_a_file_may_begin_with_a_urdb_record(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(URDB))
    text = (
        'urdb = "r.json"\nzone = "America/Chicago"\n[[component]]\nkind = "vat"\nname = "tax"\npct = 10\n'
        '[[owner]]\nname = "acme"\nact = false\n'
    )
    told = parse_tariff(text, folder=tmp_path)
    assert (told.currency, told.zone, told.name) == ("USD", "America/Chicago", "U, R")
    assert [one.name for one in told.components] == ["energy", "tax"]
    assert [rule.name for rule in told.owners] == ["acme"]
    assert price_at(told, datetime(2026, 1, 1, tzinfo=UTC), ALMATY) == Decimal("0.11")
    for line, said in (
        ('urdb = "x.json"', "urdb: x.json cannot be read: No such file"),
        ('urdb = "r.json"\npack = "KG"', "urdb: a tariff begins with a pack or with a record"),
    ):
        with pytest.raises(ConfigError, match=said):
            parse_tariff(line, folder=tmp_path)
