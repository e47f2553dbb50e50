"""The link over a real Mosquitto: nothing lost, nothing twice, over outages and kill -9."""

import asyncio
import random
import sys

import aiomqtt
import pytest

from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.links.mqtt import Broker, MqttLink
from agent.links.outgoing import Outgoing
from tests.brokers import Mosquitto

PREFIX = "hashwatt/test"


@pytest.fixture
def broker(tmp_path):
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker") as running:
        yield running


class Noticed(Ledger):
    """A ledger that tells when its outbox has been emptied."""

    def __init__(self, store):
        super().__init__(store)
        self._dropped = asyncio.Event()

    async def drop(self, numbers):
        done = await super().drop(numbers)
        self._dropped.set()
        return done

    async def emptied(self):
        async with asyncio.timeout(60):
            while await self.outbox():
                await self._dropped.wait()
                self._dropped.clear()


def link_to(broker, ledger, client_id="agent"):
    where = Broker(host="127.0.0.1", port=broker.port, client_id=client_id, prefix=PREFIX)
    return MqttLink(where, ledger, random.Random(1))


def ack(number):
    return Outgoing(topic=f"{PREFIX}/orders/o1/ack", payload=b'{"seq":%d}' % number, retain=True)


class Running:
    """A link at work, closed at the end."""

    def __init__(self, link):
        self.link = link

    async def __aenter__(self):
        self.task = asyncio.create_task(self.link.run())
        await asyncio.wait_for(self.link.connected.wait(), 60)
        return self.link

    async def __aexit__(self, *_of):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def post(ledger, link, *messages):
    numbers = await ledger.append([], messages)
    link.post(
        [
            Outgoing(topic=m.topic, payload=m.payload, retain=m.retain, number=n)
            for m, n in zip(messages, numbers, strict=True)
        ]
    )


def child(broker, folder, count=0):
    return asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.links.child", str(broker.port), str(folder), str(count)
    )


async def test_what_is_posted_arrives_in_order_and_leaves_the_outbox(broker, tmp_path):
    ledger = Noticed(Store("sqlite:///a.db", tmp_path))
    async with aiomqtt.Client("127.0.0.1", broker.port) as watcher:
        await watcher.subscribe(f"{PREFIX}/#", qos=1)
        async with Running(link_to(broker, ledger)) as link:
            await post(ledger, link, *[ack(number) for number in range(200)])
            await ledger.emptied()
        acks = []
        async with asyncio.timeout(60):
            async for message in watcher.messages:
                if message.topic.value.endswith("ack"):
                    acks.append(message.payload)
                if len(acks) == 200:
                    break
    assert acks == [ack(number).payload for number in range(200)]
    await ledger.close()


async def test_status_is_online_while_connected_and_offline_by_the_will(broker, tmp_path):
    ledger = Noticed(Store("sqlite:///a.db", tmp_path))
    async with aiomqtt.Client("127.0.0.1", broker.port) as watcher:
        await watcher.subscribe(f"{PREFIX}/status", qos=1)
        statuses = watcher.messages
        async with Running(link_to(broker, ledger)):
            assert (await asyncio.wait_for(anext(statuses), 60)).payload == b"online"
        process = await child(broker, tmp_path / "c")
        assert (await asyncio.wait_for(anext(statuses), 60)).payload == b"online"
        process.kill()
        await process.wait()
        assert (await asyncio.wait_for(anext(statuses), 60)).payload == b"offline"
    await ledger.close()


async def test_an_outage_of_the_broker_loses_nothing_and_repeats_nothing(broker, tmp_path):
    ledger = Noticed(Store("sqlite:///a.db", tmp_path))
    got = []
    async with Running(link_to(broker, ledger)) as link:
        await post(ledger, link, ack(1))
        await ledger.emptied()
        broker.stop()
        await post(ledger, link, ack(2), ack(3))
        broker.start()
        async with aiomqtt.Client("127.0.0.1", broker.port) as watcher:
            await watcher.subscribe(f"{PREFIX}/orders/+/ack", qos=1)
            async with asyncio.timeout(60):
                async for message in watcher.messages:
                    got.append(message.payload)
                    if message.payload == ack(3).payload:
                        break
        await ledger.emptied()
    assert [payload for payload in got if payload != ack(1).payload] == [ack(2).payload, ack(3).payload]
    await ledger.close()


async def test_what_a_killed_agent_had_published_is_not_published_again(broker, tmp_path):
    """The child publishes fifty acks and is killed before it drops a row; a new life drops them by their echoes."""
    folder = tmp_path / "state"
    async with aiomqtt.Client("127.0.0.1", broker.port) as watcher:
        await watcher.subscribe(f"{PREFIX}/orders/+/ack", qos=1)
        process = await child(broker, folder, 50)
        got = []
        async with asyncio.timeout(60):
            async for message in watcher.messages:
                got.append(message.payload)
                if len(got) == 50:
                    break
        process.kill()
        await process.wait()
        ledger = Noticed(Store("sqlite:///a.db", folder))
        assert len(await ledger.outbox()) == 50
        async with Running(link_to(broker, ledger, "child")) as link:
            assert await ledger.outbox() == []
            await post(ledger, link, ack(1000))
            async with asyncio.timeout(60):
                async for message in watcher.messages:
                    got.append(message.payload)
                    if message.payload == ack(1000).payload:
                        break
        await ledger.close()
    assert got == [ack(number).payload for number in range(50)] + [ack(1000).payload]
