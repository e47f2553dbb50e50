"""The life of an order: one table, and nothing else decides what may follow what (contract 4)."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order is in its life. REJECTED, SUPERSEDED and CLOSED are final."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    COMPLIED = "complied"
    VIOLATED = "violated"
    ENDED = "ended"
    CANCELLED = "cancelled"
    RESTORING = "restoring"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


class OrderEvent(StrEnum):
    """What moves an order on. NOTE repeats the state, to say something new about it."""

    RECEIVE = "receive"
    ACCEPT = "accept"
    REFUSE = "refuse"
    SCHEDULE = "schedule"
    START = "start"
    COMPLY = "comply"
    BREACH = "breach"
    END = "end"
    RELEASE = "release"
    CANCEL = "cancel"
    REVISE = "revise"
    FREE = "free"
    CLOSE = "close"
    NOTE = "note"


S, E = OrderState, OrderEvent
BINDING = frozenset({S.ACTIVE, S.COMPLIED, S.VIOLATED})
FINAL = frozenset({S.REJECTED, S.SUPERSEDED, S.CLOSED})

_IN_FORCE = {
    E.COMPLY: S.COMPLIED,
    E.BREACH: S.VIOLATED,
    E.END: S.ENDED,
    E.RELEASE: S.ENDED,
    E.CANCEL: S.CANCELLED,
    E.REVISE: S.SUPERSEDED,
}
_OVER = {E.FREE: S.RESTORING, E.CLOSE: S.CLOSED, E.REVISE: S.SUPERSEDED}

TRANSITIONS: dict[OrderState, dict[OrderEvent, OrderState]] = {
    S.RECEIVED: {E.ACCEPT: S.ACCEPTED, E.REFUSE: S.REJECTED, E.CANCEL: S.CANCELLED},
    S.ACCEPTED: {E.SCHEDULE: S.SCHEDULED, E.START: S.ACTIVE},
    S.SCHEDULED: {E.START: S.ACTIVE, E.CANCEL: S.CANCELLED, E.REVISE: S.SUPERSEDED},
    S.ACTIVE: {**_IN_FORCE, E.NOTE: S.ACTIVE},
    S.COMPLIED: {**_IN_FORCE, E.NOTE: S.COMPLIED},
    S.VIOLATED: {**_IN_FORCE, E.NOTE: S.VIOLATED},
    S.ENDED: _OVER,
    S.CANCELLED: _OVER,
    S.RESTORING: {E.CLOSE: S.CLOSED, E.REVISE: S.SUPERSEDED},
    S.REJECTED: {},
    S.SUPERSEDED: {},
    S.CLOSED: {},
}


class IllegalTransition(Exception):
    """This event cannot befall an order in this state; nothing changed."""


def after(state: OrderState, event: OrderEvent) -> OrderState:
    """Return the state that follows. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event} cannot befall an order that is {state}") from None
