"""Python's collector of cycles, kept off the loop: all of it over ten thousand machines takes half a second.

What is there once everybody is known stays, so that it is not looked at. What comes later is
freed when nobody refers to it, as everything is; the rare cycles among it are collected young, or each quarter hour.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from agent.clock import Clock

LOOK_S, EACH_S = 1.0, 900.0
NEVER = 1_000_000_000
"""As a threshold: collections of the young are many and short, those of all come by hand alone."""


async def keep_garbage_small(clock: Clock, is_known: Callable[[], bool]) -> None:
    """Wait until the machines are known, set them apart, and collect what is new now and then; for ever."""
    before = gc.get_threshold()
    gc.set_threshold(*before[:2], NEVER)
    try:
        while not is_known():
            await clock.sleep(LOOK_S)
        gc.freeze()  # with what little garbage there is: to collect it first would hold the loop once
        while True:
            await clock.sleep(EACH_S)
            gc.collect()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
