"""Rows of a CSV that follow one another by one fixed step: each stands where the step puts it, so that no gap passes.

A time without an offset is of a local clock: which of an hour's two passes a row means follows from its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from agent.tariffs.money import DECIMALS, rounded

_DAY_FIRST = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})[ T](.+)")
_ENDS_DAY = re.compile(r"(.{10})[ T]24:00(?::00)?(Z|[+-][0-9:]+)?")
_YEARS = range(1970, 2200)
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: how it is called in a sentence, when it starts, and what it says."""

    place: str
    start: datetime
    cells: dict[str, str]


class WrongRow(Exception):
    """A row that cannot be; `place` says which."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """When the first row starts, in UTC, and how long each holds."""

    start: datetime
    step: timedelta


def instant(place: str, told: str, name: str = "start") -> datetime:
    """Return the instant, or the local time, that a cell is; 24:00 is the next day's midnight. Raises WrongRow."""
    day_first = _DAY_FIRST.fullmatch(told)
    iso = told if day_first is None else "{2}-{1}-{0} {3}".format(*day_first.groups())
    ends_day = _ENDS_DAY.fullmatch(iso)
    try:
        found = datetime.fromisoformat(iso if ends_day is None else f"{ends_day[1]} 00:00{ends_day[2] or ''}")
        found = found if ends_day is None else found + _LONGEST
    except (ValueError, OverflowError):
        found = None
    if found is None or found.year not in _YEARS:
        raise WrongRow(place, f"{name}: {told} is no instant such as 2026-01-31T18:00:00+06:00")
    return found


def stepped(rows: Sequence[Row], clock: tzinfo) -> Steps:
    """Return the step of rows, of which the first two set it. Raises WrongRow."""
    if len(rows) < 2:
        raise WrongRow("", "needs at least two rows, which set the step")
    first = _utc(rows[0].start, clock)
    step = _step(first, rows[1], clock)
    for at, row in enumerate(rows):
        _stand(row, first + at * step, clock)
    return Steps(start=first, step=step)


def _utc(start: datetime, clock: tzinfo) -> datetime:
    return (start if start.tzinfo is not None else start.replace(tzinfo=clock)).astimezone(UTC)


def _step(first: datetime, second: Row, clock: tzinfo) -> timedelta:
    step = _utc(second.start, clock) - first
    if step <= timedelta(0):  # the second row may be of the second pass of an hour
        step = _utc(second.start.replace(fold=1), clock) - first
    if not timedelta(0) < step <= _LONGEST:
        raise WrongRow(second.place, "must start after the first row, and at most a day after it")
    return step


def _stand(row: Row, due: datetime, clock: tzinfo) -> None:
    """Raise unless a row starts where the step puts it."""
    if row.start.tzinfo is None:
        local = due.astimezone(clock).replace(tzinfo=None)
        is_due, is_early = row.start == local, row.start < local
    else:
        local = due.astimezone(row.start.tzinfo)
        is_due, is_early = row.start == due, row.start < due
    if not is_due:
        why = "it stands twice or out of order" if is_early else "there is a gap before it"
        raise WrongRow(row.place, f"starts at {row.start.isoformat()} where {local.isoformat()} is due: {why}")


_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_MOST = Decimal(10) ** 12


def number(row: Row, name: str) -> Decimal:
    """Return the figure from 0 that a cell is. Raises WrongRow."""
    told = row.cells.get(name, "")
    value = Decimal(told) if _NUMBER.fullmatch(told) is not None else None
    if value is None or value > _MOST or value != rounded(value, DECIMALS):
        raise WrongRow(
            row.place, f"{name}: must be a number from 0, such as 12.5" + (f", and not {told}" if told else "")
        )
    return value
