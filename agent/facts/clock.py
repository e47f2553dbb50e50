"""What befell civil time, and which run of the host it is."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agent.facts.fact import Fact


class ClockUnset(Fact, frozen=True):
    """The host began anew, and nobody has set its clock since: what ended meanwhile is held until it is trusted."""

    orders: list[str] = msgspec.field(default_factory=list)  # those open then


class ClockStepped(Fact, frozen=True):
    """Civil time moved against monotonic time by `step_s`; two clocks count until one is trusted."""

    step_s: float
    orders: list[str] = msgspec.field(default_factory=list)  # those open then


class ClockTrusted(Fact, frozen=True):
    """The host's clock is taken for right again: the step was confirmed, by time or a hand, or went back."""

    orders: list[str] = msgspec.field(default_factory=list)
    by: str | None = None  # the hand; None: ten minutes did, or it went back


class HostRan(Fact, frozen=True):
    """A run of the host, by the id of its boot, began at `began_at` by a clock that was trusted."""

    boot: str
    began_at: datetime


ClockFact = ClockUnset | ClockStepped | ClockTrusted | HostRan
