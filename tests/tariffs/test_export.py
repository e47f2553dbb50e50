"""What is fed into the grid is paid by its time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.tariffs.bill import bill
from agent.tariffs.export import ExportCredit
from agent.tariffs.load import Load
from agent.tariffs.time_of_use import Period
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BISHKEK, amounts, flat, rate, tariff

pytestmark = pytest.mark.pure
CREDIT = ExportCredit(
    name="export",
    period=(Period(name="day", per_kwh=rate("3"), hours=("08:00-20:00",)), Period(name="night", per_kwh=rate("1"))),
)


def load(**told):
    start = datetime(2026, 1, 7, 6, tzinfo=BISHKEK).astimezone(UTC)
    return Load(start=start, step=timedelta(hours=1), kwh=(Decimal(10),) * 4, **told)


def test_exports_are_a_credit_before_tax():
    exported = load(export_kwh=tuple(map(Decimal, (0, 5, 7, 0))))
    priced = tariff(flat("2"), CREDIT, Vat(pct=rate("10")))
    found = amounts(bill(priced, exported, BISHKEK).months[0])
    assert found == {"energy": 80, "export": -5 - 21, "VAT": Decimal("5.4")}


def test_a_load_that_tells_of_no_exports_has_no_credit():
    assert amounts(bill(tariff(flat("2"), CREDIT), load(), BISHKEK).months[0]) == {"energy": 80}
