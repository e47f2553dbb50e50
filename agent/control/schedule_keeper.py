"""Keeps the orders of a schedule in the book: those of the coming days are there before they begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from agent.clock import Clock
from agent.control.own_orders import OwnOrders

LOOK_S = 60.0
AHEAD = timedelta(days=8)
OWN_PREFIX = "schedule."
GONE = "it is no longer in the schedule"
STAMPS = ("order_id", "revision", "status", "site", "issued_at")


class Window(Protocol):
    """One order of a schedule."""

    @property
    def order_id(self) -> str:
        """Its id."""

    @property
    def ends_at(self) -> datetime:
        """When it is over."""

    @property
    def told(self) -> Mapping[str, Any]:
        """Its document but for id, revision, status and date."""


class Schedule(Protocol):
    """What a schedule's file says."""

    def windows(self, first: datetime, last: datetime) -> Iterable[Window]:
        """Yield what lies in a stretch, even in part."""


class ScheduleKeeper:
    """One site's schedule."""

    def __init__(self, schedule: Schedule, own: OwnOrders, clock: Clock) -> None:
        self._schedule = schedule
        self._own = own
        self._clock = clock

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Issue what is ahead, revise what changed, and take back what the schedule no longer has."""
        now = self._clock.now()
        wanted = {window.order_id: window for window in self._schedule.windows(now.earliest, now.latest + AHEAD)}
        for order_id, window in wanted.items():
            held = self._own.document(order_id)
            said = None if held is None else {name: held[name] for name in held if name not in STAMPS}
            if said != dict(window.told) and not self._is_done(order_id, window):
                await self._own.issue(order_id, window.told)
        for order_id in self._own.book.open_ids():
            if order_id.startswith(OWN_PREFIX) and order_id not in wanted and not self._has_passed(order_id):
                await self._own.take_back(order_id, note=GONE)

    def _is_done(self, order_id: str, window: Window) -> bool:
        """Whether this very window was lived through already, or released by a hand before its end."""
        view = self._own.book.view(order_id)
        if view is None or self._own.holds(order_id):
            return False
        document = view.order.document
        if view.order.is_cancel:
            return document.get("note") != GONE
        return bool(document.get("starts_at") == window.told["starts_at"])

    def _has_passed(self, order_id: str) -> bool:
        """Whether an order's own end has passed: it waits for a release, and the schedule has no say in that."""
        view = self._own.book.view(order_id)
        ends_at = None if view is None else view.order.ends_at
        return ends_at is not None and ends_at <= self._clock.now().earliest
