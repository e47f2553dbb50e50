"""Rows of a CSV as spreadsheets of several countries write it: with commas, semicolons or tabs, with decimal commas.

A decimal comma is one where cells are not parted by commas; there a dot can only part thousands, so that 1.002 beside
0,5 is refused, since it may be either.
"""

from __future__ import annotations

import csv
import re

from agent.inputs.stepped import WrongRow

_DECIMAL_COMMA = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+),[0-9]+")
_DECIMAL_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+")


def csv_rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with its line. Raises csv.Error, WrongRow."""
    mark = _delimiter(text)
    reader = csv.reader(text.splitlines(), delimiter=mark, strict=True, skipinitialspace=True)
    rows = [(reader.line_num, [cell.strip() for cell in told]) for told in reader if any(cell.strip() for cell in told)]
    if not any(_DECIMAL_COMMA.fullmatch(cell) for _, cells in rows for cell in cells):
        return rows
    if mark == ",":
        line, cell = next((line, cell) for line, cells in rows for cell in cells if _DECIMAL_COMMA.fullmatch(cell))
        raise WrongRow(f"line {line}", f"{cell}: decimal commas go between semicolons or tabs")
    return [(line, [_pointed(line, cell) for cell in cells]) for line, cells in rows]


def _delimiter(text: str) -> str:
    """Return what parts the cells of the first line: a semicolon or a tab where it has one."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in (";", "\t") if mark in first), ",")


def _pointed(line: int, cell: str) -> str:
    if _DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(".", "").replace(",", ".")
    if _DECIMAL_POINT.fullmatch(cell):
        raise WrongRow(f"line {line}", f"{cell} may be of thousands, since other figures have a decimal comma")
    return cell
