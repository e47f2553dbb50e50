"""Joins price to control: from the configuration and the books to what weighs machines against it."""

from __future__ import annotations

from datetime import timedelta

from agent.config import Config
from agent.control.accounting import Accounting
from agent.control.metering import Metering
from agent.control.pricing import Pricing
from agent.fleet.fleet import Fleet
from agent.outputs.money_desk import MoneyDesk
from agent.peak_room import PeakRoom
from agent.planning.economics import HOURS, THS_DAYS_PER_PH_DAY
from agent.planning.price import Market, PricePolicy
from agent.tariffs.chances import expected_per_kwh
from agent.values import Moment


def pricing_of(
    config: Config, fleet: Fleet, desk: MoneyDesk, accounting: Accounting, metering: Metering
) -> Pricing | None:
    """Return what acts on price, or says what it would do; None where there is no tariff or nothing is earned."""
    price, control, terms = config.schema.price, config.schema.control, desk.terms
    if terms.tariff is None or terms.revenue is None:
        return None
    shed = control.shed_kw_per_min
    policy = PricePolicy(
        min_on_s=price.min_on_s,
        min_off_s=price.min_off_s,
        hysteresis=price.hysteresis_pct / 100,
        restart_cost=float(price.restart_cost),
        shed_w_per_s=None if shed is None else shed * 1000 / 60,
        max_step_w=None if control.max_step_kw is None else control.max_step_kw * 1000,
    )
    peaks = PeakRoom(
        desk=desk,
        interval=timedelta(minutes=config.schema.tariff.metering.interval_min),
        under_way_wh=accounting.drawn_wh,
        house_w=lambda now: metering.house.in_force_w(now.mono),
    )
    return Pricing(
        fleet=fleet,
        policy=policy,
        market=lambda now: market_at(desk, now),
        currency=terms.currency,
        watch=peaks.watch,
        act=price.act and control.mode == "enforce",
    )


def market_at(desk: MoneyDesk, now: Moment) -> Market | None:
    """Return what a kWh costs and a TH/s keeps in an hour, in the site's money; None where nobody knows either."""
    price, earning = desk.price_now(now.at), desk.terms.earning_at(now.at)
    if price is None or earning is None or earning.rate is None:
        return None
    expected = _expected(desk, now)
    per_ths_h = earning.kept_per_ph_day * earning.rate / (THS_DAYS_PER_PH_DAY * HOURS)
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
