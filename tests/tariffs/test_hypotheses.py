"""What would make our bill the invoice's, where a load is of several months."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.tariffs.hypotheses import Billed, by_trial
from agent.tariffs.invoice import InvoiceMonth
from agent.tariffs.load import Load
from agent.tariffs.metering import AS_COUNTED
from tests.tariffs.loads import HOUR, day_and_night, tariff

pytestmark = pytest.mark.pure
LOAD = Load(
    start=datetime(2026, 3, 1, tzinfo=UTC), step=HOUR, kwh=tuple(Decimal(100 + at * 37 % 83) for at in range(92 * 24))
)


def billed(hours, load=LOAD):
    return Billed(tariff=tariff(day_and_night(hours=hours)), load=load, zone=UTC, metering=AS_COUNTED)


def invoice(of):
    return [
        InvoiceMonth(
            month=one.month, kwh=one.kwh, peak_kw=one.peak_kw, total=one.total, lines={"energy": one.lines[0].amount}
        )
        for one in of.months()
    ]


def test_a_clock_an_hour_off_is_named_in_every_month_whose_energy_it_leaves():
    ours = billed("08:00-22:00")
    found = by_trial(ours, invoice(ours), invoice(billed("07:00-21:00")))
    for month in ("2026-03", "2026-04", "2026-05"):
        assert [one.cause for one in found[month]] == ["wrong hour"]
        assert found[month][0].sentence == "the invoice is the bill of our load 60 min later"


def test_rows_that_are_named_by_another_hour_are_named_where_months_have_other_energy():
    ours = billed("08:00-22:00")
    labels = replace(LOAD, kwh=(*LOAD.kwh[-1:], *LOAD.kwh[:-1]))
    found = by_trial(ours, invoice(ours), invoice(billed("08:00-22:00", labels)))
    assert [one.sentence for one in found["2026-04"]] == ["the invoice is the bill of our load 60 min later"]
