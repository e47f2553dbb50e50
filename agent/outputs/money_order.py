"""What an order did to a site's energy: the intervals that it touched against the last one before it.

Whole metering intervals are counted: outside the order a farm draws what it drew before, so that the first and the last
one need no cut. What nobody knows of is hours, and never zero kWh.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.facts import AnyFact, OrderMoved, OrderReceived
from agent.facts.energy import EnergyInterval
from agent.orders.lifecycle import FINAL, OrderEvent, OrderState
from agent.proof.jws import content
from agent.tariffs.periods import Span, interval_start
from agent.values import Watts

KINDS = ("OrderReceived", "OrderMoved", "EnergyInterval")
"""The facts that an order's report is made of."""
USUAL = timedelta(minutes=15)
OLD_BASE = timedelta(hours=1)
WRITTEN_WITHIN = timedelta(minutes=2)
"""After its end an interval is in the ledger by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the site drew before the order, and hashed where that is known."""

    power_w: Watts
    hashrate_ths: float | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One counted stretch of energy against the base, whole Wh; None where nobody knows."""

    fact: EnergyInterval
    not_drawn_wh: int | None
    not_hashed_th: float | None


@dataclass(slots=True, kw_only=True)
class OrderStory:
    """One order's life and the site's intervals, gathered fact by fact."""

    order_id: str
    usual: timedelta | None = None  # how long metering intervals are here; None: as long as the longest known
    received: OrderReceived | None = None  # its last document that is no cancel, else its last
    moves: list[OrderMoved] = field(default_factory=list)
    intervals: list[EnergyInterval] = field(default_factory=list)
    others: list[Span] = field(default_factory=list)  # when other orders were in force
    _open: dict[str, datetime] = field(default_factory=dict)

    def take(self, facts: Iterable[AnyFact]) -> None:
        """Take in facts in their order; what is of others is passed over."""
        for fact in facts:
            match fact:
                case EnergyInterval() if fact.end > fact.start:
                    self.intervals.append(fact)
                case OrderMoved(order_id=order_id) if order_id == self.order_id:
                    self.moves.append(fact)
                case OrderMoved():
                    self._take_other(fact)
                case OrderReceived(order_id=order_id) if order_id == self.order_id:
                    self.hear(fact)
                case _:
                    continue

    def hear(self, document: OrderReceived) -> None:
        """Take in one of its documents; a cancel takes back what the one before it asked, and asks nothing itself."""
        if self.received is None or not is_cancel(document) or is_cancel(self.received):
            self.received = document

    def _take_other(self, move: OrderMoved) -> None:
        if move.event == OrderEvent.START:
            self._open.setdefault(move.order_id, move.at)
        elif OrderState(move.state) in FINAL and (since := self._open.pop(move.order_id, None)) is not None:
            self.others.append(Span(start=since, end=move.at))

    def events(self, spans: Sequence[Span], now: datetime) -> list[Span]:
        """Return when any order was in force: this one's spans, those of others, and others that still are."""
        return [*spans, *self.others, *(Span(start=since, end=max(now, since)) for since in self._open.values())]

    @property
    def state(self) -> str | None:
        """Where the order is in its life, None where there is none."""
        return self.moves[-1].state if self.moves else None

    def spans(self, now: datetime) -> list[Span]:
        """Return from when until when it was in force or being undone: until now where it still is."""
        found: list[Span] = []
        since: datetime | None = None
        for move in self.moves:
            if move.event == OrderEvent.START:
                since = since or move.at
            elif OrderState(move.state) in FINAL and since is not None:
                found.append(Span(start=since, end=move.at))
                since = None
        return found if since is None else [*found, Span(start=since, end=max(now, since))]

    @property
    def interval(self) -> timedelta:
        """How long a metering interval is here."""
        return self.usual or max((fact.end - fact.start for fact in self.intervals), default=USUAL)

    def base(self) -> Base | None:
        """Return what was drawn in the last whole interval before the first start, else what the meter said then."""
        start = next((move.at for move in self.moves if move.event == OrderEvent.START), None)
        if start is None:
            return None
        before = [f for f in self.intervals if f.end <= start and f.quality != "partial" and f.miners_wh is not None]
        if before:
            return _base_of(before[-1], start)
        observed_w = next((move.observed_w for move in self.moves if move.observed_w is not None), None)
        return None if observed_w is None else Base(power_w=observed_w, hashrate_ths=None, said="the meter at receipt")

    def counted(self, spans: Sequence[Span], now: datetime) -> list[Span]:
        """Return the whole intervals that spans touch, but for what is under way and not told yet."""
        last = max((fact.end for fact in self.intervals), default=now)
        until = last if last < now <= last + self.interval + WRITTEN_WITHIN else now
        whole = widened(spans, self.interval)
        return [Span(start=span.start, end=min(span.end, until)) for span in whole if span.start < until]

    def pieces(self, counted: Sequence[Span]) -> list[Piece]:
        """Return the counted stretches in their order."""
        base = self.base()
        facts = (f for f in self.intervals if any(s.start <= f.start and f.end <= s.end for s in counted))
        return [_piece(fact, base) for fact in sorted(facts, key=lambda fact: fact.start)]


def is_cancel(received: OrderReceived) -> bool:
    """Return whether a document that was taken in takes its order back."""
    return bool(json.loads(content(received.document)).get("status") == "cancelled")


def _base_of(fact: EnergyInterval, start: datetime) -> Base:
    seconds = (fact.end - fact.start).total_seconds()
    hashrate_ths = None if fact.hashed_th is None else fact.hashed_th / seconds
    told = f"the interval that ended {fact.end:%Y-%m-%dT%H:%MZ}"
    old = f", {(start - fact.end) / timedelta(hours=1):.1f} h before the order" if start - fact.end > OLD_BASE else ""
    return Base(power_w=fact.site_wh * 3600 / seconds, hashrate_ths=hashrate_ths, said=told + old)


def _piece(fact: EnergyInterval, base: Base | None) -> Piece:
    seconds = (fact.end - fact.start).total_seconds()
    if base is None:
        return Piece(fact=fact, not_drawn_wh=None, not_hashed_th=None)
    unknown = base.hashrate_ths is None or fact.hashed_th is None
    return Piece(
        fact=fact,
        not_drawn_wh=round(base.power_w * seconds / 3600) - fact.site_wh,
        not_hashed_th=None if unknown else (base.hashrate_ths or 0.0) * seconds - (fact.hashed_th or 0.0),
    )


def widened(spans: Sequence[Span], interval: timedelta) -> list[Span]:
    """Return the whole metering intervals that spans touch, as spans that do not overlap."""
    found: list[Span] = []
    for span in spans:
        start, end = interval_start(span.start, interval), interval_start(span.end, interval)
        end = end if end == span.end else end + interval
        if found and start <= found[-1].end:
            start, end = found[-1].start, max(end, found[-1].end)
            found.pop()
        found.append(Span(start=start, end=end))
    return found
