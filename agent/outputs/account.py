"""An order's life summed up for a regulator, from its evidence and from nothing else. Pure.

Draw is as the order was judged by it. Minutes that nobody saw are counted, and are in no energy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from agent.facts import AnyFact, CommandRefused, Escalated, OrderMoved, OrderReceived
from agent.facts.energy import Absence
from agent.orders.lifecycle import OrderEvent, OrderState
from agent.outputs.minutes import IN_FORCE, MINUTE, SECONDS, Figures, Minute, rebuild
from agent.outputs.money_order import is_cancel
from agent.proof.jws import content, is_compact, opened
from agent.values import Watts

HOUR_S = 3600.0
LEAST_S = 1.0
"""A minute of which an order was in force for less tells nothing of it: the agent looks once a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an order asked for, and what was done; None where nobody knows."""

    received: OrderReceived | None  # its last document that is no cancel, else its last
    documents: tuple[OrderReceived, ...]  # every one that was taken in
    first_received_at: datetime | None
    steps: tuple[OrderMoved, ...]
    minutes: tuple[Minute, ...]
    absences: tuple[Absence, ...]
    began_at: datetime | None
    ended_at: datetime | None  # None: it is in force
    complied_after_s: float | None  # from its beginning
    violated_s: float
    most_short_w: Watts  # the highest shortfall acknowledged while it was violated
    base_w: Watts | None  # mean of the quarter of an hour before it came
    drawn_wh: float  # while it was in force and somebody looked
    looked_s: float
    metered_s: float
    over_before_s: float  # above the cap until it was first complied with
    over_after_s: float
    highest_w: Watts | None  # after it was first complied with, in minutes that it held through: no way back is in it
    unseen: int  # minutes in force that nobody saw
    refusals: int  # commands that machines declined
    disobeyed: int  # machines that did not do what they were told
    enforced: bool

    @property
    def not_drawn_wh(self) -> float | None:
        """What the draw before would have been more, in the time that was looked at."""
        return None if self.base_w is None else self.base_w * self.looked_s / HOUR_S - self.drawn_wh


def account(facts: Sequence[AnyFact]) -> Account:
    """Sum up the facts of an order's links."""
    steps = [fact for fact in facts if isinstance(fact, OrderMoved)]
    documents = [fact for fact in facts if isinstance(fact, OrderReceived)]
    minutes = rebuild(facts)
    began = next((step.at for step in steps if step.event == OrderEvent.START), None)
    complied = next((step.at for step in steps if step.event == OrderEvent.COMPLY), None)
    held = [minute for minute in minutes if minute.held_s > 0]
    seen = [_in_force(minute.seen, minute.held_s) for minute in held if minute.seen is not None]
    later = [minute for minute in held if complied is not None and minute.at > complied]
    after = [_in_force(minute.seen, minute.held_s) for minute in later if minute.seen is not None]
    through = [minute.seen for minute in later if minute.seen is not None and _is_through(minute)]
    return Account(
        received=_binding(documents),
        documents=tuple(documents),
        first_received_at=documents[0].at if documents else None,
        steps=tuple(steps),
        minutes=tuple(minutes),
        absences=tuple(fact for fact in facts if isinstance(fact, Absence)),
        began_at=began,
        ended_at=_ended(steps),
        complied_after_s=None if began is None or complied is None else (complied - began).total_seconds(),
        violated_s=seconds_in(steps, OrderState.VIOLATED),
        most_short_w=most_short_w(steps),
        base_w=_mean_w([minute.seen for minute in minutes if minute.state is None and minute.seen is not None]),
        drawn_wh=sum(one.mean_w * one.looked_s for one in seen) / HOUR_S,
        looked_s=sum(one.looked_s for one in seen),
        metered_s=sum(one.metered_s for one in seen),
        over_before_s=sum(one.over_s for one in seen) - sum(one.over_s for one in after),
        over_after_s=sum(one.over_s for one in after),
        highest_w=max((one.peak_w for one in through), default=None),
        unseen=sum(minute.seen is None and minute.held_s >= LEAST_S for minute in held),
        refusals=sum(isinstance(fact, CommandRefused) for fact in facts),
        disobeyed=len({miner for fact in facts if isinstance(fact, Escalated) for miner in fact.miners}),
        enforced=all(one.enforce for one in seen),
    )


def _in_force(seen: Figures, held_s: float) -> Figures:
    """Return the part of a minute's figures that falls to an order that was in force for so much of it."""
    looked_s, over_s = min(seen.looked_s, held_s), min(seen.over_s, held_s)
    metered_s = seen.metered_s * looked_s / seen.looked_s if seen.looked_s else 0.0
    return replace(seen, looked_s=looked_s, metered_s=metered_s, over_s=over_s)


def _is_through(minute: Minute) -> bool:
    """Return whether an order was in force for all of a minute, so that the minute's peak is of it."""
    return minute.state in IN_FORCE and minute.held_s > SECONDS - LEAST_S


def limit_of(document: str) -> str | None:
    """Return the limit that a document asks for as it stands there, None where there is none."""
    told = json.loads(content(document)).get("limit")
    return None if told is None else json.dumps(told, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document says that it came from, and by which key it is signed; None where it is not."""

    kid: str | None
    sha256: str  # of the document as it was received
    source: Mapping[str, str]


def origin_of(document: str) -> Origin:
    """Return where a document that was taken in came from."""
    raw = document.encode()
    return Origin(
        kid=opened(raw).kid if is_compact(raw) else None,
        sha256=sha256(raw).hexdigest(),
        source=json.loads(content(document)).get("source_ref") or {},
    )


def _binding(documents: Sequence[OrderReceived]) -> OrderReceived | None:
    asking = [one for one in documents if not is_cancel(one)]
    return next(reversed(asking or documents), None)


def _ended(steps: Sequence[OrderMoved]) -> datetime | None:
    """Return when it was last in force; None where it still is, or never was."""
    ends = [after.at for before, after in pairwise(steps) if before.state in IN_FORCE and after.state not in IN_FORCE]
    return ends[-1] if ends and steps[-1].state not in IN_FORCE else None


def seconds_in(steps: Sequence[OrderMoved], state: OrderState) -> float:
    """Return how long an order stood in a state; what it stands in now is counted to its last step."""
    spans = (after.at - before.at for before, after in pairwise(steps) if before.state == state)
    return sum(spans, timedelta()).total_seconds()


def most_short_w(steps: Iterable[OrderMoved]) -> Watts:
    """Return the highest shortfall that was acknowledged while an order was violated."""
    return max((step.shortfall_w or 0.0 for step in steps if step.state == OrderState.VIOLATED), default=0.0)


def _mean_w(seen: Iterable[Figures]) -> Watts | None:
    told = [(one.mean_w, one.looked_s) for one in seen]
    looked_s = sum(seconds for _, seconds in told)
    return None if looked_s == 0 else sum(mean_w * seconds for mean_w, seconds in told) / looked_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stretch of minutes on a chart; draws None: nobody looked. `cap_w` None: the order did not bind."""

    at: datetime
    until: datetime
    mean_w: Watts | None
    peak_w: Watts | None
    cap_w: Watts | None
    over: bool
    away: bool


def points(minutes: Sequence[Minute], most: int) -> list[Point]:
    """Return minutes as at most so many stretches of one length."""
    size = max(1, -(-len(minutes) // most))
    return [_point(minutes[at : at + size]) for at in range(0, len(minutes), size)]


def _point(minutes: Sequence[Minute]) -> Point:
    seen = [minute.seen for minute in minutes if minute.seen is not None]
    caps_w = [one.seen.cap_w for one in minutes if one.seen and one.held_s > 0 and one.seen.cap_w is not None]
    return Point(
        at=minutes[0].at,
        until=minutes[-1].at + MINUTE,
        mean_w=_mean_w(seen),
        peak_w=max((one.peak_w for one in seen), default=None),
        cap_w=min(caps_w, default=None),
        over=any(one.over_s > 0 for one in seen),
        away=any(minute.away is not None for minute in minutes),
    )
