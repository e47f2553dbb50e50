"""What was, as it is asked for: points of the site's and of a machine's past. Values only; None is unknown, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.values import Watts

SITE_STEP_S, MINER_STEP_S = 60, 300
"""The site is kept by the minute, machines by five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePoint:
    """The site over one step that begins at `at`: means, the highest draw, the most above the cap, and states."""

    at: datetime
    power_w: Watts | None = None
    power_max_w: Watts | None = None
    cap_w: Watts | None = None
    excess_w: Watts | None = None
    house_w: Watts | None = None
    hashrate_ths: float | None = None
    price_per_kwh: float | None = None
    miners: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerPoint:
    """One machine at `at`."""

    at: datetime
    state: str
    power_w: Watts | None
    hashrate_ths: float | None
    hottest_c: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerColumns:
    """Every machine at one moment, a row each in the order of the inventory; NaN is unknown."""

    state: NDArray[np.int8]
    power_w: NDArray[np.floating[Any]]
    hashrate_ths: NDArray[np.floating[Any]]
    hottest_c: NDArray[np.floating[Any]]
