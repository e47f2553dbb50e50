"""A limit on a mean: over the last so many seconds, or over clock intervals whose energy so far counts (contract 4).

What a clock interval leaves unused lets a draw above the limit be, but calls nobody up: the next interval would only
send them down again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent.values import Moment, Watts

Means = Callable[[float, float], Watts | None]
"""The mean W from so many seconds ago until so many seconds ago, None where no meter told it."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_S = 31 * 86_400.0
"""No mean is over more than this, a month: a document that asks for more is refused where it comes in."""
REACT_S, SOONEST_S = 60.0, 20.0
"""In less time than the first, machines told down save but a part of it: so much more is shed, and no more than for
the second, since later nobody follows in time."""
LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a meter told of the past, whose figures are so old when they come: of what is later nothing is over yet."""

    means: Means
    late_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The means that a limit is judged by. None: none is known yet; `allowance_w` is what may be drawn from now on."""

    mean_w: Watts | None
    allowance_w: Watts | None = None


def rolling(told: Told, over_s: float) -> Measured:
    """Return the mean of the last `over_s` that the meter can have told all of."""
    return Measured(mean_w=told.means(over_s + told.late_s, told.late_s))


def aligned(told: Told, over_s: float, *, cap_w: Watts, draw_w: Watts, begins_at: datetime, now: Moment) -> Measured:
    """Return the mean of the last clock interval since the limit began that is told, and what this one still allows.

    An interval is told once the meter can have told all of it. An order that was taken in before longer means were
    refused is judged by the longest.
    """
    length = timedelta(seconds=min(over_s, LONGEST_S))
    start = EPOCH + (now.at - EPOCH) // length * length
    since = max(start, begins_at)
    elapsed_s = max(0.0, (now.at - since).total_seconds())
    left_s = (start + length - now.at).total_seconds()
    used_w = told.means(elapsed_s, 0.0) if elapsed_s > 0 else None
    spent = (draw_w if used_w is None else used_w) * elapsed_s
    left_ws = cap_w * (elapsed_s + left_s) - spent
    allowance_w = left_ws / max(left_s, LEAST_S)
    if allowance_w < draw_w:
        less_w = (draw_w - allowance_w) * REACT_S / min(max(left_s, SOONEST_S), REACT_S)
        allowance_w = max(draw_w - less_w, left_ws / max(left_s, REACT_S))
    if allowance_w >= cap_w:
        allowance_w = min(allowance_w, max(cap_w, draw_w))
    end = EPOCH + (now.at - timedelta(seconds=told.late_s) - EPOCH) // length * length
    before = max(end - length, begins_at)
    ended_w = None
    if before < end:
        ended_w = told.means((now.at - before).total_seconds(), (now.at - end).total_seconds())
    return Measured(mean_w=ended_w, allowance_w=max(0.0, allowance_w))
