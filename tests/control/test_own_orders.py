"""Orders that the agent gives in somebody's name: failsafes of silent issuers, signals, the schedule."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.control.own_orders import OwnOrders, own_id
from agent.control.schedule_keeper import ScheduleKeeper
from agent.control.signal_feeds import Feed, SignalFeeds
from agent.control.silence_watch import SilenceWatch
from agent.facts import OrderReceived, OrderRefused
from agent.facts.orders import IssuerHeard, IssuerSilent
from agent.inputs.order_schedule import parse_schedule
from agent.orders.silence import Failsafe
from agent.orders.trust import Issuer
from tests.control.site import START, Layout, Machines, Site, encoded

RULE = Failsafe(timeout_s=60, cap_kw=12, min_s=600)
GRID = Issuer(name="grid", classes=("law", "contract"), unsigned=True, failsafe=RULE)
FEED = Issuer(name="feed", classes=("grid_emergency", "market"), unsigned=True, transports=("signal",))
STOP = {"stop": True}


@pytest.fixture
def machines():
    return Machines(4)


class Room(Site):
    """A control room with the sources of orders that are the agent's own."""

    def __init__(self, machines, folder, grid=GRID, schedule="", *, feeds=False, **more):
        super().__init__(machines, folder, layout=Layout(issuers={"grid": grid, "feed": FEED}), **more)
        own = OwnOrders(self.desk, self.book, "test", self.clock)
        self.silence = SilenceWatch(own, self.journal, self.book.policy.trust, self.clock)
        self.links = []
        self.silence.on_link = lambda name, up: self.links.append((name, up))
        dr = [Feed(name="dr", issuer="feed", order_class="grid_emergency", silence_s=240)]
        self.feeds = SignalFeeds(dr if feeds else [], own, self.clock)
        self.own = own
        self.keep(schedule)
        for fact in self.ledger.replay():
            self.silence.replayed(fact)

    def keep(self, schedule):
        read = parse_schedule(schedule, "orders.toml", ZoneInfo("UTC"))
        self.keeper = ScheduleKeeper(read, self.own, self.clock)

    async def live(self, seconds, step_s=1.0):
        for _ in range(int(seconds / step_s)):
            await self.silence.look()
            await self.feeds.look()
            await super().live(step_s, step_s)

    async def beating(self, seconds):
        for _ in range(0, seconds, 30):
            assert self.silence.beat("grid", None) is None
            await self.live(30)

    def kinds(self, kind):
        return [fact for fact in self.ledger.replay() if isinstance(fact, kind)]


def state(site, order_id):
    view = site.book.view(order_id)
    return None if view is None else view.state.value


# silence ---------------------------------------------------------------------------------------------------------


async def test_who_was_never_heard_is_held_to_the_failsafe_until_a_heartbeat_and_a_document(machines, tmp_path):
    site = Room(machines, tmp_path)
    await site.live(60)
    assert len(machines.asleep) == 2
    assert state(site, "failsafe.grid") == "complied"
    assert site.book.cap(site.clock.now()).cap_w == 12_000
    await site.beating(90)
    assert state(site, "failsafe.grid") == "complied"
    await site.order(order_id="o1", limit={"max_import_kw": 500})
    await site.beating(90)
    assert state(site, "failsafe.grid") == "closed"
    assert not machines.asleep
    [silent] = site.kinds(IssuerSilent)
    assert (silent.issuer, silent.failsafe, silent.silent_s) == ("grid", "failsafe.grid", None)
    assert len(site.kinds(IssuerHeard)) == 1
    await site.close()


async def test_a_failsafe_never_loosens_an_order_in_force(machines, tmp_path):
    site = Room(machines, tmp_path)
    await site.beating(60)
    await site.order()
    await site.beating(60)
    assert state(site, "failsafe.grid") is None
    await site.live(100)
    assert state(site, "failsafe.grid") == "complied"
    assert site.book.cap(site.clock.now()).stop
    assert len(machines.asleep) == 4
    await site.close()


async def test_a_restart_knows_whom_it_heard_and_what_holds(machines, tmp_path):
    site = Room(machines, tmp_path)
    await site.beating(60)
    await site.order(limit={"max_import_kw": 500})
    await site.beating(30)
    await site.close()
    again = Room(machines, tmp_path, clock=site.clock)
    await again.live(55)
    assert state(again, "failsafe.grid") is None
    await again.live(120)
    assert state(again, "failsafe.grid") == "complied"
    await again.close()
    third = Room(machines, tmp_path, clock=site.clock)
    await third.beating(120)
    assert state(third, "failsafe.grid") == "complied"
    assert len(machines.asleep) == 2
    await third.close()


async def test_a_failsafe_that_is_released_lets_the_farm_back_after_its_least_time(machines, tmp_path):
    issuer = replace(GRID, classes=("contract",), failsafe=replace(RULE, then="release"))
    site = Room(machines, tmp_path, grid=issuer)
    await site.live(590)
    assert state(site, "failsafe.grid") == "complied"
    await site.live(120)
    assert state(site, "failsafe.grid") == "closed"
    assert not machines.asleep
    await site.close()


async def test_a_refused_document_of_a_law_issuer_begins_the_failsafe_where_that_was_agreed(machines, tmp_path):
    issuer = replace(GRID, failsafe=replace(RULE, timeout_s=None), rejects_to_failsafe=True)
    site = Room(machines, tmp_path, grid=issuer)
    await site.live(60)
    assert state(site, "failsafe.grid") is None
    await site.order(limit={"max_import_kw": -1})
    await site.live(60)
    assert state(site, "failsafe.grid") == "complied"
    await site.order(order_id="o2", limit={"max_import_kw": 500})
    await site.live(60)
    assert state(site, "failsafe.grid") == "closed"
    await site.close()


async def test_an_order_may_agree_on_its_own_failsafe_which_ends_with_it(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None))
    silence = {"timeout_s": 100, "failsafe_kw": 9}
    await site.order(limit={"max_import_kw": 15}, on_silence=silence)
    await site.live(90)
    assert state(site, "failsafe.o1") is None
    await site.live(60)
    assert state(site, "failsafe.o1") == "complied"
    assert site.book.cap(site.clock.now()).binding_order == "failsafe.o1"
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert state(site, "failsafe.o1") == "closed"
    assert not machines.asleep
    await site.close()


async def test_a_law_is_not_released_by_silence(machines, tmp_path):
    site = Room(machines, tmp_path)
    [refused] = await site.order(on_silence={"timeout_s": 9, "failsafe_kw": 9, "then": "release"})
    assert (refused.code, refused.reason) == ("bad_value", "on_silence.then: a law is not released by silence")
    await site.close()


async def test_nobody_else_uses_the_ids_of_the_agents_own_orders(machines, tmp_path):
    site = Room(machines, tmp_path)
    await site.live(5)
    [refused] = await site.order(order_id="failsafe.grid", revision=9, status="cancelled", limit=None)
    assert refused.code in {"not_allowed", "bad_value"}
    await site.live(2)
    document = {"order_id": "failsafe.grid", "revision": 9, "issuer": "grid", "class": "law", "status": "cancelled"}
    [refused] = await site.desk.take_in(encoded(document), transport="mqtt")
    assert refused.code == "not_allowed"
    assert state(site, "failsafe.grid") == "active"
    await site.close()


async def test_a_heartbeat_that_is_old_or_foreign_does_not_count(machines, tmp_path):
    site = Room(machines, tmp_path)
    assert "older" in site.silence.beat("grid", site.clock.now().at - timedelta(seconds=61))
    assert "not configured" in site.silence.beat("nobody", None)
    assert site.links == []
    assert site.silence.beat("grid", site.clock.now().at) is None
    assert site.links == [("heartbeat:grid", True)]
    await site.close()


# signals ---------------------------------------------------------------------------------------------------------


async def test_a_signal_stops_and_lets_go_and_only_what_changes_is_an_order(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None), feeds=True)
    for at in range(3):
        assert site.feeds.heard("dr", STOP, START + timedelta(seconds=at)) is None
        await site.live(20)
    assert state(site, "signal.dr") == "complied"
    assert len(machines.asleep) == 4
    assert site.book.view("signal.dr").order.revision == 1
    assert site.book.view("signal.dr").order.order_class == "grid_emergency"
    assert site.feeds.heard("dr", None, START + timedelta(seconds=99)) is None
    await site.live(60)
    assert state(site, "signal.dr") == "closed"
    assert not machines.asleep
    await site.close()


async def test_a_signal_that_is_late_or_out_of_order_changes_nothing(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None), feeds=True)
    assert site.feeds.heard("dr", None, START) is None
    assert "a later one" in site.feeds.heard("dr", STOP, START - timedelta(seconds=1))
    assert "a day" in site.feeds.heard("dr", STOP, START - timedelta(days=2))
    await site.live(30)
    assert state(site, "signal.dr") is None
    await site.close()


async def test_a_signal_that_falls_silent_stops_the_farm_until_it_speaks(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None), feeds=True)
    await site.live(235)
    assert not machines.asleep
    await site.live(60)
    assert len(machines.asleep) == 4
    assert state(site, "signal.dr") == "complied"
    site.feeds.heard("dr", None, None)
    await site.live(60)
    assert not machines.asleep
    await site.close()


# the schedule ----------------------------------------------------------------------------------------------------

EVENING = (
    '[[order]]\nid = "peak"\nissuer = "grid"\nclass = "contract"\nlimit = { max_import_kw = 9 }\n'
    'daily = { from = "12:05", to = "12:10" }\n'
)


async def test_a_scheduled_window_is_an_order_before_it_begins_and_over_when_it_ends(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None), schedule=EVENING)
    await site.live(10)
    await site.keeper.look()
    assert state(site, "schedule.peak.20260110") == "scheduled"
    assert state(site, "schedule.peak.20260117") == "scheduled"
    before = len(site.kinds(object))
    await site.keeper.look()
    assert len(site.kinds(object)) == before
    await site.live(400)
    assert state(site, "schedule.peak.20260110") == "complied"
    await site.live(300)
    await site.keeper.look()
    assert state(site, "schedule.peak.20260110") == "closed"
    assert not machines.asleep
    await site.close()


async def test_what_the_schedule_says_anew_is_revised_and_what_it_no_longer_has_is_taken_back(machines, tmp_path):
    site = Room(machines, tmp_path, grid=replace(GRID, failsafe=None), schedule=EVENING)
    await site.keeper.look()
    site.keep(EVENING.replace("= 9", "= 10").replace("12:10", "12:20"))
    await site.keeper.look()
    order = site.book.view("schedule.peak.20260112").order
    assert (order.revision, order.ends_at) == (2, datetime(2026, 1, 12, 12, 20, tzinfo=UTC))
    site.keep("")
    await site.keeper.look()
    await site.live(1)
    assert site.book.open_ids() == []
    site.keep(EVENING)
    await site.keeper.look()
    assert state(site, "schedule.peak.20260112") == "scheduled"
    await site.close()


async def test_a_document_that_is_too_old_to_loosen_does_not_end_a_failsafe(machines, tmp_path):
    site = Room(machines, tmp_path)
    await site.live(20)
    await site.beating(30)
    old = (site.clock.now().at - timedelta(days=2)).isoformat()
    await site.order(limit={"max_import_kw": 500}, issued_at=old)
    await site.beating(60)
    assert site.silence._states["failsafe.grid"].holds
    await site.close()


def test_own_ids_of_different_names_are_different_and_fit():
    names = ["a", "n" * 64, "n" * 63 + "m"]
    ids = {own_id("failsafe", name) for name in names} | {own_id("failsafe", "a", taken={"a"})}
    assert len(ids) == 4
    assert max(map(len, ids)) <= 64


async def test_documents_that_wait_are_taken_in_in_their_order_by_one_transaction(machines, tmp_path):
    site = Site(machines, tmp_path)
    written = []
    append = site.ledger.append
    site.ledger.append = lambda facts, outbox=(): written.append(len(facts)) or append(facts, outbox)
    plain = {"revision": 1, "issuer": "grid", "class": "contract", "status": "issued"}
    told = [
        (f"o{at}", encoded({**plain, "order_id": f"o{at}", "limit": {"max_import_kw": 30 - at}})) for at in range(3)
    ]
    facts = await site.desk.take_in_all([*told, ("o1", b"{")], transport="mqtt")
    assert written == [len(facts)]
    assert [fact.order_id for fact in facts if isinstance(fact, OrderReceived)] == ["o0", "o1", "o2"]
    assert isinstance(facts[-1], OrderRefused)
    await site.close()


def _three_laws():
    plain = {"revision": 1, "issuer": "grid", "class": "law", "status": "issued"}
    return [
        (f"o{at}", encoded({**plain, "order_id": f"o{at}", "limit": {"max_import_kw": 30 - at}})) for at in range(3)
    ]


async def test_what_was_taken_in_before_a_batch_was_broken_off_is_written_and_known_after_a_restart(machines, tmp_path):
    site = Site(machines, tmp_path)
    receive = site.book.receive

    def received(*told, **more):
        facts = receive(*told, **more)
        asyncio.get_running_loop().call_soon(batch.cancel)
        return facts

    site.book.receive = received
    batch = asyncio.create_task(site.desk.take_in_all(_three_laws(), transport="mqtt"))
    with pytest.raises(asyncio.CancelledError):
        await batch
    known = site.book.open_ids()
    assert 0 < len(known) < 3
    await site.close()
    again = Site(machines, tmp_path, clock=site.clock)
    assert again.book.open_ids() == known
    await again.close()


async def test_documents_that_wait_give_the_turn_back_after_a_tenth_of_a_second(machines, tmp_path):
    site = Site(machines, tmp_path)
    receive, written = site.book.receive, []
    site.journal.listeners.append(lambda facts: written.append(len(facts)))

    def slow(*told, **more):
        site.clock._move(0.06)
        return receive(*told, **more)

    site.book.receive = slow
    facts = await site.desk.take_in_all(_three_laws(), transport="mqtt")
    assert len(written) == 2
    assert sum(written) == len(facts)
    assert site.book.open_ids() == ["o0", "o1", "o2"]
    await site.close()
