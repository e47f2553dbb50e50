"""Every order we know, and what befalls them. Changes only through `apply`, so that replayed facts give the same book.

Methods return the facts of what happened, already applied; the shell writes them down in one transaction, in their
order, before it acts on them. So a limit never lapses between a revision and what it revises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.facts import AnyFact, OrderMoved, OrderReceived, OrderRefused
from agent.facts.orders import OfferAnswered, OrderHouseLowered, OrderReleaseAsked, OrderVanished
from agent.orders.admission import Gate, Ground, beyond_bound, objection, objection_to_acceptance, superseded
from agent.orders.arbitration import Cap, arbitrate
from agent.orders.compliance import Allowed, Case, Observed, judge
from agent.orders.leading import Way, coming
from agent.orders.life import Life, Lives, later
from agent.orders.lifecycle import BINDING, OrderEvent, OrderState, after
from agent.orders.limit import Stop, Trajectory
from agent.orders.order import Order, Rejection, same_document
from agent.orders.order_view import OrderView, view_of
from agent.orders.receiving import Chance, Receipt, fixed, lowered
from agent.orders.refusal_rate import RefusalRate, Refusals
from agent.orders.trust import OWN, TrustPolicy, because
from agent.values import Moment, Watts, same_person

MOST_KEPT = 65_536
"""Characters kept of a refused document."""
ANSWERED = frozenset({"http", "shell", OWN})
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
    connection_w: Watts = float("inf")


class OrderBook:
    """The orders of one site. `parse` turns the raw text of a remembered document into an order.

    `chance` draws from 0 up to 1, for those who ask that not all begin or come back at once.
    """

    def __init__(
        self, policy: BookPolicy, parse: Callable[[str], Order | Rejection], chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.policy = policy
        self._chance = chance
        self.ground: Ground | None = None  # what orders may name here; None: nobody asks
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
        gate = Gate(lives=self._lives, trust=self.policy.trust, ground=self.ground)
        rejection = objection(parsed, gate, transport=transport, now=now, by=by)
        if rejection is not None:
            return self._refused(rejection, raw, transport, now)
        taken, here = superseded(parsed, self._lives), observed if parsed.is_cancel else observed.taken_in(parsed)
        receipt = Receipt(
            at=now.at,
            observed=here.at(parsed.order_id),
            chance=Chance(start=self._chance(), restore=self._chance()),
            respond_s=self.policy.respond_s,
            reduced_from_w=self._lives.bases_w(parsed.scope),
        )
        kept = fixed(parsed, life, taken, receipt)
        if transport != OWN and (excessive := beyond_bound(parsed, kept.basis, self.policy.trust, receipt.observed)):
            return self._refused(excessive, raw, transport, now)
        received = OrderReceived(
            at=now.at,
            order_id=parsed.order_id,
            revision=parsed.revision,
            issuer=parsed.issuer,
            order_class=parsed.order_class,
            transport=transport,
            document=raw,
            starts_at=kept.starts_at,
            house_w=kept.basis.house_w,
            base_w=kept.basis.base_w,
            by=by,
            restore_after_s=kept.restore_after_s,
        )
        if parsed.is_cancel and life is not None and life.is_ahead:
            self.apply(received)
            return (received, *self._move(life, E.RELEASE if life.awaiting else E.CANCEL, now, observed))
        before = [] if life is None or life.is_final else self._replaced(life, now, observed)
        if not self._is_asked(parsed):  # an offer takes their place once it is accepted
            before += [fact for old in taken for fact in self._replaced(old, now, observed)]
        self.apply(received)
        return (*before, received, *self._begin(self._lives[parsed.order_id], now, here))

    def _replaced(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        """Let an order give way to what revises or supersedes it; an offer that nobody answered is refused."""
        event = E.REFUSE if life.state is S.RECEIVED else E.REVISE
        return self._move(life, event, now, observed, reason="superseded" if event is E.REFUSE else None)

    def _begin(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts = self._move(life, E.RECEIVE, now, observed)
        if life.order.is_cancel:
            facts += self._move(life, E.CANCEL, now, observed)
            return facts if life.has_bound else facts + self._move(life, E.CLOSE, now, observed)
        return facts if self._is_asked(life.order) else facts + self._accepted(life, now, observed)

    def _is_asked(self, order: Order) -> bool:
        """Whether it is an offer that its issuer's rule leaves to a hand."""
        issuer = self.policy.trust.issuers.get(order.issuer)
        return not order.mandatory and not order.is_cancel and (issuer is None or issuer.offers == "ask")

    def _accepted(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts = self._move(life, E.ACCEPT, now, observed)
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

    def release(
        self, order_id: str, *, by: str, now: Moment, observed: Observed, second: str | None = None
    ) -> tuple[AnyFact, ...] | Rejection:
        """Release an order by an operator's hand, a law's by two, where it leaves that to one; its end has passed."""
        life = self._lives.get(order_id)
        if life is None or life.is_final:
            return Rejection(code="unknown_target", reason="no such order is open", order_id=order_id)
        if life.order.resume != "operator":
            return because(life.order, "not_allowed", "only its end or its issuer's cancel lifts it")
        if not life.awaiting:
            return because(life.order, "not_allowed", "its end has not passed")
        if life.order.order_class == "law" and (second is None or same_person(by, second)):
            return because(life.order, "not_allowed", "what a law bound is released by two persons")
        hands = by if second is None else f"{by} and {second}"
        asked = OrderReleaseAsked(at=now.at, order_id=order_id, by=hands)
        return (asked, *self._move(life, E.RELEASE, now, observed, reason=f"released: by {hands}"))

    def answer(
        self, order_id: str, *, accept: bool, by: str, now: Moment, observed: Observed
    ) -> tuple[AnyFact, ...] | Rejection:
        """Accept or decline an offer by an operator's hand."""
        life = self._lives.get(order_id)
        if life is None or life.is_final:
            return Rejection(code="unknown_target", reason="no such order is open", order_id=order_id)
        if life.state is not S.RECEIVED:
            return because(life.order, "not_allowed", "it is no offer that waits for an answer")
        asked = OfferAnswered(at=now.at, order_id=order_id, by=by, accepted=accept)
        if accept:
            if rejection := objection_to_acceptance(life, Gate(lives=self._lives, trust=self.policy.trust), now):
                return rejection
            taken = [one for old in superseded(life.order, self._lives) for one in self._replaced(old, now, observed)]
            return (asked, *taken, *self._accepted(life, now, observed))
        return (asked, *self._move(life, E.REFUSE, now, observed, reason=f"declined: by {by}"))

    # what time and the meter bring -----------------------------------------------------------------------------

    def tick(self, now: Moment, observed: Observed) -> tuple[AnyFact, ...]:
        """Let time pass: starts, ends, compliance, restoring, closing."""
        return tuple(fact for facts in self.steps(now, observed) for fact in facts)

    def steps(self, now: Moment, observed: Observed) -> Iterator[list[AnyFact]]:
        """Let time pass for one order after the other: with hundreds of them others may look between two."""
        yield [self._refusal(refusals, now) for refusals in self._rate.due(now.mono)]
        for life in self._lives.open():
            facts: list[AnyFact] = []
            if life.state is S.RECEIVED and life.has_ended(now):
                facts += self._move(life, E.REFUSE, now, observed, reason="declined: its end passed without an answer")
            if life.state is S.SCHEDULED and life.starts_at <= now.latest:
                facts += self._move(life, E.START, now, observed)
            if life.binds:
                facts += self._watched(life, now, observed.at(life.order.order_id))
            yield facts + self._settle(life, now, observed)

    def _settle(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        """Let an order end, restore and close, as far as it has come."""
        facts: list[AnyFact] = []
        if life.binds and life.has_ended(now):
            facts += self._at_end(life, now, observed)
        if life.state not in {S.ENDED, S.CANCELLED, S.RESTORING} or life.holds_on(now):
            return facts
        seen, margin = observed.at(life.order.order_id), self.policy.margin
        others = self._lives.keeping_down(seen.next_w, margin, now)
        if not life.frees(seen, others, now):
            return facts + self._move(life, E.CLOSE, now, observed)
        return facts if life.state is S.RESTORING else facts + self._move(life, E.FREE, now, observed)

    def _at_end(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        if life.order.resume == "auto":
            return self._move(life, E.END, now, observed)
        return [] if life.awaiting else self._move(life, E.NOTE, now, observed)

    def _watched(self, life: Life, now: Moment, observed: Observed) -> list[AnyFact]:
        facts: list[AnyFact] = list(self._lower_basis(life, now, observed))
        limit = life.order.limit
        assert limit is not None
        allowed = Allowed(
            limit=limit,
            cap_w=life.cap_w(self.policy.margin, now),
            tolerated_w=life.tolerated_w(self.policy.margin, now),
            tolerance=life.order.measure.tolerance,
        )
        measured = life.measured(observed, allowed.cap_w, now, window_s=self.policy.window_s)
        life.allowance_w = None if measured is None else measured.allowance_w
        self._lives.bound.changed(life.order.order_id)
        life.watch = life.watch.seen(observed, allowed, now)
        case = Case(
            allowed=allowed,
            state=life.state,
            overdue=life.is_overdue(now),
            window_s=self.policy.window_s,
            new_point=life.is_new_point(now),
            measured=measured,
        )
        due = judge(case, life.watch, observed, now)
        return facts if due is None else facts + self._move(life, due[0], now, observed, reason=due[1])

    def _lower_basis(self, life: Life, now: Moment, observed: Observed) -> tuple[AnyFact, ...]:
        found = lowered(life.basis, observed) if isinstance(life.order.limit, Stop) else None
        if found is None or found.house_w is None:
            return ()
        fact = OrderHouseLowered(at=now.at, order_id=life.order.order_id, house_w=found.house_w, base_w=found.base_w)
        self.apply(fact)
        return (fact,)

    # every step -----------------------------------------------------------------------------------------------

    def _move(
        self, life: Life, event: OrderEvent, now: Moment, observed: Observed, *, reason: str | None = None
    ) -> list[AnyFact]:
        state = S.RECEIVED if event is E.RECEIVE else after(life.state, event)
        observed = observed.at(life.order.order_id)
        cap_w = life.cap_w(self.policy.margin, now)
        excess_w = 0.0 if cap_w is None else observed.draw_w - cap_w
        begins_at = max(self._lives.accepted_start(life, now.at), now.at)
        expected_s = self.policy.respond_s + life.late_ramp_s(excess_w, self.policy.respond_s, now)
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
            shortfall_w=observed.stated_shortfall_w(state, cap_w),
            expected_at=later(begins_at, expected_s) if event is E.ACCEPT else None,
            binding_order=self._binding_order(life, event, state, now, observed.connection_w),
            reason="; ".join(self._reasons(life, event, now, excess_w, reason)) or None,
        )
        self.apply(fact)
        return [fact]

    def _binding_order(
        self, life: Life, event: OrderEvent, state: OrderState, now: Moment, here_w: Watts
    ) -> str | None:
        """Return which order binds the site after this step; what is revised binds until its revision does."""
        binds = state in BINDING or (event is E.REVISE and life.binds)
        limits = {"site_w": self.policy.connection_w, "here_w": here_w}
        return self._lives.binding_order(life, counts=binds, margin=self.policy.margin, now=now, **limits)

    def _reasons(self, life: Life, event: OrderEvent, now: Moment, excess_w: Watts, reason: str | None) -> list[str]:
        ramp_s, late_s = life.ramp_s(excess_w), life.late_ramp_s(excess_w, self.policy.respond_s, now)
        told = {
            "awaiting_release": event is E.NOTE or (life.awaiting and event in {E.COMPLY, E.BREACH}),
            "late_receipt": event in {E.ACCEPT, E.START, E.END} and life.is_late,
            f"conflict: its ramp needs {ramp_s:.0f} s": event is E.ACCEPT and late_s > life.order.comply_by_s,
            "untrusted_clock": life.hangs_on_doubt(event, now),
            "observe: nothing is sent": self.policy.observe_only,
            "test: nothing is sent": life.order.test,
            "offer: it waits for accept or decline": event is E.RECEIVE and self._is_asked(life.order),
            **dict.fromkeys(life.order.doubts if event is E.ACCEPT else (), True),
        }
        return [*([reason] if reason else []), *(text for text, holds in told.items() if holds)]

    # what it says ---------------------------------------------------------------------------------------------

    def cap(self, now: Moment) -> Cap:
        """Return the cap over all orders in force."""
        return arbitrate(self._lives.bindings(self.policy.margin, now))

    def coming(self, now: Moment, *, shed_kw_per_min: float | None, most_w: Watts) -> Cap:
        """Return the cap over all orders in force and those that a ramp must begin for already."""
        way = Way(
            respond_s=self.policy.respond_s, margin=self.policy.margin, shed_kw_per_min=shed_kw_per_min, most_w=most_w
        )
        return arbitrate([*self._lives.bindings(self.policy.margin, now), *coming(self._lives, way, now)])

    def restore_kw_per_min(self) -> float | None:
        """Return the slowest ramp that an order now being restored from asks for."""
        restoring = [life.order.restore_kw_per_min for life in self._lives if life.state is S.RESTORING]
        return min((rate for rate in restoring if rate is not None), default=None)

    def own_caps_w(self, now: Moment) -> dict[str, Watts]:
        """Return what each order that binds allows where it is measured."""
        told = ((life.order.order_id, life.cap_w(self.policy.margin, now)) for life in self._lives.open() if life.binds)
        return {order_id: cap_w for order_id, cap_w in told if cap_w is not None}

    def open_orders(self) -> list[Order]:
        """Return the orders that something may still befall."""
        return [life.order for life in self._lives.open()]

    def scoped(self) -> list[Order]:
        """Return the open orders that bear upon less than the site."""
        return [order for order in self.open_orders() if not order.is_of_site]

    def open_ids(self) -> list[str]:
        """Return the ids of the orders that something may still befall."""
        return [life.order.order_id for life in self._lives.open()]

    def begun_ids(self) -> list[str]:
        """Return the ids of the orders that are neither final nor merely scheduled."""
        return [life.order.order_id for life in self._lives.open() if life.state is not S.SCHEDULED]

    def freeing_ids(self) -> list[str]:
        """Return the ids of the orders that had bound and whose machines are given back."""
        return [life.order.order_id for life in self._lives.open() if life.is_way_back]

    def is_open(self) -> bool:
        """Whether any order is neither final nor merely scheduled."""
        return bool(self.begun_ids())

    def next_change(self, now: Moment) -> datetime | None:
        """Return the next start, end or point of a trajectory that is known of."""
        starts = [life.starts_at for life in self._lives if life.state is S.SCHEDULED]
        ends = [life.order.ends_at for life in self._lives if life.is_ahead and not life.awaiting]
        points = [
            life.order.limit.next_point(now.at)
            for life in self._lives
            if life.binds and isinstance(life.order.limit, Trajectory)
        ]
        return min((*starts, *(at for at in (*ends, *points) if at is not None)), default=None)

    def next_start(self) -> datetime | None:
        """Return the next start of a scheduled order."""
        return min((life.starts_at for life in self._lives if life.state is S.SCHEDULED), default=None)

    def view(self, order_id: str) -> OrderView | None:
        """Return one order, None where it is unknown."""
        life = self._lives.get(order_id)
        return None if life is None else view_of(life)

    def views(self) -> tuple[OrderView, ...]:
        """Return every order known, by id."""
        return tuple(view_of(life) for life in self._lives)
