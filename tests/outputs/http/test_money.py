"""Money over HTTP: a month's report, what price does to machines, a machine's own break-even."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from agent.facts import OrderMoved, OrderReceived
from agent.facts.energy import CorrectedRead, ReadsCorrected
from agent.outputs.http.routes import V1
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.terms import Terms
from agent.planning.hashprice import Quotes, Revenue
from agent.planning.price import Acting, Market
from agent.tariffs.only import Only
from agent.tariffs.settling import Settling
from tests.outputs.farm import START, MemoryDesk, empty_book, serving, small_fleet
from tests.outputs.test_month_report import interval
from tests.tariffs.loads import flat, rate, tariff


def money_over(fleet):
    """Money of a farm at 5 som a kWh, 50 USD a PH/s and day, 80 som a dollar."""
    revenue = Revenue(quotes=Quotes(by_hand=Decimal(50)), currency="USD", fx={"USD/KGS": rate("80")})
    terms = Terms(currency="KGS", zone=UTC, tariff=tariff(flat("5")), revenue=revenue)
    return MoneyDesk(terms=terms, fleet=fleet, power_w=lambda: 12_500.0)


async def test_sums_of_money_are_counted_from_0_before_the_first_interval_ends():
    desk = MemoryDesk(small_fleet(), empty_book())
    async with serving(desk, money=money_over(desk.fleet)) as client:
        _, told = await client.ask("GET", "/metrics")
    lines = told.splitlines()
    assert 'hashwatt_energy_cost_total{site="farm-1",currency="KGS",component="energy"} 0.0' in lines
    assert 'hashwatt_energy_credit_total{site="farm-1",currency="KGS"} 0.0' in lines
    assert 'hashwatt_revenue_total{site="farm-1",currency="USD"} 0.0' in lines


async def test_a_read_that_a_hand_corrected_is_an_adjustment_of_the_month_in_which_it_was_told():
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    late = timedelta(days=31)
    for at in (0, 1):
        money.heard([money.priced(interval(at, 600, 300, 100))])
    later = interval(0, 600, 300, 100)
    shifted = {name: getattr(later, name) + late for name in ("at", "start", "end")}
    money.heard([money.priced(msgspec.structs.replace(later, **shifted))])
    desk.facts, wrong = [], [("2026-01-10T12:07:00Z", "is no start"), ("2026-03-01T12:00:00Z", "knows nothing of")]
    async with serving(desk, money=money) as client:
        for start, reason in wrong:
            status, told = await client.ask("POST", f"{V1}/bill/corrections", reads=[{"start": start, "kwh": "5"}])
            assert (status, reason in told["errors"][0]["reason"]) == (400, True)
        reads = [{"start": "2026-01-10T18:00:00+06:00", "kwh": "3.5"}]
        status, told = await client.ask("POST", f"{V1}/bill/corrections", reads=reads, by="Aida", why="protocol 17")
        assert (status, told["reads"], told["why"]) == (200, [{"start": "2026-01-10T12:00:00.000Z", "kwh": "3.5"}],
                                                        "protocol 17")  # fmt: skip
        [fact] = desk.facts
        money.heard([msgspec.structs.replace(fact, at=datetime(2026, 2, 11, tzinfo=UTC))])
        _, bill = await client.ask("GET", f"{V1}/bill")
        _, listed = await client.ask("GET", f"{V1}/bill/corrections")
    assert [one["by"] for one in listed["items"]] == [fact.by]
    assert fact.by.startswith("Aida (")
    january, february = bill["months"]
    assert (january["kwh"], january["total"]) == (2, "10.00")
    assert [(one["name"], one["amount"]) for one in february["components"]] == [
        ("energy", "5"), ("energy, correction of 2026-01", "12.5"),
    ]  # fmt: skip
    assert bill["total"] == "27.50"


def corrected(money, learned, start="2026-01-10T12:00:00Z", kwh="3.5"):
    read = CorrectedRead(start=datetime.fromisoformat(start), kwh=kwh)
    money.heard([ReadsCorrected(at=learned, reads=[read], by="Aida")])


def in_february(money, fact):
    shifted = {name: getattr(fact, name) + timedelta(days=31) for name in ("at", "start", "end")}
    money.heard([money.priced(msgspec.structs.replace(fact, **shifted))])


async def test_a_correction_learned_in_a_month_of_which_nothing_is_known_is_warned_of():
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    money.heard([money.priced(interval(0, 600, 300, 100))])
    corrected(money, datetime(2026, 3, 11, tzinfo=UTC))
    async with serving(desk, money=money) as client:
        _, bill = await client.ask("GET", f"{V1}/bill")
    assert bill["total"] == "5.00"
    assert bill["warnings"][1:] == ["corrections learned in 2026-03 are in no bill yet: nothing is known of that month"]


async def test_a_correction_that_takes_another_price_list_leaves_nothing_of_the_one_before():
    desk = MemoryDesk(small_fleet(), empty_book())
    lists = {"small": Settling(only=Only(kwh_below=Decimal(3))), "big": Settling(only=Only(kwh_from=Decimal(3)))}
    terms = Terms(currency="KGS", zone=UTC, tariff=tariff(flat("2", "small"), flat("3", "big"), settlings=lists))
    money = MoneyDesk(terms=terms, fleet=desk.fleet, power_w=lambda: 12_500.0)
    money.heard([money.priced(interval(0, 600, 300, 100))])
    corrected(money, datetime(2026, 1, 11, tzinfo=UTC))
    async with serving(desk, money=money) as client:
        _, bill = await client.ask("GET", f"{V1}/bill")
    assert (bill["months"][0]["kwh"], bill["total"]) == (3.5, "10.50")


async def test_corrected_reads_of_a_month_without_price_change_its_energy_and_no_money():
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    unpriced = {"currency": None, "cost": None, "charges": []}  # before there was a tariff
    money.heard([msgspec.structs.replace(interval(0, 600, 300, 100), **unpriced)])
    in_february(money, interval(0, 600, 300, 100))
    corrected(money, datetime(2026, 1, 11, tzinfo=UTC))
    async with serving(desk, money=money) as client:
        _, early = await client.ask("GET", f"{V1}/bill")
        corrected(money, datetime(2026, 2, 11, tzinfo=UTC), kwh="4.5")
        _, late = await client.ask("GET", f"{V1}/bill")
    for bill in early, late:
        january, february = bill["months"]
        assert (january["kwh"], january["cost"], january["components"], january["total"]) == (3.5, None, [], None)
        assert (february["cost"], bill["total"]) == ("5", "5.00")
    assert late["warnings"][-1] == "2026-01: its corrected reads change no money: it has no price"


async def test_a_months_report_is_told_with_statements():
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    energy = money.priced(interval(0, 600, 300, 100))
    told = {"order_id": "o1", "revision": 1, "seq": 1, "cap_w": None, "reason": None}
    desk.facts += [
        OrderReceived(
            at=START, order_id="o1", revision=1, issuer="x", order_class="law", transport="mqtt", document="{}"
        ),
        energy,
        OrderMoved(at=energy.end, event="start", state="active", **told),
        money.priced(interval(1, 0, 300, 100)),
    ]
    money.heard(desk.facts)
    async with serving(desk, money=money) as client:
        status, report = await client.ask("GET", f"{V1}/bill/report?month=2026-01")
        nothing = await client.ask("GET", f"{V1}/bill/report?month=2025-01")
        bad = await client.ask("GET", f"{V1}/bill/report?month=January")
        explained = await client.ask("GET", f"{V1}/bill?month=2026-01&explain=yes")
        odd = await client.ask("GET", f"{V1}/bill?explain=maybe")
    assert (explained[1]["calculation"][0], odd[0]) == ("Bill in KGS", 400)
    assert (status, nothing[0], bad[0]) == (200, 404, 400)
    assert report["cost"] == "7"  # 1.4 kWh at 5
    acme = next(one for one in report["owners"] if one["owner"] == "acme")
    assert (acme["kwh"], acme["cost"], acme["credit_due"]) == (0.6, "3", "0")
    assert acme["curtailed"] == [{"order_id": "o1", "class": "law", "minutes": 15.0, "kwh": 0.6, "credit": None}]
    assert [(order["order_id"], order["not_drawn_kwh"]) for order in report["orders"]] == [("o1", 0.6)]
    assert report["machines"] is None
    assert isinstance(report["under_break_even"], list)


async def test_the_site_shows_what_price_does_and_a_miner_its_break_even():
    desk = MemoryDesk(small_fleet(), empty_book())
    money = money_over(desk.fleet)
    money.acting = lambda: Acting(
        act=False, market=Market(per_kwh=5.0, per_ths_h=0.1), stopped=3, lowered=1, gain_per_h=2.5, gained=7.25,
        starts=0, since=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1), guarded=2,
        ceilings_kw=(("demand", 900.5),), avoided=12.0,
    )  # fmt: skip
    async with serving(desk, money=money) as client:
        _, site = await client.ask("GET", f"{V1}/site")
        _, bill = await client.ask("GET", f"{V1}/bill")
        _, miner = await client.ask("GET", f"{V1}/miners/a1")
    assert site["price"] == bill["now"]["acting"] == {
        "act": False, "currency": "KGS", "per_kwh": "5.000000", "stopped": 3, "lowered": 1, "gain_per_h": "2.500000",
        "gained": "7.250000", "expected_per_kwh": "0.000000",
            "guard": {"lowered": 2, "peaks": [{"charge": "demand", "keeps_to_kw": 900.5}], "unknown": [],
                      "unguarded": [], "avoided": "12.000000"},
             "starts": 0, "since": "2026-01-01T01:00:00.000Z",
    }  # fmt: skip
    joules = miner["efficiency_j_th"]
    assert float(miner["break_even_per_kwh"]) == round(50 * 80 / (24 * round(joules, 3)), 6)
