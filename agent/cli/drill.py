"""`drill`: what machines really draw at each level, and how long sleep and wake take, measured at the meter."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

from agent.cli.client import Agent
from agent.cli.failure import NO, USAGE, Failure
from agent.cli.miners import Yes, agreed, named, say_left_out
from agent.cli.options import Json, Reach, spread
from agent.cli.show import as_json, plain, table

PATH = "/api/v1/drill"
LOOKS_EACH_S = 1.0


class _Stopped(Exception):
    """The shell was told to end."""


@spread
def drill(
    reach: Reach,
    feeder: Annotated[
        str | None, typer.Option("--feeder", metavar="F", help="Whose machines are measured; none: what was found.")
    ] = None,
    percent: Annotated[
        float, typer.Option("--percent", metavar="P", min=0.01, max=100, help="So many of each model there.")
    ] = 5.0,
    stop: Annotated[bool, typer.Option("--stop", help="End the drill that goes: its machines go back.")] = False,
    yes: Yes = False,
    as_json_: Json = False,
) -> None:
    """Measure at the meter what machines draw at full, at each level between and asleep; dry run without --yes.

    The figures are this farm's own from then on: planning goes by them. An order, Ctrl-C or whatever else binds ends
    a drill at once, and its machines go back to what is wanted of them.
    """
    agent = reach.agent()
    if stop:
        if feeder is not None:
            raise Failure(USAGE, "--stop ends the drill that goes, of whatever feeder: leave --feeder out")
        _show(agent.delete(PATH, {}), as_json_=as_json_)
    elif feeder is None:
        _show(agent.get(PATH), as_json_=as_json_)
    else:
        _run(agent, {"feeder": feeder, "percent": percent}, yes=yes, as_json_=as_json_)


def _run(agent: Agent, wish: dict[str, Any], *, yes: bool, as_json_: bool) -> None:
    plan = agent.post(PATH, {**wish, "dry_run": True})
    if as_json_ and not yes:
        as_json(plan)
        return
    if not as_json_:
        _say_plan(plan)
    if plan["against"] is not None:
        raise Failure(NO, f"no drill now: {plan['against']}")
    if not (yes or agreed()):
        print("nothing was sent")
        return
    with _ends() as leave_alone:
        try:
            agent.post(PATH, wish)
            found = _watch(agent, say=(lambda _line: None) if as_json_ else _say)
        except (_Stopped, BrokenPipeError):
            leave_alone()
            found = _ended(agent)
    if as_json_:
        as_json(found)
    else:
        _say_found(found["drill"]["measured"])
        _say_failures(found["drill"])
    course = found["drill"]
    if course["state"] != "done" or not course["measured"]:
        raise Failure(NO, f"the drill ended: {course['reason'] or 'nothing was measured'}; its machines go back")


def _ended(agent: Agent) -> Any:
    """End the drill that goes; one that is over by now is told as it ended."""
    try:
        return agent.delete(PATH, {})
    except Failure:
        return _told(agent)


def _told(agent: Agent) -> Any:
    found = agent.get(PATH)
    if found["drill"] is None:
        raise Failure(NO, "the agent knows of no drill: if one went, it began again since, and machines go back")
    return found


@contextmanager
def _ends() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C, an end and a closed terminal stop the drill, until what is yielded is called."""

    def note(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    def leave_alone() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield leave_alone
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(agent: Agent, say: Callable[[str], None]) -> Any:
    """Say each step once, until the drill is over; returns what was found."""
    said = ""
    while True:
        found = _told(agent)
        course = found["drill"]
        if course["state"] != "going":
            return found
        line = _step(course)
        if line and line != said:
            said = line
            say(line)
        time.sleep(LOOKS_EACH_S)


def _say(line: str) -> None:
    print(line, flush=True)


def _step(course: dict[str, Any]) -> str:
    if course["level"] is None:
        return ""
    group = course["groups"][course["group"]]
    part = f"{course['group'] + 1} of {len(course['groups'])}" if len(course["groups"]) > 1 else ""
    stage = f"step {course['stage'] + 1} of {course['stages']}"
    return ", ".join(filter(None, (plain(group["model"]), part, stage, f"{course['level']}: {course['doing']}")))


def _say_plan(plan: dict[str, Any]) -> None:
    for group in plan["groups"]:
        levels = ", ".join(map(plain, group["levels"]))
        count = f"{len(group['miners'])} of {group['alike']} {plain(group['model'])} ({plain(group['driver'])})"
        print(f"{count} would be measured at {levels}: {named(group['miners'])}")
    say_left_out(plan["left_out"])
    if plan["groups"] and plan["meter"] is not None:
        print(f"at meter {plain(plan['meter'])}, for about {max(1, round(plan['lasts_s'] / 60))} min")


def _show(found: dict[str, Any], *, as_json_: bool) -> None:
    if as_json_:
        as_json(found)
        return
    course = found["drill"]
    if course is not None:
        print(f"drill of feeder {plain(course['feeder'])} since {course['since']}: {course['state']}")
        if course["state"] == "going":
            print(_step(course))
        elif course["reason"]:
            print(plain(course["reason"]))
        _say_failures(course)
    _say_found(found["figures"])


def _say_failures(course: dict[str, Any]) -> None:
    for group in course["groups"]:
        if group["failure"]:
            print(f"{plain(group['model'])} was not measured: {plain(group['failure'])}")


def _say_found(figures: list[dict[str, Any]]) -> None:
    if not figures:
        print("nothing was measured yet")
        return
    table(("model", "driver", "level", "W ", "within W ", "sleep s ", "wake s ", "machines ", "at"), _rows(figures))


def _rows(figures: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for one in figures:
        for place, (level, power_w) in enumerate(one["levels_w"].items()):
            whole = (f"{one['sleep_s']:.0f}", f"{one['wake_s']:.0f}", one["machines"], one["at"])
            times = whole if place == 0 else (None, None, None, None)
            yield one["model"], one["driver"], level, f"{power_w:,.0f}", f"{one['error_w']:,.0f}", *times
