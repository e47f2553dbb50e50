"""Civil time from a clock that may be wrong: monotonic time and an offset, doubted after a step until it is confirmed.

Knows no clock: it is handed what the host's clocks say. While in doubt there are two candidates, the offset that was
kept and the host's. What it tells as `at` never goes back: where the host's clock did, it runs slower until caught up.
A start on the same run of the host knows what time it must be. On another, a clock that is ahead of the last fact is
doubted until it has been set: no more time has surely passed since that fact than the start is old.
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


@dataclass(frozen=True, slots=True)
class Stepped:
    """Civil time stepped by so much."""

    step_s: float


@dataclass(frozen=True, slots=True)
class Unset:
    """The host began anew, and nobody has set its clock since."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """The host's clock is trusted again."""


Doubt = Stepped | Unset | Trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the host's clock stands: `off_s` ahead of the time that is told; doubted since, None: it is not."""

    off_s: float
    doubted_since: float | None = None  # monotonic


class TrustedTime:
    """One host's civil time. `look` is called at least each few seconds; `doubts` gathers what is to be told."""

    def __init__(self) -> None:
        self.doubts: list[Doubt] = []
        self.is_unset = False
        self._kept: timedelta | None = None  # the offset that is trusted: civil time at monotonic zero, since EPOCH
        self._host = timedelta()
        self._since: float | None = None  # monotonic; None: not in doubt
        self._floor = EPOCH  # the latest that was told when doubt began
        self._told: tuple[datetime, float] | None = None

    def begin(
        self,
        last_at: datetime | None,
        *,
        doubted: bool,
        wall: datetime,
        mono: float,
        expected: datetime | None = None,
        is_set: bool = True,
    ) -> None:
        """Go on from the ledger's last fact; `doubted`: a step before it was not confirmed.

        `expected` is what the time must be where the host's run goes on, None where it began anew or cannot tell;
        `is_set`: whether a time service has set the clock in this run.
        """
        self.look(wall, mono)
        if last_at is None:
            return
        self._told = (last_at, mono)
        if expected is not None:
            self._go_on(expected, last_at, doubted=doubted, wall=wall, mono=mono)
            return
        if wall < last_at - STEP:
            self.doubts.append(Stepped((wall - last_at).total_seconds()))
        elif not is_set and wall > last_at + STEP:
            self.doubts.append(Unset())
            self.is_unset = True
        elif not (doubted and wall > last_at + STEP):
            return
        self._doubt(last_at, last_at, mono)

    def _go_on(self, expected: datetime, last_at: datetime, *, doubted: bool, wall: datetime, mono: float) -> None:
        off = wall - expected
        if abs(off) > STEP:
            if not doubted:
                self.doubts.append(Stepped(off.total_seconds()))
            self._doubt(expected, last_at, mono)
        elif doubted:
            self.doubts.append(Trusted())

    def _doubt(self, kept_at: datetime, floor: datetime, mono: float) -> None:
        self._kept = kept_at - EPOCH - timedelta(seconds=mono)
        self._since, self._floor = mono, floor

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
                self.doubts.append(Trusted())
            self.trust()
        return self._moment(self._kept, mono)

    def trust(self) -> None:
        """Take the host's clock for right, as ten minutes of agreement do, or a hand, who tells it himself."""
        self._kept, self._since, self.is_unset = self._host, None, False

    def was_set(self) -> None:
        """Take the clock for right which a time service has set now."""
        self.doubts.append(Trusted())
        self.trust()

    def began_at(self, up_s: float, mono: float) -> datetime | None:
        """Return when a run of the host that is `up_s` old began, None while its clock is in doubt."""
        if self._kept is None or self._since is not None:
            return None
        return EPOCH + self._kept + timedelta(seconds=mono - up_s)

    def standing(self, wall: datetime, mono: float) -> Standing:
        """Return how the host's clock stands, which says `wall` and `mono`."""
        told = self.look(wall, mono)
        return Standing(off_s=(wall - told.at).total_seconds(), doubted_since=self._since)

    def _stepped(self, by: timedelta, mono: float) -> None:
        self.doubts.append(Stepped(by.total_seconds()))
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
