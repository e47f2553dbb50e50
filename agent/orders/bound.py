"""What binds at one moment, kept while steps befall orders one after the other: each step names the order that binds.

With hundreds of orders, to gather all that bind anew for each of their steps would cost the square of them.
"""

from __future__ import annotations

from collections import Counter
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
        self._in: dict[Scope, dict[str, Binding]] = {}
        self._least: dict[Scope, Binding] = {}
        self._changed: set[str] = set()
        self._keeping: dict[tuple[Watts | None, float], Counter[Scope]] = {}

    def changed(self, order_id: str) -> None:
        """Note that something befell an order."""
        self._changed.add(order_id)

    def at(self, now: Moment, all_ids: Iterable[str], bind: Bind) -> None:
        """Go to a moment; what has not changed since the last look at the same moment is as it was."""
        if now is not self._now:
            self._now, self._changed = now, set(all_ids)
            for known in (self._of, self._in, self._least, self._keeping):
                known.clear()
        for order_id in self._changed:
            self._put(order_id, bind(order_id))
        self._changed.clear()

    def least(self, scope: Scope, *, beside: str, own: Binding | None) -> Binding | None:
        """Return the least limit of a scope, `own` taken for what the order `beside` binds to."""
        found = self._least.get(scope)
        if found is not None and found.order.order_id == beside:
            others = (one for one in self._in[scope].values() if one is not found)
            found = min(others, key=_rank, default=None)
        if own is None or own.order.scope != scope:
            return found
        return own if found is None or _rank(own) < _rank(found) else found

    def keeping_down(self, next_w: Watts | None, margin: float) -> list[Scope]:
        """Return the scopes of what those wait for who are still down, `next_w` the draw with one of them more."""
        keeping = self._keeping.get((next_w, margin))
        if keeping is None:
            keeps = (one.order.scope for one in self._of.values() if one.keeps_down(next_w, margin))
            keeping = self._keeping[next_w, margin] = Counter(keeps)
        return list(keeping)

    def _put(self, order_id: str, binding: Binding | None) -> None:
        before = self._of.get(order_id)
        if before == binding:
            return
        if before is not None:
            self._drop(order_id, before)
        if binding is None:
            return
        scope = binding.order.scope
        self._of[order_id] = self._in.setdefault(scope, {})[order_id] = binding
        first = self._least.get(scope)
        if first is None or _rank(binding) < _rank(first):
            self._least[scope] = binding
        for (next_w, margin), keeping in self._keeping.items():
            keeping.update([scope] if binding.keeps_down(next_w, margin) else ())

    def _drop(self, order_id: str, binding: Binding) -> None:
        scope = binding.order.scope
        here = self._in[scope]
        del self._of[order_id], here[order_id]
        if self._least[scope] is binding:
            del self._least[scope]
            if here:
                self._least[scope] = min(here.values(), key=_rank)
        for (next_w, margin), keeping in self._keeping.items():
            if binding.keeps_down(next_w, margin):
                keeping[scope] -= 1
                if not keeping[scope]:
                    del keeping[scope]


def _rank(binding: Binding) -> tuple[object, ...]:
    return (binding.cap_w, *binding.order.rank())
