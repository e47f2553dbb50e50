"""A month's tables in cents: every column has its sum, and every row its difference."""

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.money_show import money
from agent.outputs.cents import apportioned, in_cents
from agent.outputs.report_words import Words
from agent.tariffs.money import rounded

pytestmark = pytest.mark.pure
AMOUNTS = st.lists(st.decimals(min_value=-1000, max_value=1000, places=6), max_size=12)


@given(amounts=AMOUNTS)
@settings(max_examples=100, deadline=None)
def test_parts_in_cents_are_within_a_cent_and_add_up(amounts):
    found = apportioned(amounts, 2)
    assert sum(found, Decimal(0)) == rounded(sum(amounts, Decimal(0)), 2)
    assert all(abs(one - exact) < Decimal("0.01") for one, exact in zip(found, amounts, strict=True))


def share(cost, revenue):
    margin = None if revenue is None else f"{Decimal(revenue) - Decimal(cost):f}"
    return {"cost": cost, "revenue_exchanged": revenue, "margin": margin}


def test_owners_and_rest_have_the_sums_of_the_month():
    """Three thirds of 100.01 and of 200.005; the house earns nothing."""
    report = {
        "currency": "KGS",
        **share("100.01", "200.005"),
        "owners": [share("33.336667", "66.668333")] * 2,
        "rest": share("33.336666", "66.668334"),
        "models": [share("0.005", None)],
    }
    told = in_cents(report)
    rows = [*told["owners"], told["rest"]]
    for name, whole in (("cost", "100.01"), ("revenue_exchanged", "200.01"), ("margin", "100.00")):
        assert sum(Decimal(row[name]) for row in rows) == Decimal(told[name]) == Decimal(whole)
    assert told["rest"]["exact_cost"] == "33.336666"
    assert (told["models"][0]["cost"], told["models"][0]["revenue_exchanged"]) == ("0.01", None)
    assert in_cents({**report, "currency": "PYG"})["cost"] == "100"


def test_an_orders_row_has_its_difference_and_credits_what_is_due():
    of = {"cost_not_incurred": "1.004", "revenue_not_earned": "0.996", "saved": "0.008"}
    credits_ = [{"credit": "0.335"}] * 3 + [{"credit": None}]
    owner = {**share("1", "2"), "curtailed": credits_, "curtailed_by_class": [{"credit": "1.005"}]}
    report = {"currency": "KGS", **share("1", "2"), "owners": [owner], "rest": share("0", "0"), "models": []}
    told = in_cents({**report, "orders": [of, {**of, "revenue_not_earned": None, "saved": None}]})
    assert [one["saved"] for one in told["orders"]] == ["0.00", None]
    [one] = told["owners"]
    assert sum(Decimal(of["credit"]) for of in one["curtailed"][:3]) == Decimal("1.01")
    assert (one["curtailed"][3]["credit"], one["curtailed_by_class"][0]["credit"]) == (None, "1.01")


def test_halves_of_a_cent_are_shown_as_bills_round_them():
    words = Words("en", UTC)
    assert [words.number(Decimal(one), "", 2) for one in ("0.125", "-0.125", "-0.001")] == ["0.13", "-0.13", "0.00"]
    assert [money(one, "KGS") for one in ("0.125", "-0.001", None)] == ["0.13 KGS", "0.00 KGS", "-"]
