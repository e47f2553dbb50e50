"""`top`: the site at a glance and the machines that matter most, again and again."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any

import typer

from agent.cli.client import Agent
from agent.cli.failure import USAGE, Failure
from agent.cli.miners import MINER_COLUMNS, miner_row
from agent.cli.offline import Remembered, store_instead
from agent.cli.options import Json, Reach, spread
from agent.cli.show import table
from agent.cli.status import glance, told_by

KEYS = {
    "power": "-power_w",
    "hashrate": "-hashrate_ths",
    "heat": "-hottest_c",
    "efficiency": "-efficiency_j_th",
    "state": "-state",
}
CLEAR = "\x1b[H\x1b[2J\x1b[3J"
LEAST_ROWS, OTHER_LINES, WITHOUT_SCREEN = 5, 14, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How often it is looked, and at how many machines in which order."""

    every: Annotated[float, typer.Option(min=0.5, max=3600, metavar="S", help="Look again after so many seconds.")] = 2
    rounds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Look so often; else till Ctrl-C, once into a pipe.")
    ] = None
    sort: Annotated[str, typer.Option(metavar="KEY", help=f"{', '.join(KEYS)}: the highest first.")] = "power"
    limit: Annotated[int | None, typer.Option(min=1, max=1000, metavar="N", help="So many machines at most.")] = None


@spread
def top(
    looks: Looks,
    reach: Reach,
    select: Annotated[list[str] | None, typer.Argument(metavar="FILTER", help="Selectors; any of these.")] = None,
    as_json_: Json = False,
) -> None:
    """Show site, orders and the machines that draw, hash or heat most, again and again."""
    if looks.sort not in KEYS:
        raise Failure(USAGE, f"--sort: {looks.sort} is none of {', '.join(KEYS)}")
    if (store := store_instead(reach)) is not None:
        _last(store, as_json_=as_json_)
        return
    agent, live = reach.agent(), sys.stdout.isatty()
    most = looks.limit or (_fitting() if live else WITHOUT_SCREEN)
    query = {"sort": KEYS[looks.sort], "select": ",".join(select or ()) or None}
    show = _line if as_json_ else _screen
    with suppress(KeyboardInterrupt):
        for _ in _each_look(looks.rounds or (None if live else 1), looks.every):
            machines = agent.items("/api/v1/miners", query, most)
            if live and not as_json_:
                print(CLEAR, end="")
            show(agent, machines)


def _last(store: Remembered, *, as_json_: bool) -> None:
    """Say what a store knew last; of its machines nothing is known now. Raises Failure."""
    if as_json_:
        from agent.cli.status_store import last_known  # noqa: PLC0415 - quick help needs it not

        site, _ = last_known(store)
        _as_line(site, [])
    else:
        told_by(store, as_json_=False)


def _each_look(rounds: int | None, every_s: float) -> Iterator[int]:
    """Yield each time that it is looked again."""
    for at in count() if rounds is None else range(rounds):
        if at:
            sys.stdout.flush()
            time.sleep(every_s)
        yield at


def _fitting() -> int:
    return max(LEAST_ROWS, shutil.get_terminal_size().lines - OTHER_LINES)


def _screen(agent: Agent, machines: list[dict[str, Any]]) -> None:
    glance(agent, agent.get("/api/v1/site"))
    table(MINER_COLUMNS, (miner_row(miner) for miner in machines))


def _line(agent: Agent, machines: list[dict[str, Any]]) -> None:
    """Print a round as one line of JSON."""
    _as_line(agent.get("/api/v1/site"), machines)


def _as_line(site: dict[str, Any], machines: list[dict[str, Any]]) -> None:
    print(json.dumps({"site": site, "items": machines, "next": None}, ensure_ascii=False))
