"""Locks that a hand put on machines: nobody wakes what is held, until it is lifted or its time is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

KINDS = ("maintenance", "bench", "lockout", "customer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One machine's lock: of which kind, by whom, since when, until when (None: until it is lifted)."""

    kind: str
    by: str
    since: datetime
    until: datetime | None = None


class Holds:
    """Who is held. Changed by facts alone, so that a replay gives the same."""

    def __init__(self) -> None:
        self._by_miner: dict[str, Hold] = {}

    def place(self, miners: Iterable[str], hold: Hold) -> None:
        """Lock machines; a later hold takes an earlier one's place."""
        for miner in miners:
            self._by_miner[miner] = hold

    def lift(self, miners: Iterable[str]) -> None:
        """Unlock machines; those not held are passed over."""
        for miner in miners:
            self._by_miner.pop(miner, None)

    def over(self, now: datetime) -> list[str]:
        """Return whose time is over, in order of ids."""
        return sorted(miner for miner, hold in self._by_miner.items() if hold.until is not None and hold.until <= now)

    def by_miner(self) -> Mapping[str, Hold]:
        """Return every hold by its machine's id."""
        return self._by_miner
