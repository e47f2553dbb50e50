"""`plan --day`: the plan and its money, what a past day made, nominations in time and late, and what was bought."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.inputs.order_document import parse_order
from agent.orders.limit import Trajectory
from tests.cli.farm import order

FIRST = datetime(2026, 11, 30, 19, tzinfo=UTC)  # midnight in Almaty
DAY = "2026-12-01"
LEVELS = [
    {"level": "full", "power_w": 3000.0, "hashrate_ths": 100.0},
    {"level": "sleep", "power_w": 30.0, "hashrate_ths": 0.0},
]
AUCTION = {
    "name": "the auction", "opens_at": "2026-11-30T04:30:00Z", "closes_at": "2026-11-30T05:00:00Z",
    "prepay_by": "2026-11-30T03:00:00Z", "note": "dear", "source": "a paper", "unconfirmed": False,
}  # fmt: skip


def terms(**changes):
    """A day of two prices: of ten machines of 30 J/TH with a break-even of 0.0667."""
    told = {
        "site": "kz-1", "day": DAY, "timezone": "Asia/Almaty", "currency": "KZT", "step_s": 1800,
        "starts": [(FIRST + place * timedelta(minutes=30)).isoformat() for place in range(48)],
        "per_kwh": [0.02] * 24 + [0.2] * 24, "per_ths_h": 0.002, "pue": 1.0,
        "kinds": [{"model": "S19", "feeder": "site", "count": 10, "levels": LEVELS, "pays_per_kwh": None}],
        "fixed_w": 500.0,
        "caps_w": [1e6] * 48, "orders": [], "feeders": [{"id": "site", "parent": None, "max_w": 1e6}], "peaks": [],
        "min_on_s": 0.0, "min_off_s": 0.0, "restart_cost": 0.0, "tariff": True, "metering_factor": "1.02",
        "auction": AUCTION,
    }  # fmt: skip
    return told | changes


MADE = {
    "day": DAY, "currency": "KZT", "planned": None, "is_past": False,
    "made": {"kwh": 0.0, "revenue": 0.0, "cost": 0.0, "money": 0.0, "unknown": 0, "intervals": []},
}  # fmt: skip


@pytest.fixture
def ahead(farm):
    """A farm that knows the terms of a day; `told` and `made` may be changed."""
    known = {"terms": terms(), "made": MADE}
    without = farm._routes

    def routes(asked):
        match asked.method, asked.path:
            case "GET", "/api/v1/plan/day":
                return 200, known["terms"]
            case "GET", "/api/v1/plan/day/made":
                return 200, known["made"]
            case "POST", "/api/v1/plan/day":
                return 201, {"day": DAY}
        return without(asked)

    farm._routes = routes
    return known


@pytest.fixture
def at(monkeypatch):
    """Return a function that sets the present instant."""

    def said(text):
        monkeypatch.setattr("agent.cli.plan_market.present", lambda: datetime.fromisoformat(text))

    said("2026-11-30T04:40:00Z")
    return said


def test_a_day_is_planned_kept_and_its_money_told(farm, ahead, say):
    said = say("plan", "--day", "--json")
    told = json.loads(said.stdout)
    assert said.exit_code == 0
    [kept] = farm.changes()
    assert farm.asked[0].query == {"day": "tomorrow"}
    assert told["kwh"] == pytest.approx(12 * 30.5 + 12 * 0.8)
    assert told["money"] == pytest.approx(12 * (2.0 - 30.5 * 0.02) - 12 * 0.8 * 0.2)
    assert told["intervals"][30]["levels"] == [
        {"model": "S19", "feeder": "site", "level": "sleep", "machines": 10, "under": []}
    ]
    assert sum(kept.body["kwh"]) == pytest.approx(told["kwh"])
    shown = say("plan", "--day", DAY).stdout
    assert "10 full" in shown
    assert "expected: 14.76 KZT" in shown


def test_orders_on_some_machines_bind_them_and_what_cannot_be_met_is_told(ahead, say):
    kinds = [
        {**terms()["kinds"][0], "count": 4, "under": [0, 1], "feeder": "T1"},
        {**terms()["kinds"][0], "count": 6, "under": [1], "fixed": True},
    ]
    limit = {"feeder": None, "stop": False, "fixed_w": 0.0, "factor": 1.05}
    ahead["terms"] = terms(
        kinds=kinds,
        orders=["tagged", "off"],
        feeders=[{"id": "site", "parent": None, "max_w": 1e6}, {"id": "T1", "parent": "site", "max_w": 9100.0}],
        limits=[
            {**limit, "orders": ["tagged"], "caps_w": [6400.0] * 4 + [None] * 40 + [100.0] * 4},
            {**limit, "orders": ["off"], "stop": True, "factor": 1.0, "caps_w": [None] * 6 + [500.0] * 2 + [None] * 40},
        ],
    )
    told = say("plan", "--day", "--json")
    plan = json.loads(told.stdout)
    running = [
        {kind["level"]: kind["machines"] for kind in one["levels"] if kind["feeder"] == "T1"}
        for one in plan["intervals"]
    ]
    assert (running[0], running[4], running[6]) == ({"full": 2, "sleep": 2}, {"full": 3, "sleep": 1}, {"sleep": 4})
    others = [one["levels"][-1] for one in plan["intervals"]]
    assert [(others[at]["level"], others[at]["under"]) for at in (6, 30)] == [("sleep", ["order off"]), ("full", [])]
    assert plan["shortfalls"] == [{"limit": "order tagged", "kw": pytest.approx(4 * 0.03 * 1.05 - 0.1)}]
    assert [len(plan["intervals"][at]["shortfalls"]) for at in (0, 6, 47)] == [0, 0, 1]
    assert told.exit_code == 1
    assert "shortfall 0.0 kW for 2 h: order tagged cannot be met" in say("plan", "--day").stdout


def test_a_new_peak_is_told_with_what_its_ratchet_adds(ahead, say):
    later = {"months": 11, "share": 1.0, "kw": 20.0, "bands": [[20.0, 40.0]], "hours": 720.0}
    peak = {"name": "demand", "windows": [[at] for at in range(48)], "kw": 20.0, "bands": [[20.0, 0.01]], "jump": 0.0}
    ahead["terms"] = terms(peaks=[{**peak, "share": 0.001, "later": [later]}], week_per_kwh=[0.03] * 168)
    told = json.loads(say("plan", "--day", "--json").stdout)
    [one] = told["peaks"]
    assert one["later_cost"] > 0
    assert told["money"] == pytest.approx(told["revenue"] - told["energy_cost"] - one["cost"] - one["later_cost"])
    assert "of what its ratchet adds in months to come" in say("plan", "--day").stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tariff": False}, "no tariff"),
        ({"per_ths_h": None}, "what hashing earns"),
        ({"kinds": []}, "no machine is known"),
        ({"per_kwh": [0.02] * 40 + [None] * 8}, "no price is known from 2026-12-01T15:00:00+00:00 on: 8 intervals"),
    ],
)
def test_what_nobody_knows_is_named(ahead, say, changes, said):
    ahead["terms"] = terms(**changes)
    told = say("plan", "--day")
    assert told.exit_code == 1
    assert said in told.stderr


def test_a_day_that_is_over_shows_what_it_made_beside_the_plan(ahead, say):
    made = {"kwh": 370.0, "revenue": 24.0, "cost": 9.5, "money": 14.5, "unknown": 2, "intervals": [{}]}
    planned = {"at": "A", "by": "B", "kwh": 375.6, "revenue": 24.0, "cost": 9.24, "peaks": 0.0, "money": 14.76}
    ahead["made"] = MADE | {"is_past": True, "made": made, "planned": planned}
    shown = say("plan", "--day", "yesterday")
    assert "14.76" in shown.stdout
    assert "14.50" in shown.stdout
    assert "of 2 intervals nobody knows" in shown.stdout
    ahead["made"] = MADE | {"is_past": True}
    assert say("plan", "--day", "yesterday").exit_code == 1


def test_a_day_that_is_over_is_not_nominated_and_before_and_after_are_not_one(ahead, say, tmp_path):
    ahead["made"] = MADE | {"is_past": True}
    file = tmp_path / "late.csv"
    late = say("plan", "--day", "--nominate", file)
    assert (late.exit_code, file.exists()) == (1, False)
    assert "too late to nominate" in late.stderr
    assert say("plan", "--day", "--nominate", file, "--bought", file).exit_code == 2


def test_volumes_are_nominated_by_the_hour_with_losses_and_rounded_up(ahead, say, at, tmp_path):
    file = tmp_path / "tomorrow.csv"
    said = say("plan", "--day", "--nominate", file)
    assert said.exit_code == 0
    rows = file.read_text().splitlines()
    assert rows[:2] == ["date,hour,mwh", "2026-12-01,1,0.032"]  # 30.5 kWh x 1.02 = 31.11
    assert (len(rows), rows[-1]) == (25, "2026-12-01,24,0.001")
    assert "prepayment by 2026-11-30 08:00 Asia/Almaty, which is over" in said.stderr
    say("plan", "--day", "--nominate", tmp_path / "tomorrow.json")
    told = json.loads((tmp_path / "tomorrow.json").read_text())
    assert told["hours"][0] == {"hour": 1, "start": "2026-11-30T19:00:00.000Z", "mwh": "0.032"}


def test_a_late_nomination_is_refused_by_its_deadline(ahead, say, at, tmp_path):
    at("2026-11-30T05:00:01Z")
    late = say("plan", "--day", "--nominate", "-")
    assert late.exit_code == 1
    assert "too late: the auction for 2026-12-01 closed at 2026-11-30 10:00 Asia/Almaty" in late.stderr
    own = say("plan", "--day", "--nominate", "-", "--closes", "12:00")
    assert own.stdout.startswith("date,hour,mwh")
    at("2026-11-30T07:00:01Z")
    assert say("plan", "--day", "--nominate", "-", "--closes", "12:00").exit_code == 1
    assert say("plan", "--day", "--nominate", "-", "--closes", "noon").exit_code == 2
    assert say("plan", "--max-import-kw", "3", "--nominate", "-").exit_code == 2


def test_what_was_bought_becomes_a_contracts_trajectory_by_the_hours_mean(farm, ahead, say, at, tmp_path):
    file, out = tmp_path / "bought.csv", tmp_path / "bought.json"
    rows = [f"{DAY},{hour},{'0.0204' if hour < 9 else '0.0102'}" for hour in range(1, 25)]
    file.write_text("\n".join(["date,hour,mwh", *rows]) + "\n")
    said = say("plan", "--day", "--bought", file, "--issuer", "korem", "-o", out)
    assert said.exit_code == 0
    parsed = parse_order(out.read_bytes())
    assert parsed.limit == Trajectory(times=(FIRST, FIRST + timedelta(hours=8)), powers_w=(20_000.0, 10_000.0))
    assert (parsed.order_class, parsed.issuer, parsed.revision) == ("contract", "korem", 1)
    assert (parsed.measure.over_s, parsed.measure.aligned) == (3600, True)
    assert (parsed.starts_at, parsed.ends_at) == (FIRST, FIRST + timedelta(days=1))
    farm.orders.append(order("bought-20261201", "scheduled", limit={"stop": True}))
    again = json.loads(say("plan", "--day", "--bought", file, "--issuer", "korem").stdout)
    assert again["revision"] == farm.orders[-1]["revision"] + 1


def test_volumes_of_another_day_or_by_nobody_make_no_order(ahead, say, at, tmp_path):
    file = tmp_path / "bought.csv"
    file.write_text("date,hour,mwh\n2026-12-01,1,1\n2026-12-01,2,1\n")
    told = say("plan", "--day", "--bought", file, "--issuer", "korem")
    assert (told.exit_code, "not those of the whole of 2026-12-01" in told.stderr) == (2, True)
    assert say("plan", "--day", "--bought", file).exit_code == 2
    file.write_text("date,hour,mwh\n2026-12-01,1,-1\n2026-12-01,2,1\n")
    assert "must not be below 0" in say("plan", "--day", "--bought", file, "--issuer", "korem").stderr
