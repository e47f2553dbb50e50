"""The packs: every figure says from when, until when and by whom; what they charge by hand; known stops."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.inputs.packs import jurisdictions, pack_beneath, read_auction, read_stops
from agent.inputs.tariff_file import PACKS, parse_tariff, read_pack
from agent.problems import ConfigError
from agent.tariffs.bill import bill, price_at
from agent.tariffs.periods import Span
from agent.tariffs.stops import Stop, merged
from tests.tariffs.loads import BISHKEK, HOUR, amounts, days

pytestmark = pytest.mark.pure
ENERGY = '[[component]]\nkind = "flat"\nname = "energy"\nper_kwh = "{}"\n'
CLASSES = [
    (name, called)
    for name in jurisdictions()
    for called in tomllib.loads((PACKS / f"{name}.toml").read_text())["classes"]
]


def figures(told):
    """Yield every list of dated figures in a component."""
    if isinstance(told, dict):
        for key, value in told.items():
            if key in {"per_kwh", "per_kwh_above", "per_kw", "pct"}:
                yield value
            else:
                yield from figures(value)
    elif isinstance(told, list):
        for one in told:
            yield from figures(one)


def test_there_is_a_pack_for_each_jurisdiction_that_the_configuration_names():
    assert jurisdictions() == sorted(["KG", "KZ", "RU", "IR", "UZ", "QC", "PY", "TX"])


@pytest.mark.parametrize(("name", "called"), CLASSES)
def test_each_figure_of_a_pack_says_from_when_until_when_and_by_whom(name, called):
    told = tomllib.loads((PACKS / f"{name}.toml").read_text())["classes"][called]
    for dated in figures(told["component"]):
        assert all(figure["source"] for figure in dated)
        assert all("from" in figure for figure in dated[1:])
        assert all("until" in figure for figure in dated[:-1])
    for stop in read_stops(name, called):
        assert stop.source
        assert stop.in_words()


@pytest.mark.parametrize(("name", "called"), CLASSES)
def test_each_class_of_a_pack_is_a_tariff_once_the_file_says_what_the_pack_cannot(name, called):
    own = '[[component]]\nname = "energy"\nkw = "4000"\n' if (name, called) == ("QC", "cb") else ""
    own = ENERGY.format("0.05") if name in {"KZ", "RU", "UZ", "TX"} else own
    tariff = parse_tariff(f'pack = "{name}"\nclass = "{called}"\n{own}')
    assert tariff.components
    assert tariff.zone == (None if name == "RU" else tariff.zone)


@pytest.mark.parametrize(
    ("name", "called", "said"),
    [
        ("RU", None, "must be mining or banned or irkutsk_south or peak_season"),
        ("RU", "banned", "needs one named energy"),
        ("TX", None, "needs one named energy"),
        ("UZ", "mining", "needs one named energy"),
        ("QC", "cb", "kw"),
    ],
)
def test_a_pack_that_is_no_tariff_by_itself_says_what_it_lacks(name, called, said):
    with pytest.raises(ConfigError) as caught:
        read_pack(name, called)
    assert said in str(caught.value)


# a price at an instant, worked out by hand: (pack and file, instant, price all in, doubts)
PRICES = [
    ('pack = "RU"\nclass = "mining"\n' + ENERGY.format("5"), "2025-12-31T12:00Z", "6.00", 0),  # VAT 20 %
    ('pack = "RU"\nclass = "mining"\n' + ENERGY.format("5"), "2026-01-01T12:00Z", "6.10", 0),  # VAT 22 %
    ('pack = "UZ"\n' + ENERGY.format("1000"), "2026-01-01T12:00Z", "2000", 2),  # doubled; the surcharge is not known
    ('pack = "IR"', "2020-01-01T12:00Z", "4800", 1),
    ('pack = "IR"', "2020-07-01T12:00Z", "19300", 1),
    ('pack = "IR"', "2021-07-01T12:00Z", "16574", 3),
    ('pack = "PY"\nclass = "kv66"', "2026-01-01T12:00Z", "0.04863", 3),
    ('pack = "TX"\n' + ENERGY.format("0.04"), "2026-01-01T12:00Z", "0.04", 1),
]


@pytest.mark.parametrize(("text", "at", "price", "doubts"), PRICES)
def test_a_packs_price_at_an_instant_is_what_a_hand_works_out(text, at, price, doubts):
    tariff, instant = parse_tariff(text), datetime.fromisoformat(at)
    assert price_at(tariff, instant, ZoneInfo(tariff.zone or "Asia/Irkutsk")) == Decimal(price)
    assert len([*tariff.doubts(instant.date(), instant.date())]) == doubts


def test_quebec_above_5_mw_charges_authorised_and_excess_energy_and_power():
    """June 2024 at 5,000 kW, of which 4,000 are authorised: 2,880,000 kWh within, 720,000 above."""
    tariff = parse_tariff('pack = "QC"\nclass = "cb"\n[[component]]\nname = "energy"\nkw = "4000"\n')
    zone = ZoneInfo("America/Toronto")
    [month] = bill(tariff, days((2024, 6, 1), (2024, 7, 1), zone, "5000", HOUR), zone).months
    assert amounts(month) == {
        "energy": Decimal(2880000) * Decimal("0.04025") + Decimal(720000) * Decimal("0.1745"),
        "power": Decimal(5000) * Decimal("15.426"),
    }
    [may] = bill(tariff, days((2024, 5, 1), (2024, 6, 1), zone, "5000", HOUR), zone).months
    assert amounts(may)["power"] == Decimal(5000) * Decimal("15.426") * 31 / 30


def test_quebec_below_5_mw_has_a_falling_block():
    tariff, zone = read_pack("QC", "cb_small"), ZoneInfo("America/Toronto")
    [month] = bill(tariff, days((2024, 6, 1), (2024, 7, 1), zone, "1000", HOUR), zone).months
    assert amounts(month)["energy"] == Decimal(210000) * Decimal("0.05851") + Decimal(510000) * Decimal("0.04339")


def test_a_component_said_to_be_of_another_kind_replaces_that_of_the_pack():
    [energy] = parse_tariff('pack = "IR"\n' + ENERGY.format("9000")).components
    assert (energy.kind, energy.per_kwh.figures[0].value) == ("flat", 9000)


def test_what_a_file_notes_is_in_doubt_after_what_its_pack_notes():
    tariff = parse_tariff('pack = "TX"\nnotes = ["the guarantee is paid in spring"]\n' + ENERGY.format("0.04"))
    told = [*tariff.doubts(date(2026, 1, 1), date(2026, 1, 1))]
    assert told[0].startswith("4CP: ")
    assert told[1] == "the guarantee is paid in spring"


# stops --------------------------------------------------------------------------------------------------------


def year(number, zone=BISHKEK):
    start, end = (datetime(one, 1, 1, tzinfo=zone).astimezone(UTC) for one in (number, number + 1))
    return Span(start=start, end=end)


def hours(stops, span, zone=BISHKEK):
    spans = merged(found for stop in stops for found in stop.spans(span, zone))
    return sum((one.end - one.start).total_seconds() for one in spans) / 3600


def test_kyrgyzstans_winter_stop_costs_its_days_of_each_year():
    stops = read_stops("KG")
    assert hours(stops, year(2024)) == 0
    assert hours(stops, year(2025)) == 50 * 24  # 12 November to 31 December
    assert hours(stops, year(2026)) == 90 * 24  # 1 January to 31 March


def test_a_season_holds_each_year_over_new_year():
    zone = ZoneInfo("Asia/Irkutsk")
    stops = read_stops("RU", "peak_season")
    assert hours([stop for stop in stops if not stop.unconfirmed], year(2025, zone), zone) == 74 * 24
    assert hours(stops, year(2025, zone), zone) == (74 + 47) * 24
    assert hours(stops, year(2026, zone), zone) == (74 + 47) * 24
    assert hours(stops, year(2031, zone), zone) == 74 * 24  # and no more
    assert hours(read_stops("RU", "banned"), year(2026, zone), zone) == 8760


def test_announced_hours_are_a_share_of_a_year_and_have_no_days():
    [announced, *_] = read_stops("IR")
    assert announced.hours(year(2025)) == 300
    assert not [*announced.spans(year(2025), BISHKEK)]


def test_a_stop_whose_days_nobody_knows_costs_no_hours_and_is_told():
    [stop] = read_stops("TX")
    assert (stop.hours(year(2026)), [*stop.spans(year(2026), BISHKEK)]) == (0, [])
    assert "for hours that nobody knows beforehand" in stop.in_words()


BAD = [
    ({"from_": date(2026, 2, 1), "until": date(2026, 2, 1)}, "is not after"),
    ({"season": "11-15/03-16"}, "needs the day from which"),
    ({"from_": date(2026, 2, 1), "season": "November"}, "is none such as"),
    ({"from_": date(2026, 2, 1), "season": "13-01/01-01"}, "is none such as"),
    ({"from_": date(2026, 2, 1), "season": "03-01/03-01"}, "on which it ends"),
    ({"hours_per_year": Decimal(0)}, "above 0"),
    ({"leaves_pct": Decimal(100)}, "below 100"),
]


@pytest.mark.parametrize(("told", "said"), BAD)
def test_a_stop_that_cannot_be_is_refused(told, said):
    with pytest.raises(ValueError, match=said):
        Stop(name="x", source="y", **told)


def test_the_pack_beneath_a_file_is_found_and_its_stops_with_it(tmp_path):
    (tmp_path / "own.toml").write_text('pack = "KG"\n')
    (tmp_path / "none.toml").write_text('currency = "KGS"\n')
    assert pack_beneath(tmp_path / "own.toml") == ("KG", None)
    assert pack_beneath(tmp_path / "none.toml") is None
    assert pack_beneath(tmp_path / "missing.toml") is None
    assert read_stops("XX") == () == read_stops("RU")


def test_kazakhstans_auction_closes_at_ten_on_the_day_before():
    auction = read_auction("KZ")
    day, zone = date(2026, 12, 1), ZoneInfo("Asia/Almaty")
    told = [auction.at(time, day, zone) for time in (auction.prepay_by, auction.opens, auction.closes)]
    assert told == [datetime(2026, 11, 30, *at, tzinfo=UTC) for at in ((3, 0), (4, 30), (5, 0))]
    assert read_auction("KG") is None
    with pytest.raises(ValueError, match="closes must be after opens"):
        replace(auction, closes=auction.opens)
