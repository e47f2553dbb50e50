"""A connection to the MQTT broker that comes back, for ever, for whoever has something to say there."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import aiomqtt

from simulators.machines import BadInput

PORTS = {"mqtt": 1883, "mqtts": 8883}
ANSWER_S = 8.0
RETRY_S = 0.5
log = logging.getLogger(__name__)

Session = Callable[[aiomqtt.Client], Awaitable[None]]


def checked(url: str) -> SplitResult:
    """Return the parts of a broker's URL. Raises BadInput."""
    told = urlsplit(url)
    try:
        port = told.port or PORTS[told.scheme]
    except (ValueError, KeyError):
        port = 0
    if not (port and told.hostname and told.scheme in PORTS):
        raise BadInput(f"mqtt: {url!r} is no mqtt://HOST:PORT or mqtts://HOST:PORT")
    return told


def _client(url: str, name: str | None) -> aiomqtt.Client:
    told = checked(url)
    return aiomqtt.Client(
        told.hostname or "",
        told.port or PORTS[told.scheme],
        username=unquote(told.username) if told.username else None,
        password=unquote(told.password) if told.password else None,
        tls_context=ssl.create_default_context() if told.scheme == "mqtts" else None,
        timeout=ANSWER_S,
        identifier=name,
        clean_session=name is None,
    )


async def keep(url: str, session: Session, *, name: str | None = None) -> None:
    """Run a session over a connection to the broker, and again over the next one, for ever.

    With a name the broker keeps what comes in between.
    """
    while True:
        # a task of its own: aiomqtt that fails while it is cancelled would swallow our cancellation
        task = asyncio.create_task(_once(url, session, name), name="broker session")
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        try:
            task.result()
        except* aiomqtt.MqttError as errors:
            log.info("the broker at %s is away: %s", checked(url).hostname, errors.exceptions[0])
        await asyncio.sleep(RETRY_S)


async def _once(url: str, session: Session, name: str | None) -> None:
    async with _client(url, name) as connected:
        await session(connected)


async def watch(connected: aiomqtt.Client) -> None:
    """Run as long as the connection does; a publish under way does not notice its end. Raises MqttError."""
    async for message in connected.messages:
        log.debug("heard %s", message.topic)


async def publish(connected: aiomqtt.Client, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Publish, and wait for the broker's receipt. Raises MqttError."""
    await _in_time(connected.publish(topic, payload, qos=1, retain=retain, timeout=float("inf")))


async def subscribe(connected: aiomqtt.Client, topic: str) -> None:
    """Subscribe, and wait for the broker's receipt. Raises MqttError."""
    await _in_time(connected.subscribe(topic, qos=1, timeout=float("inf")))


async def _in_time(call: Awaitable[Any]) -> None:
    try:
        async with asyncio.timeout(ANSWER_S):
            await call
    except TimeoutError:
        raise aiomqtt.MqttError("the broker does not answer") from None
