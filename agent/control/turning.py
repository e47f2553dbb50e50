"""Long work within a turn of control: done piece by piece, so that the loop turns between two pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from agent.clock import Clock

T = TypeVar("T")
HELD_S = 0.004
"""So long the loop is held at the most, but for the piece under way."""


async def gathered(pieces: Iterable[Sequence[T]], clock: Clock) -> list[T]:
    """Return all that the pieces bring, in their order; the loop turns whenever they have held it for `HELD_S`."""
    found: list[T] = []
    until = clock.now().mono + HELD_S
    for piece in pieces:
        found += piece
        if clock.now().mono >= until:
            await asyncio.sleep(0)
            until = clock.now().mono + HELD_S
    return found
