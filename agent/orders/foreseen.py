"""What orders that are known today will allow in stretches of time to come. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.orders.lifecycle import BINDING, OrderState
from agent.orders.limit import Stop, cap_w
from agent.orders.order import SITE_SCOPE, Scope
from agent.orders.order_view import OrderView
from agent.values import Watts

AHEAD = BINDING | {OrderState.ACCEPTED, OrderState.SCHEDULED}
Stretches = Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What orders of one scope allow in each stretch, None where none binds; a stop is told apart from a cap."""

    scope: Scope
    stop: bool
    caps_w: tuple[Watts | None, ...]
    orders: tuple[str, ...]  # that bind in any of them, by class, priority, id


def foreseen(
    views: Iterable[OrderView], stretches: Stretches, *, margin: float
) -> Generator[None, None, list[Foreseen]]:
    """Return what binds in each stretch, by the orders that are known; yield after each order.

    An order that somebody must release is taken to hold on after its end.
    """
    found: dict[tuple[Scope, bool], Foreseen] = {}
    for view in sorted((view for view in views if _counts(view)), key=lambda one: one.order.rank()):
        caps_w = tuple(_allowed(view, first, last, margin) for first, last in stretches)
        yield
        if all(one is None for one in caps_w):
            continue
        order = view.order
        key = order.scope, isinstance(order.limit, Stop)
        before = found.get(key) or Foreseen(scope=key[0], stop=key[1], caps_w=(None,) * len(caps_w), orders=())
        found[key] = Foreseen(
            scope=key[0],
            stop=key[1],
            caps_w=tuple(map(_lesser, before.caps_w, caps_w)),
            orders=(*before.orders, order.order_id),
        )
    return list(found.values())


def _lesser(one: Watts | None, other: Watts | None) -> Watts | None:
    return min((told for told in (one, other) if told is not None), default=None)


def of_site(found: Iterable[Foreseen], stretches: int) -> list[Watts | None]:
    """Return the least limit at the site's meter in each stretch."""
    least: list[Watts | None] = [None] * stretches
    for one in found:
        if one.scope == SITE_SCOPE:
            least = list(map(_lesser, least, one.caps_w))
    return least


def _counts(view: OrderView) -> bool:
    return view.state in AHEAD and not view.order.is_cancel and not view.order.test


def _allowed(view: OrderView, first: datetime, last: datetime, margin: float) -> Watts | None:
    ends_at = view.order.ends_at
    holds_on = view.order.resume != "auto" or ends_at is None
    if view.starts_at >= last or not (holds_on or (ends_at or last) > first):
        return None
    at = max(first, view.starts_at)
    return cap_w(view.order.limit, view.basis, margin=margin, first=at, last=max(at, _before(last)))


def _before(at: datetime) -> datetime:
    """Return the last instant before: a limit that begins with the next stretch is none of this one."""
    return at - datetime.resolution
