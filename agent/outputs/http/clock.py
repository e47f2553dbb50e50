"""Civil time over HTTP: whether and since when the host's clock is doubted; and a hand's word that it is right."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Confirmation, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.problems import Problem
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route
from agent.outputs.sight import Sight
from agent.trusted_time import CONFIRMED_S
from agent.values import rfc3339

log = structlog.get_logger()


class ClockRoutes:
    """The routes of the clock."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/clock"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.now)
        yield Route(method="POST", path=f"{path}/trust", need=Need.OPERATE, answer=self.trust, body=Confirmation)

    async def now(self, _request: web.Request) -> web.Response:
        """Tell the time, and whether the host's clock is trusted; in doubt since when, and when that ends by itself."""
        return as_json(self._told())

    async def trust(self, request: web.Request) -> web.Response:
        """Take the host's clock for right, by a hand; 409 where it is not doubted."""
        body = read(await request.read() or b"{}", Confirmation)
        by = hand(body.by, request)
        if not await self._desk.trust_clock(by=by):
            raise Problem(HTTPStatus.CONFLICT, "the host's clock is not doubted")
        log.info("the clock was confirmed over http", by=by)
        return as_json({**self._told(), "by": by})

    def _told(self) -> dict[str, Any]:
        now, standing = self._sight.now(), self._desk.clock()
        since = None
        if standing.doubted_since is not None:
            since = now.at - timedelta(seconds=now.mono - standing.doubted_since)
        return {
            "at": rfc3339(now.at),
            "host_at": rfc3339(now.at + timedelta(seconds=standing.off_s)),
            "off_s": round(standing.off_s, 3),
            "trusted": now.is_trusted,
            "doubted_since": None if since is None else rfc3339(since),
            "confirmed_at": None if since is None else rfc3339(since + timedelta(seconds=CONFIRMED_S)),
        }
