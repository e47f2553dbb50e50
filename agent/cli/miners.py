"""`miners`: list machines, and set the levels that their owner wants of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from agent.cli.client import Agent
from agent.cli.failure import NO, Failure
from agent.cli.groups import Listing
from agent.cli.options import Json, Reach, Selector, examples, spread
from agent.cli.show import UNKNOWN, as_json, figure, plain, table
from agent.values import FULL, SLEEP

MOST_NAMED = 10
MINER_COLUMNS = ("miner", "model", "state", "TH/s ", "W ", "by", "level", "intended", "°C ")

miners = typer.Typer(
    cls=Listing,
    help="List machines, and set what their owner wants of them. Without a command: list.",
    epilog=examples(
        "hashwatt miners",
        "hashwatt miners feeder:T1 --state hashing",
        "hashwatt miners rack:3 firmware:*luxos* owner:acme",
        "hashwatt miners sleep tag:row:3",
        "hashwatt miners limit '10.20.1.*' 3000 --yes",
    ),
)

Yes = Annotated[bool, typer.Option("--yes", help="Do it; left out, it is only said what would be done.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which machines are listed."""

    state: Annotated[str | None, typer.Option(metavar="STATE", help="hashing, idle, sleeping, starting, fault, …")] = (
        None
    )
    feeder: Annotated[str | None, typer.Option(metavar="ID", help="Those on a feeder and below it.")] = None
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="Those with a tag.")] = None
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Those of a model.")] = None
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="So many at most.")] = None


@miners.command("list", epilog=examples("hashwatt miners", "hashwatt miners 'T1-*' --json"))
@spread
def list_miners(
    filters: Filters,
    reach: Reach,
    select: Annotated[list[str] | None, typer.Argument(metavar="FILTER", help="Selectors; any of these.")] = None,
    as_json_: Json = False,
) -> None:
    """List machines."""
    query = {
        "select": ",".join(select or ()) or None,
        "state": filters.state,
        "feeder": filters.feeder,
        "tag": filters.tag,
        "model": filters.model,
    }
    found = reach.agent().items("/api/v1/miners", query, filters.limit)
    if as_json_:
        as_json({"items": found, "next": None})
        return
    table(MINER_COLUMNS, (miner_row(miner) for miner in found))
    print(f"{len(found)} machines")


def miner_row(miner: dict[str, Any]) -> tuple[object, ...]:
    """Return a machine's cells under MINER_COLUMNS."""
    board_temps = (board.get("chip_temp_c") for board in miner.get("boards") or ())
    return (
        miner["miner"]["id"],
        miner["miner"].get("model"),
        miner.get("reason") or miner["state"],
        figure(miner.get("hashrate_ths"), digits=1),
        figure(miner.get("power_w")),
        miner.get("power_source"),
        miner.get("level"),
        miner.get("intended"),
        _hottest(board_temps),
    )


def _hottest(temps: Iterable[float | None]) -> str:
    known = [temp for temp in temps if temp is not None]
    return figure(max(known), digits=0) if known else UNKNOWN


@miners.command("sleep", epilog=examples("hashwatt miners sleep feeder:T1", "hashwatt miners sleep 'm-1*' --yes"))
@spread
def sleep(select: Selector, reach: Reach, yes: Yes = False) -> None:
    """Want machines asleep."""
    _set(reach.agent(), select, SLEEP, yes=yes)


@miners.command("wake", epilog=examples("hashwatt miners wake state:sleeping --yes"))
@spread
def wake(select: Selector, reach: Reach, yes: Yes = False) -> None:
    """Want machines awake, at full power: the same as full."""
    _set(reach.agent(), select, FULL, yes=yes)


@miners.command("full", epilog=examples("hashwatt miners full '*' --yes"))
@spread
def full(select: Selector, reach: Reach, yes: Yes = False) -> None:
    """Want machines at full power."""
    _set(reach.agent(), select, FULL, yes=yes)


@miners.command("limit", epilog=examples("hashwatt miners limit model:S19j* 2500 --yes"))
@spread
def limit(
    select: Selector,
    watts: Annotated[int, typer.Argument(metavar="WATTS", min=1, help="W at the wall, of each machine.")],
    reach: Reach,
    yes: Yes = False,
) -> None:
    """Want machines to draw at most so many watts each."""
    _set(reach.agent(), select, f"limit:{watts}", yes=yes)


@miners.command("reboot", epilog=examples("hashwatt miners reboot 10.20.1.7", "hashwatt miners reboot rack:3 --yes"))
@spread
def reboot(select: Selector, reach: Reach, yes: Yes = False) -> None:
    """Restart machines; who is held, or lowered by an order, is left out."""
    _send(reach.agent(), select, "reboot", yes=yes)


@miners.command("locate", epilog=examples("hashwatt miners locate 10.20.1.7 --yes", "hashwatt miners locate '*' --off"))
@spread
def locate(
    select: Selector,
    reach: Reach,
    off: Annotated[bool, typer.Option("--off", help="Let them stop blinking.")] = False,
    yes: Yes = False,
) -> None:
    """Let machines blink."""
    _send(reach.agent(), select, "unlocate" if off else "locate", yes=yes)


def _send(agent: Agent, select: str, errand: str, *, yes: bool) -> None:
    """Say who would be told and who not, and why; then tell them, where that is wanted."""
    wish = {"select": select, "errand": errand}
    planned = agent.post("/api/v1/miners/errands", {**wish, "dry_run": True})
    print(f"{len(planned['miners'])} machines would {errand}: {named(planned['miners'])}")
    say_left_out(planned["left_out"])
    if not planned["miners"] or not (yes or agreed()):
        print("nothing was sent")
        return
    done = agent.post("/api/v1/miners/errands", wish)
    print(f"{len(done['miners'])} machines were told to {errand}")
    say_left_out({miner: why for miner, why in done["left_out"].items() if miner not in planned["left_out"]})


def say_left_out(left_out: dict[str, str]) -> None:
    """Say who is left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for miner, why in left_out.items():
        by_reason.setdefault(why, []).append(miner)
    for why, ids in by_reason.items():
        print(f"left out, {plain(why)}: {named(ids)}")


def _set(agent: Agent, select: str, level: str, *, yes: bool) -> None:
    """Say who would be told; then tell them, where that is wanted."""
    wish = {"select": select, "level": level}
    planned = agent.post("/api/v1/miners/levels", {**wish, "dry_run": True})
    told = planned["miners"]
    print(f"{len(told)} machines would be wanted at {level}: {named(told)}")
    for given, ids in planned["instead"].items():
        print(f"{len(ids)} of them have no such level and would go to {plain(given)}: {named(ids)}")
    if not told or not (yes or agreed()):
        print("nothing was changed")
        return
    done = agent.post("/api/v1/miners/levels", wish)
    print(f"{len(done['miners'])} machines are now wanted at {done['level']}")


def agreed() -> bool:
    """Ask on a terminal; elsewhere nobody can agree. Raises Failure where the answer is no."""
    if not sys.stdin.isatty():
        print("this was a dry run; --yes does it")
        return False
    if input("type yes to do it: ").strip().lower() != "yes":
        raise Failure(NO, "nothing was changed")
    return True


def named(ids: list[str]) -> str:
    """Return the first few ids and how many there are beyond."""
    first = ", ".join(plain(miner) for miner in ids[:MOST_NAMED])
    return first + (f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else "") if ids else "none"
