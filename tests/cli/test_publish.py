"""Orders over a broker: a real one, and an agent's voice on it."""

import asyncio
import json

import aiomqtt
import pytest

from agent.proof.jws import sealed
from agent.proof.signature import SigningKey
from tests.brokers import Mosquitto, free_port

TOPIC = "hashwatt/kg-1/orders/s-9"


@pytest.fixture
def broker(tmp_path):
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def send(say, broker, *more):
    where = ["--mqtt", f"mqtt://127.0.0.1:{broker.port}", "--site", "kg-1"]
    return asyncio.to_thread(say, "orders", "send", "--stop", "--id", "s-9", *where, *more)


async def answer(client, *states):
    """Speak as the agent: ack the first order that comes, state by state; returns the order as it came."""
    async for message in client.messages:
        document = json.loads(message.payload)
        await client.publish(f"{TOPIC}/ack", b"garbage", qos=1)
        for state in states:
            ack = {"order_id": "s-9", "revision": document["revision"], "state": state, "reason": None}
            await client.publish(f"{TOPIC}/ack", json.dumps(ack), qos=1, retain=True)
        return document
    raise AssertionError("the broker hung up")


async def test_an_order_is_published_retained_and_its_ack_shown(broker, say):
    async with asyncio.timeout(60), aiomqtt.Client("127.0.0.1", broker.port) as client:
        for earlier in (b"no ack at all", b"[]", b'{"revision": 4, "state": "closed"}'):
            await client.publish(f"{TOPIC}/ack", earlier, qos=1, retain=True)
        await client.subscribe(TOPIC, qos=1)
        sent = asyncio.create_task(send(say, broker, "--revision", "5"))
        document = await answer(client, "received", "accepted")
        said = await sent
        assert said.exit_code == 0, said.stderr
        assert "order s-9 revision 5: accepted" in said.stdout
    assert document["site"] == "kg-1"
    async with asyncio.timeout(60), aiomqtt.Client("127.0.0.1", broker.port) as late:
        await late.subscribe(TOPIC, qos=1)
        kept = await anext(aiter(late.messages))
    assert json.loads(kept.payload) == document


async def test_an_order_that_nobody_answers_is_exit_3_and_says_that_it_is_published(broker, say):
    said = await send(say, broker, "--wait-s", "0.1")
    assert said.exit_code == 3
    assert "published to hashwatt/kg-1/orders/s-9" in said.stderr


async def test_no_broker_is_exit_3(say):
    url = f"mqtt://127.0.0.1:{free_port()}"
    said = await asyncio.to_thread(say, "orders", "send", "--stop", "--mqtt", url, "--site", "kg-1")
    assert said.exit_code == 3
    assert "no broker answers at 127.0.0.1" in said.stderr


UNNAMED = sealed(b"{}", kid="k1", key=SigningKey.make()).decode()


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ("eyJhbGciOiJFZERTQSJ9.e30.c2ln", "signature cannot be read"),
        (UNNAMED, "order_id"),
        ("[]", "order_id"),
        ("{}", "order_id"),
        ('{"order_id": null}', "order_id"),
    ],
)
def test_over_a_broker_a_document_must_name_its_order(say, tmp_path, document, part):
    (tmp_path / "order").write_text(document)
    where = ["--mqtt", f"mqtt://127.0.0.1:{free_port()}", "--site", "kg-1"]
    said = say("orders", "send", "--file", tmp_path / "order", *where)
    assert said.exit_code == 2
    assert part in said.stderr
