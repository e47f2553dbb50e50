"""Which limits and profiles machines were told by us: any other that one shows is its owner's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.fleet.miner import limit_of

SAME_LIMIT = 0.01
"""A limit that a machine tells is the one that it was told, within so much of it: firmware rounds."""


def is_set(level: str) -> bool:
    """Whether a level is one that a machine is set to and that outlasts a sleep: a limit or a profile."""
    return level.partition(":")[0] in {"limit", "profile"}


class OwnLevels:
    """The limits and profiles that each miner was told since it was last seen at full, by row."""

    def __init__(self) -> None:
        self._told: dict[int, set[str]] = {}

    def tell(self, row: int, level: str) -> None:
        """Take in a level that a miner is told."""
        if is_set(level):
            self._told.setdefault(row, set()).add(level)

    def restore(self, told: Mapping[int, Iterable[str]]) -> None:
        """Replay what miners were told."""
        for row, levels in told.items():
            for level in levels:
                self.tell(row, level)

    def clear(self, row: int) -> None:
        """Take in that a miner is at full: what it shows from now on is its owner's."""
        self._told.pop(row, None)

    def of(self, row: int, shown: str | None, before: str | None = None) -> str | None:
        """Return the level as it was told that a miner shows, None where it was told no such.

        `before` is what its owner had set it to: that is his, though it was a step on our way too.
        """
        told = self._told.get(row)
        if told is None or shown is None or shown == before:
            return None
        if shown in told:
            return shown
        shown_w = limit_of(shown)
        return next((one for one in told if shown_w is not None and _is_near(limit_of(one), shown_w)), None)


def _is_near(told_w: float | None, shown_w: float) -> bool:
    return told_w is not None and abs(told_w - shown_w) <= SAME_LIMIT * told_w
