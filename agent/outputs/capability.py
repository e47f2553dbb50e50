"""What the site can give to the grid: how low it goes, how fast, and how fast it comes back (contract 3, `capability`).

The floor by software is everybody at the lowest level that machines reach, and the house; who does not answer counts
at what it is believed to draw. Breakers take off what stands below an outlet that may be cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.view import Flags, FleetView, Floats
from agent.values import Moment, Watts, rfc3339

WITHIN_S = (60, 300, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What bounds it: how long machines take, who can be cut off, and the site's own ramps."""

    settle_s: Floats  # by miner: until it draws what its lowest level draws
    cuttable: Flags
    restore_w_per_s: float
    shed_w_per_s: float | None = None  # None: at once


def capability(view: FleetView, means: Means, *, house_w: Watts, now: Moment) -> dict[str, Any]:
    """Return the object that is published, kW. `held_kw` is what held machines are not drawing, and nobody wakes."""
    lowest_w = view.step_w[np.arange(len(view)), view.last_step]
    tellable = view.fresh & ~view.sealed & (view.last_step > 0) & (view.state != Code.UNREACHABLE)
    believed_w = np.where(view.sealed, 0.0, view.believed_w)
    least_w = np.where(tellable, np.minimum(lowest_w, believed_w), believed_w)
    freed_w = believed_w - least_w
    full_w = np.where(np.isnan(view.step_w[:, 0]), 0.0, view.step_w[:, 0])
    held_w = np.where(view.held & ~view.sealed, np.maximum(0.0, full_w - believed_w), 0.0)
    return {
        "floor_kw": _kw(house_w + float(least_w.sum())),
        "floor_with_breakers_kw": _kw(house_w + float(np.where(means.cuttable, 0.0, least_w).sum())),
        "shed_kw": {str(seconds): _kw(_shed_w(freed_w, means, seconds)) for seconds in WITHIN_S},
        "restore_kw_per_min": _kw(means.restore_w_per_s * 60),
        "held_kw": _kw(float(held_w.sum())),
        "house_kw": _kw(house_w),
        "at": rfc3339(now.at),
    }


def _shed_w(freed_w: Floats, means: Means, seconds: int) -> Watts:
    """Return what is gone after so long: who takes longer counts for nothing."""
    in_time_w = float(freed_w[means.settle_s <= seconds].sum())
    return in_time_w if means.shed_w_per_s is None else min(in_time_w, means.shed_w_per_s * seconds)


def _kw(power_w: Watts) -> float:
    return round(power_w / 1000, 3)
