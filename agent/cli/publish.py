"""Publishes an order's document on a broker, retained, and waits for its ack."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import SplitResult, unquote

import aiomqtt

from agent.cli.failure import UNREACHABLE, USAGE, Failure
from agent.proof.jws import is_compact, opened

CONNECT_S = 8.0


def publish_order(where: SplitResult, site: str, raw: bytes, wait_s: float) -> dict[str, Any]:
    """Publish a document to the site and return the ack that answers it. Raises Failure."""
    order_id, revision = _named(raw)
    return asyncio.run(_publish(where, f"hashwatt/{site}/orders/{order_id}", revision, raw, wait_s))


def _named(raw: bytes) -> tuple[str, object]:
    try:
        document = _object(opened(raw).payload if is_compact(raw) else raw)
    except ValueError as error:
        raise Failure(USAGE, f"the document's signature cannot be read: {error}") from None
    if not isinstance(document.get("order_id"), str):
        raise Failure(USAGE, "over a broker a document is JSON with an order_id: its topic is named so")
    return document["order_id"], document.get("revision")


async def _publish(where: SplitResult, topic: str, revision: object, raw: bytes, wait_s: float) -> dict[str, Any]:
    host, is_safe = where.hostname or "", where.scheme == "mqtts"
    client = aiomqtt.Client(
        host,
        where.port or (8883 if is_safe else 1883),
        username=unquote(where.username) if where.username else None,
        password=unquote(where.password) if where.password else None,
        tls_context=ssl.create_default_context() if is_safe else None,
        timeout=CONNECT_S,
    )
    try:
        async with client:
            await client.subscribe(f"{topic}/ack", qos=1)
            await client.publish(topic, raw, qos=1, retain=True)
            async with asyncio.timeout(wait_s):
                return await _answer(client.messages, revision)
    except aiomqtt.MqttError as error:
        raise Failure(UNREACHABLE, f"no broker answers at {host}: {error}") from None
    except TimeoutError:
        raise Failure(UNREACHABLE, f"published to {topic}, and no agent answered in {wait_s:g} s") from None


async def _answer(messages: AsyncIterator[aiomqtt.Message], revision: object) -> dict[str, Any]:
    """Return the first ack of this revision that says more than that it came."""
    async for message in messages:
        ack = _object(message.payload)
        if ack.get("state") not in {None, "received"} and ack.get("revision") in {revision, None}:
            return ack
    raise aiomqtt.MqttError("the broker hung up")


def _object(payload: Any) -> dict[str, Any]:
    """Return the JSON object that these bytes are; empty where they are none."""
    try:
        told = json.loads(payload)
    except (ValueError, TypeError):
        return {}
    return told if isinstance(told, dict) else {}
