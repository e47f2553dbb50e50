"""Every order we know, and what befalls them. Changes only through `apply`, so that replayed facts give the same book.

Methods return the facts of what happened, already applied; the shell writes them down in one transaction, in their
order, before it acts on them. So a limit never lapses between a revision and what it revises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agent.facts import (
    AnyFact,
    OrderHouseLowered,
    OrderMoved,
    OrderReceived,
    OrderRefused,
    OrderReleaseAsked,
    OrderVanished,
)
from agent.orders.arbitration import Cap, arbitrate
from agent.orders.compliance import Case, Observed, judge
from agent.orders.life import Life, Lives, later
from agent.orders.lifecycle import BINDING, OrderEvent, OrderState, after
from agent.orders.loosening import loosens
from agent.orders.order import STEPPING, Order, Rejection, Stop, same_document
from agent.orders.refusal_rate import RefusalRate, Refusals
from agent.orders.trust import TrustPolicy, because, foreign_hand, refuse, stale
from agent.values import Moment, Watts

MOST_LIVE = 1000
"""Open orders beyond which no further one is taken in, but of law and grid emergency."""
HOUSE_STEP_W = 50.0
"""A stop's house load is lowered in steps of at least this."""
MOST_KEPT = 65_536
"""Characters kept of a refused document."""
ANSWERED = frozenset({"http", "shell"})
"""Transports where somebody waits for the answer to each document: their refusals are not rolled up."""
E, S = OrderEvent, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPolicy:
    """What the book goes by, from the configuration. `window_s` is the billing meter's."""

    trust: TrustPolicy
    margin: float = 0.01
    window_s: float = 15.0
    respond_s: float = 300.0
    observe_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as it is shown: its document (of the cancel where it was cancelled), where it stands, its last step."""

    order: Order
    state: OrderState
    starts_at: datetime
    awaiting_release: bool
    last_ack: OrderMoved | None


class OrderBook:
    """The orders of one site. `parse` turns the raw text of a remembered document into an order."""

    def __init__(self, policy: BookPolicy, parse: Callable[[str], Order | Rejection]) -> None:
        self.policy = policy
        self._lives = Lives(parse)
        self._rate = RefusalRate()

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, new or remembered; those of other rooms are passed over. Raises Unreadable."""
        self._lives.apply(fact)

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
        """Take in a document; returns what followed from it, nothing for one that is known or whose refusal waits."""
        if isinstance(parsed, Rejection):
            return self._refused(parsed, raw, transport, now)
        life = self._lives.get(parsed.order_id)
        if life is not None and same_document(life.order.document, parsed.document):
            return ()
        rejection = self.objection(parsed, transport=transport, now=now)
        if rejection is not None:
            return self._refused(rejection, raw, transport, now)
        received = OrderReceived(
            at=now.at,
            order_id=parsed.order_id,
            revision=parsed.revision,
            issuer=parsed.issuer,
            order_class=parsed.order_class,
            transport=transport,
            document=raw,
            starts_at=parsed.starts_at or now.at,
            by=by,
            **_fixed(parsed, life, observed),
        )
        if parsed.is_cancel and life is not None and life.is_ahead:
            self.apply(received)
            return (received, *self._move(life, E.RELEASE if life.awaiting else E.CANCEL, now, observed))
        revised = [] if life is None or life.is_final else self._move(life, E.REVISE, now, observed)
        self.apply(received)
        return (*revised, received, *self._begin(self._lives[parsed.order_id], now, observed))

    def objection(self, order: Order, *, transport: str, now: Moment) -> Rejection | None:
        """Return why this document would be refused, None where it would be taken in."""
        life, trust = self._lives.get(order.order_id), self.policy.trust
        rejection = refuse(order, trust, transport=transport)
        if rejection is None and life is not None:
            rejection = foreign_hand(life.order, order) or _by_revision(life.order, order)
        if rejection is not None:
            return rejection
        if life is None or life.is_final:
            return self._too_many(order)
        looser = life.is_ahead and loosens(life.order, order, started_at=life.starts_at, now=now)
        return stale(order, trust, now) if looser else None

    def _too_many(self, order: Order) -> Rejection | None:
        if order.order_class in STEPPING or order.is_cancel or len(self._lives.open()) < MOST_LIVE:
            return None
        return because(order, "too_many", f"{MOST_LIVE} orders are open")

    def _begin(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts = self._move(life, E.RECEIVE, now, observed)
        if life.order.is_cancel:
            facts += self._move(life, E.CANCEL, now, observed)
            return facts if life.has_bound else facts + self._move(life, E.CLOSE, now, observed)
        facts += self._move(life, E.ACCEPT, now, observed)
        starts = life.starts_at <= now.latest
        facts += self._move(life, E.START if starts else E.SCHEDULE, now, observed)
        return facts + self._settle(life, now, observed)

    def _refused(self, rejection: Rejection, raw: str, transport: str, now: Moment) -> tuple[AnyFact, ...]:
        refusals: Refusals | None = Refusals(rejection=rejection, transport=transport)
        if transport not in ANSWERED:
            refusals = self._rate.admit(rejection, transport, now.mono)
        return () if refusals is None else (self._refusal(refusals, now, raw[:MOST_KEPT]),)

    def _refusal(self, refusals: Refusals, now: Moment, document: str | None = None) -> OrderRefused:
        rejection = refusals.rejection
        life = self._lives.get(rejection.order_id)
        fact = OrderRefused(
            at=now.at,
            order_id=rejection.order_id,
            revision=rejection.revision,
            issuer=rejection.issuer,
            code=rejection.code,
            reason=rejection.reason,
            transport=refusals.transport,
            seq=None if life is None else life.seq + 1,
            known=life is not None,
            document=document,
            count=refusals.count,
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
            return because(life.order, "not_allowed", "only its end or its issuer's cancel lifts it")
        if not life.awaiting:
            return because(life.order, "not_allowed", "its end has not passed")
        asked = OrderReleaseAsked(at=now.at, order_id=order_id, by=by)
        return (asked, *self._move(life, E.RELEASE, now, observed, reason=f"released: by {by}"))

    # what time and the meter bring -----------------------------------------------------------------------------

    def tick(self, now: Moment, observed: Observed) -> tuple[AnyFact, ...]:
        """Let time pass: starts, ends, compliance, restoring, closing."""
        facts: list[AnyFact] = [self._refusal(refusals, now) for refusals in self._rate.due(now.mono)]
        for life in self._lives.open():
            if life.state is S.SCHEDULED and life.starts_at <= now.latest:
                facts += self._move(life, E.START, now, observed)
            if life.binds:
                facts += self._watched(life, now, observed)
            facts += self._settle(life, now, observed)
        return tuple(facts)

    def _settle(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        """Let an order end, restore and close, as far as it has come."""
        facts: list[AnyFact] = []
        if life.binds and life.has_ended(now):
            facts += self._at_end(life, now, observed)
        if life.state not in {S.ENDED, S.CANCELLED, S.RESTORING}:
            return facts
        frees = life.has_bound and observed.restore_pending and not self._lives.bindings(self.policy.margin)
        if not frees:
            return facts + self._move(life, E.CLOSE, now, observed)
        return facts if life.state is S.RESTORING else facts + self._move(life, E.FREE, now, observed)

    def _at_end(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        if life.order.resume == "auto":
            return self._move(life, E.END, now, observed)
        return [] if life.awaiting else self._move(life, E.NOTE, now, observed)

    def _watched(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts: list[AnyFact] = list(self._lower_house(life, now, observed))
        cap_w, limit = life.cap_w(self.policy.margin), life.order.limit
        assert cap_w is not None and limit is not None  # noqa: PT018 - an order that binds has both
        life.watch = life.watch.seen(observed, cap_w=cap_w, limit=limit, now=now)
        case = Case(
            limit=limit,
            cap_w=cap_w,
            state=life.state,
            overdue=life.is_overdue(now),
            window_s=self.policy.window_s,
        )
        due = judge(case, life.watch, observed, now)
        return facts if due is None else facts + self._move(life, due[0], now, observed, reason=due[1])

    def _lower_house(self, life: Life, now: Moment, observed: Observed) -> tuple[AnyFact, ...]:
        if not isinstance(life.order.limit, Stop) or observed.meter_w is None or not observed.house_sampled:
            return ()
        if life.house_w is None or observed.house_w > life.house_w - HOUSE_STEP_W:
            return ()
        fact = OrderHouseLowered(at=now.at, order_id=life.order.order_id, house_w=observed.house_w)
        self.apply(fact)
        return (fact,)

    # every step -----------------------------------------------------------------------------------------------

    def _move(
        self, life: Life, event: OrderEvent, now: Moment, observed: Observed, *, reason: str | None = None
    ) -> list[AnyFact]:
        state = S.RECEIVED if event is E.RECEIVE else after(life.state, event)
        cap_w = life.cap_w(self.policy.margin)
        excess_w = 0.0 if cap_w is None else observed.draw_w - cap_w
        expected_s = self.policy.respond_s + life.ramp_s(excess_w)
        fact = OrderMoved(
            at=now.at,
            order_id=life.order.order_id,
            revision=life.order.revision,
            seq=life.seq + 1,
            event=event.value,
            state=state.value,
            cap_w=cap_w,
            observed_w=round(observed.draw_w, 1),
            meter=observed.meter,
            shortfall_w=_shortfall_w(state, cap_w, observed),
            expected_at=later(life.begins_at, expected_s) if event is E.ACCEPT else None,
            binding_order=self._binding_order(life, event, state),
            reason="; ".join(self._reasons(life, event, now, excess_w, reason)) or None,
        )
        self.apply(fact)
        return [fact]

    def _binding_order(self, life: Life, event: OrderEvent, state: OrderState) -> str | None:
        """Return which order binds the site after this step; what is revised binds until its revision does."""
        binds = state in BINDING or (event is E.REVISE and life.binds)
        bindings = self._lives.bindings(self.policy.margin, **{"counting" if binds else "ignoring": life})
        return arbitrate(bindings).binding_order

    def _reasons(self, life: Life, event: OrderEvent, now: Moment, excess_w: Watts, reason: str | None) -> list[str]:
        ramp_s = life.ramp_s(excess_w)
        told = {
            "awaiting_release": event is E.NOTE or (life.awaiting and event in {E.COMPLY, E.BREACH}),
            "late_receipt": event in {E.ACCEPT, E.START, E.END} and life.is_late,
            f"conflict: its ramp needs {ramp_s:.0f} s": event is E.ACCEPT and ramp_s > life.order.comply_by_s,
            "untrusted_clock": life.hangs_on_doubt(event, now),
            "observe: nothing is sent": self.policy.observe_only,
        }
        return [*([reason] if reason else []), *(text for text, holds in told.items() if holds)]

    # what it says ---------------------------------------------------------------------------------------------

    def cap(self) -> Cap:
        """Return the cap over all orders in force."""
        return arbitrate(self._lives.bindings(self.policy.margin))

    def restore_kw_per_min(self) -> float | None:
        """Return the slowest ramp that an order now being restored from asks for."""
        restoring = [life.order.restore_kw_per_min for life in self._lives if life.state is S.RESTORING]
        return min((rate for rate in restoring if rate is not None), default=None)

    def open_ids(self) -> list[str]:
        """Return the ids of the orders that something may still befall."""
        return [life.order.order_id for life in self._lives.open()]

    def begun_ids(self) -> list[str]:
        """Return the ids of the orders that are neither final nor merely scheduled."""
        return [life.order.order_id for life in self._lives.open() if life.state is not S.SCHEDULED]

    def is_open(self) -> bool:
        """Whether any order is neither final nor merely scheduled."""
        return bool(self.begun_ids())

    def next_change(self) -> datetime | None:
        """Return the next start or end that is known of."""
        starts = [life.starts_at for life in self._lives if life.state is S.SCHEDULED]
        ends = [life.order.ends_at for life in self._lives if life.is_ahead and not life.awaiting]
        return min((*starts, *(at for at in ends if at is not None)), default=None)

    def next_start(self) -> datetime | None:
        """Return the next start of a scheduled order."""
        return min((life.starts_at for life in self._lives if life.state is S.SCHEDULED), default=None)

    def view(self, order_id: str) -> OrderView | None:
        """Return one order, None where it is unknown."""
        life = self._lives.get(order_id)
        return None if life is None else _view(life)

    def views(self) -> tuple[OrderView, ...]:
        """Return every order known, by id."""
        return tuple(_view(life) for life in self._lives)


def _view(life: Life) -> OrderView:
    return OrderView(
        order=life.order,
        state=life.state,
        starts_at=life.starts_at,
        awaiting_release=life.awaiting,
        last_ack=life.last_ack,
    )


def _fixed(order: Order, before: Life | None, observed: Observed) -> dict[str, Watts]:
    """Return what a stop is built on; its house load is only ever lowered, or what hides would raise its own cap.

    Its standby is what a revision finds, or stays while machines (behind a seal, after a start) have not said theirs.
    """
    if not isinstance(order.limit, Stop):
        return {}
    if before is None or before.is_final or before.house_w is None:
        return {"house_w": observed.house_w, "base_w": observed.standby_w}
    standby_w = observed.standby_w if observed.standby_known else before.standby_w
    return {"house_w": min(before.house_w, observed.house_w), "base_w": standby_w}


def _by_revision(known: Order, order: Order) -> Rejection | None:
    if order.revision < known.revision:
        return because(order, "lower_revision", f"revision {known.revision} is known")
    if order.revision == known.revision:
        return because(order, "revision_conflict", "another document has this revision")
    return None


def _shortfall_w(state: OrderState, cap_w: Watts | None, observed: Observed) -> Watts | None:
    """Return what an ack states; what is complied with lacks nothing, though the tolerance may be in use."""
    if cap_w is None:
        return None
    return 0.0 if state is S.COMPLIED else round(observed.shortfall_w(cap_w), 1)
