"""What `check` says of a tariff: each figure in force, in its own currency, and what no kWh bears."""

from datetime import UTC, datetime

import pytest

from agent.money_words import terms_in_words
from agent.outputs.terms import Terms
from agent.tariffs.fixed import Fixed
from agent.tariffs.settling import Settling
from tests.tariffs.loads import BISHKEK, flat, rate, tariff

pytestmark = pytest.mark.pure


def test_a_tariff_in_words():
    service = Fixed(name="service", per_month=rate("300"))
    priced = tariff(flat("5"), service, settlings={"service": Settling(currency="USD")}, fx={"USD": rate("87")})
    terms = Terms(currency="KGS", zone=BISHKEK, tariff=priced)
    assert list(terms_in_words(terms, datetime(2026, 11, 1, tzinfo=UTC))) == [
        "  tariff without a name in KGS, by the clock of Asia/Bishkek",
        "    energy (flat, on the invoice of: energy): 5 KGS/kWh",
        "    service (fixed, on the invoice of: energy): 300 USD/month",
        "    charged by the month as a whole, and borne by no interval, price or saving: service",
        "    a kWh now costs 5 KGS, all in",
    ]
