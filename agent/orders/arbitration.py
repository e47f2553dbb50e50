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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What binds now over all orders; `cap_w` None where nothing does, which is not a cap of zero."""

    cap_w: Watts | None = None
    binding_order: str | None = None
    stop: bool = False
    law: bool = False
    may_step: bool = False
    shed_kw_per_min: float | None = None


def arbitrate(bindings: Sequence[Binding]) -> Cap:
    """Return the least limit; among equals the order is named by class, priority, id."""
    if not bindings:
        return Cap()
    least = min(bindings, key=lambda bound: (bound.cap_w, *bound.order.rank()))
    stops = [bound for bound in bindings if isinstance(bound.limit, Stop)]
    return Cap(
        cap_w=least.cap_w,
        binding_order=least.order.order_id,
        stop=bool(stops),
        law=any(bound.order.order_class == "law" for bound in bindings),
        may_step=any(bound.order.order_class in STEPPING for bound in bindings),
        shed_kw_per_min=least.order.ramp_kw_per_min,
    )
