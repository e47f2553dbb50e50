"""When power is cut from machines, and when it comes back: the last means, where a machine obeys none before it.

Cut: everything behind the outlet must stop anyway, somebody there does not obey (or refuses, or is out of reach, for as
long as obeying takes), and all others there sleep, or have had that long to. Given back: nothing there must be stopped
any more, and all of it at its most fits into every limit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.view import Array, Flags, FleetView
from agent.planning.decide import fits
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import Tree
from agent.values import Watts

TRIES = 3
"""After so many commands without effect, with the next one, a machine does not obey."""


def must_stop(view: FleetView, demand: Demand, rows: Flags, shortfall_w: Watts) -> bool:
    """Whether all of these machines must stop: by a stop, or since what must be shed cannot be shed otherwise."""
    stops = demand.stop or any(part.stop and bool(part.commanded[rows].all()) for part in demand.parts)
    lowest = bool((view.setpoint[rows] == view.last_step[rows]).all())
    return bool(rows.any()) and (stops or (shortfall_w > 0 and lowest))


def is_due(view: FleetView, rows: Flags, tries: Array, *, waited: bool) -> Flags:
    """Return who of these makes it due that their power is cut, nobody where it is not.

    `waited`: they have had as long as obeying takes.
    """
    counted = rows & ~view.sealed
    asleep = view.fresh & (view.seen == view.last_step) & (view.last_step > 0) & (view.state == Code.SLEEPING)
    awake = counted & view.fresh & ~asleep
    defiant = awake & ((tries > TRIES) | (view.last_step == 0))
    lost = counted & ~view.fresh
    others_sleep = not (counted & ~asleep & ~defiant).any()
    due: Flags = defiant | (awake & ~view.trusted) | lost if waited else defiant & others_sleep
    return due


def may_return(view: FleetView, tree: Tree, demand: Demand, situation: Situation, policy: Policy, rows: Flags) -> bool:
    """Whether these machines, with power and each at its most, are within every limit."""
    powered = replace(
        view,
        sealed=view.sealed & ~rows,
        fresh=view.fresh & ~rows,
        believed_w=np.where(rows, view.most_w, view.believed_w),
        metered_least_w=np.where(rows, 0.0, view.metered_least_w),
    )
    return fits(powered, tree, demand, situation, replace(policy, reserve_unreachable=1.0))
