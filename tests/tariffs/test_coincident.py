"""Coincident peaks: the intervals named, or the kW told."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.chances import expected_per_kwh
from agent.tariffs.coincident import Chance, CoincidentPeak
from agent.tariffs.explain import explain
from agent.tariffs.vat import Vat
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


def test_before_it_is_known_a_kwh_is_expected_to_cost_its_chance_of_what_it_would():
    """4 quarters of an hour, 12 months at 10 a kW: a kW in one of them costs 30: 120 a kWh; a hundredth is 1.2."""
    summer = Chance(pct=Decimal(1), months=(6, 7, 8, 9), days=("mon-fri",), hours=("15:00-18:00",))
    told = Chance(
        pct=Decimal(50),
        from_=datetime(2026, 8, 19, 16, 30, tzinfo=BISHKEK),
        until=datetime(2026, 8, 19, 17, tzinfo=BISHKEK),
    )
    known = tariff(peak(kw=Decimal(0), of=4, chance=(summer, told)), Vat(pct=rate("12")))

    def at(day, hour, minute=0, month=8):
        return expected_per_kwh(known, datetime(2026, month, day, hour, minute, tzinfo=BISHKEK), BISHKEK)

    assert at(19, 15) == Decimal("1.2") * Decimal("1.12")
    assert at(19, 16, 30) == Decimal(60) * Decimal("1.12")
    assert (at(19, 14), at(22, 16), at(19, 16, 0, 5)) == (0, 0, 0)
    assert expected_per_kwh(tariff(peak(kw=Decimal(0))), PEAK, BISHKEK) == 0
    assert bill(known, with_peaks(), BISHKEK).amount == 0  # a chance charges nothing


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"pct": Decimal(101)}, "pct must be 0 to 100"),
        ({"pct": Decimal(1), "from_": PEAK}, "from and until, or neither"),
        ({"pct": Decimal(1), "from_": PEAK, "until": PEAK}, "until is not after from"),
        ({"pct": Decimal(1), "from_": datetime(2026, 1, 7), "until": PEAK}, "need an offset"),  # noqa: DTZ001
    ],
)
def test_a_chance_that_cannot_be_is_refused(told, said):
    with pytest.raises(ValueError, match=said):
        Chance(**told)
