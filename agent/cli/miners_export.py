"""`miners export`: the machines of a configuration as one inventory file, that `csv` of [[miners]] reads back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.failure import USAGE
from agent.cli.show import as_json

if TYPE_CHECKING:  # what a help page needs not
    from agent.inventory import MinerEntry


def export(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Print every machine that a configuration names as CSV, whatever list or file it is from; asks no agent."""
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command

    try:
        entries = load(config).miners
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
    if as_json_:
        as_json({"items": [row(entry) for entry in entries]})
    else:
        print(as_csv(entries), end="")


def row(entry: MinerEntry) -> dict[str, str]:
    """Return a machine's filled columns; what a group would say by default is said by the row."""
    from agent.hosts import COLUMNS  # noqa: PLC0415

    told = {name: getattr(entry, name) for name in COLUMNS} | {"tags": ";".join(entry.tags)}
    return {name: "" if value is None else str(value) for name, value in told.items()}


def as_csv(entries: tuple[MinerEntry, ...]) -> str:
    """Return an inventory file of these machines."""
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    from agent.hosts import COLUMNS  # noqa: PLC0415

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row(entry) for entry in entries)
    return text.getvalue()
