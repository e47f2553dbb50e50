"""Civil time from a clock that may be wrong: monotonic time and an offset, doubted after a step until it is confirmed.

Knows no clock: it is handed what the host's clocks say. While in doubt there are two candidates, the offset that was
kept and the host's. What it tells as `at` never goes back: where the host's clock did, it runs slower until caught up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent.values import Moment

STEP = timedelta(seconds=5)
"""What moves by more between two looks is a step; slower is a clock that is being set right."""
CONFIRMED_S = 600.0
CATCHING_UP = 0.9
"""Speed of time while it waits for the host's clock: deadlines are late by a tenth, and never stand still."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What came of a look: by how much civil time stepped, None where it only came to be trusted again."""

    step_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the host's clock stands: `off_s` ahead of the time that is told; doubted since, None: it is not."""

    off_s: float
    doubted_since: float | None = None  # monotonic


class TrustedTime:
    """One host's civil time. `look` is called at least each few seconds; `doubts` gathers what is to be told."""

    def __init__(self) -> None:
        self.doubts: list[Doubt] = []
        self._kept: timedelta | None = None  # the offset that is trusted: civil time at monotonic zero, since EPOCH
        self._host = timedelta()
        self._since: float | None = None  # monotonic; None: not in doubt
        self._floor = EPOCH  # the latest that was told when doubt began
        self._told: tuple[datetime, float] | None = None

    def begin(self, last_at: datetime | None, *, doubted: bool, wall: datetime, mono: float) -> None:
        """Go on from the ledger's last fact; `doubted`: a step before it was not confirmed."""
        self.look(wall, mono)
        if last_at is None:
            return
        self._told = (last_at, mono)
        if wall < last_at - STEP:
            self.doubts.append(Doubt(step_s=(wall - last_at).total_seconds()))
        if wall < last_at - STEP or (doubted and wall > last_at + STEP):
            self._kept = last_at - EPOCH - timedelta(seconds=mono)
            self._since, self._floor = mono, last_at

    def look(self, wall: datetime, mono: float) -> Moment:
        """Return the moment at which the host's clocks say `wall` and `mono`."""
        host = wall - EPOCH - timedelta(seconds=mono)
        if self._kept is None:
            self._kept = self._host = host
        if abs(host - self._host) > STEP:
            self._stepped(host - self._host, mono)
        self._host = host
        if abs(host - self._kept) <= STEP or (self._since is not None and mono - self._since >= CONFIRMED_S):
            if self._since is not None:
                self.doubts.append(Doubt(step_s=None))
            self.trust()
        return self._moment(self._kept, mono)

    def trust(self) -> None:
        """Take the host's clock for right, as ten minutes of agreement do, or a hand, who tells it himself."""
        self._kept, self._since = self._host, None

    def standing(self, wall: datetime, mono: float) -> Standing:
        """Return how the host's clock stands, which says `wall` and `mono`."""
        told = self.look(wall, mono)
        return Standing(off_s=(wall - told.at).total_seconds(), doubted_since=self._since)

    def _stepped(self, by: timedelta, mono: float) -> None:
        self.doubts.append(Doubt(step_s=by.total_seconds()))
        if self._since is None:
            self._floor = EPOCH if self._told is None else self._told[0]
        self._since = mono

    def _moment(self, kept: timedelta, mono: float) -> Moment:
        passed = timedelta(seconds=mono)
        candidates = (EPOCH + kept + passed, EPOCH + self._host + passed)
        at = self._onward(candidates[0], mono)
        if self._since is not None:
            earliest = max(min(candidates), self._floor)
            return Moment(at=at, mono=mono, earliest=earliest, latest=max(*candidates, at))
        if at - candidates[1] <= STEP:
            return Moment.trusted(at, mono)
        return Moment(at=at, mono=mono, earliest=candidates[1], latest=at)

    def _onward(self, at: datetime, mono: float) -> datetime:
        """Return `at`, or what was told last and nine tenths of the time since, whichever is later."""
        if self._told is not None:
            told_at, told_mono = self._told
            at = max(at, told_at + CATCHING_UP * timedelta(seconds=max(0.0, mono - told_mono)))
        self._told = (at, mono)
        return at
