"""`backtest`: a file of prices, machines of a file, JSON; what is wrong is exit 2."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

PRICES = "start,price\n2026-03-29T00:00,40\n2026-03-29T01:00,-20\n2026-03-29T03:00,300\n2026-03-29T04:00,300\n"
LEVELS = [{"level": "sleep", "power_w": 0, "hashrate_ths": 0}, {"level": "full", "power_w": 3000, "hashrate_ths": 100}]
FLEET = json.dumps({"miners": [{"id": "a", "levels": LEVELS}]})
PLAIN = ("--adder", "0", "--min-on-s", "0", "--min-off-s", "0", "--restart-cost", "0", "--hysteresis-pct", "0")


def test_prices_of_a_file_over_the_hour_that_there_is_not(say, tmp_path):
    """Two hours on at 40 and -20, then off at 300: 2 x 100 TH/s x 0.002 less 3 kWh x 0.04 plus 3 x 0.02."""
    (tmp_path / "p.csv").write_text(PRICES)
    (tmp_path / "f.json").write_text(FLEET)
    told = say(
        "backtest",
        "--prices",
        tmp_path / "p.csv",
        "--fleet",
        tmp_path / "f.json",
        "--hashprice",
        "48",
        *PLAIN,
        "--json",
    )
    found = json.loads(told.stdout)
    assert (found["intervals"], found["step_s"]) == (4, 3600)
    made = {one["name"]: one["money"] for one in found["ways"]}
    assert made["acting on price"] == pytest.approx(0.4 - 0.12 + 0.06)
    assert made["always on"] == pytest.approx(0.8 - 0.12 + 0.06 - 1.8)
    assert made["never on"] == 0
    assert made["perfect foresight"] == pytest.approx(made["acting on price"])
    words = say("backtest", "--prices", tmp_path / "p.csv").stdout
    assert "4 intervals, 1 of them below zero" not in words  # a levy of 0.02 lifts it to zero
    assert "acting on price" in words


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("--prices", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--fleet", "nowhere.json"), "nowhere.json: cannot be read"),
        (("--zone", "Nowhere"), "--zone: Nowhere is no IANA time zone"),
        (("--per", "J"), "--per: kWh or MWh"),
    ],
)
def test_what_is_wrong_is_exit_2(say, told, said):
    result = say("backtest", *told)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_charge_on_peaks_is_paid_by_all_and_planned_days_stand_beside(say, tmp_path):
    (tmp_path / "p.csv").write_text(PRICES)
    (tmp_path / "f.json").write_text(FLEET)
    told = ("--prices", tmp_path / "p.csv", "--fleet", tmp_path / "f.json", "--hashprice", "48", *PLAIN)
    found = say("backtest", *told, "--demand", "0.01", "--plan-days", "--json")
    ways = {one["name"]: one for one in json.loads(found.stdout)["ways"]}
    assert ways["always on"]["peak_cost"] == pytest.approx(0.03)
    assert ways["acting, peaks guarded"]["money"] == pytest.approx(0.34 - 0.03)
    assert ways["planned day by day"]["money"] == pytest.approx(0.34 - 0.03)
    assert "acting, peaks guarded" in say("backtest", *told, "--demand", "0.01").stdout


def test_the_tables_of_the_docs_add_up():
    """What each way made is its revenue less all that it paid; what is said of acting follows from its table."""
    page = (Path(__file__).parents[2] / "docs" / "price.md").read_text(encoding="utf-8")
    tables = [part for part in page.split("\n\n") if part.startswith("| way | made |")]
    made = []
    for heads, _, *rows in (table.splitlines() for table in tables):
        paid = 5 if "peaks" in heads else 4
        told = [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in rows]
        figures = {cells[0]: [Decimal(cell.replace(",", "")) for cell in cells[1:]] for cells in told}
        for money, revenue, *costs in figures.values():
            assert abs(money - revenue + sum(costs[: paid - 2])) <= Decimal("0.02")
        made.append({name: row[0] for name, row in figures.items()})
    plain, charged = made
    more = plain["acting on price"] - plain["always on"]
    share = round(more / (plain["perfect foresight"] - plain["always on"]) * 100)
    assert f"Acting makes {more:,.2f} more than always on, {share} % of what foresight does" in page
    assert charged["acting, peaks guarded"] == max(charged.values())
