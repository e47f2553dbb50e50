import asyncio
import json

import aiomqtt
import pytest

from simulators.grid_operator import Dispatcher
from tests.brokers import Mosquitto, free_port

ORDER = {"order_id": "o1", "revision": 1, "issuer": "law", "class": "law", "status": "issued", "limit": {"stop": True}}


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
async def dispatcher(broker):
    async with Dispatcher(f"mqtt://127.0.0.1:{broker.port}", "s1") as made:
        yield made


@pytest.fixture
async def site(broker):
    """The other end: a plain client in the site's place."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        yield client


async def heard(site, topic):
    await site.subscribe(topic)
    async with asyncio.timeout(60):
        return await anext(aiter(site.messages))


async def acked(site, state, **changes):
    ack = {"order_id": "o1", "revision": 1, "seq": 1, "state": state, **changes}
    await site.publish(f"hashwatt/s1/orders/{ack['order_id']}/ack", json.dumps(ack), qos=1, retain=True)


async def test_an_order_is_there_for_whoever_comes_later(dispatcher, site):
    await dispatcher.order(ORDER)
    message = await heard(site, "hashwatt/s1/orders/+")
    assert message.retain
    assert json.loads(message.payload) == ORDER


async def test_a_cancel_is_the_next_revision(dispatcher, site):
    await dispatcher.order({**ORDER, "issued_at": "2026-01-01T00:00:00Z"})
    await dispatcher.cancel("o1")
    document = json.loads((await heard(site, "hashwatt/s1/orders/+")).payload)
    assert (document["revision"], document["status"]) == (2, "cancelled")
    assert document["issued_at"] > "2026-01-01T00:00:00Z"


async def test_clearing_leaves_nothing_retained(dispatcher, site):
    await dispatcher.order(ORDER)
    await dispatcher.clear("o1")
    await site.subscribe("hashwatt/s1/orders/+")
    await site.subscribe("hashwatt/s1/heartbeat/+")
    await dispatcher.beat("law")
    async with asyncio.timeout(60):
        first = await anext(aiter(site.messages))
    assert first.topic.value == "hashwatt/s1/heartbeat/law"


async def test_an_ack_is_awaited_by_order_state_and_revision(dispatcher, site):
    await acked(site, "received", order_id="other")
    await acked(site, "received")
    waiting = asyncio.create_task(dispatcher.ack("o1", "complied", 5, revision=2))
    await acked(site, "complied")
    await acked(site, "complied", revision=2, seq=4)
    assert (await waiting)["seq"] == 4
    assert dispatcher.states("o1") == ["received", "complied", "complied"]


async def test_an_ack_that_does_not_come_is_a_timeout(dispatcher):
    with pytest.raises(TimeoutError):
        await dispatcher.ack("o1", "complied", 0.1)


async def test_acks_and_status_from_before_are_heard(broker, site):
    await acked(site, "violated")
    await site.publish("hashwatt/s1/status", "online", qos=1, retain=True)
    async with Dispatcher(f"mqtt://127.0.0.1:{broker.port}", "s1") as dispatcher:
        assert (await dispatcher.ack("o1", "violated", 5))["seq"] == 1
        async with asyncio.timeout(60), dispatcher.news:
            await dispatcher.news.wait_for(lambda: dispatcher.status == "online")


async def test_after_the_broker_was_away_no_ack_is_counted_twice(broker, dispatcher):
    async with aiomqtt.Client("127.0.0.1", broker.port) as site:
        await acked(site, "received")
    await dispatcher.ack("o1", "received", 5)
    broker.stop()
    broker.start()
    await dispatcher.order(ORDER)
    async with aiomqtt.Client("127.0.0.1", broker.port) as again:
        await acked(again, "accepted", seq=2)
    await dispatcher.ack("o1", "accepted", 10)
    assert dispatcher.states("o1") == ["received", "accepted"]


async def test_without_a_broker_it_gives_up_in_time(monkeypatch):
    monkeypatch.setattr("simulators.broker.ANSWER_S", 0.3)
    with pytest.raises(TimeoutError):
        async with Dispatcher(f"mqtt://127.0.0.1:{free_port()}", "s1"):
            raise AssertionError
