"""A month beside its bill, from facts made by hand: statements add up, orders curtail once, levies have their date."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import OrderMoved, OrderReceived
from agent.facts.energy import Charge, EnergyInterval, PriceActed
from agent.inputs.packs import read_dues
from agent.outputs.month_report import MonthReport
from agent.outputs.terms import Terms
from agent.planning.hashprice import Quotes, Revenue
from agent.tariffs.dues import Due
from tests.tariffs.loads import rate

pytestmark = pytest.mark.pure
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
TERMS = Terms(
    currency="KGS",
    zone=UTC,
    revenue=Revenue(quotes=Quotes(by_hand=Decimal(50)), currency="USD", fx={"USD/KGS": rate("80")}),
    dues={"fee": Due(component="fee", every="quarter", day=20, source="a law")},
)
BILL = {"cost": "100", "components": [{"name": "energy", "party": "energy", "amount": "90"},
                                      {"name": "fee", "party": "state", "amount": "10"}]}  # fmt: skip

CHARGED = Charge(name="energy", kind="flat", party="energy", amount="10")


def interval(at, acme_wh=0, beta_wh=0, house_wh=0, cost="10", **told):
    start = NOON + at * QUARTER
    return EnergyInterval(
        at=start + QUARTER, start=start, end=start + QUARTER, site_wh=acme_wh + beta_wh + house_wh,
        unexplained_wh=0, miners_wh=acme_wh + beta_wh, house_wh=house_wh, owners={"acme": acme_wh, "beta": beta_wh},
        currency="KGS", cost=cost, **told,
    )  # fmt: skip


def received(name, order_class):
    return OrderReceived(
        at=NOON, order_id=name, revision=1, issuer="x", order_class=order_class, transport="mqtt", document="{}"
    )


def moved(name, event, state, at):
    return OrderMoved(
        at=NOON + at * QUARTER, order_id=name, revision=1, seq=1, event=event, state=state, cap_w=None, reason=None
    )


def month(*facts):
    report = MonthReport(name="2026-01", month_of=lambda at: f"{at:%Y-%m}")
    for fact in facts:
        report.take(fact)
    return report


def owner(told, name):
    return next(one for one in told["owners"] if one["owner"] == name)


def test_statements_share_cost_by_energy_and_all_of_it_adds_up():
    told = month(interval(0, 600, 300, 100), interval(1, 100, 800, 100, "20")).told(TERMS, BILL)
    assert (owner(told, "acme")["kwh"], owner(told, "beta")["kwh"], told["rest"]["kwh"]) == (0.7, 1.1, 0.2)
    # acme: 6 of the first 10, 2 of the second 20; of the 70 that the month as a whole is charged 700 of 2,000 Wh
    assert owner(told, "acme")["cost"] == "32.5"
    assert owner(told, "beta")["cost"] == "57.5"
    assert told["rest"]["cost"] == "10"


def test_margin_a_petahash_is_revenue_less_all_cost():
    facts = (interval(0, 600, hashed_th=86_400_000.0, revenue="49.5", revenue_currency="USD"), interval(1, 600))
    told = month(*facts).told(TERMS, BILL)
    assert (told["ph_days"], told["revenue_exchanged"], told["margin"]) == (1.0, "3960", "3860")
    assert (told["margin_per_ph_day"], told["margin_per_ph_year"]) == ("3860", "1408900")
    assert told["levies"] == [{"name": "fee", "amount": "10", "due": "2026-04-20", "source": "a law"}]


def test_what_is_not_known_is_none():
    told = month(interval(0, 600, cost=None)).told(Terms(currency="KGS", zone=UTC), {**BILL, "cost": None})
    assert [told[name] for name in ("cost", "margin", "revenue_exchanged", "margin_per_ph_day")] == [None] * 4
    assert told["rest"]["cost"] is None
    assert month().told(TERMS, BILL) is None


def test_curtailment_is_against_the_interval_before_the_order_and_of_whom_it_touched():
    facts = (
        received("stop", "law"), interval(0, 600, 300),
        moved("stop", "start", "active", 1), interval(1, 60, 300), interval(2, 60, 300),
        moved("stop", "cancel", "cancelled", 3), moved("stop", "free", "closed", 3.2), interval(3, 600, 300),
    )  # fmt: skip
    told = month(*facts).told(TERMS, BILL)
    assert owner(told, "acme")["curtailed"] == [
        {"order_id": "stop", "class": "law", "minutes": 30.0, "kwh": 1.08, "credit": None}
    ]
    assert owner(told, "beta")["curtailed"] == []


def test_two_orders_at_once_count_once_for_the_higher_class_against_what_was_before_the_first():
    facts = (
        received("deal", "contract"), received("stop", "law"), interval(0, 600),
        moved("deal", "start", "active", 1), interval(1, 300),
        moved("stop", "start", "active", 2), interval(2, 60),
        moved("stop", "free", "closed", 3), interval(3, 300), moved("deal", "free", "closed", 4), interval(4, 600),
    )  # fmt: skip
    told = owner(month(*facts).told(TERMS, BILL), "acme")
    assert {one["order_id"]: (one["minutes"], one["kwh"]) for one in told["curtailed"]} == {
        "deal": (30.0, 0.6), "stop": (15.0, 0.54),
    }  # fmt: skip
    assert [one["class"] for one in told["curtailed_by_class"]] == ["law", "contract"]


def test_an_order_from_the_month_before_is_still_in_force_and_what_price_gained_is_summed():
    december = MonthReport(name="2026-02", month_of=lambda at: f"{at:%Y-%m}")
    late = NOON + timedelta(days=22)
    for fact in (received("stop", "law"), interval(0, 600), moved("stop", "start", "active", 1), interval(1, 0)):
        december.take(fact)
    at = (late - NOON) / QUARTER
    december.take(interval(at, 0))
    for gained in ("1.5", "2"):
        told = {
            "start": late,
            "act": False,
            "currency": "KGS",
            "gained": gained,
            "starts": 0,
            "stopped": 1,
            "lowered": 0,
        }
        december.take(PriceActed(at=late, **told))
    told = december.told(TERMS, BILL)
    assert owner(told, "acme")["curtailed"] == [
        {"order_id": "stop", "class": "law", "minutes": 15.0, "kwh": 0.6, "credit": None}
    ]
    assert told["price"] == [{"act": False, "currency": "KGS", "gained": "3.5"}]


def test_what_a_programme_pays_for_an_order_is_credited_to_who_did_not_draw():
    facts = (
        received("call", "market"), interval(0, 600, 300, 100, charges=[CHARGED]),
        moved("call", "start", "active", 1), interval(1, 0, 300, 100, "4", charges=[]),
        moved("call", "free", "closed", 2), interval(2, 600, 300, 100, charges=[CHARGED]),
    )  # fmt: skip
    bill = {
        "cost": "50",
        "components": [{"name": "energy", "kind": "flat", "party": "energy", "amount": "20"},
                       {"name": "peak", "kind": "demand", "party": "network", "amount": "36"},
                       {"name": "calls", "kind": "programme", "party": "operator", "amount": "-6"}],
        "credits": [{"name": "calls", "order_id": "call", "amount": "-6"}],
    }  # fmt: skip
    told = month(*facts).told(TERMS, bill)
    acme, beta = owner(told, "acme"), owner(told, "beta")
    assert (acme["credit_due"], beta["credit_due"]) == ("6", "0")
    assert acme["curtailed"] == [{"order_id": "call", "class": "market", "minutes": 15.0, "kwh": 0.6, "credit": "6"}]
    assert acme["curtailed_by_class"] == [{"class": "market", "minutes": 15.0, "kwh": 0.6, "credit": "6"}]
    assert [one["amount"] for one in acme["components"]] == ["12", "18", "-6"]
    # 12 of energy; of 24 in intervals; of the 32 that the month is charged beside them (50 + 6 - 24) 1,200 of 2,400 Wh
    assert Decimal(acme["cost"]) == round(Decimal(12) + Decimal(32) * 1200 / 2400 - 6, 6)
    for at, one in enumerate(bill["components"]):
        parts = [Decimal(part["components"][at]["amount"]) for part in (*told["owners"], told["rest"])]
        assert sum(parts) == Decimal(one["amount"])
    assert sum(Decimal(part["cost"]) for part in (*told["owners"], told["rest"])) == 50
    [order] = told["orders"]
    assert (order["order_id"], order["not_drawn_kwh"], order["credit"]) == ("call", 0.6, "6")
    assert told["parties"] == [{"party": "energy", "amount": "20"}, {"party": "network", "amount": "36"},
                               {"party": "operator", "amount": "-6"}]  # fmt: skip


def test_revenue_and_margin_are_told_by_owner_and_by_model():
    facts = [
        interval(
            at, 600, 300, 100, hashed_th=86_400_000.0, revenue="49.5", revenue_currency="USD",
            owners_th={"acme": 64_800_000.0, "beta": 21_600_000.0}, models={"S19": 600, "S9": 300},
            models_th={"S19": 64_800_000.0, "S9": 21_600_000.0},
        )
        for at in (0, 1)
    ]  # fmt: skip
    told = month(*facts).told(TERMS, BILL)
    acme, beta = owner(told, "acme"), owner(told, "beta")
    assert (acme["ph_days"], acme["revenue"], acme["revenue_exchanged"]) == (1.5, {"USD": "74.25"}, "5940")
    assert (acme["cost"], acme["margin"], acme["margin_per_ph_day"]) == ("60", "5880", "3920")
    assert told["rest"]["revenue_exchanged"] == "0"
    margins = [Decimal(one["margin"]) for one in (acme, beta, told["rest"])]
    assert sum(margins) == Decimal(told["margin"]) == 7920 - 100
    assert [(one["model"], one["kwh"], one["margin"]) for one in told["models"]] == [
        ("S19", 1.2, acme["margin"]), ("S9", 0.6, beta["margin"]),
    ]  # fmt: skip


@given(st.lists(st.tuples(*(st.integers(0, 10**6),) * 3, st.decimals("0", "1000", places=4)), min_size=1, max_size=20))
def test_energy_and_cost_always_add_up(told):
    facts = [interval(at, *energies, str(cost)) for at, (*energies, cost) in enumerate(told)]
    found = month(*facts).told(TERMS, {**BILL, "cost": "12345.678901"})
    parts = [*found["owners"], found["rest"]]
    assert sum(Decimal(str(part["kwh"])) for part in parts) == Decimal(sum(sum(one[:3]) for one in told)) / 1000
    assert sum(Decimal(part["cost"]) for part in parts) == Decimal("12345.678901")


@pytest.mark.parametrize(
    ("every", "month_", "due"),
    [
        ("quarter", "2026-01", date(2026, 4, 20)), ("quarter", "2026-03", date(2026, 4, 20)),
        ("quarter", "2026-12", date(2027, 1, 20)), ("month", "2026-12", date(2027, 1, 20)),
        ("month", "2026-05", date(2026, 6, 20)),
    ],
)  # fmt: skip
def test_a_levy_is_due_in_the_month_after(every, month_, due):
    assert Due(component="x", every=every, day=20, source="y").on(month_) == due


def test_kazakhstan_says_when_its_fee_is_due():
    [due] = read_dues("KZ")
    assert (due.component, due.every, due.day) == ("digital mining fee", "quarter", 20)
    assert read_dues("KG") == ()
    with pytest.raises(ValueError, match="day must be"):
        Due(component="x", every="month", day=31, source="y")
