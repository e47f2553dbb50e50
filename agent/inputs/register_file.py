"""A load's file of what registers show: rows `at,register_kwh[,export_register_kwh,…,meter,quality]` to a `Load`.

What a step counted is the difference of two reads. A register that begins again at 0 is told by its digits; a meter
that was exchanged by its name in the column `meter`: its last read and the first of the new one stand at one instant,
which may lie within a step. Reads stand at one fixed step, so that nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
from typing import Any

from agent.inputs.stepped import Row, WrongRow, instant, number
from agent.tariffs.load import Column, Load

REGISTERS: Mapping[str, Column] = {
    "register_kwh": "kwh",
    "export_register_kwh": "export_kwh",
    "register_kvarh": "kvarh",
    "register_kvarh_lead": "kvarh_lead",
}
COLUMNS = ("at", *REGISTERS, "meter", "quality")
_LONGEST = timedelta(days=1)
_HALF = 2
"""A register that seems to have gone round by more than half of its range has rather gone back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    row: Row
    at: datetime
    meter: str
    shown: dict[str, Decimal]


def is_of_registers(names: Sequence[str]) -> bool:
    """Whether a header is that of such a file."""
    return "register_kwh" in names


def load_of_registers(
    names: Sequence[str], rows: Sequence[tuple[str, list[str]]], digits: int | None, zone: tzinfo | None = None
) -> tuple[Load, tzinfo]:
    """Return the load that rows of cells are, each with its place, and its clock. Raises WrongRow.

    `digits` are those before the point; a time without an offset is of `zone`, else UTC.
    """
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            allowed = ", ".join(COLUMNS)
            raise WrongRow("header", f"{name or 'an unnamed column'} is none of {allowed}, or stands twice")
    if "at" not in names:
        raise WrongRow("header", "needs the columns at and register_kwh")
    if len(rows) < _HALF:
        raise WrongRow("", "needs at least two reads")
    reads: list[_Read] = []
    for place, cells in rows:
        reads.append(_read(place, names, cells, zone or UTC, reads[-1] if reads else None))
    load = _load(reads, [name for name in names if name in REGISTERS], digits)
    return load, zone or reads[0].row.start.tzinfo or UTC


def _read(place: str, names: Sequence[str], cells: list[str], clock: tzinfo, before: _Read | None) -> _Read:
    if len(cells) != len(names):
        raise WrongRow(place, f"has {len(cells)} cells where there are {len(names)} columns")
    told = dict(zip(names, cells, strict=True))
    row = Row(place=place, start=instant(place, told["at"], "at"), cells=told)
    meter, shown = told.get("meter", ""), {name: number(row, name) for name in names if name in REGISTERS}
    return _Read(row=row, at=_instant(row.start, clock, meter, before), meter=meter, shown=shown)


def _instant(told: datetime, clock: tzinfo, meter: str, before: _Read | None) -> datetime:
    """Return when a read was taken: of an hour that comes twice the pass that follows the read before it."""
    if told.tzinfo is not None:
        return told.astimezone(UTC)
    first, second = (told.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before is None or first > before.at or (first == before.at and meter != before.meter):
        return first
    return second


def _load(reads: Sequence[_Read], names: Sequence[str], digits: int | None) -> Load:
    first, step = reads[0].at, _step(reads)
    sums = dict.fromkeys(names, Decimal(0))
    steps: dict[str, list[Decimal]] = {name: [] for name in names}
    quality: list[str] = []
    doubt = reads[0].row.cells.get("quality", "")
    for before, after in pairwise(reads):
        if after.at == before.at:
            _exchanged(before, after)
            continue
        for name, counted in _counted(before, after, names, digits):
            sums[name] += counted
        doubt = after.row.cells.get("quality", "") or doubt
        due = first + step * (len(quality) + 1)
        if after.at == due:
            for name in names:
                steps[name].append(sums[name])
                sums[name] = Decimal(0)
            quality.append(doubt)
            doubt = after.row.cells.get("quality", "")
        elif after.at > due or not _is_exchange(after, reads):
            raise WrongRow(after.row.place, f"is read at {after.at.isoformat()} where {due.isoformat()} is due")
    if any(sums.values()):
        raise WrongRow(reads[-1].row.place, "is the last read, and of no whole step")
    columns: dict[str, Any] = {REGISTERS[name]: tuple(steps[name]) for name in names}
    return Load(start=first, step=step, quality=tuple(quality) if any(quality) else None, **columns)


def _step(reads: Sequence[_Read]) -> timedelta:
    """Return how long a step is: from the first read to the next that is of no exchange."""
    for read in reads[1:]:
        if read.at != reads[0].at and not _is_exchange(read, reads):
            step = read.at - reads[0].at
            if not timedelta(0) < step <= _LONGEST:
                raise WrongRow(read.row.place, "must be read after the first, and at most a day after it")
            return step
    raise WrongRow("", "needs at least two reads, which set the step")


def _is_exchange(read: _Read, reads: Sequence[_Read]) -> bool:
    return any(other.at == read.at and other.meter != read.meter for other in reads)


def _exchanged(before: _Read, after: _Read) -> None:
    if before.meter == after.meter:
        raise WrongRow(after.row.place, "is read twice at one instant, and no other meter is named")


def _counted(before: _Read, after: _Read, names: Sequence[str], digits: int | None) -> Iterator[tuple[str, Decimal]]:
    if after.at < before.at:
        raise WrongRow(after.row.place, "stands out of order")
    if before.meter != after.meter:
        said = f"meter {after.meter or '(unnamed)'} follows {before.meter or '(unnamed)'}"
        raise WrongRow(
            after.row.place, f"{said}: the last read of the one and the first of the other are of one instant"
        )
    for name in names:
        counted = after.shown[name] - before.shown[name]
        if counted < 0:
            counted = _gone_round(name, before, after, digits)
        yield name, counted


def _gone_round(name: str, before: _Read, after: _Read, digits: int | None) -> Decimal:
    went = f"{name}: goes back from {before.shown[name]} to {after.shown[name]}"
    if digits is None:
        raise WrongRow(
            after.row.place,
            f"{went}: --register-digits says when it begins again, the column meter that it was exchanged",
        )
    whole = Decimal(10) ** digits
    counted = after.shown[name] + whole - before.shown[name]
    if before.shown[name] >= whole or counted > whole / _HALF:
        raise WrongRow(after.row.place, f"{went}, which a register of {digits} digits that begins again does not")
    return counted
