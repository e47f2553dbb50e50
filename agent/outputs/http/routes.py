"""Every route, once: the server serves this table and the API's own description is made from it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from agent.outputs.http.access import Need
from agent.outputs.http.bill import Bills
from agent.outputs.http.bodies import Body, Errand, Lock, Question, Release, Sealing, Unsealing, Wish, Wishes
from agent.outputs.http.changes import Changes
from agent.outputs.http.page import page
from agent.outputs.http.problems import TYPE
from agent.outputs.http.reads import Reads
from agent.outputs.http.seals import SealRoutes
from agent.outputs.http.watch import Watch

V1 = "/api/v1"
JSON = "application/json"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path: who may, what is asked, what answers, and with which status."""

    method: str
    path: str
    need: Need
    answer: Answer
    body: type[Body] | None = None
    document: bool = False  # the body is an order's document, in the words of its own schema
    query: tuple[str, ...] = ()
    status: HTTPStatus = HTTPStatus.OK


def routes(reads: Reads, changes: Changes, bills: Bills, watch: Watch, seals: SealRoutes) -> tuple[Route, ...]:
    """Return the table, but for the routes that a module brings itself."""
    reading = (*_page(), *_reading(reads), *_money(bills), *_watching(watch))
    return (*reading, *_changing(changes), *_sealing(seals))


def _page() -> Iterable[Route]:
    return (Route(method="GET", path=path, need=Need.NOTHING, answer=answer) for path, answer in page().items())


def _watching(watch: Watch) -> Iterable[Route]:
    for path, answer, query in (
        ("stream", watch.stream.watch, ()),
        ("plan", watch.plans.now, ()),
        ("capability", watch.plans.capability, ()),
        ("history", watch.histories.site, ("from", "to", "step")),
        ("miners/{id}/history", watch.histories.miner, ("from", "to")),
    ):
        yield Route(method="GET", path=f"{V1}/{path}", need=Need.READ, answer=answer, query=query)


def _reading(reads: Reads) -> Iterable[Route]:
    miners = ("state", "feeder", "tag", "model", "select", "search", "sort", "fields", "limit", "cursor")
    for path, need, answer, query in (
        ("/metrics", Need.READ, reads.metrics, ()),
        ("/healthz", Need.NOTHING, reads.health, ()),
        ("/readyz", Need.NOTHING, reads.ready, ()),
        (f"{V1}/site", Need.READ, reads.site, ()),
        (f"{V1}/miners", Need.READ, reads.miners, miners),
        (f"{V1}/miners/{{id}}", Need.READ, reads.miner, ()),
        (f"{V1}/orders", Need.READ, reads.orders, ("state", "class", "issuer", "limit", "cursor")),
        (f"{V1}/orders/{{id}}", Need.READ, reads.order, ()),
        (f"{V1}/holds", Need.READ, reads.holds, ()),
        (f"{V1}/events", Need.READ, reads.events, ("kind", "limit", "cursor")),
    ):
        yield Route(method="GET", path=path, need=need, answer=answer, query=query)


def _money(bills: Bills) -> Iterable[Route]:
    yield Route(method="GET", path=f"{V1}/bill", need=Need.READ, answer=bills.bill, query=("month", "explain"))
    yield Route(
        method="GET", path=f"{V1}/bill/report", need=Need.READ, answer=bills.report, query=("month", "machines")
    )
    yield Route(method="GET", path=f"{V1}/orders/{{id}}/report", need=Need.READ, answer=bills.order)


def _changing(changes: Changes) -> Iterable[Route]:
    post, accepted, operate = "POST", HTTPStatus.ACCEPTED, Need.OPERATE
    return (
        Route(
            method=post,
            path=f"{V1}/orders",
            need=Need.ORDER,
            answer=changes.give_order,
            document=True,
            status=accepted,
        ),
        Route(
            method=post,
            path=f"{V1}/orders/{{id}}/release",
            need=operate,
            answer=changes.release,
            body=Release,
            status=accepted,
        ),
        *(
            Route(
                method=post,
                path=f"{V1}/orders/{{id}}/{word}",
                need=operate,
                answer=answer,
                body=Release,
                status=accepted,
            )
            for word, answer in (("accept", changes.accept), ("decline", changes.decline))
        ),
        Route(method=post, path=f"{V1}/miners/levels", need=operate, answer=changes.set_levels, body=Wishes),
        Route(method=post, path=f"{V1}/miners/errands", need=operate, answer=changes.send, body=Errand),
        Route(method=post, path=f"{V1}/miners/{{id}}/level", need=operate, answer=changes.set_level, body=Wish),
        Route(method=post, path=f"{V1}/holds", need=operate, answer=changes.lock, body=Lock),
        Route(method="DELETE", path=f"{V1}/holds", need=operate, answer=changes.unlock, body=Lock),
        Route(method=post, path=f"{V1}/plan", need=Need.READ, answer=changes.what_if, body=Question),
    )


def _sealing(seals: SealRoutes) -> Iterable[Route]:
    path = f"{V1}/seals"
    yield Route(method="GET", path=path, need=Need.READ, answer=seals.all)
    yield Route(method="POST", path=path, need=Need.OPERATE, answer=seals.seal, body=Sealing)
    yield Route(method="DELETE", path=path, need=Need.OPERATE, answer=seals.unseal, body=Unsealing)


def described(table: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the table as an OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hashwatt", "version": version},
        "paths": paths,
        "components": {"securitySchemes": {"bearer": bearer}},
    }


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": (route.answer.__doc__ or "").strip(),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", route.path)
        ]
        + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query],
        "responses": {
            str(route.status.value): {"description": route.status.phrase},
            "default": {"description": "A problem (RFC 9457)", "content": {TYPE: {"schema": {"type": "object"}}}},
        },
    }
    schema = {"type": "object"} if route.document else route.body and route.body.model_json_schema()
    if schema:
        told["requestBody"] = {"required": route.body is not Release, "content": {JSON: {"schema": schema}}}
    if route.need is not Need.NOTHING:
        told["security"] = [{"bearer": sorted(role.value for role in route.need.value)}]
    if route.need is Need.READ:
        told["security"].append({})  # reading may be open on loopback
    return told
