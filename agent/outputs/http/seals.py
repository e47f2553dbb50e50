"""Seals over HTTP: listed, put on with number and act, taken off by two persons whom the body names."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from agent.fleet.belief import Code
from agent.fleet.seals import Objection, against_lifting, against_sealing
from agent.outputs.http.bodies import Sealing, Unsealing, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import listed
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.http.turns import named
from agent.outputs.shown import seal_json
from agent.outputs.sight import Sight

log = structlog.get_logger()


class SealRoutes:
    """The routes of seals."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    async def all(self, _request: web.Request) -> web.Response:
        """List every sealed miner, and whether it is seen to draw all the same."""
        seals = self._sight.seals
        found = sorted(seals.by_miner().items())
        items = [{"miner": miner, **seal_json(seal, broken=miner in seals.broken)} for miner, seal in found]
        return as_json(listed(items, None))

    async def seal(self, request: web.Request) -> web.Response:
        """Put a seal on miners; those behind this very seal already are passed over."""
        body = read(await request.read(), Sealing)
        ids, known = await named(self._sight.fleet, body.select, body.miners), self._sight.seals.by_miner()
        objection = against_sealing(known, ids, number=body.number, act=body.act)
        bare, by = [miner for miner in ids if miner not in known], hand(body.by, request)
        if objection is None and bare and not body.dry_run:
            objection = await self._desk.seal(bare, number=body.number, act=body.act, by=by)
            log.info("sealed over http", by=by, number=body.number, miners=len(bare))
        _refuse(objection)
        return as_json(
            {
                "miners": bare,
                "number": body.number,
                "act": body.act,
                "by": by,
                "hashing": self._hashing(bare),
                "dry_run": body.dry_run,
            }
        )

    def _hashing(self, miners: Sequence[str]) -> list[str]:
        fleet = self._sight.fleet
        return [miner for miner in miners if fleet.state[fleet.index[miner]] == Code.HASHING]

    async def unseal(self, request: web.Request) -> web.Response:
        """Take the seals off miners, by two persons."""
        body = read(await request.read(), Unsealing)
        ids, seals = await self._behind(body), self._sight.seals
        objection = against_lifting(seals.by_miner(), ids, body.by, body.second)
        if objection is not None and objection.field == "and":
            raise bad_field("and", objection.reason)
        numbers, by, second = seals.numbers(ids), hand(body.by, request), hand(body.second, request)
        if objection is None and not body.dry_run:
            objection = await self._desk.unseal(ids, by=by, second=second)
            log.info("unsealed over http", by=by, second=second, numbers=numbers, miners=len(ids))
        _refuse(objection)
        return as_json({"miners": ids, "numbers": numbers, "by": by, "and": second, "dry_run": body.dry_run})

    async def _behind(self, body: Unsealing) -> list[str]:
        """Return whom the body names: by machines, or by the number of their seal."""
        if body.number is None:
            return await named(self._sight.fleet, body.select, body.miners)
        if body.select is not None or body.miners is not None:
            raise bad_field("number", "say either number or machines")
        ids = self._sight.seals.behind(body.number)
        if not ids:
            _refuse(Objection(field="number", reason=f"there is no seal {body.number!r}"))
        return ids


def _refuse(objection: Objection | None) -> None:
    """Raise the problem of what stands against it: nothing was changed."""
    if objection is not None:
        errors = [{"field": objection.field, "reason": objection.reason}]
        raise Problem(HTTPStatus.CONFLICT, f"{objection.field}: {objection.reason}", errors=errors)
