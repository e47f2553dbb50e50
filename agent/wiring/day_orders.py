"""What limits a day to come beside the site's own cap: feeders, and orders upon some machines or with some exempt."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.control.controller import Controller
from agent.fleet.power import BELIEF_MARGIN
from agent.fleet.view import Flags
from agent.orders.foreseen import Foreseen
from agent.orders.order import SITE_SCOPE
from agent.values import Moment, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One limit: whom it may lower, who only counts, and what it allows by intervals. A stop allows nobody to hash."""

    orders: tuple[str, ...]
    stop: bool
    commanded: Flags
    exempt: Flags
    feeder: int | None  # its place in the tree where it is measured there
    whole: bool  # measured where the site is
    caps_w: tuple[Watts | None, ...]

    def told(self, feeders: Sequence[str], measured: Beside) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "orders": list(self.orders),
            "feeder": None if self.feeder is None else feeders[self.feeder],
            "stop": self.stop,
            "caps_w": list(self.caps_w),
            "fixed_w": measured.fixed_w,
            "factor": measured.factor,
        }


def parts_of(found: Sequence[Foreseen], controller: Controller, now: Moment) -> Generator[None, None, list[Part]]:
    """Return the limits that are not simply the site's cap, yielding after each; what names nobody here is left out."""
    parts = list[Part]()
    for one in found:
        part = _part(one, controller, now)
        parts += [] if part is None else [part]
        yield
    return parts


def _part(one: Foreseen, controller: Controller, now: Moment) -> Part | None:
    count = len(controller.parts.fleet)
    everybody, nobody = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    if one.scope == SITE_SCOPE:
        if not one.stop:
            return None
        return Part(
            orders=one.orders,
            stop=True,
            commanded=everybody,
            exempt=nobody,
            feeder=None,
            whole=True,
            caps_w=one.caps_w,
        )
    scopes = controller.scopes
    if scopes.lacks(one.scope):
        return None
    place = scopes.place(one.scope)
    offset_w = scopes.offset_w(one.scope, now) if place.whole else 0.0
    return Part(
        orders=one.orders,
        stop=one.stop,
        commanded=place.commanded,
        exempt=nobody if one.stop else (everybody if place.whole else place.targets) & ~place.commanded,
        feeder=place.feeder,
        whole=place.whole,
        caps_w=tuple(None if cap_w is None else cap_w + offset_w for cap_w in one.caps_w),
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """What is measured somewhere beside machines that may be moved, in W, and what a W of those counts there."""

    fixed_w: Watts
    factor: float


def beside(still_w: Watts, all_w: Watts, shown_w: Watts | None) -> Beside:
    """Return it of machines that are not moved, and all, by their beliefs, and what a meter shows there.

    Where there is no meter, machines' figures count with their margin.
    """
    if shown_w is None:
        return Beside(BELIEF_MARGIN * still_w, BELIEF_MARGIN)
    return Beside(still_w + max(0.0, shown_w - all_w), 1.0)
