"""Whether a revision asks for less than the order that it revises: only what loosens must be fresh."""

from __future__ import annotations

from datetime import datetime

from agent.orders.limit import may_allow_more
from agent.orders.order import CLASSES, Measure, Order
from agent.orders.silence import Failsafe
from agent.values import Moment

_HOLDS = {"auto": 0, "operator": 1, "issuer": 2}


def loosens(old: Order, new: Order, *, started_at: datetime, now: Moment) -> bool:
    """Whether `new` asks for less than `old`, running or scheduled for `started_at`, in any respect."""
    return (
        new.is_cancel
        or may_allow_more(old.limit, new.limit)
        or _ends_sooner(old, new)
        or (new.starts_at is not None and new.starts_at > max(started_at, now.earliest))
        or _duty_loosens(old, new)
        or hastens(old, new)
        or _silence_loosens(old.on_silence, new.on_silence)
        or _bears_on_less(old, new)
    )


def hastens(old: Order, new: Order) -> bool:
    """Whether power comes back sooner after `new`: by a steeper ramp, or by none of its own."""
    rate = old.restore_kw_per_min
    return rate is not None and (new.restore_kw_per_min is None or new.restore_kw_per_min > rate)


def _bears_on_less(old: Order, new: Order) -> bool:
    """Whether it commands fewer, leaves out more, or counts more kindly; another meter may do any of it."""
    fewer = new.targets.names_any and not (old.targets.names_any and new.targets.names_all(old.targets))
    spared = not old.exempt.names_all(new.exempt) or not set(new.sources) <= set(old.sources)
    return fewer or spared or _measured_kindlier(old.measure, new.measure)


def _measured_kindlier(old: Measure, new: Measure) -> bool:
    longer = (new.over_s or 0) > (old.over_s or 0) or (new.aligned and not old.aligned)
    other = new.at != old.at or (new.quantity == "import" and old.quantity == "consumption")
    return longer or other or new.tolerance > old.tolerance


def _silence_loosens(old: Failsafe | None, new: Failsafe | None) -> bool:
    """Whether less holds while its issuer is silent."""
    if old is None or new is None:
        return new is None and old is not None
    later = old.timeout_s is not None and (new.timeout_s is None or new.timeout_s > old.timeout_s)
    freer = new.cap_kw > old.cap_kw or (old.then == "hold" and new.then != "hold")
    return later or freer or new.min_s < old.min_s


def _ends_sooner(old: Order, new: Order) -> bool:
    return new.ends_at is not None and (old.ends_at is None or new.ends_at < old.ends_at)


def _duty_loosens(old: Order, new: Order) -> bool:
    slower = new.ramp_kw_per_min is not None and (
        old.ramp_kw_per_min is None or new.ramp_kw_per_min < old.ramp_kw_per_min
    )
    weaker = CLASSES.index(new.order_class) > CLASSES.index(old.order_class)
    softer = (new.test and not old.test) or (old.mandatory and not new.mandatory) or new.randomize_s > old.randomize_s
    lax = new.comply_by_s > old.comply_by_s or _HOLDS[new.resume] < _HOLDS[old.resume] or (old.lead and not new.lead)
    return slower or weaker or softer or lax
