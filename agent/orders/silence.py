"""Whether an issuer is heard, and what holds while it is not: a small machine of its own (contract 4, `on_silence`).

Before the first contact ever, the failsafe holds at once; after it, when no heartbeat came for the time that was
agreed. It is left by a heartbeat and a fresh document after it, else it holds at least its time, and then on or not.
The states are those of EEBus LPC: init and failsafe here, controlled and autonomous outside (rules 906, 911, 916, 921).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Failsafe:
    """What was agreed with an issuer. `then` is hold | release: what follows once `min_s` are over, still in silence.

    `timeout_s` None: only a refused document of its makes it hold.
    """

    timeout_s: float | None
    cap_kw: float
    min_s: float = 7200.0
    then: str = "hold"


class Turn(StrEnum):
    """What a look finds due."""

    BEGIN = "begin"
    RELEASE = "release"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchfulness:
    """An issuer as it is heard, by monotonic seconds. `since`: its failsafe holds; `back_at`: it was heard since."""

    beat_at: float | None = None
    since: float | None = None
    back_at: float | None = None
    released: bool = False

    @property
    def holds(self) -> bool:
        """Whether the failsafe holds."""
        return self.since is not None

    def beaten(self, now: float) -> Watchfulness:
        """Take in a heartbeat."""
        back_at = self.back_at if self.back_at is not None or not self.holds else now
        return replace(self, beat_at=now, back_at=back_at, released=False)

    def told(self, rule: Failsafe) -> tuple[Watchfulness, Turn | None]:
        """Take in a fresh document: with a heartbeat before it, or where none was agreed, it ends the failsafe."""
        if not self.holds or (self.back_at is None and rule.timeout_s is not None):
            return self, None
        return replace(self, since=None, back_at=None), Turn.END

    def refused(self, now: float) -> tuple[Watchfulness, Turn | None]:
        """Take in that a document was refused, where the failsafe was agreed for that too."""
        if self.holds:
            return self, None
        return replace(self, since=now, back_at=None, released=False), Turn.BEGIN

    def looked(self, rule: Failsafe, now: float) -> tuple[Watchfulness, Turn | None]:
        """Let time pass."""
        silent = rule.timeout_s is not None and (self.beat_at is None or now - self.beat_at > rule.timeout_s)
        if self.since is None:
            if silent and not self.released:
                return replace(self, since=now, back_at=None), Turn.BEGIN
            return self, None
        if not silent:
            return self, None
        waiting = replace(self, back_at=None)
        if rule.then == "release" and now - self.since >= rule.min_s:
            return replace(waiting, since=None, released=True), Turn.RELEASE
        return waiting, None
