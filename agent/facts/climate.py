"""Facts of the climate: machines that are too hot, loops that may freeze."""

from __future__ import annotations

from msgspec import field

from agent.facts.fact import Fact


class HeatSeen(Fact, frozen=True):
    """Machines became too hot, or cool again. Who is hot gives up power first among its equals, and is not raised."""

    hot: list[str] = field(default_factory=list)
    cool: list[str] = field(default_factory=list)
    ambient_c: float | None = None  # no warmer than this


class FrostSeen(Fact, frozen=True):
    """Loops of hydro and immersion machines may freeze now, or no longer: meanwhile what is behind them is not cut."""

    frost: bool
    machines: int  # with a loop
    ambient_c: float | None = None  # None: nobody tells it


ClimateFact = HeatSeen | FrostSeen
