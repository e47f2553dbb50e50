"""The ledger over HTTP: facts as they are, a page at a time, by kind, time, order and miner."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from agent.outputs.http.access import Need
from agent.outputs.http.desk import Desk
from agent.outputs.http.history import instant
from agent.outputs.http.paging import limit_of, listed, number_of, only
from agent.outputs.http.problems import bad_field
from agent.outputs.http.reads import as_json, kinds_of
from agent.outputs.http.routes import V1, Route
from agent.outputs.shown import event_json
from agent.search import Search

FILTERS = ("kind", "from", "to", "order", "miner", "sort")
SORTS = ("number", "-number")


class LedgerRoutes:
    """The route of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        query = (*FILTERS, "limit", "cursor")
        yield Route(method="GET", path=f"{V1}/ledger", need=Need.READ, answer=self.facts, query=query)

    async def facts(self, request: web.Request) -> web.Response:
        """Tell the facts as they are, oldest first, with sort=-number newest; from is inclusive, to is not."""
        search = _search(request)
        found = await self._desk.find(search)
        page = found[: search.limit - 1]
        more = str(page[-1][0]) if len(found) == search.limit else None
        return as_json(listed([event_json(*fact) for fact in page], more))


def _search(request: web.Request) -> Search:
    """Return what is asked for, and one fact more. Raises Problem."""
    query = request.query
    only(query, FILTERS)
    cursor, sort = number_of(query), query.get("sort", SORTS[0])
    if sort not in SORTS:
        raise bad_field("sort", f"must be one of {', '.join(SORTS)}")
    newest_first = sort == SORTS[1]
    return Search(
        after=0 if newest_first or cursor is None else cursor,
        before=cursor if newest_first else None,
        kinds=kinds_of(query),
        since=instant(query, "from"),
        until=instant(query, "to"),
        order=query.get("order"),
        miner=query.get("miner"),
        limit=limit_of(query) + 1,
        newest_first=newest_first,
    )
