"""An order's settlement for its evidence: what came of it by whole metering intervals, and against what. Pure.

What the figures rest on stands beside them, so that who has the record alone can reckon them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from agent.facts.energy import Charge, EnergyInterval
from agent.facts.orders import BaselineTold, OrderSettled
from agent.orders.lifecycle import OrderState
from agent.outputs.account import most_short_w, seconds_in
from agent.outputs.baselines import HOUR, Baseline
from agent.outputs.money_order import WRITTEN_WITHIN, OrderStory
from agent.outputs.report import baselines_of, order_report
from agent.outputs.terms import Terms
from agent.tariffs.periods import interval_start

AFTER = 3 * HOUR
"""The hours after an order that a baseline rests on."""


def first_due(closed_at: datetime, interval: timedelta) -> datetime:
    """Return from when on the interval in which an order closed is written."""
    return interval_start(closed_at, interval) + interval + WRITTEN_WITHIN


def last_due(closed_at: datetime, interval: timedelta) -> datetime:
    """Return from when on all that its baselines rest on is written."""
    return first_due(closed_at + AFTER, interval)


def settlement(story: OrderStory, terms: Terms, now: datetime, *, last: bool) -> OrderSettled | None:
    """Return what a closed order came to; None where it was never in force."""
    spans = story.spans(now)
    if not spans:
        return None
    told = order_report(story, terms, now)
    counted = story.counted(spans, now)
    found = baselines_of(story, spans, counted, terms, now)
    pieces = [piece.fact for piece in story.pieces(counted)]
    taken = {at for one in found for at in one.taken}
    based = [fact for fact in story.intervals if fact.start in taken]
    first, energies, estimated = _by_interval([*based, *pieces], story, spans[0].start)
    base = story.base()

    def number(at: datetime) -> int:
        return (interval_start(at, story.interval) - first) // story.interval

    excess = told["excess"] or {}
    return OrderSettled(
        at=now,
        order_id=story.order_id,
        last=last,
        interval_s=round(story.interval.total_seconds()),
        first=first,
        interval=list(energies),
        site_wh=list(energies.values()),
        counted=sorted({number(fact.start) for fact in pieces}),
        estimated=estimated,
        unknown_s=round(told["unknown_h"] * 3600, 1),
        base_w=None if base is None else round(base.power_w, 1),
        drawn_wh=_wh(told["drawn_kwh"]),
        not_drawn_wh=_wh(told["not_drawn_kwh"]),
        baselines=[_baseline(one, [number(at) for at in one.taken]) for one in found],
        violated_s=round(seconds_in(story.moves, OrderState.VIOLATED), 1),
        most_short_w=most_short_w(story.moves),
        currency=terms.currency if told["cost"] is not None else None,
        cost=told["cost"],
        charges=[Charge(**one) for one in told["components"]],
        cost_not_incurred=told["cost_not_incurred"],
        revenue_not_earned=told["revenue_not_earned"],
        excess_wh=None if told["excess"] is None else round(excess["kwh"] * 1000, 1),
        excess_amount=excess.get("amount"),
        excess_currency=excess.get("currency"),
        doubts=told["doubts"],
    )


def _by_interval(
    facts: Iterable[EnergyInterval], story: OrderStory, start: datetime
) -> tuple[datetime, dict[int, int], list[int]]:
    """Return where intervals are counted from, their Wh by number, and which of these no meter told."""
    pieces = {fact.start: fact for fact in facts}
    step = story.interval
    first = interval_start(min([start, *pieces]), step)
    energies: dict[int, int] = {}
    estimated: set[int] = set()
    for at in sorted(pieces):
        number = (at - first) // step
        energies[number] = energies.get(number, 0) + pieces[at].site_wh
        if pieces[at].source == "beliefs" or pieces[at].quality == "estimated":
            estimated.add(number)
    return first, energies, sorted(estimated)


def _baseline(one: Baseline, taken: list[int]) -> BaselineTold:
    return BaselineTold(
        method=one.method,
        mean_w=None if one.mean_w is None else round(one.mean_w, 3),
        not_drawn_wh=None if one.not_drawn_wh is None else round(one.not_drawn_wh, 3),
        adjusted=one.adjusted,
        taken=taken,
        why=one.why,
        doubt=one.doubt,
    )


def _wh(kwh: float | None) -> int | None:
    return None if kwh is None else round(kwh * 1000)
