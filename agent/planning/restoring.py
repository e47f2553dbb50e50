"""Who comes back first: the best hashrate a watt, within headroom, feeder by feeder, no faster than the ramp."""

from __future__ import annotations

import numpy as np

from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning.headroom import at_step
from agent.values import Watts


def candidates(view: FleetView, setpoint: Array, rank: Array) -> Indices:
    """Return whom we may raise, best first: below intended, free, read afresh, off for long enough, and not hot.

    Who is on its way down is waited for; who never went, refused or out of its time, is not.
    """
    down = (view.seen >= setpoint) | ~view.trusted
    allowed = (setpoint > view.intended) & view.fresh & ~view.held & view.rested & ~view.hot & down
    index = np.flatnonzero(allowed)
    gained_ths = at_step(view.step_ths, view.intended)[index] - at_step(view.step_ths, setpoint)[index]
    added_w = at_step(view.step_w, view.intended)[index] - at_step(view.step_w, setpoint)[index]
    worth = np.round(gained_ths / np.maximum(added_w, 1e-9), 9)
    return index[np.lexsort((rank[index], -worth, -view.priority[index]))]


def admit(index: Indices, step_w: Floats, budget_w: Watts, member: Flags | None = None) -> Indices:
    """Return those of `index`, in order, whose steps fit one after the other into the budget.

    `member` marks who counts against it: the rest pass. The first that does not fit ends it, so that the best is
    not kept waiting by the small.
    """
    if not len(index):
        return index
    costs = step_w[index] if member is None else np.where(member[index], step_w[index], 0.0)
    total = np.cumsum(costs)
    fits = int(np.searchsorted(total, budget_w, side="right"))
    return index[:fits] if member is None else index[(total <= budget_w) | (costs == 0.0)]
