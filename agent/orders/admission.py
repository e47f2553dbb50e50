"""Whether a document is taken in: who sent it, what is known of its id, how fresh it must be, how many are open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from agent.orders.compliance import Observed
from agent.orders.hands import ALONE, is_by_hand, says_two
from agent.orders.life import Life, Lives
from agent.orders.limit import Basis, least
from agent.orders.loosening import hastens, loosens
from agent.orders.order import STEPPING, Order, Rejection
from agent.orders.trust import OWN, TrustPolicy, because, foreign_hand, refuse, stale
from agent.values import Moment

MOST_LIVE = 1000
"""Open orders beyond which no further one is taken in, but of law and grid emergency."""


class Ground(Protocol):
    """The farm that orders bear upon."""

    def unknown(self, order: Order) -> str | None:
        """Return what an order names and the farm has not, None where it has all of it."""

    def beyond(self, order: Order, feeders: Iterable[str]) -> bool:
        """Whether an order commands machines outside these feeders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a document is held against."""

    lives: Lives
    trust: TrustPolicy
    ground: Ground | None = None


def objection(order: Order, gate: Gate, *, transport: str, now: Moment, by: str | None = None) -> Rejection | None:
    """Return why this document would be refused, None where it would be taken in; `by` is the token it came with."""
    life, others = gate.lives.get(order.order_id), superseded(order, gate.lives)
    rejection = refuse(order, gate.trust, transport=transport)
    hand = is_by_hand(order, transport=transport, by=by)
    if rejection is None and life is not None:
        rejection = _by_early(life, order, gate.lives, hand=hand) if life.early else _by_known(life, order, gate.lives)
    for old in others:
        rejection = rejection or foreign_hand(old.order, order)
    if rejection is None and gate.ground is not None and not order.is_cancel and transport != OWN:
        rejection = _misdirected(order, gate.ground, gate.trust)
    if rejection is None and (life is None or life.is_final):
        rejection = _too_many(order, gate.lives)
    if rejection is not None:
        return rejection
    replaced = [*others, *([life] if life is not None else [])]
    return _unfit_to_loosen(order, replaced, gate, transport=transport, hand=hand, now=now)


def objection_to_acceptance(life: Life, gate: Gate, now: Moment) -> Rejection | None:
    """Return why this offer may not take the place of what it supersedes, None where it may.

    What it names may have come, or been revised, since the offer came: it is held against what is open now.
    """
    for old in superseded(life.order, gate.lives):
        found = foreign_hand(old.order, life.order) or _unfit_to_loosen(
            life.order, [old], gate, transport=life.transport, hand=life.by_hand, now=now
        )
        if found is not None:
            return replace(found, reason=f"it would take the place of {old.order.order_id}: {found.reason}")
    return None


def _unfit_to_loosen(
    order: Order, replaced: Sequence[Life], gate: Gate, *, transport: str, hand: bool, now: Moment
) -> Rejection | None:
    """Return the refusal of an order that loosens some of these and is too old for that, or one person's alone."""
    loosened = [
        old
        for old in replaced
        if (old.is_ahead and loosens(old.order, order, started_at=old.starts_at, now=now))
        or (old.is_way_back and hastens(old.order, order))
    ]
    if not loosened:
        return None
    return stale(order, gate.trust, now) or _unaided(order, loosened, transport=transport, hand=hand)


def beyond_bound(order: Order, basis: Basis, trust: TrustPolicy, observed: Observed) -> Rejection | None:
    """Return the refusal of an order that would shed more than its issuer may, by the draw at its receipt.

    What others hold down then would stay down by this order when they let go: it counts as drawing.
    """
    issuer = trust.issuers.get(order.issuer)
    if issuer is None or issuer.max_shed_w is None or order.is_cancel:
        return None
    least_w = least(order.limit, basis)
    shed_w = 0.0 if least_w is None else observed.draw_w + observed.lowered_w - least_w
    if shed_w <= issuer.max_shed_w:
        return None
    return because(
        order, "not_allowed", f"it sheds {shed_w / 1000:.0f} kW, {order.issuer} may {issuer.max_shed_w / 1000:.0f}"
    )


def _unaided(order: Order, loosened: Sequence[Life], *, transport: str, hand: bool) -> Rejection | None:
    """Return the refusal of one person who loosens a law that was not his own word alone."""
    if not hand or transport == OWN or says_two(order):
        return None
    laws = [life for life in loosened if life.order.order_class == "law" and not life.order.test]
    return because(order, "not_allowed", ALONE) if any(not life.own_word for life in laws) else None


def superseded(order: Order, lives: Lives) -> list[Life]:
    """Return the open orders that this one says it takes the place of."""
    named = [lives.get(name) for name in order.supersedes if name != order.order_id]
    return [life for life in named if life is not None and not life.is_final]


def _misdirected(order: Order, ground: Ground, trust: TrustPolicy) -> Rejection | None:
    missing = ground.unknown(order)
    if missing is not None:
        return because(order, "unknown_target", missing)
    issuer = trust.issuers.get(order.issuer)
    if issuer is None or issuer.feeders is None or not ground.beyond(order, issuer.feeders):
        return None
    return because(order, "not_allowed", f"{order.issuer} may order on {', '.join(issuer.feeders)} alone")


def _by_known(life: Life, order: Order, lives: Lives) -> Rejection | None:
    return foreign_hand(life.order, order) or _by_revision(life.order.revision, order, lives)


def _by_early(life: Life, order: Order, lives: Lives, *, hand: bool) -> Rejection | None:
    """Hold an order against cancels that came before its id was used: each counts where it could have taken it back.

    That is against its own issuer's orders, and against a law that no hand here gave in not where one person said it.
    """
    one_is_too_few = order.order_class == "law" and not order.test and not order.is_cancel and not hand
    counts = [(order.issuer, False)] if one_is_too_few else [(order.issuer, False), (order.issuer, True)]
    known = [life.early[by] for by in counts if by in life.early]
    return _by_revision(max(known), order, lives) if known else None


def _by_revision(known: int, order: Order, lives: Lives) -> Rejection | None:
    if order.revision < known and lives.was_taken_in(order):
        return because(order, "replayed", f"it was taken in before, and revision {known} since")
    if order.revision < known:
        return because(order, "lower_revision", f"revision {known} is known")
    if order.revision == known:
        return because(order, "revision_conflict", "another document has this revision")
    return None


def _too_many(order: Order, lives: Lives) -> Rejection | None:
    if order.order_class in STEPPING or order.is_cancel or len(lives.open()) < MOST_LIVE:
        return None
    return because(order, "too_many", f"{MOST_LIVE} orders are open")
