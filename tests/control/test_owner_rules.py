"""Owners' rules from the tariff's file to what price may do to whose machines."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from agent.config import parse
from agent.orders.arbitration import Cap
from agent.planning.price import PricePolicy
from agent.wiring.money_terms import terms_of
from agent.wiring.pricing_room import by_owner, owners_terms
from agent.words.money import terms_in_words
from tests.control.books import Books

SITE = '[site]\nid = "a"\ntimezone = "Asia/Bishkek"\ncurrency = "KGS"\nconnection_kw = 100\n[tariff]\nfile = "t.toml"\n'
RULES = """
currency = "KGS"
[[component]]
kind = "flat"
name = "energy"
per_kwh = "6"
[[owner]]
name = "acme"
levels = "full_or_sleep"
pays_per_kwh = "7.5"
min_off_s = 7200
hysteresis_pct = 10
[[owner]]
name = "beta"
act = false
"""


@pytest.fixture
def told(tmp_path):
    """The configuration, the terms and the fleet of three machines: of acme, of beta, of nobody."""
    (tmp_path / "t.toml").write_text(RULES)
    config = parse(SITE + '[price]\nrestart_cost = "3"\n', folder=tmp_path)
    return config, terms_of(config), Books().fleet


async def test_each_machine_has_its_owners_rule_and_else_the_sites(told):
    config, terms, fleet = told
    policy = by_owner(config, fleet, terms.tariff.owners)
    assert policy.whole.tolist() == [True, False, False]
    assert policy.fixed.tolist() == [False, True, False]
    assert policy.min_off_s.tolist() == [7200.0, 1800.0, 1800.0]
    assert policy.hysteresis.tolist() == pytest.approx([0.1, 0.05, 0.05])
    assert policy.restart_cost.tolist() == [3.0, 3.0, 3.0]
    assert np.isnan(policy.pays_per_kwh).tolist() == [False, True, True]
    assert by_owner(config, fleet, ()) == PricePolicy(restart_cost=3.0)


def test_check_says_them_in_words(told):
    said = "\n".join(terms_in_words(told[1], datetime(2026, 11, 29, tzinfo=UTC)))
    assert "owner acme: full or sleep, pays 7.5 KGS a kWh, at least 7200 s off, a band of 10 %" in said
    assert "owner beta: price never moves its machines" in said


# orders -----------------------------------------------------------------------------------------------------------


def cap_of(*classes):
    return Cap(parts=tuple(SimpleNamespace(order=SimpleNamespace(order_class=one)) for one in classes))


@pytest.mark.parametrize(
    ("cap", "tripped", "kept"),
    [
        (Cap(), False, True),
        (Cap(cap_w=5.0), False, True),
        (Cap(cap_w=5.0, may_step=True, law=True), False, False),
        (Cap(), True, False),
        (cap_of("contract", "market"), False, True),
        (cap_of("contract", "grid_emergency"), False, False),
    ],
)
async def test_levels_between_are_kept_from_by_all_but_law_emergency_and_safety(told, cap, tripped, kept):
    _, terms, fleet = told
    owners = owners_terms(fleet, terms.tariff.owners)
    seen = owners.over(fleet.view(0.0), cap, tripped=tripped).whole
    assert (None if seen is None else seen.tolist()) == ([True, False, False] if kept else None)
    assert owners_terms(fleet, terms.tariff.owners[1:]) is None
