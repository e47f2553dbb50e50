"""The minutes of an order's life, for its evidence: what was drawn against the cap, and by whom that was seen.

It has no clock: each tick of control hands it what was seen, which holds until the next. Minutes are told together,
each quarter of an hour and when an order comes or goes; a snapshot each few seconds saves what a kill would lose.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from agent.facts import AnyFact
from agent.facts.energy import Minutes, MinutesSoFar
from agent.orders.compliance import Observed
from agent.values import Moment, Watts

MINUTE = timedelta(minutes=1)
TOLD_EACH = 15
"""Minutes, by the clock."""
KEPT_EACH_S = 10.0
GOOD_FOR_S = 60.0
"""So long what was seen holds, where nobody looks again."""
SLACK_S = 1.0
"""Civil time that goes on by more than this beyond monotonic time was stepped, and is nobody's."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The site as orders are judged by it, at one tick."""

    draw_w: Watts
    meter: str | None  # None: by beliefs
    cap_w: Watts | None
    hashing: int
    unread: int


def look_of(observed: Observed, cap_w: Watts | None) -> Look:
    """Return what one tick saw."""
    return Look(
        draw_w=observed.draw_w,
        meter=None if observed.meter_w is None else observed.meter,
        cap_w=cap_w,
        hashing=observed.hashing,
        unread=len(observed.unproved),
    )


@dataclass(slots=True, kw_only=True)
class _Piece:
    """A minute, or the part of it that was looked at."""

    at: datetime
    until: datetime
    looked_s: float = 0.0
    metered_s: float = 0.0
    drawn_ws: float = 0.0
    peak_w: Watts = 0.0
    cap_w: Watts | None = None
    over_s: float = 0.0
    hashing: int = 0
    unread: int = 0

    def add(self, look: Look, seconds: float) -> None:
        self.peak_w = look.draw_w if self.looked_s == 0.0 else max(self.peak_w, look.draw_w)
        self.looked_s += seconds
        self.metered_s += seconds if look.meter is not None else 0.0
        self.drawn_ws += look.draw_w * seconds
        if look.cap_w is not None:
            self.cap_w = look.cap_w if self.cap_w is None else min(self.cap_w, look.cap_w)
            self.over_s += seconds if look.draw_w > look.cap_w else 0.0
        self.hashing, self.unread = look.hashing, look.unread


class MinuteBook:
    """Keeps the minutes, and tells them for the orders that were open in them. `keeps`: over a kill as well."""

    def __init__(self, *, enforce: bool, keeps: bool = True) -> None:
        self._enforce = enforce
        self._keeps = keeps
        self._piece: _Piece | None = None
        self._recent: deque[_Piece] = deque(maxlen=TOLD_EACH)
        self._untold: list[_Piece] = []
        self._last: tuple[Moment, Look] | None = None
        self._orders: set[str] = set()
        self._told_until: dict[str, datetime] = {}  # by orders that went lately, and may come again
        self._left: MinutesSoFar | None = None
        self._is_due = False
        self._kept_at: float | None = None

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        match fact:
            case MinutesSoFar():
                self._left = fact
            case Minutes():
                self._left = None
            case _:
                return

    def seen(self, look: Look, orders: Collection[str], now: Moment) -> list[AnyFact]:
        """Take in one look, and which orders are open; return what is to be told."""
        self._passed(now)
        self._last = now, look
        facts = [*self._left_over(now), *self._changed(set(orders), now)]
        if self._is_due:
            facts += self._flush(now)
        if self._keeps and self._orders and (self._kept_at is None or now.mono - self._kept_at >= KEPT_EACH_S):
            facts += self._kept(now)
        return facts

    def close(self, now: Moment) -> list[AnyFact]:
        """Return what is not told yet, as at the agent's end."""
        self._passed(now)
        self._last = None
        self._cut()
        return [*self._left_over(now), *self._flush(now)]

    # time -----------------------------------------------------------------------------------------------------

    def _passed(self, now: Moment) -> None:
        """Let what was seen last hold until now, minute by minute."""
        if self._last is None:
            return
        then, look = self._last
        seconds = min(GOOD_FOR_S, now.mono - then.mono + SLACK_S)
        at, end = then.at, min(now.at, then.at + timedelta(seconds=seconds))
        while at < end:
            start = at.replace(second=0, microsecond=0)
            until = min(start + MINUTE, end)
            self._piece = self._piece or _Piece(at=start, until=at)
            self._piece.add(look, (until - at).total_seconds())
            self._piece.until = until
            if until == start + MINUTE:
                self._cut()
                self._is_due |= until.minute % TOLD_EACH == 0
            at = until
        if end < now.at:
            self._cut()

    def _cut(self) -> None:
        if self._piece is None:
            return
        self._recent.append(self._piece)
        self._untold += [self._piece] if self._orders else []
        self._is_due |= len(self._untold) >= TOLD_EACH  # where looks are so far apart that no quarter's end is seen
        self._piece = None

    # what is told ---------------------------------------------------------------------------------------------

    def _left_over(self, now: Moment) -> list[AnyFact]:
        """Return what a life before this one was killed with."""
        left, self._left = self._left, None
        return [] if left is None else [msgspec.structs.replace(left.told, at=now.at)]

    def _changed(self, orders: set[str], now: Moment) -> list[AnyFact]:
        """Tell those that were open what they have lived through, and those that came what was before them."""
        if orders == self._orders:
            return []
        self._cut()
        facts = self._flush(now)
        for order in sorted(orders - self._orders):
            since = max(now.at - TOLD_EACH * MINUTE, self._told_until.pop(order, LONG_AGO))
            before = [piece for piece in self._recent if piece.until > since]
            facts += [self._told(before, [order], now)] if before else []
        self._told_until = {order: at for order, at in self._told_until.items() if at > now.at - TOLD_EACH * MINUTE}
        self._told_until |= dict.fromkeys(self._orders - orders, now.at)
        self._orders = orders
        return facts

    def _flush(self, now: Moment) -> list[AnyFact]:
        pieces, self._untold, self._is_due = self._untold, [], False
        return [self._told(pieces, self._orders, now)] if pieces else []

    def _kept(self, now: Moment) -> list[AnyFact]:
        self._kept_at = now.mono
        pieces = [*self._untold, *([] if self._piece is None else [self._piece])]
        return [MinutesSoFar(at=now.at, told=self._told(pieces, self._orders, now))] if pieces else []

    def _told(self, pieces: Iterable[_Piece], orders: Iterable[str], now: Moment) -> Minutes:
        told = [piece for piece in pieces if piece.looked_s > 0]
        return Minutes(
            at=now.at,
            start=told[0].at,
            minute=[(piece.at - told[0].at) // MINUTE for piece in told],
            looked_s=[round(piece.looked_s, 3) for piece in told],
            metered_s=[round(piece.metered_s, 3) for piece in told],
            mean_w=[round(piece.drawn_ws / piece.looked_s, 1) for piece in told],
            peak_w=[round(piece.peak_w, 1) for piece in told],
            cap_w=[None if piece.cap_w is None else round(piece.cap_w, 1) for piece in told],
            over_s=[round(piece.over_s, 3) for piece in told],
            hashing=[piece.hashing for piece in told],
            unread=[piece.unread for piece in told],
            meter=None if self._last is None else self._last[1].meter,
            enforce=self._enforce,
            orders=sorted(orders),
        )


class ScopedMinutes:
    """The minutes of orders that bear upon less than the site, each as it is judged."""

    def __init__(self, *, enforce: bool) -> None:
        self._enforce = enforce
        self._books: dict[str, MinuteBook] = {}

    def seen(self, looks: Mapping[str, Look], now: Moment) -> list[AnyFact]:
        """Take in one look at each such order that has begun; return what is to be told."""
        facts: list[AnyFact] = []
        for order_id, look in looks.items():
            book = self._books.setdefault(order_id, MinuteBook(enforce=self._enforce, keeps=False))
            facts += book.seen(look, [order_id], now)
        for order_id in self._books.keys() - looks.keys():
            facts += self._books.pop(order_id).close(now)
        return facts

    def close(self, now: Moment) -> list[AnyFact]:
        """Return what is not told yet, as at the agent's end."""
        return [fact for book in self._books.values() for fact in book.close(now)]
