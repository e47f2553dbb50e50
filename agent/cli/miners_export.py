"""`miners export`: the machines of a configuration as one inventory file, read back by `csv` and by `import`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.show import as_json


def export(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
    as_json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    as_toml_: Annotated[bool, typer.Option("--toml", help="Print [[miner]] tables, that an import reads.")] = False,
) -> None:
    """Print every machine that a configuration names as CSV, whatever list or file it is from; asks no agent."""
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command
    from agent.inventory.file import as_csv, as_toml  # noqa: PLC0415
    from agent.inventory.inventory import columns_of  # noqa: PLC0415

    if as_json_ and as_toml_:
        raise Failure(USAGE, "--json or --toml, not both")

    try:
        entries = load(config).miners
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
    rows = [columns_of(entry) for entry in entries]
    if as_json_:
        as_json({"items": rows})
    else:
        print(as_toml(rows) if as_toml_ else as_csv(rows), end="")
