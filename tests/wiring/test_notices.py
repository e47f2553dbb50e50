"""Alarms to webhooks: which facts are any, and that a receiver gets each, though it refused at first."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from agent.clock import ManualClock
from agent.config import parse
from agent.facts import OrderMoved, OrderRefused, ShortfallChanged, UnauthorisedWake
from agent.facts.orders import IssuerSilent, OrderVanished
from agent.outputs.alarms import alarm, notice
from agent.wiring.notices import Notices

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FARM = """
[site]
id = "s"
timezone = "UTC"
currency = "USD"
connection_kw = 9
[notify]
webhooks = {urls}
"""


def moved(event, reason=None):
    return OrderMoved(at=AT, order_id="a", revision=1, seq=4, event=event, state="violated", reason=reason)


def refused(code):
    return OrderRefused(at=AT, order_id="a", revision=2, issuer="g", code=code, reason="", transport="mqtt")


@pytest.mark.pure
@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (moved("breach"), "order_violated"),
        (moved("breach", "test: nothing is sent"), None),
        (moved("comply"), None),
        (refused("bad_signature"), "order_refused"),
        (refused("replayed"), "order_refused"),
        (refused("lower_revision"), None),
        (ShortfallChanged(at=AT, shortfall_w=5000.0, binding_order="a"), "shortfall"),
        (ShortfallChanged(at=AT, shortfall_w=0.0), None),
        (UnauthorisedWake(at=AT, miners=["m1"]), "unauthorised_wake"),
        (IssuerSilent(at=AT, issuer="g", failsafe="failsafe.g"), "issuer_silent"),
    ],
)
def test_which_facts_are_alarms(fact, kind):
    assert alarm(fact) == kind


@pytest.mark.pure
def test_a_notice_says_where_what_and_of_which_order():
    told = notice(moved("breach"), "order_violated", "s")
    assert told["text"]
    assert {**told, "text": ""} == {
        "site": "s", "kind": "order_violated", "at": "2026-03-01T12:00:00.000Z", "text": "", "order_id": "a"
    }  # fmt: skip


class Listeners:
    def __init__(self):
        self.listeners, self.noted = [], asyncio.Queue()

    def note(self, facts):
        for fact in facts:
            self.noted.put_nowait(fact)


def webhooks(*urls, **more):
    """Return notices to these webhooks, and the journal that they listen to."""
    journal = Listeners()
    return Notices(parse(FARM.format(urls=[*urls])), journal, ManualClock(AT), **more), journal


async def receiver(answers, taken):
    """Serve a webhook that answers with these codes, one after the other, then 200."""

    async def hear(request):
        status = answers.pop(0) if answers else 200
        if status == 200:
            await taken.put(await request.json())
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    app = web.Application()
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/hook"


async def test_each_alarm_reaches_its_webhook_though_it_refused_at_first():
    taken: asyncio.Queue = asyncio.Queue()
    runner, url = await receiver([500, 302], taken)
    notices, journal = webhooks(url, pauses_s=(0.0, 0.0, 0.0))
    [listener] = journal.listeners
    listener([moved("comply"), moved("breach"), UnauthorisedWake(at=AT, miners=["m1"])])
    task = asyncio.create_task(notices.works()["notices"]())
    async with asyncio.timeout(60):
        assert [(await taken.get())["kind"] for _ in range(2)] == ["order_violated", "unauthorised_wake"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()


@pytest.mark.pure
def test_what_a_life_before_told_within_the_hour_is_not_told_again():
    notices, journal = webhooks("http://127.0.0.1:1/hook")
    notices.replayed(UnauthorisedWake(at=AT, miners=["m1"]))
    notices.replayed(moved("comply"))
    [listener] = journal.listeners
    listener([UnauthorisedWake(at=AT + timedelta(minutes=59), miners=["m1"]), moved("breach")])
    [queue] = notices._queues.values()
    assert [queue.get_nowait()["kind"] for _ in range(queue.qsize())] == ["order_violated"]


async def test_what_the_life_before_had_not_delivered_is_told_by_this_one_once():
    taken: asyncio.Queue = asyncio.Queue()
    runner, url = await receiver([], taken)
    last = AT + timedelta(days=2)
    lost = [
        UnauthorisedWake(at=AT, miners=["m1"]),
        UnauthorisedWake(at=last, miners=["m2"]),
        OrderVanished(at=last, order_id="b"),
    ]
    told = []
    for _ in range(2):
        notices, journal = webhooks(url)
        for fact in (*lost, *told):
            notices.replayed(fact)
        task = asyncio.create_task(notices.works()["notices"]())
        journal.listeners[0]([moved("breach")])
        async with asyncio.timeout(60):
            kinds = {(await taken.get())["kind"] for _ in range(1 if told else 3)}
            noted = [await journal.noted.get() for _ in kinds]
        assert kinds == ({"order_violated"} if told else {"unauthorised_wake", "order_vanished", "order_violated"})
        told = noted
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()


async def test_an_alarm_that_nobody_took_is_given_up_and_not_told_after_a_restart():
    runner, url = await receiver([500], asyncio.Queue())
    notices, journal = webhooks(url, pauses_s=())
    journal.listeners[0]([moved("breach")])
    task = asyncio.create_task(notices.works()["notices"]())
    async with asyncio.timeout(60):
        given_up = await journal.noted.get()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()
    again, _ = webhooks(url)
    for fact in (moved("breach"), given_up):
        again.replayed(fact)
    assert given_up.given_up
    assert [len(owed) for owed in again._owed.values()] == [0]


@pytest.mark.pure
def test_without_webhooks_nobody_listens():
    notices, journal = webhooks()
    assert notices.works() == {}
    assert journal.listeners == []
