"""`bill`: the contract's JSON, words, warnings, and exit 2 with every mistake."""

import json

import pytest

from tests.outputs.papers import words_of

TARIFF = """
currency = "KZT"
zone = "Asia/Almaty"
[[component]]
kind = "flat"
name = "energy"
party = "seller"
per_kwh = "26.1234567"
[[component]]
kind = "vat"
party = "seller"
pct = "16"
"""


@pytest.fixture
def files(tmp_path):
    """Write a tariff and two rows of an hour over the end of January, and return the options that name them."""

    def write(tariff=TARIFF, load="start,kwh\n2026-01-31T23:00+05:00,250\n2026-02-01T00:00+05:00,1000.5\n"):
        (tmp_path / "tariff.toml").write_text(tariff)
        (tmp_path / "load.csv").write_text(load)
        return ["bill", "--tariff", tmp_path / "tariff.toml", "--load", tmp_path / "load.csv"]

    return write


def test_json_is_the_contracts_and_exact(files, say):
    said = say(*files(), "--json")
    assert said.exit_code == 0
    assert json.loads(said.stdout) == {
        "currency": "KZT",
        "total": "37894.16",
        "months": [
            {
                "month": "2026-01",
                "kwh": 250,
                "peak_kw": 250,
                "metered_kwh": 250,
                "estimated_kwh": None,
                "total": "7575.80",
                "components": [
                    {"name": "energy", "kind": "flat", "party": "seller", "amount": "6530.864175"},
                    {"name": "VAT", "kind": "vat", "party": "seller", "amount": "1044.938268"},
                ],
            },
            {
                "month": "2026-02",
                "kwh": 1000.5,
                "peak_kw": 1000.5,
                "metered_kwh": 1000.5,
                "estimated_kwh": None,
                "total": "30318.36",
                "components": [
                    {"name": "energy", "kind": "flat", "party": "seller", "amount": "26136.51842835"},
                    {"name": "VAT", "kind": "vat", "party": "seller", "amount": "4181.842948536"},
                ],
            },
        ],
        "warnings": [],
    }


def test_a_bill_is_shown_by_months_and_components(files, say):
    lines = say(*files()).stdout.splitlines()
    assert lines[-3:] == [
        "2026-01: 250 kWh, 7,575.80 KZT",
        "2026-02: 1,000.5 kWh, 30,318.36 KZT",
        "total 37,894.16 KZT",
    ]
    assert "6,530.864175" in say(*files()).stdout


def test_a_bill_is_written_as_a_pdf_with_its_calculation(files, say, tmp_path):
    pdf, html = tmp_path / "bill.pdf", tmp_path / "bill.html"
    assert say(*files(), "--explain", "--pdf", pdf, "--html", html, "--lang", "ru").exit_code == 0
    words = words_of(pdf.read_bytes())
    told = ("tariff.toml; load.csv", "6 530,864175", "7 575,802443", "7 575,80", "37 894,16", "единая ставка", "Расчёт",
            "250 kWh x 26.1234567 KZT/kWh = 6,530.864175")  # fmt: skip
    assert [one for one in told if one not in words] == []
    assert "37\N{NO-BREAK SPACE}894,16" in html.read_text(encoding="utf-8")
    said = say(*files(), "--pdf", tmp_path / "nowhere" / "bill.pdf")
    assert (said.exit_code, "No such file or directory" in said.stderr) == (2, True)


def test_explain_shows_each_product(files, say):
    assert "250 kWh x 26.1234567 KZT/kWh = 6,530.864175" in say(*files(), "--explain").stdout


def test_the_zone_that_is_told_goes_before_the_tariffs_own(files, say):
    months = json.loads(say(*files(), "--tz", "UTC", "--json").stdout)["months"]
    assert [month["month"] for month in months] == ["2026-01"]


def test_what_is_not_confirmed_or_has_no_clock_is_warned_about(files, say):
    flat = 'currency = "KGS"\n[[component]]\nkind = "flat"\nname = "e"\nper_kwh = { value = 1, unconfirmed = true }\n'
    said = say(*files(flat), "--json")
    told = [
        "neither the tariff nor --tz names a time zone: months and hours go by the load's own clock",
        "e: 1 of all times is not confirmed",
    ]
    assert json.loads(said.stdout)["warnings"] == told
    assert said.stderr.splitlines() == [f"warning: {warning}" for warning in told]
    assert [month["month"] for month in json.loads(said.stdout)["months"]] == ["2026-01", "2026-02"]


def test_a_pack_is_enough_of_a_tariff(files, say):
    said = say(*files('pack = "KG"\n'))
    assert said.exit_code == 0
    assert "mining tax" in said.stdout
    assert "warning: VAT: the figure from 2021-10-01 is not known" in said.stderr


def test_a_currency_is_told_where_the_tariff_names_none(files, say):
    nameless = TARIFF.replace('currency = "KZT"\n', "")
    assert json.loads(say(*files(nameless), "--currency", "JPY", "--json").stdout)["total"] == "37894"
    said = say(*files(nameless))
    assert (said.exit_code, said.stderr) == (2, "tariff.toml: currency: is required\n")


ESTIMATED = "start,kwh,quality\n2026-01-31T23:00+05:00,250,estimated\n2026-02-01T00:00+05:00,1000.5,\n"


def test_a_load_is_billed_with_its_ratio_and_losses_and_estimates_are_told(files, say):
    options = ["--multiplier", "4", "--loss-pct", "2", "--no-load-kwh", "744"]
    told = json.loads(say(*files(load=ESTIMATED), *options, "--json").stdout)
    january = told["months"][0]
    assert (january["kwh"], january["metered_kwh"], january["estimated_kwh"]) == (250 * 4 * 1.02 + 1, 250, 250)
    assert told["warnings"] == ["2026-01: 250 kWh are estimated reads, which may be corrected yet"]
    assert (
        "Billed is what was metered with the meter's figures x 4, 2 % of" in say(*files(), *options, "--explain").stdout
    )
    assert [month["month"] for month in json.loads(say(*files(), "--billing-day", "2", "--json").stdout)["months"]] == [
        "2026-01"
    ]


LATE = TARIFF.replace('"26.1234567"', '{ value = "1", from = 2026-02-01 }')
MISTAKES = [
    ({}, ["--currency", "USD"], "hashwatt: the tariff is in KZT; exchange into USD is not built yet"),
    ({}, ["--currency", "som"], "hashwatt: --currency: som is no ISO 4217 code such as KGS"),
    ({}, ["--tz", "Nowhere/City"], "hashwatt: --tz: Nowhere/City is no IANA time zone such as Asia/Bishkek"),
    ({}, ["--multiplier", "0"], "hashwatt: --multiplier: must be above 0"),
    ({}, ["--multiplier", "x"], "hashwatt: --multiplier: x is no number from 0, such as 12.5"),
    ({}, ["--loss-pct", "101"], "hashwatt: --loss-pct: must be at most 100"),
    ({}, ["--tz", "../x"], "hashwatt: --tz: ../x is no IANA time zone such as Asia/Bishkek"),
    ({"tariff": "{}"}, [], "tariff.toml: charges nothing: it has neither energy, demand, fixed nor minimum charges"),
    (
        {"tariff": LATE},
        [],
        "tariff.toml: component.energy: there is no figure for 2026-01-31: they are known from 2026-02-01",
    ),
    ({"load": "start,kwh\n2026-01-01T00:00Z,1\n"}, [], "load.csv: needs at least two rows, which set the step"),
]


@pytest.mark.parametrize(("told", "options", "sentence"), MISTAKES, ids=[sentence for *_, sentence in MISTAKES])
def test_a_mistake_is_exit_2_and_one_sentence(files, say, told, options, sentence):
    said = say(*files(**told), *options)
    assert (said.exit_code, said.stdout, said.stderr) == (2, "", sentence + "\n")


@pytest.mark.parametrize("option", [["--tariff", "t.toml"], ["--load", "l.csv"]])
def test_without_both_files_it_says_so(say, option):
    said = say("bill", *option)
    assert (said.exit_code, "--tariff FILE and --load FILE.csv go together" in said.stderr) == (2, True)


def test_corrections_are_adjustments_and_as_of_is_what_was_known(files, say, tmp_path):
    (tmp_path / "c.csv").write_text("learned,start,kwh\n2026-03-02T00:00+05:00,2026-01-31T23:00+05:00,350\n")
    told = json.loads(say(*files(), "--corrections", tmp_path / "c.csv", "--json").stdout)
    assert [(month["month"], month["kwh"], month["total"]) for month in told["months"]] == [
        ("2026-01", 250, "7575.80"),
        ("2026-02", 1000.5, "30318.36"),
        ("2026-03", 0, "3030.32"),
    ]
    assert told["months"][2]["components"][0] == {
        "name": "energy, correction of 2026-01",
        "kind": "adjustment",
        "party": "seller",
        "amount": "2612.34567",
    }
    early = ["--corrections", tmp_path / "c.csv", "--as-of", "2026-02-01T00:00+05:00"]
    assert json.loads(say(*files(), *early, "--json").stdout)["total"] == "7575.80"
    said = say(*files(), "--as-of", "2020-01-01T00:00Z")
    assert (said.exit_code, said.stderr) == (
        2,
        "hashwatt: --as-of: nothing of the load was known at 2020-01-01T00:00Z\n",
    )
