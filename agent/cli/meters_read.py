"""Asks a configuration's meters once, each as the agent would, and keeps what was asked and answered on the way.

What goes wrong with a meter is in its own row.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.config import Config
from agent.config.schema import Meter
from agent.inputs.meters import BadSample, parse_sample
from agent.links.mqtt import Broker
from agent.settings import broker_of
from agent.wiring.device_ways import Ways
from agent.wiring.meter_room import topic_of
from agent.wiring.meter_ways import Ask, ask_of, meter_place
from drivers.errors import DeviceError, Refused, Unreachable
from drivers.interface import Conversation, Exchange, Http, HttpReply, Reply
from drivers.meter import MeterConversation, MeterReading
from drivers.modbus import ReadRegisters, Registers


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One request to a meter, for registers or for a page, and its words, its body or its refusal."""

    asked: ReadRegisters | None = None
    words: Registers | None = None
    path: str | None = None  # without the password that a query may hold
    status: int | None = None
    body: str | None = None
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class Answer:
    """What came of asking one meter: `reading` as it is wired, or why there is none."""

    meter: Meter
    where: str  # HOST:PORT, or a topic
    reading: MeterReading | None = None
    exchanged: list[Exchanged] = field(default_factory=list)
    payload: str | None = None  # the message, where it sends any
    error: str | None = None
    kind: str | None = None  # of the error
    is_lost: bool = False  # nothing came that could be read or refused

    def fail(self, error: Exception) -> None:
        """Take down what went wrong."""
        self.error, self.kind, self.is_lost = str(error), type(error).__name__, isinstance(error, Unreachable)


def read_all(config: Config, meters: Sequence[Meter], wait_s: float) -> list[Answer]:
    """Ask each of these meters once; those that speak over MQTT are waited for.

    Raises ConfigError for a secret, OSError for a certificate.
    """
    return asyncio.run(_read_all(config, meters, wait_s))


async def _read_all(config: Config, meters: Sequence[Meter], wait_s: float) -> list[Answer]:
    answers = [Answer(meter=meter, where=_where(config, meter)) for meter in meters]
    broker = broker_of(config) if any(meter.kind == "mqtt" for meter in meters) else None
    heard = [answer for answer in answers if answer.meter.kind == "mqtt"]
    ways = Ways()
    asks = [
        (answer, ask_of(config, answer.meter, ways, _Kept(answer.exchanged)))
        for answer in answers
        if answer not in heard
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for answer, ask in asks:
                group.create_task(_ask(answer, ask), name=f"meter {answer.meter.id}")
            if heard:
                group.create_task(_hear(broker, heard, wait_s), name="broker")
    finally:
        await ways.close()
    return answers


def _where(config: Config, meter: Meter) -> str:
    return topic_of(config, meter) if meter.kind == "mqtt" else meter_place(meter)


# asked ------------------------------------------------------------------------------------------------------------


async def _ask(answer: Answer, ask: Ask) -> None:
    meter = answer.meter
    try:
        said = await ask()
    except DeviceError as error:
        answer.fail(error)
        return
    answer.reading = said.turned(sign=meter.sign, multiplier=meter.multiplier)


class _Kept:
    """Passes conversations through, and keeps what was asked and answered."""

    def __init__(self, exchanged: list[Exchanged]) -> None:
        self._exchanged = exchanged

    def registers(self, conversation: MeterConversation) -> MeterConversation:
        """Pass a conversation about registers through."""
        try:
            asked = next(conversation)
            while True:
                assert isinstance(asked, ReadRegisters)  # meters are read by registers alone
                try:
                    words = yield asked
                except Refused as error:
                    self._exchanged.append(Exchanged(asked=asked, error=str(error)))
                    asked = conversation.throw(error)
                else:
                    self._exchanged.append(Exchanged(asked=asked, words=words))
                    asked = conversation.send(words)
        except StopIteration as done:
            reading: MeterReading = done.value
            return reading

    def pages(self, conversation: Conversation[MeterReading]) -> Conversation[MeterReading]:
        """Pass a conversation about pages through."""
        try:
            asked = next(conversation)
            while True:
                try:
                    reply = yield asked
                except DeviceError as error:
                    self._keep(asked, error)
                    asked = conversation.throw(error)
                else:
                    self._keep(asked, reply)
                    asked = conversation.send(reply)
        except StopIteration as done:
            reading: MeterReading = done.value
            return reading

    def _keep(self, asked: Exchange, reply: Reply | DeviceError) -> None:
        if not isinstance(asked, Http):
            return
        path = re.sub(r"(?<=[?&]password=)[^&]*", "***", asked.path)
        if isinstance(reply, HttpReply):
            body = reply.body.decode("utf-8", "replace").strip()
            self._exchanged.append(Exchanged(path=path, status=reply.status, body=body))
        else:
            self._exchanged.append(Exchanged(path=path, error=str(reply)))


# MQTT -------------------------------------------------------------------------------------------------------------


async def _hear(broker: Broker | None, answers: Sequence[Answer], wait_s: float) -> None:
    """Wait for a message of each; what the broker only kept may be of any age, and is none."""
    if broker is None:
        lost = "no broker is configured"
    else:
        try:
            async with asyncio.timeout(wait_s):
                lost = await _listen(broker, answers, wait_s)
        except TimeoutError:
            lost = f"no message in {wait_s:g} s"
    for answer in answers:
        if answer.reading is None and answer.error is None:
            answer.fail(Unreachable(lost if answer.payload is None else f"{lost}, but one that the broker had kept"))


async def _listen(broker: Broker, answers: Sequence[Answer], wait_s: float) -> str:
    """Take in messages until each meter has spoken; returns why no more come."""
    import aiomqtt  # noqa: PLC0415 - only where a meter speaks so

    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        tls_context=broker.tls,
        timeout=wait_s,
    )
    try:
        async with client:
            for answer in answers:
                await client.subscribe(answer.where, qos=1)
            async for message in client.messages:
                for answer in answers:
                    if answer.where == str(message.topic) and answer.reading is None and answer.error is None:
                        _take(answer, bytes(message.payload), is_kept=bool(message.retain))
                if all(answer.reading is not None or answer.error is not None for answer in answers):
                    break
    except aiomqtt.MqttError as error:
        return f"{broker.host}:{broker.port}: {error}"
    return "the broker hung up"


def _take(answer: Answer, payload: bytes, *, is_kept: bool) -> None:
    answer.payload = payload.decode("utf-8", "replace")
    if is_kept:
        return
    try:
        sample = parse_sample(payload, sign=answer.meter.sign, multiplier=answer.meter.multiplier)
    except BadSample as error:
        answer.fail(error)
        return
    answer.reading = MeterReading(power_w=sample.power_w, energy_wh=sample.energy_wh)
