"""`journal`: what happened, in words, newest last: from a running agent, else from its store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from agent.cli.client import Agent
from agent.cli.failure import USAGE, Failure
from agent.cli.offline import Remembered, read_config, remembered, running
from agent.cli.options import Reach, instant, present, spread
from agent.cli.show import as_json, plain
from agent.values import rfc3339

if TYPE_CHECKING:
    from agent.search import Search

PATH = "/api/v1/ledger"
EACH_S = 1.0
"""How often it is asked what is new, while it is followed."""
TURN = 1000
Shown = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which facts are wanted."""

    since: Annotated[str | None, typer.Option(metavar="T", help="From then on; -2h, -3d or RFC 3339.")] = None
    until: Annotated[str | None, typer.Option(metavar="T", help="Before then.")] = None
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Of this kind; may be repeated.")] = None
    order: Annotated[str | None, typer.Option(metavar="ID", help="What this order's evidence holds.")] = None
    miner: Annotated[str | None, typer.Option(metavar="ID", help="What names this machine.")] = None
    every: Annotated[bool, typer.Option("--all", help="What is no news too: intervals, snapshots, proofs.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where facts come from, and by whose clock they are told."""

    read: Callable[[Search], list[Shown]]
    zone: tzinfo


@spread
def journal(
    asked: Asked,
    reach: Reach,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The latest so many.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens.")] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the store itself, by this configuration.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="The facts themselves; followed: one a line.")] = False,
) -> None:
    """Tell what happened, in words, newest last; without an agent from its store. Times are the site's."""
    search, source = _search(asked, limit), _source(reach, config)
    found = source.read(replace(search, limit=limit + 1, newest_first=True))
    latest = found[:limit][::-1]
    if as_json_ and not follow:
        as_json({"items": latest, "next": str(latest[0]["number"]) if len(found) > limit else None})
        return
    if len(found) > limit:
        typer.echo(f"older ones are left out: --limit is {limit}", err=True)
    say = _say_json if as_json_ else _say
    say(latest, source.zone)
    if follow:
        _follow(source, search, latest, say)


def _follow(source: _Source, search: Search, latest: list[Shown], say: Callable[[list[Shown], tzinfo], None]) -> None:
    """Tell what happens, until a key ends it."""
    last = latest[-1]["number"] if latest else 0
    try:
        while True:
            told = source.read(replace(search, after=last, limit=TURN))
            say(told, source.zone)
            last = told[-1]["number"] if told else last
            if len(told) < TURN:
                time.sleep(EACH_S)
    except KeyboardInterrupt:
        return


def _search(asked: Asked, limit: int) -> Search:
    """Return what is asked for. Raises Failure."""
    from agent.search import KINDS, Search  # noqa: PLC0415 - quick help needs it not

    kinds = tuple(asked.kind or ())
    if unknown := set(kinds) - KINDS:
        raise Failure(USAGE, f"--kind: there is no {min(unknown)}; there are {', '.join(sorted(KINDS))}")
    since, until = (_past(told, key) for told, key in ((asked.since, "--since"), (asked.until, "--until")))
    return Search(
        kinds=kinds or _news(asked),
        since=since,
        until=until,
        order=asked.order,
        miner=asked.miner,
        limit=limit,
    )


def _news(asked: Asked) -> tuple[str, ...]:
    """Return the kinds that are told where none is named; of one machine everything is."""
    from agent.outputs.words import QUIET  # noqa: PLC0415 - quick help needs it not
    from agent.search import KINDS  # noqa: PLC0415 - likewise

    return () if asked.every or asked.miner is not None else tuple(sorted(KINDS - QUIET))


def _past(told: str | None, key: str) -> datetime | None:
    """Return an instant; -2h and the like count back from now. Raises Failure."""
    now = present()
    if told is None or not told.startswith("-"):
        at = instant(told, key, now)
        return None if at is None else datetime.fromisoformat(at)
    later = instant(f"+{told[1:]}", key, now)
    back = datetime.fromisoformat(later or "") - now
    return now - max(back, timedelta())


def _source(reach: Reach, config: Path | None) -> _Source:
    """Return the agent, or where none runs its store. Raises Failure."""
    agent = running(reach, config)
    if agent is None:
        store = remembered(reach, read_config(config))
        zone = "UTC" if store.config is None else store.config.schema.site.timezone
        return _Source(read=lambda search: _remembered(store, search), zone=ZoneInfo(zone))
    return _Source(read=lambda search: _asked(agent, search), zone=ZoneInfo(agent.get("/api/v1/site")["timezone"]))


def _remembered(store: Remembered, search: Search) -> list[Shown]:
    from agent.outputs.shown import event_json  # noqa: PLC0415 - quick help needs it not

    return [event_json(*found) for found in store.search(search)]


def _asked(agent: Agent, search: Search) -> list[Shown]:
    query = {
        "kind": ",".join(search.kinds) or None,
        "from": None if search.since is None else rfc3339(search.since),
        "to": None if search.until is None else rfc3339(search.until),
        "order": search.order,
        "miner": search.miner,
    }
    if search.newest_first:
        return agent.items(PATH, {**query, "sort": "-number"}, search.limit)
    told: list[Shown] = agent.get(PATH, {**query, "cursor": search.after, "limit": search.limit})["items"]
    return told


def _say(facts: Iterable[Shown], zone: tzinfo) -> None:
    for fact in facts:
        at = datetime.fromisoformat(fact["at"]).astimezone(zone)
        print(f"{at.isoformat(' ', 'seconds')}  {plain(_words(fact))}", flush=True)


def _say_json(facts: Iterable[Shown], _zone: tzinfo) -> None:
    for fact in facts:
        print(json.dumps(fact, ensure_ascii=False), flush=True)


def _words(fact: Shown) -> str:
    """Return the sentence of a fact; of a kind that a later agent knows, its name."""
    import msgspec  # noqa: PLC0415 - quick help needs it not

    from agent.facts import AnyFact  # noqa: PLC0415 - likewise
    from agent.outputs.words import sentence  # noqa: PLC0415 - likewise

    try:
        return sentence(msgspec.convert(fact, AnyFact))
    except msgspec.ValidationError:
        return str(fact.get("fact"))
