"""Safety inputs over HTTP: what each says, which have tripped, and a hand's word that one is over."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

import structlog
from aiohttp import web

from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Confirmation, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import listed
from agent.outputs.http.problems import Problem
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route
from agent.outputs.shown_devices import safety_json
from agent.outputs.sight import Sight

log = structlog.get_logger()


class SafetyRoutes:
    """The routes of safety inputs."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/safety"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.all)
        yield Route(method="POST", path=f"{path}/{{id}}/clear", need=Need.OPERATE, answer=self.clear, body=Confirmation)

    async def all(self, _request: web.Request) -> web.Response:
        """List the safety inputs: what each says, and which sheds its feeder until it is cleared."""
        return as_json(listed(safety_json(self._sight), None))

    async def clear(self, request: web.Request) -> web.Response:
        """Clear a safety input that no longer says true: its feeder may come back."""
        name, by = request.match_info["id"], hand(read(await request.read() or b"{}", Confirmation).by, request)
        if all(item["id"] != name for item in safety_json(self._sight)):
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no safety input {name!r}")
        objection = await self._desk.clear_safety(name, by=by)
        if objection is not None:
            errors = [{"field": objection.field, "reason": objection.reason}]
            raise Problem(HTTPStatus.CONFLICT, objection.reason, errors=errors)
        log.info("a safety input was cleared over http", input=name, by=by)
        return as_json({"id": name, "by": by})
