"""What may be asked: the site, its miners, orders and events, metrics and health. Nothing here changes anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import numpy as np
from aiohttp import hdrs, web
from multidict import MultiMapping

from agent.fleet.selector import matches, selecting
from agent.orders.lifecycle import OrderState
from agent.orders.order import CLASSES
from agent.orders.order_view import OrderView
from agent.outputs.exposition import wants_openmetrics
from agent.outputs.http.desk import Desk
from agent.outputs.http.miner_list import page_of, picked, searched
from agent.outputs.http.paging import limit_of, listed, number_of, only
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.turns import taken
from agent.outputs.metrics import Metrics
from agent.outputs.money_machines import own_break_even
from agent.outputs.shown import event_json, hold_json, miner_json, order_json, site_json
from agent.outputs.sight import Sight
from agent.search import KINDS
from agent.tariffs.money import rounded, written

MOST_AT_ONCE = 65_536
"""Bytes that are handed to the transport before it may say that it is full."""
TURN = 100
"""So many miners are written down before the loop may turn."""
MINER_FILTERS = ("state", "feeder", "tag", "model")
ORDER_FILTERS = {"state": tuple(OrderState), "class": CLASSES}


def as_json(told: Any, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a JSON answer."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status.value, body=_encoded(told), content_type="application/json", headers=headers)


def _encoded(told: Any) -> bytes:
    try:
        return msgspec.json.encode(told)
    except UnicodeEncodeError:  # half a surrogate pair, as a machine or a document may escape it
        return json.dumps(msgspec.to_builtins(told)).encode()


class Reads:
    """The routes that read."""

    def __init__(self, sight: Sight, desk: Desk, metrics: Metrics) -> None:
        self._sight = sight
        self._desk = desk
        self._metrics = metrics

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Show everything that Prometheus reads, in the form that Accept asks for."""
        zipped = "gzip" in request.headers.get("Accept-Encoding", "")
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        scrape = await self._metrics.scrape(self._sight, openmetrics=openmetrics, zipped=zipped)
        response = web.StreamResponse(headers={"Content-Type": scrape.content_type, "Vary": "Accept, Accept-Encoding"})
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.content_length = sum(map(len, scrape.pieces))
        await response.prepare(request)
        for piece in () if request.method == hdrs.METH_HEAD else scrape.pieces:
            view = memoryview(piece)
            for start in range(0, len(view), MOST_AT_ONCE):
                await response.write(view[start : start + MOST_AT_ONCE])
        await response.write_eof()
        return response

    async def health(self, _request: web.Request) -> web.Response:
        """Answer 200 while the loop turns."""
        return as_json({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer 200 when everything that is configured is there, else 503 and what is not."""
        missing = self._sight.not_ready()
        if missing:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(missing), not_ready=list(missing))
        return as_json({"status": "ready", "not_ready": []})

    async def site(self, _request: web.Request) -> web.Response:
        """Show the site as it is now."""
        return as_json(site_json(self._sight))

    async def miners(self, request: web.Request) -> web.Response:
        """List miners in the order of the inventory, or by `sort`; filters: state, feeder, tag, model, select, search.

        `fields` picks members of each miner; `total` counts what the filters leave.
        """
        fleet, query = self._sight.fleet, request.query
        only(query, (*MINER_FILTERS, "select", "search", "sort", "fields"))
        now, limit, rows = self._sight.now(), limit_of(query), await self._filtered(query)
        if query.get("search"):
            rows = await searched(fleet, rows, query["search"])
        page, more = await page_of(fleet, rows, query, limit=limit, now=now)
        seals = self._sight.seals.by_miner()
        holds, items, fields = self._sight.holds(), [], [name for name in query.get("fields", "").split(",") if name]
        for at, row in enumerate(page, 1):
            miner = fleet.miners[row].id
            items.append(picked(miner_json(fleet, row, now, holds.get(miner), seals.get(miner)), fields))
            if at % TURN == 0:
                await asyncio.sleep(0)
        return as_json({**listed(items, fleet.miners[page[-1]].id if more else None), "total": len(rows)})

    async def _filtered(self, query: Mapping[str, str]) -> list[int]:
        fleet, name = self._sight.fleet, "select"
        chosen = np.ones(len(fleet), np.bool_)
        try:
            if "select" in query:
                chosen &= await taken(selecting(fleet, query["select"], perhaps_nobody=True))
            for name in MINER_FILTERS:
                if name in query:
                    chosen &= await taken(matches(fleet, name, query[name]))
        except ValueError as error:
            raise bad_field(name, str(error)) from None
        rows: list[int] = np.flatnonzero(chosen).tolist()
        return rows

    async def miner(self, request: web.Request) -> web.Response:
        """Show one miner."""
        fleet, miner = self._sight.fleet, request.match_info["id"]
        if miner not in fleet.index:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no miner {miner!r}")
        hold, seal = self._sight.holds().get(miner), self._sight.seals.by_miner().get(miner)
        now, row, money = self._sight.now(), fleet.index[miner], self._sight.money
        break_even = None if money is None else own_break_even(money, row, now.at)
        told = miner_json(fleet, row, now, hold, seal)
        return as_json({**told, "break_even_per_kwh": None if break_even is None else written(rounded(break_even, 6))})

    async def orders(self, request: web.Request) -> web.Response:
        """List orders by their ids; filters: state, class, issuer."""
        query = request.query
        only(query, (*ORDER_FILTERS, "issuer"))
        for name, known in ORDER_FILTERS.items():
            if query.get(name, known[0]) not in known:
                raise bad_field(name, f"must be one of {', '.join(known)}")
        limit, after = limit_of(query), query.get("cursor", "")
        found = [view for view in self._sight.book.views() if view.order.order_id > after and _is_asked(view, query)]
        page = found[:limit]
        return as_json(listed([*map(order_json, page)], page[-1].order.order_id if len(found) > limit else None))

    async def order(self, request: web.Request) -> web.Response:
        """Show one order."""
        asked = request.match_info["id"]
        view = self._sight.book.view(asked)
        if view is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no order {asked!r}")
        return as_json(order_json(view))

    async def holds(self, _request: web.Request) -> web.Response:
        """List every lock on a miner."""
        held = sorted(self._sight.holds().items())
        return as_json(listed([{"miner": miner, **hold_json(hold)} for miner, hold in held], None))

    async def events(self, request: web.Request) -> web.Response:
        """Tell what happened, oldest first; `cursor` is the number of the last event known, filter: kind."""
        query = request.query
        only(query, ("kind",))
        limit = limit_of(query)
        found = await self._desk.events(after=number_of(query) or 0, kinds=kinds_of(query), limit=limit + 1)
        page = found[:limit]
        return as_json(listed([event_json(*event) for event in page], str(page[-1][0]) if len(found) > limit else None))


def kinds_of(query: MultiMapping[str]) -> tuple[str, ...]:
    """Return the kinds of facts that are asked for. Raises Problem."""
    kinds = [kind for told in query.getall("kind", []) for kind in told.split(",")]
    if unknown := set(kinds) - KINDS:
        raise bad_field("kind", f"there is no kind {min(unknown)!r}")
    return tuple(kinds)


def _is_asked(view: OrderView, query: Mapping[str, str]) -> bool:
    told = {"state": view.state.value, "class": view.order.order_class, "issuer": view.order.issuer}
    return all(query.get(name, value) == value for name, value in told.items())
