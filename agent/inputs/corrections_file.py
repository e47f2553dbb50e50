"""Corrected reads: rows `learned,start,kwh[,export_kwh,kvarh,kvarh_lead]`, each a step of the load."""

from __future__ import annotations

import csv
from datetime import UTC
from pathlib import Path

from agent.inputs.csv_rows import csv_rows
from agent.inputs.load_file import COLUMNS, LoadFile
from agent.inputs.stepped import Row, WrongRow, instant, number
from agent.problems import ConfigError, Problem
from agent.tariffs.corrections import Correction
from agent.tariffs.load import Column

_FIGURES: tuple[Column, ...] = ("kwh", "export_kwh", "kvarh", "kvarh_lead")


def read_corrections(path: Path, load: LoadFile) -> list[Correction]:
    """Read the corrections of a load; times without an offset are of its clock. Raises ConfigError naming the row."""
    try:
        return parse_corrections(path.read_text(encoding="utf-8-sig"), load)
    except WrongRow as error:
        raise ConfigError([Problem(file=path.name, key=error.place, reason=str(error))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(file=path.name, key="", reason=f"is no CSV: {error}")]) from None
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=path.name, key="", reason=reason)]) from None


def parse_corrections(text: str, load: LoadFile) -> list[Correction]:
    """Return the corrections that a text is. Raises WrongRow."""
    rows = [cells for _, cells in csv_rows(text)]
    names = [cell.lower() for cell in rows[0]] if rows else []
    allowed = ("learned", *COLUMNS[:-1])
    for name in names:
        if name not in allowed or names.count(name) > 1:
            raise WrongRow("header", f"{name or 'an unnamed column'} is none of {', '.join(allowed)}, or stands twice")
    if "learned" not in names or "start" not in names or len(names) < 3:
        raise WrongRow("header", "needs the columns learned, start and kwh")
    return [_correction(f"row {at}", names, cells, load) for at, cells in enumerate(rows[1:], start=1)]


def _correction(place: str, names: list[str], told: list[str], load: LoadFile) -> Correction:
    if len(told) != len(names):
        raise WrongRow(place, f"has {len(told)} cells where there are {len(names)} columns")
    cells = {name: cell.strip() for name, cell in zip(names, told, strict=True)}
    row = Row(place=place, start=instant(place, cells["start"]), cells=cells)
    learned = instant(place, cells["learned"], "learned")
    start, learned = (
        (at if at.tzinfo is not None else at.replace(tzinfo=load.clock)).astimezone(UTC) for at in (row.start, learned)
    )
    at, rest = divmod(start - load.load.start, load.load.step)
    if rest or not 0 <= at < len(load.load.kwh):
        raise WrongRow(place, f"start: {cells['start']} is no step of the load")
    if learned < start:
        raise WrongRow(place, "learned: is before the step itself")
    figures = {name: number(row, name) for name in _FIGURES if cells.get(name)}
    if not figures:
        raise WrongRow(place, "corrects no figure")
    for name in figures:
        if getattr(load.load, name) is None:
            raise WrongRow(place, f"{name}: the load has no such column")
    return Correction(learned=learned, at=at, figures=figures)
