"""Coincident peaks: the intervals named, or the kW told."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.coincident import CoincidentPeak
from agent.tariffs.explain import explain
from tests.tariffs.loads import BISHKEK, rate, tariff
from tests.tariffs.test_demand import with_peaks

pytestmark = pytest.mark.pure
PEAK = datetime(2026, 1, 7, 10, tzinfo=BISHKEK)
QUIET = datetime(2026, 1, 9, 10, tzinfo=BISHKEK)


def peak(**told):
    return CoincidentPeak(name="CP", per_kw=rate("10"), **told)


def test_the_mean_of_the_named_intervals_is_billed():
    load = with_peaks((7, 10, 0, "75"))
    assert bill(tariff(peak(intervals=(PEAK, QUIET))), load, BISHKEK).amount == 2000
    assert bill(tariff(peak(intervals=(PEAK,), interval_min=60)), load, BISHKEK).amount == 1500
    assert bill(tariff(peak(kw=Decimal(200), factor=Decimal("1.1"))), load, BISHKEK).amount == 2200
    known = tariff(peak(kw=Decimal(200)))
    assert "as measured: 200 kW x 10 KGS/kW = 2,000" in "\n".join(explain(bill(known, load, BISHKEK), known, BISHKEK))


def test_an_interval_outside_of_the_load_is_not_guessed():
    with pytest.raises(Unpriced, match="the load does not cover the interval of 2025-07-01"):
        bill(tariff(peak(intervals=(datetime(2025, 7, 1, tzinfo=UTC),))), with_peaks(), BISHKEK)


BAD = [
    ({}, "needs either kw or intervals"),
    ({"kw": Decimal(1), "intervals": (PEAK,)}, "needs either kw or intervals"),
    ({"intervals": (datetime(2026, 1, 7),)}, "intervals need an offset"),  # noqa: DTZ001
    ({"kw": Decimal(-1)}, "kw is not negative"),
    ({"kw": Decimal(1), "months": (13,)}, "months are 1 to 12"),
    ({"kw": Decimal(1), "interval_min": 90}, "interval_min must be 1 to 60"),
]


@pytest.mark.parametrize(("told", "said"), BAD, ids=[str(at) for at in range(len(BAD))])
def test_one_that_cannot_be_is_refused(told, said):
    with pytest.raises(ValueError, match=said):
        peak(**told)
