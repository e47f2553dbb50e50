"""What `check` says of a tariff: each figure in force, in its own currency, and what no kWh bears."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.config import parse
from agent.outputs.terms import Terms
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.fixed import Fixed
from agent.tariffs.only import Only
from agent.tariffs.settling import Settling
from agent.wiring.money_terms import terms_of
from agent.words.money import terms_in_words
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


def test_a_price_list_says_in_which_months_it_is_and_a_period_what_it_is_above():
    periods = (DemandPeriod(name="peak", per_kw=rate("5")), DemandPeriod(name="all", per_kw=rate("3"), above="peak"))
    lists = {"energy": Settling(only=Only(kwh_from=Decimal(1000), kw_below=Decimal(50)))}
    priced = tariff(flat("5"), Demand(name="demand", period=periods), settlings=lists)
    said = list(terms_in_words(Terms(currency="KGS", zone=BISHKEK, tariff=priced), datetime(2026, 11, 1, tzinfo=UTC)))
    assert said[1].endswith("5 KGS/kWh, only in months from 1000 kWh and below 50 kW")
    assert said[2].endswith("peak 5 KGS/kW, all above peak 3 KGS/kW")


def test_a_peak_that_no_guard_keeps_is_said():
    priced = tariff(
        flat("5"), Demand(name="demand", period=(DemandPeriod(name="any", per_kw=rate("5")),), measure="kVA")
    )
    said = list(terms_in_words(Terms(currency="KGS", zone=BISHKEK, tariff=priced), datetime(2026, 11, 1, tzinfo=UTC)))
    sentence = "    no guard keeps the peak of demand: it is in kVA, and nobody counts the farm's reactive energy"
    assert sentence in said


SITE = """
[site]
id = "s"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100
[[meter]]
id = "main"
kind = "mqtt"
multiplier = 40
[tariff]
file = "tariff.toml"
[tariff.metering]
multiplier = 40
loss_pct = 1.5
"""


def test_what_is_metered_is_told_and_a_ratio_that_stands_twice_is_in_doubt(tmp_path):
    (tmp_path / "tariff.toml").write_text('[[component]]\nkind = "flat"\nname = "energy"\nper_kwh = 5\n')
    lines = list(terms_in_words(terms_of(parse(SITE, folder=tmp_path)), datetime(2026, 11, 1, tzinfo=UTC)))
    assert lines[0] == "  billed is what was metered with the meter's figures x 40, 1.5 % of losses to the boundary"
    assert "    a kWh at the meter now costs 203 KGS, all in" in lines
    assert lines[-1] == (
        "  in doubt: the meter main is multiplied by 40 of its own, and what is billed by "
        "tariff.metering.multiplier = 40 again"
    )
