"""What a decision is made from beside the machines: how the farm is run, what binds, what the shell knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.planning.headroom import Gauges
from agent.planning.part import Part
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the farm is run, whatever binds."""

    margin: float = 0.01
    reserve_unreachable: float = 1.0
    blind_s: float = 120.0
    restore_w_per_s: float = 500_000 / 60
    shed_w_per_s: float | None = None  # bound on what may not step
    max_step_w: Watts | None = None
    rotation: int = 0  # shifts the order of ids among equals


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What binds now at the site's meter, over all orders and the connection."""

    cap_w: Watts | None = None
    order: str | None = None  # whose limit it is
    stop: bool = False  # no machine may hash
    law: bool = False  # a law binds: lost machines count in full
    may_step: bool = False  # law, grid emergency or the connection: shedding needs no ramp
    shed_w_per_s: float | None = None  # the ramp of the order that binds
    restore_w_per_s: float | None = None
    lasts: bool = False  # for so long that the farm may lose its power meanwhile
    parts: tuple[Part, ...] = ()  # limits on some of the machines, or that leave some out

    def order_of(self, cap_w: Watts | None) -> str | None:
        """Return the order whose limit this cap is, None where it is the connection's or there is none."""
        limits = [(self.cap_w, self.order), *((part.cap_w, part.key) for part in self.parts if part.is_of_site)]
        return next((order for own_w, order in limits if own_w is not None and own_w == cap_w), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the shell knows beside the machines."""

    now: float  # monotonic seconds
    gauges: Gauges = field(default_factory=Gauges)
    proved: bool = True  # two poll rounds are over, or everybody was heard
    may_raise: bool = True  # intent can be written
