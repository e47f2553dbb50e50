"""The charges on power as the guard is told them while they are worked out beside the loop."""

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.facts.energy import EnergyInterval
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.terms import Terms
from agent.tariffs.demand import Demand, DemandPeriod
from agent.values import Moment
from agent.wiring.peak_room import PeakRoom
from tests.tariffs.loads import flat, rate, tariff

pytestmark = pytest.mark.pure
QUARTER = timedelta(minutes=15)
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


class Elsewhere:
    """Does what it is given when it is told to."""

    def __init__(self):
        self.waiting = []

    def __call__(self, work):
        future = Future()
        self.waiting.append((work, future))
        return future

    def finish(self):
        for work, future in self.waiting:
            future.set_result(work())
        self.waiting = []


@pytest.fixture
def room():
    demand = Demand(name="demand", period=(DemandPeriod(name="any", per_kw=rate("100")),))
    desk = MoneyDesk(terms=Terms(currency="KGS", zone=UTC, tariff=tariff(flat("2"), demand)), fleet=None, power_w=float)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    desk.totals.heard(told(start, 25_000))
    return PeakRoom(
        desk=desk, interval=QUARTER, under_way_wh=lambda _since, _now: 0.0, house_w=lambda _now: 0.0,
        elsewhere=Elsewhere(),
    )  # fmt: skip


def told(start, energy_wh):
    end = start + QUARTER
    return EnergyInterval(at=end, start=start, end=end, site_wh=energy_wh, unexplained_wh=0, source="meter")


def kw(room, minutes):
    return [
        charge.kw for charge in room.watch(Moment.trusted(NOON + timedelta(minutes=minutes), 60.0 * minutes)).charges
    ]


def test_what_a_new_peak_costs_is_worked_out_beside_the_loop_and_the_last_word_holds_until_then(room):
    assert (kw(room, 1), kw(room, 2)) == ([], [])
    assert len(room.elsewhere.waiting) == 1
    room.elsewhere.finish()
    assert kw(room, 3) == [100.0]
    room.desk.totals.heard(told(NOON, 50_000))
    assert (kw(room, 16), kw(room, 17)) == ([100.0], [100.0])
    assert len(room.elsewhere.waiting) == 1
    room.elsewhere.finish()
    assert kw(room, 18) == [200.0]
    assert room.elsewhere.waiting == []


def test_what_fails_there_fails_here(room):
    kw(room, 1)
    [(_, future)] = room.elsewhere.waiting
    future.set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        kw(room, 2)


def test_without_anybody_elsewhere_it_is_worked_out_at_once(room):
    room.elsewhere = None
    assert kw(room, 1) == [100.0]
    assert Decimal(str(kw(room, 2)[0])) == 100
