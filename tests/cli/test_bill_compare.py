"""`bill compare`: each likely cause of a difference is found and named, and nothing else where they agree."""

import json

import pytest

TARIFF = """
currency = "EUR"
zone = "Europe/Berlin"
[[component]]
kind = "time_of_use"
name = "energy"
period = [{ name = "day", hours = ["08:00-20:00"], per_kwh = "0.30" }, { name = "night", per_kwh = "0.10" }]
[[component]]
kind = "demand"
name = "demand"
period = [{ name = "any time", per_kw = "5" }]
[[component]]
kind = "vat"
name = "VAT"
pct = [{ value = 19, until = 2026-04-01 }, { value = 16, from = 2026-04-01 }]
"""


def rows(first, count, word=""):
    """Hours of April 2026 by Berlin's clock, none like another."""
    lines = ["start,kwh,quality"]
    for at in range(count):
        day, hour = divmod(at, 24)
        lines.append(f"2026-04-{first + day:02}T{hour:02}:00+02:00,{100 + at * 37 % 83},{word if at < 5 else ''}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def both(tmp_path, say):
    """Write a tariff and a load; return what our bill is, and what a comparison with an invoice says."""
    (tmp_path / "tariff.toml").write_text(TARIFF)
    (tmp_path / "load.csv").write_text(rows(1, 30 * 24))
    files = ["--tariff", tmp_path / "tariff.toml", "--load", tmp_path / "load.csv"]

    def ours(*options, form="--json", **replaced):
        for name, text in replaced.items():
            (tmp_path / f"other_{name}").write_text(text)
        told = [files[0], tmp_path / "other_tariff" if "tariff" in replaced else files[1]]
        told += [files[2], tmp_path / "other_load" if "load" in replaced else files[3]]
        return say("bill", *told, *options, form).stdout

    def compared(invoice, *options):
        (tmp_path / "invoice").write_text(invoice)
        said = say("bill", "compare", tmp_path / "invoice", *files, *options, "--json")
        assert said.stdout, said.stderr
        told = json.loads(said.stdout)
        assert said.exit_code == (0 if told["agrees"] else 1)
        return told["months"][0]

    return ours, compared


def causes(told):
    return [one["cause"] for one in told["causes"]]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_our_own_bill_agrees_in_every_form(both, form):
    ours, compared = both
    told = compared(ours(form=form))
    assert (told["agrees"], told["causes"], told["total"]["difference"]) == (True, [], "0")


def test_a_multiplier_is_named_whoever_has_it(both):
    ours, compared = both
    assert compared(ours("--multiplier", "40"))["causes"] == [
        {"cause": "multiplier", "sentence": "the invoice has 40 times our kWh and kW"}
    ]
    told = compared(ours(), "--multiplier", "40")
    assert told["causes"][0]["sentence"] == "the invoice is the bill without our multiplier of 40"


def test_losses_are_named_whoever_has_them(both):
    ours, compared = both
    told = compared(ours("--loss-pct", "2.5"))["causes"]
    assert told == [{"cause": "losses", "sentence": "the invoice has 2.5 % more kWh: losses to the boundary of supply"}]
    assert causes(compared(ours(), "--no-load-kwh", "900"))[0] == "losses"


def test_an_estimate_is_named(both, tmp_path):
    ours, compared = both
    invoice = ours(load=rows(1, 30 * 24).replace(",100,\n", ",90,\n", 1))
    (tmp_path / "load.csv").write_text(rows(1, 30 * 24, "E"))
    told = compared(invoice)
    assert causes(told)[0] == "estimate"
    assert told["causes"][0]["sentence"].endswith("kWh of ours are estimated, and the invoice has 10 fewer kWh")


def test_corrected_reads_are_named(both, tmp_path):
    ours, compared = both
    (tmp_path / "c.csv").write_text("learned,start,kwh\n2026-05-09,2026-04-01T00:00,4000\n")
    invoice = ours(load=rows(1, 30 * 24).replace(",100,\n", ",4000,\n", 1))
    told = compared(invoice, "--corrections", tmp_path / "c.csv")
    assert causes(told)[0] == "estimate"
    assert told["causes"][0]["sentence"].startswith("the invoice is the bill of the corrected reads")


def test_a_wrong_hour_is_named(both):
    ours, compared = both
    assert "the invoice is the bill by a clock that is always UTC+01:00" not in str(compared(ours())["causes"])
    shifted = TARIFF.replace("08:00-20:00", "09:00-21:00")  # as a clock without summer time has it
    told = compared(ours(tariff=shifted))
    assert causes(told)[0] == "wrong hour"


def test_the_date_of_vat_is_named(both):
    ours, compared = both
    told = compared(ours(tariff=TARIFF.replace("2026-04-01", "2026-07-01")))
    assert told["causes"] == [
        {"cause": "VAT date", "sentence": "the invoice is the bill with VAT at 19, in force until 2026-04-01"}
    ]


def test_another_rate_of_vat_is_named_though_our_tariff_does_not_know_it(both, tmp_path):
    ours, compared = both
    one = TARIFF.replace("[{ value = 19, until = 2026-04-01 }, { value = 16, from = 2026-04-01 }]", "16")
    (tmp_path / "tariff.toml").write_text(one)
    told = json.loads(ours(tariff=one.replace("pct = 16", "pct = 22")))["months"][0]
    said = compared(f"month,name,amount\n2026-04,kWh,{told['kwh']}\n2026-04,total,{told['total']}\n")["causes"]
    assert [(one["cause"], one["sentence"][:46]) for one in said] == [
        ("VAT date", "the invoice is the bill with VAT at 22, ours a")
    ]


def test_a_line_that_one_lacks_and_another_billing_day_are_named(both):
    ours, compared = both
    told = compared(ours(form="--csv") + "2026-04,Service fee,12.5\n".replace("fee,", "fee,x,y,"))
    assert told["causes"] == [{"cause": "line", "sentence": "the invoice's line Service fee (12.5) is none of ours"}]
    assert causes(compared(ours("--billing-day", "1", load=rows(3, 28 * 24))))[0] == "losses"


def test_kwh_and_a_total_are_enough(both, say, tmp_path):
    ours, compared = both
    told = json.loads(ours())["months"][0]
    assert compared(f"month,name,amount\n2026-04,kWh,{told['kwh']}\n2026-04,total,{told['total']}\n")["agrees"]
    assert compared('{"month": "2026-04", "kw": "182", "total": "1.00", "lines": []}')["causes"] == []


MISTAKES = [
    ("month,name\n2026-04,x\n", "invoice: header: needs the columns month, name and amount"),
    ("month,name,amount\n2026-04,x,300,50\n", "invoice: line 2: has 4 cells, and the header 3"),
    ("month,name,amount\n2026-4,x,1\n", "invoice: row 1: month: must be a month such as 2026-01"),
    ("month,name,amount\n2026-04,x,1e99\n", "invoice: row 1: 1e99 is no number such as 1234.56"),
    ('{"months": [{"month": "2026-04"}, {"month": "2026-04"}]}', "invoice: months.1.month: 2026-04 stands twice"),
    ('{"month": "2026-04", "lines": [1]}', "invoice: months.0.lines: must be a list of name and amount"),
    ("month,name,amount\n2026-05,total,1\n", "hashwatt: the invoice is of 2026-05, and our bill has nothing of it"),
    ('{"currency": "USD", "month": "2026-04"}', "hashwatt: the invoice is in USD, our bill in EUR"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=[sentence for _, sentence in MISTAKES])
def test_an_invoice_that_cannot_be_is_exit_2(both, say, tmp_path, text, sentence):
    (tmp_path / "invoice").write_text(text)
    said = say(
        "bill", "compare", tmp_path / "invoice", "--tariff", tmp_path / "tariff.toml", "--load", tmp_path / "load.csv"
    )
    assert (said.exit_code, said.stderr) == (2, sentence + "\n")


def test_words_name_the_difference_and_its_cause(both, say, tmp_path):
    ours, _ = both
    (tmp_path / "invoice").write_text(ours("--multiplier", "2"))
    said = say(
        "bill", "compare", tmp_path / "invoice", "--tariff", tmp_path / "tariff.toml", "--load", tmp_path / "load.csv"
    )
    assert said.exit_code == 1
    assert said.stdout.splitlines()[-1] == "2026-04: multiplier: the invoice has 2 times our kWh and kW"
