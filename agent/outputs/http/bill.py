"""The bill, money now, and what an order cost, over HTTP. Nothing here changes anything."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any

from aiohttp import web

from agent.outputs.http.desk import Desk
from agent.outputs.http.paging import only
from agent.outputs.http.problems import Problem, bad_field
from agent.outputs.http.reads import as_json
from agent.outputs.money_bill import bill_json
from agent.outputs.money_corrected import NO_PRICE, Told, adjusted, copied, counted_of, told_of
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.money_explained import calculation
from agent.outputs.money_machines import under_break_even
from agent.outputs.money_order import KINDS, OrderStory
from agent.outputs.month_report import KINDS as REPORTED
from agent.outputs.month_report import MonthReport
from agent.outputs.report import order_report
from agent.outputs.sight import Sight
from agent.outputs.terms import Terms
from agent.tariffs.bill import Unpriced
from agent.tariffs.tariff import Tariff

MONTH = r"[0-9]{4}-(0[1-9]|1[0-2])"
PAGE = 2000
"""Facts that are read at once."""


class Bills:
    """The routes about money."""

    def __init__(self, sight: Sight, desk: Desk) -> None:
        self._sight = sight
        self._desk = desk

    async def bill(self, request: web.Request) -> web.Response:
        """Show what energy costs by months and components, and money now; `month` picks one, `explain=yes` says how."""
        query = request.query
        only(query, ("month", "explain"))
        month, explained = query.get("month"), query.get("explain", "no")
        if month is not None and re.fullmatch(MONTH, month) is None:
            raise bad_field("month", "must be a month such as 2026-11")
        if explained not in {"yes", "no"}:
            raise bad_field("explain", "must be yes or no")
        told = await self._told(month)
        if explained == "yes":
            money = self._money()
            lines = await asyncio.to_thread(calculation, told, money.terms, copied(money.totals))
            told = {**told, "calculation": lines}
        return as_json(told)

    async def _told(self, month: str | None) -> dict[str, Any]:
        """Return the bill; where reads were corrected their adjustments are in it, worked out off the loop."""
        money = self._money()
        told, tariff = bill_json(money, self._sight.now().at, month), money.terms.tariff
        heard = told_of(money.totals)
        if heard is None:
            return told
        if tariff is None:
            return {**told, "warnings": [*told["warnings"], NO_PRICE]}
        return await asyncio.to_thread(_adjusted, told, money.terms, tariff, heard)

    async def report(self, request: web.Request) -> web.Response:
        """Show a month beside its bill: revenue, margin, orders, statements; `machines=yes`: each machine."""
        only(request.query, ("month", "machines"))
        if request.query.get("machines", "no") not in {"yes", "no"}:
            raise bad_field("machines", "must be yes or no")
        name = request.query.get("month", "")
        if re.fullmatch(MONTH, name) is None:
            raise bad_field("month", "must be a month such as 2026-11")
        money = self._money()
        told, gathered = await self._told(name), MonthReport(name=name, month_of=money.totals.month_of)
        after = 0
        while page := await self._desk.events(after=after, kinds=REPORTED, limit=PAGE):
            for _, fact in page:
                gathered.take(fact)
            after = page[-1][0]
        machines = request.query.get("machines") == "yes"
        months = told["months"]
        found = await asyncio.to_thread(gathered.told, money.terms, months[0], machines=machines) if months else None
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"nothing is known of {name}")
        under = under_break_even(money, self._sight.now().at)
        return as_json({**found, "under_break_even": under})

    async def order(self, request: web.Request) -> web.Response:
        """Show what an order did to energy and money, against what was drawn before it."""
        only(request.query, ())
        money, story = self._money(), OrderStory(order_id=request.match_info["id"])
        after = 0
        while page := await self._desk.events(after=after, kinds=KINDS, limit=PAGE):
            story.take(fact for _, fact in page)
            after = page[-1][0]
        if not story.moves:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no order {story.order_id!r}")
        told = await asyncio.to_thread(order_report, story, money.terms, self._sight.now().at)
        return as_json(told)

    def _money(self) -> MoneyDesk:
        money = self._sight.money
        if money is None:
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "no money is counted here")
        return money


def _adjusted(told: dict[str, Any], terms: Terms, tariff: Tariff, heard: Told) -> dict[str, Any]:
    counted = counted_of(heard)
    if counted is None:
        return told
    try:
        return adjusted(told, terms, tariff, counted)
    except Unpriced as error:
        return {**told, "warnings": [*told["warnings"], f"corrections go unbilled: {error.component}: {error}"]}
