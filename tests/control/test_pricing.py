"""Price in a control room: what it says, what it does where it may, and that orders and ramps stand above it."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from agent.control.pricing import Pricing
from agent.planning.price import Market, PricePolicy
from agent.wiring.pricing_room import beside
from tests.control.site import FULL_W, STANDBY_W, Machines, Site

EARNS = 0.002  # of money a TH/s and hour: break-even of a machine of 30 J/TH is 0.0667
CHEAP, DEAR = Market(per_kwh=0.02, per_ths_h=EARNS), Market(per_kwh=0.2, per_ths_h=EARNS)
POLICY = PricePolicy(min_on_s=60, min_off_s=60)


@dataclass
class Priced:
    site: Site
    pricing: Pricing
    market: Market | None

    async def at(self, market, seconds, step_s=1.0):
        self.market = market
        await self.site.live(seconds, step_s)


@pytest.fixture
async def priced(tmp_path):
    """Return a maker of a room in which price is told by hand."""
    rooms, closed = [], []

    def make(machines=None, *, act=True, policy=POLICY, market=CHEAP, **told):
        site = Site(machines or Machines(10), tmp_path, **told)
        room = Priced(site=site, pricing=None, market=market)
        room.pricing = site.controller.pricing = Pricing(
            fleet=site.fleet, policy=policy, market=lambda _now: room.market, currency="KGS", act=act
        )
        rooms.append(room)
        return room

    make.closed = closed
    yield make
    for room in rooms:
        if room not in closed:
            await room.site.close()


def asleep(room):
    return len(room.site.machines.asleep)


async def test_machines_run_below_break_even_stop_above_it_and_come_back(priced):
    room = priced()
    await room.at(CHEAP, 40)
    assert asleep(room) == 0
    await room.at(DEAR, 40)
    assert asleep(room) == 10
    assert room.pricing.acting().stopped == 10
    assert [fact.cause for fact in facts(room, "SetpointsChanged")] == ["price"]
    await room.at(CHEAP, 90)
    assert asleep(room) == 0
    assert room.pricing.acting().starts == 10


async def test_it_only_says_what_it_would_have_done_and_earned_until_it_may(priced):
    room = priced(act=False)
    await room.at(CHEAP, 40)
    before = room.pricing.acting().gained
    await room.at(DEAR, 3700, 10.0)
    acting = room.pricing.acting()
    assert (asleep(room), room.site.machines.told, acting.act, acting.stopped) == (0, [], False, 10)
    # ten machines: (3,000 - 25) W x 0.2 less 100 TH/s x 0.002, for an hour and a bit
    an_hour = 10 * ((FULL_W - STANDBY_W) / 1000 * 0.2 - 100 * EARNS)
    assert acting.gain_per_h == pytest.approx(an_hour)
    assert acting.gained - before == pytest.approx(an_hour * 3700 / 3600, rel=0.01)
    [fact] = facts(room, "PriceActed")
    assert (fact.act, fact.stopped, fact.currency) == (False, 10, "KGS")
    assert Decimal(fact.gained) == pytest.approx(Decimal(an_hour), rel=Decimal("0.03"))


async def test_an_order_binds_below_what_price_wants_and_price_below_what_an_order_lets(priced):
    room = priced()
    await room.at(CHEAP, 40)
    await room.site.order(limit={"stop": True})
    await room.at(CHEAP, 40)
    assert asleep(room) == 10  # cheap energy wakes nobody whom a law stops
    await room.at(DEAR, 70)
    await room.site.order(revision=2, status="cancelled")
    await room.at(DEAR, 60)
    assert asleep(room) == 10  # and the order's end nobody whom price stops
    assert room.site.states()[-1] == "closed"
    await room.at(CHEAP, 90)
    assert asleep(room) == 0


async def test_what_a_hand_wants_asleep_stays_and_who_is_held_is_left_alone(priced):
    room = priced()
    await room.at(CHEAP, 40)
    await room.site.desk.set_level(["m0"], "sleep", by="Aigul")
    await room.site.desk.hold(["m1"], kind="customer", by="Aigul", until=None)
    await room.at(DEAR, 60)
    assert asleep(room) == 9
    await room.at(CHEAP, 90)
    assert room.site.machines.asleep == {room.site.machines.hosts[0]}


async def test_shedding_from_price_keeps_to_its_ramp(priced):
    """60 kW a minute are 1 kW a second: 30 kW take half a minute, a machine each three seconds."""
    room = priced(policy=PricePolicy(min_on_s=60, min_off_s=60, shed_w_per_s=1000.0))
    await room.at(CHEAP, 40)
    stopped = []
    for _ in range(10):
        await room.at(DEAR, 5)
        stopped.append(asleep(room))
    for at, count in enumerate(stopped):
        assert count * FULL_W <= 1000.0 * 5 * (at + 1) + FULL_W
    assert stopped[-1] == 10


async def test_a_start_again_over_what_price_stopped_wakes_nobody(priced):
    machines = Machines(6)
    room = priced(machines)
    await room.at(CHEAP, 40)
    await room.at(DEAR, 60)
    assert asleep(room) == 6
    await room.site.close()
    priced.closed.append(room)
    machines.told.clear()
    again = priced(machines, market=None, clock=room.site.clock)
    await again.at(None, 120)
    assert (asleep(again), machines.told) == (6, [])
    await again.at(DEAR, 60)
    assert (asleep(again), machines.told) == (6, [])
    await again.at(CHEAP, 90)
    assert asleep(again) == 0


async def test_a_machines_own_efficiency_counts_once_its_averages_have_settled(priced, monkeypatch):
    """At 0.06 a kWh 30 J/TH earns (0.0667) and 36 does not; right after a start nobody believes the 36."""
    monkeypatch.setattr("agent.control.pricing.AVERAGES_SETTLE_S", 300.0)
    room = priced(Machines(2), market=Market(per_kwh=0.06, per_ths_h=EARNS))
    await room.at(room.market, 30)
    room.site.fleet.hashrate_ths[0] = 100.0 * 30 / 36
    room.site.poller.poll_due = lambda _mono: None  # what it last said stays
    room.site.fleet.policy = replace(room.site.fleet.policy, fresh_s=1e6)
    await room.at(room.market, 200, 5.0)
    assert asleep(room) == 0
    await room.at(room.market, 150, 5.0)
    assert room.site.machines.asleep == {room.site.machines.hosts[0]}


def facts(room, kind):
    return [fact for fact in room.site.ledger.replay() if type(fact).__name__ == kind]


async def test_a_look_done_elsewhere_holds_up_nobody_and_counts_once_it_is_done(priced):
    room, waiting = priced(), []

    def elsewhere(looking):
        coming = Future()
        waiting.append((coming, looking))
        return coming

    await room.at(CHEAP, 40)
    room.pricing.elsewhere = elsewhere
    await room.at(DEAR, 40)
    assert (asleep(room), len(waiting)) == (0, 1)
    coming, looking = waiting.pop()
    coming.set_result(looking())
    assert coming.result().moved
    await room.at(DEAR, 20)
    assert asleep(room) == 10
    assert room.pricing.acting().stopped == 10


async def test_a_machine_whose_ladder_changed_during_a_look_elsewhere_stays_until_price_has_looked_at_it(priced):
    room = priced()
    await room.at(DEAR, 60)
    assert asleep(room) == 10
    site, waiting = room.site, []
    room.pricing.elsewhere = lambda looking: waiting.append(Future()) or waiting[-1]
    fleet = site.fleet
    steps = tuple(replace(step, power_w=step.power_w + 1) for step in fleet.ladders[0].steps)
    fleet._climb(0, replace(fleet.ladders[0], steps=steps))
    await room.at(DEAR, 30)
    assert asleep(room) == 10
    assert waiting


def test_who_looks_beside_the_loop_wakes_control_only_where_somebody_is_to_move():
    async def tried():
        woken, moved = asyncio.Event(), []
        begin = beside(woken.set)
        for wants in (False, True):
            looked = SimpleNamespace(moved=wants)
            moved.append((await asyncio.wrap_future(begin(lambda looked=looked: looked))).moved)
            assert wants or not woken.is_set()
        await asyncio.wait_for(woken.wait(), 10)
        return moved

    assert asyncio.run(tried()) == [False, True]
