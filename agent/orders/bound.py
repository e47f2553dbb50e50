"""What binds at one moment, kept while steps befall orders one after the other: each step names the order that binds.

With hundreds of orders, to gather all that bind anew for each of their steps would cost the square of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agent.orders.arbitration import Binding
from agent.orders.order import Scope
from agent.values import Moment, Watts

Bind = Callable[[str], Binding | None]
"""What an order binds to at that moment, by its id; None for nothing."""


class Bound:
    """The least limit of each scope at a moment. `changed` names the orders whose next look must be afresh."""

    def __init__(self) -> None:
        self._now: Moment | None = None
        self._of: dict[str, Binding] = {}
        self._least: dict[Scope, Binding] = {}
        self._changed: set[str] = set()
        self._keeping: dict[Watts | None, list[Scope]] = {}

    def changed(self, order_id: str) -> None:
        """Note that something befell an order."""
        self._changed.add(order_id)

    def at(self, now: Moment, all_ids: Iterable[str], bind: Bind) -> None:
        """Go to a moment; what has not changed since the last look at the same moment is as it was."""
        if now is not self._now:
            self._now, self._changed = now, set(all_ids)
            for known in (self._of, self._least, self._keeping):
                known.clear()
        for order_id in self._changed:
            self._put(order_id, bind(order_id))
        self._changed.clear()

    def least(self, scope: Scope, *, beside: str, own: Binding | None) -> Binding | None:
        """Return the least limit of a scope, `own` taken for what the order `beside` binds to."""
        found = self._least.get(scope)
        if found is not None and found.order.order_id == beside:
            others = [one for one in self._of.values() if one.order.scope == scope and one is not found]
            found = min(others, key=_rank, default=None)
        if own is None or own.order.scope != scope:
            return found
        return own if found is None or _rank(own) < _rank(found) else found

    def keeping_down(self, next_w: Watts | None, margin: float) -> list[Scope]:
        """Return the scopes of what those wait for who are still down, `next_w` the draw with one of them more."""
        if next_w not in self._keeping:
            keeps = {one.order.scope for one in self._of.values() if one.keeps_down(next_w, margin)}
            self._keeping[next_w] = list(keeps)
        return self._keeping[next_w]

    def _put(self, order_id: str, binding: Binding | None) -> None:
        before = self._of.pop(order_id, None)
        if before is not None or binding is not None:
            self._keeping.clear()
        if before is not None and self._least.get(before.order.scope) is before:
            self._lead(before.order.scope)
        if binding is None:
            return
        self._of[order_id] = binding
        scope = binding.order.scope
        first = self._least.get(scope)
        if first is None or _rank(binding) < _rank(first):
            self._least[scope] = binding

    def _lead(self, scope: Scope) -> None:
        first = min((one for one in self._of.values() if one.order.scope == scope), key=_rank, default=None)
        if first is None:
            del self._least[scope]
        else:
            self._least[scope] = first


def _rank(binding: Binding) -> tuple[object, ...]:
    return (binding.cap_w, *binding.order.rank())
