"""Work on the whole fleet a turn at a time, so that the loop turns in between; and whom a request names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from agent.fleet.fleet import Fleet
from agent.fleet.selector import Turns, selecting
from agent.outputs.http.problems import bad_field

TURN = 2000
T = TypeVar("T")
U = TypeVar("U")


async def taken(turns: Turns[T]) -> T:
    """Take every turn, letting the loop turn after each, and return the answer."""
    while True:
        try:
            next(turns)
        except StopIteration as end:
            answer: T = end.value
            return answer
        await asyncio.sleep(0)


async def each(items: Sequence[T], told: Callable[[T], U], turn: int = TURN) -> list[U]:
    """Return what `told` says of each, so many a turn."""
    found: list[U] = []
    for start in range(0, len(items), turn):
        found += map(told, items[start : start + turn])
        await asyncio.sleep(0)
    return found


async def selected(fleet: Fleet, text: str) -> list[str]:
    """Return the ids of the machines that a selector names. Raises Problem."""
    try:
        rows = np.flatnonzero(await taken(selecting(fleet, text))).tolist()
    except ValueError as error:
        raise bad_field("select", str(error)) from None
    return await each(rows, lambda row: fleet.miners[row].id)


async def named(fleet: Fleet, text: str | None, miners: Sequence[str] | None) -> list[str]:
    """Return the ids of the machines that a selector or a list names, one of the two. Raises Problem."""
    if (text is None) == (miners is None):
        raise bad_field("select", "say either select or miners")
    if text is not None:
        return await selected(fleet, text)
    for miner in miners or ():
        if miner not in fleet.index:
            raise bad_field("miners", f"there is no miner {miner!r}")
    return list(dict.fromkeys(miners or ()))
