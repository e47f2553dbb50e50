"""The terms of a day to come, for a plan of it: prices, what hashing keeps, machines by kind, caps, peaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from agent.config import Config
from agent.control.controller import Controller
from agent.fleet.fleet import Fleet
from agent.fleet.selector import model_of
from agent.fleet.view import FleetView, Ints
from agent.orders.foreseen import Foreseen, foreseen, of_site
from agent.outputs.day_peaks import day_peaks
from agent.outputs.http.turns import taken
from agent.outputs.terms import Terms
from agent.planning.economics import HOURS, THS_DAYS_PER_PH_DAY
from agent.planning.price import PricePolicy
from agent.tariffs.chances import expected_per_kwh
from agent.tariffs.periods import midnight
from agent.values import Moment, rfc3339
from agent.wiring.day_kinds import Group, grouped, is_movable, rules_of
from agent.wiring.day_orders import Beside, Part, beside, parts_of
from agent.wiring.money import Books

TURN = 2000
"""So many machines are looked at before the loop may turn."""
PRICES = 8
"""So many intervals are priced before it may."""
GROUPS = 100
"""So many kinds are told before it may."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK_HOURS = 168


@dataclass(frozen=True, slots=True)
class DayTerms:
    """Tells what a plan of a day must know of one site; the loop turns meanwhile, however many machines there are."""

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
        stretches = [(at, at + step) for at in starts]
        margin, views = self.controller.limits.policy.margin, list(self.controller.parts.book.views())
        found = await taken(foreseen(views, stretches, margin=margin))
        most_w = self.controller.limits.tree.cap_w[0]
        site_w = of_site(found, len(starts))
        peaks = await asyncio.to_thread(day_peaks, desk, starts, step)
        return {
            "site": self.config.schema.site.id,
            "day": day.isoformat(),
            "timezone": self.config.schema.site.timezone,
            "currency": terms.currency,
            "step_s": int(step.total_seconds()),
            "starts": [rfc3339(at) for at in starts],
            "per_kwh": await taken(self._prices(starts)),
            "per_ths_h": None
            if earning is None or earning.rate is None
            else float(earning.expected_per_ph_day * earning.rate / (THS_DAYS_PER_PH_DAY * HOURS)),
            "pue": 1.0 if earning is None else float(earning.pue),
            "caps_w": [most_w if cap_w is None else min(most_w, cap_w) for cap_w in site_w],
            "orders": sorted({order for one in found for order in one.orders}),
            **await self._machines(found, now),
            "peaks": peaks,
            "week_per_kwh": await taken(self._prices(_week(now.at) if any(one["later"] for one in peaks) else [])),
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

    def _prices(self, starts: Sequence[datetime]) -> Generator[None, None, list[float | None]]:
        found = list[float | None]()
        for place, at in enumerate(starts):
            found.append(self._price(at))
            if place % PRICES == PRICES - 1:
                yield
        return found

    def _price(self, at: datetime) -> float | None:
        terms = self.books.desk.terms
        price = self.books.desk.price_then(at)
        if price is None or terms.tariff is None:
            return None
        return float(price + expected_per_kwh(terms.tariff, at, terms.zone) * terms.metering.factor)

    async def _machines(self, found: Sequence[Foreseen], now: Moment) -> dict[str, Any]:
        """Return machines by kind, the limits on some of them, and what those draw that are not ours to move."""
        pricing, parts = self.books.pricing, self.controller.parts
        fleet = parts.fleet
        models, numbers = await taken(_models(fleet))
        policy = PricePolicy() if pricing is None else pricing.policy
        factor = np.ones(len(fleet)) if pricing is None else pricing.factors()
        limits = await taken(parts_of(found, self.controller, now))
        view = fleet.view(now.mono)
        await asyncio.sleep(0)
        band = self.config.schema.price.hysteresis_pct / 100
        rules = rules_of(policy, band, len(fleet))
        groups = await asyncio.to_thread(grouped, view, numbers, factor, rules, limits)
        kinds = await taken(self._kinds(groups, [models[int(numbers[one.row])] for one in groups]))
        return {"kinds": kinds, **await self._limits(view, limits, now)}

    def _kinds(self, groups: Sequence[Group], models: Sequence[str]) -> Generator[None, None, list[dict[str, Any]]]:
        fleet, told = self.controller.parts.fleet, list[dict[str, Any]]()
        for one, model in zip(groups, models, strict=True):
            steps, feeder = fleet.ladders[one.row].steps, fleet.tree.feeders[int(fleet.feeder[one.row])]
            told.append(one.told(model, feeder.id, [steps[step].level for step in one.steps]))
            if len(told) % GROUPS == 0:
                yield
        return told

    async def _limits(self, view: FleetView, limits: Sequence[Part], now: Moment) -> dict[str, Any]:
        """Return the feeders and the limits on some of the machines, and what is measured there beside them."""
        tree, metering = self.controller.limits.tree, self.controller.parts.metering
        feeders, moved = self.controller.parts.fleet.tree.feeders, is_movable(view)
        every_w, still_w = view.believed_w, np.where(moved, 0.0, view.believed_w)
        below_w = list(zip(tree.sums(view, still_w).tolist(), tree.sums(view, every_w).tolist(), strict=True))
        site = Beside(float(still_w.sum()) + metering.house.in_force_w(now.mono), 1.0)

        def at_feeder(place: int) -> Beside:
            meter = metering.feeder_meter(place, now.mono)
            return beside(*below_w[place], None if meter is None else meter.state(now.mono).last_w)

        def of_limit(one: Part) -> Beside:
            if one.stop:
                return Beside(0.0, 1.0)
            if one.whole or one.feeder is not None:
                return site if one.feeder is None else at_feeder(one.feeder)
            counted = one.commanded | one.exempt
            return beside(float(still_w[counted].sum()), float(every_w[counted].sum()), None)

        told = list[dict[str, Any]]()
        for one in limits:
            told.append(one.told([feeder.id for feeder in feeders], of_limit(one)))
            await asyncio.sleep(0)
        return {
            "fixed_w": site.fixed_w,
            "feeders": [
                {
                    "id": one.id,
                    "parent": one.parent,
                    "max_w": cap_w if np.isfinite(cap_w) else None,
                    **asdict(at_feeder(place)),
                }
                for place, (one, cap_w) in enumerate(zip(feeders, tree.cap_w, strict=True))
            ],
            "limits": told,
        }


def _week(at: datetime) -> list[datetime]:
    """Return the middles of the hours of the week before: a month to come is taken to cost what is known."""
    hour = at.replace(minute=30, second=0, microsecond=0)
    return [hour - back * HOUR for back in range(1, WEEK_HOURS + 1)]


def _models(fleet: Fleet) -> Generator[None, None, tuple[list[str], Ints]]:
    """Return the models in order, and by row which of them it is."""
    told, places = list[str](), dict[str, int]()
    for start in range(0, len(fleet), TURN):
        told += [model_of(fleet, row) or "" for row in range(start, min(start + TURN, len(fleet)))]
        yield
    models = sorted(set(told))
    places = {model: place for place, model in enumerate(models)}
    numbers = np.zeros(len(told), np.int64)
    for start in range(0, len(told), TURN):
        numbers[start : start + TURN] = [places[model] for model in told[start : start + TURN]]
        yield
    return models, numbers


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
