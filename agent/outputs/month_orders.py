"""What each order of a month cost and saved in it: its whole intervals in that month against the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agent.facts import OrderMoved, OrderReceived
from agent.facts.energy import EnergyInterval
from agent.orders.lifecycle import OrderEvent
from agent.outputs.money_order import OrderStory
from agent.outputs.money_totals import hours
from agent.outputs.report import kwh_over, not_drawn_wh, text, weighed
from agent.outputs.terms import Terms
from agent.tariffs.money import written
from agent.tariffs.periods import Span
from agent.values import rfc3339


@dataclass(slots=True, kw_only=True)
class MonthOrders:
    """The orders that were in force, gathered fact by fact; intervals are those of the month alone."""

    stories: dict[str, OrderStory] = field(default_factory=dict)
    intervals: list[EnergyInterval] = field(default_factory=list)
    _before: EnergyInterval | None = None  # the last whole one, of whatever month

    def received(self, fact: OrderReceived) -> None:
        """Take in a document."""
        self._story(fact.order_id).hear(fact)

    def moved(self, fact: OrderMoved) -> None:
        """Take in a step of an order; what was drawn before its first start is its base."""
        story = self._story(fact.order_id)
        if fact.event == OrderEvent.START and not story.intervals and self._before is not None:
            story.intervals.append(self._before)
        story.moves.append(fact)

    def interval(self, fact: EnergyInterval, *, is_of_month: bool) -> None:
        """Take in what was drawn."""
        if is_of_month:
            self.intervals.append(fact)
        if fact.quality != "partial" and fact.miners_wh is not None:
            self._before = fact

    def _story(self, order_id: str) -> OrderStory:
        return self.stories.setdefault(order_id, OrderStory(order_id=order_id))

    def told(self, terms: Terms, paid: Mapping[str, Decimal]) -> list[dict[str, Any]]:
        """Return every order that touched the month, in the order of their starts; `paid` is by order."""
        if not self.intervals:
            return []
        month = Span(start=self.intervals[0].start, end=max(fact.end for fact in self.intervals))
        found = [self._line(story, month, terms, paid) for story in self.stories.values()]
        return sorted((line for line in found if line is not None), key=lambda line: (line["from"], line["order_id"]))

    def _line(self, story: OrderStory, month: Span, terms: Terms, paid: Mapping[str, Decimal]) -> dict[str, Any] | None:
        spans = [span for span in story.spans(month.end) if span.start < month.end and month.start < span.end]
        if not spans:
            return None
        base = [fact for fact in story.intervals if fact.end <= month.start]
        whole = OrderStory(
            order_id=story.order_id,
            received=story.received,
            moves=story.moves,
            intervals=[*base, *self.intervals],
        )
        counted = [one for span in whole.counted(spans, month.end) if (one := _within(span, month)) is not None]
        told = weighed(whole, terms, counted)
        credit = paid.get(story.order_id)
        return {
            "order_id": story.order_id,
            "class": None if story.received is None else story.received.order_class,
            "issuer": None if story.received is None else story.received.issuer,
            "from": rfc3339(max(spans[0].start, month.start)),
            "hours": hours(sum((span.end - span.start).total_seconds() for span in counted)),
            "unknown_h": hours(told.unknown_s),
            "not_drawn_kwh": kwh_over(told.pieces, not_drawn_wh),
            "drawn_kwh": kwh_over(told.pieces, lambda piece: piece.fact.site_wh),
            "cost": text(told.drawn.cost),
            "cost_not_incurred": text(told.spared.cost),
            "revenue_not_earned": text(told.lost),
            "saved": text(told.saved),
            "credit": None if credit is None else written(-credit),
        }


def _within(span: Span, month: Span) -> Span | None:
    start, end = max(span.start, month.start), min(span.end, month.end)
    return Span(start=start, end=end) if start < end else None
