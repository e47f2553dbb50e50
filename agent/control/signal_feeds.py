"""Feeds of signals, each one standing order: what it demands last holds, and its strictest while it is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from agent.clock import Clock
from agent.control.own_orders import OwnOrders, own_id
from agent.orders.trust import SIGNAL

LOOK_S = 1.0
WINDOW = timedelta(hours=24)
"""A message that says to be further from our clock is not taken."""
STOP: Mapping[str, Any] = {"stop": True}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed, from the configuration. `order_class` is the strongest that its issuer may issue."""

    name: str
    issuer: str
    order_class: str
    silence_s: float

    @property
    def order_id(self) -> str:
        """The order that it is."""
        return own_id("signal", self.name)


@dataclass(slots=True)
class _State:
    heard_at: float
    told_at: datetime | None = None
    limit: Mapping[str, Any] | None = None
    silent: bool = False
    known: bool = field(default=False)  # something was heard in this life


class SignalFeeds:
    """The feeds of one site."""

    def __init__(self, feeds: Sequence[Feed], own: OwnOrders, clock: Clock) -> None:
        self._feeds = {feed.name: feed for feed in feeds}
        self._own = own
        self._clock = clock
        mono = clock.now().mono
        self._states = {feed.name: _State(heard_at=mono) for feed in feeds}

    def heard(self, name: str, limit: Mapping[str, Any] | None, at: datetime | None) -> str | None:
        """Take in what a feed demands; returns why it does not count, None where it does."""
        now, state = self._clock.now(), self._states[name]
        if at is not None:
            if not now.earliest - WINDOW <= at <= now.latest + WINDOW:
                return "it says to be more than a day from now"
            if state.told_at is not None and at < state.told_at:
                return "a later one is known"
            state.told_at = at
        state.heard_at, state.limit, state.silent, state.known = now.mono, limit, False, True
        return None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Let each feed's order follow what it demands, or its silence."""
        now = self._clock.now().mono
        for name, feed in self._feeds.items():
            state = self._states[name]
            if not state.silent and now - state.heard_at > feed.silence_s:
                state.silent, state.limit, state.known = True, STOP, True
                log.critical("a signal is silent: it stops", signal=name, silence_s=feed.silence_s)
            if state.known:
                await self._follow(feed, state)
        ids = {feed.order_id for feed in self._feeds.values()}
        for order_id in self._own.book.open_ids():
            if order_id.startswith("signal.") and order_id not in ids:
                await self._own.take_back(order_id, note="the signal is no longer configured")

    async def _follow(self, feed: Feed, state: _State) -> None:
        held = self._own.document(feed.order_id)
        if state.limit is None:
            if held is not None:
                await self._own.take_back(feed.order_id, transport=SIGNAL)
            return
        if held is not None and held.get("limit") == state.limit:
            return
        told = {"issuer": feed.issuer, "class": feed.order_class, "resume": "auto", "limit": state.limit}
        note = f"signal {feed.name}" + (": it is silent" if state.silent else "")
        await self._own.issue(feed.order_id, {**told, "note": note}, transport=SIGNAL)
