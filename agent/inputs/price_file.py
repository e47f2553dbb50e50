"""A file of prices: CSV rows of one step to `Prices`, or the first row that is wrong.

Three headings: `start,price`; `end,price`, where rows are named by the end of their interval; and `date,hour,price`,
where hours are counted from 1 by the intervals of the local day, so that the day on which clocks go back has a 25th.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

from agent.inputs.stepped import Row, Steps, WrongRow, instant, stepped
from agent.problems import ConfigError, Problem
from agent.tariffs.money import DECIMALS, rounded
from agent.tariffs.periods import midnight
from agent.tariffs.series import Prices

HEADINGS = (("start", "price"), ("end", "price"), ("date", "hour", "price"))
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_MOST = Decimal(10) ** 9
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60))
_HOUR = timedelta(hours=1)


def read_prices(path: Path, zone: tzinfo) -> Prices:
    """Read a file of prices; a time without an offset is of `zone`. Raises ConfigError naming the row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=path.name, key="", reason=reason)]) from None
    return parse_prices(text, zone, file=path.name)


def parse_prices(text: str, zone: tzinfo, *, file: str = "prices.csv") -> Prices:
    """Return the prices that a text is. Raises ConfigError."""
    try:
        rows, name = _rows(text, zone)
        found = _steps(rows, name, zone)
        return Prices(start=found.start, step=found.step, values=tuple(map(_price, rows)))
    except WrongRow as error:
        raise ConfigError([Problem(file=file, key=error.place, reason=str(error))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(file=file, key="", reason=f"is no CSV: {error}")]) from None


def _steps(rows: Sequence[Row], name: str, zone: tzinfo) -> Steps:
    found = stepped(rows, zone)
    if found.step not in _STEPS:
        raise WrongRow(rows[1].place, f"is {found.step} after the first, and a step is 5, 10, 15, 30 or 60 minutes")
    return Steps(start=found.start - found.step, step=found.step) if name == "end" else found


def _rows(text: str, zone: tzinfo) -> tuple[list[Row], str]:
    """Return the rows, and the name of the column that says when they are."""
    reader = csv.reader(text.splitlines(), strict=True, skipinitialspace=True)
    filled = [(reader.line_num, told) for told in reader if any(cell.strip() for cell in told)]
    heading = tuple(cell.strip().lower() for cell in filled[0][1]) if filled else ()
    if heading not in HEADINGS:
        raise WrongRow("header", f"must be {' or '.join(','.join(names) for names in HEADINGS)}")
    rows = list(_cells(filled[1:], heading, zone))
    return rows, heading[0]


def _cells(filled: Sequence[tuple[int, list[str]]], heading: Sequence[str], zone: tzinfo) -> Iterator[Row]:
    for number, (line, told) in enumerate(filled, start=1):
        place = f"row {number} (line {line})"
        if len(told) != len(heading):
            raise WrongRow(place, f"has {len(told)} cells, and the header {len(heading)}")
        cells = dict(zip(heading, (cell.strip() for cell in told), strict=True))
        start = _of_day(place, cells, zone) if heading[0] == "date" else instant(place, cells[heading[0]], heading[0])
        yield Row(place=place, start=start, cells=cells)


def _of_day(place: str, cells: dict[str, str], zone: tzinfo) -> datetime:
    """Return the start of the interval that a date and its number within the local day name."""
    try:
        day, hour = date.fromisoformat(cells["date"]), int(cells["hour"])
    except ValueError:
        raise WrongRow(place, f"{cells['date']} {cells['hour']} is no date with an hour of 1 to 25") from None
    start = midnight(day, zone) + (hour - 1) * _HOUR
    if hour < 1 or start >= midnight(day + timedelta(days=1), zone):
        raise WrongRow(place, f"{day} has no hour {hour}")
    return start.astimezone(UTC)


def _price(row: Row) -> Decimal:
    told = row.cells["price"]
    value = Decimal(told) if _NUMBER.fullmatch(told) is not None else None
    if value is None or abs(value) > _MOST or value != rounded(value, DECIMALS):
        raise WrongRow(row.place, "price: must be a number such as -12.5" + (f", and not {told}" if told else ""))
    return value
