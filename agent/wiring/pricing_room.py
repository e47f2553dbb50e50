"""Joins price to control: from the configuration and the books to what weighs machines against it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np

from agent.config import Config
from agent.control.accounting import Accounting
from agent.control.energy_shares import owner_of
from agent.control.metering import Metering
from agent.control.owners import OwnersTerms
from agent.control.pricing import Elsewhere, Looked, Pricing
from agent.fleet.fleet import Fleet
from agent.fleet.view import Floats
from agent.outputs.money_desk import MoneyDesk
from agent.planning.economics import HOURS, THS_DAYS_PER_PH_DAY
from agent.planning.price import Market, PricePolicy
from agent.tariffs.chances import expected_per_kwh
from agent.tariffs.owners import OwnerRule
from agent.values import Moment
from agent.wiring.peak_room import PeakRoom

MANY = 5000
"""Of so many machines a look at the price takes over a millisecond, and is done beside the loop."""


def beside(wake: Callable[[], None]) -> Elsewhere:
    """Return who looks at the price in a thread of its own, and wakes control where somebody is to move."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="price")

    def begin(looking: Callable[[], Looked]) -> Future[Looked]:
        loop = asyncio.get_running_loop()

        def looked(coming: Future[Looked]) -> None:
            if coming.exception() is None and coming.result().moved:
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(wake)

        coming = pool.submit(looking)
        coming.add_done_callback(looked)
        return coming

    return begin


def pricing_of(
    config: Config, fleet: Fleet, desk: MoneyDesk, accounting: Accounting, metering: Metering
) -> Pricing | None:
    """Return what acts on price, or says what it would do; None where there is no tariff or nothing is earned."""
    price, control, terms = config.schema.price, config.schema.control, desk.terms
    if terms.tariff is None or terms.revenue is None:
        return None
    shed = control.shed_kw_per_min
    policy = replace(
        by_owner(config, fleet, terms.tariff.owners),
        shed_w_per_s=None if shed is None else shed * 1000 / 60,
        max_step_w=None if control.max_step_kw is None else control.max_step_kw * 1000,
    )
    peaks = PeakRoom(
        desk=desk,
        interval=timedelta(minutes=config.schema.tariff.metering.interval_min),
        under_way_wh=accounting.drawn_wh,
        house_w=lambda now: metering.house.in_force_w(now.mono),
        measured_w=lambda now: None if (meter := metering.state(now.mono)) is None else meter.last_w,
        elsewhere=ThreadPoolExecutor(max_workers=1, thread_name_prefix="peaks").submit,
    )
    return Pricing(
        fleet=fleet,
        policy=policy,
        market=lambda now: market_at(desk, now),
        currency=terms.currency,
        watch=peaks.watch,
        act=price.act and control.mode == "enforce",
    )


def by_owner(config: Config, fleet: Fleet, rules: Sequence[OwnerRule]) -> PricePolicy:
    """Return how price may move machines: as `[price]` says, and of owners with a rule as that does."""
    price = config.schema.price
    usual = PricePolicy(
        min_on_s=price.min_on_s,
        min_off_s=price.min_off_s,
        hysteresis=price.hysteresis_pct / 100,
        restart_cost=float(price.restart_cost),
    )
    if not rules:
        return usual
    named = {rule.name: rule for rule in rules}
    of = [named.get(owner_of(miner.tags)) for miner in fleet.miners]

    def column(key: str, usually: float | Floats, scale: float = 1.0) -> Floats:
        told = [None if rule is None else getattr(rule, key) for rule in of]
        return np.array([usually if one is None else float(one) * scale for one in told], np.float64)

    return PricePolicy(
        min_on_s=column("min_on_s", usual.min_on_s),
        min_off_s=column("min_off_s", usual.min_off_s),
        hysteresis=column("hysteresis_pct", usual.hysteresis, 0.01),
        restart_cost=column("restart_cost", usual.restart_cost),
        fixed=np.array([rule is not None and not rule.act for rule in of], np.bool_),
        whole=np.array([rule is not None and rule.levels == "full_or_sleep" for rule in of], np.bool_),
        pays_per_kwh=column("pays_per_kwh", np.nan),
    )


def owners_terms(fleet: Fleet, rules: Sequence[OwnerRule]) -> OwnersTerms | None:
    """Return what owners' contracts allow of levels, whoever lowers their machines; None where all allow all."""
    whole = {rule.name for rule in rules if rule.levels == "full_or_sleep"}
    return (
        OwnersTerms(whole=np.array([owner_of(miner.tags) in whole for miner in fleet.miners], np.bool_))
        if whole
        else None
    )


def market_at(desk: MoneyDesk, now: Moment) -> Market | None:
    """Return what a kWh costs and a TH/s keeps in an hour, in the site's money; None where nobody knows either."""
    price, earning = desk.price_now(now.at), desk.terms.earning_at(now.at)
    if price is None or earning is None or earning.rate is None:
        return None
    expected = _expected(desk, now)
    per_ths_h = earning.expected_per_ph_day * earning.rate / (THS_DAYS_PER_PH_DAY * HOURS)
    return Market(
        per_kwh=float(price) + expected,
        per_ths_h=float(per_ths_h),
        pue=float(earning.pue),
        expected_per_kwh=expected,
    )


def _expected(desk: MoneyDesk, now: Moment) -> float:
    """Return what a kWh at the meter is expected to cost because now may be the system's peak."""
    terms = desk.terms
    if terms.tariff is None:
        return 0.0
    return float(expected_per_kwh(terms.tariff, now.at, terms.zone) * terms.metering.factor)
