"""From what binds over all orders to what planning is asked for. A function of values."""

from __future__ import annotations

from agent.orders.arbitration import Cap
from agent.planning.part import Part
from agent.planning.situation import Demand
from agent.values import Watts


def demand_of(
    cap: Cap, *, connection_w: Watts, restore_kw_per_min: float | None, parts: tuple[Part, ...] = ()
) -> Demand:
    """Return the demand at the site's meter; over its connection a site may always step down."""
    connection_binds = cap.cap_w is None or connection_w <= cap.cap_w
    return Demand(
        cap_w=cap.cap_w,
        order=cap.binding_order,
        stop=cap.stop,
        law=cap.law,
        may_step=cap.may_step or connection_binds,
        shed_w_per_s=_w_per_s(cap.shed_kw_per_min),
        lasts=cap.lasts,
        restore_w_per_s=_w_per_s(restore_kw_per_min),
        parts=parts,
    )


def _w_per_s(kw_per_min: float | None) -> float | None:
    return None if kw_per_min is None else kw_per_min * 1000 / 60
