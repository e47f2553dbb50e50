"""What each machine cost and earned: over hours, a kill, a month's end, and machines that come and go."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from agent.facts import AnyFact
from agent.facts.energy import EnergyInterval, MachinesMonth, MachinesSoFar
from agent.outputs import machine_book
from agent.outputs.machine_book import MachineBook, Machines
from agent.outputs.month_machines import machines_told
from agent.outputs.month_shares import Whole

pytestmark = pytest.mark.pure
NIGHT = datetime(2026, 1, 31, 22, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def many(monkeypatch):
    """No fleet is so small that it is kept after each interval."""
    monkeypatch.setattr(machine_book, "FEW", 0)


def book(*ids):
    return MachineBook(ids, lambda at: f"{at:%Y-%m}")


def take(books, at, watts, ths=(1.0, 1.0), cost="4", revenue="8"):
    start = NIGHT + at * QUARTER
    energies, hashes = np.array(watts) / 4, np.array(ths) * 900
    fact = EnergyInterval(
        at=start + QUARTER, start=start, end=start + QUARTER, site_wh=2 * round(energies.sum()), unexplained_wh=0,
        hashed_th=float(hashes.sum()), currency="KGS", cost=cost, revenue=revenue, revenue_currency="USD",
    )  # fmt: skip
    facts = books.take(fact, (energies, hashes))
    assert len(facts) <= 2
    return [msgspec.json.decode(msgspec.json.encode(one), type=AnyFact) for one in facts]


def test_shares_of_cost_go_by_energy_and_of_revenue_by_hashes_and_are_kept_each_hour():
    books = book("a", "b")
    kept = [take(books, at, (300.0, 100.0), (3.0, 1.0)) for at in range(8)]
    assert [len(facts) for facts in kept] == [0, 0, 0, 1, 0, 0, 0, 1]
    [fact] = kept[7]
    told = Machines.of(fact.told)
    assert (told.ids, told.energy_wh.tolist(), told.hashed_th.tolist()) == (["a", "b"], [600, 200], [21600, 7200])
    assert (told.cost.tolist(), told.revenue.tolist()) == ([8 * 1.5, 8 * 0.5], [8 * 6.0, 8 * 2.0])


def test_a_month_that_is_over_is_kept_for_good_and_the_next_begins_at_nothing():
    books = book("a", "b")
    facts = [fact for at in range(12) for fact in take(books, at, (400.0, 400.0))]
    [month] = [fact for fact in facts if isinstance(fact, MachinesMonth)]
    assert (month.month, Machines.of(month).energy_wh.tolist()) == ("2026-01", [800, 800])
    last = [fact for fact in facts if isinstance(fact, MachinesSoFar)][-1]
    assert (last.told.month, Machines.of(last.told).energy_wh.tolist()) == ("2026-02", [400, 400])
    again = book("a", "b")
    for fact in (facts[0], month):
        again.replayed(fact)
    assert again.so_far(NIGHT) == []


def test_a_restart_goes_on_where_the_last_hour_was_kept_and_forgets_nobody_who_left():
    first = book("a", "b")
    [kept] = [fact for at in range(4) for fact in take(first, at, (300.0, 100.0))]
    second = book("b", "c")
    second.replayed(kept)
    take(second, 4, (100.0, 100.0))
    [fact] = second.so_far(NIGHT)
    told = Machines.of(fact.told)
    assert dict(zip(told.ids, told.energy_wh.tolist(), strict=True)) == {"b": 125, "c": 25, "a": 300}


def test_who_earns_less_than_its_energy_costs_is_named():
    books = book("good", "bad")
    [kept] = [fact for at in range(4) for fact in take(books, at, (300.0, 300.0), (3.0, 0.0), revenue="1")]
    whole = Whole(
        site_wh=1200, cost=Decimal(28), beside=Decimal(12), components=(), besides={}, credits={}, curtailed_wh={},
        rates={"USD": Decimal(2)},
    )  # fmt: skip
    told = machines_told(Machines.of(kept.told), whole, listed=True)
    assert told["below_cost"] == ["bad"]
    good, bad = told["machines"]
    assert good == {
        "miner": "good", "kwh": 0.3, "ph_days": 0.000125, "cost": "7.00", "revenue_exchanged": "8.00", "margin": "1.00",
        "margin_per_ph_day": "8000.00",
    }  # fmt: skip
    assert (bad["margin"], bad["margin_per_ph_day"]) == ("-7.00", None)
    assert machines_told(Machines.of(kept.told), whole, listed=False)["machines"] is None
    assert machines_told(None, whole, listed=True) == {"machines": None, "below_cost": None}


def test_few_machines_are_kept_after_each_interval(monkeypatch):
    monkeypatch.setattr(machine_book, "FEW", 2)
    books = book("a", "b")
    assert [len(take(books, at, (300.0, 100.0))) for at in range(3)] == [1, 1, 1]
