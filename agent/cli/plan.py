"""`plan`: what would be done under a cap; changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.options import Json, Reach, spread
from agent.cli.show import as_json, figure, kw, table


@spread
def plan(
    reach: Reach,
    max_import_kw: Annotated[
        float | None, typer.Option(metavar="X", min=0, max=1e9, help="The cap, kW.", show_default=False)
    ] = None,
    floor: Annotated[
        bool, typer.Option("--floor", help="Instead: how low the site goes and how fast, by software and breakers.")
    ] = False,
    fleet: Annotated[
        Path | None, typer.Option(metavar="FLEET.json", help="Plan for these machines, without an agent.")
    ] = None,
    as_json_: Json = False,
) -> None:
    """Say what would be done under a cap, and change nothing. Exit 1 where a shortfall is left."""
    if floor == (max_import_kw is not None):
        raise Failure(USAGE, "say one of --max-import-kw and --floor")
    if max_import_kw is None:
        _show_floor(reach.agent().get("/api/v1/capability"), as_json_)
        return
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


def _show_floor(told: dict[str, Any], whole: bool) -> None:
    if whole:
        as_json(told)
        return
    rows = [
        ("floor by software", figure(told["floor_kw"], "kW", 1)),
        ("floor with breakers", figure(told["floor_with_breakers_kw"], "kW", 1)),
        *((f"shed in {seconds} s", figure(shed_kw, "kW", 1)) for seconds, shed_kw in told["shed_kw"].items()),
        ("restore a minute", figure(told["restore_kw_per_min"], "kW", 1)),
        ("held", figure(told["held_kw"], "kW", 1)),
        ("house", figure(told["house_kw"], "kW", 1)),
    ]
    table(("what", "how much"), rows)


def _show(told: dict[str, Any]) -> None:
    table(("level", "machines "), sorted(Counter(told["levels"].values()).items()))
    print(f"{kw(told['power_w'])} at the meter, {figure(told['hashrate_ths'], 'TH/s', 1)}")
    if told["shortfall_w"] > 0:
        print(f"shortfall {kw(told['shortfall_w'])}")
