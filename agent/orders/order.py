"""An order as a value: who demands what of the site's draw, under which class, from when until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent.values import Watts

CLASSES = ("law", "grid_emergency", "contract", "market", "operator")
"""From the strongest to the weakest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """No target hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxImport:
    """The billing meter shows at most `power_w`; 0 is a limit."""

    power_w: Watts


Limit = Stop | MaxImport


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
    comply_by_s: int = 300
    ramp_kw_per_min: float | None = None
    restore_kw_per_min: float | None = None
    resume: str = "auto"  # auto | operator | issuer
    document: Mapping[str, Any] = field(default_factory=dict)

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

    @property
    def text(self) -> str:
        """Return `code` or `code: sentence`."""
        return f"{self.code}: {self.reason}" if self.reason else self.code


def loosens(old: Order, new: Order) -> bool:
    """Whether the new revision asks for less than the old anywhere."""
    if new.is_cancel:
        return not old.is_cancel
    if old.is_cancel:
        return False
    return _limit_loosens(old.limit, new.limit) or _time_loosens(old, new) or _resume_loosens(old, new)


def _limit_loosens(old: Limit | None, new: Limit | None) -> bool:
    match old, new:
        case Stop(), MaxImport():
            return True
        case MaxImport(power_w=before), MaxImport(power_w=after):
            return after > before
        case _:
            return False


def _time_loosens(old: Order, new: Order) -> bool:
    ends_sooner = new.ends_at is not None and (old.ends_at is None or new.ends_at < old.ends_at)
    starts_later = new.starts_at is not None and (old.starts_at is None or new.starts_at > old.starts_at)
    return ends_sooner or starts_later


def _resume_loosens(old: Order, new: Order) -> bool:
    strength = {"auto": 0, "operator": 1, "issuer": 2}
    return strength[new.resume] < strength[old.resume] or new.comply_by_s > old.comply_by_s
