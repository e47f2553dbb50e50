"""What is fixed once when an order comes: its start, what its limit is reckoned from, the time that chance adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.orders.compliance import Observed
from agent.orders.life import Life, later
from agent.orders.limit import Basis, Stop, base_of
from agent.orders.order import Order
from agent.values import Watts

STEP_W = 50.0
"""By less than this what a stop is built on is not lowered: a meter's swing is nothing found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Two numbers drawn from 0 up to 1, for the start and for the way back."""

    start: float = 0.0
    restore: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The moment that an order comes. `reduced_from_w` are the bases of other reductions: they do not add."""

    at: datetime
    observed: Observed
    chance: Chance
    respond_s: float
    reduced_from_w: Sequence[Watts] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What an order keeps for its whole life."""

    starts_at: datetime
    basis: Basis
    restore_after_s: float


def fixed(order: Order, before: Life | None, superseded: Sequence[Life], receipt: Receipt) -> Fixed:
    """Return what is fixed at this receipt of an order; `before` is what it revises.

    A law order's start is shifted only as far as its deadline, that stays, leaves the machines their time; what takes
    the place of what already binds is not shifted at all, for a limit never lapses.
    """
    most_s = order.randomize_s
    if order.order_class == "law":
        most_s = max(0.0, min(most_s, order.comply_by_s - receipt.respond_s))
    replaced = [life for life in (before, *superseded) if life is not None]
    if any(life.binds for life in replaced):
        most_s = 0.0
    return Fixed(
        starts_at=later(order.starts_at or receipt.at, most_s * receipt.chance.start),
        basis=_basis(order, before, replaced, receipt),
        restore_after_s=order.randomize_s * receipt.chance.restore,
    )


def _basis(order: Order, before: Life | None, replaced: Sequence[Life], receipt: Receipt) -> Basis:
    if isinstance(order.limit, Stop):
        there = [life.basis for life in replaced if not life.is_final and life.order.scope.is_where(order.scope)]
        return _of_stop([basis for basis in there if basis.house_w is not None], receipt.observed)
    base = base_of(order.limit)
    if base is None:
        return Basis()
    same = before is not None and not before.is_final and base_of(before.order.limit) == base
    if before is not None and same and before.order.scope.counts_as(order.scope):
        return before.basis
    return Basis(base_w=_evaluated(base, receipt.observed, receipt.reduced_from_w))


def _of_stop(known: Sequence[Basis], observed: Observed) -> Basis:
    """Return what a stop is built on; its house load is only ever lowered, or what hides would raise its own cap.

    Its standby is what a revision finds, or stays while machines (behind a seal, after a start) have not said theirs.
    """
    standby_w = observed.standby_w if observed.standby_known or not known else known[0].base_w
    return Basis(house_w=min([observed.house_w, *(basis.house_w or 0.0 for basis in known)]), base_w=standby_w)


def lowered(known: Basis, observed: Observed) -> Basis | None:
    """Return what a stop in force is built on once less is found, None while nothing is.

    Who has yet to say what he draws asleep counts with his nameplate: an order that a start finds is built on such.
    """
    house_w, base_w = known.house_w, known.base_w
    if house_w is not None and observed.meter_w is not None and observed.house_sampled:
        house_w = observed.house_w if observed.house_w <= house_w - STEP_W else house_w
    if base_w is not None and observed.standby_is_most and observed.standby_w <= base_w - STEP_W:
        base_w = observed.standby_w
    found = Basis(house_w=house_w, base_w=base_w)
    return None if found == known else found


def _evaluated(base: object, observed: Observed, reduced_from_w: Sequence[Watts]) -> Watts:
    """Return a base in W; what was never measured falls to the draw of now, the strictest that is known."""
    match base:
        case "connection":
            return observed.connection_w
        case "peak_12m":
            return observed.draw_w if observed.peak_12m_w is None else observed.peak_12m_w
        case "before":
            return max(observed.draw_w if observed.before_w is None else observed.before_w, *reduced_from_w, 0.0)
        case float() | int():
            return float(base)
        case _:
            raise TypeError(f"no base: {base!r}")
