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
