"""`plan`: what would be done under a cap; changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.failure import NO
from agent.cli.options import Json, Reach, spread
from agent.cli.show import as_json, figure, kw, table


@spread
def plan(
    max_import_kw: Annotated[float, typer.Option(metavar="X", min=0, max=1e9, help="The cap, kW.", show_default=False)],
    reach: Reach,
    fleet: Annotated[
        Path | None, typer.Option(metavar="FLEET.json", help="Plan for these machines, without an agent.")
    ] = None,
    as_json_: Json = False,
) -> None:
    """Say what would be done under a cap, and change nothing. Exit 1 where a shortfall is left."""
    if fleet is not None:
        from agent.cli.plan_fleet import plan_fleet  # noqa: PLC0415 - numpy is not for every command

        raise typer.Exit(plan_fleet(fleet, max_import_kw, as_json_))
    told = reach.agent().post("/api/v1/plan", {"max_import_kw": max_import_kw})
    if as_json_:
        as_json(told)
    else:
        _show(told)
    if told["shortfall_w"] > 0:
        raise typer.Exit(NO)


def _show(told: dict[str, Any]) -> None:
    table(("level", "machines "), sorted(Counter(told["levels"].values()).items()))
    print(f"{kw(told['power_w'])} at the meter, {figure(told['hashrate_ths'], 'TH/s', 1)}")
    if told["shortfall_w"] > 0:
        print(f"shortfall {kw(told['shortfall_w'])}")
