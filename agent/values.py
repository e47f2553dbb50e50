"""The few value types that every room shares.

Values only: no clock, no I/O, nothing that changes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Watts = float
"""Power at the wall or meter, W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant as every room is handed it.

    `at` is civil time (aware UTC), `mono` a monotonic count of seconds for ages and deadlines.
    While the wall clock is not trusted there are two candidates for civil time: what tightens goes by
    `latest`, what loosens by `earliest`.
    """

    at: datetime
    mono: float
    earliest: datetime
    latest: datetime

    @staticmethod
    def trusted(at: datetime, mono: float) -> Moment:
        """Build the moment of a clock that nobody doubts."""
        return Moment(at=at, mono=mono, earliest=at, latest=at)

    @property
    def is_trusted(self) -> bool:
        """Whether civil time is beyond doubt."""
        return self.earliest == self.latest

    @property
    def may_be_later(self) -> bool:
        """Whether a clock that is ahead of `at` may be right."""
        return self.latest > self.at

    def later(self, seconds: float) -> Moment:
        """Return the moment `seconds` from now by the same clocks."""
        step = timedelta(seconds=seconds)
        return Moment(
            at=self.at + step, mono=self.mono + seconds, earliest=self.earliest + step, latest=self.latest + step
        )


def rfc3339(at: datetime) -> str:
    """Print an aware instant as RFC 3339 in UTC, to the millisecond, ending in Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: in whatever case and spacing they were written."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


FULL, LOW, SLEEP, OFF = "full", "low", "sleep", "off"


def level_is_valid(level: str) -> bool:
    """Whether `level` is of the form full, low, sleep, off, limit:<W> or profile:<name>."""
    kind, _, argument = level.partition(":")
    if kind == "limit":
        return argument.isascii() and argument.isdigit() and len(argument) <= 9 and int(argument) > 0
    if kind == "profile":
        return bool(argument)
    return level in {FULL, LOW, SLEEP, OFF}
