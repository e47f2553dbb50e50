"""Blocks one above the other: how much of a quantity lies in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from agent.tariffs.figures import NoFigure
from agent.tariffs.money import written

_ZERO = Decimal(0)


def rising(bounds: Sequence[Decimal | None]) -> None:
    """Raise ValueError unless the upper bounds of blocks rise from above 0; only the last may be none."""
    if not bounds:
        raise ValueError("needs at least one block")
    for lower, upper in pairwise([_ZERO, *bounds]):
        if lower is None:
            raise ValueError("only the last block may have no up_to")
        if upper is not None and upper <= lower:
            raise ValueError(f"a block ends at {written(upper)}, which is not above {written(lower)}")


def shares(bounds: Sequence[Decimal | None], start: Decimal, end: Decimal) -> Iterator[tuple[int, Decimal]]:
    """Yield by block how much of what lies from `start` to `end` is in it. Raises NoFigure above the last block."""
    lower = _ZERO
    for at, bound in enumerate(bounds):
        upper = end if bound is None else min(bound, end)
        if upper > max(lower, start):
            yield at, upper - max(lower, start)
        lower = end if bound is None else bound
    if end > max(lower, start):
        raise NoFigure(f"there is no price above the last block, which ends at {written(lower)}: {written(end)}")
