"""Owners' rules from the tariff's file to what price may do to whose machines."""

from datetime import UTC, datetime

import numpy as np
import pytest

from agent.config import parse
from agent.money_terms import terms_of
from agent.money_words import terms_in_words
from agent.planning.price import PricePolicy
from agent.pricing_room import by_owner
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
