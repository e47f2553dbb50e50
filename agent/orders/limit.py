"""The five limits that an order can set, and what each allows at an instant (contract 4). 0 is a limit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from agent.values import Watts

BaseName = Literal["before", "connection", "peak_12m"]
"""The draw before the order came, the site's connection, or the highest interval mean of twelve months."""
Base = BaseName | Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """No target hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxImport:
    """The meter shows at most `power_w`; 0 is a limit."""

    power_w: Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """Less by `by_w` than a base that is evaluated once."""

    by_w: Watts
    base: Base = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """The share of a base, evaluated once, that may remain."""

    share: float
    base: Base = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """A limit that changes with time: none before the first point, the last holds on. `powers_w` None is no limit."""

    times: tuple[datetime, ...]  # rising
    powers_w: tuple[Watts | None, ...]
    linear: bool = False

    def allowed(self, at: datetime) -> Watts | None:
        """Return the limit at an instant; a linear one has no slope from or to a point without limit."""
        place = bisect_right(self.times, at)
        if place == 0:
            return None
        before_w = self.powers_w[place - 1]
        after_w = self.powers_w[place] if place < len(self.times) else None
        if not self.linear or before_w is None or after_w is None:
            return before_w
        share = (at - self.times[place - 1]) / (self.times[place] - self.times[place - 1])
        return before_w + (after_w - before_w) * share

    def within(self, first: datetime, last: datetime) -> Watts | None:
        """Return the least limit of a stretch: by which of two clocks it is, is not known."""
        inside = self.powers_w[bisect_right(self.times, first) : bisect_right(self.times, last)]
        known = [limit for limit in (self.allowed(first), self.allowed(last), *inside) if limit is not None]
        return min(known, default=None)

    def place(self, at: datetime) -> int:
        """Return how many points have passed."""
        return bisect_right(self.times, at)

    def most(self, first: datetime, last: datetime) -> Watts | None:
        """Return the greatest limit of a stretch, None where there was an instant without one."""
        inside = self.powers_w[bisect_right(self.times, first) : bisect_right(self.times, last)]
        told = [self.allowed(first), self.allowed(last), *inside]
        known = [limit for limit in told if limit is not None]
        return max(known) if len(known) == len(told) else None

    def after(self, at: datetime) -> Iterator[tuple[datetime, Watts]]:
        """Yield the points that are still to come and limit something."""
        place = self.place(at)
        for when, power_w in zip(self.times[place:], self.powers_w[place:], strict=True):
            if power_w is not None:
                yield when, power_w

    def next_point(self, at: datetime) -> datetime | None:
        """Return when the next point comes."""
        place = self.place(at)
        return self.times[place] if place < len(self.times) else None


Limit = Stop | MaxImport | Reduce | Fraction | Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What was fixed when the order came: the house load of a stop, its standby or the base of a reduction."""

    house_w: Watts | None = None
    base_w: Watts | None = None


def cap_w(limit: Limit | None, basis: Basis, *, margin: float, first: datetime, last: datetime) -> Watts | None:
    """Return what a limit allows at the meter, from `first` to `last` by which the clocks differ; None: nothing."""
    base_w = basis.base_w or 0.0
    match limit:
        case MaxImport(power_w=power_w):
            return power_w
        case Stop():
            return round(((basis.house_w or 0.0) + base_w) * (1 + margin), 1)
        case Reduce(by_w=by_w):
            return round(max(0.0, base_w - by_w), 1)
        case Fraction(share=share):
            return round(base_w * share, 1)
        case Trajectory():
            return limit.within(first, last)
        case None:
            return None


def least(limit: Limit | None, basis: Basis) -> Watts | None:
    """Return the least that a limit allows over its whole life, None where it is none."""
    if isinstance(limit, Trajectory):
        return min((power_w for power_w in limit.powers_w if power_w is not None), default=None)
    always = datetime.min.replace(tzinfo=UTC)
    return cap_w(limit, basis, margin=0.0, first=always, last=always)


def base_of(limit: Limit | None) -> Base | None:
    """Return which base a limit is reckoned from."""
    return limit.base if isinstance(limit, Reduce | Fraction) else None


def may_allow_more(old: Limit | None, new: Limit | None) -> bool:
    """Whether a limit may allow more at some instant than the one that it follows; in doubt it may."""
    match old, new:
        case (None, _) | (_, Stop()):
            return False
        case MaxImport(power_w=before), MaxImport(power_w=after):
            return after > before
        case Reduce(by_w=before, base=base), Reduce(by_w=after, base=other):
            return base != other or after < before
        case Fraction(share=before, base=base), Fraction(share=after, base=other):
            return base != other or after > before
        case MaxImport(power_w=before), Trajectory():
            return any(after is None or after > before for after in new.powers_w)
        case _:
            return old != new
