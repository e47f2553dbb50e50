"""`miners proposed`, `adopt`, `disown`: who was found on the configured networks, taken into the farm, and let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.miners import Yes, agreed, named
from agent.cli.options import Json, Reach, spread
from agent.cli.show import as_json, plain, table

PATH = "/api/v1/proposals"
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How machines are taken in."""

    feeder: Annotated[str, typer.Option(metavar="ID", help="The feeder that they hang on.")] = "site"
    credentials: Annotated[
        str | None, typer.Option(metavar="NAME", help="Their [credentials.*]; left out: the family's default.")
    ] = None
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="As often as wanted.")] = None
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so.")] = None


@spread
def proposed(reach: Reach, as_json_: Json = False) -> None:
    """List who was found on the networks of [discovery] and is nobody's, and who answers in place of one of ours."""
    found = reach.agent().items(PATH, {})
    if as_json_:
        as_json({"items": found, "next": None})
        return
    names = ("id", "make", "model", "firmware", "mac", "serial", "since", "note")
    table(names, ([item.get(name) for name in names] for item in found))
    print(f"{len(found)} machines are proposed; hashwatt miners adopt ID|all takes them in")


@spread
def disown(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Adopted ids.", show_default=False)],
    reach: Reach,
    yes: Yes = False,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so.")] = None,
    as_json_: Json = False,
) -> None:
    """Let go of machines that were adopted; only a hand adopts them again. A dry run first.

    One that an order holds is held to it until it closes.
    """
    agent, wish = reach.agent(), {"miners": ids, "by": by}
    told = agent.post(f"{PATH}/disown", {**wish, "dry_run": True})
    if not as_json_:
        print(f"{len(ids)} machines would be disowned: {named(ids)}")
    agrees = yes or (not as_json_ and agreed())
    told = agent.post(f"{PATH}/disown", wish) if agrees else told
    if as_json_:
        as_json(told)
    else:
        print(f"{len(ids)} machines are disowned" if agrees else "nothing was changed")


@spread
def adopt(
    ids: Annotated[list[str], typer.Argument(metavar="ID...|all", help="Proposed ids.", show_default=False)],
    how: How,
    reach: Reach,
    yes: Yes = False,
    as_json_: Json = False,
) -> None:
    """Take machines that were found into the farm; all: those that nothing speaks against. A dry run first.

    One of ours at whose address another machine answers is that machine from then on. Exit 1 where none is proposed.
    """
    if ALL in ids and len(ids) > 1:
        raise Failure(USAGE, "say either ids or all")
    wish: dict[str, Any] = {
        "miners": None if ids == [ALL] else ids,
        "feeder": how.feeder,
        "credentials": how.credentials,
        "tags": how.tag or [],
        "by": how.by,
    }
    agent = reach.agent()
    planned = agent.post(f"{PATH}/adopt", {**wish, "dry_run": True})
    if not planned["miners"]:
        raise Failure(NO, "nobody is proposed")
    if not as_json_:
        print(f"{len(planned['miners'])} machines would be adopted on {plain(how.feeder)}: {named(planned['miners'])}")
    agrees = yes or (not as_json_ and agreed())
    told = agent.post(f"{PATH}/adopt", {**wish, "miners": planned["miners"]}) if agrees else planned
    if as_json_:
        as_json(told)
    else:
        print(f"{len(told['miners'])} machines are adopted" if agrees else "nothing was changed")
