"""Who may order what, over which transport, and how fresh it must be. What tightens is never refused for its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from agent.orders.order import Order, Rejection, loosens
from agent.values import Moment

REFUSALS_EACH_S = 1.0
"""At most one refusal a topic and issuer in this time; the rest are rolled up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """What one issuer may do, by the configuration."""

    name: str
    classes: tuple[str, ...] = ()
    transports: tuple[str, ...] = ("mqtt",)
    unsigned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """The site's issuers and how old a loosening document may be."""

    site: str
    issuers: Mapping[str, Issuer]
    max_age_s: float = 86_400.0


def refuse(order: Order, policy: TrustPolicy, *, transport: str) -> Rejection | None:
    """Return why this document is not to be followed, None where it is. Freshness is judged by `stale`."""
    issuer = policy.issuers.get(order.issuer)
    if issuer is None:
        return _because(order, "unknown_issuer", f"{order.issuer} is not configured")
    if transport not in issuer.transports:
        return _because(order, "not_allowed", f"{order.issuer} may not order over {transport}")
    if not issuer.unsigned:
        return _because(order, "unsigned", f"{order.issuer} must sign its orders")
    if order.order_class not in issuer.classes:
        return _because(order, "not_allowed", f"{order.issuer} may not issue class {order.order_class}")
    if order.site is not None and order.site != policy.site:
        return _because(order, "foreign_site", f"it is for {order.site}")
    return None


def stale(old: Order, new: Order, policy: TrustPolicy, now: Moment) -> Rejection | None:
    """Return the refusal of a document that loosens and is too old to be believed."""
    if new.issued_at is None or not loosens(old, new):
        return None
    if now.earliest - new.issued_at <= timedelta(seconds=policy.max_age_s):
        return None
    return _because(new, "stale", f"what loosens must be issued within {policy.max_age_s:g} s")


def foreign_hand(old: Order, new: Order) -> Rejection | None:
    """Return the refusal of a revision by somebody other than the order's issuer."""
    if old.issuer == new.issuer and old.order_class == new.order_class:
        return None
    return _because(new, "not_allowed", f"{old.order_id} is {old.issuer}'s order of class {old.order_class}")


def _because(order: Order, code: str, reason: str) -> Rejection:
    return Rejection(
        code=code,
        reason=reason,
        order_id=order.order_id,
        revision=order.revision,
        issuer=order.issuer,
        order_class=order.order_class,
    )


class RefusalRate:
    """Lets one refusal a second through for each topic and issuer, and counts those that it held back."""

    def __init__(self) -> None:
        self._last: dict[tuple[str | None, str | None], float] = {}
        self._held: dict[tuple[str | None, str | None], tuple[Rejection, int]] = {}

    def admit(self, rejection: Rejection, mono: float) -> int:
        """Return how many refusals this one stands for, 0 where it is held back."""
        key = (rejection.order_id, rejection.issuer)
        if mono - self._last.get(key, float("-inf")) >= REFUSALS_EACH_S:
            self._last[key] = mono
            return 1 + self._held.pop(key, (rejection, 0))[1]
        self._held[key] = (rejection, self._held.get(key, (rejection, 0))[1] + 1)
        return 0

    def due(self, mono: float) -> list[tuple[Rejection, int]]:
        """Return what was held back for a second, with its count, once."""
        ready = [key for key in self._held if mono - self._last[key] >= REFUSALS_EACH_S]
        found = [self._held.pop(key) for key in ready]
        for key in ready:
            self._last[key] = mono
        if len(self._last) > 10_000:
            self._last = {key: at for key, at in self._last.items() if mono - at < REFUSALS_EACH_S}
        return found
