"""Sends alarms to the webhooks of the configuration, each in its own time: a slow one keeps nobody waiting.

What cannot be delivered for a while is tried again; what waits too long, or is too much, is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from agent.config import Config
from agent.control.journal import Journal
from agent.facts import AnyFact
from agent.outputs.alarm_rate import AlarmRate
from agent.outputs.alarms import alarm, notice

MOST_WAITING = 200
ANSWER_S = 10.0
PAUSES_S = (1.0, 4.0, 15.0, 60.0, 300.0)
"""Between one try and the next; after the last one a notice is given up."""
OK, MULTIPLE = 200, 300
REFERENCES = ("env:", "file:", "credential:")
log = structlog.get_logger()


class Notices:
    """The webhooks of one site."""

    def __init__(self, config: Config, journal: Journal, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._site = config.schema.site.id
        self._pauses_s = pauses_s
        self._rate = AlarmRate()
        self._queues = {url: asyncio.Queue[dict[str, Any]](MOST_WAITING) for url in _urls(config)}
        if self._queues:
            journal.listeners.append(self.heard)

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived tasks by name."""
        return {"notices": self.run} if self._queues else {}

    def replayed(self, fact: AnyFact) -> None:
        """Take in a remembered fact: what the life before this one told within the hour is not told again."""
        kind = alarm(fact) if self._queues else None
        if kind is not None:
            self._rate.admit(fact, kind)

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in facts; the alarms among them wait to be sent, the same one once an hour."""
        for fact in facts:
            kind = alarm(fact)
            repeated = None if kind is None else self._rate.admit(fact, kind)
            if kind is None or repeated is None:
                continue
            told = {**notice(fact, kind, self._site), "repeated": repeated}
            for url, queue in self._queues.items():
                if queue.full():
                    log.warning("a notice is dropped: too many wait", webhook=_shown(url))
                    queue.get_nowait()
                queue.put_nowait(told)

    async def run(self) -> None:
        """Send for ever."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for url, queue in self._queues.items():
                group.create_task(self._send(session, url, queue), name=f"notices {_shown(url)}")

    async def _send(self, session: aiohttp.ClientSession, url: str, queue: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            told = await queue.get()
            for pause_s in (*self._pauses_s, None):
                error = await _post(session, url, told)
                if error is None:
                    break
                log.warning("a notice was not taken", webhook=_shown(url), kind=told["kind"], error=error)
                if pause_s is not None:
                    await asyncio.sleep(pause_s)


async def _post(session: aiohttp.ClientSession, url: str, told: dict[str, Any]) -> str | None:
    """Send one notice; returns why it was not taken, None where it was. Nobody is followed elsewhere."""
    try:
        async with session.post(url, json=told, allow_redirects=False) as answer:
            return None if OK <= answer.status < MULTIPLE else f"HTTP {answer.status}"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return type(error).__name__


def _urls(config: Config) -> list[str]:
    return [
        config.secret(told, f"notify.webhooks.{place}").reveal() if told.startswith(REFERENCES) else told
        for place, told in enumerate(config.schema.notify.webhooks)
    ]


def _shown(url: str) -> str:
    """Return a webhook without what may be secret in it."""
    return urlsplit(url).hostname or "webhook"
