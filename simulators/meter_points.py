"""The meters beside the site's own, each at a Modbus unit: the house's; each feeder's own and its connection's.

A farm of several feeders is fed by as many connections, one each; the house hangs on the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.machines import BadInput
from simulators.meter import Meter, MeterOptions

MOST_FEEDERS = 9
HOUSE_UNIT, FEEDER_UNIT, CONNECTION_UNIT = 10, 10, 20
"""A feeder's own meter is at 10 and its number, counted from 1; its connection's at 20 and its number."""


def feeders_of(count: int, feeders: int) -> NDArray[np.intp]:
    """Return on which feeder each of `count` machines is, from 0: as many in a row on each."""
    return np.arange(count, dtype=np.intp) * feeders // count


class MeterPoints:
    """What those meters measure and say; each has an error of its own."""

    def __init__(self, options: MeterOptions, *, machines: int, feeders: int, seed: int) -> None:
        units = [HOUSE_UNIT, *(unit + at for at in range(1, feeders + 1) for unit in (FEEDER_UNIT, CONNECTION_UNIT))]
        self.meters: Mapping[int, Meter] = {unit: Meter(options, 100 * seed + unit) for unit in units}
        self._feeders = feeders
        self._on = feeders_of(machines, feeders) if feeders else None

    def measure(self, power_w: NDArray[np.floating[Any]], house_w: float, now_s: float) -> None:
        """Take in the true draw of each machine and of the house."""
        self.meters[HOUSE_UNIT].measure(house_w, now_s)
        for number, drawn_w in enumerate(self._drawn_w(power_w), 1):
            self.meters[FEEDER_UNIT + number].measure(drawn_w, now_s)
            fed_w = drawn_w + house_w if number == 1 else drawn_w
            self.meters[CONNECTION_UNIT + number].measure(fed_w, now_s)

    def _drawn_w(self, power_w: NDArray[np.floating[Any]]) -> Iterator[float]:
        if self._on is not None:
            yield from np.bincount(self._on, weights=power_w, minlength=self._feeders).tolist()

    def fall_silent(self, unit: int, until_s: float) -> None:
        """Let one say nothing until then. Raises BadInput."""
        if unit not in self.meters:
            raise BadInput(f"unit: no meter of its own is at {unit}; there are {', '.join(map(str, self.meters))}")
        self.meters[unit].fall_silent(until_s)
