"""The calculation of the agent's own bill: of the months asked, whatever another month lacks."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.outputs.money_corrected import Counted
from agent.outputs.money_explained import calculation
from agent.outputs.terms import Terms
from agent.tariffs.corrections import Correction, corrected_bill
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.explain import explain
from agent.tariffs.flat import Flat
from agent.tariffs.metering import AS_COUNTED
from agent.tariffs.ratchet import Ratchet
from tests.tariffs.loads import HOUR, days, figure, flat, rate, rates, tariff

pytestmark = pytest.mark.pure
ZONE = ZoneInfo("UTC")
LOAD = days((2026, 1, 10), (2026, 5, 3), ZONE, "1", HOUR)


def asked(*totals):
    return {"currency": "KGS", "months": [{"month": name, "total": total} for name, total in totals]}


def terms(*components):
    return Terms(currency="KGS", zone=ZONE, tariff=tariff(*components))


def test_a_month_without_a_price_silences_itself_alone():
    begun = Flat(name="energy", per_kwh=rates(figure("0.1", from_=date(2026, 2, 1))))
    both = calculation(asked(("2026-01", None), ("2026-02", "67.20")), terms(begun), Counted(load=LOAD, corrections=()))
    assert any("sum of the month 67.2" in line for line in both)
    [silent] = [line for line in both if "nothing is explained" in line]
    assert silent.startswith("2026-01: nothing is explained: the tariff has no price: energy: there is no figure for 2")
    one = calculation(asked(("2026-02", "67.20")), terms(begun), Counted(load=LOAD, corrections=()))
    assert one == [line for line in both if line != silent][: len(one)]
    [none] = calculation(asked(("2026-01", None)), terms(begun), Counted(load=LOAD, corrections=()))
    assert none.startswith("nothing is explained: the tariff has no price: energy: there is no figure for 2026-01-10")


def test_a_month_by_itself_is_explained_as_within_the_whole():
    ratchet = (Ratchet(pct=Decimal(80), months=1),)
    power = Demand(name="power", period=(DemandPeriod(name="any", per_kw=rate("5")),), ratchet=ratchet)
    learned = datetime(2026, 4, 5, tzinfo=UTC)
    changed = [
        Correction(learned=learned, at=at, figures={"kwh": Decimal(9)}) for at in (5, 24 * 60)
    ]  # of January, March
    told = terms(flat("2"), power)
    whole = corrected_bill(told.tariff, LOAD, changed, ZONE, AS_COUNTED)
    for month in whole.months:
        said = calculation(asked((month.month, f"{month.total}")), told, Counted(load=LOAD, corrections=changed))
        alone = explain(
            type(whole)(currency="KGS", months=(month,), amount=month.amount, total=month.total), told.tariff, ZONE
        )
        assert said == list(alone)
