"""Facts of hands and brokers upon orders, what is asked of one, answered to one, or lost of one; and its settlement."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agent.facts.energy import Charge
from agent.facts.fact import Fact


class OrderHouseLowered(Fact, frozen=True):
    """The house load, or the machines' standby, that a stop's cap is built on was found to be less."""

    order_id: str
    house_w: float
    base_w: float | None = None  # the standby; None: it stays


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


class BaselineTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one rule takes for the draw without an order; `taken` are the intervals that it rests on, by number.

    `mean_w` None: it gives no figure, and `why` says the reason.
    """

    method: str  # before_after | ten_of_ten | same_day
    mean_w: float | None = None
    not_drawn_wh: float | None = None
    adjusted: float = 1.0
    taken: list[int] = msgspec.field(default_factory=list)
    why: str | None = None
    doubt: str | None = None


class OrderSettled(Fact, frozen=True):
    """What an order came to, once it was closed: energy by whole metering intervals, baselines, money.

    Intervals are counted from `first`, of `interval_s` each: `site_wh` is what the site drew in those of `interval`,
    `counted` are those that the order touched, `estimated` those that no meter told. Said at its close, and again,
    `last`, when the hours after it are over. Amounts are exact decimals as text; None where nobody knows.
    """

    order_id: str
    last: bool
    interval_s: int
    first: datetime
    interval: list[int]
    site_wh: list[int]
    counted: list[int]
    estimated: list[int] = msgspec.field(default_factory=list)
    unknown_s: float = 0.0  # of what it touched, neither seen nor told by a register
    base_w: float | None = None  # the draw before it that `not_drawn_wh` is against
    drawn_wh: int | None = None
    not_drawn_wh: int | None = None
    baselines: list[BaselineTold] = msgspec.field(default_factory=list)
    violated_s: float = 0.0
    most_short_w: float = 0.0  # the highest shortfall that was acknowledged after its deadline
    currency: str | None = None  # None: no tariff was in use
    cost: str | None = None
    charges: list[Charge] = msgspec.field(default_factory=list)
    cost_not_incurred: str | None = None
    revenue_not_earned: str | None = None
    excess_wh: float | None = None  # above its limit, where its document prices that
    excess_amount: str | None = None
    excess_currency: str | None = None
    doubts: list[str] = msgspec.field(default_factory=list)
