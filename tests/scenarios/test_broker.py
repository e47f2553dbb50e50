"""What reaches the agent over the broker, and what leaves it, whoever of the two was away meanwhile."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt

from tests.scenarios.stage import ROOT, stage


@asynccontextmanager
async def ear(site):
    """A client whose session the broker keeps: it hears every ack, also those from while it was away."""
    async with aiomqtt.Client("127.0.0.1", site.broker.port, identifier="ear", clean_session=False) as client:
        await client.subscribe(f"{ROOT}/orders/+/ack", qos=1)
        yield client


async def heard_until(client, state):
    acks = []
    async for message in client.messages:
        ack = json.loads(message.payload)
        if ack not in acks[-1:]:  # sent again while the broker's receipt was lost
            acks.append(ack)
        if ack["state"] == state:
            return acks
    return acks


async def test_acks_made_while_the_broker_was_away_arrive_afterwards_in_order(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        async with ear(site):
            pass
        starts_at = datetime.now(UTC) + timedelta(seconds=8)
        await site.order(starts_at=starts_at.isoformat(), comply_by_s=2)
        await site.dispatcher.ack("o1", "scheduled", 2)
        site.broker.stop()
        stopped = datetime.now(UTC)
        await site.until(lambda: _came_to(site, "violated"), 20)
        started = datetime.now(UTC)
        site.broker.start()
        async with ear(site) as client, asyncio.timeout(40):
            acks = await heard_until(client, "complied")
        assert [ack["state"] for ack in acks] == [
            "received", "accepted", "scheduled", "active", "violated", "complied",
        ]  # fmt: skip
        assert [ack["seq"] for ack in acks] == [1, 2, 3, 4, 5, 6]
        while_away = [ack["state"] for ack in acks if stopped < datetime.fromisoformat(ack["at"]) < started]
        assert while_away[:2] == ["active", "violated"]


async def _came_to(site, state):
    moves = (await site.api("/api/v1/events?kind=OrderMoved&limit=100"))["items"]
    return state in [move["state"] for move in moves]


async def test_an_order_and_a_cancel_from_while_the_agent_was_away_are_found_at_the_start(tmp_path):
    async with stage(tmp_path, 12, start=False) as site:
        await site.order()
        await site.start()
        await site.dispatcher.ack("o1", "complied", 40)
        assert site.dispatcher.states("o1") == ["received", "accepted", "active", "complied"]
        assert await site.states() == {"sleeping": 12}
        assert await site.end() == 0
        await site.dispatcher.cancel("o1")
        await site.start()
        await site.dispatcher.ack("o1", "closed", 120)
        assert site.dispatcher.states("o1")[4:] == ["cancelled", "restoring", "closed"]
        assert [ack["seq"] for ack in site.dispatcher.acks] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_retained_order_that_is_cleared_changes_nothing_not_even_after_a_start(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        await site.order()
        await site.dispatcher.ack("o1", "complied", 40)
        sent = await site.writes()
        await site.dispatcher.clear("o1")
        await site.until(lambda: _happened(site, "OrderVanished"), 10)
        assert await site.end() == 0
        await site.start()
        await site.until(lambda: _all_sleep(site, 12), 20)
        assert (await site.site())["binding_order"] == "o1"
        assert await site.writes() == sent
        assert site.dispatcher.states("o1") == ["received", "accepted", "active", "complied"]


async def _happened(site, kind):
    return (await site.api(f"/api/v1/events?kind={kind}"))["items"]


async def _all_sleep(site, count):
    return (await site.site())["miners"].get("sleeping") == count
