"""What planning needs of the fleet, copied at one moment: columns, one row a miner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """The columns that `decide` reads. `step_w` and `step_ths` are (n, steps), NaN where a miner has no such step."""

    rank: Ints  # place in the order of ids: breaks every tie
    feeder: Ints  # position in the feeder tree
    priority: Ints  # higher gives up power later
    state: Codes
    fresh: Flags  # read within the time that a reading is good for
    heard: Flags  # answered or proved lost since the agent started
    believed_w: Floats
    metered_least_w: Floats  # the least and the most that the lagging meter may still include of it
    metered_most_w: Floats
    model_w: Floats  # what of the belief is a model's word, not the machine's
    most_w: Floats
    step_w: Floats
    step_ths: Floats
    last_step: Codes  # the lowest step it has
    setpoint: Codes
    intended: Codes
    seen: Codes  # the step that a reading proved, -1 for none
    held: Flags  # held or sealed: never raised by us
    sealed: Flags  # and nothing is seen to be drawn there: counts 0 W; so do the silent behind an outlet seen off
    trusted: Flags  # told where to go, reachable, and its time to get there is not over
    rested: Flags  # its minimum time off is over and it may be raised once more within the hour
    young: Flags  # woken so short a time ago that it is put back to sleep only where no other can
    hot: Flags  # too warm: gives up power first among its equals, and is not raised
    keeps: Flags  # once told to sleep it sleeps on after a power cut
    due: Flags  # its back-off is over: a command may be sent
    whole: Flags | None = None  # runs in full or sleeps: its owner's contract allows no level between

    def briefly(self) -> FleetView:
        """Return the view for a limit that is over soon: nobody is favoured for sleeping on over a power cut."""
        return replace(self, keeps=np.zeros(len(self), np.bool_))

    def __len__(self) -> int:
        """Return the number of miners."""
        return len(self.rank)
