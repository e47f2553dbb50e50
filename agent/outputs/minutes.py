"""Every minute of an order's life, rebuilt from its evidence and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from agent.facts import AnyFact, OrderMoved
from agent.facts.energy import Absence, Minutes
from agent.orders.lifecycle import BINDING, FINAL, OrderState
from agent.values import Watts, rfc3339

MINUTE = timedelta(minutes=1)
SECONDS = 60.0
IN_FORCE = frozenset(state.value for state in BINDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was seen within a minute; of `looked_s` seconds `metered_s` were by a meter, the rest by beliefs."""

    looked_s: float
    metered_s: float
    mean_w: Watts
    peak_w: Watts
    cap_w: Watts | None  # the least that bound; None: nothing did
    over_s: float  # seconds above it
    hashing: int
    unread: int
    enforce: bool

    def with_(self, more: Figures) -> Figures:
        """Return the figures of two pieces of one minute, `more` the later."""
        caps_w = [cap_w for cap_w in (self.cap_w, more.cap_w) if cap_w is not None]
        looked_s = self.looked_s + more.looked_s
        return Figures(
            looked_s=looked_s,
            metered_s=self.metered_s + more.metered_s,
            mean_w=(self.mean_w * self.looked_s + more.mean_w * more.looked_s) / looked_s,
            peak_w=max(self.peak_w, more.peak_w),
            cap_w=min(caps_w, default=None),
            over_s=self.over_s + more.over_s,
            hashing=more.hashing,
            unread=more.unread,
            enforce=self.enforce and more.enforce,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute: where the order stood at its end (None: not received yet), what was seen, whether the agent was away.

    `seen` None: nobody looked. Then an absence bounds what was drawn, or the order was scheduled and nothing bound.
    """

    at: datetime
    state: str | None
    seen: Figures | None
    away: Absence | None = None
    held_s: float = 0.0  # of it the order was in force


class _Link(msgspec.Struct):
    fact: AnyFact


_decoder = msgspec.json.Decoder(_Link)


def facts_of(links: Iterable[bytes]) -> list[AnyFact]:
    """Return the facts of an order's links."""
    return [_decoder.decode(line).fact for line in links]


def rebuild(facts: Sequence[AnyFact]) -> list[Minute]:
    """Return every minute from the first that was seen, or the order's receipt, to its end, or what is known last."""
    seen = _seen(facts)
    moves = [fact for fact in facts if isinstance(fact, OrderMoved)]
    if not moves:
        return []
    absences = [fact for fact in facts if isinstance(fact, Absence)]
    first = min([_minute(moves[0].at), *seen])
    last = _minute(moves[-1].at) if moves[-1].state in _FINAL else max([_minute(facts[-1].at), *seen])
    minutes, state, left, held = list[Minute](), None, list(moves), in_force(moves)
    for at in _each(first, max(last, *seen) if seen else last):
        while left and left[0].at < at + MINUTE:
            state = left.pop(0).state
        held_s = sum(_within(at, span) for span in held)
        minutes.append(Minute(at=at, state=state, seen=seen.get(at), away=_away(absences, at), held_s=held_s))
    return minutes


def in_force(moves: Sequence[OrderMoved]) -> list[tuple[datetime, datetime]]:
    """Return the spans that an order was in force; the last has no end where it still is."""
    ends = [*(move.at for move in moves[1:]), datetime.max.replace(tzinfo=UTC)]
    spans: list[tuple[datetime, datetime]] = []
    for move, end in zip(moves, ends, strict=True):
        if move.state not in IN_FORCE:
            continue
        goes_on = bool(spans) and spans[-1][1] == move.at
        spans[len(spans) - goes_on :] = [(spans[-1][0] if goes_on else move.at, end)]
    return spans


def _within(at: datetime, span: tuple[datetime, datetime]) -> float:
    return max(0.0, (min(span[1], at + MINUTE) - max(span[0], at)).total_seconds())


def minute_json(minute: Minute) -> dict[str, Any]:
    """Return a minute as it is shown; None is unknown."""
    seen, away = minute.seen, minute.away
    names = ("mean_w", "peak_w", "cap_w", "over_s", "looked_s", "metered_s", "hashing", "unread", "enforce")
    return {
        "at": rfc3339(minute.at),
        "state": minute.state,
        **{name: None if seen is None else rounded(getattr(seen, name)) for name in names},
        "away": None if away is None else {"since": rfc3339(away.since), "until": rfc3339(away.until)},
    }


def rounded(figure: float | None) -> float | None:
    """Return a figure to the thousandth."""
    return figure if figure is None or isinstance(figure, int) else round(figure, 3)


_FINAL = frozenset(state.value for state in FINAL) - {OrderState.SUPERSEDED.value}


def _seen(facts: Iterable[AnyFact]) -> dict[datetime, Figures]:
    seen: dict[datetime, Figures] = {}
    for fact in facts:
        if isinstance(fact, Minutes):
            for at, figures in _figures(fact):
                seen[at] = figures if at not in seen else seen[at].with_(figures)
    return seen


def _figures(fact: Minutes) -> Iterable[tuple[datetime, Figures]]:
    for row, number in enumerate(fact.minute):
        yield (
            fact.start + number * MINUTE,
            Figures(
                looked_s=fact.looked_s[row],
                metered_s=fact.metered_s[row],
                mean_w=fact.mean_w[row],
                peak_w=fact.peak_w[row],
                cap_w=fact.cap_w[row],
                over_s=fact.over_s[row],
                hashing=fact.hashing[row],
                unread=fact.unread[row],
                enforce=fact.enforce,
            ),
        )


def _each(first: datetime, last: datetime) -> Iterable[datetime]:
    return (first + number * MINUTE for number in range((last - first) // MINUTE + 1))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _away(absences: Iterable[Absence], at: datetime) -> Absence | None:
    return next((one for one in absences if one.since < at + MINUTE and at < one.until), None)
