"""Listens to whether issuers are heard, and lets their failsafe hold as an order of its own while they are not.

There is one for each issuer by the configuration, and one for each open order whose document agreed on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from agent.clock import Clock
from agent.control.journal import Journal
from agent.control.own_orders import OwnOrders, own_id
from agent.facts import AnyFact, OrderReceived, OrderRefused
from agent.facts.orders import IssuerHeard, IssuerSilent
from agent.orders.order import CLASSES, Order
from agent.orders.silence import Failsafe, Turn, Watchfulness
from agent.orders.trust import OWN, TrustPolicy, is_grave
from agent.values import Moment

LOOK_S = 1.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """Whom a failsafe waits for, and the order that it is."""

    issuer: str
    failsafe_id: str
    rule: Failsafe
    told: Mapping[str, Any]  # of the order, beside its limit and note
    order_id: str | None = None  # None: by the configuration


class SilenceWatch:
    """One site's issuers as they are heard. `on_link` is told who is, by name."""

    def __init__(self, own: OwnOrders, journal: Journal, trust: TrustPolicy, clock: Clock) -> None:
        self.on_link: Callable[[str, bool], None] = _unheard
        self._own = own
        self._journal = journal
        self._trust = trust
        self._clock = clock
        self._known: set[str] = set()  # heard once, in this life or another
        self._states: dict[str, Watchfulness] = {}
        journal.listeners.append(self.heard)

    def replayed(self, fact: AnyFact) -> None:
        """Take in a remembered fact: whom we ever heard."""
        if isinstance(fact, IssuerHeard):
            self._known.add(fact.issuer)

    def beat(self, issuer: str, at: datetime | None) -> str | None:
        """Take in a heartbeat; returns why it does not count, None where it does."""
        now = self._clock.now()
        known = self._trust.issuers.get(issuer)
        if known is None:
            return "the issuer is not configured"
        oldest_s = 300.0 if known.failsafe is None else known.failsafe.timeout_s or 300.0
        if at is not None and (now.earliest - at).total_seconds() > oldest_s:
            return f"it is older than {oldest_s:.0f} s"
        watched = [one for one in self._all() if one.issuer == issuer]
        waits = (self._state(one, now) for one in watched)
        first = issuer not in self._known or any(state.holds and state.back_at is None for state in waits)
        for one in watched:
            self._states[one.failsafe_id] = self._state(one, now).beaten(now.mono)
        if first:
            self._known.add(issuer)
            self._journal.note([IssuerHeard(at=now.at, issuer=issuer)])
            log.info("an issuer is heard", issuer=issuer)
        self.on_link(f"heartbeat:{issuer}", True)
        return None

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Take in what became of documents: a fresh one may end a failsafe, a refused one begin it."""
        told = [fact for fact in facts if isinstance(fact, OrderReceived | OrderRefused)]
        now, watched = self._clock.now(), self._all() if told else []
        for fact in told:
            match fact:
                case OrderReceived(issuer=issuer) if fact.transport != OWN:
                    self._fresh(issuer, fact, watched, now)
                case OrderRefused(issuer=str(issuer)) if self._turns_to_failsafe(fact):
                    self._refused(issuer, fact, watched, now)
                case _:
                    continue

    def _fresh(self, issuer: str, fact: OrderReceived, watched: Sequence[_Watched], now: Moment) -> None:
        view = self._own.book.view(fact.order_id)
        issued_at = None if view is None else view.order.issued_at
        if issued_at is not None and (now.latest - issued_at).total_seconds() > self._trust.max_age_s:
            return  # old documents tighten; they end nothing
        for one in watched:
            if one.issuer == issuer:
                self._states[one.failsafe_id] = self._state(one, now).told(one.rule)[0]

    def _turns_to_failsafe(self, fact: OrderRefused) -> bool:
        issuer = self._trust.issuers.get(fact.issuer or "")
        return issuer is not None and issuer.rejects_to_failsafe and is_grave(fact, self._trust)

    def _refused(self, issuer: str, fact: OrderRefused, watched: Sequence[_Watched], now: Moment) -> None:
        for one in watched:
            if one.issuer == issuer and one.order_id is None:
                state, turn = self._state(one, now).refused(now.mono)
                self._states[one.failsafe_id] = state
                if turn is Turn.BEGIN:
                    self._journal.note([self._silent(one, state, now, f"a document of {issuer} was refused")])
                    log.critical("failsafe: a document was refused", issuer=issuer, code=fact.code)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Let time pass, and let the failsafes' orders follow."""
        now, watched = self._clock.now(), self._all()
        for one in watched:
            before = self._state(one, now)
            state, turn = before.looked(one.rule, now.mono)
            self._states[one.failsafe_id] = state
            if turn is Turn.BEGIN:
                await self._journal.record([self._silent(one, before, now, None)])
                log.critical("failsafe: an issuer is silent", issuer=one.issuer, limit_kw=one.rule.cap_kw)
                self.on_link(f"heartbeat:{one.issuer}", False)
            await self._follow(one, state)
        await self._let_go({one.failsafe_id for one in watched})

    async def _follow(self, one: _Watched, state: Watchfulness) -> None:
        if state.holds and not self._own.holds(one.failsafe_id):
            limit = {"max_import_kw": one.rule.cap_kw}
            note = f"failsafe of {one.issuer}: it is not heard, or a document of its was refused"
            await self._own.issue(one.failsafe_id, {**one.told, "limit": limit, "note": note})
        elif not state.holds:
            await self._own.take_back(one.failsafe_id)

    async def _let_go(self, watched: set[str]) -> None:
        """Take back the failsafe of what is open no longer, or agreed no longer."""
        for order_id in self._own.book.open_ids():
            if order_id.startswith("failsafe.") and order_id not in watched:
                await self._own.take_back(order_id)
        self._states = {key: state for key, state in self._states.items() if key in watched}

    @staticmethod
    def _silent(one: _Watched, before: Watchfulness, now: Moment, reason: str | None) -> IssuerSilent:
        silent_s = None if before.beat_at is None else round(now.mono - before.beat_at, 1)
        return IssuerSilent(at=now.at, issuer=one.issuer, failsafe=one.failsafe_id, silent_s=silent_s, reason=reason)

    def _state(self, one: _Watched, now: Moment) -> Watchfulness:
        """Return how one is heard; after a start an order that still holds says that it was not."""
        known = self._states.get(one.failsafe_id)
        if known is not None:
            return known
        view = self._own.book.view(one.failsafe_id)
        is_heard = one.order_id is not None or one.issuer in self._known or one.rule.timeout_s is None
        state = Watchfulness(beat_at=now.mono if is_heard else None)
        if view is not None and self._own.holds(one.failsafe_id):
            state = replace(state, since=now.mono - max(0.0, (now.at - view.starts_at).total_seconds()))
            state = replace(state, beat_at=None)
        self._states[one.failsafe_id] = state
        return state

    def _all(self) -> list[_Watched]:
        return [*self._of_issuers(), *self._of_orders()]

    def _of_issuers(self) -> list[_Watched]:
        return [
            _Watched(
                issuer=name,
                failsafe_id=own_id("failsafe", name),
                rule=issuer.failsafe,
                told={"issuer": name, "class": _strongest(issuer.classes), "resume": "auto", "priority": 0},
            )
            for name, issuer in self._trust.issuers.items()
            if issuer.failsafe is not None
        ]

    def _of_orders(self) -> list[_Watched]:
        return [
            _Watched(
                issuer=order.issuer,
                failsafe_id=own_id("failsafe", order.order_id, taken=self._trust.issuers),
                rule=order.on_silence,
                told=_beside(order),
                order_id=order.order_id,
            )
            for order in self._own.book.open_orders()
            if order.on_silence is not None and not order.is_cancel
        ]


def _strongest(classes: Sequence[str]) -> str:
    return min(classes, key=CLASSES.index, default="operator")


def _beside(order: Order) -> dict[str, Any]:
    """Return what the failsafe of an order keeps of it: who, with which weight, upon whom."""
    kept = {key: order.document[key] for key in ("targets", "exempt", "measure") if key in order.document}
    return {**kept, "issuer": order.issuer, "class": order.order_class, "resume": "auto", "priority": order.priority}


def _unheard(_name: str, _up: bool) -> None:  # noqa: FBT001 - the shape of a gauge
    """Stand in for a gauge."""
