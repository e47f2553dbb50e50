"""Where the site stands towards its orders, in words: one honest line, and a line for each order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.fleet.meter_view import MeterView
from agent.orders.life import later
from agent.orders.lifecycle import BINDING, FINAL, OrderState
from agent.orders.order_view import OrderView
from agent.values import Moment, Watts, rfc3339
from agent.words.limits import limit_words

SETTLED_SHOWN = 6
"""So many orders that are over are still shown, the latest first."""
_WORST = (OrderState.VIOLATED, OrderState.ACTIVE, OrderState.COMPLIED)
_ON_THE_WAY_BACK = frozenset({OrderState.ENDED, OrderState.CANCELLED, OrderState.RESTORING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the site obeys: a word for machines to go by, a line for people, and what there is to say beside it.

    `word` is starting | free | over | adapting | obeys | violates | restoring. The line changes only where that does.
    """

    word: str
    text: str
    reason: str | None = None
    due_at: str | None = None  # until when it must be met


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One order as it is listed: what it demands, where it stands, and what happens next, and when."""

    order_id: str
    order_class: str
    issuer: str
    state: str
    revision: int
    demand: str
    binds: bool
    awaiting: bool  # its end has passed, and somebody must release it
    resume: str
    starts_at: str
    ends_at: str | None
    next_at: str | None
    next_text: str | None
    cap_w: Watts | None
    shortfall_w: Watts | None
    reason: str | None
    moved_at: str | None


def standing(site: Mapping[str, Any], views: Iterable[OrderView]) -> Standing:
    """Return where the site, as it is shown, stands; the worst of what binds speaks for all."""
    if site["excess_w"] is None:
        return Standing(word="starting", text="Not known yet: the agent has just begun and is reading its machines.")
    told = tuple(views)
    binding = sorted((view for view in told if view.state in BINDING), key=lambda view: _WORST.index(view.state))
    if binding:
        return _under_order(binding[0], others=len(binding) - 1)
    if site["excess_w"] > 0:
        return Standing(word="over", text="Above what the connection allows. No order is in force.")
    back = next((view for view in told if view.state in _ON_THE_WAY_BACK), None)
    if back is not None:
        text = f"No order is in force. The farm comes back after {back.order.order_id}, along its ramp."
        return Standing(word="restoring", text=text)
    return Standing(word="free", text="No order is in force. Only the connection binds.")


def meter_silence(meters: Iterable[MeterView]) -> str | None:
    """Return that the billing meter is silent, and what stands in for it; None where it speaks or there is none."""
    told = tuple(meters)
    if not any(meter.role == "billing" and not meter.state.fresh for meter in told):
        return None
    parts = [meter.id for meter in told if meter.role == "connection" and not meter.state.fresh]
    stand_in = next((meter.id for meter in told if meter.standing_in_for is not None), None)
    which = f" ({', '.join(parts)})" if parts else ""
    return f"the billing meter is silent{which}" + ("" if stand_in is None else f": its check {stand_in} stands in")


def _under_order(view: OrderView, *, others: int) -> Standing:
    order, reason = view.order, None if view.last_ack is None else view.last_ack.reason
    name = f"{order.order_id} ({order.order_class.replace('_', ' ')}, by {order.issuer})"
    rest = "" if not others else f" {others} more {'binds' if others == 1 else 'bind'}."
    match view.state:
        case OrderState.VIOLATED:
            because = reason or "the draw was not within its cap for a whole window"
            return Standing(word="violates", text=f"Does not obey {name}: {because}.{rest}")
        case OrderState.COMPLIED:
            return Standing(word="obeys", text=f"Obeys {name}.{rest}", reason=reason)
        case _:
            text, due = f"On the way to what {name} demands.{rest}", rfc3339(_due(view))
            return Standing(word="adapting", text=text, reason=reason, due_at=due)


def _due(view: OrderView) -> datetime:
    """Return until when it must be met: time to comply begins with its start, or with its first receipt."""
    began = view.starts_at if view.last_ack is None else max(view.starts_at, view.last_ack.at)
    return later(began, view.order.comply_by_s)


def order_lines(views: Iterable[OrderView], now: Moment) -> list[OrderLine]:
    """Return the lines of what is listed."""
    return [order_line(view, now) for view in listed(views)]


def listed(views: Iterable[OrderView]) -> list[OrderView]:
    """Return the open orders, those that bind first, then the latest that are over."""
    told = sorted(views, key=lambda view: (view.state not in BINDING, view.starts_at, view.order.order_id))
    is_open = [view for view in told if view.state not in FINAL]
    over = sorted((view for view in told if view.state in FINAL), key=_moved_at, reverse=True)
    return [*is_open, *over[:SETTLED_SHOWN]]


def order_line(view: OrderView, now: Moment) -> OrderLine:
    """Return one order as it is listed."""
    order, ack = view.order, view.last_ack
    at, text = _next(view, now)
    return OrderLine(
        order_id=order.order_id,
        order_class=order.order_class,
        issuer=order.issuer,
        state=view.state.value,
        revision=order.revision,
        demand=demand(order.document),
        binds=view.state in BINDING,
        awaiting=view.awaiting_release,
        resume=order.resume,
        starts_at=rfc3339(view.starts_at),
        ends_at=None if order.ends_at is None else rfc3339(order.ends_at),
        next_at=None if at is None else rfc3339(at),
        next_text=text,
        cap_w=None if ack is None else ack.cap_w,
        shortfall_w=None if ack is None else ack.shortfall_w,
        reason=None if ack is None else ack.reason,
        moved_at=None if ack is None else rfc3339(ack.at),
    )


def demand(document: Mapping[str, Any]) -> str:
    """Return what a document demands, in words."""
    limit = document.get("limit")
    if document.get("status") == "cancelled" or not isinstance(limit, Mapping):
        return "taken back"
    return limit_words(limit)


def _next(view: OrderView, now: Moment) -> tuple[datetime | None, str | None]:
    """Return what will happen to an order next, and when, as far as it is known."""
    order = view.order
    if view.state is OrderState.SCHEDULED:
        return view.starts_at, "begins"
    if view.state not in BINDING:
        return None, "an offer: waits for accept or decline" if view.state is OrderState.RECEIVED else None
    if view.awaiting_release:
        return None, f"waits for release by the {order.resume}"
    if view.state is OrderState.ACTIVE and (due := _due(view)) > now.at:
        return due, "must be met by"
    if order.ends_at is None:
        return None, "until it is revoked"
    return order.ends_at, "ends" if order.resume == "auto" else f"ends; then the {order.resume} releases it"


def _moved_at(view: OrderView) -> datetime:
    return view.starts_at if view.last_ack is None else view.last_ack.at
