"""Who may order what, over which transport, and how fresh it must be. What tightens is never refused for its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from agent.facts import OrderRefused
from agent.orders.hands import ALONE
from agent.orders.order import STEPPING, Order, Rejection
from agent.orders.silence import Failsafe
from agent.proof.jws import Jws, is_compact, opened
from agent.proof.signature import PublicKey
from agent.values import Moment, Watts

OWN = "agent"
"""The transport of orders that the agent gives itself: a failsafe, a schedule. Nobody else reaches it."""
SIGNAL = "signal"
"""The transport of orders that the agent makes of signals, and of their silence."""
OWN_IDS = ("failsafe.", "schedule.", "signal.")
"""What the ids of such orders begin with; nobody else may use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """What one issuer may do, by the configuration. `keys` are its keys by their ids: several while one takes over."""

    name: str
    classes: tuple[str, ...] = ()
    transports: tuple[str, ...] = ("mqtt",)
    unsigned: bool = False
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    feeders: tuple[str, ...] | None = None  # where it may order; None: everywhere
    max_shed_w: Watts | None = None
    failsafe: Failsafe | None = None
    rejects_to_failsafe: bool = False  # so does a document of its that is refused
    offers: str = "ask"  # accept | decline | ask: what is said to an order that is not mandatory

    def may_use(self, transport: str) -> bool:
        """Whether it may order over a transport. The shell of this host comes over HTTP: `http` is for it too."""
        return transport in self.transports or (transport == "shell" and "http" in self.transports)

    def signed(self, document: Jws) -> bool:
        """Whether a key of this issuer, the one that the document names, made its signature."""
        key = self.keys.get(document.kid)
        return key is not None and document.is_by(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """The site's issuers and how old a loosening document may be."""

    site: str
    issuers: Mapping[str, Issuer]
    max_age_s: float = 86_400.0


def refuse(order: Order, policy: TrustPolicy, *, transport: str) -> Rejection | None:
    """Return why this document is not to be followed, None where it is. Freshness is judged by `stale`."""
    if transport == OWN:
        return None
    return _usurped(order, transport) or _forbidden(order, policy, transport)


def _usurped(order: Order, transport: str) -> Rejection | None:
    if not order.order_id.startswith(OWN_IDS) or transport == SIGNAL:
        return None
    return because(order, "not_allowed", f"ids that begin with {order.order_id.partition('.')[0]}. are the agent's")


def _forbidden(order: Order, policy: TrustPolicy, transport: str) -> Rejection | None:
    issuer = policy.issuers.get(order.issuer)
    if issuer is None:
        return because(order, "unknown_issuer", f"{order.issuer} is not configured")
    if not issuer.may_use(transport):
        return because(order, "not_allowed", f"{order.issuer} may not order over {transport}")
    unproved = _unproved(order, issuer)
    if unproved is not None:
        return unproved
    if order.order_class not in issuer.classes:
        return because(order, "not_allowed", f"{order.issuer} may not issue class {order.order_class}")
    return _misplaced(order, policy) or _declined(order, issuer)


def _misplaced(order: Order, policy: TrustPolicy) -> Rejection | None:
    if order.site is None or order.site == policy.site:
        return None
    return because(order, "foreign_site", f"it is for {order.site}")


def _declined(order: Order, issuer: Issuer) -> Rejection | None:
    if not order.mandatory and not order.is_cancel and issuer.offers == "decline":
        return because(order, "declined", f"offers of {order.issuer} are declined by the configuration")
    return None


def _unproved(order: Order, issuer: Issuer) -> Rejection | None:
    if order.signed is None:
        return None if issuer.unsigned else because(order, "unsigned", f"{order.issuer} must sign its orders")
    if issuer.signed(order.signed):
        return None
    return because(order, "bad_signature", f"{_kid(order.signed)} is no key of {order.issuer} that made it")


def stale(order: Order, policy: TrustPolicy, now: Moment) -> Rejection | None:
    """Return the refusal of a document that is too old, or too far ahead, to loosen anything by either clock."""
    if order.issued_at is None:
        return None
    most = timedelta(seconds=policy.max_age_s)
    if now.latest - order.issued_at <= most and order.issued_at - now.earliest <= most:
        return None
    return because(order, "stale", f"what loosens must be issued within {policy.max_age_s:g} s")


def foreign_hand(old: Order, new: Order) -> Rejection | None:
    """Return the refusal of a revision by somebody else: an id stays with the issuer who first used it."""
    if old.issuer == new.issuer:
        return None
    return because(new, "not_allowed", f"{old.order_id} is an order of {old.issuer}")


def is_grave(refused: OrderRefused, policy: TrustPolicy) -> bool:
    """Whether a refusal is worth the highest alarm: an authenticated issuer of law or grid emergency was refused.

    Who only left out the second person is no issuer that was refused.
    """
    if refused.reason == ALONE:
        return False
    issuer = policy.issuers.get(refused.issuer or "")
    if issuer is None or not issuer.may_use(refused.transport) or STEPPING.isdisjoint(issuer.classes):
        return False
    return _is_authentic((refused.document or "").encode(), issuer)


def _is_authentic(document: bytes, issuer: Issuer) -> bool:
    if not is_compact(document):
        return issuer.unsigned
    try:
        return issuer.signed(opened(document))
    except ValueError:
        return False


def _kid(document: Jws) -> str:
    """Return the key's id as a line may hold it."""
    return ascii(document.kid)[:66]


def because(order: Order, code: str, reason: str) -> Rejection:
    """Return the refusal of this order."""
    return Rejection(
        code=code,
        reason=reason,
        order_id=order.order_id,
        revision=order.revision,
        issuer=order.issuer,
        order_class=order.order_class,
    )
