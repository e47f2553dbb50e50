"""From what binds to the cap: the least of all limits, named by its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.orders.limit import Limit, Stop
from agent.orders.order import STEPPING, Order
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One order's limit in force, at the site's meter."""

    order: Order
    cap_w: Watts
    limit: Limit
    steps: bool = True  # False: its ramp is under way, and wins over the deadline
    lasts: bool = False  # for so long that the farm may lose its power meanwhile

    @property
    def stops(self) -> bool:
        """Whether nobody may hash from now on; a stop along a ramp is a cap until the ramp is over."""
        return self.steps and isinstance(self.limit, Stop)

    def keeps_down(self, next_w: Watts | None, margin: float) -> bool:
        """Whether it is what those wait for who are still down; a cap that leaves room for one more is not."""
        if next_w is None or isinstance(self.limit, Stop) or not self.order.is_of_site:
            return True
        return next_w > self.cap_w * (1 - margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What binds now over all orders; `cap_w` None where nothing does, which is not a cap of zero."""

    cap_w: Watts | None = None
    binding_order: str | None = None
    stop: bool = False
    law: bool = False
    may_step: bool = False
    shed_kw_per_min: float | None = None
    lasts: bool = False  # one of those that bind binds for long
    parts: tuple[Binding, ...] = ()  # limits on some of the machines, or that leave some out


def arbitrate(bindings: Sequence[Binding]) -> Cap:
    """Return the least limit at the site's meter; among equals the order is named by class, priority, id.

    What bears upon less than the site is not compared with it: each such limit binds where it is measured.
    """
    parts, lasts = tuple(one for one in bindings if not one.order.is_of_site), any(one.lasts for one in bindings)
    bindings = [bound for bound in bindings if bound.order.is_of_site]
    if not bindings:
        return Cap(parts=parts, lasts=lasts, law=any(bound.order.order_class == "law" for bound in parts))
    least = min(bindings, key=lambda bound: (bound.cap_w, *bound.order.rank()))
    stops = [bound for bound in bindings if bound.stops]
    return Cap(
        cap_w=least.cap_w,
        binding_order=least.order.order_id,
        stop=bool(stops),
        law=any(bound.order.order_class == "law" for bound in (*bindings, *parts)),
        may_step=any(bound.order.order_class in STEPPING for bound in bindings),
        shed_kw_per_min=least.order.ramp_kw_per_min,
        lasts=lasts,
        parts=parts,
    )
