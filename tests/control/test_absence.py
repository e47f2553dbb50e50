"""An absence is told once, with the registers around it, and what they bound above the cap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import ManualClock
from agent.control.absence import PATIENCE_S, Away, over_cap
from agent.control.metering import Metering, MeterPolicy
from agent.facts import AgentStarted, CapChanged
from agent.facts.energy import Absence, RegisterSeen
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree
from agent.fleet.power import HouseLoad
from agent.inputs.order_document import parse_known
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import TrustPolicy

pytestmark = pytest.mark.pure

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WENT = [
    CapChanged(at=NOON, cap_w=10_000.0, binding_order="o1"),
    RegisterSeen(at=NOON, meter="main", energy_wh=50_000.0),
]


class Back:
    """The agent, back an hour after noon, at a meter whose register it may hear."""

    def __init__(self, past, last_at=NOON, *, meter=True):
        self.clock = ManualClock(NOON + HOUR)
        fleet = Fleet([], FeederTree.of(()), FleetPolicy())
        policy = MeterPolicy(id="main", most_w=40_000.0) if meter else None
        self.metering = Metering(fleet, HouseLoad(), policy, memory_s=30.0, now=self.clock.now())
        book = OrderBook(BookPolicy(trust=TrustPolicy(site="test", issuers={})), parse_known)
        self.away = Away(self.metering, book)
        for fact in past:
            self.away.replayed(fact)
        self.away.began(last_at, self.clock.now())

    def hears(self, energy_wh):
        self.metering.heard(9000.0, energy_wh, self.clock.now())
        return self.away.tick(self.clock.now())


def test_the_first_register_after_the_start_bounds_what_was_drawn():
    told, kept = Back(WENT).hears(62_000.0)
    assert isinstance(told, Absence)
    assert (told.since, told.until, told.register_since) == (NOON, NOON + HOUR, NOON)
    assert (told.before_wh, told.after_wh, told.cap_w) == (50_000.0, 62_000.0, 10_000.0)
    assert (told.over_least_wh, told.over_most_wh) == (2_000.0, 9_000.0)
    assert kept == RegisterSeen(at=NOON + HOUR, meter="main", energy_wh=62_000.0)


def test_nothing_is_told_before_the_register_is_known_and_it_is_told_once():
    back = Back(WENT)
    assert back.away.tick(back.clock.now()) == []
    assert len(back.hears(62_000.0)) == 2
    assert back.hears(62_010.0) == []


async def test_a_meter_without_a_register_is_waited_for_and_then_the_absence_is_told_without():
    back = Back(WENT)
    await back.clock.advance(PATIENCE_S)
    (told,) = back.hears(None)
    assert (told.since, told.until, told.after_wh, told.over_most_wh) == (NOON, NOON + HOUR, None, None)


def test_without_a_meter_it_is_told_at_once():
    back = Back(WENT, meter=False)
    (told,) = back.away.tick(back.clock.now())
    assert (told.meter, told.before_wh, told.over_most_wh) == (None, None, None)


async def test_it_waits_until_it_is_known_how_long_it_was():
    back = Back(WENT)
    in_doubt = replace(back.clock.now(), at=NOON, earliest=NOON)
    back.away.began(NOON, in_doubt)
    back.metering.heard(9000.0, 62_000.0, back.clock.now())
    assert back.away.tick(in_doubt) == []
    await back.clock.advance(30.0)
    told, _ = back.away.tick(back.clock.now())
    assert (told.since, told.until) == (NOON, NOON + HOUR)


def test_a_register_that_was_set_back_bounds_nothing():
    told, _ = Back(WENT).hears(100.0)
    assert (told.before_wh, told.after_wh, told.over_most_wh) == (50_000.0, 100.0, None)


def test_the_first_start_was_no_absence():
    assert [type(fact) for fact in Back([], None).hears(10.0)] == [RegisterSeen]


def test_an_absence_that_a_short_life_did_not_tell_goes_on_in_the_next():
    short = AgentStarted(at=NOON + HOUR / 2, version="1", mode="enforce", away_since=NOON)
    told, _ = Back([*WENT, short], NOON + HOUR / 2).hears(62_000.0)
    assert (told.since, told.until) == (NOON, NOON + HOUR)


def test_an_absence_that_was_told_is_not_told_again():
    told = Absence(at=NOON, since=NOON - HOUR, until=NOON)
    assert Back([*WENT, told]).hears(60_000.0)[0].since == NOON


@given(
    draws_w=st.lists(st.floats(0, 40_000), min_size=1, max_size=60),
    cap_w=st.floats(0, 50_000),
    step_s=st.floats(1, 900),
)
def test_whatever_was_drawn_meanwhile_lies_between_the_bounds(draws_w, cap_w, step_s):
    drawn_wh = sum(draws_w) * step_s / 3600
    true_wh = sum(max(0.0, draw_w - cap_w) for draw_w in draws_w) * step_s / 3600
    over = over_cap(drawn_wh, step_s * len(draws_w), cap_w=cap_w, most_w=40_000.0)
    assert over.least_wh - 1e-3 <= true_wh <= over.most_wh + 1e-3
