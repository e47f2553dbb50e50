"""`seal`, `unseal` and `seals`: breakers that an authority locked, by number and act; two persons open them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.miners import Yes, agreed, named
from agent.cli.options import Json, Reach, Selector, spread
from agent.cli.show import as_json, plain, table

PATH = "/api/v1/seals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What is written of a seal."""

    number: Annotated[str, typer.Option(metavar="N", help="The number on the seal.", show_default=False)]
    act: Annotated[str, typer.Option(metavar="ACT", help="The act drawn up of it.", show_default=False)]
    by: Annotated[str, typer.Option(metavar="NAME", help="Who put it on.", show_default=False)]


@spread
def seal(select: Selector, placed: Placed, reach: Reach, yes: Yes = False, as_json_: Json = False) -> None:
    """Note that machines are behind a seal: they count as off, nothing wakes them, and what they draw is an alarm."""
    agent, wish = reach.agent(), {"select": select, **asdict(placed)}
    planned = agent.post(PATH, {**wish, "dry_run": True})
    if not as_json_:
        _say_planned(planned)
    agrees = bool(planned["miners"]) and (yes or (not as_json_ and agreed()))
    told = agent.post(PATH, wish) if agrees else planned
    if as_json_:
        as_json(told)
    else:
        print(
            f"{len(told['miners'])} machines are behind seal {plain(placed.number)} now"
            if agrees
            else "nothing was changed"
        )


def _say_planned(planned: dict[str, Any]) -> None:
    which = f"seal {plain(planned['number'])}, act {plain(planned['act'])}, by {plain(planned['by'])}"
    print(f"{len(planned['miners'])} machines would be sealed ({which}): {named(planned['miners'])}")
    if planned["hashing"]:
        print(f"{len(planned['hashing'])} of them hash now, which would be an alarm: {named(planned['hashing'])}")


@spread
def unseal(
    reach: Reach,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who takes it off.", show_default=False)],
    second: Annotated[str, typer.Option("--and", metavar="NAME", help="Who else: two persons.", show_default=False)],
    select: Annotated[
        str | None, typer.Argument(metavar="SELECTOR", help="Which machines; or --number.", show_default=False)
    ] = None,
    number: Annotated[str | None, typer.Option(metavar="N", help="All that is behind this seal.")] = None,
    as_json_: Json = False,
) -> None:
    """Take seals off machines, by two persons; the machines come back only as orders and caps allow."""
    if (select is None) == (number is None):
        raise Failure(USAGE, "unseal: say either which machines or --number N")
    which = {"select": select} if number is None else {"number": number}
    told = reach.agent().delete(PATH, {**which, "by": by, "and": second})
    if as_json_:
        as_json(told)
        return
    print(
        f"seal {plain(', '.join(told['numbers']))} is off {len(told['miners'])} machines, "
        f"by {plain(told['by'])} and {plain(told['and'])}: {named(told['miners'])}"
    )


@spread
def seals(reach: Reach, as_json_: Json = False) -> None:
    """List what is sealed."""
    found = reach.agent().items(PATH, {})
    if as_json_:
        as_json({"items": found, "next": None})
        return
    columns = ("miner", "seal", "act", "by", "since", "")
    names = ("miner", "number", "act", "by", "since")
    table(columns, ((*(item[name] for name in names), "DRAWS" if item["broken"] else "") for item in found))
    print(f"{len(found)} machines are sealed")
