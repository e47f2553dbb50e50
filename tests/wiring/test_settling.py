"""When an order is settled, over the agent's ends: soon after its close, once more when the hours after are over."""

from datetime import timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from agent.clock import ManualClock
from agent.control.journal import Journal
from agent.facts import OrderMoved
from agent.facts.energy import EnergyInterval
from agent.facts.orders import OrderSettled
from agent.ledger.ledger import Ledger
from agent.ledger.store import CannotWrite, Store
from agent.outputs.minutes import facts_of
from agent.outputs.terms import Terms
from agent.wiring.settling import Settling
from tests.control.site import START

STEP = timedelta(minutes=15)
HOUR_S = 3600.0


class Room:
    """A ledger, what settles its orders, and a clock; built again on the same folder it is a life later."""

    def __init__(self, folder, clock):
        self.clock = clock
        self.store = Store("sqlite:///hashwatt.db", folder)
        self.ledger = Ledger(self.store)
        self.journal = Journal(self.ledger, lambda _facts: (), CannotWrite, clock)
        self.books = SimpleNamespace(
            accounting=SimpleNamespace(interval=STEP),
            desk=SimpleNamespace(terms=Terms(currency="KGS", zone=ZoneInfo("Asia/Bishkek"))),
            journal=self.journal,
            clock=clock,
        )
        self.settling = Settling(self.ledger, self.books)

    async def lived(self, seconds):
        """Let the site draw 1,000 kW for so long, then see what is due."""
        for _ in range(int(seconds / STEP.total_seconds())):
            start = self.clock.now().at
            await self.clock.advance(STEP.total_seconds())
            end = self.clock.now().at
            fact = EnergyInterval(at=end, start=start, end=end, site_wh=250_000, miners_wh=1, unexplained_wh=0)
            await self.journal.record([fact])
            await self.settling.turn()

    async def moved(self, event, state, order_id="o1"):
        move = OrderMoved(
            at=self.clock.now().at, order_id=order_id, revision=1, seq=1, event=event, state=state, observed_w=1e6
        )
        await self.journal.record([move])

    def settled(self):
        return list(self.ledger.replay(OrderSettled))


@pytest.fixture
async def room(tmp_path):
    room = Room(tmp_path, ManualClock(START))
    yield room
    await room.ledger.close()


async def test_an_order_is_settled_soon_after_its_close_and_again_hours_later(room):
    await room.lived(5 * HOUR_S)
    await room.moved("start", "active")
    await room.lived(HOUR_S)
    await room.moved("close", "closed")
    await room.clock.advance(60)
    await room.settling.turn()
    assert room.settled() == []
    await room.clock.advance(STEP.total_seconds() - 60)
    await room.lived(HOUR_S)
    first, *more = room.settled()
    assert (first.last, more) == (False, [])
    assert first.at - (START + timedelta(hours=6)) <= timedelta(minutes=45)
    await room.lived(6 * HOUR_S)
    first, last, *more = room.settled()
    assert (last.last, more) == (True, [])
    assert last.baselines[0].mean_w == 1e6
    kinds = [type(fact).__name__ for fact in facts_of(room.store.links("o1"))]
    assert kinds == ["OrderMoved", "OrderMoved", "OrderSettled", "OrderSettled"]


async def test_what_came_due_while_the_agent_was_away_is_settled_at_its_start(room, tmp_path):
    await room.lived(HOUR_S)
    await room.moved("start", "active")
    await room.moved("close", "closed")
    await room.moved("refuse", "rejected", order_id="o2")
    await room.clock.advance(10 * HOUR_S)
    again = Room(tmp_path, room.clock)
    await again.settling.recall()
    await again.settling.turn()
    await again.settling.turn()
    assert [(fact.order_id, fact.last) for fact in again.settled()] == [("o1", True)]
    await again.ledger.close()


async def test_an_order_that_lives_again_is_settled_when_that_life_is_over(room):
    await room.moved("start", "active")
    await room.lived(HOUR_S)
    await room.moved("close", "closed")
    await room.moved("start", "active")
    await room.lived(5 * HOUR_S)
    assert room.settled() == []
    await room.moved("close", "closed")
    await room.lived(5 * HOUR_S)
    assert [fact.last for fact in room.settled()] == [False, True]
