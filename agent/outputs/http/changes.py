"""What may be put in from outside: orders, releases, levels, holds, and the what-if that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from agent.facts import OrderMoved
from agent.orders.acks import ack_of_move, ack_of_refusal
from agent.orders.order import Rejection
from agent.outputs.http.access import Token
from agent.outputs.http.bodies import Errand, Lock, Question, Release, Wish, Wishes, read
from agent.outputs.http.desk import Desk
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.http.turns import each, named, selected
from agent.outputs.sight import Sight
from agent.values import rfc3339, same_person

TOKEN = web.RequestKey("token", Token)
LADDERS = 200
"""So many ladders are looked at in one turn."""
log = structlog.get_logger()


class Changes:
    """The routes that change something; each comes with the token that it is done by."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    async def give_order(self, request: web.Request) -> web.Response:
        """Take in an order's document: 202 with its acknowledgement, 422 with the code of its refusal."""
        told = await self._desk.receive(await request.read(), by=request[TOKEN].name)
        if told is None:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "refused, as one like it within this second", headers={"Retry-After": "1"}
            )
        if isinstance(told, OrderMoved):
            return as_json(ack_of_move(told), HTTPStatus.ACCEPTED)
        ack = ack_of_refusal(told)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(ack["reason"]), code=told.code, ack=ack)

    async def release(self, request: web.Request) -> web.Response:
        """Release an order whose end waits for a hand."""
        body = read(await request.read() or b"{}", Release)
        by, second = hand(body.by, request), body.second
        if second is not None:
            _two(body.by, second)
            second = hand(second, request)
        return _stepped(await self._desk.release(request.match_info["id"], by=by, second=second))

    async def accept(self, request: web.Request) -> web.Response:
        """Accept an offer."""
        return await self._answer(request, accept=True)

    async def decline(self, request: web.Request) -> web.Response:
        """Decline an offer."""
        return await self._answer(request, accept=False)

    async def _answer(self, request: web.Request, *, accept: bool) -> web.Response:
        body = read(await request.read() or b"{}", Release)
        by = hand(body.by, request)
        return _stepped(await self._desk.answer(request.match_info["id"], accept=accept, by=by))

    async def set_level(self, request: web.Request) -> web.Response:
        """Set the level that the owner wants of one miner when nothing binds."""
        miner, body = request.match_info["id"], read(await request.read(), Wish)
        if miner not in self._sight.fleet.index:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no miner {miner!r}")
        await self._set([miner], body.level, request)
        return as_json({"miners": [miner], "level": body.level})

    async def set_levels(self, request: web.Request) -> web.Response:
        """Set the level that the owner wants of all miners that a selector names; a dry run only names them.

        `instead` says who has no such level, by the level that it would go to: the next that draws no more.
        """
        body = read(await request.read(), Wishes)
        ids = await selected(self._sight.fleet, body.select)
        instead = await self._instead(ids, body.level)
        if not body.dry_run:
            await self._set(ids, body.level, request)
        return as_json({"miners": ids, "level": body.level, "instead": instead, "dry_run": body.dry_run})

    async def _instead(self, ids: Sequence[str], level: str) -> dict[str, list[str]]:
        fleet, others = self._sight.fleet, dict[str, list[str]]()

        def given(miner: str) -> str:
            ladder = fleet.ladders[fleet.index[miner]].holding(level)
            return ladder.steps[ladder.nearest(level)].level

        for miner, other in zip(ids, await each(ids, given, LADDERS), strict=True):
            if other != level:
                others.setdefault(other, []).append(miner)
        return others

    async def _set(self, ids: Sequence[str], level: str, request: web.Request) -> None:
        by = request[TOKEN].name
        await self._desk.set_level(ids, level, by=by)
        log.info("levels set over http", by=by, level=level, miners=len(ids), first=ids[0])

    async def send(self, request: web.Request) -> web.Response:
        """Have miners reboot or blink; says who is left out and why. A dry run only names them."""
        body, by = read(await request.read(), Errand), request[TOKEN].name
        ids = await selected(self._sight.fleet, body.select)
        left_out = dict(await self._desk.excuses(ids, body.errand))
        told = [miner for miner in ids if miner not in left_out]
        if told and not body.dry_run:
            busy = await self._desk.send(told, body.errand, by=by)
            left_out |= dict.fromkeys(busy, "is busy")
            told = [miner for miner in told if miner not in left_out]
            log.info("sent over http", by=by, errand=body.errand, miners=len(told))
        return as_json({"miners": told, "left_out": left_out, "errand": body.errand, "dry_run": body.dry_run})

    async def lock(self, request: web.Request) -> web.Response:
        """Lock miners, or with `lift` unlock them."""
        body = read(await request.read(), Lock)
        if body.lift:
            return await self._lift(body, request)
        if body.kind is None:
            raise bad_field("kind", "is missing")
        if body.until is not None and body.until <= self._sight.now().at:
            raise bad_field("until", "is over")
        ids, by = await self._named(body), hand(body.by, request)
        await self._desk.hold(ids, kind=body.kind, by=by, until=body.until)
        log.info("held over http", by=by, kind=body.kind, miners=len(ids), first=ids[0])
        until = None if body.until is None else rfc3339(body.until)
        return as_json({"miners": ids, "kind": body.kind, "by": by, "until": until})

    async def unlock(self, request: web.Request) -> web.Response:
        """Unlock miners; those that are not held are passed over."""
        body = read(await request.read(), Lock)
        if body.kind is not None or body.until is not None:
            raise bad_field("kind" if body.kind is not None else "until", "belongs to a lock")
        return await self._lift(body, request)

    async def _lift(self, body: Lock, request: web.Request) -> web.Response:
        held, by = self._sight.holds(), hand(body.by, request)
        ids = [miner for miner in await self._named(body) if miner in held]
        if ids:
            await self._desk.unhold(ids, by=by)
            log.info("held no longer, over http", by=by, miners=len(ids), first=ids[0])
        return as_json({"miners": ids, "by": by})

    async def what_if(self, request: web.Request) -> web.Response:
        """Answer what would be done under a cap at the meter, from the present state; nothing is done."""
        body = read(await request.read(), Question)
        found = self._desk.plan(body.max_import_kw * 1000)
        return as_json(found)

    async def _named(self, body: Lock) -> list[str]:
        return await named(self._sight.fleet, body.select, body.miners)


def hand(told: str | None, request: web.Request) -> str:
    """Return who does it: the name that is told, and the token that vouches for it."""
    token = request[TOKEN].name
    return token if told is None else f"{told} ({token})"


def _two(by: str | None, second: str) -> None:
    """Refuse a second person beside nobody, or beside himself."""
    if by is None:
        raise bad_field("by", "is missing: two persons are named")
    if same_person(by, second):
        raise bad_field("and", f"{second} is the same person as {by}")


def _stepped(told: OrderMoved | Rejection) -> web.Response:
    """Answer with the last step that a hand made an order take, or with why it did not."""
    if isinstance(told, Rejection):
        unknown = told.code == "unknown_target"
        status = HTTPStatus.NOT_FOUND if unknown else HTTPStatus.UNPROCESSABLE_ENTITY
        raise Problem(status, f"{told.code}: {told.reason}", code=told.code)
    return as_json(ack_of_move(told), HTTPStatus.ACCEPTED)
