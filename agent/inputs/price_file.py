"""Files beside a tariff: CSV rows of one step to `Prices` or `Purchases`, or the first row that is wrong.

Rows are named by their `start`; by their `end`; or by `date,hour`, where hours are counted from 1 by the intervals of
the local day, so that the day on which clocks go back has a 25th. Then `price`, `kwh,price[,above][,below]`, or `mwh`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

from agent.inputs.csv_rows import csv_rows
from agent.inputs.stepped import Row, Steps, WrongRow, instant, stepped
from agent.problems import ConfigError, Problem
from agent.tariffs.money import DECIMALS, rounded
from agent.tariffs.periods import midnight
from agent.tariffs.schedule import Bought, Purchases
from agent.tariffs.series import Prices

TIMES = (("start",), ("end",), ("date", "hour"))
PRICES = (("price",),)
PURCHASES = (
    ("kwh", "price"),
    ("kwh", "price", "above"),
    ("kwh", "price", "below"),
    ("kwh", "price", "above", "below"),
)
VOLUMES = (("mwh",), ("kwh",))
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_MOST = Decimal(10) ** 9
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60))
_HOUR = timedelta(hours=1)


def read_prices(path: Path, zone: tzinfo) -> Prices:
    """Read a file of prices; a time without an offset is of `zone`. Raises ConfigError naming the row."""
    return parse_prices(_text(path), zone, file=path.name)


def read_purchases(path: Path, zone: tzinfo) -> Purchases:
    """Read a file of what was bought; a time without an offset is of `zone`. Raises ConfigError naming the row."""
    return parse_purchases(_text(path), zone, file=path.name)


def parse_prices(text: str, zone: tzinfo, *, file: str = "prices.csv") -> Prices:
    """Return the prices that a text is. Raises ConfigError."""
    try:
        steps, rows = _rows(text, zone, PRICES)
        return Prices(start=steps.start, step=steps.step, values=tuple(_number(row, "price") for row in rows))
    except WrongRow as error:
        raise _bad(file, error.place, str(error)) from None
    except csv.Error as error:
        raise _bad(file, "", f"is no CSV: {error}") from None


def parse_purchases(text: str, zone: tzinfo, *, file: str = "bought.csv") -> Purchases:
    """Return what a text says was bought. Raises ConfigError."""
    try:
        steps, rows = _rows(text, zone, PURCHASES)
        return Purchases(start=steps.start, step=steps.step, intervals=tuple(map(_bought, rows)))
    except WrongRow as error:
        raise _bad(file, error.place, str(error)) from None
    except csv.Error as error:
        raise _bad(file, "", f"is no CSV: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Energy by steps of one length without gaps."""

    start: datetime
    step: timedelta
    kwh: tuple[Decimal, ...]


def read_volumes(path: Path, zone: tzinfo) -> Volumes:
    """Read a file of volumes, `mwh` or `kwh`; a time without an offset is of `zone`. Raises ConfigError."""
    try:
        steps, rows = _rows(_text(path), zone, VOLUMES)
        return Volumes(start=steps.start, step=steps.step, kwh=tuple(map(_volume, rows)))
    except WrongRow as error:
        raise _bad(path.name, error.place, str(error)) from None
    except csv.Error as error:
        raise _bad(path.name, "", f"is no CSV: {error}") from None


def _volume(row: Row) -> Decimal:
    name = "mwh" if "mwh" in row.cells else "kwh"
    value = _number(row, name)
    if value < 0:
        raise WrongRow(row.place, f"{name}: must not be below 0, and not {value}")
    return value * 1000 if name == "mwh" else value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise _bad(path.name, "", f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _bad(file: str, key: str, reason: str) -> ConfigError:
    return ConfigError([Problem(file=file, key=key, reason=reason)])


def _bought(row: Row) -> Bought:
    kwh = _number(row, "kwh")
    if kwh < 0:
        raise WrongRow(row.place, f"kwh: must not be below 0, and not {kwh}")
    sides = {side: _number(row, side) if side in row.cells else None for side in ("above", "below")}
    return Bought(kwh=kwh, price=_number(row, "price"), above=sides["above"], below=sides["below"])


def _steps(rows: Sequence[Row], name: str, zone: tzinfo) -> Steps:
    found = stepped(rows, zone)
    if found.step not in _STEPS:
        raise WrongRow(rows[1].place, f"is {found.step} after the first, and a step is 5, 10, 15, 30 or 60 minutes")
    return Steps(start=found.start - found.step, step=found.step) if name == "end" else found


def _rows(text: str, zone: tzinfo, values: Sequence[tuple[str, ...]]) -> tuple[Steps, list[Row]]:
    """Return the step of the rows, and the rows."""
    filled = csv_rows(text)
    heading = tuple(cell.lower() for cell in filled[0][1]) if filled else ()
    if heading not in {(*times, *columns) for times in TIMES for columns in values}:
        known = " or ".join(",".join((*times, *values[0])) for times in TIMES)
        rest = "".join(f"[,{name}]" for name in values[-1][len(values[0]) :])
        raise WrongRow("header", f"must be {known}{rest}")
    rows = list(_cells(filled[1:], heading, zone))
    return _steps(rows, heading[0], zone), rows


def _cells(filled: Sequence[tuple[int, list[str]]], heading: Sequence[str], zone: tzinfo) -> Iterator[Row]:
    for number, (line, told) in enumerate(filled, start=1):
        place = f"row {number} (line {line})"
        if len(told) != len(heading):
            raise WrongRow(place, f"has {len(told)} cells, and the header {len(heading)}")
        cells = dict(zip(heading, told, strict=True))
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


def _number(row: Row, name: str) -> Decimal:
    told = row.cells[name]
    value = Decimal(told) if _NUMBER.fullmatch(told) is not None else None
    if value is None or abs(value) > _MOST or value != rounded(value, DECIMALS):
        raise WrongRow(row.place, f"{name}: must be a number such as -12.5" + (f", and not {told}" if told else ""))
    return value
