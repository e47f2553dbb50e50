"""What orders that are known today will allow in stretches of time to come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.orders.lifecycle import BINDING, OrderState
from agent.orders.limit import cap_w
from agent.orders.order import SITE_SCOPE, Chosen, Scope
from agent.orders.order_view import OrderView
from agent.values import Watts

AHEAD = BINDING | {OrderState.ACCEPTED, OrderState.SCHEDULED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The least limit at the site's meter in a stretch, and whose it is; None where nothing binds."""

    cap_w: Watts | None = None
    order_id: str | None = None


def foreseen(
    views: Iterable[OrderView],
    stretches: Sequence[tuple[datetime, datetime]],
    *,
    margin: float,
    feeder: str | None = None,
) -> list[Foreseen]:
    """Return what binds the site, or all that hangs on a feeder, in each stretch, by the orders that are known.

    An order that somebody must release is taken to hold on after its end. What bears on other targets is left out.
    """
    scopes = [SITE_SCOPE]
    if feeder is not None:
        scopes = [Scope(targets=Chosen(feeders=(feeder,)), at=at) for at in ("site", feeder)]
    binding = [view for view in views if _counts(view, scopes)]
    return [_least(binding, first, last, margin) for first, last in stretches]


def _counts(view: OrderView, scopes: Sequence[Scope]) -> bool:
    order = view.order
    return view.state in AHEAD and not order.is_cancel and not order.test and order.scope in scopes


def _least(views: Sequence[OrderView], first: datetime, last: datetime, margin: float) -> Foreseen:
    found = Foreseen()
    for view in sorted(views, key=lambda one: one.order.rank()):
        holds_on = view.order.resume != "auto" or view.order.ends_at is None
        if view.starts_at >= last or not (holds_on or (view.order.ends_at or last) > first):
            continue
        at = max(first, view.starts_at)
        limit_w = cap_w(view.order.limit, view.basis, margin=margin, first=at, last=max(at, _before(last)))
        if limit_w is not None and (found.cap_w is None or limit_w < found.cap_w):
            found = Foreseen(cap_w=limit_w, order_id=view.order.order_id)
    return found


def _before(at: datetime) -> datetime:
    """Return the last instant before: a limit that begins with the next stretch is none of this one."""
    return at - datetime.resolution
