"""`plan`: what would be done under a cap, or best on a day; changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from agent.cli.client import Agent
from agent.cli.failure import NO, USAGE, Failure
from agent.cli.offline import store_instead
from agent.cli.options import Json, Reach, spread
from agent.cli.plan_market import DayAhead, bought, nominated
from agent.cli.show import as_json, figure, kw, loud, plain, table
from agent.cli.status import NO_AGENT


@spread
def plan(
    reach: Reach,
    ahead: DayAhead,
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
    """Say what would be done under a cap, or what earns most on a day, and change nothing.

    Without either: what is done now. A day that is over is shown with what it made. Exit 1 where a shortfall is left.
    """
    asked = sum((floor, max_import_kw is not None, ahead.day is not None))
    if asked > 1 or (fleet is not None and max_import_kw is None):
        raise Failure(USAGE, "say one of --max-import-kw, --floor and --day")
    if ahead.day is None and (ahead.nominate or ahead.bought):
        raise Failure(USAGE, "--nominate and --bought need --day")
    if ahead.day is not None:
        _plan_day(reach.agent(), ahead.day, ahead, as_json_)
        return
    if max_import_kw is None:
        _show_known(reach, floor=floor, whole=as_json_)
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


def _plan_day(agent: Agent, told: str, ahead: DayAhead, whole: bool) -> None:
    from agent.cli import plan_day  # noqa: PLC0415 - quick help needs it not

    if ahead.bought is not None:
        if ahead.nominate is not None:
            raise Failure(USAGE, "--nominate and --bought: one comes before the market's answer, the other after it")
        bought(agent, told, ahead)
        return

    known = plan_day.made(agent, told)
    if known["is_past"]:
        _show_past(known, ahead, whole)
        return
    found = plan_day.planned(agent, known["day"])
    plan_day.keep(agent, found)
    if ahead.nominate is not None:
        nominated(found, ahead)
    elif whole:
        as_json(plan_day.as_told(found))
    else:
        plan_day.show(found)
    if found.plan.is_short:
        raise typer.Exit(NO)


def _show_past(known: dict[str, Any], ahead: DayAhead, whole: bool) -> None:
    from agent.cli import plan_day  # noqa: PLC0415 - quick help needs it not

    if ahead.nominate is not None:
        raise Failure(NO, f"too late to nominate: {known['day']} is over")
    if whole:
        as_json(known)
    else:
        plan_day.show_past(known)


class DayCommand(TyperCommand):
    """A command whose `--day` may stand without a day: tomorrow is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments apart."""
        told = list(args)
        for at, word in enumerate(args):
            if word == "--day" and (at + 1 == len(args) or args[at + 1].startswith("-")):
                told[at] = "--day=tomorrow"
        return super().parse_args(ctx, told)


def _show_known(reach: Reach, *, floor: bool, whole: bool) -> None:
    """Show the plan that is carried out, or the floor; where no agent runs what its store knew last of the plan."""
    store = None if floor else store_instead(reach)
    if store is not None:
        from agent.cli.status_store import last_plan  # noqa: PLC0415 - quick help needs it not

        if not whole:
            loud(NO_AGENT)
        _show_now(last_plan(store), whole)
    elif floor:
        _show_floor(reach.agent().get("/api/v1/capability"), whole)
    else:
        _show_now(reach.agent().get("/api/v1/plan"), whole)


def _show_now(told: dict[str, Any], whole: bool) -> None:
    if whole:
        as_json(told)
    else:
        _show_counts(told)
    if (told["shortfall_w"] or 0) > 0:
        raise typer.Exit(NO)


def _show_counts(told: dict[str, Any]) -> None:
    counts = [(level, *(of[name] for name in ("intended", "setpoint", "seen"))) for level, of in told["levels"].items()]
    table(("level", "intended ", "set ", "seen "), counts)
    by = f" by order {plain(told['binding_order'])}" if told["binding_order"] else ""
    print(f"{kw(told['power_w'])} of {kw(told['cap_w'])}{by}, shortfall {kw(told['shortfall_w'])}")
    for one in told["next"]:
        print(plain(f"{one['at']}  {one['order_id']} {one['what']}, {one['demand']}"))


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
