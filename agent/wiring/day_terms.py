"""The terms of a day to come, for a plan of it: prices, what hashing keeps, machines by kind, caps, peaks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from agent.config import Config
from agent.control.controller import Controller
from agent.fleet.selector import model_of
from agent.fleet.view import FleetView
from agent.orders.foreseen import foreseen
from agent.outputs.day_peaks import day_peaks
from agent.outputs.terms import Terms
from agent.planning.economics import HOURS, THS_DAYS_PER_PH_DAY
from agent.planning.price import PricePolicy
from agent.tariffs.chances import expected_per_kwh
from agent.tariffs.periods import midnight
from agent.values import Moment, rfc3339
from agent.wiring.money import Books

TURN = 2000
"""So many machines are looked at before the loop may turn."""
DAY = timedelta(days=1)
Group = tuple[str, int, int, int, bool, bool, float]
"""Model, feeder, the step that its owner wants, the last step; by its owner's rule: fixed, whole, what it pays."""
NOT_PAID = -1.0
"""Whose hashing goes by its hashrate."""


@dataclass(frozen=True, slots=True)
class DayTerms:
    """Tells what a plan of a day must know of one site."""

    config: Config
    controller: Controller
    books: Books
    now: Callable[[], Moment]

    async def asked(self, day: date) -> dict[str, Any]:
        """Return the terms of a local day as JSON. What nobody knows is null."""
        desk, price = self.books.desk, self.config.schema.price
        terms = desk.terms
        starts, now = self._starts(day), self.now()
        step = timedelta(minutes=self.config.schema.tariff.metering.interval_min)
        earning = terms.earning_at(now.at)
        fleet, parts = self.controller.parts.fleet, self.controller.parts
        view = fleet.view(now.mono)
        kinds, fixed_w = await self._kinds(view)
        house_w = parts.metering.house.in_force_w(now.mono)
        margin = self.controller.limits.policy.margin
        stretches, views = [(at, at + step) for at in starts], list(parts.book.views())
        limits = foreseen(views, stretches, margin=margin)
        tree, feeders = self.controller.limits.tree, fleet.tree.feeders
        scoped = [foreseen(views, stretches, margin=margin, feeder=feeder.id) for feeder in feeders]
        most_w = tree.cap_w[0]
        return {
            "site": self.config.schema.site.id,
            "day": day.isoformat(),
            "timezone": self.config.schema.site.timezone,
            "currency": terms.currency,
            "step_s": int(step.total_seconds()),
            "starts": [rfc3339(at) for at in starts],
            "per_kwh": [self._price(at) for at in starts],
            "per_ths_h": None
            if earning is None or earning.rate is None
            else float(earning.expected_per_ph_day * earning.rate / (THS_DAYS_PER_PH_DAY * HOURS)),
            "pue": 1.0 if earning is None else float(earning.pue),
            "kinds": kinds,
            "fixed_w": fixed_w + house_w,
            "caps_w": [min(most_w, most_w if one.cap_w is None else one.cap_w) for one in limits],
            "orders": sorted({one.order_id for told in (limits, *scoped) for one in told if one.order_id is not None}),
            "feeders": [
                {
                    "id": feeder.id,
                    "parent": feeder.parent,
                    "max_w": None if np.isinf(cap_w) else cap_w,
                    "caps_w": [one.cap_w for one in told] if any(one.cap_w is not None for one in told) else None,
                }
                for feeder, cap_w, told in zip(feeders, tree.cap_w, scoped, strict=True)
            ],
            "peaks": await asyncio.to_thread(day_peaks, desk, starts, step),
            "min_on_s": price.min_on_s,
            "min_off_s": price.min_off_s,
            "restart_cost": float(price.restart_cost),
            "tariff": terms.tariff is not None,
            "metering_factor": str(terms.metering.factor),
            "auction": _auction(terms, day),
        }

    def _starts(self, day: date) -> list[datetime]:
        zone = self.books.desk.terms.zone
        step = timedelta(minutes=self.config.schema.tariff.metering.interval_min)
        first, end = midnight(day, zone), midnight(day + DAY, zone)
        return [first + place * step for place in range((end - first) // step)]

    def _price(self, at: datetime) -> float | None:
        terms = self.books.desk.terms
        price = self.books.desk.price_then(at)
        if price is None or terms.tariff is None:
            return None
        return float(price + expected_per_kwh(terms.tariff, at, terms.zone) * terms.metering.factor)

    async def _kinds(self, view: FleetView) -> tuple[list[dict[str, Any]], float]:
        """Return machines by kind, and what those draw that are not ours to move: held, sealed, unknown."""
        groups = await self._groups(view)
        pricing, fleet = self.books.pricing, self.controller.parts.fleet
        factor = np.ones(len(view)) if pricing is None else pricing.factors()
        moved = np.zeros(len(view), np.bool_)
        kinds = []
        for (model, feeder, intended, last, fixed, whole, pays), found in sorted(groups.items()):
            rows = np.array(found, np.intp)
            moved[rows] = True
            every = range(intended, last + 1)
            steps = every[:1] if fixed else sorted({every[0], every[-1]}) if whole else every
            names = fleet.ladders[found[0]].steps
            watts, ths = view.step_w[rows], view.step_ths[rows]
            own = float(factor[rows].mean())
            kinds.append(
                {
                    "model": model,
                    "feeder": fleet.tree.feeders[feeder].id,
                    "count": len(found),
                    "pays_per_kwh": None if pays < 0 else pays,
                    "levels": [
                        {
                            "level": names[step].level,
                            "power_w": round(float(watts[:, step].mean()) * (own if ths[0, step] > 0 else 1.0), 1),
                            "hashrate_ths": round(float(ths[:, step].mean()), 3),
                        }
                        for step in steps
                    ],
                }
            )
        return kinds, float(view.believed_w[~moved].sum())

    async def _groups(self, view: FleetView) -> dict[Group, list[int]]:
        """Return the rows of each kind: who may be moved, and hashes something at its highest step."""
        fleet, groups = self.controller.parts.fleet, defaultdict[Group, list[int]](list)
        policy = PricePolicy() if self.books.pricing is None else self.books.pricing.policy
        nobody = np.zeros(len(view), np.bool_)
        fixed, whole = (nobody if one is None else one for one in (policy.fixed, policy.whole))
        pays = np.full(len(view), np.nan) if policy.pays_per_kwh is None else policy.pays_per_kwh
        rules = list(zip(fixed.tolist(), whole.tolist(), np.nan_to_num(pays, nan=NOT_PAID).tolist(), strict=True))
        movable: Sequence[bool] = (~view.held & ~view.sealed & (view.step_ths[:, 0] > 0)).tolist()
        for start in range(0, len(view), TURN):
            for row in range(start, min(start + TURN, len(view))):
                if movable[row]:
                    key = (model_of(fleet, row) or "", int(view.feeder[row]))
                    groups[*key, int(view.intended[row]), int(view.last_step[row]), *rules[row]].append(row)
            await asyncio.sleep(0)
        return groups


def _auction(terms: Terms, day: date) -> dict[str, Any] | None:
    """Return when a day's energy is bid for, None where nobody knows."""
    auction = terms.auction
    if auction is None:
        return None
    prepay_by = auction.prepay_by
    return {
        "name": auction.name,
        "opens_at": rfc3339(auction.at(auction.opens, day, terms.zone)),
        "closes_at": rfc3339(auction.at(auction.closes, day, terms.zone)),
        "prepay_by": None if prepay_by is None else rfc3339(auction.at(prepay_by, day, terms.zone)),
        "note": auction.note,
        "source": auction.source,
        "unconfirmed": auction.unconfirmed,
    }
