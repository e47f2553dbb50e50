"""Machines that were found over HTTP: listed, and adopted by a hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus

import structlog
from aiohttp import web

from agent.fleet.seals import Objection
from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Adopting, Disowning, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import limit_of, listed, only
from agent.outputs.http.problems import Problem
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route
from agent.values import rfc3339

log = structlog.get_logger()


class ProposalRoutes:
    """The routes of proposals."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/proposals"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.all, query=("limit", "cursor"))
        for word, answer, body in (("adopt", self.adopt, Adopting), ("disown", self.disown, Disowning)):
            yield Route(method="POST", path=f"{path}/{word}", need=Need.OPERATE, answer=answer, body=body)

    async def all(self, request: web.Request) -> web.Response:
        """List the machines that were found and are nobody's, and who answers in place of one of ours."""
        only(request.query, ())
        limit, after = limit_of(request.query), request.query.get("cursor", "")
        found = [item for item in sorted(self._desk.proposals(), key=_id) if _id(item) > after]
        items = [{**item, "since": _when(item["since"])} for item in found[: limit + 1]]
        return as_json(listed(items[:limit], _id(items[limit - 1]) if len(items) > limit else None))

    async def adopt(self, request: web.Request) -> web.Response:
        """Take machines into the farm, by their ids, or all that nothing speaks against; a dry run only names them."""
        body = read(await request.read() or b"{}", Adopting)
        miners = body.miners
        if miners is None:
            miners = sorted(_id(item) for item in self._desk.proposals() if item["note"] is None)
        by = hand(body.by, request)
        objection = await self._desk.adopt(miners, body, by=by) if miners else None
        _refuse(objection)
        if not body.dry_run:
            log.info("adopted over http", by=by, miners=len(miners))
        return as_json({**body.model_dump(), "miners": miners, "by": by})

    async def disown(self, request: web.Request) -> web.Response:
        """Let go of machines that were adopted; one that an order holds is held to it till it closes."""
        body = read(await request.read(), Disowning)
        by = hand(body.by, request)
        _refuse(await self._desk.disown(body.miners, by=by, dry_run=body.dry_run))
        if not body.dry_run:
            log.info("disowned over http", by=by, miners=len(body.miners))
        return as_json({**body.model_dump(), "by": by})


def _refuse(objection: Objection | None) -> None:
    """Raise the problem of what stands against it: nothing was changed."""
    if objection is not None:
        errors = [{"field": objection.field, "reason": objection.reason}]
        raise Problem(HTTPStatus.CONFLICT, f"{objection.field}: {objection.reason}", errors=errors)


def _when(since: object) -> str | None:
    return rfc3339(since) if isinstance(since, datetime) else None


def _id(item: Mapping[str, object]) -> str:
    return str(item["id"])
