"""`check`: what a configuration would enforce, in words, or every mistake in it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from agent.cli.failure import USAGE
from agent.cli.options import present


def check(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
) -> None:
    """Say in words what a configuration would enforce and charge. Exit 2 with every mistake: file, key, reason."""
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command
    from agent.wiring.followed import FOLLOWED, mistakes  # noqa: PLC0415
    from agent.wiring.money_terms import terms_of  # noqa: PLC0415
    from agent.wiring.order_room import schedule_of  # noqa: PLC0415
    from agent.wiring.outlet_room import check_snmp  # noqa: PLC0415

    try:
        sound = load(config)
    except ConfigError as error:
        _refuse(error.problems)
    found = [*mistakes(sound, terms_of, schedule_of, check_snmp)]
    if found:
        _refuse(found)
    from agent.words.explain import explain  # noqa: PLC0415
    from agent.words.money import terms_in_words  # noqa: PLC0415

    for line in explain(sound, terms_in_words(terms_of(sound), present())):
        print(line)
    for problem in mistakes(sound, *FOLLOWED):
        print(f"warning: {problem.key}: {problem.reason}; where that is so, run does not start")


def _refuse(problems: Iterable[object]) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(USAGE)
