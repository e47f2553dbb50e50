"""Facts of outlets: what was cut and given back, and what one is seen to be."""

from __future__ import annotations

from msgspec import field

from agent.facts.fact import Fact


class OutletSwitched(Fact, frozen=True):
    """We mean an outlet to be off, or on again: written before it is told. `why` names who did not obey, if any."""

    outlet: str
    on: bool
    miners: list[str]  # behind it
    why: str
    orders: list[str] = field(default_factory=list)  # whose evidence this belongs to


class OutletSeen(Fact, frozen=True):
    """An outlet says something else than before: what is behind one that is off draws nothing."""

    outlet: str
    on: bool | None = None  # None: it says nothing any more
    orders: list[str] = field(default_factory=list)


OutletFact = OutletSwitched | OutletSeen
