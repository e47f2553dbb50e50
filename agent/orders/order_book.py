"""Every order we know, and what befalls them. Changes only through `apply`, so that replayed facts give the same book.

Methods return the facts of what happened, already applied; the shell writes them down before it acts on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.facts import (
    AnyFact,
    OrderHouseLowered,
    OrderMoved,
    OrderReceived,
    OrderRefused,
    OrderReleaseAsked,
    OrderVanished,
)
from agent.orders.arbitration import Binding, Cap, arbitrate
from agent.orders.compliance import Case, Observed, Watch, judge
from agent.orders.life import Life
from agent.orders.lifecycle import OrderEvent, OrderState, after
from agent.orders.order import Order, Rejection, Stop
from agent.orders.trust import RefusalRate, TrustPolicy, foreign_hand, refuse, stale
from agent.values import Moment

MOST_LIVE = 1000
HOUSE_STEP_W = 50.0
"""A stop's house load is lowered in steps of at least this."""
E = OrderEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPolicy:
    """What the book goes by, from the configuration."""

    trust: TrustPolicy
    margin: float = 0.01
    window_s: float = 15.0
    respond_s: float = 300.0
    observe_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as it is shown: its document, and its last acknowledgement."""

    order: Order
    state: OrderState
    starts_at: datetime
    awaiting_release: bool
    last_ack: OrderMoved | None


class OrderBook:
    """The orders of one site. `parse` turns the raw text of a remembered document into an order."""

    def __init__(self, policy: BookPolicy, parse: Callable[[str], Order | Rejection]) -> None:
        self.policy = policy
        self._parse = parse
        self._lives: dict[str, Life] = {}
        self._seqs: dict[str, int] = {}
        self._rate = RefusalRate()

    # what comes in -------------------------------------------------------------------------------------------

    def receive(
        self,
        raw: str,
        parsed: Order | Rejection,
        *,
        transport: str,
        now: Moment,
        observed: Observed,
        by: str | None = None,
    ) -> tuple[AnyFact, ...]:
        """Take in a document; returns what followed from it, nothing for one that is known already."""
        if isinstance(parsed, Rejection):
            return self._refused(parsed, raw, transport, now)
        life = self._lives.get(parsed.order_id)
        if life is not None and life.order.document == parsed.document:
            return ()
        rejection = self._objection(life, parsed, transport, now)
        if rejection is not None:
            return self._refused(rejection, raw, transport, now)
        facts: list[AnyFact] = []
        if life is not None and not life.is_final and not parsed.is_cancel:
            facts += self._move(life, E.REVISE, now, observed)
        received = OrderReceived(
            at=now.at,
            order_id=parsed.order_id,
            revision=parsed.revision,
            issuer=parsed.issuer,
            order_class=parsed.order_class,
            transport=transport,
            document=raw,
            starts_at=parsed.starts_at or now.at,
            house_w=observed.house_w,
            base_w=observed.standby_w,
            by=by,
        )
        facts.append(received)
        if parsed.is_cancel and life is not None and not life.is_final:
            return (*facts, *self._taken_back(life, received, now, observed))
        self.apply(received)
        return (*facts, *self._begin(self._lives[parsed.order_id], now, observed))

    def _objection(self, life: Life | None, order: Order, transport: str, now: Moment) -> Rejection | None:
        rejection = refuse(order, self.policy.trust, transport=transport)
        if rejection is not None or life is None:
            return rejection if rejection is not None else self._too_many(order)
        if order.revision < life.order.revision:
            return _refusal(order, "lower_revision", f"revision {life.order.revision} is known")
        if order.revision == life.order.revision:
            return _refusal(order, "revision_conflict", "another document has this revision")
        if life.is_final:
            return None
        return foreign_hand(life.order, order) or stale(life.order, order, self.policy.trust, now)

    def _too_many(self, order: Order) -> Rejection | None:
        live = sum(not life.is_final for life in self._lives.values())
        return _refusal(order, "too_many", f"{MOST_LIVE} orders are open") if live >= MOST_LIVE else None

    def _begin(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts = self._move(life, E.RECEIVE, now, observed)
        if life.order.is_cancel:
            facts += self._move(life, E.CANCEL, now, observed)
            return facts + self._move(life, E.CLOSE, now, observed)
        facts += self._move(life, E.ACCEPT, now, observed)
        starts = life.starts_at <= now.latest
        return facts + self._move(life, E.START if starts else E.SCHEDULE, now, observed)

    def _taken_back(self, life: Life, received: OrderReceived, now: Moment, observed: Observed) -> list[AnyFact]:
        self.apply(received)
        event = E.RELEASE if life.awaiting else E.CANCEL
        if life.state in {OrderState.ENDED, OrderState.CANCELLED, OrderState.RESTORING}:
            return []
        return self._move(life, event, now, observed)

    def _refused(self, rejection: Rejection, raw: str, transport: str, now: Moment) -> tuple[AnyFact, ...]:
        count = self._rate.admit(rejection, now.mono)
        if not count:
            return ()
        return (self._refusal_fact(rejection, count, now, raw=raw, transport=transport),)

    def _refusal_fact(
        self, rejection: Rejection, count: int, now: Moment, *, raw: str | None = None, transport: str = ""
    ) -> OrderRefused:
        life = self._lives.get(rejection.order_id or "")
        known = life is not None and not life.is_final
        fact = OrderRefused(
            at=now.at,
            order_id=rejection.order_id,
            revision=rejection.revision,
            issuer=rejection.issuer,
            code=rejection.code,
            reason=rejection.reason,
            transport=transport,
            seq=self._seqs.get(rejection.order_id or "", 0) + 1 if life is not None else None,
            known=known,
            document=raw[:65_536] if raw is not None else None,
            count=count,
        )
        self.apply(fact)
        return fact

    def vanish(self, order_id: str, now: Moment) -> tuple[AnyFact, ...]:
        """Take in that a retained order was cleared: it changes nothing."""
        life = self._lives.get(order_id)
        return (OrderVanished(at=now.at, order_id=order_id),) if life is not None and not life.is_final else ()

    def release(self, order_id: str, *, by: str, now: Moment, observed: Observed) -> tuple[AnyFact, ...] | Rejection:
        """Release an order by an operator's hand, where the order leaves it to one; its end must have passed."""
        life = self._lives.get(order_id)
        if life is None or life.is_final:
            return Rejection(code="unknown_target", reason="no such order is open", order_id=order_id)
        if life.order.resume != "operator":
            who = "its issuer" if life.order.resume == "issuer" else "nobody: it ends by itself"
            return _refusal(life.order, "not_allowed", f"it is released by {who}")
        if not life.awaiting:
            return _refusal(life.order, "not_allowed", "its end has not passed")
        asked = OrderReleaseAsked(at=now.at, order_id=order_id, by=by)
        return (asked, *self._move(life, E.RELEASE, now, observed, reason=f"released by {by}"))

    # what time and the meter bring -----------------------------------------------------------------------------

    def tick(self, now: Moment, observed: Observed) -> tuple[AnyFact, ...]:
        """Let time pass: starts, ends, compliance, restoring, closing."""
        facts: list[AnyFact] = [self._refusal_fact(held, count, now) for held, count in self._rate.due(now.mono)]
        for order_id in sorted(self._lives):
            life = self._lives[order_id]
            if not life.is_final:
                facts += self._advance(life, now, observed)
        return tuple(facts)

    def _advance(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts: list[AnyFact] = []
        if life.state is OrderState.SCHEDULED and life.starts_at <= now.latest:
            facts += self._move(life, E.START, now, observed)
        if life.binds:
            facts += self._watched(life, now, observed)
        if life.binds and life.order.ends_at is not None and life.order.ends_at <= now.earliest:
            facts += self._at_end(life, now, observed)
        if life.state in {OrderState.ENDED, OrderState.CANCELLED}:
            frees = observed.restore_pending and not self._bound_by_others(life)
            facts += self._move(life, E.FREE if frees else E.CLOSE, now, observed)
        elif life.state is OrderState.RESTORING and (not observed.restore_pending or self._bound_by_others(life)):
            facts += self._move(life, E.CLOSE, now, observed)
        return facts

    def _at_end(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        if life.order.resume == "auto":
            return self._move(life, E.END, now, observed)
        return [] if life.awaiting else self._move(life, E.NOTE, now, observed, reason="awaiting_release")

    def _watched(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts: list[AnyFact] = []
        if isinstance(life.order.limit, Stop):
            facts += self._lower_house(life, now, observed)
        cap_w = life.cap_w(self.policy.margin)
        if cap_w is None or life.order.limit is None:
            return facts
        life.watch = life.watch.seen(observed, cap_w, now)
        case = Case(
            limit=life.order.limit,
            cap_w=cap_w,
            deadline=life.deadline,
            state=life.state,
            window_s=self.policy.window_s,
        )
        event, reason = judge(case, life.watch, observed, now)
        return facts if event is None else facts + self._move(life, event, now, observed, reason=reason)

    def _lower_house(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        if life.house_w is None or observed.meter_w is None or observed.house_w > life.house_w - HOUSE_STEP_W:
            return []
        fact = OrderHouseLowered(at=now.at, order_id=life.order.order_id, house_w=observed.house_w)
        self.apply(fact)
        return [fact]

    def _bound_by_others(self, life: Life) -> bool:
        return any(other.binds for other in self._lives.values() if other is not life)

    # every change ---------------------------------------------------------------------------------------------

    def _move(
        self, life: Life, event: OrderEvent, now: Moment, observed: Observed, *, reason: str | None = None
    ) -> list[AnyFact]:
        state = OrderState.RECEIVED if event is E.RECEIVE else after(life.state, event)
        cap_w = life.cap_w(self.policy.margin)
        binding = self.cap(including=life if event in {E.START, E.ACCEPT} else None).binding_order
        expected = now.at + timedelta(seconds=self.policy.respond_s) if event is E.ACCEPT else None
        fact = OrderMoved(
            at=now.at,
            order_id=life.order.order_id,
            revision=life.order.revision,
            seq=self._seqs.get(life.order.order_id, 0) + 1,
            event=event.value,
            state=state.value,
            cap_w=cap_w,
            observed_w=round(observed.draw_w, 1),
            meter=observed.meter,
            shortfall_w=None if cap_w is None else round(observed.shortfall_w(cap_w), 1),
            expected_at=expected,
            binding_order=binding,
            reason=self._reason(reason, life),
        )
        self.apply(fact)
        return [fact]

    def _reason(self, reason: str | None, life: Life) -> str | None:
        parts = [reason] if reason else []
        if life.awaiting and reason != "awaiting_release":
            parts.append("awaiting_release")
        if self.policy.observe_only:
            parts.append("observe: nothing is sent")
        return "; ".join(parts) or None

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, new or remembered; facts of other rooms are passed over."""
        match fact:
            case OrderReceived():
                self._apply_received(fact)
            case OrderMoved():
                self._apply_moved(fact)
            case OrderRefused(seq=int(seq), order_id=str(order_id)):
                self._seqs[order_id] = seq
            case OrderHouseLowered():
                self._lives[fact.order_id].house_w = fact.house_w
            case _:
                pass

    def _apply_received(self, fact: OrderReceived) -> None:
        parsed = self._parse(fact.document)
        if isinstance(parsed, Rejection):
            return
        life = self._lives.get(fact.order_id)
        if parsed.is_cancel and life is not None and not life.is_final:
            life.order = _cancelling(life.order, parsed)
            return
        self._lives[fact.order_id] = Life(
            order=parsed,
            raw=fact.document,
            state=OrderState.RECEIVED,
            received_at=fact.at,
            starts_at=fact.starts_at or fact.at,
            house_w=fact.house_w,
            standby_w=fact.base_w or 0.0,
        )

    def _apply_moved(self, fact: OrderMoved) -> None:
        self._seqs[fact.order_id] = fact.seq
        life = self._lives.get(fact.order_id)
        if life is None:
            return
        life.state = OrderState(fact.state)
        life.last_ack = fact
        life.seq = fact.seq
        if fact.event in {E.START.value, E.COMPLY.value, E.BREACH.value}:
            life.watch = Watch(under_since=life.watch.under_since)
        if fact.event == E.NOTE.value:
            life.awaiting = True

    # what it says ---------------------------------------------------------------------------------------------

    def bindings(self, *, including: Life | None = None) -> tuple[Binding, ...]:
        """Return what binds now; `including` counts as in force already."""
        found = []
        for life in self._lives.values():
            cap_w = life.cap_w(self.policy.margin)
            if (life.binds or life is including) and cap_w is not None and life.order.limit is not None:
                found.append(Binding(order=life.order, cap_w=cap_w, limit=life.order.limit))
        return tuple(found)

    def cap(self, *, including: Life | None = None) -> Cap:
        """Return the cap over all orders in force."""
        return arbitrate(self.bindings(including=including))

    def restore_kw_per_min(self) -> float | None:
        """Return the slowest ramp that an order now being restored from asks for."""
        rates = [
            life.order.restore_kw_per_min
            for life in self._lives.values()
            if life.state is OrderState.RESTORING and life.order.restore_kw_per_min is not None
        ]
        return min(rates, default=None)

    def is_open(self) -> bool:
        """Whether any order is neither final nor merely scheduled."""
        return any(not life.is_final and life.state is not OrderState.SCHEDULED for life in self._lives.values())

    def next_change(self) -> datetime | None:
        """Return the next start or end that is known of."""
        ahead = [life.starts_at for life in self._lives.values() if life.state is OrderState.SCHEDULED]
        ahead += [
            life.order.ends_at
            for life in self._lives.values()
            if life.order.ends_at is not None
            and not life.awaiting
            and (life.binds or life.state is OrderState.SCHEDULED)
        ]
        return min(ahead, default=None)

    def views(self) -> tuple[OrderView, ...]:
        """Return every order known, by id."""
        return tuple(
            OrderView(
                order=life.order,
                state=life.state,
                starts_at=life.starts_at,
                awaiting_release=life.awaiting and life.binds,
                last_ack=life.last_ack,
            )
            for _, life in sorted(self._lives.items())
        )


def _cancelling(old: Order, cancel: Order) -> Order:
    """Return the old order with the cancel's revision and document: its limit stays what it was."""
    return replace(old, revision=cancel.revision, status="cancelled", document=cancel.document)


def _refusal(order: Order, code: str, reason: str) -> Rejection:
    return Rejection(
        code=code,
        reason=reason,
        order_id=order.order_id,
        revision=order.revision,
        issuer=order.issuer,
        order_class=order.order_class,
    )
