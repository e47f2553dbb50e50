"""Two persons for what loosens a law order, where it is a hand that does it and not its issuer.

A signature is the issuer's, and so is what comes unsigned over a transport that proves him: a broker, or a token of
his own name. Whoever else sits at this host's shell or holds a token names two persons in the document, unless
what he loosens was given in from here too, and nobody is named who gave it.
"""

from __future__ import annotations

from agent.orders.order import Order
from agent.values import same_person

HANDS = frozenset({"http", "shell"})
"""Transports where a person may be who sends."""
ALONE = "what loosens a law order by hand is said by two persons: source_ref.issued_by and source_ref.taken_by"


def is_by_hand(order: Order, *, transport: str, by: str | None) -> bool:
    """Whether a document is a person's word for the issuer; `by` is the token that it came with."""
    return order.signed is None and transport in HANDS and by != order.issuer


def is_own_word(order: Order, *, transport: str, by: str | None) -> bool:
    """Whether a document is the word of who gave it in here: it names nobody who gave it to him."""
    source = order.document.get("source_ref") or {}
    return is_by_hand(order, transport=transport, by=by) and not source.get("issued_by")


def says_two(order: Order) -> bool:
    """Whether a document names two persons who stand for it."""
    source = order.document.get("source_ref") or {}
    one, other = (str(source.get(key) or "").strip() for key in ("issued_by", "taken_by"))
    return bool(one and other) and not same_person(one, other)
