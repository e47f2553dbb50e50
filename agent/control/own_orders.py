"""Orders that the agent gives in somebody's name: a failsafe, a signal, a season. They live and prove as any other."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from hashlib import sha256
from typing import Any, Protocol

from agent.clock import Clock
from agent.orders.lifecycle import OrderState
from agent.orders.order_book import OrderBook
from agent.orders.trust import OWN
from agent.values import rfc3339

OVER = frozenset({OrderState.CLOSED, OrderState.REJECTED, OrderState.SUPERSEDED})
AGAIN_S = 60.0
LONGEST, MARK = 64, 8
"""Characters of an order's id, and of the hash in one."""
GOING = OVER | {OrderState.CANCELLED, OrderState.ENDED, OrderState.RESTORING}


def own_id(kind: str, name: str, *, taken: Container[str] = ()) -> str:
    """Return the id of such an order; a name that is too long, or taken by another, has its hash in the id."""
    plain = f"{kind}.{name}"
    if len(plain) <= LONGEST and name not in taken:
        return plain
    mark = sha256(name.encode()).hexdigest()[:MARK]
    return f"{plain[: LONGEST - MARK - 1]}-{mark}"


class Intake(Protocol):
    """Where documents are taken in: control's desk."""

    async def take_in(self, raw: bytes, *, transport: str) -> object:
        """Take in an order's document."""


class OwnOrders:
    """Issues and takes back such orders, each time with the next revision."""

    def __init__(self, intake: Intake, book: OrderBook, site: str, clock: Clock) -> None:
        self.book = book
        self._intake = intake
        self._site = site
        self._clock = clock
        self._tried: dict[str, tuple[Mapping[str, Any], float]] = {}

    def holds(self, order_id: str) -> bool:
        """Whether such an order is in force, or is going to be."""
        view = self.book.view(order_id)
        return view is not None and view.state not in GOING

    def document(self, order_id: str) -> Mapping[str, Any] | None:
        """Return the document of such an order that is in force or is going to be."""
        view = self.book.view(order_id)
        return None if view is None or view.state in GOING else view.order.document

    async def issue(self, order_id: str, told: Mapping[str, Any], *, transport: str = OWN) -> None:
        """Issue an order; `told` is its document but for id, revision, status, site and date.

        What was refused is not tried again for a while.
        """
        now = self._clock.now().mono
        tried = self._tried.get(order_id)
        if tried is not None and tried[0] == told and now - tried[1] < AGAIN_S:
            return
        self._tried[order_id] = (told, now)
        await self._send({**told, "order_id": order_id, "status": "issued"}, transport)

    async def take_back(self, order_id: str, *, transport: str = OWN, note: str | None = None) -> None:
        """Cancel an order that holds."""
        view = self.book.view(order_id)
        if view is None or view.state in GOING:
            return
        told = {"order_id": order_id, "issuer": view.order.issuer, "class": view.order.order_class, "note": note}
        self._tried.pop(order_id, None)
        await self._send({**told, "status": "cancelled"}, transport)

    async def _send(self, told: Mapping[str, Any], transport: str) -> None:
        view = self.book.view(str(told["order_id"]))
        revision = 1 if view is None else view.order.revision + 1
        stamped = {**told, "revision": revision, "site": self._site, "issued_at": rfc3339(self._clock.now().at)}
        await self._intake.take_in(json.dumps(stamped).encode(), transport=transport)
