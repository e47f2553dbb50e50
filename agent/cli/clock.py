"""`clock`: whether the host's clock is trusted, and a hand's word that it is right."""

from __future__ import annotations

from typing import Any

import typer

from agent.cli.groups import Standing
from agent.cli.options import By, Json, Reach, examples, spread
from agent.cli.show import as_json, loud, plain

clock = typer.Typer(
    cls=Standing,
    help="Whether the host's clock is trusted; confirm it by hand. Without a command: status.",
    epilog=examples("hashwatt clock", "hashwatt clock --json", "hashwatt clock trust --by Aigul"),
)
PATH = "/api/v1/clock"


@clock.command("status", epilog=examples("hashwatt clock status --json"))
@spread
def status(reach: Reach, as_json_: Json = False) -> None:
    """Tell whether the host's clock is trusted; in doubt since when, and by how much."""
    _tell(reach.agent().get(PATH), as_json_=as_json_)


@clock.command("trust", epilog=examples("hashwatt clock trust --by Aigul"))
@spread
def trust(by: By, reach: Reach, as_json_: Json = False) -> None:
    """Say that the host's clock is right: limits start and end by it alone. Exit 1 where nobody doubts it."""
    _tell(reach.agent().post(f"{PATH}/trust", {"by": by}), as_json_=as_json_)


def _tell(told: dict[str, Any], *, as_json_: bool) -> None:
    if as_json_:
        as_json(told)
        return
    if told["trusted"]:
        print(f"trusted: it is {plain(told['at'])}")
        return
    print(f"time      {plain(told['at'])}")
    print(f"host      {plain(told['host_at'])}, {told['off_s']:+,.0f} s")
    if told["doubted_since"] is None:
        loud(" the host's clock is trusted; time goes slower until it has caught up ")
        return
    loud(f" doubted since {plain(told['doubted_since'])}: limits start by either time and end by both ")
    print(f"confirmed {plain(told['confirmed_at'])} by itself if it steps no more, or: hashwatt clock trust --by NAME")
