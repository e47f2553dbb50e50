"""A day ahead over HTTP: its terms for whoever plans it, the plan that is kept, and beside it what the day made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import AwareDatetime, Field

from agent.facts.energy import DayPlanned, EnergyInterval
from agent.outputs.day_made import made_of
from agent.outputs.http.access import Need
from agent.outputs.http.bodies import Body, read
from agent.outputs.http.changes import hand
from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import only
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.http.routes import V1, Route
from agent.outputs.sight import Sight
from agent.search import Search
from agent.tariffs.periods import midnight

MOST = 24 * 60 + 120
"""Pieces of intervals of one day, of a minute at the least."""
AHEAD = timedelta(days=8)
"""A plan is made so long before its day at the most."""
WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)
Figures = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1, max_length=MOST)]


class Planned(Body):
    """What a day is expected to draw and make, by intervals from `start` on."""

    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    start: Annotated[AwareDatetime, Field(strict=False)]
    step_s: Annotated[int, Field(ge=60, le=86_400)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    kwh: Figures
    revenue: Figures
    energy_cost: Figures
    start_cost: Figures
    peaks: Annotated[float, Field(allow_inf_nan=False)] = 0.0


class DayRoutes:
    """The routes of plans of days."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    def table(self) -> Iterable[Route]:
        """Return its routes."""
        path = f"{V1}/plan/day"
        yield Route(method="GET", path=path, need=Need.READ, answer=self.terms, query=("day",))
        yield Route(method="GET", path=f"{path}/made", need=Need.READ, answer=self.made, query=("day",))
        yield Route(method="POST", path=path, need=Need.OPERATE, answer=self.keep, body=Planned)

    async def terms(self, request: web.Request) -> web.Response:
        """Show the terms of a local day for a plan of it: prices, machines by kind, caps by known orders, peaks."""
        day = self._day(request)
        if self._sight.day_terms is None:
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "nobody knows a day's terms here")
        return as_json(dict(await self._sight.day_terms(day)))

    async def made(self, request: web.Request) -> web.Response:
        """Show the plan that was kept of a local day, and beside it what its intervals drew, cost and earned."""
        day, money = self._day(request), self._sight.money
        if money is None:
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "no money is counted here")
        first, end = midnight(day, money.terms.zone), midnight(day + timedelta(days=1), money.terms.zone)
        planned = await self._plan(day, first, end)
        found = await self._desk.find(Search(kinds=("EnergyInterval",), since=first, until=end + AHEAD, limit=MOST))
        intervals = [fact for _, fact in found if isinstance(fact, EnergyInterval) and first <= fact.start < end]
        is_past = end <= self._sight.now().at
        return as_json({**made_of(day, planned, intervals, money.terms), "is_past": is_past})

    def _day(self, request: web.Request) -> date:
        only(request.query, ("day",))
        told = request.query.get("day", "")
        if told in WORDS:
            today = self._sight.now().at.astimezone(ZoneInfo(self._sight.timezone)).date()
            return today + timedelta(days=WORDS[told])
        try:
            day = date.fromisoformat(told)
        except ValueError:
            raise bad_field("day", "must be a day such as 2026-11-30, tomorrow, today or yesterday") from None
        if not FIRST <= day <= LAST:
            raise bad_field("day", "must be of this century")
        return day

    async def _plan(self, day: date, first: datetime, end: datetime) -> DayPlanned | None:
        """Return the last plan that was kept before the day began, else the first that was kept in it."""
        found = await self._desk.find(Search(kinds=("DayPlanned",), since=first - AHEAD, until=end, limit=MOST))
        plans = [fact for _, fact in found if isinstance(fact, DayPlanned) and fact.day == day.isoformat()]
        before = [plan for plan in plans if plan.at <= first]
        return before[-1] if before else next(iter(plans), None)

    async def keep(self, request: web.Request) -> web.Response:
        """Keep a plan of a day, to be held against what the day makes; nothing is done to any machine."""
        body, by = read(await request.read(), Planned), hand(None, request)
        lists = (body.kwh, body.revenue, body.energy_cost, body.start_cost)
        if len({len(one) for one in lists}) > 1:
            raise bad_field("kwh", "must have as many figures as revenue, energy_cost and start_cost")
        told: dict[str, Any] = body.model_dump()
        await self._desk.keep(DayPlanned(at=self._sight.now().at, by=by, **told))
        expected = Decimal(str(round(sum(body.revenue) - sum(body.energy_cost) - sum(body.start_cost) - body.peaks, 6)))
        return as_json({"day": body.day, "by": by, "expected": str(expected)}, HTTPStatus.CREATED)
