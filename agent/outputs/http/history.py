"""The past over HTTP: the site's by steps, a machine's by five minutes. A step that nothing is known of is left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from aiohttp import web

from agent.fleet.fleet import Fleet
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.sight import Sight
from agent.past import MINER_STEP_S, SITE_STEP_S, MinerPoint, SitePoint
from agent.values import rfc3339

MOST_POINTS = 2000
USUAL_POINTS = 360
USUAL_SPAN = timedelta(hours=24)
STEPS_S = (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


class Past(Protocol):
    """What the agent remembers of its figures."""

    async def site(self, since: datetime, until: datetime, step_s: int) -> list[SitePoint]:
        """Return the site, a point a step; below a minute only as far back as memory goes."""
        ...

    async def miner(self, miner: str, since: datetime, until: datetime) -> list[MinerPoint]:
        """Return one machine, a point each five minutes."""
        ...


class Histories:
    """The routes that tell what was."""

    def __init__(self, sight: Sight, past: Past) -> None:
        self._sight = sight
        self._past = past

    async def site(self, request: web.Request) -> web.Response:
        """Tell what the site drew: `from` and `to` (a day until now), `step` in seconds (what fits)."""
        since, until = self._span(request.query, {"from", "to", "step"})
        step_s = _step_s(request.query, (until - since).total_seconds())
        points = await self._past.site(since, until, step_s)
        return _told(since, until, step_s, points)

    async def miner(self, request: web.Request) -> web.Response:
        """Tell what one machine drew, each five minutes: `from` and `to` (a day until now)."""
        miner = request.match_info["id"]
        since, until = self._span(request.query, {"from", "to"})
        points = await self._past.miner(miner, since, until)
        if not points and miner not in self._fleet.index:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no miner {miner!r}")
        return _told(since, until, MINER_STEP_S, points)

    @property
    def _fleet(self) -> Fleet:
        return self._sight.fleet

    def _span(self, query: Mapping[str, str], known: set[str]) -> tuple[datetime, datetime]:
        for name in query:
            if name not in known:
                raise bad_field(name, f"is unknown; known are {', '.join(sorted(known))}")
        until = instant(query, "to") or self._sight.now().at
        since = instant(query, "from") or until - USUAL_SPAN
        if since >= until:
            raise bad_field("from", "must be before to")
        return since, until


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Return the instant that a parameter tells, None where it is left out. Raises Problem."""
    told = query.get(name)
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(told.replace(" ", "+"))
    except ValueError:
        raise bad_field(name, "must be an RFC 3339 instant") from None
    if at.tzinfo is None:
        raise bad_field(name, "must have an offset, as in 2026-11-12T08:00:00Z")
    return at


def _step_s(query: Mapping[str, str], span_s: float) -> int:
    told = query.get("step")
    if told is None:
        return next((step for step in STEPS_S if step >= SITE_STEP_S and span_s / step <= USUAL_POINTS), STEPS_S[-1])
    if not (told.isascii() and told.isdigit() and len(told) <= 6 and int(told) > 0):
        raise bad_field("step", "must be a whole number of seconds above 0")
    step_s = int(told)
    if step_s >= SITE_STEP_S and step_s % SITE_STEP_S:
        raise bad_field("step", f"must be a multiple of {SITE_STEP_S}, or less")
    if span_s / step_s > MOST_POINTS:
        raise bad_field("step", f"would give more than {MOST_POINTS} points")
    return step_s


def _told(since: datetime, until: datetime, step_s: int, points: list[Any]) -> web.Response:
    body = {"from": rfc3339(since), "to": rfc3339(until), "step_s": step_s, "items": points, "next": None}
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", headers=headers)
