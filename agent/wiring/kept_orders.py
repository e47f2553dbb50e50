"""Which orders a broker still keeps: one that it lost, by a clearing or with all it had, is told and stays in force."""

from __future__ import annotations

from collections.abc import Iterable

from agent.orders.foreseen import AHEAD
from agent.orders.order_view import OrderView


class KeptOrders:
    """Notes what comes while a connection is caught up with, and says which open orders did not."""

    def __init__(self) -> None:
        self._heard: set[str] | None = None  # None: everything that was kept has come
        self._told: set[str] = set()

    def begin(self) -> None:
        """Begin anew: whatever the broker keeps is about to come."""
        self._heard = set()

    def heard(self, order_id: str) -> None:
        """Note that a document came on an order's topic: it is kept there, and told anew once it is lost."""
        self._told.discard(order_id)
        if self._heard is not None:
            self._heard.add(order_id)

    def told(self, order_id: str) -> None:
        """Note that an order was cleared, now or before this start: that is told when it comes, and only then."""
        if self._heard is not None:
            self._heard.discard(order_id)
        self._told.add(order_id)

    def complete(self) -> frozenset[str]:
        """Return what has come, now that it is all."""
        heard, self._heard = frozenset(self._heard or ()), None
        return heard

    def lost(self, heard: frozenset[str], views: Iterable[OrderView]) -> list[str]:
        """Return which orders that came over MQTT and are in force or to come were not among it, each once."""
        open_ = {view.order.order_id for view in views if _is_kept_there(view)}
        self._told &= open_ - heard
        lost = sorted(open_ - heard - self._told)
        self._told.update(lost)
        return lost


def _is_kept_there(view: OrderView) -> bool:
    return view.transport == "mqtt" and view.state in AHEAD and not view.order.is_cancel
