"""Which miners are not where they were set, and may be told now. There is no other way for a command to arise.

A restart, a rebooted miner, a hand on the switch, a lost command and a lying OK are all the same case here.
"""

from __future__ import annotations

import numpy as np

from agent.fleet.belief import UNSEEN, Code
from agent.fleet.view import Array, FleetView, Indices


def due(view: FleetView, setpoint: Array, *, changed: Indices, may_raise: bool) -> tuple[Indices, Indices]:
    """Return whom to command down and whom up. Who was just given a new setpoint need not wait for a back-off."""
    ready = view.due.copy()
    ready[changed] = True
    ready &= view.heard & (view.last_step > 0)
    unproved = (view.seen == UNSEEN) & (setpoint > 0) & (view.state != Code.SLEEPING)
    lower = ready & ~view.sealed & (((view.seen != UNSEEN) & (view.seen < setpoint)) | unproved)
    higher = ready & ~view.held & ~view.hot & view.fresh & (view.seen > setpoint)
    if not may_raise:
        higher = np.zeros_like(higher)
    return np.flatnonzero(lower), np.flatnonzero(higher)
