"""What comes, seen ahead: a ramp begins early enough that it ends in time, and no earlier (contract 4, Deadline).

An order that may lead binds before its start as a limit that falls along its ramp and reaches its own when the machines
need their time to comply. Law and grid emergency have no ramp, and so nothing to begin early.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.orders.arbitration import Binding
from agent.orders.life import Life, Lives
from agent.orders.lifecycle import OrderState
from agent.orders.limit import MaxImport, Trajectory, cap_w
from agent.orders.order import STEPPING
from agent.values import Moment, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the site goes down: how long machines take, its own ramp, and the most that it can draw."""

    respond_s: float
    margin: float
    shed_kw_per_min: float | None = None
    most_w: Watts = 1e12


def coming(lives: Lives, way: Way, now: Moment) -> list[Binding]:
    """Return the limits that orders set already for what they will demand."""
    found = []
    for life in lives.open():
        allowed_w = _allowed_w(life, way, now)
        if allowed_w is not None and allowed_w < way.most_w:
            limit = MaxImport(power_w=allowed_w)
            found.append(Binding(order=life.order, cap_w=allowed_w, limit=limit, lasts=life.lasts))
    return found


def _allowed_w(life: Life, way: Way, now: Moment) -> Watts | None:
    order = life.order
    rates = [rate for rate in (order.ramp_kw_per_min, way.shed_kw_per_min) if rate is not None]
    if not rates or not order.lead or order.test or order.order_class in STEPPING:
        return None
    if order.is_cancel or not life.is_ahead:
        return None
    rate_w_per_s = min(rates) * 1000 / 60
    horizon = now.latest + timedelta(seconds=min(way.most_w / rate_w_per_s, 1e8))
    in_time_s = max(0.0, order.comply_by_s - way.respond_s)
    allowed = [
        limit_w + rate_w_per_s * max(0.0, (at - now.latest).total_seconds() + in_time_s)
        for at, limit_w in _ahead(life, way, now, horizon)
    ]
    return min(allowed, default=None)


def _ahead(life: Life, way: Way, now: Moment, horizon: datetime) -> Iterator[tuple[datetime, Watts]]:
    """Yield when which limit begins, as far as it matters now."""
    limit, starts_at = life.order.limit, life.starts_at
    scheduled = life.state is OrderState.SCHEDULED
    if scheduled and starts_at <= horizon:
        limit_w = cap_w(limit, life.basis, margin=way.margin, first=starts_at, last=starts_at)
        if limit_w is not None:
            yield starts_at, limit_w
    if isinstance(limit, Trajectory):
        for at, limit_w in limit.after(max(starts_at, now.latest)):
            if at > horizon or (life.order.ends_at is not None and at >= life.order.ends_at):
                return
            yield at, limit_w
