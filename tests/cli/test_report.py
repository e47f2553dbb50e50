"""`report` and `bill` on the store of a whole control room, with no agent running: what an order cost and saved."""

import asyncio
import json
import shutil
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from agent.facts.energy import CorrectedRead, EnergyInterval, ReadsCorrected
from agent.ledger.ledger import Ledger, _row
from agent.ledger.store import Store
from tests.control.site import Machines, Site
from tests.outputs.papers import words_of

QUARTER_S, MONTH = 900, timedelta(days=31)
FARM = """
[site]
id = "test"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100

[[miners]]
hosts = ["127.0.0.1-127.0.0.10"]

[tariff]
file = "tariff.toml"

[revenue]
hashprice_per_ph_day = "50"
currency = "USD"
pool_fee_pct = 1
fx = { "USD/KGS" = "80" }
"""
TARIFF = """
currency = "KGS"
zone = "Asia/Bishkek"
[[component]]
kind = "flat"
name = "energy"
per_kwh = "5"
[[component]]
kind = "levy_percent"
name = "mining tax"
pct = "10"
"""
VAT = """
[[component]]
kind = "vat"
name = "VAT"
pct = "12"
recoverable = true
"""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A store in which a stop of a farm of ten machines lasted for two hours, and what its files say."""
    made = tmp_path_factory.mktemp("stopped")
    asyncio.run(_live(made))
    return made


@pytest.fixture
def folder(stopped, tmp_path):
    """One test's own copy of it."""
    return shutil.copytree(stopped, tmp_path / "site")


async def _live(folder):
    (folder / "farm.toml").write_text(FARM)
    (folder / "tariff.toml").write_text(TARIFF)
    site = Site(Machines(10), folder)
    await site.live(2 * QUARTER_S, step_s=10)
    await site.order()
    await site.live(7200, step_s=20)
    await site.order(revision=2, status="cancelled")
    await site.live(2 * QUARTER_S, step_s=10)
    await site.close()


def told(said):
    assert said.exit_code == 0, said.stderr
    return json.loads(said.stdout)


def test_an_orders_report_says_what_was_not_drawn_not_paid_and_not_earned(folder, say):
    report = told(say("report", "--order", "o1", "--state-dir", folder, "--config", folder / "farm.toml", "--json"))
    assert (report["class"], report["issuer"], report["state"]) == ("law", "grid", "closed")
    assert report["base_kw"] == 35.0
    assert report["unknown_h"] == 0
    assert report["not_drawn_kwh"] == pytest.approx(10 * (3.0 - 0.025) * 2, rel=0.02)
    assert report["drawn_kwh"] == pytest.approx(35.0 * report["hours"] - report["not_drawn_kwh"], abs=0.01)
    assert float(report["cost_not_incurred"]) == pytest.approx(report["not_drawn_kwh"] * 5.5)
    assert float(report["cost"]) == pytest.approx(report["drawn_kwh"] * 5.5)
    energy, tax = report["components"]
    assert (energy["name"], tax["name"]) == ("energy", "mining tax")
    assert float(tax["amount"]) == pytest.approx(float(energy["amount"]) / 10)
    assert float(report["revenue"]["not_earned"]) == pytest.approx(1.0 * 50 * 0.99 * 2 / 24, rel=0.02)
    assert float(report["revenue_not_earned"]) == pytest.approx(float(report["revenue"]["not_earned"]) * 80)
    saved = float(report["cost_not_incurred"]) - float(report["revenue_not_earned"])
    assert float(report["saved"]) == pytest.approx(saved)
    assert [day["day"] for day in report["days"]] == ["2026-01-10"]


def test_an_orders_report_in_words(folder, say):
    said = say("report", "--order", "o1", "--state-dir", folder, "--config", folder / "farm.toml")
    assert said.exit_code == 0
    assert "order     o1 (law, grid) closed" in said.stdout
    assert "before    35.000 kW by the interval that ended 2026-01-10T12:30Z" in said.stdout
    assert "saved     " in said.stdout


def test_without_a_configuration_money_is_unknown_and_never_zero(folder, say):
    report = told(say("report", "--order", "o1", "--state-dir", folder, "--json"))
    assert report["not_drawn_kwh"] > 50
    for name in ("cost", "cost_not_incurred", "revenue_not_earned", "saved"):
        assert report[name] is None
    assert any("--config" in doubt for doubt in report["doubts"])


def test_an_order_that_there_is_not_is_a_no(folder, say):
    said = say("report", "--order", "o2", "--state-dir", folder)
    assert (said.exit_code, "there is no order o2" in said.stderr) == (1, True)


def reported(folder, say):
    """A month's report has revenue, margin, levies and statements, and adds up."""
    where = ("--month", "2026-01", "--state-dir", folder, "--config", folder / "farm.toml")
    told_ = told(say("report", *where, "--json"))
    report, [month] = told_["report"], told_["months"]
    assert float(report["cost"]) == pytest.approx(float(month["cost"]))
    assert float(report["revenue"]["USD"]) == pytest.approx(report["ph_days"] * 50 * 0.99, rel=1e-4)
    assert float(report["revenue_exchanged"]) == pytest.approx(float(report["revenue"]["USD"]) * 80, rel=1e-6)
    left = float(report["revenue_exchanged"]) - float(report["cost"])
    assert float(report["margin"]) == pytest.approx(left)
    assert float(report["margin_per_ph_year"]) == pytest.approx(left / report["ph_days"] * 365, rel=1e-4)
    assert [(levy["name"], levy["due"]) for levy in report["levies"]] == [("mining tax", None)]
    [owner] = report["owners"]
    assert (owner["owner"], [one["class"] for one in owner["curtailed"]]) == ("", ["law"])
    assert owner["kwh"] + report["rest"]["kwh"] == pytest.approx(month["kwh"])
    assert float(owner["cost"]) + float(report["rest"]["cost"]) == pytest.approx(float(report["cost"]))
    order = told(say("report", "--order", "o1", *where[2:], "--json"))
    assert owner["curtailed"][0]["kwh"] == pytest.approx(order["not_drawn_kwh"], rel=0.02)
    assert owner["curtailed"][0]["minutes"] == pytest.approx(120, abs=10)
    pdf = folder / "m.pdf"
    assert say("report", *where, "--pdf", pdf, "--lang", "ru").exit_code == 0
    words = words_of(pdf.read_bytes())
    assert [
        one for one in ("Отчёт за 2026-01", "test.", "mining tax", "машины без владельца", "закон") if one not in words
    ] == []
    assert say("report", *where, "--pdf", pdf, "--owner", "").exit_code == 0
    words = words_of(pdf.read_bytes())
    assert "Statement of machines without an owner, 2026-01" in words
    assert "o1 law" in words
    assert "Levies due" not in words
    said = say("report", *where, "--owner", "").stdout
    assert said.startswith("statement of (no owner), 2026-01\ncharge ")
    assert "drew " in said
    assert told(say("report", *where, "--owner", "", "--json"))["owner"] == ""
    said = say("report", *where, "--pdf", pdf, "--owner", "nobody")
    assert (said.exit_code, said.stderr) == (1, "hashwatt: 2026-01 has no statement of owner nobody\n")
    assert say("bill", *where, "--pdf", pdf).exit_code == 0
    assert "mining tax" in words_of(pdf.read_bytes())
    said = say("report", *where)
    assert "levy    mining tax" in said.stdout
    assert "curtailed by" in said.stdout


def test_a_month_is_billed_and_reported_from_the_store(folder, say):
    reported(folder, say)
    for command in ("bill", "report"):
        where = ("--state-dir", folder, "--config", folder / "farm.toml")
        bill = told(say(command, "--month", "2026-01", *where, "--json"))
        [month] = bill["months"]
        assert month["month"] == "2026-01"
        assert float(bill["total"]) == pytest.approx(month["kwh"] * 5.5, abs=0.01)
        energy = month["energy"]
        parts = energy["miners_kwh"] + energy["house_kwh"] + energy["unexplained_kwh"]
        assert parts == pytest.approx(month["kwh"], abs=1e-9)
    assert told(say("bill", "--month", "2025-12", *where, "--json"))["months"] == []
    service = '[[component]]\nkind = "fixed"\nname = "service"\nper_month = "300"\nprorate = "none"\n'
    (folder / "tariff.toml").write_text(TARIFF + service)
    dearer = told(say("bill", "--month", "2026-01", *where, "--json"))
    assert float(dearer["total"]) == pytest.approx(float(bill["total"]) + 300, abs=0.01)
    assert dearer["months"][0]["components"][-1]["amount"] == "300"


def test_what_of_the_tariff_is_in_doubt_is_a_warning_of_the_bill_and_of_its_paper(folder, say, tmp_path):
    where = ("--state-dir", folder, "--config", folder / "farm.toml")
    doubtful = 'per_kwh = [{ value = "5", unconfirmed = true, source = "no later one was found" }]'
    (folder / "tariff.toml").write_text(TARIFF.replace('per_kwh = "5"', doubtful))
    doubt = "energy: 5 of all times is not confirmed (no later one was found)"
    assert told(say("bill", *where, "--json"))["warnings"] == [doubt]
    assert told(say("bill", "--month", "2025-12", *where, "--json"))["warnings"] == []
    for command in (["bill"], ["report", "--month", "2026-01"]):
        page = tmp_path / "page.html"
        assert say(*command, *where, "--lang", "ru", "--html", page).exit_code == 0
        assert "за всё время не подтверждено (более поздняя не найдена)" in page.read_text()


def test_a_ledger_without_a_month_has_nothing_to_hold_an_invoice_against(say, tmp_path):
    Store("sqlite:///hashwatt.db", tmp_path).close()
    (tmp_path / "invoice.csv").write_text("month,name,amount\n2026-01,total,5\n")
    said = say("bill", "compare", tmp_path / "invoice.csv", "--state-dir", tmp_path)
    assert (said.exit_code, "the ledger has no month yet" in said.stderr) == (1, True)


def test_a_store_without_prices_has_no_total(folder, say):
    bill = told(say("bill", "--state-dir", folder, "--json"))
    assert bill["total"] is None
    assert bill["months"][0]["energy"]["unpriced_kwh"] == bill["months"][0]["kwh"] > 0


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--order", "o1", "--month", "2026-01"], "either --order ID or --month YYYY-MM"),
        (["--order", "x", "--owner", "x"], "--owner NAME is of a --month"),
        (["--month", "2026-13"], "no month such as 2026-11"),
    ],
)
def test_what_is_asked_badly_is_said(say, option, sentence):
    said = say("report", *option)
    assert (said.exit_code, sentence in said.stderr) == (2, True)


def test_without_a_month_it_is_the_newest(folder, say):
    where = ("--state-dir", folder, "--config", folder / "farm.toml", "--json")
    _live_on_in_february(folder)
    assert [month["month"] for month in told(say("bill", *where))["months"]] == ["2026-01", "2026-02"]
    newest = told(say("report", *where))
    assert newest == told(say("report", "--month", "2026-02", *where))
    assert newest != told(say("report", "--month", "2026-01", *where))


def _live_on_in_february(folder):
    """Have an interval of January again a month later."""
    store = Store("sqlite:///hashwatt.db", folder)
    interval = next(Ledger(store).replay(EnergyInterval))
    store.append(
        [_row(replace(interval, **{name: getattr(interval, name) + MONTH for name in ("at", "start", "end")}))], []
    )
    store.close()


def test_what_of_a_months_bill_comes_back_is_said_and_is_no_cost(folder, say):
    where = ("--month", "2026-01", "--state-dir", folder, "--config", folder / "farm.toml")
    before = float(told(say("report", *where, "--json"))["report"]["cost"])
    assert "comes back" not in say("report", *where).stdout
    with (folder / "tariff.toml").open("a") as file:
        file.write(VAT)
    report = told(say("report", *where, "--json"))["report"]
    assert float(report["cost"]) == pytest.approx(before)
    assert sum(float(party["amount"]) for party in report["parties"]) == pytest.approx(1.12 * before)
    assert f"of the bill {0.12 * before:,.2f} KGS comes back" in say("report", *where).stdout


def test_where_there_is_neither_agent_nor_store_it_says_so(say, tmp_path):
    said = say("bill", "--state-dir", tmp_path)
    assert (said.exit_code, "there is no store" in said.stderr) == (3, True)


def test_a_load_without_its_tariff_or_a_zone_of_the_ledger_is_refused(say, tmp_path):
    assert say("bill", "--load", tmp_path / "load.csv").exit_code == 2
    assert "--tz is for a load" in say("bill", "--tz", "UTC").stderr


def test_reads_that_a_hand_corrected_are_in_the_bill_of_the_store(folder, say):
    where = ("--state-dir", folder, "--config", folder / "farm.toml")
    bill = told(say("bill", *where, "--json"))
    [month] = bill["months"]
    start = datetime.fromisoformat(month["until"]) - timedelta(minutes=15)
    fact = ReadsCorrected(at=start + timedelta(hours=1), reads=[CorrectedRead(start=start, kwh="1000")], by="Aida")
    store = Store("sqlite:///hashwatt.db", folder)
    store.append([_row(fact)], [])
    store.close()
    corrected = told(say("bill", *where, "--json"))
    assert float(corrected["total"]) > float(bill["total"]) + 980 * 5.5
    assert corrected["months"][0]["components"][-1]["name"] == "mining tax, correction of 2026-01"
    then = told(say("bill", *where, "--json", "--as-of", start.isoformat()))
    assert float(then["total"]) < float(bill["total"])


def test_a_read_that_a_hand_and_a_file_corrected_counts_once_as_it_was_known_last(folder, say):
    where = ("--state-dir", folder, "--config", folder / "farm.toml")
    bill = told(say("bill", *where, "--json"))
    [month] = bill["months"]
    first, second = (datetime.fromisoformat(month["until"]) - timedelta(minutes=15 * back) for back in (1, 2))
    learned = first + timedelta(hours=1)
    reads = [CorrectedRead(start=first, kwh="1000"), CorrectedRead(start=second, kwh="500")]
    store = Store("sqlite:///hashwatt.db", folder)
    store.append([_row(ReadsCorrected(at=learned, reads=reads, by="Aida"))], [])
    store.close()
    by_hand = told(say("bill", *where, "--json"))["months"][0]["kwh"]

    def kwh(hours, figure="1600"):
        row = f"{(learned + timedelta(hours=hours)).isoformat()},{first.isoformat()},{figure}"
        (folder / "c.csv").write_text(f"learned,start,kwh\n{row}\n")
        return told(say("bill", *where, "--corrections", folder / "c.csv", "--json"))["months"][0]

    assert kwh(1)["kwh"] == pytest.approx(by_hand + 600)  # the file's was learned later
    assert kwh(-0.5)["kwh"] == pytest.approx(by_hand)  # the hand's was
    same = kwh(1, "1000")
    assert same["kwh"] == pytest.approx(by_hand)
    assert len({one["name"] for one in same["components"]}) == len(same["components"])


def test_the_ledgers_bill_is_explained_and_an_invoice_is_held_against_it(folder, say, tmp_path):
    where = ("--state-dir", folder, "--config", folder / "farm.toml")
    bill = told(say("bill", *where, "--json"))
    said = say("bill", *where, "--explain").stdout
    explained = told(say("bill", *where, "--explain", "--json"))
    assert explained.pop("calculation") == said.splitlines()
    assert explained == bill
    assert "energy (flat, on the invoice of: energy)" in said
    assert said.rstrip().endswith(f"rounded once: {float(bill['total']):,.2f} KGS")
    assert say("bill", "--state-dir", folder, "--explain").stdout.startswith("nothing is explained: no tariff")
    assert say("bill", *where, "--explain", "--pdf", tmp_path / "bill.pdf").exit_code == 0
    assert "rounded once" in words_of((tmp_path / "bill.pdf").read_bytes())

    metered = (folder / "farm.toml").read_text() + "\n[tariff.metering]\nloss_pct = 3\n"
    (folder / "losses.toml").write_text(metered)
    invoice = tmp_path / "invoice.csv"
    invoice.write_text(say("bill", *where, "--csv").stdout)
    against = ("bill", "compare", invoice, "--state-dir", folder, "--json", "--config")
    assert say(*against, folder / "farm.toml").exit_code == 0
    compared = json.loads(say(*against, folder / "losses.toml").stdout)["months"][0]["causes"]
    assert compared[0]["sentence"] == "the invoice is the bill without our losses of 3 %"


def test_the_store_is_billed_by_what_was_known_and_with_corrected_reads(folder, say):
    where = ("--state-dir", folder, "--config", folder / "farm.toml")
    bill = told(say("bill", *where, "--json"))
    [month] = bill["months"]
    then = datetime.fromisoformat(month["from"]) + timedelta(hours=1)
    [half] = told(say("bill", *where, "--as-of", then.isoformat(), "--json"))["months"]
    assert 0 < half["kwh"] < month["kwh"]
    assert datetime.fromisoformat(half["until"]) <= then
    start = datetime.fromisoformat(month["until"]) - timedelta(minutes=15)
    rows = f"learned,start,kwh\n{month['until']},{start.isoformat()},1000\n"
    (folder / "c.csv").write_text(rows)
    corrected = told(say("bill", *where, "--corrections", folder / "c.csv", "--json"))
    [changed] = corrected["months"]
    more = changed["kwh"] - month["kwh"]
    assert 980 < more < 1000
    assert [one["name"] for one in changed["components"][2:]] == [
        "energy, correction of 2026-01",
        "mining tax, correction of 2026-01",
    ]
    assert float(corrected["total"]) == pytest.approx(float(bill["total"]) + more * 5.5, abs=0.01)
    assert float(changed["cost"]) == pytest.approx(float(month["cost"]) + more * 5.5, abs=0.01)
    (folder / "c.csv").write_text(rows.replace(f"\n{month['until']}", "\n2027-05-01T00:00Z"))
    said = say("bill", *where, "--corrections", folder / "c.csv", "--json")
    sentence = "hashwatt: --corrections: learned in 2027-05, of which the ledger has nothing\n"
    assert (said.exit_code, said.stderr) == (2, sentence)
    said = say("bill", "--state-dir", folder, "--corrections", folder / "c.csv")
    assert (said.exit_code, "--config FILE that has one" in said.stderr) == (2, True)
    (folder / "c.csv").write_text("learned,start,kwh\nx,y,1\n")
    said = say("bill", *where, "--corrections", folder / "c.csv")
    assert (said.exit_code, said.stderr) == (
        2,
        "c.csv: row 1: start: y is no instant such as 2026-01-31T18:00:00+06:00\n",
    )
    said = say("bill", *where, "--multiplier", "3")
    assert (said.exit_code, "--multiplier is for a load" in said.stderr) == (2, True)
