"""Drills over HTTP: planned, begun, looked at, stopped."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

import structlog
from aiohttp import web

from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Confirmation, Drilling, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route

log = structlog.get_logger()


class DrillRoutes:
    """The routes of drills."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/drill"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.now)
        yield Route(method="POST", path=path, need=Need.OPERATE, answer=self.begin, body=Drilling)
        yield Route(method="DELETE", path=path, need=Need.OPERATE, answer=self.stop, body=Confirmation)

    async def now(self, _request: web.Request) -> web.Response:
        """Return the drill that goes or the last that went, and each model's figures that were ever measured here."""
        return as_json(self._desk.drill())

    async def begin(self, request: web.Request) -> web.Response:
        """Measure a share of a feeder's machines at each level; a dry run only says whom, and what is against it."""
        body = read(await request.read(), Drilling)
        try:
            plan = await self._desk.drill_plan(body.feeder, body.percent)
            if body.dry_run:
                return as_json({**plan, "dry_run": True})
            by = hand(body.by, request)
            objection = await self._desk.begin_drill(body.feeder, body.percent, by=by)
        except ValueError as error:
            raise bad_field("feeder", str(error)) from None
        if objection is not None:
            errors = [{"field": objection.field, "reason": objection.reason}]
            raise Problem(HTTPStatus.CONFLICT, objection.reason, errors=errors)
        log.info("a drill was begun over http", feeder=body.feeder, percent=body.percent, by=by)
        return as_json({**plan, "dry_run": False})

    async def stop(self, request: web.Request) -> web.Response:
        """End the drill that goes: its machines go back to what is wanted of them."""
        by = hand(read(await request.read() or b"{}", Confirmation).by, request)
        if not await self._desk.stop_drill(by=by):
            raise Problem(HTTPStatus.CONFLICT, "no drill goes")
        return as_json(self._desk.drill())
