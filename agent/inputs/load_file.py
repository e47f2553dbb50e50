"""A load's file: rows `start,kwh[,export_kwh,kvarh,kvarh_lead,quality]` to a `Load`, or the first row that is wrong.

Rows may be named by their `end` instead, as hour-ending meters do. The first two set the step; every later one must
stand where the step puts it, so that a gap cannot pass. A time without an offset is the local clock of the tariff:
which of an hour's two passes a row means follows from its place.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from agent.inputs.csv_rows import csv_rows
from agent.inputs.register_file import is_of_registers, load_of_registers
from agent.inputs.stepped import Row, WrongRow, instant, number, stepped
from agent.problems import ConfigError, Problem
from agent.tariffs.load import Load

FIGURES = ("kwh", "export_kwh", "kvarh", "kvarh_lead", "quality")
COLUMNS = ("start", *FIGURES)
_TIMES = ("start", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFile:
    """A load, and the clock by which its rows are written: the zone that was told, else its first row's offset."""

    load: Load
    clock: tzinfo


def read_load(path: Path, *, zone: tzinfo | None = None, register_digits: int | None = None) -> LoadFile:
    """Read a load's file. Raises ConfigError naming the row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=path.name, key="", reason=reason)]) from None
    return parse_load(text, file=path.name, zone=zone, register_digits=register_digits)


def parse_load(
    text: str, *, file: str = "load.csv", zone: tzinfo | None = None, register_digits: int | None = None
) -> LoadFile:
    """Return the load that a text is; a start without an offset is of `zone`, else UTC. Raises ConfigError.

    `register_digits` are those before the point of a meter whose registers are told, and begin again at 0.
    """
    try:
        table = csv_rows(text)
        if (registers := _registers(table)) is not None:
            names, reads = registers
            load, clock = load_of_registers(names, reads, register_digits, zone)
            return LoadFile(load=load, clock=clock)
        rows = list(_rows(table))
        clock = zone or (rows[0].start.tzinfo if rows else None) or UTC
        return LoadFile(load=_load(rows, clock), clock=clock)
    except WrongRow as error:
        raise ConfigError([Problem(file=file, key=error.place, reason=str(error))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(file=file, key="", reason=f"is no CSV: {error}")]) from None


def known_at(load: Load, at: datetime) -> Load | None:
    """Return the steps of a load that had ended at an instant, None where none had."""
    count = min((at - load.start) // load.step, len(load.kwh))
    if count <= 0:
        return None
    cut: dict[str, Any] = {name: None if (told := getattr(load, name)) is None else told[:count] for name in FIGURES}
    return Load(start=load.start, step=load.step, **cut)


Table = list[tuple[int, list[str]]]


def _registers(table: Table) -> tuple[list[str], list[tuple[str, list[str]]]] | None:
    """Return the header and the cells of a file of registers, None for one of kWh."""
    names = [cell.lower() for cell in table[0][1]] if table else []
    if not is_of_registers(names):
        return None
    return names, [(f"row {number} (line {line})", cells) for number, (line, cells) in enumerate(table[1:], 1)]


def _rows(table: Table) -> Iterator[Row]:
    """Yield the rows; without a header they have the columns in their order."""
    columns: Sequence[str] = COLUMNS
    if table and not re.match("[0-9]", table[0][1][0]):
        columns, table = _header(table[0][1]), table[1:]
    time = "end" if "end" in columns else "start"
    for at, (line, cells) in enumerate(table, start=1):
        place = f"row {at} (line {line})"
        if len(cells) > len(columns):
            raise WrongRow(place, "has more cells than there are columns")
        told = dict(zip(columns, cells, strict=False))
        yield Row(place=place, start=instant(place, told.get(time, ""), time), cells=told)


def _header(cells: Sequence[str]) -> Sequence[str]:
    names = [cell.lower() for cell in cells]
    for name in names:
        if name not in {*COLUMNS, "end"}:
            raise WrongRow("header", f"{name or 'an unnamed column'} is none of {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise WrongRow("header", f"{name} stands twice")
    if sum(name in names for name in _TIMES) != 1 or "kwh" not in names:
        raise WrongRow("header", "needs the columns start and kwh, or end and kwh")
    return names


def _load(rows: Sequence[Row], clock: tzinfo) -> Load:
    found = stepped(rows, clock)
    names = [name for name in FIGURES[:-1] if name == "kwh" or any(row.cells.get(name) for row in rows)]
    columns = {name: tuple(number(row, name) for row in rows) for name in names}
    quality = tuple(row.cells.get("quality", "") for row in rows)
    start = found.start - found.step if "end" in rows[0].cells else found.start
    return Load(start=start, step=found.step, **columns, quality=quality if any(quality) else None)
