"""An order as a value: who demands what of the site's draw, under which class, from when until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent.orders.limit import Limit
from agent.orders.silence import Failsafe
from agent.proof.jws import Jws

CLASSES = ("law", "grid_emergency", "contract", "market", "operator")
"""From the strongest to the weakest."""
STEPPING = frozenset({"law", "grid_emergency"})
"""Classes whose deadline wins over every ramp, and that are never too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Machines by feeders, tags and ids; nobody named is everybody."""

    feeders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    miners: tuple[str, ...] = ()

    @property
    def names_any(self) -> bool:
        """Whether anybody is named."""
        return bool(self.feeders or self.tags or self.miners)

    def names_all(self, other: Chosen) -> bool:
        """Whether whoever `other` names is named here too."""
        pairs = ((self.feeders, other.feeders), (self.tags, other.tags), (self.miners, other.miners))
        return all(set(theirs) <= set(ours) for ours, theirs in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a limit is measured: what, where (a feeder or a meter), as a mean of how long, and what is tolerated."""

    quantity: str = "import"  # import | consumption
    at: str = "site"
    over_s: float | None = None  # None: the meter's window
    aligned: bool = False
    tolerance: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an order bears upon, where that is not simply the site at its billing meter."""

    targets: Chosen = Chosen()
    exempt: Chosen = Chosen()
    sources: tuple[str, ...] = ()  # exempt supply, by meters
    at: str = "site"
    quantity: str = "import"

    def is_where(self, other: Scope) -> bool:
        """Whether the other is measured at the same meter: house loads may be compared."""
        return (self.targets, self.at) == (other.targets, other.at)

    def counts_as(self, other: Scope) -> bool:
        """Whether the same kW count for the other: what a limit was reckoned from is as good for it."""
        return self.is_where(other) and (self.sources, self.quantity) == (other.sources, other.quantity)


SITE_SCOPE = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One revision of an order. `document` is the parsed JSON: equal documents are equal orders."""

    order_id: str
    revision: int
    issuer: str
    order_class: str
    status: str  # issued | cancelled
    limit: Limit | None = None  # None only where it is cancelled
    site: str | None = None
    issued_at: datetime | None = None
    priority: int = 100
    starts_at: datetime | None = None  # None: first receipt
    ends_at: datetime | None = None  # None: until revoked
    targets: Chosen = Chosen()
    exempt: Chosen = Chosen()
    sources: tuple[str, ...] = ()
    measure: Measure = Measure()
    comply_by_s: int = 300
    ramp_kw_per_min: float | None = None
    restore_kw_per_min: float | None = None
    lead: bool = True  # shedding may begin before the start, as early as the ramp makes necessary
    randomize_s: float = 0.0
    mandatory: bool = True  # False: an offer
    test: bool = False  # everything but the commands
    resume: str = "auto"  # auto | operator | issuer
    supersedes: tuple[str, ...] = ()
    on_silence: Failsafe | None = None
    doubts: tuple[str, ...] = ()  # where the document says one thing twice, and differently
    document: Mapping[str, Any] = field(default_factory=dict)
    signed: Jws | None = None  # as received, not yet checked
    scope: Scope = field(init=False, repr=False, compare=False)  # what it bears upon
    is_of_site: bool = field(init=False, repr=False, compare=False)  # that is the site at its billing meter

    def __post_init__(self) -> None:
        """Work out once what hundreds of orders are asked for in each look."""
        at, quantity = self.measure.at, self.measure.quantity
        scope = Scope(targets=self.targets, exempt=self.exempt, sources=self.sources, at=at, quantity=quantity)
        object.__setattr__(self, "scope", scope)
        object.__setattr__(self, "is_of_site", scope == SITE_SCOPE)

    @property
    def is_cancel(self) -> bool:
        """Whether it takes an order back."""
        return self.status == "cancelled"

    def rank(self) -> tuple[int, int, str]:
        """Return what names the binding order among equal limits: class, priority, id."""
        return CLASSES.index(self.order_class), self.priority, self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a document changes nothing: a code of the contract, and a sentence."""

    code: str
    reason: str = ""
    order_id: str | None = None
    revision: int | None = None
    issuer: str | None = None
    order_class: str | None = None


def same_document(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents say the same, in whatever order; `true` is not `1`."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
