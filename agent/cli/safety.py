"""`safety`: smoke, leaks, pumps that fail: what each input says, and a hand's word that one is over."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.cli.groups import Listing
from agent.cli.options import Json, Reach, examples, spread
from agent.cli.show import as_json, figure, plain, table

safety = typer.Typer(
    cls=Listing,
    help="Smoke, leaks, pumps that fail: what sheds a feeder at once. Without a command: list.",
    epilog=examples("hashwatt safety", "hashwatt safety --json", "hashwatt safety clear smoke-T1 --by Aigul"),
)
PATH = "/api/v1/safety"


@safety.command("list", epilog=examples("hashwatt safety", "hashwatt safety list --json"))
@spread
def list_inputs(reach: Reach, as_json_: Json = False) -> None:
    """List the safety inputs: what each says, and which has tripped and waits for a hand."""
    found = reach.agent().get(PATH)["items"]
    if as_json_:
        as_json({"items": found, "next": None})
        return
    table(("input", "feeder", "says", "age ", "tripped"), map(_row, found))
    print(f"{sum(item['tripped'] is not None for item in found)} of {len(found)} have tripped")


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    says = {None: None, True: "TRUE", False: "false"}[item["says"]]
    return item["id"], item["feeder"], says, figure(item["age_s"], "s", 1), tripped(item)


def tripped(item: dict[str, Any]) -> str | None:
    """Return why and since when an input has tripped, None where it has not."""
    trip = item["tripped"]
    return None if trip is None else f"{trip['why'].upper()} since {trip['since']}"


@safety.command("clear", epilog=examples("hashwatt safety clear smoke-T1 --by Aigul"))
@spread
def clear(
    name: Annotated[str, typer.Argument(metavar="ID", help="The input.", show_default=False)],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who has looked, and says it is over.")],
    reach: Reach,
    as_json_: Json = False,
) -> None:
    """Say that what tripped an input is over: its feeder may come back. Exit 1 while it still says true."""
    told = reach.agent().post(f"{PATH}/{name}/clear", {"by": by})
    if as_json_:
        as_json(told)
    else:
        print(f"{plain(told['id'])} is cleared by {plain(told['by'])}; its feeder comes back along the ramp")
