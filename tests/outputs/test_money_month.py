"""What a month is charged as a whole, beside its intervals: settled once, when it is over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from agent.clock import ManualClock
from agent.facts.energy import EnergyInterval
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree
from agent.outputs.machine_book import MachineBook, Machines
from agent.outputs.money_bill import bill_json
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.terms import Terms
from agent.tariffs.bill import bill
from agent.tariffs.blocks import Block, BlockPeriod, Blocks
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.fixed import Fixed
from agent.tariffs.load import Load
from agent.tariffs.metering import Metering
from agent.tariffs.minimum import Minimum
from agent.tariffs.only import Only
from agent.tariffs.periods import CIVIL, ReadTime
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.settling import Settling
from agent.tariffs.vat import Vat
from agent.wiring.money import Books
from tests.tariffs.loads import BISHKEK, HOUR, flat, rate, tariff

pytestmark = pytest.mark.pure
DEMAND = Demand(
    name="demand",
    period=(DemandPeriod(name="any time", per_kw=rate("10")),),
    ratchet=(Ratchet(pct=Decimal(80)),),
)
SERVICE = Fixed(name="service", per_month=rate("300"))
WHOLE = tariff(flat("5"), DEMAND, SERVICE, Vat(pct=rate("10"), recoverable=True))


def desk(priced=WHOLE, read=CIVIL, **metered):
    terms = Terms(currency="KGS", zone=BISHKEK, tariff=priced, metering=Metering(read=read, **metered))
    fleet = Fleet([], FeederTree.of(()), FleetPolicy(fresh_s=60.0))
    return MoneyDesk(terms=terms, fleet=fleet, power_w=lambda: 0.0)


def live(money, start, energies_wh):
    """Let intervals pass as the books do: each is charged, then heard; what a month that is over costs is said."""
    told = []
    for at, energy_wh in enumerate(energies_wh):
        begin = start + at * HOUR
        end = begin + HOUR
        fact = EnergyInterval(at=end, start=begin, end=end, site_wh=energy_wh, unexplained_wh=energy_wh, source="meter")
        settled = money.settled(end)
        told += settled
        money.heard([*settled, money.priced(fact)])
    return told


def local(*day):
    return datetime(*day, tzinfo=BISHKEK).astimezone(UTC)


def hours(first, last):
    return int((local(*last) - local(*first)) / HOUR)


JANUARY = [1_000_000] * hours((2026, 1, 1), (2026, 2, 1))
FEBRUARY = [100_000] * hours((2026, 2, 1), (2026, 3, 1))


def test_the_bill_of_a_month_is_that_of_its_load_until_now_and_when_it_is_over():
    money = desk()
    settled = live(money, local(2026, 1, 1), [*JANUARY, *FEBRUARY[:24]])
    load = Load(
        start=local(2026, 1, 1), step=HOUR, kwh=tuple(Decimal(one) / 1000 for one in [*JANUARY, *FEBRUARY[:24]])
    )
    expected = bill(WHOLE, load, BISHKEK)
    found = bill_json(money, local(2026, 2, 2))
    for month, due in zip(found["months"], expected.months, strict=True):
        amounts = {one["name"]: Decimal(one["amount"]) for one in month["components"]}
        assert amounts == {line.component.name: line.amount for line in due.lines}
        assert (Decimal(month["total"]), Decimal(month["cost"])) == (due.total, due.amount - due.lines[-1].amount)
    assert Decimal(found["total"]) == expected.total
    assert Decimal(found["now"]["month_to_date"]) == Decimal(found["months"][1]["cost"])
    [january] = settled
    assert (january.month, january.currency) == ("2026-01", "KGS")
    assert {one.name: one.amount for one in january.charges} == {"demand": "10000", "service": "300", "VAT": "1030"}


def test_a_month_that_is_over_never_changes_and_is_said_once():
    money = desk()
    settled = live(money, local(2026, 1, 1), [*JANUARY, *FEBRUARY])
    assert [fact.month for fact in settled] == ["2026-01"]
    before = bill_json(money, local(2026, 3, 1), "2026-01")["months"]
    dearer = desk(tariff(flat("5"), Fixed(name="service", per_month=rate("9999"))))
    dearer.totals = money.totals
    assert bill_json(dearer, local(2026, 3, 1), "2026-01")["months"] == before


def test_a_month_that_was_over_before_is_not_charged_by_a_tariff_that_came_later():
    money = desk(tariff(flat("5")))
    live(money, local(2026, 1, 1), [*JANUARY, *FEBRUARY[: 24 * 10]])
    later = desk()
    later.totals = money.totals
    assert live(later, local(2026, 2, 11), FEBRUARY[:4]) == []
    january = bill_json(later, local(2026, 2, 12), "2026-01")["months"][0]
    assert [one["name"] for one in january["components"]] == ["energy"]


def test_months_may_begin_on_another_day():
    money = desk(read=ReadTime(15))
    start = local(2026, 1, 15)
    settled = live(money, start, [1_000_000] * hours((2026, 1, 15), (2026, 2, 16)))
    [january] = settled
    assert (january.month, january.charges[0].amount) == ("2026-01", "10000")
    assert january.charges[1].amount == "300"


def test_blocks_that_periods_share_are_settled_at_the_end():
    def listed(name, first, second, **told):
        prices = (Block(up_to=Decimal(372_000), per_kwh=rate(first)), Block(per_kwh=rate(second)))
        return BlockPeriod(name=name, block=prices, **told)

    periods = (listed("peak", "1", "2", hours=("08:00-20:00",)), listed("off", "10", "20"))
    priced = tariff(Blocks(name="energy", period=periods))
    money = desk(priced)
    settled = live(money, local(2026, 1, 1), [*JANUARY, *FEBRUARY[:2]])
    assert [fact.month for fact in settled] == ["2026-01"]
    [month] = bill_json(money, local(2026, 2, 1), "2026-01")["months"]
    assert Decimal(month["total"]) == 186_000 * (1 + 2 + 10 + 20)


def test_a_years_least_charge_looks_back_on_its_months():
    priced = tariff(flat("1"), Minimum(name="least", per_year=rate("36000"), year_ends=2))
    money = desk(priced)
    live(money, local(2026, 1, 1), [4_000] * (len(JANUARY) + len(FEBRUARY)))
    months = bill_json(money, local(2026, 3, 1))["months"]
    found = [{one["name"]: Decimal(one["amount"]) for one in month["components"]} for month in months]
    assert found == [{"energy": 2976}, {"energy": 2688, "least": 6000 - 2976 - 2688}]


def test_metrics_count_a_months_charges_when_it_is_over():
    money = desk()
    live(money, local(2026, 1, 1), JANUARY)
    assert ("KGS", "demand") not in money.totals.costs
    live(money, local(2026, 2, 1), FEBRUARY[:2])
    assert money.totals.costs["KGS", "demand"] == 10_000


def test_a_price_now_is_that_of_the_block_that_the_month_has_come_to():
    prices = (Block(up_to=Decimal(1000), per_kwh=rate("1")), Block(per_kwh=rate("2")))
    money = desk(tariff(Blocks(name="energy", period=(BlockPeriod(name="all", block=prices),))))
    at = local(2026, 1, 5)
    assert money.price_now(at) == 1
    live(money, at, [600_000, 600_000])
    later = at + timedelta(hours=1)
    assert money.price_now(later) == 2
    [month] = bill_json(money, later)["months"]
    assert Decimal(month["total"]) == 1000 + 2 * 200


def test_the_books_write_what_a_month_was_charged_before_the_next_interval():
    money = desk()
    live(money, local(2026, 1, 1), JANUARY)
    accounting = SimpleNamespace(columns={local(2026, 2, 1): (np.array([1000.0]), np.array([3.6e6]))})
    machines = MachineBook(["m1"], money.totals.month_of)
    clock = ManualClock(local(2026, 2, 1))
    books = Books(accounting=accounting, desk=money, machines=machines, journal=None, clock=clock)
    first, second = (
        EnergyInterval(at=end, start=end - HOUR, end=end, site_wh=1000, unexplained_wh=1000, source="meter")
        for end in (local(2026, 2, 1, 1), local(2026, 2, 1, 2))
    )
    told, kept = books.priced([first])
    assert Machines.of(kept.told).energy_wh.tolist() == [1000]
    assert isinstance(told, EnergyInterval)
    assert accounting.columns == {}
    money.heard([told])
    settled, told = books.priced([second])
    assert (settled.month, told.start) == ("2026-01", second.start)
    money.heard([settled, told])
    assert books.priced([]) == []


def test_the_ledger_bills_what_was_counted_with_its_ratio_and_losses_as_a_load_is():
    metered = {"multiplier": Decimal(2), "loss_pct": Decimal(3), "no_load_kwh_per_month": Decimal(700)}
    money = desk(read=ReadTime(5, 9), **metered)
    energies = [1_000_000] * (hours((2026, 1, 5), (2026, 2, 5)) + 24)
    live(money, local(2026, 1, 5, 9), energies)
    load = Load(start=local(2026, 1, 5, 9), step=HOUR, kwh=tuple(Decimal(one) / 1000 for one in energies))
    metering = money.terms.metering
    expected = bill(WHOLE, metering.load(load, BISHKEK), BISHKEK, read=ReadTime(5, 9))
    found = bill_json(money, local(2026, 2, 6))
    assert Decimal(found["total"]) == expected.total
    assert [month["kwh"] for month in found["months"]] == [float(month.kwh) for month in expected.months]
    assert found["months"][0]["peak_kw"] == pytest.approx(float(expected.months[0].peak_kw))
    energy = found["months"][0]["energy"]
    assert (energy["metered_kwh"], energy["losses_kwh"]) == (744_000, 744_000 * 1.06 + 700)
    assert money.price_now(local(2026, 2, 6)) == 5 * Decimal("2.06")


def test_prices_that_the_months_whole_consumption_chooses_are_settled_at_its_end():
    """1 a kWh below 500 MWh, 2 from there on: what the first hours were charged is made good when the month is over."""
    small, large = Only(kwh_below=Decimal(500_000)), Only(kwh_from=Decimal(500_000))
    priced = tariff(
        flat("1", "small"), flat("2", "large"), settlings={"small": Settling(only=small), "large": Settling(only=large)}
    )
    money = desk(priced)
    settled = live(money, local(2026, 1, 1), [*JANUARY, *FEBRUARY[:2]])
    assert [(one.name, one.amount) for one in settled[0].charges] == [("small", "-499000"), ("large", "998000")]
    [month] = bill_json(money, local(2026, 2, 1), "2026-01")["months"]
    assert Decimal(month["total"]) == 2 * 744_000
    assert (money.price_now(local(2026, 1, 31)), money.price_now(local(2026, 2, 1, 3))) == (2, 1)


def test_the_day_of_a_read_is_one_day_whichever_month_its_hours_are_billed_in():
    money = desk(tariff(flat("5")), ReadTime(day=1, hour=6))
    start = local(2026, 2, 1)
    live(money, start, [1000] * 8)
    today = money.totals.day_at(start + 8 * HOUR)
    assert (today.site_wh, today.billed_kwh, today.cost) == (8000, Decimal(8), Decimal(40))
    assert money.totals.day_at(start + 48 * HOUR) is None
