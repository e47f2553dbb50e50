"""`check`: what a configuration would enforce, in words, or every mistake in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.failure import USAGE


def check(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
) -> None:
    """Say in words what a configuration would enforce and charge. Exit 2 with every mistake: file, key, reason."""
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command

    try:
        sound = load(config)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
    from agent.explain import explain  # noqa: PLC0415

    for line in explain(sound):
        print(line)
