"""What a meter's figures say of a few machines that change their level together. Functions of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.values import Watts

BLOCKS = 6
"""A stretch is cut into so many blocks: what is steady has means that lie close together."""
THERE = 0.05
"""A change is over when the meter is within this share of it from where it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A stretch's mean, how far off chance may have it (one standard error), and how far its blocks lie apart."""

    at: float  # its middle, monotonic seconds
    power_w: Watts
    error_w: Watts
    spread_w: Watts


def mean_of(samples: Sequence[tuple[float, Watts]], since: float, until: float) -> Mean | None:
    """Return the mean of a stretch, None where a block of it has no figure."""
    inside = [(at, power_w) for at, power_w in samples if since <= at <= until]
    if until <= since or not inside:
        return None
    at, power_w = np.array(inside).T
    block = np.minimum(((at - since) / (until - since) * BLOCKS).astype(np.int64), BLOCKS - 1)
    counts = np.bincount(block, minlength=BLOCKS)
    if (counts == 0).any():
        return None
    means = np.bincount(block, weights=power_w, minlength=BLOCKS) / counts
    return Mean(
        at=(since + until) / 2,
        power_w=float(means.mean()),
        error_w=float(means.std(ddof=1)) / BLOCKS**0.5,
        spread_w=float(np.ptp(means)),
    )


def fallen_w(before: Mean, after: Mean, low: Mean) -> tuple[Watts, Watts]:
    """Return how far below the line between two means a third one between them lies, and how far off that may be.

    What drifts evenly beside it, as heat does, cancels; half of what drifted counts as error.
    """
    share = (low.at - before.at) / (after.at - before.at)
    base_w = before.power_w + share * (after.power_w - before.power_w)
    drift_w = abs(after.power_w - before.power_w) / 2
    error_w = float(np.hypot(np.hypot((1 - share) * before.error_w, share * after.error_w), low.error_w))
    return base_w - low.power_w, 2 * error_w + drift_w


def lasted_s(
    samples: Sequence[tuple[float, Watts]],
    told: Sequence[float],
    *,
    start_w: Watts,
    end_w: Watts,
    until: float,
    unsteady_w: Watts = 0.0,
) -> float:
    """Return how long a change took from a command to the meter: 95 % of it, for those told by then.

    `told` are the instants of the commands, of which a ramp may make many. It is over when no later figure, smoothed
    over three, is further than `THERE` of the change from where it stays, or than the meter is unsteady by itself.
    """
    near_w = max(THERE * abs(start_w - end_w), unsteady_w)
    first, last = min(told), float(np.quantile(np.array(told), 1 - THERE, method="inverted_cdf"))
    inside = [(at, power_w) for at, power_w in samples if first <= at <= until]
    away = [at for place, (at, _) in enumerate(inside) if abs(_smoothed(inside, place) - end_w) > near_w]
    if not away:
        return 0.0
    over = next((at for at, _ in inside if at > away[-1]), away[-1])
    return max(0.0, over - last)


def _smoothed(samples: Sequence[tuple[float, Watts]], place: int) -> Watts:
    return float(np.mean([power_w for _, power_w in samples[max(place - 1, 0) : place + 2]]))
