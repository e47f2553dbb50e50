"""Long work within a turn of control: done piece by piece, so that the loop turns between two pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from agent.clock import Clock
from agent.control.journal import Journal
from agent.facts import AnyFact

T = TypeVar("T")
HELD_S = 0.004
"""So long the loop is held at the most, but for the piece under way."""


async def gathered(pieces: Iterable[Sequence[T]], found: list[T], clock: Clock) -> bool:
    """Add to `found` all that the pieces bring, in their order; returns whether the loop turned meanwhile.

    It turns whenever the pieces have held it for `HELD_S`: what was looked at before may be another then.
    """
    turned, until = False, clock.now().mono + HELD_S
    for piece in pieces:
        found += piece
        if clock.now().mono >= until:
            turned = True
            await asyncio.sleep(0)
            until = clock.now().mono + HELD_S
    return turned


@asynccontextmanager
async def kept(facts: Sequence[AnyFact], journal: Journal) -> AsyncIterator[None]:
    """Write what was gathered where the work within breaks off, by a fault or a stop: nobody would tell it again."""
    try:
        yield
    except (Exception, asyncio.CancelledError):
        await journal.record(facts)
        raise
