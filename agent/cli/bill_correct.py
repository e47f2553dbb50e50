"""`bill correct`: tell a running agent what metering intervals really counted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.options import By, Json, Reach, spread
from agent.cli.show import as_json, plain

HEAD = ["start", "kwh"]


@spread
def correct(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Rows start,kwh: what each interval counted.", show_default=False)
    ],
    by: By,
    reach: Reach,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The meter's protocol, a letter.")] = "",
    as_json_: Json = False,
) -> None:
    """Correct what the meter's intervals counted: closed months stay, the difference is due in the present one."""
    told = reach.agent().post("/api/v1/bill/corrections", {"reads": _rows(file), "by": by, "why": why})
    if as_json_:
        as_json(told)
    else:
        print(f"corrected {len(told['reads'])} intervals from {plain(told['reads'][0]['start'])}")


def _rows(file: Path) -> list[dict[str, Any]]:
    from agent.inputs.csv_rows import csv_rows  # noqa: PLC0415 - quick help needs it not
    from agent.inputs.stepped import WrongRow  # noqa: PLC0415 - likewise

    try:
        rows = [row for _, row in csv_rows(file.read_text(encoding="utf-8-sig"))]
    except (WrongRow, csv.Error) as error:
        raise Failure(USAGE, f"{file.name}: {error}") from None
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not rows or [cell.strip().lower() for cell in rows[0]] != HEAD:
        raise Failure(USAGE, f"{file.name}: the first row must be start,kwh")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(HEAD):
            raise Failure(USAGE, f"{file.name}: row {number}: has {len(row)} cells where start,kwh are two")
    if len(rows) == 1:
        raise Failure(USAGE, f"{file.name}: corrects nothing")
    return [dict(zip(HEAD, (cell.strip() for cell in row), strict=True)) for row in rows[1:]]
