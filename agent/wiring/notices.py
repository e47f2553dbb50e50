"""Sends alarms to the webhooks of the configuration, each in its own time: a slow one keeps nobody waiting.

What cannot be delivered for a while is tried again; what waits too long, or is too much, is dropped and counted. What
the life before this one had not delivered when it ended is told by this one.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from agent.clock import Clock
from agent.config import Config
from agent.control.journal import Journal
from agent.facts import AnyFact
from agent.facts.remedies import NoticeTold
from agent.outputs.alarm_rate import AlarmRate
from agent.outputs.alarms import alarm, notice
from agent.wiring.webhooks import webhooks_of

MOST_WAITING = 200
OWED = timedelta(days=1)
"""So long before the last fact an alarm may lie that the life before this one still owes."""
ANSWER_S = 10.0
PAUSES_S = (1.0, 4.0, 15.0, 60.0, 300.0)
"""Between one try and the next; after the last one a notice is given up."""
OK, MULTIPLE = 200, 300
log = structlog.get_logger()


class Notices:
    """The webhooks of one site."""

    def __init__(self, config: Config, journal: Journal, clock: Clock, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._site = config.schema.site.id
        self._pauses_s = pauses_s
        self._rate = AlarmRate()
        self._journal = journal
        self._clock = clock
        self._queues = {url: asyncio.Queue[dict[str, Any]](MOST_WAITING) for url in webhooks_of(config)}
        self._owed = {_mark(url): OrderedDict[str, tuple[datetime, dict[str, Any]]]() for url in self._queues}
        self._last_at: datetime | None = None
        if self._queues:
            journal.listeners.append(self.heard)

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived tasks by name."""
        return {"notices": self.run} if self._queues else {}

    def replayed(self, fact: AnyFact) -> None:
        """Take in a remembered fact: what the life before this one told within the hour is not told again."""
        if not self._queues:
            return
        self._last_at = fact.at if self._last_at is None else max(self._last_at, fact.at)
        if isinstance(fact, NoticeTold):
            if fact.webhook in self._owed:
                self._owed[fact.webhook].pop(fact.notice, None)
            return
        told = self._told(fact)
        if told is not None:
            for owed in self._owed.values():
                owed[_mark_of(told)] = fact.at, told
                if len(owed) > MOST_WAITING:
                    owed.popitem(last=False)

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in facts; the alarms among them wait to be sent, the same one once an hour."""
        for fact in facts:
            told = self._told(fact)
            if told is None:
                continue
            for url, queue in self._queues.items():
                self._wait(url, queue, told)

    def _told(self, fact: AnyFact) -> dict[str, Any] | None:
        """Return what is told of a fact, None where it is no alarm or was told within the hour."""
        self._rate.passes(fact)
        kind = alarm(fact)
        repeated = None if kind is None else self._rate.admit(fact, kind)
        return None if kind is None or repeated is None else {**notice(fact, kind, self._site), "repeated": repeated}

    def _wait(self, url: str, queue: asyncio.Queue[dict[str, Any]], told: dict[str, Any]) -> None:
        if queue.full():
            log.warning("a notice is dropped: too many wait", webhook=_shown(url))
            queue.get_nowait()
        queue.put_nowait(told)

    async def run(self) -> None:
        """Send for ever."""
        for url, queue in self._queues.items():
            owed, self._owed[_mark(url)] = self._owed[_mark(url)], OrderedDict()
            for at, told in owed.values():
                if self._last_at is not None and self._last_at - at <= OWED:
                    self._wait(url, queue, told)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for url, queue in self._queues.items():
                group.create_task(self._send(session, url, queue), name=f"notices {_shown(url)}")

    async def _send(self, session: aiohttp.ClientSession, url: str, queue: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            told = await queue.get()
            error: str | None = None
            for pause_s in (*self._pauses_s, None):
                error = await _post(session, url, told)
                if error is None:
                    break
                log.warning("a notice was not taken", webhook=_shown(url), kind=told["kind"], error=error)
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
            done = {
                "webhook": _mark(url),
                "notice": _mark_of(told),
                "kind": told["kind"],
                "given_up": error is not None,
            }
            self._journal.note([NoticeTold(at=self._clock.now().at, **done)])


async def _post(session: aiohttp.ClientSession, url: str, told: dict[str, Any]) -> str | None:
    """Send one notice; returns why it was not taken, None where it was. Nobody is followed elsewhere."""
    try:
        async with session.post(url, json=told, allow_redirects=False) as answer:
            return None if OK <= answer.status < MULTIPLE else f"HTTP {answer.status}"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return type(error).__name__


def _mark(url: str) -> str:
    """Return what a webhook is known by in the ledger."""
    return sha256(url.encode()).hexdigest()[:12]


def _mark_of(told: dict[str, Any]) -> str:
    """Return what a notice is known by in the ledger."""
    known = {name: value for name, value in told.items() if name != "repeated"}
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def _shown(url: str) -> str:
    """Return a webhook without what may be secret in it."""
    return urlsplit(url).hostname or "webhook"
