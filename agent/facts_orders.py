"""Facts of hands and brokers upon orders: what is asked of one, answered to one, or lost of one."""

from __future__ import annotations

from agent.fact import Fact


class OrderVanished(Fact, frozen=True):
    """A retained order was cleared on the broker. It changes nothing; it is worth an alarm."""

    order_id: str


class OrderReleaseAsked(Fact, frozen=True):
    """A hand released an order, by name."""

    order_id: str
    by: str


class OfferAnswered(Fact, frozen=True):
    """A hand accepted or declined an offer, by name."""

    order_id: str
    by: str
    accepted: bool


class IssuerHeard(Fact, frozen=True):
    """The first heartbeat of an issuer ever, or the first since it fell silent."""

    issuer: str


class IssuerSilent(Fact, frozen=True):
    """No heartbeat of an issuer for the time agreed: `failsafe` is the order that holds now.

    `silent_s` None: it was never heard; `reason` says what else than silence it was.
    """

    issuer: str
    failsafe: str
    silent_s: float | None = None
    reason: str | None = None
