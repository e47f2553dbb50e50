"""Options that many commands share, and how a dataclass of options becomes a command's own."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from agent.cli.client import Agent, reach
from agent.cli.failure import USAGE, Failure
from agent.values import rfc3339

Json = Annotated[bool, typer.Option("--json", help="Print the JSON of the API.")]
Selector = Annotated[
    str,
    typer.Argument(
        metavar="SELECTOR",
        help="* | an id, * and ? in it | a key and what it is, as feeder:F; a comma joins, ! takes away. Keys: feeder, "
        "tag, owner, rack, position, model, make, firmware, mac, serial, state, host.",
        show_default=False,
    ),
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so; it goes into the ledger.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where the agent is and who we are to it."""

    url: Annotated[
        str | None,
        typer.Option(envvar="HASHWATT_URL", metavar="URL", help="The agent, where it is not of this host."),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(envvar="HASHWATT_TOKEN", metavar="TOKEN", help="Left out: that of the state directory."),
    ] = None
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="State directory of the agent.")] = None
    site: Annotated[str | None, typer.Option(metavar="ID", help="Which site, where this host has several.")] = None

    def agent(self) -> Agent:
        """Return the agent that these options lead to. Raises Failure."""
        return reach(url=self.url, token=self.token, state_dir=self.state_dir, site=self.site, environ=os.environ)


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Let typer see the fields of each dataclass parameter as options of the command."""
    hints = get_type_hints(command, include_extras=True)
    shapes: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    plain = [p.replace(annotation=hints[p.name]) for p in inspect.signature(command).parameters.values()]
    arguments = [parameter for parameter in plain if parameter.name not in shapes]
    for shape in shapes.values():
        arguments += _parameters(shape)

    @functools.wraps(command)
    def called(**told: Any) -> None:
        built = {
            name: shape(**{field.name: told.pop(field.name) for field in fields(shape)})
            for name, shape in shapes.items()
        }
        command(**told, **built)

    by_name = [argument.replace(kind=inspect.Parameter.KEYWORD_ONLY) for argument in arguments]
    called.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {argument.name: argument.annotation for argument in arguments}
    del called.__wrapped__  # set by wraps, and read before the annotations
    return called


def _parameters(shape: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(shape, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(shape)
    ]


def examples(*lines: str) -> str:
    """Return the epilog that shows these command lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def present() -> datetime:
    """Return the present instant."""
    from agent.clock import SystemClock  # noqa: PLC0415 - it brings asyncio, which quick help needs not

    return SystemClock().now().at


def instant(told: str | None, key: str, now: datetime) -> str | None:
    """Return an instant as RFC 3339 in UTC; +90s, +30m, +2h and +3d count from `now`. Raises Failure."""
    if told is None:
        return None
    if (later := re.fullmatch(r"\+(\d{1,6})([smhd])", told)) is not None:
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[later[2]]
        return rfc3339(now + timedelta(**{unit: int(later[1])}))
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Failure(USAGE, f"{key}: {told} is no instant such as 2027-01-15T18:00:00+06:00, or +2h")
    return rfc3339(at)
