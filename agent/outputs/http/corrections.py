"""Corrected reads over HTTP: what a hand knows better than the meter told, by intervals; nothing is rewritten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from agent.facts.energy import CorrectedRead, ReadsCorrected
from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Body, Hand, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import listed, only
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route
from agent.outputs.money_totals import Totals
from agent.outputs.sight import Sight
from agent.tariffs.money import written
from agent.values import rfc3339

MOST = 5000
log = structlog.get_logger()


def _kwh(told: str) -> str:
    if Decimal(told) > Decimal(10) ** 12:
        raise ValueError("must be at most 1e12")
    return written(Decimal(told))


Kwh = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,13}(\.[0-9]{1,20})?$"), AfterValidator(_kwh)]


class Known(Body):
    """What one metering interval really counted."""

    start: Annotated[AwareDatetime, Field(strict=False)]
    kwh: Kwh


class Corrections(Body):
    """Reads that are known better now, who says so, and why."""

    reads: Annotated[list[Known], Field(min_length=1, max_length=MOST)]
    by: Hand | None = None
    why: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class CorrectionRoutes:
    """The routes of corrected reads."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/bill/corrections"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.all)
        yield Route(method="POST", path=path, need=Need.OPERATE, answer=self.add, body=Corrections)

    async def all(self, request: web.Request) -> web.Response:
        """List what was corrected, in the order in which it was told."""
        only(request.query, ())
        return as_json(listed([_shown(fact) for fact in self._totals().corrected], None))

    async def add(self, request: web.Request) -> web.Response:
        """Correct what intervals counted: an open month is billed so, of a closed one the difference is due."""
        body, totals = read(await request.read(), Corrections), self._totals()
        interval_s = max(1, int(totals.interval.total_seconds()))
        known = {start // interval_s * interval_s for month in totals.months.values() for start in month.starts}
        for at, one in enumerate(body.reads):
            if one.start.timestamp() % interval_s:
                raise bad_field(f"reads.{at}.start", "is no start of a metering interval")
            if int(one.start.timestamp()) not in known:
                raise bad_field(f"reads.{at}.start", "is of an interval that the ledger knows nothing of")
        fact = ReadsCorrected(
            at=self._sight.now().at,
            reads=[CorrectedRead(start=one.start.astimezone(UTC), kwh=one.kwh) for one in body.reads],
            by=hand(body.by, request),
            why=body.why,
        )
        await self._desk.correct(fact)
        log.info("reads were corrected over http", by=fact.by, reads=len(fact.reads))
        return as_json(_shown(fact))

    def _totals(self) -> Totals:
        if self._sight.money is None:
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "no money is counted here")
        return self._sight.money.totals


def _shown(fact: ReadsCorrected) -> dict[str, object]:
    reads = [{"start": rfc3339(one.start), "kwh": one.kwh} for one in fact.reads]
    return {"at": rfc3339(fact.at), "by": fact.by, "why": fact.why, "reads": reads}
