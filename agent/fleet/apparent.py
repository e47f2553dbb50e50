"""What a feeder may carry in W where its limit is in VA: by what its meter says of reactive power, else by assumption.

S² = P² + Q². Q is taken for the worse of two: it stays as it is while P grows, or it grows along with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, sqrt

from agent.fleet.miner import Feeder
from agent.values import Watts

ASSUMED_FACTOR = 0.95
"""Where nobody measures it. Power supplies of ASICs correct their own to 0.98 at load, fans and pumps do not."""
LOADED = 0.5
"""Below this share of its limit a feeder's power factor says little of what it is at full load: supplies idle then."""


def carries_w(max_va: float, power_w: Watts | None, reactive_var: float | None) -> Watts:
    """Return the most W at which a feeder is within `max_va`."""
    if power_w is None or reactive_var is None:
        return max_va * ASSUMED_FACTOR
    steady_w = sqrt(max(0.0, max_va**2 - reactive_var**2))
    apparent_va = hypot(power_w, reactive_var)
    factor = 1.0 if apparent_va <= 0 else abs(power_w) / apparent_va
    growing_w = max_va * (factor if apparent_va >= LOADED * max_va else max(factor, ASSUMED_FACTOR))
    return min(steady_w, growing_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """What flows on each phase below one feeder, W, and how far the most loaded is above their mean, as a share."""

    parent: str
    power_w: Mapping[str, Watts]
    unbalance: float


def phases_of(feeders: Iterable[Feeder], power_w: Mapping[str, Watts]) -> list[Phases]:
    """Return the phases of every feeder with single-phase ones right below it; a phase with none carries nothing."""
    found: dict[str, dict[str, Watts]] = {}
    for feeder in feeders:
        if feeder.phase is not None and feeder.parent is not None:
            loads_w = found.setdefault(feeder.parent, dict.fromkeys(("L1", "L2", "L3"), 0.0))
            loads_w[feeder.phase] += power_w[feeder.id]
    return [Phases(parent=parent, power_w=loads_w, unbalance=_above_mean(loads_w)) for parent, loads_w in found.items()]


def _above_mean(loads_w: Mapping[str, Watts]) -> float:
    mean_w = sum(loads_w.values()) / len(loads_w)
    return 0.0 if mean_w <= 0 else max(loads_w.values()) / mean_w - 1
