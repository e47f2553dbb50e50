"""Evidence over HTTP: which orders there is a record of, and one as a file that proves itself. Nothing here changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from aiohttp import hdrs, web

from agent.outputs.http.access import Need
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import limit_of, listed, only
from agent.outputs.http.problems import Problem
from agent.outputs.http.reads import MOST_AT_ONCE, as_json
from agent.outputs.http.routes import V1, Route
from agent.proof.evidence import Kept
from agent.proof.heads import Head
from agent.values import rfc3339

NDJSON = "application/x-ndjson"


class EvidenceRoutes:
    """The routes of evidence."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/evidence"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.all, query=("limit", "cursor"))
        yield Route(method="GET", path=f"{path}/{{id}}", need=Need.READ, answer=self.one)

    async def all(self, request: web.Request) -> web.Response:
        """List the orders that there is a record of, by id; beside them the key that signs and the site's last head."""
        only(request.query, ())
        limit = limit_of(request.query)
        found = await self._desk.evidence(after=request.query.get("cursor", ""), limit=limit + 1)
        page = found.chains[:limit]
        more = page[-1].order_id if len(found.chains) > limit else None
        return as_json({**listed([*map(_shown, page)], more), "key": found.key, "site_head": _head(found.site_head)})

    async def one(self, request: web.Request) -> web.StreamResponse:
        """Export an order's record: lines of JSON that prove themselves offline (docs/evidence.md)."""
        only(request.query, ())
        order_id = request.match_info["id"]
        record = await self._desk.record(order_id)
        if isinstance(record, str):
            raise Problem(HTTPStatus.NOT_FOUND, record)
        headers = {"Content-Type": NDJSON, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        response = web.StreamResponse(headers=headers)
        response.content_length = sum(map(len, record))
        await response.prepare(request)
        for piece in () if request.method == hdrs.METH_HEAD else _pieces(record):
            await response.write(piece)
        await response.write_eof()
        return response


def _pieces(lines: Sequence[bytes]) -> Iterable[bytes]:
    """Yield lines in pieces that the transport may pause between."""
    piece, size = list[bytes](), 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= MOST_AT_ONCE:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)


def _shown(chain: Kept) -> dict[str, object]:
    return {
        "order": chain.order_id,
        "links": chain.links,
        "head": chain.head,
        "since": rfc3339(chain.since),
        "until": rfc3339(chain.until),
        "covered": chain.covered,
    }


def _head(head: Head | None) -> dict[str, object] | None:
    return None if head is None else {"n": head.n, "at": rfc3339(head.at), "hash": head.hash}
