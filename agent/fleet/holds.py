"""Locks that a hand put on machines: nobody wakes what is held, until it is lifted or its time is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

KINDS = ("maintenance", "bench", "lockout", "customer")
BY_TIME = "time"
"""Who lifts a lock whose time is over; a hand is told apart by its role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One machine's lock: of which kind, by whom, since when, until when (None: until it is lifted)."""

    kind: str
    by: str
    since: datetime
    until: datetime | None = None


class Holds:
    """Who is held. Changed by facts alone, so that a replay gives the same.

    Each person's lock of a kind stands by itself: what one puts on, or whose time is over, takes no other's away.
    """

    def __init__(self) -> None:
        self._locks: dict[str, tuple[Hold, ...]] = {}
        self._by_miner: dict[str, Hold] = {}

    def place(self, miners: Iterable[str], hold: Hold) -> None:
        """Lock machines; a later hold takes the place of the same person's of the same kind."""
        for miner in miners:
            others = [one for one in self._locks.get(miner, ()) if (one.kind, one.by) != (hold.kind, hold.by)]
            self._keep(miner, (*others, hold))

    def lift(self, miners: Iterable[str]) -> None:
        """Unlock machines, whoever locked them; those not held are passed over."""
        for miner in miners:
            self._keep(miner, ())

    def lift_over(self, miners: Iterable[str], at: datetime) -> None:
        """Take off machines the locks whose time was over at an instant."""
        for miner in miners:
            self._keep(miner, tuple(one for one in self._locks.get(miner, ()) if not _is_over(one, at)))

    def over(self, now: datetime) -> list[str]:
        """Return who has a lock whose time is over, in order of ids."""
        return sorted(miner for miner, locks in self._locks.items() if any(_is_over(one, now) for one in locks))

    def by_miner(self) -> Mapping[str, Hold]:
        """Return by each machine's id the lock that forbids most: a lockout, then the one that lasts longest."""
        return self._by_miner

    def _keep(self, miner: str, locks: tuple[Hold, ...]) -> None:
        if locks:
            self._locks[miner] = locks
            self._by_miner[miner] = max(locks, key=_weight)
        else:
            self._locks.pop(miner, None)
            self._by_miner.pop(miner, None)


def _is_over(hold: Hold, at: datetime) -> bool:
    return hold.until is not None and hold.until <= at


def _weight(hold: Hold) -> tuple[bool, bool, datetime]:
    return hold.kind == "lockout", hold.until is None, hold.until or hold.since
