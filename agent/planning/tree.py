"""The feeder tree as planning reads it: caps and ramps by place, and what flows through each feeder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agent.fleet.view import Flags, FleetView, Floats
from agent.values import Watts

SITE = 0
"""The root's position in the feeder tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The feeders as arrays, the site first, each after its parent; caps inf where there is none."""

    parent: tuple[int, ...] = (-1,)
    cap_w: tuple[Watts, ...] = (float("inf"),)
    ramp_w_per_s: tuple[float, ...] = (float("inf"),)

    def below(self, view: FleetView, feeder: int) -> Flags:
        """Return which miners hang below this feeder."""
        below: Flags = self.inside(feeder)[view.feeder]
        return below

    def inside(self, feeder: int) -> Flags:
        """Return which feeders are this one or below it."""
        inside = np.zeros(len(self.parent), np.bool_)
        inside[feeder] = True
        for position in range(feeder + 1, len(self.parent)):
            inside[position] |= inside[self.parent[position]]
        return inside

    def sums(self, view: FleetView, column: Floats) -> Floats:
        """Add a column up below each feeder."""
        sums = np.bincount(view.feeder, weights=column, minlength=len(self.parent)).astype(np.float64)
        for position in range(len(self.parent) - 1, SITE, -1):
            sums[self.parent[position]] += sums[position]
        return sums

    def flows(self, view: FleetView, told: Floats, measured: Mapping[int, Watts], metered: Metered) -> Floats:
        """Return what flows through each feeder: by its meter, else by what is told of its machines and flows below."""
        flows = np.bincount(view.feeder, weights=told, minlength=len(self.parent)).astype(np.float64)
        changes, least = self.sums(view, metered.changes), self.sums(view, metered.least)
        for position in range(len(self.parent) - 1, SITE, -1):
            if position in measured:
                flows[position] = max(measured[position] + changes[position], least[position])
            flows[self.parent[position]] += flows[position]
        return flows


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a feeder's meter does not show yet, and the least that flows whatever it shows, W by miner."""

    changes: Floats
    least: Floats
