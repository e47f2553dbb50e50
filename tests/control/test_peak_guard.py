"""The peak guard in a control room: the month's bill so far, the window's energy, machines told to sleep."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agent.control.pricing import Pricing
from agent.facts.energy import EnergyInterval
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.money_price import acting_json
from agent.outputs.terms import Terms
from agent.planning.hashprice import Quotes, Revenue
from agent.planning.price import Market, PricePolicy
from agent.tariffs.coincident import Chance, CoincidentPeak
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.ratchet import Ratchet
from agent.wiring.peak_room import PeakRoom
from agent.wiring.pricing_room import market_at
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, START, Machines, Site
from tests.tariffs.loads import flat, rate, tariff

QUARTER = timedelta(minutes=15)
BILLED_KW = Decimal("20.5")  # by a ratchet: five machines and the house draw as much, ten would draw 35
DEMAND = Demand(
    name="demand",
    period=(DemandPeriod(name="any time", per_kw=rate("100")),),
    ratchet=(Ratchet(pct=Decimal(100), measured={"2025-12": BILLED_KW}),),
)


class Guarded:
    """A site of ten machines with a demand charge; `act` false only says."""

    def __init__(
        self,
        tmp_path,
        *,
        act,
        per_kwh="0.02",
        components=(DEMAND,),
        since=datetime(2026, 1, 1, tzinfo=UTC),
        machines=None,
        interval=QUARTER,
    ):
        self.site = Site(machines or Machines(10), tmp_path, interval_s=interval.total_seconds())
        revenue = Revenue(quotes=Quotes(by_hand=Decimal(48)), currency="KGS")
        terms = Terms(currency="KGS", zone=UTC, tariff=tariff(flat(per_kwh), *components), revenue=revenue)
        self.desk = MoneyDesk(terms=terms, fleet=self.site.fleet, power_w=self.site.machines.draw_w)
        self.site.journal.listeners.append(self.heard)
        metering = self.site.metering
        room = PeakRoom(
            desk=self.desk,
            interval=interval,
            under_way_wh=self.site.accounting.drawn_wh,
            house_w=lambda now: metering.house.in_force_w(now.mono),
            measured_w=lambda now: metering.state(now.mono).last_w,
        )
        self.pricing = self.site.controller.pricing = Pricing(
            fleet=self.site.fleet,
            policy=PricePolicy(min_on_s=60, min_off_s=600),
            market=lambda now: market_at(self.desk, now),
            watch=room.watch,
            currency="KGS",
            act=act,
        )
        self.desk.acting = self.pricing.acting
        if since is not None:
            quiet = EnergyInterval(
                at=since, start=since, end=since + interval, site_wh=100, unexplained_wh=0, source="meter"
            )
            self.desk.heard([quiet])

    def heard(self, facts):
        self.desk.heard(facts)

    async def means_kw(self):
        await self.site.ledger.append([])  # after what was noted before
        told = [fact for fact in self.site.ledger.replay() if isinstance(fact, EnergyInterval)]
        hours = [(fact.end - fact.start) / timedelta(hours=1) for fact in told]
        return [fact.site_wh / 1000 / each for fact, each in zip(told, hours, strict=True) if fact.quality != "partial"]


@pytest.fixture
async def guarded(tmp_path):
    made = []

    def make(**told):
        made.append(Guarded(tmp_path, **told))
        return made[-1]

    yield make
    for one in made:
        await one.site.close()


async def test_a_peak_that_does_not_pay_is_not_set_and_no_window_passes_it(guarded):
    room = guarded(act=True)
    await room.site.live(2800, 20.0)
    means = await room.means_kw()
    assert len(means) == 2
    assert max(means) <= float(BILLED_KW)
    assert min(means) > 16.5  # within a machine of it
    assert len(room.site.machines.asleep) == 5
    assert len(room.site.machines.told) <= 8  # nobody swings
    told = acting_json(room.desk)
    assert (told["stopped"], told["guard"]["lowered"]) == (5, 5)
    assert told["guard"]["peaks"] == [{"charge": "demand any time", "keeps_to_kw": 20.5}]
    # windows would have come to 35 kW: 14.5 above what is billed
    assert float(told["guard"]["avoided"]) == pytest.approx(1450, rel=0.06)
    assert 1300 < float(told["gained"]) < float(told["guard"]["avoided"])


async def test_until_it_may_act_it_says_what_it_would_have_kept_from_the_bill(guarded):
    room = guarded(act=False)
    await room.site.live(2800, 20.0)
    assert (room.site.machines.told, max(await room.means_kw())) == ([], 35.0)
    told = acting_json(room.desk)
    assert (told["act"], told["guard"]["lowered"]) == (False, 5)
    assert float(told["guard"]["avoided"]) == pytest.approx(1450, rel=0.06)


async def test_a_month_that_began_before_anybody_looked_is_not_guarded(guarded):
    """Its peak may have been set long ago: to shed for it would cost and avoid nothing."""
    room = guarded(act=True, since=None)
    await room.site.live(600, 20.0)
    assert room.site.machines.told == []
    assert acting_json(room.desk)["guard"]["unknown"] == ["demand any time"]


async def test_the_chance_of_the_systems_peak_is_in_the_price_while_it_lasts(guarded):
    """A kilowatt in the one interval costs 12 months at 10: 480 a kWh; a tenth of a percent of that stops machines."""
    from_ = START + timedelta(minutes=20)
    chance = Chance(pct=Decimal("0.1"), from_=from_, until=from_ + QUARTER)
    peak = CoincidentPeak(name="CP", per_kw=rate("10"), kw=Decimal(0), chance=(chance,))
    room = guarded(act=True, components=(peak,))
    await room.site.live(1100, 20.0)
    assert len(room.site.machines.asleep) == 0
    await room.site.live(300, 20.0)
    assert len(room.site.machines.asleep) == 10
    assert acting_json(room.desk)["expected_per_kwh"] == "0.480000"
    await room.site.live(1400, 20.0)
    assert len(room.site.machines.asleep) == 0
    assert isinstance(room.pricing.market(room.site.clock.now()), Market)


class Falling(set):
    """Hosts asleep; who is told to sleep is so 25 s later, by looks of 5 s."""

    def __init__(self):
        super().__init__()
        self.told = {}

    def add(self, host):
        self.told.setdefault(host, 0)

    def discard(self, host):
        self.told.pop(host, None)
        super().discard(host)

    def later(self):
        for host in list(self.told):
            self.told[host] += 5
            if self.told[host] > 25:
                del self.told[host]
                super().add(host)


class Slow(Machines):
    """Machines that fall asleep late, and draw 4 % more than they say; other load may rise."""

    def __init__(self, count):
        super().__init__(count)
        self.asleep, self.more_w = Falling(), 0.0

    def draw_w(self):
        self.asleep.later()
        on = len(self.hosts) - len(self.asleep)
        return HOUSE_W + self.more_w + on * FULL_W * 1.04 + len(self.asleep) * STANDBY_W


async def test_other_load_that_rises_late_in_a_window_is_made_good_by_what_the_meter_shows(guarded):
    """It rises by 20 kW 130 s before the end; machines are slow to fall and draw more than they say."""
    billed = replace(DEMAND, window_min=5, ratchet=(Ratchet(pct=Decimal(100), measured={"2025-12": Decimal("120.5")}),))
    room = guarded(act=True, machines=Slow(60), components=(billed,), interval=timedelta(minutes=5))
    await room.site.live(900 - 130, 5.0)
    room.site.machines.more_w = 20_000.0
    await room.site.live(190, 5.0)
    means = await room.means_kw()
    assert len(means) == 2
    assert 115 < max(means) <= 120.5 * 1.002
