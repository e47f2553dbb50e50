"""What an order cost and saved, as JSON: energy against the base before it, priced by the tariff, in the site's money.

Money is decimal text and exact; None is unknown, and each doubt is a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

from agent.orders.lifecycle import FINAL, OrderState
from agent.outputs.baselines import PAST, Baseline, Measured, baselines
from agent.outputs.excess import excess, excess_doubts
from agent.outputs.money_order import OrderStory, Piece
from agent.outputs.money_totals import hours, kwh
from agent.outputs.terms import Terms
from agent.planning.economics import Earning, earned
from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.charging import Amount, charged_for, cost_by_day, kwh_of, load_of
from agent.tariffs.money import EXACT, rounded, written
from agent.tariffs.periods import Span
from agent.values import rfc3339

CENTS = 6
"""Decimals of what was exchanged into another currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What an amount of energy costs; None where nobody knows."""

    cost: Decimal | None
    amounts: tuple[Amount, ...] = ()
    days: dict[date, Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What an order did to energy and money over what is counted of it."""

    pieces: Sequence[Piece]
    unknown_s: float
    drawn: Priced
    spared: Priced
    missed: Mapping[Earning, Decimal] | None
    lost: Decimal | None  # revenue in the site's money
    saved: Decimal | None
    doubts: Sequence[str]


def weighed(story: OrderStory, terms: Terms, counted: Sequence[Span]) -> Weighed:
    """Weigh an order over these spans."""
    pieces, doubts = story.pieces(counted), list[str]()
    drawn = _priced(pieces, lambda piece: piece.fact.site_wh, story, terms, doubts)
    spared = _priced(pieces, not_drawn_wh, story, terms, doubts)
    known = _priced([piece for piece in pieces if piece.not_hashed_th is not None], not_drawn_wh, story, terms, [])
    missed = _missed(pieces, terms)
    lost = _exchanged(missed)
    counted_s = sum((span.end - span.start).total_seconds() for span in counted)
    return Weighed(
        pieces=pieces,
        unknown_s=max(0.0, counted_s - sum(map(_seconds, pieces))),
        drawn=drawn,
        spared=spared,
        missed=missed,
        lost=lost,
        saved=_less(known.cost, lost),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def order_report(story: OrderStory, terms: Terms, now: datetime) -> dict[str, Any]:
    """Return the report of an order's life until now."""
    spans = story.spans(now)
    counted = story.counted(spans, now)
    told, base = weighed(story, terms, counted), story.base()
    pieces = told.pieces
    return {
        **_life(story, spans),
        "counted": [{"from": rfc3339(span.start), "until": rfc3339(span.end)} for span in counted],
        "hours": hours(sum((span.end - span.start).total_seconds() for span in counted)),
        "unknown_h": hours(told.unknown_s),
        "base_kw": None if base is None else round(base.power_w / 1000, 6),
        "base": None if base is None else base.said,
        "baselines": _baselines(story, spans, counted, terms, now),
        "not_drawn_kwh": kwh_over(pieces, not_drawn_wh),
        "drawn_kwh": kwh_over(pieces, lambda piece: piece.fact.site_wh),
        "miners_kwh": kwh_over(pieces, lambda piece: piece.fact.miners_wh),
        "currency": terms.currency,
        "cost_not_incurred": text(told.spared.cost),
        "not_incurred": components(told.spared.amounts),
        "cost": text(told.drawn.cost),
        "components": components(told.drawn.amounts),
        "revenue_not_earned": text(told.lost),
        "revenue": None if told.missed is None else _revenue(told.missed),
        "excess": excess(story, pieces),
        "saved": text(told.saved),
        "days": _days(pieces, told.drawn, told.spared, terms),
        "doubts": [
            *_doubts(story, pieces, told.unknown_s),
            *excess_doubts(story, pieces),
            *terms.doubts,
            *_of_tariff(terms, spans),
            *told.doubts,
        ],
    }


def _life(story: OrderStory, spans: Sequence[Span]) -> dict[str, Any]:
    received = story.received
    return {
        "order_id": story.order_id,
        "class": None if received is None else received.order_class,
        "issuer": None if received is None else received.issuer,
        "state": story.state,
        "revision": story.moves[-1].revision if story.moves else None,
        "spans": [{"from": rfc3339(span.start), "until": rfc3339(span.end)} for span in spans],
    }


def _baselines(
    story: OrderStory, spans: Sequence[Span], counted: Sequence[Span], terms: Terms, now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "method": one.method,
            "mean_kw": None if one.mean_w is None else round(one.mean_w / 1000, 6),
            "not_drawn_kwh": None if one.not_drawn_wh is None else kwh(round(one.not_drawn_wh)),
            "adjusted": one.adjusted,
            "why": one.why,
            "doubt": one.doubt,
        }
        for one in baselines_of(story, spans, counted, terms, now)
    ]


def baselines_of(
    story: OrderStory, spans: Sequence[Span], counted: Sequence[Span], terms: Terms, now: datetime
) -> list[Baseline]:
    """Return what each rule takes for the draw without the order; an order of several lives is one."""
    if not spans:
        return []
    whole = Span(start=spans[0].start, end=spans[-1].end)
    recent = (fact for fact in story.intervals if fact.start >= whole.start - PAST)
    days = {} if terms.tariff is None else terms.tariff.days
    measured = Measured.of(recent, story.interval, story.events(spans, now), terms.zone, days)
    over = story.state is not None and OrderState(story.state) in FINAL
    return baselines(measured, whole, counted, over=over)


# money ----------------------------------------------------------------------------------------------------------


def _priced(
    pieces: Sequence[Piece],
    energy_wh: Callable[[Piece], int | None],
    story: OrderStory,
    terms: Terms,
    doubts: list[str],
) -> Priced:
    """Bill the energy of pieces; a month that is not covered has no energy, and the doubts tell of it."""
    factor = terms.metering.factor
    energies = [(piece.fact.start, kwh_of(told) * factor) for piece in pieces if (told := energy_wh(piece)) is not None]
    if terms.tariff is None or not energies:
        return Priced(cost=None)
    try:
        billed = bill(terms.tariff.running(), load_of(energies, story.interval), terms.zone)
    except Unpriced as error:
        doubts.append(f"no price: {error.component}: {error}")
        return Priced(cost=None)
    charges = charged_for(billed)
    return Priced(cost=charges.cost, amounts=charges.amounts, days=cost_by_day(billed))


def not_drawn_wh(piece: Piece) -> int | None:
    """Return what was not drawn, None where nobody knows."""
    return piece.not_drawn_wh


def _missed(pieces: Sequence[Piece], terms: Terms) -> dict[Earning, Decimal] | None:
    """Return the revenue that was not earned by what hashing earned then, where all of it is known."""
    hashes: dict[Earning, float] = {}
    for piece in pieces:
        if piece.not_hashed_th is None:
            continue
        earning = terms.earning_at(piece.fact.start)
        if earning is None:
            return None
        hashes[earning] = hashes.get(earning, 0.0) + piece.not_hashed_th
    return {one: earned(one, Decimal(str(round(told, 3)))) for one, told in hashes.items()} or None


def _exchanged(missed: Mapping[Earning, Decimal] | None) -> Decimal | None:
    """Return revenue in the site's money, None without a rate."""
    if missed is None:
        return None
    with localcontext(EXACT):
        told = [None if one.rate is None else amount * one.rate for one, amount in missed.items()]
        known = [amount for amount in told if amount is not None]
        return rounded(sum(known, Decimal(0)), CENTS) if len(known) == len(told) else None


def _revenue(missed: Mapping[Earning, Decimal]) -> dict[str, str]:
    with localcontext(EXACT):
        amount = sum(missed.values(), Decimal(0))
    return {"currency": next(iter(missed)).currency, "not_earned": written(amount)}


def components(amounts: Sequence[Amount]) -> list[dict[str, str]]:
    """Return charges as the bill shows them."""
    return [{"name": a.name, "kind": a.kind, "party": a.party, "amount": written(a.amount)} for a in amounts]


# days and doubts ------------------------------------------------------------------------------------------------


def _days(pieces: Sequence[Piece], drawn: Priced, spared: Priced, terms: Terms) -> list[dict[str, Any]]:
    """Return the same by local days."""
    by_day: dict[date, list[Piece]] = {}
    for piece in pieces:
        by_day.setdefault(piece.fact.start.astimezone(terms.zone).date(), []).append(piece)
    return [
        {
            "day": day.isoformat(),
            "drawn_kwh": kwh_over(found, lambda piece: piece.fact.site_wh),
            "not_drawn_kwh": kwh_over(found, not_drawn_wh),
            "cost": text(_on(drawn, day)),
            "cost_not_incurred": text(_on(spared, day)),
            "revenue_not_earned": text(_exchanged(_missed(found, terms))),
        }
        for day, found in sorted(by_day.items())
    ]


def _on(priced: Priced, day: date) -> Decimal | None:
    return None if priced.days is None else priced.days.get(day, Decimal(0))


def _doubts(story: OrderStory, pieces: Sequence[Piece], unknown_s: float) -> list[str]:
    found: list[str] = []
    if not story.moves:
        found.append(f"there is no order {story.order_id} in the ledger")
    elif story.base() is None:
        found.append("nobody knows what was drawn before the order")
    if unknown_s >= 1:
        found.append(f"{hours(unknown_s):g} h are unknown: nobody looked, and no register tells; they are in no sum")
    unread_s = sum(_seconds(piece) for piece in pieces if piece.not_hashed_th is None)
    if unread_s and story.base() is not None:
        found.append(f"what would have been hashed in {hours(unread_s):g} h is not known; left out of what was saved")
    estimated = sum(piece.fact.site_wh for piece in pieces if piece.fact.source == "beliefs")
    if estimated:
        found.append(f"{kwh(estimated):,g} kWh of what was drawn are by what machines say, not by a meter")
    return found


def _of_tariff(terms: Terms, spans: Sequence[Span]) -> list[str]:
    if terms.tariff is None or not spans:
        return []
    first, last = (at.astimezone(terms.zone).date() for at in (spans[0].start, spans[-1].end))
    return [*terms.tariff.doubts(first, last), *terms.tariff.unborne()]


def _seconds(piece: Piece) -> float:
    return (piece.fact.end - piece.fact.start).total_seconds()


def kwh_over(pieces: Sequence[Piece], energy_wh: Callable[[Piece], int | None]) -> float | None:
    """Return a sum over pieces as kWh, None where nothing is known."""
    told = [energy for piece in pieces if (energy := energy_wh(piece)) is not None]
    return kwh(sum(told)) if told else None


def _less(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    with localcontext(EXACT):
        return None if amount is None or other is None else amount - other


def text(amount: Decimal | None) -> str | None:
    """Write an exact amount; None stays None."""
    return None if amount is None else written(amount)
