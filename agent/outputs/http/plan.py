"""What control means to do now: the figures that it weighs, how many machines at which level, and what comes next."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from agent.fleet.fleet import Fleet
from agent.outputs.http.problems import Problem
from agent.outputs.http.reads import as_json
from agent.outputs.shown import site_json
from agent.outputs.sight import Sight
from agent.outputs.standing import order_lines

TURN = 1000
"""So many machines are counted before the loop may turn."""
FIGURES = ("at", "mode", "power_w", "cap_w", "binding_order", "excess_w", "shortfall_w", "reserve_w", "headroom_w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The route of the plan that is being carried out."""

    sight: Sight

    async def now(self, _request: web.Request) -> web.Response:
        """Show what control does now: levels wanted and seen, what it changes, and what is next."""
        sight, decision = self.sight, self.sight.decision()
        site = site_json(sight)
        changes = None
        if decision is not None:
            changes = {
                "cause": decision.cause or None,
                "setpoints": len(decision.rows),
                "commands_down": len(decision.lower),
                "commands_up": len(decision.higher),
            }
        told = {
            **{name: site[name] for name in FIGURES},
            "forecast_w": None if decision is None else decision.power.forecast_w,
            "restore_pending_w": None if decision is None else decision.restore_pending_w,
            "changes": changes,
            "levels": await _levels(sight.fleet),
            "next": list(self._next()),
        }
        return as_json(told)

    async def capability(self, _request: web.Request) -> web.Response:
        """Show how low the site goes and how fast, by software and with breakers, and how fast it comes back."""
        if self.sight.capability is None:
            raise Problem(HTTPStatus.NOT_IMPLEMENTED, "nobody reckons it here")
        return as_json(dict(await self.sight.capability()))

    def _next(self) -> Iterable[dict[str, Any]]:
        lines = order_lines(self.sight.book.views(), self.sight.now())
        dated = sorted((line for line in lines if line.next_at is not None), key=lambda line: str(line.next_at))
        for line in dated:
            yield {"at": line.next_at, "order_id": line.order_id, "what": line.next_text, "demand": line.demand}


async def _levels(fleet: Fleet) -> dict[str, dict[str, int]]:
    """Return by level how many machines are intended, set and seen there; a level that nothing proves is `unseen`."""
    counts = {"intended": Counter[str](), "setpoint": Counter[str](), "seen": Counter[str]()}
    for start in range(0, len(fleet), TURN):
        for row in range(start, min(start + TURN, len(fleet))):
            for name, column in (("intended", fleet.intended), ("setpoint", fleet.setpoint), ("seen", fleet.seen)):
                counts[name][fleet.level_of(row, int(column[row])) or "unseen"] += 1
        await asyncio.sleep(0)
    levels = sorted({level for counted in counts.values() for level in counted})
    return {level: {name: counted[level] for name, counted in counts.items()} for level in levels}
