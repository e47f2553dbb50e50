"""`compare`: a table, JSON and a page of places; what is wrong in what it is told is exit 2."""

import json
from html.parser import HTMLParser

import pytest

KZ = 'pack = "KZ"\n[[component]]\nkind = "flat"\nname = "energy"\nper_kwh = "18"\n'
FLEET = {
    "feeders": [],
    "miners": [
        {"id": "a", "feeder": "site", "current": "full", "model": "S19", "levels": [
            {"level": "full", "power_w": 3000, "hashrate_ths": 100},
            {"level": "sleep", "power_w": 30, "hashrate_ths": 0}]},
        {"id": "b", "levels": [{"level": "full", "power_w": 3500, "hashrate_ths": 200}]},
    ],
}  # fmt: skip
RATES = ("--hashprice", "50", "--fx", "USD/KGS=80", "--fx", "USD/KZT=500", "--year", "2025")


def test_places_are_compared_in_a_table_with_their_doubts(say):
    said = say("compare", "KG", "PY:kv66", *RATES)
    assert said.exit_code == 0
    assert "PY:kv66" in said.stdout
    assert ">= 6." in said.stdout  # VAT and sales tax are not known
    assert "KG: in doubt: mining tax: 10 from 2023-01-01 is not confirmed" in said.stderr
    assert "PY:kv66: disconnection at peak: for hours that nobody knows" in said.stderr


def test_json_has_hours_prices_break_even_and_margin(say, tmp_path):
    (tmp_path / "kz.toml").write_text(KZ)
    (tmp_path / "fleet.json").write_text(json.dumps(FLEET))
    told = say("compare", "KG", tmp_path / "kz.toml", "--fleet", tmp_path / "fleet.json", *RATES, "--json")
    kg, kz = json.loads(told.stdout)["places"]
    assert (kg["place"], kg["hours"], kg["hours_stopped"]) == ("KG", 8760, 1200)  # 50 days of November and December
    assert (kz["place"], kz["hours_stopped"], kz["currency"]) == ("kz", 0, "KZT")
    assert kz["per_kwh"] == "21.16"  # 18 and 12 % VAT, a tenge of levy
    assert (kz["exchanged"]["currency"], kz["exchanged"]["rate"]) == ("USD", "500")
    assert kz["exchanged"]["per_kwh"] == "0.04232"
    assert [(of["model"], of["break_even"]) for of in kz["models"]] == [
        ("17.5 J/TH", "58.928571"),  # 50 x 0.99 x 500 / (24 x 17.5)
        ("S19", "34.375"),
    ]
    told = say("compare", "KG", *RATES, "--uptime", "95", "--json")
    [less] = json.loads(told.stdout)["places"]
    whole = json.loads(say("compare", "KG", *RATES, "--json").stdout)["places"][0]
    assert float(less["revenue"]) == pytest.approx(float(whole["revenue"]) * 0.95)
    assert less["cost"] == whole["cost"]
    assert [of["name"] for of in kz["components"]] == ["energy", "VAT", "digital mining fee"]


def test_a_load_of_ones_own_and_vat_that_comes_back(say, tmp_path):
    (tmp_path / "kz.toml").write_text(KZ)
    (tmp_path / "load.csv").write_text("start,kwh\n2026-06-01T00:00,10\n2026-06-01T01:00,30\n")
    [kz] = json.loads(
        say("compare", tmp_path / "kz.toml", "--load", tmp_path / "load.csv", "--vat-recoverable", "--json").stdout
    )["places"]
    assert (kz["kwh"], kz["hours"], kz["cost"], kz["per_kwh"], kz["margin"]) == (40, 2, "760", "19", None)


def test_every_pack_is_compared_and_a_price_is_told_where_it_names_none(say):
    packs = ("KG", "KZ", "RU", "IR", "UZ", "QC", "PY", "TX")
    said = say("compare", *packs, "--energy", "RU=5", "--energy", "RU:banned=6", *RATES, "--doubtful", "--json")
    assert said.exit_code == 0
    found = {one["place"]: one for one in json.loads(said.stdout)["places"]}
    assert len(found) == 14
    assert (found["KZ"]["per_kwh"], found["TX"]["cost"]) == (None, None)
    assert any("--energy KZ=PRICE" in doubt for doubt in found["KZ"]["doubts"])
    assert found["RU:mining"]["per_kwh"] == "6"  # 5 and VAT of 20 %
    assert any("taken to be authorised" in doubt for doubt in found["QC:cb"]["doubts"])


def test_a_price_is_told_for_times_whose_figure_is_not_known_any_more(say):
    said = say("compare", "IR", "--energy", "IR=20000", *RATES, "--json", "--year", "2026")
    assert json.loads(said.stdout)["places"][0]["per_kwh"] == "20000"
    earlier = say("compare", "IR", "--energy", "IR=20000", *RATES, "--json", "--year", "2020")
    assert float(json.loads(earlier.stdout)["places"][0]["per_kwh"]) == pytest.approx(9634, rel=1e-3)


def test_a_load_beyond_the_fleet_is_of_as_many_machines_as_it_feeds(say, tmp_path):
    (tmp_path / "fleet.json").write_text(json.dumps(FLEET))
    rows = "".join(f"2025-06-{1 + hour // 24:02}T{hour % 24:02}:00Z,6500\n" for hour in range(720))
    (tmp_path / "load.csv").write_text(f"start,kwh\n{rows}")
    where = ("compare", "KG", "--fleet", tmp_path / "fleet.json", *RATES)
    said = say(*where, "--load", tmp_path / "load.csv")
    assert "the load is 1000.0 times what the fleet draws at full" in said.stderr
    [one] = json.loads(say(*where, "--load", tmp_path / "load.csv", "--json").stdout)["places"]
    ph_years = 300 * 30 / 365  # a thousand times 300 TH/s
    assert float(one["margin_per_ph_year"]) == pytest.approx(float(one["margin"]) / ph_years)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_has_a_chart_and_needs_nothing_beside_it(say, tmp_path):
    said = say("compare", "KG", "IR", "RU:banned", "PY:kv23", *RATES, "--html", tmp_path / "x.html")
    assert said.exit_code == 0
    page, tags = (tmp_path / "x.html").read_text(), Tags()
    tags.feed(page)
    assert sum(tag == "svg" for tag, _ in tags.seen) == 2
    assert not [tag for tag, told in tags.seen if tag == "script" or "src" in told or "href" in told]
    assert "about 300 announced hours a year" in page
    assert "not known" in page  # Iran's margin


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("XX",), "XX: cannot be read"),
        (("KZ", "--energy", "KZ"), "--energy: KZ is no price such as KZ=22.5"),
        (("KZ", "--energy", "KG=5"), "--energy: KG is none of KZ"),
        (("KG", "--energy", "KG=5"), "--energy: KG names its own price of a kWh"),
        (("PY", "--energy", "PY=999"), "--energy: PY names its own price of a kWh"),
        (("PY:kv66", "--energy", "PY=9", "KZ", "--energy", "KZ=9"), "--energy: PY names its own price of a kWh"),
        (("PY", "KG", "--energy", "PY=9", "--energy", "KG=9"), "--energy: PY, KG name their own price of a kWh"),
        (("x.toml", "KZ", "--energy", "x.toml=9"), "--energy: x.toml is none of KZ"),
        (("x.toml", "--energy", "x.toml=9"), "--energy: x.toml is no pack, and a tariff's file has its own prices"),
        (("RU:mining", "--energy", "RU:bannd=5"), "--energy: RU:bannd is none of RU:mining"),
        (("KG:bakery",), "class: must be mining"),
        (("KG", "--fx", "USD=80", "--hashprice", "50"), "--fx: USD=80 is no rate such as"),
        (("KG", "--hashprice", "much"), "--hashprice: much is no decimal number"),
        (("KG", "--uptime", "0", "--hashprice", "50"), "--uptime: must be above 0 and at most 100"),
        (("KG", "--load", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("KG", "--fleet", "nowhere.json"), "nowhere.json: cannot be read"),
    ],
)
def test_what_is_wrong_is_exit_2(say, told, said):
    result = say("compare", *told)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_fleet_that_hashes_nothing_is_refused(say, tmp_path):
    (tmp_path / "f.json").write_text('{"miners":[{"id":"a","levels":[{"level":"x","power_w":1,"hashrate_ths":0}]}]}')
    said = say("compare", "KG", "--fleet", tmp_path / "f.json")
    assert (said.exit_code, "a hashes nothing" in said.stderr) == (2, True)
